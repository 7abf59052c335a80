// The fill against a naive twin that stores whole permutations, and the rules around it: order, states, weights, sizes, policies, texts.

import t from 'tap'
import fc from 'fast-check'
import {
  addressFromBytes, backendKey, buildTable, canonicalAddress, chooseTableSize, defaultSeed, effectiveState, fillEvenly, fillWeighted,
  isPrime, mappedBytes, movedShare, murmur3x64128, parseAddress, parseRunLength, permutationOf, protocols, remainder64, runLengthText,
  smallestTableSize, supportedTableSizes, TableFiller, tableWarnings, usableBackends, weightedTurns, weightsCount
} from '../../lib/maglev/index.ts'
import type { Release, TableBackend } from '../../lib/maglev/index.ts'
import { createRandom } from '../../lib/traffic/index.ts'

const run = { seed: 20250801, numRuns: 60 }
t.comment(`property tests: seed ${run.seed}`)

/** as the rule is written down: whole permutations, counters in an array of records, one slot per turn */
function naiveTable (m: number, backends: readonly TableBackend[], murmurSeed: number, release: Release): number[] {
  const keyed = backends.map(backend => ({ ...backend, key: Buffer.from(backendKey(backend, release)) }))
  const sorted = keyed.sort((a, b) => a.key.compare(b.key))
  const state = sorted.map(backend => {
    const { offset, skip } = permutationOf(backend.key.toString(), murmurSeed, m)
    return {
      id: backend.id,
      weight: backend.weight,
      next: 0,
      counter: backend.weight / sorted.length,
      permutation: Array.from({ length: m }, (_, j) => (offset + j * skip) % m)
    }
  })
  const total = state.reduce((sum, { weight }) => sum + weight, 0)
  const weighted = release !== '1.9-1.12' && Math.floor(total / state.length) > 1
  const table = new Array<number>(m).fill(-1)
  for (let n = 0; n < m; n++) {
    let i = n % state.length
    const waits = ({ weight, counter }: { weight: number, counter: number }): boolean => weighted && (n + 1) * weight < Math.floor(counter)
    while (waits(state[i] ?? { weight: 1, counter: 0 })) i = (i + 1) % state.length
    const chosen = state[i]
    if (chosen === undefined) throw new Error('no backend')
    chosen.counter += total
    while (table[chosen.permutation[chosen.next] ?? -1] !== -1) chosen.next++
    table[chosen.permutation[chosen.next] ?? -1] = chosen.id
  }
  return table
}

const anyAddress = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  fc.array(fc.constantFrom(0, 0, 0, 1, 0xff), { minLength: 16, maxLength: 16 }).map(bytes => Uint8Array.from(bytes))
).map(addressFromBytes)
const anyBackends = (maximum: number): fc.Arbitrary<TableBackend[]> => fc.array(fc.record({
  address: anyAddress.map(address => address.text),
  port: fc.integer({ min: 1, max: 65535 }),
  protocol: fc.constantFrom(...protocols),
  weight: fc.oneof(fc.constant(100), fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 65535 }))
}), { minLength: 1, maxLength: maximum }).map(list => list.map((backend, index) => ({ ...backend, id: 1000 + index })))

t.test('the table is the naive twin\'s', async t => {
  const release = fc.constantFrom<Release>('1.9-1.12', '1.13-1.16', '1.17+')
  const prime = fc.constantFrom(2, 3, 7, 13, 53, 251, 509)
  const seed = fc.integer({ min: 0, max: 0xffffffff })
  fc.assert(fc.property(prime, anyBackends(24), seed, release, (m, backends, murmur, release) => {
    const table = buildTable(m, backends, { ...defaultSeed(), murmur }, release)
    return table !== null && runLengthText(table.ids) === runLengthText(Uint32Array.from(naiveTable(m, backends, murmur, release)))
  }), run)
  for (const n of [1, 2, 5, 111, 250, 251, 252]) {
    const backends = Array.from({ length: n }, (_, i): TableBackend => ({ id: i, address: `10.1.${i >> 8}.${i & 255}`, port: 80, protocol: 'TCP', weight: 1 + i % 7 }))
    t.strictSame([...buildTable(251, backends, defaultSeed(), '1.17+')?.ids ?? []], naiveTable(251, backends, defaultSeed().murmur, '1.17+'), `N=${n}`)
  }
  t.equal(buildTable(251, [], defaultSeed(), '1.17+'), null, 'N=0: no table')
  t.throws(() => buildTable(252, [], defaultSeed(), '1.17+'), /not prime/)
  t.strictSame([...fillEvenly(7, [{ offset: 3, skip: 4 }, { offset: 0, skip: 2 }, { offset: 3, skip: 1 }])], [1, 0, 1, 0, 2, 2, 0], 'the paper\'s example')
})

