// The translated program: listings seen on a running kernel, the listing of the mail that brought BPF_F_INNER_MAP, guards,
// dead code, and what the engines are told of each instruction.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readObject } from '../../lib/bpf/object/index.ts'
import type { CollectionSpec, MapSpec } from '../../lib/bpf/object/index.ts'
import { formatXlated, rewrite, tryRewrite } from '../../lib/bpf/rewrite/index.ts'
import type { TranslatedInsn, TranslatedProgram } from '../../lib/bpf/rewrite/index.ts'
import { verify } from '../../lib/bpf/verifier/index.ts'
import { INNER_MAP, RDONLY_PROG, array, assembled, hash, mapRefsOf, profileNamed, translate, viewOf } from '../verifier/support.ts'
import type { TestMap } from '../verifier/support.ts'
import { mailListing, maskedListings, nestedListings, nestedLookup, singleListings, singleLookup } from './listings.ts'

const listing = (translated: TranslatedProgram): string[] => formatXlated(translated).trim().split('\n').map((line) => line.trim())
const withoutSlots = (translated: TranslatedProgram): string[] => listing(translated).map((line) => line.replace(/^\d+: /, ''))

function xlatedOf (text: string, maps: readonly TestMap[], profile = '6.18', inlining: 'kernel' | 'never' = 'kernel'): TranslatedProgram {
  return translate({ insns: assembled(text), maps, type: 'raw_tracepoint', profile, firstId: 7 }, inlining)
}

/** between the map and the NULL check */
function lookupOf (translated: TranslatedProgram): string[] {
  const all = withoutSlots(translated)
  return all.slice(all.indexOf('(18) r1 = map[id:7]') + 1, all.indexOf('(bf) r1 = r0'))
}

function seedProgram (file: string, profileName: string): string {
  const object = readObject(readFileSync(join(import.meta.dirname, '../fixtures/bpf', file)), { name: 'seed' })
  if (!object.ok) throw new Error(object.error.message)
  return translatedText(object.value, profileName)
}

function translatedText (object: CollectionSpec, profileName: string): string {
  const [program] = object.programs
  const [declared] = object.maps
  if (program === undefined || declared === undefined) throw new Error('no program or no map')
  const insns = program.insns.map((insn, index) => program.maps.some((ref) => ref.insn === index) ? { ...insn, src: 1, imm: 0 } : insn)
  const shape = ({ type, keySize, valueSize, maxEntries, flags, inner }: MapSpec): TestMap =>
    ({ type, keySize, valueSize, maxEntries, flags, ...(inner === undefined ? {} : { inner: shape(inner) }) })
  const profile = profileNamed(profileName)
  const input = { insns, type: program.type, profile, maps: [viewOf(shape(declared), 468)], mapRefs: mapRefsOf(insns) }
  const result = verify(input)
  if (!result.ok) throw new Error(result.log)
  const translated = rewrite({ ...input, facts: result.facts, subprograms: result.subprograms, inlining: 'kernel' })
  return formatXlated(translated, { lines: program.lines, functions: program.functions })
}

t.test('the listing of the mail, instruction for instruction, C lines included', async (t) => {
  const mail = mailListing.map((line) => `${line}\n`).join('')
  t.equal(seedProgram('seed_array.o', '5.10'), mail)
  const now = mail.replace('r1 += 272', 'r1 += 312').replace('#149280', '#350240')
  t.equal(seedProgram('seed_array.o', '6.18'), now, 'and on 6.18')
  const hashed = seedProgram('seed_hash.o', '6.18').split('\n')
  t.equal(hashed.filter((line) => line.startsWith(';') || line.startsWith('int')).length, 11, 'C lines of the hash of maps')
})

t.test('outer and inner lookups', async (t) => {
  for (const { name, map, lines } of nestedListings) t.same(listing(xlatedOf(nestedLookup, [map])), lines, name)
})

t.test('one lookup in each kind of map', async (t) => {
  for (const { name, map, lines } of singleListings) t.same(lookupOf(xlatedOf(singleLookup, [map])), lines, name)
})

t.test('5.10', async (t) => {
  t.same(lookupOf(xlatedOf(singleLookup, [array(100)], '5.10'))[0], '(07) r1 += 272')
  t.same(lookupOf(xlatedOf(singleLookup, [{ type: 'percpu_array' }], '5.10')), ['(85) call percpu_array_map_lookup_elem#350512'], 'not inlined yet')
})

t.test('masked for Spectre', async (t) => {
  for (const { name, map, lines } of maskedListings) {
    const text = map.inner === undefined ? singleLookup : nestedLookup
    t.same(withoutSlots(xlatedOf(text, [map])).slice(7, 9), lines, name)
  }
  const inner = { ...array(1), bypassSpecV1: false }
  const nested = withoutSlots(xlatedOf(nestedLookup, [{ type: 'array_of_maps', maxEntries: 3, inner }]))
  t.same(nested.filter((line) => line.includes('&=')), ['(54) w0 &= 0'], "of an inner map the template's privilege counts")
})

