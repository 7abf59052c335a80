// The maps of a node as the report lists them: every map by its name, the inner maps that hold the tables as one group.

import { FLAT_ELEMENT_BYTES } from '../../loadbalancer/flat-tables.ts'
import { isMap, nameOf } from '../subject/map-names.ts'
import type { ReportMap } from '../subject/source.ts'
import { areasOf, byKernel, perCpuBytes, preallocated, shapeBytes, shapeOf, sumAreas, sumByKernel } from './map-bytes.ts'
import type { AllocatorBytes, Bytes, KernelBytes, NodeKernel, Provenance } from './map-bytes.ts'
import type { MemoryRow } from './rows.ts'

export interface MapGroup extends Bytes {
  /** `tables` for all inner maps together, which layout flat has none of, else the map's name */
  readonly name: string
  readonly maps: number
  readonly entries: number
  /** of one map; null for the tables */
  readonly maxEntries: number | null
  /** entries / maxEntries of hashes, and of the arrays of layout flat; null for maps that services do not fill */
  readonly pressure: number | null
  readonly from: Provenance
  /** more entries are needed than max_entries: this node could not hold the subject */
  readonly overflows: boolean
  /** memlock under every kernel profile, the node's own first */
  readonly byKernel: readonly KernelBytes[]
  /** allocatedBytes by where they come from */
  readonly areas: readonly AllocatorBytes[]
  /** of allocatedBytes, what every possible CPU has for itself; all CPUs together */
  readonly perCpuBytes: number
}

/** All inner maps. Those of one class are equal, so their sum is exact also where only one of them was built. */
export function tableGroup (rows: readonly MemoryRow[], scaled: boolean): MapGroup {
  const sum = (of: (row: MemoryRow) => number): number => rows.reduce((total, row) => total + of(row) * row.frontends, 0)
  const times = (row: MemoryRow) => row.tableByKernel.map((one) => ({ ...one, memlockBytes: one.memlockBytes * row.frontends }))
  const areas = sumAreas(rows.flatMap((row) => row.tableAreas.map((area) =>
    ({ ...area, objects: area.objects * row.frontends, allocatedBytes: area.allocatedBytes * row.frontends }))))
  return {
    name: 'tables',
    maps: sum(() => 1),
    entries: sum((row) => row.m),
    maxEntries: null,
    pressure: null,
    memlockBytes: sum((row) => row.table.memlockBytes),
    allocatedBytes: sum((row) => row.table.allocatedBytes),
    from: scaled && rows.some((row) => row.frontends > 1) ? 'computed' : 'measured',
    overflows: false,
    byKernel: sumByKernel(rows.map(times)),
    areas,
    perCpuBytes: perCpuBytes(areas)
  }
}

/** @param entries of the subject where the map on the node holds others */
export function mapGroup (node: NodeKernel, map: ReportMap, entries: number | undefined): MapGroup {
  const scaled = entries !== undefined && entries !== map.entries
  const shape = shapeOf(node, map, entries)
  const bytes = scaled ? shapeBytes(node, shape) : { memlockBytes: map.bytes_memlock, allocatedBytes: map.allocatedBytes }
  const areas = areasOf(node, preallocated(map) ? { ...shape, elements: 0 } : shape)
  const from = scaled ? 'computed' : 'measured'
  const held = entries ?? map.entries
  return {
    name: nameOf(map),
    maps: 1,
    entries: held,
    maxEntries: map.max_entries,
    pressure: map.type === 'hash' || map.type === 'hash_of_maps' ? held / map.max_entries : null,
    ...bytes,
    from,
    overflows: held > map.max_entries,
    byKernel: byKernel(node, shape, bytes.memlockBytes, from),
    areas,
    perCpuBytes: perCpuBytes(areas)
  }
}

/** All tables of a family: the array is there as a whole from the start, whatever of it is in use. */
export function flatGroup (node: NodeKernel, map: ReportMap, slots: number): MapGroup {
  return { ...mapGroup(node, map, undefined), entries: slots, pressure: slots / map.max_entries, overflows: slots > map.max_entries }
}

export const flatTable = (m: number): Bytes => ({ memlockBytes: m * FLAT_ELEMENT_BYTES, allocatedBytes: m * FLAT_ELEMENT_BYTES })

export const isMaglev = ({ name }: MapGroup): boolean => name === 'tables' || isMap({ name }, 'maglev', 4) || isMap({ name }, 'maglev', 6)

export function sumBytes (parts: readonly Bytes[]): Bytes {
  return {
    memlockBytes: parts.reduce((sum, part) => sum + part.memlockBytes, 0),
    allocatedBytes: parts.reduce((sum, part) => sum + part.allocatedBytes, 0)
  }
}
