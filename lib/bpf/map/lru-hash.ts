// lru_hash: a hash that makes room by evicting. With BPF_F_NO_COMMON_LRU every CPU has an equal share of the elements.

import { failure } from '../profile/errno.ts'
import { BPF_F_NO_COMMON_LRU, BPF_F_NUMA_NODE } from './flags.ts'
import { checkHash, checkHashRoom } from './hash.ts'
import type { MapKind } from './kind.ts'

export const lruHashKind: MapKind = {
  name: 'lru_hash',
  number: 9,
  holdsMaps: false,
  perCpu: false,
  canLookupAndDelete: true,
  check (attr) {
    const both = BPF_F_NO_COMMON_LRU | BPF_F_NUMA_NODE
    const refused = checkHash(attr, true)
    if (refused !== null) return refused
    if ((attr.flags & both) !== both) return null
    return failure('EINVAL', 'the lists of BPF_F_NO_COMMON_LRU live on the node of each CPU: no BPF_F_NUMA_NODE')
  },
  checkRoom: checkHashRoom,
  maxEntries: ({ flags, maxEntries }, possibleCpus) =>
    (flags & BPF_F_NO_COMMON_LRU) !== 0 ? Math.ceil(maxEntries / possibleCpus) * possibleCpus : maxEntries,
  sameShape: () => true
}
