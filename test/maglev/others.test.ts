// Tables of Katran and Envoy, by values that their own tests pin, and hashes by those of xxhsum.

import t from 'tap'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { envoyTable, katranEntry, katranHash, katranPermutation, katranRing, lookup3, parseAddress, xxh64 } from '../../lib/maglev/index.ts'
import type { KatranEndpoint, KatranVersion } from '../../lib/maglev/index.ts'

interface Others {
  katran: {
    permutations: [hash: number, offset: number, skip: number][]
    hashes: Record<string, string>
    flows: [source: string, sourcePort: number, vipPort: number, real: string][]
    rings: [version: KatranVersion, endpoints: [num: number, weight: number, hash: number][], ring: number[]][]
  }
  envoy: { m: number, keys: string[], weights: number[], table: number[] }[]
}

const others = JSON.parse(readFileSync(new URL('others.json', import.meta.url), 'utf8')) as Others

const endpoints = (count: number, weight: number): KatranEndpoint[] =>
  Array.from({ length: count }, (_, index) => ({ num: index, weight, hash: BigInt(index) }))
const differing = (one: Int32Array, other: Int32Array): number => one.reduce((sum, num, place) => sum + (num === other[place] ? 0 : 1), 0)

function shares (ring: Int32Array): number[] {
  const counts = new Map<number, number>()
  for (const num of ring) counts.set(num, (counts.get(num) ?? 0) + 1)
  return [...counts.values()].sort((one, other) => one - other)
}

t.test('katran: hashes, permutations, rings', async (t) => {
  for (const [address, hash] of Object.entries(others.katran.hashes)) t.equal(String(katranHash(address)), hash, address)
  t.equal(katranHash('2001:db8::1'), null, 'the hash of IPv6 addresses is not here')
  for (const [hash, offset, skip] of others.katran.permutations) t.same(katranPermutation(BigInt(hash), 65_537), { offset, skip }, `hash ${hash}`)
  for (const [version, listed, ring] of others.katran.rings) {
    const found = katranRing(listed.map(([num, weight, hash]) => ({ num, weight, hash: BigInt(hash) })), version, ring.length)
    t.same([...found], ring, `version ${version}, ${ring.length} entries`)
  }
  t.same(new Set(katranRing([], 1, 7)), new Set([-1]))
  t.same(new Set(katranRing([{ num: 3, weight: 1, hash: 9n }, { num: 4, weight: 0, hash: 8n }], 2, 7)), new Set([3]), 'a weight of 0 takes one out')
})

t.test('katran: where flows go, as its tests have it', async (t) => {
  const reals = Object.keys(others.katran.hashes)
  for (const version of [1, 2] as const) {
    const ring = katranRing(reals.map((address, num) => ({ num, weight: 1, hash: katranHash(address) ?? 0n })), version)
    for (const [source, sourcePort, vipPort, real] of others.katran.flows) {
      const entry = katranEntry(parseAddress(source)?.bytes ?? new Uint8Array(4), sourcePort, vipPort)
      t.equal(reals[ring[entry] ?? -1], real, `version ${version}: ${source}:${sourcePort} to port ${vipPort}`)
    }
  }
  const pinned = [[123, 234, 345, 456, 2698615579], [0, 0, 0, 0, 459859287], [1, 2, 3, 0, 2757843189]] as const
  for (const [a, b, c, seed, hash] of pinned) t.equal(lookup3([a, b, c], seed), hash, 'as Cilium pins jhash_3words')
})

t.test('katran: what changes move, as its tests have it', async (t) => {
  for (const [version, removed, reweighted, doubled] of [[1, 1009, 17, 109], [2, 1020, 0, 1013]] as const) {
    const ten = katranRing(endpoints(100, 10), version)
    const thirteen = katranRing(endpoints(100, 13), version)
    t.equal(differing(ten, katranRing(endpoints(100, 10).slice(1), version)), removed, `version ${version}: real 0 removed`)
    t.equal(differing(ten, thirteen), reweighted, 'all weights from 10 to 13')
    const first = endpoints(100, 13).map((one) => one.num === 0 ? { ...one, weight: 26 } : one)
    t.equal(differing(thirteen, katranRing(first, version)), doubled, 'one weight from 13 to 26')
  }
  t.equal(differing(katranRing(endpoints(1, 1), 1), katranRing(endpoints(2, 1), 1)), 32_768)
  const spread = shares(katranRing(endpoints(400, 1), 1))
  t.equal((spread.at(-1) ?? 0) - (spread[0] ?? 0), 1)
  const weighted = [2, 1, 1].map((weight, index) => ({ num: index, weight, hash: BigInt(index) }))
  t.same([shares(katranRing(weighted, 1)), shares(katranRing(weighted, 2))], [[21_845, 21_845, 21_847], [16_384, 16_384, 32_769]])
})

t.test('envoy: its pinned tables', async (t) => {
  t.equal(xxh64('', 0n).toString(16), 'ef46db3751d8e999')
  t.equal(xxh64('[2001:db8:1111:2222:3333:4444:5555:6666]:8443', 0n).toString(16), 'eade3f1759b9848c')
  for (const { m, keys, weights, table } of others.envoy) {
    const hosts = keys.map((key, index) => ({ key, weight: weights[index] ?? 1 }))
    t.same([...envoyTable(hosts, m)], table, `M = ${m}, ${keys.join(' ')}, weights ${weights.join(' ')}`)
  }
  // a locality of one host with 127 of 128 parts, one of 1023 hosts with the rest: none goes without a slot
  const lopsided = Array.from({ length: 1024 }, (_, index) => ({ key: `10.0.${index >> 8}.${index & 255}:80`, weight: index === 0 ? 127 * 1023 : 1 }))
  const counts = shares(envoyTable(lopsided))
  t.same([counts.length, counts[0], counts.at(-2), counts.at(-1)], [1024, 1, 1, 64_514])
  t.same([...new Set(envoyTable([], 7))], [-1])
})

t.test('whole tables, whatever the weights', async (t) => {
  const weights = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 20 })
  fc.assert(fc.property(weights, fc.constantFrom(251, 509), (weights, m) => {
    const hosts = weights.map((weight, index) => ({ key: `10.0.0.${index}:80`, weight }))
    const reals = weights.map((weight, index) => ({ num: index, weight, hash: katranHash(`10.0.0.${index}`) ?? 0n }))
    for (const table of [envoyTable(hosts, m), katranRing(reals, 1, m), katranRing(reals, 2, m)]) {
      if (table.some((index) => index < 0 || index >= weights.length)) return false
    }
    const turned = envoyTable(hosts.toReversed(), m)
    return envoyTable(hosts, m).every((index, slot) => index === weights.length - 1 - (turned[slot] as number))
  }), { seed: 7, numRuns: 60 })
  t.pass('full, and the same in any order of hosts')
  for (const build of [() => envoyTable([{ key: 'a', weight: 1 }], 8), () => katranRing(endpoints(2, 1), 1, 8)]) t.throws(build, /prime/)
})
