// lpm_trie: prefixes, found by the longest one that a key begins with. Key: prefix length in bits (u32), then the data.

import { failure } from '../profile/errno.ts'
import { checkFlags } from './checks.ts'
import { BPF_F_NO_PREALLOC } from './flags.ts'
import type { MapKind } from './kind.ts'

const smallestKey = 5
const largestKey = 260
const largestValue = 4 * 1024 * 1024 - 256 - 24

export const lpmTrieKind: MapKind = {
  name: 'lpm_trie',
  number: 11,
  holdsMaps: false,
  perCpu: false,
  canLookupAndDelete: false,
  check (attr) {
    const { flags, keySize, valueSize, maxEntries } = attr
    if (maxEntries === 0) return failure('EINVAL', 'lpm_trie needs max_entries of at least 1')
    if ((flags & BPF_F_NO_PREALLOC) === 0) return failure('EINVAL', 'lpm_trie is never preallocated: it needs BPF_F_NO_PREALLOC')
    if (keySize < smallestKey || keySize > largestKey) {
      return failure('EINVAL', `the key of lpm_trie is a prefix length of 4 bytes and 1 to 256 bytes of data, not ${keySize} bytes`)
    }
    if (valueSize === 0 || valueSize > largestValue) return failure('EINVAL', `the value of lpm_trie has 1 to ${largestValue} bytes, not ${valueSize}`)
    return checkFlags(attr, BPF_F_NO_PREALLOC)
  },
  checkRoom: () => null,
  maxEntries: (attr) => attr.maxEntries,
  sameShape: () => true
}
