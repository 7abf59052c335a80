// What maps weigh, from their shapes: by the formulas that emulated maps answer with, so that a map that was not built, or was built on a
// node with the other kernel, can stand beside one that was.

import { allocatedBytes, mapAreas, memlockBytes } from '../../bpf/map/memory.ts'
import type { MapArea, MapShape } from '../../bpf/map/memory.ts'
import { findProfile, kernelProfiles } from '../../bpf/profile/index.ts'
import type { KernelProfile } from '../../bpf/profile/index.ts'
import { BPF_F_NO_PREALLOC } from '../../bpf/map/index.ts'
import type { ReportMap, ReportNode } from '../subject/source.ts'

export interface Bytes {
  /** as the kernel reports it for the map */
  readonly memlockBytes: number
  /** as the allocator takes it: size classes and pages */
  readonly allocatedBytes: number
}

/** `measured`: of an emulated map; `computed`: by the same formulas */
export type Provenance = 'measured' | 'computed'

/** Of one allocator: size classes `kmalloc-512`, `pages-order-2` four pages in one piece, `vmalloc` mapped pages, `percpu` for all CPUs. */
export interface AllocatorBytes {
  readonly allocator: string
  /** pieces of it */
  readonly objects: number
  readonly allocatedBytes: number
}

/** What one kernel profile reports for a map or for several. */
export interface KernelBytes {
  readonly kernel: string
  readonly memlockBytes: number
  readonly from: Provenance
}

export type NodeKernel = Pick<ReportNode, 'name' | 'kernel' | 'possibleCpus' | 'spectreMasking'>

/** @param elements present, which counts for maps that allocate them one by one */
export function shapeOf (node: NodeKernel, map: ReportMap, elements: number = map.entries): MapShape {
  return {
    type: map.type as MapShape['type'],
    keySize: map.bytes_key,
    valueSize: map.bytes_value,
    maxEntries: map.max_entries,
    flags: map.flags,
    possibleCpus: node.possibleCpus,
    bypassSpecV1: !node.spectreMasking,
    elements
  }
}

/** @returns what such a map takes on the node's kernel */
export function shapeBytes (node: NodeKernel, shape: MapShape): Bytes {
  const profile = profileOf(node)
  return { memlockBytes: memlockBytes(profile, shape), allocatedBytes: allocatedBytes(profile, shape) }
}

/** @returns every profile's figure, the node's own first. @param own where it is another than the formula's: of a live map */
export function byKernel (node: NodeKernel, shape: MapShape, own: number, from: Provenance): KernelBytes[] {
  const others = kernelProfiles.filter(({ name }) => name !== node.kernel)
  return [
    { kernel: node.kernel, memlockBytes: own, from },
    ...others.map((profile): KernelBytes => ({ kernel: profile.name, memlockBytes: memlockBytes(profile, shape), from: 'computed' }))
  ]
}

export function sumByKernel (parts: ReadonlyArray<readonly KernelBytes[]>): KernelBytes[] {
  const sums = new Map<string, KernelBytes>()
  for (const { kernel, memlockBytes, from } of parts.flat()) {
    const sum = sums.get(kernel)
    sums.set(kernel, { kernel, memlockBytes: (sum?.memlockBytes ?? 0) + memlockBytes, from: sum?.from === 'computed' ? 'computed' : from })
  }
  return [...sums.values()]
}

/** @param count equal maps */
export function areasOf (node: NodeKernel, shape: MapShape, count = 1): AllocatorBytes[] {
  return sumAreas(mapAreas(profileOf(node), shape).filter(({ objects }) => objects > 0).map((area) => scaled(area, count)))
}

/** By allocator, largest first. */
export function sumAreas (areas: readonly AllocatorBytes[]): AllocatorBytes[] {
  const sums = new Map<string, AllocatorBytes>()
  for (const { allocator, objects, allocatedBytes } of areas) {
    const sum = sums.get(allocator)
    sums.set(allocator, { allocator, objects: (sum?.objects ?? 0) + objects, allocatedBytes: (sum?.allocatedBytes ?? 0) + allocatedBytes })
  }
  return [...sums.values()].sort((one, other) => other.allocatedBytes - one.allocatedBytes)
}

export const perCpuBytes = (areas: readonly AllocatorBytes[]): number => areas.find(({ allocator }) => allocator === 'percpu')?.allocatedBytes ?? 0

/** @returns memlock of one element of a hash, whether it is allocated with the map or when it comes */
export function elementBytes (node: NodeKernel, map: ReportMap): number {
  const profile = profileOf(node)
  const shape = shapeOf(node, map)
  // two sizes with the same number of buckets, a page's worth of elements apart so that rounding to pages cancels out
  const apart = 4096
  const withElements = (count: number): number => memlockBytes(profile, { ...shape, maxEntries: count, elements: count })
  return (withElements(2 ** 20) - withElements(2 ** 20 - apart)) / apart
}

export const preallocated = ({ flags }: Pick<MapShape, 'flags'>): boolean => (flags & BPF_F_NO_PREALLOC) === 0

export function profileOf (node: NodeKernel): KernelProfile {
  const profile = findProfile(node.kernel)
  if (profile === undefined) throw new TypeError(`node ${node.name} has an unknown kernel ${node.kernel}`)
  return profile
}

const scaled = ({ allocator, objects, allocatedBytes }: MapArea, count: number): AllocatorBytes =>
  ({ allocator, objects: objects * count, allocatedBytes: allocatedBytes * count })
