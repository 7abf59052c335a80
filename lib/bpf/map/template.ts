// Maps in maps: which maps may be templates, and which may stand where a template was given.
//
// Both sides must agree in type, key size, value size and all flags; so BPF_F_INNER_MAP must be set on both. Only arrays
// (and xskmaps) also insist on equal max_entries, because lookups inlined for the template burn that number in;
// BPF_F_INNER_MAP arrays are not inlined and so may differ. One answer is not the kernel's: see percpu-array.ts.

import { failure } from '../profile/errno.ts'
import type { MapTypeName } from '../profile/index.ts'
import type { Refusal } from './checks.ts'
import { findKind } from './kinds.ts'
import type { MapTemplate } from './types.ts'

/** types that cannot be compared with a template, and so can be none */
const incomparable: readonly MapTypeName[] = ['prog_array']
const nested: readonly MapTypeName[] = ['array_of_maps', 'hash_of_maps']

/** @returns null, or why maps of this type cannot be inner maps */
export function checkTemplate (type: MapTypeName): Refusal {
  if (nested.includes(type)) return failure('EINVAL', `${type} cannot be an inner map: maps nest one level deep`)
  if (incomparable.includes(type)) return failure('ENOTSUPP', `${type} cannot be an inner map`)
  return null
}

/** @returns null, or how the candidate differs from the template */
export function compareWithTemplate (template: MapTemplate, candidate: MapTemplate): Refusal {
  const field = (['type', 'keySize', 'valueSize', 'flags'] as const).find((name) => template[name] !== candidate[name])
  if (field !== undefined) {
    return failure('EINVAL', `inner map differs from the template in ${field}: ${candidate[field]}, not ${template[field]}`)
  }
  if (findKind(template.type)?.sameShape(template, candidate) === true) return null
  return failure('EINVAL', `inner map differs from the template in max_entries: ${candidate.maxEntries}, not ${template.maxEntries}`)
}
