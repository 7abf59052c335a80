// One row per class of frontends: what a frontend of that size takes, and what happens to its table when one backend leaves.

import { FLAT_ELEMENT_BYTES } from '../../loadbalancer/flat-tables.ts'
import type { Leaving } from '../disruption/leaving.ts'
import type { FrontendClass } from '../subject/classes.ts'
import { isMap } from '../subject/map-names.ts'
import type { MapRole } from '../subject/map-names.ts'
import type { ReportMap, ReportNode } from '../subject/source.ts'
import { flatTable } from './groups.ts'
import type { MapGroup } from './groups.ts'
import { areasOf, byKernel, elementBytes, shapeOf } from './map-bytes.ts'
import type { AllocatorBytes, Bytes, KernelBytes } from './map-bytes.ts'

export interface MemoryRow {
  readonly family: 4 | 6
  /** N, backends in the table */
  readonly backends: number
  readonly m: number
  /** how many frontends of the subject are of this class */
  readonly frontends: number
  /** one inner map, measured on the emulated one; in layout flat the table's part of the array, computed */
  readonly table: Bytes
  /** memlock of that map under every kernel profile; empty in layout flat, where it is a part of a map */
  readonly tableByKernel: readonly KernelBytes[]
  readonly tableAreas: readonly AllocatorBytes[]
  /** attributes of that map; null in layout flat */
  readonly tableShape: TableShape | null
  /** memlock of the outer map divided by the tables in it; in layout flat of what the array has beside its tables */
  readonly outerShareBytes: number
  /** elements of one such frontend in the other maps: its services entries, its backends, its revNAT entry; memlock, computed */
  readonly entriesBytes: { readonly services: number, readonly backends: number, readonly revNat: number }
  /** of one frontend: table, share of the outer map, entries; memlock */
  readonly perFrontendBytes: number
  /** null for a table without backends */
  readonly disruption: Leaving | null
}

interface TableShape {
  readonly valueSize: number
  readonly maxEntries: number
  readonly flags: number
}

interface RowParts {
  readonly node: ReportNode
  /** maps other than tables */
  readonly others: readonly ReportMap[]
  readonly groups: readonly MapGroup[]
  readonly classes: readonly FrontendClass[]
  /** the inner map of the class's first frontend */
  readonly tableOf: (group: FrontendClass) => ReportMap | undefined
  readonly countOf: (group: FrontendClass) => number
  readonly disruptionOf: (group: FrontendClass) => Leaving | null
}

export function memoryRows ({ node, others, groups, classes, tableOf, countOf, disruptionOf }: RowParts): MemoryRow[] {
  const flat = node.layout === 'flat'
  return classes.map((group): MemoryRow => {
    const map = tableOf(group)
    const ofFamily = classes.filter(({ family }) => family === group.family)
    const within = flat ? ofFamily.reduce((sum, one) => sum + one.m * countOf(one), 0) * FLAT_ELEMENT_BYTES : 0
    const tablesInOuter = ofFamily.reduce((sum, one) => sum + countOf(one), 0)
    const outer = groups.find((one) => isMap(one, 'maglev', group.family))
    const outerShareBytes = Math.round(((outer?.memlockBytes ?? 0) - within) / tablesInOuter)
    const entriesBytes = entriesOf(node, others, group)
    const table = map === undefined ? flatTable(group.m) : { memlockBytes: map.bytes_memlock, allocatedBytes: map.allocatedBytes }
    return {
      family: group.family,
      backends: group.backends,
      m: group.m,
      frontends: countOf(group),
      table,
      tableByKernel: map === undefined ? [] : byKernel(node, shapeOf(node, map), map.bytes_memlock, 'measured'),
      tableAreas: map === undefined ? [] : areasOf(node, shapeOf(node, map)),
      tableShape: map === undefined ? null : { valueSize: map.bytes_value, maxEntries: map.max_entries, flags: map.flags },
      outerShareBytes,
      entriesBytes,
      perFrontendBytes: table.memlockBytes + outerShareBytes + entriesBytes.services + entriesBytes.backends + entriesBytes.revNat,
      disruption: disruptionOf(group)
    }
  })
}

/** A frontend has one services entry and one more for each backend; backends have one each, the revNAT map one. */
function entriesOf (node: ReportNode, maps: readonly ReportMap[], group: FrontendClass): MemoryRow['entriesBytes'] {
  const bytes = (role: MapRole): number => {
    const map = maps.find((candidate) => isMap(candidate, role, group.family))
    return map === undefined ? 0 : elementBytes(node, map)
  }
  return {
    services: bytes('services') * (group.backends + 1),
    backends: bytes('backends') * group.backends,
    revNat: bytes('reverseNat')
  }
}