t.test('the order of backends does not matter, equal weights are no weights, counts add up', async t => {
  fc.assert(fc.property(anyBackends(20), fc.infiniteStream(fc.nat()), (backends, numbers) => {
    const unique = [...new Map(backends.map(backend => [backendKey(backend, '1.17+'), backend])).values()]
    const order = new Map(unique.map(backend => [backend, numbers.next().value ?? 0]))
    const shuffled = [...unique].sort((one, other) => (order.get(one) ?? 0) - (order.get(other) ?? 0))
    const build = (list: readonly TableBackend[]): string => {
      const table = buildTable(251, list, defaultSeed(), '1.17+')
      const total = [...table?.counts.values() ?? []].reduce((sum, count) => sum + count, 0)
      return total === 251 && table?.counts.size === list.length ? runLengthText(table.ids) : 'counts do not add up'
    }
    const even = (weight: number): TableBackend[] => unique.map(backend => ({ ...backend, weight }))
    return build(unique) === build(shuffled) && build(even(1)) === build(even(250)) && build(even(1)) !== 'counts do not add up'
  }), run)
})

t.test('states: active, else terminating; quarantined, maintenance and weight 0 never', async t => {
  const backend = (state: Parameters<typeof effectiveState>[0]['state'], more: { weight?: number, preferred?: boolean } = {}) => ({ state, weight: 100, ...more })
  const states = (...list: ReturnType<typeof backend>[]): number[] => usableBackends(list).map(one => list.indexOf(one))
  t.strictSame(states(backend('terminating'), backend('active'), backend('quarantined')), [1])
  t.strictSame(states(backend('terminating'), backend('quarantined'), backend('terminating-not-serving'), backend('maintenance')), [0])
  t.strictSame(states(backend('active', { weight: 0 }), backend('terminating')), [1])
  t.strictSame(states(backend('active'), backend('active', { preferred: true }), backend('terminating', { preferred: true })), [1])
  t.strictSame(states(backend('quarantined'), backend('maintenance')), [])
  t.strictSame(states(), [])
})

t.test('weights count from an integer average of 2', async t => {
  t.strictSame([weightsCount([1, 2]), weightsCount([2, 1, 2]), weightsCount([2, 2]), weightsCount([3, 1]), weightsCount([])],
    [false, false, true, true, false])
})

t.test('table sizes and policies', async t => {
  for (const m of supportedTableSizes) t.ok(isPrime(m), `${m} is prime`)
  t.strictSame([0, 1, 2, 4, 9, 16381.5].map(isPrime), [false, false, true, false, false, false])
  t.strictSame([0, 251, 252, 131071, 131072].map(smallestTableSize), [251, 251, 509, 131071, 131071])
  const policy = { perService: { perBackend: 100 } }
  const steps: [current: number | null, n: number, m: number, grownFrom: number | null, capped: boolean][] = [
    [null, 1, 251, null, false], [null, 3, 509, null, false], [null, 10, 1021, null, false], [null, 11, 2039, null, false],
    [1021, 11, 1021, null, false], [1021, 20, 1021, null, false], [1021, 21, 4093, 1021, false], [4093, 1, 4093, null, false],
    [4093, 0, 4093, null, false], [null, 1310, 131071, null, false], [null, 1311, 131071, null, true], [65521, 1310, 65521, null, false],
    [65521, 1311, 131071, 65521, true], [131071, 9999, 131071, null, true]
  ]
  for (const [current, n, m, grownFrom, capped] of steps) {
    t.strictSame(chooseTableSize(policy, current, n), { m, grownFrom, capped }, `M=${current}, N=${n}`)
  }
  t.strictSame(chooseTableSize({ fixed: 16381 }, 251, 9999), { m: 16381, grownFrom: null, capped: false })
})

t.test('warnings', async t => {
  const codes = (m: number, weights: number[], release: Release = '1.17+', capped = false): string[] =>
    tableWarnings({ m, grownFrom: null, capped }, weights, release).map(warning => warning.code)
  t.strictSame(codes(16381, new Array<number>(163).fill(100)), [])
  t.strictSame(codes(16381, new Array<number>(164).fill(100)), ['few-slots-per-backend'])
  t.strictSame(codes(251, new Array<number>(252).fill(100)), ['more-backends-than-slots'])
  t.strictSame(codes(251, [1, 2]), ['weights-ignored'])
  t.strictSame(codes(251, [50, 100], '1.9-1.12'), ['weights-ignored'])
  t.strictSame(codes(131071, new Array<number>(1311).fill(100), '1.17+', true), ['table-size-capped'])
  t.strictSame(codes(251, []), [])
})

