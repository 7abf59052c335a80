// Listings seen on a running 6.18 kernel (C comment lines left out), of small programs compiled from C: the seed's two
// lookups through an outer map, and one lookup in a map of each kind. `(r2 +0)` and the like as bpftool prints them.

import { INNER_MAP, array, hash } from '../verifier/support.ts'
import type { TestMap } from '../verifier/support.ts'

/** inner = lookup(outer, &key); if (!inner) return -1; value = lookup(inner, &key); return value ? *value : -1; key = 0 */
export const nestedLookup = `
   0: (b4) w1 = 0
   1: (63) *(u32 *)(r10 -4) = r1
   2: (bf) r2 = r10
   3: (07) r2 += -4
   4: (18) r1 = map[id:0]
   6: (85) call 1
   7: (b4) w6 = -1
   8: (15) if r0 == 0x0 goto pc+6
   9: (bf) r2 = r10
  10: (07) r2 += -4
  11: (bf) r1 = r0
  12: (85) call 1
  13: (15) if r0 == 0x0 goto pc+1
  14: (61) r6 = *(u32 *)(r0 +0)
  15: (bc) w0 = w6
  16: (95) exit`

/** value = lookup(map, &key); return value ? *value : -1; key = 0 */
export const singleLookup = `
   0: (b4) w1 = 0
   1: (63) *(u32 *)(r10 -16) = r1
   2: (bf) r2 = r10
   3: (07) r2 += -16
   4: (18) r1 = map[id:0]
   6: (85) call 1
   7: (bf) r1 = r0
   8: (b4) w0 = -1
   9: (15) if r1 == 0x0 goto pc+1
  10: (61) r0 = *(u32 *)(r1 +0)
  11: (95) exit`

export interface Listing {
  readonly name: string
  readonly map: TestMap
  readonly lines: readonly string[]
}

const lines = (text: string): string[] => text.trim().split('\n').map((line) => line.trim())

const OUTER_ARRAY = lines(`
   0: (b4) w1 = 0
   1: (63) *(u32 *)(r10 -4) = r1
   2: (bf) r2 = r10
   3: (07) r2 += -4
   4: (18) r1 = map[id:7]
   6: (07) r1 += 312
   7: (61) r0 = *(u32 *)(r2 +0)
   8: (35) if r0 >= 0x3 goto pc+5
   9: (67) r0 <<= 3
  10: (0f) r0 += r1
  11: (79) r0 = *(u64 *)(r0 +0)
  12: (15) if r0 == 0x0 goto pc+1
  13: (05) goto pc+1
  14: (b7) r0 = 0
  15: (b4) w6 = -1`)

const OUTER_HASH = lines(`
   0: (b4) w1 = 0
   1: (63) *(u32 *)(r10 -4) = r1
   2: (bf) r2 = r10
   3: (07) r2 += -4
   4: (18) r1 = map[id:7]
   6: (85) call __htab_map_lookup_elem#330864
   7: (15) if r0 == 0x0 goto pc+2
   8: (07) r0 += 56
   9: (79) r0 = *(u64 *)(r0 +0)
  10: (b4) w6 = -1`)

const CALLED = (first: number): string[] => [
  'if r0 == 0x0 goto pc+6', 'r2 = r10', 'r2 += -4', 'r1 = r0', 'call array_map_lookup_elem#350240', 'if r0 == 0x0 goto pc+1', 'r6 = *(u32 *)(r0 +0)',
  'w0 = w6', 'exit'
].map((text, index) => `${first + index}: (${['15', 'bf', '07', 'bf', '85', '15', '61', 'bc', '95'][index]}) ${text}`)