t.test('poisoned call', async (t) => {
  const text = 'r6 = *(u64 *)(r1 +0)\n*(u32 *)(r10 -4) = r6\nr2 = r10\nr2 += -4\nr1 = map[id:0]\nif r6 == 3 goto +2\nr1 = map[id:1]\ncall 1\nr0 = 0\nexit'
  const translated = xlatedOf(text, [array(4), array(4)])
  const call = translated.insns.find(({ code }) => code === 0x85)
  t.same([call?.call, call?.mapLookup, call?.mapCall], ['bpf_map_lookup_elem', true, true])
  t.notOk(xlatedOf(text.replace('id:1', 'id:0'), [array(4)]).insns.some(({ code }) => code === 0x85), 'one map on both branches is inlined')
})

t.test('inlining: never', async (t) => {
  const symbols = (map: TestMap, text: string): unknown =>
    xlatedOf(text, [map], '6.18', 'never').insns.flatMap(({ call, mapLookup, mapCall }) => call === undefined ? [] : [[call, mapLookup, mapCall]])
  t.same(symbols(array(4), singleLookup), [['array_map_lookup_elem', true, true]])
  t.same(symbols(hash(4), singleLookup), [['htab_map_lookup_elem', true, true]])
  t.same(symbols({ type: 'hash_of_maps', inner: array(1, 4, INNER_MAP) }, nestedLookup), [['htab_of_map_lookup_elem', true, true], ['array_map_lookup_elem', true, true]])
})

t.test('update and delete', async (t) => {
  const text = 'r6 = 0\n*(u64 *)(r10 -8) = r6\nr2 = r10\nr2 += -8\nr3 = r2\nr4 = 0\nr1 = map[id:0]\ncall 2\nr2 = r10\nr2 += -8\nr1 = map[id:0]\ncall 3\nexit'
  const calls = (map: TestMap): unknown =>
    xlatedOf(text, [map]).insns.flatMap(({ call, mapLookup, mapCall }) => call === undefined ? [] : [[call, mapLookup, mapCall]])
  const both = (update: string, remove: string): unknown => [[update, undefined, true], [remove, undefined, true]]
  t.same(calls(array(1)), both('array_map_update_elem', 'array_map_delete_elem'))
  t.same(calls(hash(4)), both('htab_map_update_elem', 'htab_map_delete_elem'))
  t.same(calls({ type: 'lru_hash' }), both('htab_lru_map_update_elem', 'htab_lru_map_delete_elem'))
  t.same(calls({ type: 'percpu_hash' }), both('htab_percpu_map_update_elem', 'htab_map_delete_elem'))
})

t.test('guarded divisions', async (t) => {
  const guarded = (operation: string): string[] => withoutSlots(xlatedOf(`r0 = *(u64 *)(r1 +0)\nr2 = *(u64 *)(r1 +8)\n${operation}\nexit`, [])).slice(2, -1)
  t.same(guarded('r0 /= r2'), ['(55) if r2 != 0x0 goto pc+2', '(ac) w0 ^= w0', '(05) goto pc+1', '(3f) r0 /= r2'])
  t.same(guarded('w0 /= w2'), ['(56) if w2 != 0x0 goto pc+2', '(ac) w0 ^= w0', '(05) goto pc+1', '(3c) w0 /= w2'])
  t.same(guarded('r0 %= r2'), ['(15) if r2 == 0x0 goto pc+1', '(9f) r0 %= r2'])
  t.same(guarded('w0 %= w2'), ['(16) if w2 == 0x0 goto pc+2', '(9c) w0 %= w2', '(05) goto pc+1', '(bc) w0 = w0'])
  t.same(guarded('r0 /= 7'), ['(37) r0 /= 7'])
  t.same(guarded('r0 s/= r2').slice(0, -1), [
    '(bf) r11 = r2', '(07) r11 += 1', '(25) if r11 > 0x1 goto pc+4', '(15) if r11 == 0x0 goto pc+1', '(b7) r0 = 0', '(87) r0 = -r0', '(05) goto pc+1'
  ])
  t.same(guarded('w0 s%= w2').length, 9)
  t.same(guarded('r0 s/= -1'), ['(87) r0 = -r0'])
  t.same(guarded('r0 s%= -1'), ['(b4) w0 = 0'])
})

t.test('context', async (t) => {
  const loads = (offset: number): unknown[] => {
    const { insns } = translate({ insns: assembled(`r5 = *(u32 *)(r1 +${offset})\nr0 = 0\nexit`), type: 'xdp' })
    return insns.filter(({ origin }) => origin === 0).map(({ code, src, off, access }) => [code, src, off, access?.region, access?.size])
  }
  t.same(loads(0), [[0x79, 1, 0, 'ctx', 8]])
  t.same(loads(4), [[0x79, 1, 8, 'ctx', 8]])
  t.same(loads(8), [[0x79, 1, 16, 'ctx', 8]])
  t.same(loads(12), [[0x79, 1, 32, 'ctx', 8], [0x79, 5, 0, 'kernel', 8], [0x61, 5, 224, 'kernel', 4]])
  t.same(loads(16), [[0x79, 1, 32, 'ctx', 8], [0x61, 5, 8, 'kernel', 4]])
})

