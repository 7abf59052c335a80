// What a map weighs, from its shape alone: as the kernel reports it (`memlock` in fdinfo and bpftool), and as its
// allocators hand it out. Reports on mixes use these without a map; a live map gives its own state as the shape.
//
// `exact` kernels (6.4 and later) add up what each map type knows of itself; every formula was compared with a running
// 6.18 kernel over thousands of shapes. `charge` kernels (5.3 to 5.10) round an estimate made before allocation to pages.

import type { KernelProfile, MapTypeName } from '../profile/index.ts'
import { BPF_F_MMAPABLE, BPF_F_NO_COMMON_LRU, BPF_F_NO_PREALLOC } from './flags.ts'
import { areaAllocator, areaBytes, kmallocBytes, kmallocName, pageAlign, powerOfTwo, round8 } from './size-classes.ts'
import type { Allocator } from './size-classes.ts'

/** the map types whose weight is known */
export type WeighedType = Extract<MapTypeName,
  'array' | 'percpu_array' | 'array_of_maps' | 'prog_array' | 'perf_event_array' | 'cgroup_array' |
  'hash' | 'lru_hash' | 'hash_of_maps' | 'percpu_hash' | 'lru_percpu_hash' | 'lpm_trie'>

export interface MapShape {
  readonly type: WeighedType
  readonly keySize: number
  readonly valueSize: number
  readonly maxEntries: number
  readonly flags: number
  readonly possibleCpus: number
  /** elements present: counts for maps that allocate them one by one; 0 unless said */
  readonly elements?: number
  /** lpm_trie: nodes beside its prefixes' that join two branches, fewer than there are elements; 0 unless said */
  readonly joiningNodes?: number
  /** false: an array's room is a power of two, so that a masked index stays inside; true unless said */
  readonly bypassSpecV1?: boolean
}

/** A piece of memory a map owns: what it asked for and what it occupies. */
export interface MapArea {
  readonly name: string
  readonly allocator: Allocator
  /** objects of that allocator; 1 for an area in one piece */
  readonly objects: number
  readonly bytes: number
  readonly allocatedBytes: number
}

const pointerBytes = 8
const bucketBytes = 16
/** bucket locks of earlier kernels, which 6.18 still counts but no longer has: 8 per CPU, 4 bytes each */
const mapLockedBytes = 32
/** bpf_mem_alloc keeps a list link in front of each object; of per-CPU objects also the pointer and a link */
const memAllocLink = 8
const perCpuObjectOverhead = 16
const freeListHeadBytes = 16
const counterBytes = 8
const lruListBytes = 128
const lruLocalListBytes = 32
const trieNodeBytes = 24
const triePrefixBytes = 4
/** objects that bpf_mem_alloc takes ahead for each CPU: 4 small or 1 large */
const smallObject = 256
const prefillSmall = 4
/** a cost from here on is refused with E2BIG */
const chargeLimit = 2 ** 32 - 4096

const perCpuTypes: readonly WeighedType[] = ['percpu_array', 'percpu_hash', 'lru_percpu_hash']
const pointerArrays: readonly WeighedType[] = ['array_of_maps', 'prog_array', 'perf_event_array', 'cgroup_array']
const arrays: readonly WeighedType[] = ['array', 'percpu_array', ...pointerArrays]
const lruTypes: readonly WeighedType[] = ['lru_hash', 'lru_percpu_hash']

/** @returns what the kernel of that profile reports as `memlock` */
export function memlockBytes (profile: KernelProfile, shape: MapShape): number {
  if (profile.accounting === 'charge') return pageAlign(chargedBytes(profile, shape))
  if (shape.type === 'lpm_trie') return trieBytes(shape)
  return arrays.includes(shape.type) ? arrayUsage(profile, shape) : hashUsage(profile, shape)
}

/** @returns false where a charging kernel answers E2BIG */
export function isChargeable (profile: KernelProfile, shape: MapShape): boolean {
  return profile.accounting !== 'charge' || chargedBytes(profile, shape) < chargeLimit
}