/** The element's NULL check can never fail here, but stays: what it jumps to is reached anyway. */
const INLINED = (first: number): string[] => [
  'if r0 == 0x0 goto pc+12', 'r2 = r10', 'r2 += -4', 'r1 = r0', 'r1 += 312', 'r0 = *(u32 *)(r2 +0)', 'if r0 >= 0x1 goto pc+3', 'r0 <<= 3', 'r0 += r1',
  'goto pc+1', 'r0 = 0', 'if r0 == 0x0 goto pc+1', 'r6 = *(u32 *)(r0 +0)', 'w0 = w6', 'exit'
].map((text, index) => `${first + index}: (${['15', 'bf', '07', 'bf', '07', '61', '35', '67', '0f', '05', 'b7', '15', '61', 'bc', '95'][index]}) ${text}`)

export const nestedListings: readonly Listing[] = [
  { name: 'array of maps, INNER_MAP', map: { type: 'array_of_maps', maxEntries: 3, inner: array(1, 4, INNER_MAP) }, lines: [...OUTER_ARRAY, ...CALLED(16)] },
  { name: 'array of maps', map: { type: 'array_of_maps', maxEntries: 3, inner: array(1) }, lines: [...OUTER_ARRAY, ...INLINED(16)] },
  { name: 'hash of maps, INNER_MAP', map: { type: 'hash_of_maps', maxEntries: 3, inner: array(1, 4, INNER_MAP) }, lines: [...OUTER_HASH, ...CALLED(11)] },
  { name: 'hash of maps', map: { type: 'hash_of_maps', maxEntries: 3, inner: array(1) }, lines: [...OUTER_HASH, ...INLINED(11)] }
]

const percpu = (type: 'percpu_array' | 'percpu_hash', maxEntries = 1): TestMap => ({ type, maxEntries })

/** The instructions in place of the lookup, without slot numbers. */
export const singleListings: readonly Listing[] = [
  {
    name: 'array',
    map: array(100),
    lines: lines(`
      (07) r1 += 312
      (61) r0 = *(u32 *)(r2 +0)
      (35) if r0 >= 0x64 goto pc+3
      (67) r0 <<= 3
      (0f) r0 += r1
      (05) goto pc+1
      (b7) r0 = 0`)
  },
  {
    name: 'array of 12-byte values',
    map: array(100, 12),
    lines: lines(`
      (07) r1 += 312
      (61) r0 = *(u32 *)(r2 +0)
      (35) if r0 >= 0x64 goto pc+3
      (67) r0 <<= 4
      (0f) r0 += r1
      (05) goto pc+1
      (b7) r0 = 0`)
  },
  {
    name: 'array of 20-byte values',
    map: array(7, 20),
    lines: lines(`
      (07) r1 += 312
      (61) r0 = *(u32 *)(r2 +0)
      (35) if r0 >= 0x7 goto pc+3
      (27) r0 *= 24
      (0f) r0 += r1
      (05) goto pc+1
      (b7) r0 = 0`)
  },
  {
    name: 'per-CPU array',
    map: percpu('percpu_array', 100),
    lines: lines(`
      (07) r1 += 312
      (61) r0 = *(u32 *)(r2 +0)
      (35) if r0 >= 0x64 goto pc+5
      (67) r0 <<= 3
      (0f) r0 += r1
      (79) r0 = *(u64 *)(r0 +0)
      (bf) r0 = r0
      (05) goto pc+1
      (b7) r0 = 0`)
  },
  {
    name: 'hash',
    map: hash(4),
    lines: ['(85) call __htab_map_lookup_elem#330864', '(15) if r0 == 0x0 goto pc+1', '(07) r0 += 56']
  },
  {
    name: 'hash of 12-byte keys',
    map: hash(12),
    lines: ['(85) call __htab_map_lookup_elem#330864', '(15) if r0 == 0x0 goto pc+1', '(07) r0 += 64']
  },
  {
    name: 'LRU hash',
    map: { type: 'lru_hash' },
    lines: lines(`
      (85) call __htab_map_lookup_elem#330864
      (15) if r0 == 0x0 goto pc+4
      (71) r1 = *(u8 *)(r0 +35)
      (55) if r1 != 0x0 goto pc+1
      (72) *(u8 *)(r0 +35) = 1
      (07) r0 += 56`)
  },
  {
    name: 'per-CPU hash',
    map: percpu('percpu_hash'),
    lines: lines(`
      (85) call __htab_map_lookup_elem#330864
      (15) if r0 == 0x0 goto pc+3
      (07) r0 += 56
      (79) r0 = *(u64 *)(r0 +0)
      (bf) r0 = r0`)
  },
  {
    name: 'LRU per-CPU hash',
    map: { type: 'lru_percpu_hash' },
    lines: ['(85) call htab_lru_percpu_map_lookup_elem#337936']
  },
  {
    name: 'LPM trie',
    map: { type: 'lpm_trie', keySize: 8, flags: 1 },
    lines: ['(85) call trie_lookup_elem#367264']
  },
  {
    name: 'array, INNER_MAP',
    map: array(100, 4, INNER_MAP),
    lines: ['(85) call array_map_lookup_elem#350240']
  }
]