t.test('moved flows', async t => {
  const build = (m: number, n: number) => buildTable(m, Array.from({ length: n }, (_, i): TableBackend =>
    ({ id: i + 1, address: `10.0.0.${i}`, port: 80, protocol: 'TCP', weight: 1 })), defaultSeed(), '1.17+')
  const [small, large] = [build(1021, 10), build(2039, 11)]
  if (small === null || large === null) throw new Error('no table')
  let differ = 0
  for (let hash = 0; hash < 1021 * 2039; hash++) if (small.ids[hash % 1021] !== large.ids[hash % 2039]) differ++
  t.ok(Math.abs(movedShare(small, large) - differ / (1021 * 2039)) < 1e-12, 'all residue pairs counted')
  t.equal(movedShare(small, small), 0)
  t.equal(movedShare(null, small), 1)
  t.equal(movedShare(null, null), 0)
  const without = build(1021, 9)
  t.equal(movedShare(small, without), [...small.ids].filter((id, slot) => id !== without?.ids[slot]).length / 1021)
})

t.test('addresses: text and bytes are inverse, other texts are refused', async t => {
  fc.assert(fc.property(anyAddress, address => {
    const again = parseAddress(address.text)
    return again?.family === address.family && Buffer.compare(again.bytes, address.bytes) === 0 && again.text === address.text
  }), { ...run, numRuns: 400 })
  for (const bad of ['', ' ', '10.0.0', '10.0.0.256', '010.0.0.1', '10.0.0.1 ', '1.2.3.4.5', '0x7f.0.0.1', ':', ':::', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8', 'fe80::1%eth0', '12345::', '::1.2.3', '1.2.3.4::', '::1.2.3.4:5', 'fd00::/64', ':1:2:3:4:5:6:7', 'g::']) {
    t.equal(parseAddress(bad), null, JSON.stringify(bad))
  }
  t.equal(canonicalAddress('64:FF9B::1.2.3.4'), '64:ff9b::102:304')
  const mapped = parseAddress('10.0.0.1')
  t.equal(mapped === null ? '' : addressFromBytes(mappedBytes(mapped)).text, '::ffff:10.0.0.1')
})

t.test('run-length text and its inverse', async t => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 40 }), slots => {
    const ids = Uint32Array.from(slots)
    const again = parseRunLength(runLengthText(ids), 40)
    return again !== null && Buffer.compare(Buffer.from(again.buffer), Buffer.from(ids.buffer)) === 0
  }), run)
  t.equal(runLengthText(Uint32Array.of(2, 2, 3, 0xffffffff)), '2(2),3(1),4294967295(1)')
  for (const bad of ['2', '2(0)', '2(1),', '4294967296(1)', 'x(1)', '1(41)', '1(20),2(21)']) t.equal(parseRunLength(bad, 40), null, bad)
})

t.test('u64 remainders', async t => {
  const u32 = fc.integer({ min: 0, max: 0xffffffff })
  fc.assert(fc.property(u32, u32, fc.integer({ min: 1, max: 5_000_011 }), (high, low, divisor) =>
    BigInt(remainder64(high, low, divisor)) === ((BigInt(high) << 32n) | BigInt(low)) % BigInt(divisor)), { ...run, numRuns: 300 })
  t.not(murmur3x64128('ä', 0).h1Low, murmur3x64128('a', 0).h1Low, 'text is hashed as UTF-8')
})

t.test('a filler that is used again gives what a new one gives', async t => {
  const random = createRandom(run.seed)
  for (const m of [2, 251, 1021]) {
    const filler = new TableFiller(m)
    for (const count of [3, 40, 1, 300, 2]) {
      const permutations = Array.from({ length: count }, () => ({ offset: random.below(m), skip: 1 + random.below(m - 1) }))
      const weights = permutations.map(() => 1 + random.below(200))
      const [slots, order] = [new Int32Array(m), new Int32Array(m)]
      weightedTurns(weights, count, order)
      for (const [turns, expected] of [[null, fillEvenly(m, permutations)], [order, fillWeighted(m, permutations, weights)]] as const) {
        filler.reserve(count)
        permutations.forEach(({ offset, skip }, index) => filler.set(index, offset, skip, index + 7))
        filler.fill(slots, count, turns)
        t.same(slots.map(owner => owner - 7), expected, `M ${m}, N ${count}, ${turns === null ? 'even' : 'weighted'}`)
      }
    }
  }
})
