// The tables, hashes, seeds and addresses of real Cilium releases: the committed vectors always, the larger set beside the clone when
// it is there.

import t from 'tap'
import { existsSync, readFileSync } from 'node:fs'
import { backendKey, buildTable, canonicalAddress, defaultSeed, murmur3x64128, parseSeed, permutationOf, tableDigest } from '../../lib/maglev/index.ts'
import type { Protocol, Release, Seed } from '../../lib/maglev/index.ts'
import { committedVectors, generate, listed } from '../support/maglev-vectors.ts'
import type { Generated } from '../support/maglev-vectors.ts'

const vectors = committedVectors()

t.test('murmur3 x64 128', async t => {
  for (const [text, seed, h1, h2] of vectors.murmur3) {
    const hash = murmur3x64128(text, seed)
    t.equal(hex(hash.h1High) + hex(hash.h1Low) + hex(hash.h2High) + hex(hash.h2Low), h1 + h2, JSON.stringify([text, seed]))
  }
})

t.test('seeds', async t => {
  for (const expected of vectors.seeds) t.strictSame(seedOf(expected.base64), expected)
  t.strictSame(defaultSeed(), seedOf(defaultSeed().base64))
  for (const bad of [...vectors.badSeeds, 'AAAAAAAAAAAAAAA', 'AAAAAAAAAAAAAAA=', 'JLfvgnHc2kaS UFaI', 'A'.repeat(4000)]) {
    const result = parseSeed(bad)
    t.match(result.ok ? '' : result.reason, /12/, `refused with a reason: ${bad.slice(0, 30)}`)
  }
})

t.test('canonical addresses', async t => {
  for (const [input, canonical] of vectors.addresses) t.equal(canonicalAddress(input), canonical, input)
})

t.test('committed tables', async t => {
  t.ok(vectors.tables.length >= 60, `${vectors.tables.length} tables`)
  for (const vector of vectors.tables) {
    const backends = vector.backends?.map(listed) ?? generate(vector.generated)
    const seed = seedOf(vector.seed)
    const first = backends[0]
    if (first === undefined) throw new Error(`${vector.name} has no backends`)
    const { offset, skip } = permutationOf(backendKey(first, vector.release), seed.murmur, vector.m)
    t.strictSame([offset, skip], vector.firstPermutation, `${vector.name} ${vector.release}: first permutation`)
    const table = buildTable(vector.m, [...backends].reverse(), seed, vector.release)
    const counts = [...table?.counts.values() ?? []]
    t.strictSame([Math.min(...counts), Math.max(...counts)], vector.slots, `${vector.name}: slot counts`)
    t.equal(tableDigest(table?.ids ?? new Uint32Array()), vector.sha256U32LE, `${vector.name}: digest`)
  }
})

const large = new URL('../../../shared/fixtures/maglev-vectors.json', import.meta.url)
t.test('the larger set beside the clone', { skip: existsSync(large) ? false : 'no ../shared/fixtures here' }, async t => {
  interface LargeTable {
    name: string,
    variant: string,
    seed: string,
    m: number,
    sha256U32LE: string,
    first32: number[],
    backends?: { id: number, ip: string, port: number, proto: Protocol, weight: number }[],
    generator?: { count: number, ipRule: string, port: number, proto: Protocol, weightRule: string },
    offsetSkip: { id: number, key: string, offset: number, skip: number }[]
  }
  const { tables } = JSON.parse(readFileSync(large, 'utf8')) as { tables: LargeTable[] }
  const release: Record<string, Release> = { 'v1.9-v1.12': '1.9-1.12', 'v1.13-v1.16': '1.13-1.16', 'v1.17+': '1.17+' }
  const rules: Record<string, Generated['weights']> = { 1: 'one', 100: 'hundred', '1+(i*37)%101': 'mix', 'i%10==0 ? 200 : 20': 'step' }
  for (const vector of tables) {
    const line = release[vector.variant] ?? '1.17+'
    const { generator } = vector
    const backends = vector.backends?.map(({ id, ip, port, proto, weight }) => listed([id, ip, port, proto, weight])) ??
      generate(generator && {
        family: generator.ipRule.includes('fd00') ? 6 : 4,
        count: generator.count,
        port: generator.port,
        protocol: generator.proto,
        weights: rules[generator.weightRule] ?? 'one'
      })
    const seed = seedOf(vector.seed)
    for (const { id, key, offset, skip } of vector.offsetSkip) {
      const backend = backends.find(backend => backend.id === id)
      if (backend === undefined || backendKey(backend, line) !== key) { t.fail(`${vector.name}: key of backend ${id} is not ${key}`); continue }
      t.strictSame(permutationOf(key, seed.murmur, vector.m), { offset, skip })
    }
    const table = buildTable(vector.m, backends, seed, line)
    t.strictSame([...table?.ids.subarray(0, 32) ?? []], vector.first32, `${vector.name}: first slots`)
    t.equal(tableDigest(table?.ids ?? new Uint32Array()), vector.sha256U32LE, `${vector.name}: digest`)
  }
  t.comment(`${tables.length} tables of the larger set compared`)
})

function hex (word: number): string {
  return word.toString(16).padStart(8, '0')
}

function seedOf (base64: string): Seed {
  const result = parseSeed(base64)
  if (!result.ok) throw new Error(result.reason)
  return result.seed
}
