// Checks that several kinds of map share when they are created. Order and errno as the kernel has them, so that a request
// that is wrong in two ways gets the kernel's answer.

import { failure } from '../profile/errno.ts'
import type { Refused } from '../profile/errno.ts'
import { accessFlags, BPF_F_NUMA_NODE, BPF_F_RDONLY, BPF_F_RDONLY_PROG, BPF_F_WRONLY, BPF_F_WRONLY_PROG } from './flags.ts'
import { round8 } from './size-classes.ts'
import type { MapAttr } from './types.ts'

export type Refusal = Refused | null

const nameBytes = 15
const u32Fields = ['keySize', 'valueSize', 'maxEntries', 'flags'] as const
/** smallest unit of the per-CPU allocator: no per-CPU value may be larger */
const perCpuUnitBytes = 32768

/** Before the map type is looked at. */
export function checkCommon (attr: MapAttr): Refusal {
  const wrong = u32Fields.find((field) => !Number.isInteger(attr[field]) || attr[field] < 0 || attr[field] > 0xffff_ffff)
  if (wrong !== undefined) return failure('EINVAL', `${wrong} must be an unsigned 32-bit number`)
  if ((attr.mapExtra ?? 0) !== 0) return failure('EINVAL', `map_extra has no meaning for ${attr.type}`)
  if (hasBoth(attr.flags, BPF_F_RDONLY, BPF_F_WRONLY)) return failure('EINVAL', 'BPF_F_RDONLY and BPF_F_WRONLY exclude each other')
  if ((attr.flags & BPF_F_NUMA_NODE) !== 0 && (attr.numaNode ?? 0) !== 0) {
    return failure('EINVAL', `there is no NUMA node ${attr.numaNode}; the machine has node 0`)
  }
  return null
}

/** Of maps the last check, after their memory was laid out. */
export function checkName (object: 'map' | 'program', name: string): Refusal {
  if (name.length > nameBytes) return failure('EINVAL', `${object} name ${name} is longer than ${nameBytes} characters`)
  return /^[A-Za-z0-9_.]*$/.test(name) ? null : failure('EINVAL', `${object} name ${name} has characters other than letters, digits, _ and .`)
}

/** @param allowed flags this map type knows beside those for access and the NUMA node */
export function checkFlags ({ flags, type }: MapAttr, allowed: number): Refusal {
  const unknown = (flags & ~(allowed | accessFlags | BPF_F_NUMA_NODE)) >>> 0
  if (unknown !== 0) return failure('EINVAL', `${type} does not know the flags 0x${unknown.toString(16)}`)
  if (hasBoth(flags, BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG)) {
    return failure('EINVAL', 'BPF_F_RDONLY_PROG and BPF_F_WRONLY_PROG exclude each other')
  }
  return null
}

export function checkPerCpuValue ({ valueSize }: MapAttr): Refusal {
  if (round8(valueSize) <= perCpuUnitBytes) return null
  return failure('E2BIG', `value size ${valueSize} is over ${perCpuUnitBytes}, the most for a per-CPU map`)
}

function hasBoth (flags: number, one: number, other: number): boolean {
  return (flags & one) !== 0 && (flags & other) !== 0
}
