import { kernel618 } from './kernel-6.18.ts'
import type { KernelProfile } from './types.ts'

/**
 * Linux 5.10, the release that brought BPF_F_INNER_MAP. Known: the array value offset (272), the key offset in hash
 * elements (48), which lookups are inlined, the RLIMIT_MEMLOCK accounting, and SHA-1 in tags. Every other figure follows 6.18.
 */
export const kernel510: KernelProfile = {
  ...kernel618,
  name: '5.10',
  knownFrom: 'array value offset, hash key offset, inlined lookups, memlock charge and tags as in Linux 5.10; all else follows 6.18',
  structs: { ...kernel618.structs, bpfArray: { value: 272, elemSize: 256, indexMask: 260 } },
  inlinedLookups: ['array', 'array_of_maps', 'hash', 'lru_hash', 'hash_of_maps'],
  accounting: 'charge',
  constantKeyElision: false,
  tagHash: 'sha1'
}
