// hash: keys in chains of buckets, elements preallocated or (BPF_F_NO_PREALLOC) taken one by one.

import { failure } from '../profile/errno.ts'
import { checkFlags } from './checks.ts'
import type { Refusal } from './checks.ts'
import { BPF_F_NO_COMMON_LRU, BPF_F_NO_PREALLOC, BPF_F_ZERO_SEED } from './flags.ts'
import type { MapKind } from './kind.ts'
import { powerOfTwo } from './size-classes.ts'
import type { MapAttr } from './types.ts'

const elementHeader = 48
const largestElement = 4 * 1024 * 1024 - elementHeader
/** the bytes of a table of 16-byte buckets must fit 32 bits */
const bucketLimit = 2 ** 28

export const hashKind: MapKind = {
  name: 'hash',
  number: 1,
  holdsMaps: false,
  perCpu: false,
  canLookupAndDelete: true,
  check: (attr) => checkHash(attr),
  checkRoom: checkHashRoom,
  maxEntries: (attr) => attr.maxEntries,
  sameShape: () => true
}

/** Checks of every hash type. */
export function checkHash (attr: MapAttr, lru = false): Refusal {
  const { type, flags, keySize, valueSize, maxEntries } = attr
  if ((flags & BPF_F_ZERO_SEED) !== 0 && attr.sysAdmin === false) return failure('EPERM', 'BPF_F_ZERO_SEED needs CAP_SYS_ADMIN')
  const refused = checkFlags(attr, BPF_F_NO_PREALLOC | BPF_F_NO_COMMON_LRU | BPF_F_ZERO_SEED)
  if (refused !== null) return refused
  if (!lru && (flags & BPF_F_NO_COMMON_LRU) !== 0) return failure('EINVAL', `BPF_F_NO_COMMON_LRU is for LRU hashes, not ${type}`)
  if (lru && (flags & BPF_F_NO_PREALLOC) !== 0) return failure('ENOTSUPP', `${type} is always preallocated`)
  if (maxEntries === 0 || keySize === 0 || valueSize === 0) {
    return failure('EINVAL', `${type} needs key size, value size and max_entries of at least 1`)
  }
  const bytes = keySize + valueSize
  if (bytes >= largestElement) return failure('E2BIG', `key and value of ${bytes} bytes reach ${largestElement}`)
  return null
}

export function checkHashRoom ({ maxEntries }: MapAttr): Refusal {
  return powerOfTwo(maxEntries) < bucketLimit ? null : failure('E2BIG', `max_entries ${maxEntries} needs ${bucketLimit} buckets or more`)
}
