// hash_of_maps: a hash whose values are addresses of inner maps. Replacing swaps the address in place (Linux 6.16 and later).

import { failure } from '../profile/errno.ts'
import { checkHash, checkHashRoom } from './hash.ts'
import type { MapKind } from './kind.ts'

export const hashOfMapsKind: MapKind = {
  name: 'hash_of_maps',
  number: 13,
  holdsMaps: true,
  perCpu: false,
  canLookupAndDelete: false,
  check (attr) {
    if (attr.valueSize !== 4) return failure('EINVAL', `the value of hash_of_maps is a map's descriptor, 4 bytes, not ${attr.valueSize}`)
    return checkHash(attr)
  },
  checkRoom: checkHashRoom,
  maxEntries: (attr) => attr.maxEntries,
  sameShape: () => false
}