/** @returns bytes taken from the kernel's allocators: size classes, page orders and pages in place of the sizes asked for */
export function allocatedBytes (profile: KernelProfile, shape: MapShape): number {
  return mapAreas(profile, shape).reduce((sum, area) => sum + area.allocatedBytes, 0)
}

/** @returns every area of a map; file, inode and id of a map are the same for all and left out */
export function mapAreas (profile: KernelProfile, shape: MapShape): MapArea[] {
  if (shape.type === 'lpm_trie') return trieAreas(profile, shape)
  return arrays.includes(shape.type) ? arrayAreas(profile, shape) : hashAreas(profile, shape)
}

function arrayUsage (profile: KernelProfile, { type, valueSize, maxEntries, flags, possibleCpus }: MapShape): number {
  const struct = profile.structs.bpfArray.value
  if (pointerArrays.includes(type)) return struct + pointerBytes * maxEntries
  if (type === 'percpu_array') return struct + pointerBytes * maxEntries + round8(valueSize) * possibleCpus * maxEntries
  const values = round8(valueSize) * maxEntries
  return (flags & BPF_F_MMAPABLE) !== 0 ? pageAlign(struct) + pageAlign(values) : struct + values
}

function arrayAreas (profile: KernelProfile, shape: MapShape): MapArea[] {
  const struct = profile.structs.bpfArray.value
  const entries = shape.bypassSpecV1 === false ? powerOfTwo(shape.maxEntries) : shape.maxEntries
  if (shape.type === 'array') {
    const values = round8(shape.valueSize) * entries
    if ((shape.flags & BPF_F_MMAPABLE) === 0) return [mapArea('struct and values', struct + values)]
    const bytes = pageAlign(struct) + pageAlign(values)
    return [{ name: 'struct and values', allocator: 'vmalloc', objects: 1, bytes, allocatedBytes: bytes }]
  }
  const areas = [mapArea('struct and pointers', struct + pointerBytes * entries)]
  if (shape.type === 'percpu_array') {
    areas.push(perCpuArea('per-CPU values', round8(shape.valueSize) * shape.maxEntries, shape.possibleCpus))
  }
  return areas
}

interface HashSizes {
  readonly buckets: number
  /** element with its pointer or value */
  readonly elem: number
  readonly perCpuValue: number
  readonly preallocated: boolean
}

function hashSizes (profile: KernelProfile, { type, keySize, valueSize, maxEntries, flags }: MapShape): HashSizes {
  const perCpu = perCpuTypes.includes(type)
  const inElem = perCpu || type === 'hash_of_maps' ? pointerBytes : round8(valueSize)
  return {
    buckets: powerOfTwo(maxEntries),
    elem: profile.structs.htabElem.key + round8(keySize) + inElem,
    perCpuValue: perCpu ? round8(valueSize) : 0,
    preallocated: (flags & BPF_F_NO_PREALLOC) === 0
  }
}

function hashUsage (profile: KernelProfile, shape: MapShape): number {
  const { type, maxEntries, possibleCpus, elements = 0 } = shape
  const { buckets, elem, perCpuValue, preallocated } = hashSizes(profile, shape)
  const table = profile.structs.bpfHtab.size + mapLockedBytes * possibleCpus + bucketBytes * buckets
  if (!preallocated) {
    const overhead = perCpuValue > 0 ? memAllocLink + perCpuObjectOverhead : memAllocLink
    return table + (elem + overhead + perCpuValue * possibleCpus) * elements
  }
  const values = perCpuValue * possibleCpus * maxEntries
  if (type === 'hash') return table + elem * (maxEntries + possibleCpus) + pointerBytes * possibleCpus
  if (type === 'hash_of_maps') return table + elem * maxEntries + pointerBytes * possibleCpus
  return table + elem * maxEntries + values
}