/** Maps whose creator had no CAP_PERFMON: compare, then mask. */
export const maskedListings: readonly Listing[] = [
  { name: 'array', map: { ...array(100), bypassSpecV1: false }, lines: ['(35) if r0 >= 0x64 goto pc+4', '(54) w0 &= 127'] },
  { name: 'array of one', map: { ...array(1), bypassSpecV1: false }, lines: ['(35) if r0 >= 0x1 goto pc+4', '(54) w0 &= 0'] },
  { name: 'per-CPU array', map: { ...percpu('percpu_array', 100), bypassSpecV1: false }, lines: ['(35) if r0 >= 0x64 goto pc+6', '(54) w0 &= 127'] },
  {
    name: 'array of maps',
    map: { type: 'array_of_maps', maxEntries: 3, inner: array(1), bypassSpecV1: false },
    lines: ['(35) if r0 >= 0x3 goto pc+6', '(54) w0 &= 3']
  }
]

/** From the mail that introduced BPF_F_INNER_MAP (October 2020), an array of maps over a dynamic array, as bpftool printed it. */
export const mailListing: readonly string[] = [
  'int handle__sys_enter(void * ctx):',
  '; int handle__sys_enter(void *ctx)',
  '   0: (b4) w1 = 0',
  '; int key = 0;',
  '   1: (63) *(u32 *)(r10 -4) = r1',
  '   2: (bf) r2 = r10',
  '; ',
  '   3: (07) r2 += -4',
  '; inner_map = bpf_map_lookup_elem(&outer_arr_dyn, &key);',
  '   4: (18) r1 = map[id:468]',
  '   6: (07) r1 += 272',
  '   7: (61) r0 = *(u32 *)(r2 +0)',
  '   8: (35) if r0 >= 0x3 goto pc+5',
  '   9: (67) r0 <<= 3',
  '  10: (0f) r0 += r1',
  '  11: (79) r0 = *(u64 *)(r0 +0)',
  '  12: (15) if r0 == 0x0 goto pc+1',
  '  13: (05) goto pc+1',
  '  14: (b7) r0 = 0',
  '  15: (b4) w6 = -1',
  '; if (!inner_map)',
  '  16: (15) if r0 == 0x0 goto pc+6',
  '  17: (bf) r2 = r10',
  '; ',
  '  18: (07) r2 += -4',
  '; val = bpf_map_lookup_elem(inner_map, &key);',
  '  19: (bf) r1 = r0',
  '  20: (85) call array_map_lookup_elem#149280',
  '; return val ? *val : -1;',
  '  21: (15) if r0 == 0x0 goto pc+1',
  '; return val ? *val : -1;',
  '  22: (61) r6 = *(u32 *)(r0 +0)',
  '; }',
  '  23: (bc) w0 = w6',
  '  24: (95) exit'
]
