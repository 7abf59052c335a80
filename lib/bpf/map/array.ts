// array: max_entries values side by side. BPF_F_INNER_MAP makes an inner map whose max_entries may differ from its
// template's, at the price that its lookups are called, not inlined.

import { failure } from '../profile/errno.ts'
import { checkFlags } from './checks.ts'
import type { Refusal } from './checks.ts'
import { BPF_F_INNER_MAP, BPF_F_MMAPABLE } from './flags.ts'
import type { MapKind } from './kind.ts'
import { powerOfTwo } from './size-classes.ts'
import type { MapAttr } from './types.ts'

const largestValue = 0x7fff_ffff

export const arrayKind: MapKind = {
  name: 'array',
  number: 2,
  holdsMaps: false,
  perCpu: false,
  canLookupAndDelete: false,
  check: (attr) => checkArray(attr, BPF_F_MMAPABLE | BPF_F_INNER_MAP),
  checkRoom: checkArrayRoom,
  maxEntries: (attr) => attr.maxEntries,
  sameShape: (template, candidate) => (template.flags & BPF_F_INNER_MAP) !== 0 || template.maxEntries === candidate.maxEntries
}

/** Checks of every array type. */
export function checkArray (attr: MapAttr, allowedFlags: number): Refusal {
  const { type, keySize, valueSize, maxEntries } = attr
  if (maxEntries === 0) return failure('EINVAL', `${type} needs max_entries of at least 1`)
  if (keySize !== 4) return failure('EINVAL', `the key of ${type} is an index of 4 bytes, not ${keySize}`)
  if (valueSize === 0) return failure('EINVAL', `${type} needs a value size of at least 1`)
  const refused = checkFlags(attr, allowedFlags)
  if (refused !== null) return refused
  if (valueSize > largestValue) return failure('E2BIG', `value size ${valueSize} is over ${largestValue}`)
  return null
}

/** The mask of a masked index must fit 32 bits. */
export function checkArrayRoom ({ bypassSpecV1, maxEntries }: MapAttr): Refusal {
  if (bypassSpecV1 !== false || powerOfTwo(maxEntries) <= 0xffff_ffff) return null
  return failure('E2BIG', `max_entries ${maxEntries} cannot be rounded up to a power of two`)
}