function hashAreas (profile: KernelProfile, shape: MapShape): MapArea[] {
  const { type, maxEntries, possibleCpus, flags } = shape
  const { buckets, elem, perCpuValue, preallocated } = hashSizes(profile, shape)
  const areas = [
    mapArea('struct', profile.structs.bpfHtab.size),
    mapArea('buckets', bucketBytes * buckets),
    perCpuArea('element counters', counterBytes, possibleCpus)
  ]
  if (!preallocated) return [...areas, ...singleElements(shape, elem, perCpuValue)]
  areas.push(mapArea('elements', elem * (maxEntries + (type === 'hash' ? possibleCpus : 0))))
  if (perCpuValue > 0) areas.push(perCpuArea('per-CPU values', perCpuValue * maxEntries, possibleCpus))
  if (lruTypes.includes(type)) {
    areas.push(perCpuArea('LRU lists', (flags & BPF_F_NO_COMMON_LRU) !== 0 ? lruListBytes : lruLocalListBytes, possibleCpus))
  } else {
    areas.push(perCpuArea('free lists', freeListHeadBytes, possibleCpus))
    if (type === 'hash') areas.push(perCpuArea('spare elements', pointerBytes, possibleCpus))
  }
  return areas
}

/** BPF_F_NO_PREALLOC: the elements there are, and those taken ahead when the map was created. */
function singleElements ({ possibleCpus, elements = 0 }: MapShape, elem: number, perCpuValue: number): MapArea[] {
  const object = elem + memAllocLink
  const ahead = (object <= smallObject ? prefillSmall : 1) * possibleCpus
  const areas = [elementArea(object, elements), { ...elementArea(object, ahead), name: 'elements taken ahead' }]
  if (perCpuValue > 0) areas.push(perCpuArea('per-CPU values', perCpuValue * elements, possibleCpus))
  return areas
}

function trieNode ({ keySize, valueSize }: MapShape): number {
  return trieNodeBytes + keySize - triePrefixBytes + valueSize
}

/** The kernel's count of a trie leaves its struct and the joining nodes out; they take memory all the same. */
function trieAreas (profile: KernelProfile, shape: MapShape): MapArea[] {
  const elements = (shape.elements ?? 0) + (shape.joiningNodes ?? 0)
  return [mapArea('struct', profile.structs.lpmTrie.size), ...singleElements({ ...shape, elements }, trieNode(shape), 0)]
}

function trieBytes (shape: MapShape): number {
  return trieNode(shape) * (shape.elements ?? 0)
}

/** What a charging kernel counts before it allocates: the same for BPF_F_NO_PREALLOC, and without the struct of a hash. */
function chargedBytes (profile: KernelProfile, shape: MapShape): number {
  const { type, valueSize, maxEntries, flags, possibleCpus } = shape
  if (type === 'lpm_trie') return trieNode(shape) * maxEntries
  if (arrays.includes(type)) {
    const struct = profile.structs.bpfArray.value
    const entries = shape.bypassSpecV1 === false ? powerOfTwo(maxEntries) : maxEntries
    if (type !== 'array') {
      return struct + pointerBytes * entries + (type === 'percpu_array' ? round8(valueSize) * maxEntries * possibleCpus : 0)
    }
    const values = round8(valueSize) * entries
    return (flags & BPF_F_MMAPABLE) !== 0 ? pageAlign(struct) + pageAlign(values) : struct + values
  }
  const { buckets, elem, perCpuValue } = hashSizes(profile, shape)
  const spare = perCpuValue > 0 ? perCpuValue * possibleCpus * maxEntries : elem * possibleCpus
  return bucketBytes * buckets + elem * maxEntries + spare
}

function mapArea (name: string, bytes: number): MapArea {
  return { name, allocator: areaAllocator(bytes), objects: 1, bytes, allocatedBytes: areaBytes(bytes) }
}

function perCpuArea (name: string, bytes: number, possibleCpus: number): MapArea {
  return { name, allocator: 'percpu', objects: 1, bytes: bytes * possibleCpus, allocatedBytes: bytes * possibleCpus }
}

function elementArea (object: number, count: number): MapArea {
  return { name: 'elements', allocator: kmallocName(object), objects: count, bytes: object * count, allocatedBytes: kmallocBytes(object) * count }
}
