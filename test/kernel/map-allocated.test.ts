// What maps occupy behind their memlock, against the kernel's own counters: the objects of each size class in slabinfo, pages handed out
// as slab memory beyond the slabs (allocations of several pages), and the map areas in vmallocinfo.
//
// 256 equal maps are made and the difference is divided by 256. The counters are exact but for two things, so counts are compared rounded
// to whole objects: slabinfo takes every object of a slab that some CPU holds for itself as used, which are 30 objects or so per CPU
// and class (a batch made before the measured one uses those up), and other processes allocate too. Together that stays well below the
// 128 objects, half a map's share, at which a rounded count would be another. Sizes are thus compared without tolerance.
// Per-CPU memory is handed out from shared chunks; only a batch that needs many of them shows, within a chunk's share. Chunks that
// other maps left half empty are filled first, so a batch that was given less than predicted is followed by another.

import { readFileSync } from 'node:fs'
import { mapAreas } from '../../lib/bpf/map/index.ts'
import type { MapShape } from '../../lib/bpf/map/index.ts'
import { kernel618 } from '../../lib/bpf/profile/kernel-6.18.ts'
import { mapTypeNumbers } from '../../lib/bpf/profile/names.ts'
import type { Bpf } from '../../src/live-kernel/bpf.ts'
import { openPrivilege } from './support/privilege.ts'
import { kernelSuite } from './support/tally.ts'

type Shape = Omit<MapShape, 'possibleCpus'>

const batch = 256
const mostMeasured = 6
const pageBytes = 4096
const arrayStruct = kernel618.structs.bpfArray.value
/** how far the per-CPU bytes of one map may be off: what chunks have left over, by the batch */
const perCpuTolerance = 1024

/** array of one value, that long in all */
const arrayOf = (bytes: number): Shape => ({ type: 'array', keySize: 4, valueSize: bytes - arrayStruct, maxEntries: 1, flags: 0 })
const hashOf = (type: 'hash' | 'lru_hash', keySize: number, valueSize: number, maxEntries: number, flags = 0): Shape =>
  ({ type, keySize, valueSize, maxEntries, flags })

const shapes: readonly Shape[] = [
  // on each side of a class, of a page order, of the largest area that is kmalloc's, of pages
  ...[512, 520, 1024, 1032, 2048, 2056, 4096, 4104, 8192, 8200, 16384, 16392, 32768, 32776, 36864, 36872].map(arrayOf),
  // Maglev tables: Cilium's, one element per slot, pairs
  { type: 'array', keySize: 4, valueSize: 4 * 16381, maxEntries: 1, flags: 0 },
  { type: 'array', keySize: 4, valueSize: 4, maxEntries: 1021, flags: 0x1000 },
  { type: 'array', keySize: 4, valueSize: 8, maxEntries: 2047, flags: 0x1000 },
  { type: 'array', keySize: 4, valueSize: 4, maxEntries: 100, flags: 0x400 },
  // struct, buckets and elements of a hash are rounded each on its own
  hashOf('hash', 4, 4, 64), hashOf('hash', 4, 4, 100), hashOf('hash', 4, 4, 1000), hashOf('hash', 12, 12, 512), hashOf('hash', 12, 12, 2048),
  hashOf('lru_hash', 14, 56, 512), hashOf('lru_hash', 4, 8, 448),
  // elements of their own: taken ahead 4 for each CPU up to 256 bytes, else 1
  hashOf('hash', 4, 4, 100, 1), hashOf('hash', 12, 12, 1000, 1), hashOf('hash', 16, 184, 64, 1), hashOf('hash', 16, 192, 64, 1),
  { type: 'percpu_array', keySize: 4, valueSize: 256, maxEntries: 64, flags: 0 },
  ...[4, 200, 300].map((valueSize): Shape => ({ type: 'lpm_trie', keySize: 12, valueSize, maxEntries: 1000, flags: 1 })),
  // masked against Spectre v1: room for a power of two of elements
  { type: 'array', keySize: 4, valueSize: 4, maxEntries: 5000, flags: 0, bypassSpecV1: false },
  { type: 'array', keySize: 4, valueSize: 4, maxEntries: 600, flags: 0, bypassSpecV1: false }
]

