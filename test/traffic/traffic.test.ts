// Seeded traffic: the same seed gives the same packets in any cut, right to the checksum, spread as the weights say.

import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { buildPacket, etherTypes, formatAddress, parseAddress, parsePacket, parsePrefix, transportNumbers, verifyChecksums } from '../../lib/packet/index.ts'
import {
  comparisonPackets, createRandom, createTrafficGenerator, createWeightedChoice, FLOWS_PER_BLOCK, packetClasses, zipfWeights
} from '../../lib/traffic/index.ts'
import type { ComparisonService, TrafficTarget } from '../../lib/traffic/index.ts'

const seed = 1709
console.log(`# seed ${seed}`)

const address = (text: string): Uint8Array => parseAddress(text) ?? t.bailout(text) as never
const targets: ReadonlyArray<TrafficTarget & { readonly protocol: 'TCP' | 'UDP' }> = [
  { address: address('172.20.0.10'), port: 443, protocol: 'TCP', weight: 3 },
  { address: address('172.20.0.11'), port: 53, protocol: 'UDP', weight: 1 },
  { address: address('fd00::10'), port: 443, protocol: 'TCP', weight: 2 },
  { address: address('fd00::11'), port: 53, protocol: 'UDP', weight: 4 }
]
const withSctp: readonly TrafficTarget[] = [
  ...targets, { address: address('172.20.0.12'), port: 2905, protocol: 'SCTP', weight: 5 }, { address: address('fd00::12'), port: 2905, protocol: 'SCTP', weight: 5 }
]

/** flows [from, to) as packets, by one generator */
function packetsOf (from: number, to: number, options = {}): Uint8Array[] {
  const generator = createTrafficGenerator({ seed, targets, ...options })
  generator.seek(from)
  return Array.from({ length: to - from }, () => {
    const into = new Uint8Array(generator.maximumLength + 7)
    return into.subarray(7, 7 + generator.next(into, 7))
  })
}

const digest = (packets: readonly Uint8Array[]): string => packets.reduce((hash, bytes) => hash.update(bytes), createHash('sha256')).digest('hex')

/** chi-square statistic of counts against shares that sum to 1 */
function chiSquare (counts: readonly number[], shares: readonly number[]): number {
  const total = counts.reduce((sum, count) => sum + count, 0)
  return counts.reduce((sum, count, index) => {
    const expected = total * (shares[index] ?? 0)
    return sum + (count - expected) ** 2 / expected
  }, 0)
}

t.test('random numbers are the seed\'s', async (t) => {
  const draw = (seed: number, stream?: number): number[] => {
    const random = createRandom(seed, stream)
    return Array.from({ length: 1000 }, () => random.below(1000))
  }
  t.same(draw(1), draw(1))
  t.notSame(draw(1), draw(2))
  t.notSame(draw(1, 0), draw(1, 1))
  t.ok(draw(0).every((value) => value >= 0 && value < 1000))
  // neighbouring seeds and streams look unrelated: of 1000 pairs about one is equal
  for (const other of [draw(2), draw(1, 1), draw(1, 2)]) t.ok(draw(1).filter((value, index) => value === other[index]).length < 10)
})

t.test('weighted choice', async (t) => {
  const someWeights = fc.array(fc.nat(20), { minLength: 1, maxLength: 30 }).filter((weights) => weights.some((weight) => weight > 0))
  fc.assert(fc.property(someWeights, (weights) => {
    const random = createRandom(seed)
    const choice = createWeightedChoice(weights)
    const counts = weights.map(() => 0)
    for (let draw = 0; draw < 4000; draw++) counts[choice.pick(random)]! += 1
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    const positive = weights.map((_, index) => index).filter((index) => (weights[index] ?? 0) > 0)
    const statistic = chiSquare(positive.map((index) => counts[index] ?? 0), positive.map((index) => (weights[index] ?? 0) / total))
    // far beyond the 99.99 % quantile for up to 29 degrees of freedom
    return weights.every((weight, index) => weight > 0 || counts[index] === 0) && statistic < 100
  }), { seed, numRuns: 50 })
  t.same(zipfWeights(3, 1), [1, 1 / 2, 1 / 3])
  t.same(zipfWeights(3, 0), [1, 1, 1])
})

t.test('flow k is the same in any cut', async (t) => {
  const whole = packetsOf(0, 3 * FLOWS_PER_BLOCK)
  t.equal(digest(packetsOf(0, 3 * FLOWS_PER_BLOCK)), digest(whole))
  for (const [from, to] of [[1, 2], [500, 1500], [FLOWS_PER_BLOCK, FLOWS_PER_BLOCK + 3], [2047, 2050]] as const) {
    t.equal(digest(packetsOf(from, to)), digest(whole.slice(from, to)), `${from} to ${to}`)
  }
  t.not(digest(packetsOf(0, 100, { seed: seed + 1 })), digest(whole.slice(0, 100)))
})

