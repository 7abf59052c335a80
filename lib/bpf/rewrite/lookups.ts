// Map lookups emitted inline, per map type, for a call site that always sees one map. Register 1 is the map, register 2
// points to the key, register 0 gets the value's address or 0.
//
//   array            bound check against max_entries, burnt in, then base + index * element size
//   array of maps    the same with 8-byte slots, then the inner map's pointer from the slot
//   per-CPU array    the same, then this CPU's copy
//   hash kinds       the element from a call, then to its value
//
// An array with BPF_F_INNER_MAP may stand for arrays of other sizes, so nothing can be burnt in: it is called. For maps
// whose creator had no CAP_PERFMON the index is masked too, so that a mispredicted bound check reads nothing outside.

import { alu32Imm, alu64Imm, alu64Reg, call, goto, insn, jumpImm, load, mov64Imm, storeImm } from '../isa/build.ts'
import {
  BPF_ADD, BPF_ADDR_PERCPU, BPF_ALU64, BPF_AND, BPF_B, BPF_DW, BPF_JEQ, BPF_JGE, BPF_JNE, BPF_LSH, BPF_MOV, BPF_MUL, BPF_W, BPF_X
} from '../isa/op.ts'
import type { KernelProfile } from '../profile/types.ts'
import type { Region } from '../verifier/facts.ts'
import type { VerifierMap } from '../verifier/maps.ts'
import { provedAccess, provedLoad } from './emitted.ts'
import type { Emitted } from './emitted.ts'
import { symbolNumber } from './symbols.ts'

const BPF_F_INNER_MAP = 1 << 12
const POINTER_BYTES = 8

const roundUp8 = (bytes: number): number => Math.ceil(bytes / 8) * 8

/** @returns the lookup's code, or null where this kernel calls the map's function */
export function inlineLookup (map: VerifierMap, profile: KernelProfile, keyRegion: Region): Emitted[] | null {
  if (!profile.inlinedLookups.includes(map.type)) return null
  switch (map.type) {
    case 'array': {
      if ((map.flags & BPF_F_INNER_MAP) !== 0) return null
      return arrayLookup(map, profile, keyRegion, roundUp8(map.valueSize), [])
    }
    case 'percpu_array': return arrayLookup(map, profile, keyRegion, POINTER_BYTES, [provedLoad(BPF_DW, 0, 0, 0, 'map'), perCpuMove()])
    case 'array_of_maps': return arrayLookup(map, profile, keyRegion, POINTER_BYTES, [provedLoad(BPF_DW, 0, 0, 0, 'map'), jumpImm(BPF_JEQ, 0, 0, 1)])
    case 'hash': return hashLookup(map, profile, [toValue(map, profile)])
    case 'lru_hash': return hashLookup(map, profile, [...markUsed(profile), toValue(map, profile)])
    case 'hash_of_maps': return hashLookup(map, profile, [toValue(map, profile), provedLoad(BPF_DW, 0, 0, 0, 'map')])
    case 'percpu_hash': return hashLookup(map, profile, [toValue(map, profile), provedLoad(BPF_DW, 0, 0, 0, 'map'), perCpuMove()])
    default: return null
  }
}

/** @param rest from the slot's address to what the program gets */
function arrayLookup (map: VerifierMap, profile: KernelProfile, keyRegion: Region, slotBytes: number, rest: readonly Emitted[]): Emitted[] {
  const scale = (slotBytes & (slotBytes - 1)) === 0
    ? alu64Imm(BPF_LSH, 0, Math.log2(slotBytes))
    : alu64Imm(BPF_MUL, 0, slotBytes)
  const mask = map.bypassSpecV1 ? [] : [alu32Imm(BPF_AND, 0, indexMask(map.maxEntries))]
  const inBounds = [...mask, scale, alu64Reg(BPF_ADD, 0, 1), ...rest]
  return [
    { ...alu64Imm(BPF_ADD, 1, profile.structs.bpfArray.value), mapLookup: true },
    provedLoad(BPF_W, 0, 2, 0, keyRegion),
    jumpImm(BPF_JGE, 0, map.maxEntries | 0, inBounds.length + 1),
    ...inBounds,
    goto(1),
    mov64Imm(0, 0)
  ]
}

/** All ones up to the highest index of an array of the next power of two. */
function indexMask (maxEntries: number): number {
  return maxEntries <= 1 ? 0 : 2 ** (32 - Math.clz32(maxEntries - 1)) - 1 | 0
}

/** @param found from the element to what the program gets */
function hashLookup (map: VerifierMap, profile: KernelProfile, found: readonly Emitted[]): Emitted[] {
  const symbol = '__htab_map_lookup_elem'
  return [
    { ...call(symbolNumber(profile, symbol)), call: symbol, mapLookup: true, mapCall: true },
    jumpImm(BPF_JEQ, 0, 0, found.length),
    ...found
  ]
}

function toValue (map: VerifierMap, profile: KernelProfile): Emitted {
  return alu64Imm(BPF_ADD, 0, profile.structs.htabElem.key + roundUp8(map.keySize))
}

/** The element's reference byte, which keeps it from being evicted; written only where it is not set. */
function markUsed (profile: KernelProfile): Emitted[] {
  const { lruRef } = profile.structs.htabElem
  return [
    { ...load(BPF_B, 1, 0, lruRef), access: provedAccess('kernel', 1, 'load') },
    jumpImm(BPF_JNE, 1, 0, 1),
    { ...storeImm(BPF_B, 0, lruRef, 1), access: provedAccess('kernel', 1, 'store') }
  ]
}

/** r0 += this CPU's offset */
const perCpuMove = (): Emitted => insn(BPF_ALU64 | BPF_MOV | BPF_X, 0, 0, BPF_ADDR_PERCPU, 0)
