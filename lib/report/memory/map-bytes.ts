// Bytes of maps that were not built, by the formulas that the emulated maps are measured against.

import { allocatedBytes, memlockBytes } from '../../bpf/map/memory.ts'
import type { MapShape } from '../../bpf/map/memory.ts'
import { findProfile } from '../../bpf/profile/index.ts'
import type { KernelProfile } from '../../bpf/profile/index.ts'
import type { ReportMap, ReportNode } from '../subject/source.ts'

export interface Bytes {
  /** as the kernel reports it for the map */
  readonly memlockBytes: number
  /** as the allocator takes it: size classes and pages */
  readonly allocatedBytes: number
}

/** @returns what the map would take with that many elements */
export function mapBytes (node: ReportNode, map: ReportMap, elements: number): Bytes {
  const profile = profileOf(node)
  const shape = { ...shapeOf(node, map), elements }
  return { memlockBytes: memlockBytes(profile, shape), allocatedBytes: allocatedBytes(profile, shape) }
}

/** @returns memlock of one element of a hash, whether it is allocated with the map or when it comes */
export function elementBytes (node: ReportNode, map: ReportMap): number {
  const profile = profileOf(node)
  const shape = shapeOf(node, map)
  // two sizes with the same number of buckets, a page's worth of elements apart so that rounding to pages cancels out
  const apart = 4096
  const withElements = (count: number): number => memlockBytes(profile, { ...shape, maxEntries: count, elements: count })
  return (withElements(2 ** 20) - withElements(2 ** 20 - apart)) / apart
}

function shapeOf (node: ReportNode, map: ReportMap): MapShape {
  return {
    type: map.type as MapShape['type'],
    keySize: map.bytes_key,
    valueSize: map.bytes_value,
    maxEntries: map.max_entries,
    flags: map.flags,
    possibleCpus: node.possibleCpus,
    bypassSpecV1: !node.spectreMasking
  }
}

function profileOf (node: ReportNode): KernelProfile {
  const profile = findProfile(node.kernel)
  if (profile === undefined) throw new TypeError(`node ${node.name} has an unknown kernel ${node.kernel}`)
  return profile
}