await kernelSuite('map allocated', shapes.length, async ({ bpf, same }, t) => {
  const privilege = await openPrivilege()
  const descriptors: number[] = []
  // closed at the very end: maps are freed some time after that, which would show in the next difference
  const make = (shape: Shape, count: number): void => {
    const { type, keySize, valueSize, maxEntries, flags } = shape
    const attr = { type: mapTypeNumbers[type], keySize, valueSize, maxEntries, flags }
    const create = (): void => { for (let map = 0; map < count; map++) descriptors.push(bpf.mapCreate(attr)) }
    if (shape.bypassSpecV1 !== false) create()
    else if (typeof privilege !== 'string') privilege.without(create)
  }
  for (const shape of shapes) {
    const where = `${shape.type} key ${shape.keySize} value ${shape.valueSize} max ${shape.maxEntries} flags ${shape.flags}`
    if (shape.bypassSpecV1 === false && typeof privilege === 'string') {
      t.comment(`${where}: not compared, ${privilege}`)
      continue
    }
    make(shape, batch / 4)
    const difference = (): Difference => {
      const before = takeCounters()
      make(shape, batch)
      return differenceOf(before, takeCounters())
    }
    const predicted = predictedCounters(shape, bpf)
    const perCpuOff = ({ perCpuBytes }: Difference): boolean =>
      predicted.perCpuBytes > perCpuTolerance && Math.abs(perCpuBytes - predicted.perCpuBytes) > perCpuTolerance
    let measured = difference()
    // maps that somebody closed a moment ago are still being freed: what is not as predicted counts once it is measured twice in a row
    for (let last = '', times = 1; times < mostMeasured; times++) {
      const settled = measured.text === predicted.text || measured.text === last
      if (settled && !perCpuOff(measured)) break
      last = measured.text
      measured = difference()
    }
    same(measured.text, predicted.text, where)
    if (predicted.perCpuBytes > perCpuTolerance) {
      same(perCpuOff(measured), false, `${where}: per-CPU ${measured.perCpuBytes}, predicted ${predicted.perCpuBytes}`)
    }
  }
  same(descriptors.filter((fd) => fd < 0), [], 'all maps were made')
  for (const fd of descriptors) bpf.close(fd)
})

interface Counters {
  /** objects in use by size class; maps are accounted to their cgroup, whose classes are of their own */
  readonly objects: ReadonlyMap<string, number>
  /** of allocations that are larger than the largest class */
  readonly pageOrderBytes: number
  readonly vmallocBytes: number
  readonly perCpuBytes: number
}

function takeCounters (): Counters {
  // adds up what each CPU has counted for itself
  readFileSync('/proc/sys/vm/stat_refresh')
  const objects = new Map<string, number>()
  let slabPages = 0
  for (const line of readFileSync('/proc/slabinfo', 'latin1').split('\n').slice(2)) {
    const [name = '', active, , , , pagesPerSlab, , , , , , , , , slabs] = line.trim().split(/\s+/)
    if (slabs === undefined) continue
    slabPages += Number(slabs) * Number(pagesPerSlab)
    if (name.startsWith('kmalloc-cg-')) objects.set(name.replace('-cg', ''), Number(active))
  }
  const counter = (file: string, name: string): number => Number(new RegExp(`^${name}:?\\s+(\\d+)`, 'm').exec(readFileSync(file, 'latin1'))?.[1])
  const slabBytes = counter('/proc/vmstat', 'nr_slab_unreclaimable') + counter('/proc/vmstat', 'nr_slab_reclaimable')
  return {
    objects,
    pageOrderBytes: (slabBytes - slabPages) * pageBytes,
    vmallocBytes: vmallocBytes(),
    perCpuBytes: counter('/proc/meminfo', 'Percpu') * 1024
  }
}

/** of areas of maps, without the guard page behind each */
function vmallocBytes (): number {
  return readFileSync('/proc/vmallocinfo', 'latin1').split('\n')
    .filter((line) => /(?:array|htab)_map_alloc/.test(line))
    .reduce((sum, line) => sum + Number(/\s(\d+)\s/.exec(line)?.[1]) - pageBytes, 0)
}

/** for one map of a batch */
interface Difference { readonly text: string, readonly perCpuBytes: number }

function differenceOf (before: Counters, after: Counters): Difference {
  const objects = [...after.objects].map(([name, active]) =>
    [name, Math.round((active - (before.objects.get(name) ?? 0)) / batch)] as const)
  const pages = Math.round((after.pageOrderBytes - before.pageOrderBytes) / batch / pageBytes) * pageBytes
  return {
    text: describe(new Map(objects), pages, (after.vmallocBytes - before.vmallocBytes) / batch),
    perCpuBytes: (after.perCpuBytes - before.perCpuBytes) / batch
  }
}

function predictedCounters (shape: Shape, { possibleCpus }: Bpf): Difference {
  const areas = mapAreas(kernel618, { ...shape, possibleCpus })
  const objects = new Map<string, number>()
  for (const { allocator, objects: count } of areas) objects.set(allocator, (objects.get(allocator) ?? 0) + count)
  const bytes = (of: (allocator: string) => boolean): number =>
    areas.filter(({ allocator }) => of(allocator)).reduce((sum, area) => sum + area.allocatedBytes, 0)
  const text = describe(objects, bytes((name) => name.startsWith('pages-')), bytes((name) => name === 'vmalloc'))
  return { text, perCpuBytes: bytes((name) => name === 'percpu') }
}

function describe (objects: ReadonlyMap<string, number>, pageOrderBytes: number, mappedBytes: number): string {
  const classes = [...objects].filter(([name, count]) => name.startsWith('kmalloc-') && count !== 0)
    .map(([name, count]) => `${name} x ${count}`)
  return `${classes.sort().join(', ')}; page orders ${pageOrderBytes}; vmalloc ${mappedBytes}`
}
