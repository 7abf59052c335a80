// percpu_array: an array of addresses of per-CPU values.
//
// As an inner map the kernel takes one of any size, although a lookup inlined for the template compares with the template's
// max_entries: with a smaller map it reads behind the map's end (seen on 6.18). Here a smaller one is refused; a larger one is safe.

import { checkArray, checkArrayRoom } from './array.ts'
import { checkPerCpuValue } from './checks.ts'
import type { MapKind } from './kind.ts'
import { failure } from '../profile/errno.ts'
import { BPF_F_NUMA_NODE } from './flags.ts'

export const perCpuArrayKind: MapKind = {
  name: 'percpu_array',
  number: 6,
  holdsMaps: false,
  perCpu: true,
  canLookupAndDelete: false,
  check (attr) {
    const refused = checkArray(attr, 0)
    if (refused !== null) return refused
    if ((attr.flags & BPF_F_NUMA_NODE) !== 0) return failure('EINVAL', 'percpu_array lives on the node of each CPU: no BPF_F_NUMA_NODE')
    return checkPerCpuValue(attr)
  },
  checkRoom: checkArrayRoom,
  maxEntries: (attr) => attr.maxEntries,
  sameShape: (template, candidate) => candidate.maxEntries >= template.maxEntries
}
