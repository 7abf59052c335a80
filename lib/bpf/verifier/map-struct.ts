// Loads through a map pointer: fields of the kernel's struct, the number of entries above all, since a table that can
// change its size is read together with its size.

import type { StructLayout } from '../profile/types.ts'
import type { VerifierMap } from './maps.ts'
import { UNKNOWN_NUMBER } from './register.ts'
import type { MapTarget, Register } from './register.ts'
import { refuse } from './refusal.ts'
import * as s from './scalar.ts'
import type { Walk } from './walk.ts'

/** @returns the kernel's struct behind a map of this type */
export function structOf ({ type }: VerifierMap): string {
  if (type === 'lpm_trie') return 'lpm_trie'
  return type.includes('hash') && !type.startsWith('dev') && !type.startsWith('sock') ? 'bpf_htab' : 'bpf_array'
}

const isHash = (map: VerifierMap): boolean => structOf(map) === 'bpf_htab'

/** The 4-byte fields whose place in the struct the profile knows. */
function fieldOffsets ({ bpfMap, bpfArray, bpfHtab }: StructLayout, map: VerifierMap): number[] {
  const common = [bpfMap.mapType, bpfMap.keySize, bpfMap.valueSize, bpfMap.maxEntries, bpfMap.mapFlags, bpfMap.id]
  if (map.type === 'lpm_trie') return common
  return [...common, ...(isHash(map) ? [bpfHtab.nBuckets, bpfHtab.elemSize] : [bpfArray.elemSize, bpfArray.indexMask])]
}

function sizeOfStruct ({ bpfArray, bpfHtab, lpmTrie }: StructLayout, map: VerifierMap): number {
  if (map.type === 'lpm_trie') return lpmTrie.size
  return isHash(map) ? bpfHtab.size : bpfArray.value
}

export function loadMapStruct (walk: Walk, base: Register, number: number, off: number, size: number): Register {
  const { map } = base.target as MapTarget
  const { structs } = walk.program.profile
  const name = structOf(map)
  if (!walk.program.isPrivileged) refuse('EPERM', `'struct ${name}' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN`)
  const at = base.off + off
  if (at < 0) refuse('EACCES', `R${number} is ${base.type} invalid negative access: off=${at}`)
  const structSize = sizeOfStruct(structs, map)
  if (at + size > structSize) refuse('EACCES', `access beyond struct ${name} at off ${at} size ${size}`)
  if (size !== 4 || !fieldOffsets(structs, map).includes(at)) {
    refuse('EACCES', `the field of struct ${name} at off ${at} size ${size} is not emulated`)
  }
  return s.isKnownZero(base.scalar) ? UNKNOWN_NUMBER : refuse('EACCES', `R${number} variable map_ptr access`)
}
