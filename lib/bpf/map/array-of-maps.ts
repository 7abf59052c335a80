// array_of_maps: an array of addresses of inner maps, empty slots allowed.

import { failure } from '../profile/errno.ts'
import { checkArray, checkArrayRoom } from './array.ts'
import { BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG } from './flags.ts'
import type { MapKind } from './kind.ts'

export const arrayOfMapsKind: MapKind = {
  name: 'array_of_maps',
  number: 12,
  holdsMaps: true,
  perCpu: false,
  canLookupAndDelete: false,
  check (attr) {
    if (attr.valueSize !== 4) return failure('EINVAL', `the value of array_of_maps is a map's descriptor, 4 bytes, not ${attr.valueSize}`)
    if ((attr.flags & (BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG)) !== 0) {
      return failure('EINVAL', 'array_of_maps takes neither BPF_F_RDONLY_PROG nor BPF_F_WRONLY_PROG')
    }
    return checkArray(attr, 0)
  },
  checkRoom: checkArrayRoom,
  maxEntries: (attr) => attr.maxEntries,
  sameShape: () => false
}