t.test('dead code', async (t) => {
  const contents = Uint8Array.of(7, 0, 0, 0)
  const frozen: TestMap = { type: 'array', valueSize: 4, flags: RDONLY_PROG, contents }
  const text = (condition: string): string => `r6 = *(u64 *)(r1 +0)\nr1 = map[id:0][0]+0\nr2 = *(u32 *)(r1 +0)\nr0 = 1\nif r2 ${condition} goto +2\nr0 = 2\nr0 += r6\nexit`
  t.same(withoutSlots(xlatedOf(text('== 7'), [frozen])),
    ['(79) r6 = *(u64 *)(r1 +0)', '(18) r1 = map[id:7][0]+0', '(61) r2 = *(u32 *)(r1 +0)', '(b7) r0 = 1', '(95) exit'], 'always taken')
  t.same(withoutSlots(xlatedOf(text('== 8'), [frozen])).slice(3),
    ['(b7) r0 = 1', '(15) if r2 == 0x8 goto pc+2', '(b7) r0 = 2', '(0f) r0 += r6', '(95) exit'], 'never taken, but where it leads is reached: stays')
  const farther = 'r1 = map[id:0][0]+0\nr2 = *(u32 *)(r1 +0)\nr0 = 1\nif r2 == 8 goto +1\nexit\nr0 = 2\nexit'
  t.same(withoutSlots(xlatedOf(farther, [frozen])).slice(2), ['(b7) r0 = 1', '(95) exit'], 'never taken and nothing else leads there: goes')
})

t.test('functions', async (t) => {
  const text = 'r1 = 1\ncall dead\ncall used\nexit\ndead:\nr0 = 0\nexit\nused:\nr0 = *(u64 *)(r10 -8)\nr1 = r0\nr0 /= r1\nexit'
  const translated = xlatedOf(text, [])
  t.same(translated.functions, [0, 4, 6])
  t.same(translated.insns.filter(({ code }) => code === 0x85).map(({ imm }) => imm), [2, 3], 'distances measured anew')
  const guarded = xlatedOf(`r6 = *(u64 *)(r1 +0)\nr7 = r6\nr7 /= r6\n${text}`, [])
  t.same(guarded.functions, [0, 10, 12])
  t.same(guarded.insns.map(({ origin }) => origin).slice(0, 7), [0, 1, 2, 2, 2, 2, 3], 'where each instruction stems from')
})

t.test('what the engines are told', async (t) => {
  const { insns } = xlatedOf(nestedLookup, [nestedListings[1]?.map as TestMap])
  const told = ({ mapLookup, mapCall, access, mapRef }: TranslatedInsn): unknown[] => [mapLookup, mapCall, access?.region, mapRef?.usedMap]
  const [none, lookup] = [undefined, true]
  t.same(insns.map(told).slice(1, 16), [
    [none, none, 'stack', none], [none, none, none, none], [none, none, none, none], [none, none, none, 0], [none, none, none, none],
    [lookup, none, none, none], [none, none, 'stack', none], [none, none, none, none], [none, none, none, none], [none, none, none, none],
    [none, none, 'map', none], [none, none, none, none], [none, none, none, none], [none, none, none, none], [none, none, none, none]
  ])
  const lookups = (map: TestMap): number[] => {
    const all = xlatedOf(nestedLookup, [map]).insns
    return [all.filter((insn) => insn.mapLookup).length, all.filter((insn) => insn.mapCall).length]
  }
  t.same(nestedListings.map(({ map }) => lookups(map)), [[2, 1], [2, 0], [2, 2], [2, 1]], 'lookup sites and map calls')
  const lru = xlatedOf(singleLookup, [{ type: 'lru_hash' }]).insns.filter(({ access }) => access?.region === 'kernel')
  t.same(lru.map(({ access }) => access?.kind), ['load', 'store'], 'reference byte of an LRU element')
  t.ok(insns.every(({ access }) => access === undefined || access.proved))
})

t.test('a jump that grows beyond 16 bits', async (t) => {
  const divisions = Array.from({ length: 10_000 }, () => 'r0 /= r2').join('\n')
  const insns = assembled(`r0 = *(u64 *)(r1 +0)\nr2 = *(u64 *)(r1 +8)\nif r0 == 5 goto +10000\n${divisions}\nexit`)
  const input = { insns, maps: [], mapRefs: [], profile: profileNamed('6.18'), type: 'raw_tracepoint' as const }
  const result = verify(input)
  if (!result.ok) throw new Error(result.log)
  const refused = tryRewrite({ ...input, facts: result.facts, subprograms: result.subprograms, inlining: 'kernel' })
  t.same(refused.ok ? null : [refused.error.name, refused.error.message], ['ERANGE', 'insn 2 cannot be patched due to 16-bit range'])
})