t.test('generated packets are whole and come from the sources', async (t) => {
  const sources = { 4: parsePrefix('10.32.0.0/11') ?? t.bailout('prefix') as never }
  const packets = packetsOf(0, 2000, { sources, payloadLength: 5, targets: withSctp })
  const flows = new Set<string>()
  let wrong = 0
  for (const bytes of packets) {
    const { network, transport } = parsePacket(bytes)
    const verdict = verifyChecksums(bytes)
    const source = formatAddress(network?.source ?? new Uint8Array(4))
    const inside = network?.family === 4 ? /^10\.(3[2-9]|[45]\d|6[0-3])\./.test(source) : source.startsWith('2001:db8:')
    flows.add(`${source} ${transport?.sourcePort}`)
    if (verdict.network === false || verdict.transport !== true || !inside || (transport?.sourcePort ?? 0) < 1024) wrong++
  }
  t.equal(wrong, 0)
  t.ok(flows.size > 1990, 'hardly any flow twice')
})

t.test('targets get their shares', async (t) => {
  const count = (options: object): number[] => {
    const generator = createTrafficGenerator({ seed, targets, ...options })
    const into = new Uint8Array(generator.maximumLength)
    const counts = targets.map(() => 0)
    for (let flow = 0; flow < 20_000; flow++) {
      generator.next(into, 0)
      counts[generator.lastTarget()]! += 1
    }
    return counts
  }
  // 99.9 % quantile for 3 degrees of freedom
  t.ok(chiSquare(count({}), [0.3, 0.1, 0.2, 0.4]) < 16.3)
  const skewed = [3, 1 / 2, 2 / 3, 4 / 4]
  const total = skewed.reduce((sum, weight) => sum + weight, 0)
  t.ok(chiSquare(count({ zipfExponent: 1 }), skewed.map((weight) => weight / total)) < 16.3)
})

t.test('the same packets as the builder\'s', async (t) => {
  const met = new Set<string>()
  for (const bytes of packetsOf(0, 40, { targets: withSctp })) {
    const { network, transport } = parsePacket(bytes)
    const target = withSctp.find((target) => formatAddress(target.address) === formatAddress(network?.destination ?? new Uint8Array(4)))
    met.add(target?.protocol ?? '')
    t.same(bytes, buildPacket({
      source: network?.source ?? new Uint8Array(4),
      destination: target?.address ?? new Uint8Array(4),
      protocol: transportNumbers[target?.protocol ?? 'TCP'],
      sourcePort: transport?.sourcePort ?? 0,
      destinationPort: target?.port ?? 0
    }))
  }
  t.same([...met].sort(), ['SCTP', 'TCP', 'UDP'])
})

const services: readonly ComparisonService[] = [
  ...targets,
  { address: address('172.20.0.12'), port: 80, protocol: 'TCP', empty: true },
  { address: address('fd00::12'), port: 80, protocol: 'TCP', empty: true }
]

t.test('the mix for comparisons', async (t) => {
  const mix = comparisonPackets(seed, 600, services)
  t.equal(mix.packets.length, 600)
  const mixDigest = (seed: number): string => digest(comparisonPackets(seed, 600, services).packets.map(({ bytes }) => bytes))
  t.equal(mixDigest(seed), mixDigest(seed))
  t.not(mixDigest(seed), mixDigest(seed + 1))
  const of = (wanted: string): Uint8Array[] => mix.packets.filter(({ packetClass }) => packetClass === wanted).map(({ bytes }) => bytes)
  for (const packetClass of packetClasses) {
    t.equal(of(packetClass).length, mix.counts[packetClass])
    t.ok(mix.counts[packetClass] >= 12, packetClass)
  }
  const hits = ['tcp', 'udp', 'vlan', 'ipv4-options', 'udp-without-checksum', 'wrong-checksum'].flatMap(of)
  t.ok(hits.length >= 360, 'at least 60 % hit a service')
  const familyOf = (bytes: Uint8Array): number | undefined => parsePacket(bytes).network?.family
  t.ok(hits.filter((bytes) => familyOf(bytes) === 4).length > 100 && hits.filter((bytes) => familyOf(bytes) === 6).length > 100)

  const every = (wanted: string, holds: (bytes: Uint8Array) => boolean): void => { t.ok(of(wanted).every(holds), wanted) }
  every('vlan', (bytes) => parsePacket(bytes).vlans.length === 1)
  every('two-vlans', (bytes) => parsePacket(bytes).vlans.length === 2)
  every('ipv4-options', (bytes) => (parsePacket(bytes).network?.headerLength ?? 0) > 20)
  every('udp-without-checksum', (bytes) => parsePacket(bytes).transport?.checksum === 0)
  every('wrong-checksum', (bytes) => verifyChecksums(bytes).transport === false)
  every('truncated', (bytes) => bytes.length >= 14 && parsePacket(bytes).transport === null)
  every('other-ethertype', (bytes) => ![etherTypes.ipv4, etherTypes.ipv6].some((type) => type === parsePacket(bytes).etherType))
  every('fragment', (bytes) => parsePacket(bytes).network?.isFragment === true)
  const empty = services.filter(({ empty }) => empty === true).map(({ address }) => formatAddress(address))
  every('empty-service', (bytes) => empty.includes(formatAddress(parsePacket(bytes).network?.destination ?? new Uint8Array(4))))
  every('bad-header', (bytes) => parsePacket(bytes).network === null)
})
