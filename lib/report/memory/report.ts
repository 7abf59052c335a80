// The memory report: what the tables of services of each size take on each node, and what all maps of the node take.
// `measured` figures are those of emulated maps; `computed` ones come from the same formulas (lib/bpf/map/memory.ts)
// applied to maps that were not built. No bytes without the disruption that goes with them: every row says what happens
// to a table of that size when one backend leaves.

import { FLAT_ELEMENT_BYTES } from '../../loadbalancer/flat-tables.ts'
import { defaultSeed, parseSeed } from '../../maglev/index.ts'
import type { TableSizePolicy } from '../../maglev/index.ts'
import type { MixScale, ReportContext, ReportSteps } from '../context.ts'
import { defaultTrials, disruptionOfOneLeaving } from '../disruption/one-leaving.ts'
import type { Disruption } from '../disruption/one-leaving.ts'
import { classify } from '../subject/classes.ts'
import type { FrontendClass } from '../subject/classes.ts'
import { isMap, nameOf } from '../subject/map-names.ts'
import type { MapRole } from '../subject/map-names.ts'
import type { ReportMap, ReportNode, ReportSource, Subject } from '../subject/source.ts'
import { elementBytes, mapBytes } from './map-bytes.ts'
import type { Bytes } from './map-bytes.ts'

export type Provenance = 'measured' | 'computed'

export interface MemoryRow {
  readonly family: 4 | 6
  /** N, backends in the table */
  readonly backends: number
  readonly m: number
  /** how many frontends of the subject are of this class */
  readonly frontends: number
  /** one inner map, measured on the emulated one; in layout flat the table's part of the array, computed */
  readonly table: Bytes
  /** memlock of the outer map divided by the tables in it; in layout flat of what the array has beside its tables */
  readonly outerShareBytes: number
  /** elements of one such frontend in the other maps: its services entries, its backends, its revNAT entry; memlock, computed */
  readonly entriesBytes: { readonly services: number, readonly backends: number, readonly revNat: number }
  /** of one frontend: table, share of the outer map, entries; memlock */
  readonly perFrontendBytes: number
  /** null for a table without backends */
  readonly disruption: Disruption | null
}

export interface MapGroup extends Bytes {
  /** `tables` for all inner maps together, which layout flat has none of, else the map's name */
  readonly name: string
  readonly maps: number
  readonly entries: number
  /** of one map; null for the tables */
  readonly maxEntries: number | null
  readonly from: Provenance
  /** more entries are needed than max_entries: this node could not hold the subject */
  readonly overflows: boolean
}

export interface NodeMemory {
  readonly node: string
  readonly kernel: string
  readonly layout: string
  readonly tableSizePolicy: TableSizePolicy
  readonly preallocateMaps: boolean
  readonly rows: readonly MemoryRow[]
  readonly maps: readonly MapGroup[]
  /** all maps of the node */
  readonly total: Bytes
  /** of them the Maglev tables and their outer maps: what a table layout changes */
  readonly maglev: Bytes
}

export interface MemoryReport {
  readonly kind: 'memory'
  readonly subject: Subject
  /** of the draw of who leaves */
  readonly seed: number
  readonly nodes: readonly NodeMemory[]
  readonly notes: readonly string[]
}

export interface MemoryOptions {
  /** of the draw of who leaves */
  readonly seed?: number
  /** backends that leave, one at a time, for the disruption of each row */
  readonly trials?: number
}

type DisruptionOf = (m: number, backends: number, seed: string) => Disruption | null

export function * memoryReport (context: ReportContext, options: MemoryOptions): ReportSteps<MemoryReport> {
  const { source, nodes: names, subject, scale } = context
  const drawSeed = options.seed ?? 1
  const known = new Map<string, Disruption | null>()
  const disruptionOf: DisruptionOf = (m, backends, seedText) => {
    const key = `${m} ${backends} ${seedText}`
    const parsed = parseSeed(seedText)
    const disruption = known.get(key) ?? disruptionOfOneLeaving({
      m, backends, drawSeed, seed: parsed.ok ? parsed.seed : defaultSeed(), trials: options.trials ?? defaultTrials
    })
    known.set(key, disruption)
    return disruption
  }
  const nodes = names.map((name) => nodeMemory(source, source.getNode(name), scale, disruptionOf))
  return { kind: 'memory', subject, seed: drawSeed, nodes, notes: [...notes, ...nodes.flatMap(overflowNotes)] }
}

const notes: readonly string[] = [
  'A smaller M saves memory and moves more flows: movedShare is the share of all slots that go to another backend when one of N equal backends leaves, collateralShare the part of it that need not have moved (means over the trials; tables built before and after with the real fill).',
  'memlock is what the kernel reports for a map; allocated counts the size classes and pages behind it. Outer maps never include their inner maps; the array of layout flat has room for as many services as there could be.',
  'Figures marked measured are those of emulated maps; computed ones come from the same formulas for maps that were not built.',
  'Backends that several frontends share are counted with each of them in perFrontendBytes, and once in the totals.'
]

function overflowNotes (node: NodeMemory): string[] {
  return node.maps.filter((map) => map.overflows)
    .map((map) => `${node.node}: ${map.name} would need ${map.entries} entries and has ${map.maxEntries}; such a node refuses the change.`)
}

function nodeMemory (source: ReportSource, node: ReportNode, scale: MixScale | null, disruptionOf: DisruptionOf): NodeMemory {
  const frontends = source.listFrontends(node.name)
  const classes = classify(frontends, { protocol: false })
  const flat = node.layout === 'flat'
  const tables = new Map(flat
    ? []
    : frontends.flatMap(({ table }) => table === null ? [] : [[table.mapId, source.getMap(node.name, table.mapId)] as const]))
  const others = source.listMaps(node.name).filter((map) => !tables.has(map.id))
  const countOf = (group: FrontendClass): number => scale?.frontendsOf(group.backends) ?? group.frontends.length
  const slotsOf = (family: 4 | 6): number => sumOver(classes, family, (group) => group.m * countOf(group))
  const groups = others.map((map) => {
    const family = flat ? families.find((one) => isMap(map, 'maglev', one)) : undefined
    return family === undefined ? mapGroup(node, map, scale?.entriesOf(node.name, nameOf(map))) : flatGroup(map, slotsOf(family))
  })
  const rows = classes.map((group): MemoryRow => {
    const table = flat ? flatTable(group.m) : bytesOf(tables.get(group.frontends[0]?.table?.mapId ?? -1) as ReportMap)
    const outer = groups.find((map) => isMap(map, 'maglev', group.family))
    const tablesInOuter = sumOver(classes, group.family, countOf)
    const within = flat ? slotsOf(group.family) * FLAT_ELEMENT_BYTES : 0
    const outerShareBytes = Math.round(((outer?.memlockBytes ?? 0) - within) / tablesInOuter)
    const entriesBytes = entriesOf(node, others, group)
    return {
      family: group.family,
      backends: group.backends,
      m: group.m,
      frontends: countOf(group),
      table,
      outerShareBytes,
      entriesBytes,
      perFrontendBytes: table.memlockBytes + outerShareBytes + entriesBytes.services + entriesBytes.backends + entriesBytes.revNat,
      disruption: disruptionOf(group.m, group.backends, node.seed)
    }
  })
  const maps = flat ? groups : [tableGroup(rows, scale !== null), ...groups]
  return {
    node: node.name,
    kernel: node.kernel,
    layout: node.layout,
    tableSizePolicy: node.tableSizePolicy,
    preallocateMaps: node.preallocateMaps,
    rows,
    maps,
    total: sumBytes(maps),
    maglev: sumBytes(maps.filter((map) => map.name === 'tables' || isMap(map, 'maglev', 4) || isMap(map, 'maglev', 6)))
  }
}

/** All inner maps. Those of one class are equal, so their sum is exact also where only one of them was built. */
function tableGroup (rows: readonly MemoryRow[], scaled: boolean): MapGroup {
  const sum = (of: (row: MemoryRow) => number): number => rows.reduce((total, row) => total + of(row) * row.frontends, 0)
  return {
    name: 'tables',
    maps: sum(() => 1),
    entries: sum((row) => row.m),
    maxEntries: null,
    memlockBytes: sum((row) => row.table.memlockBytes),
    allocatedBytes: sum((row) => row.table.allocatedBytes),
    from: scaled && rows.some((row) => row.frontends > 1) ? 'computed' : 'measured',
    overflows: false
  }
}

function mapGroup (node: ReportNode, map: ReportMap, entries: number | undefined): MapGroup {
  const scaled = entries !== undefined && entries !== map.entries
  const bytes = scaled ? mapBytes(node, map, entries) : bytesOf(map)
  return {
    name: nameOf(map),
    maps: 1,
    entries: entries ?? map.entries,
    maxEntries: map.max_entries,
    ...bytes,
    from: scaled ? 'computed' : 'measured',
    overflows: (entries ?? map.entries) > map.max_entries
  }
}

/** All tables of a family: the array is there as a whole from the start, whatever of it is in use. */
function flatGroup (map: ReportMap, slots: number): MapGroup {
  return { name: nameOf(map), maps: 1, entries: slots, maxEntries: map.max_entries, ...bytesOf(map), from: 'measured', overflows: slots > map.max_entries }
}

const families = [4, 6] as const

const flatTable = (m: number): Bytes => ({ memlockBytes: m * FLAT_ELEMENT_BYTES, allocatedBytes: m * FLAT_ELEMENT_BYTES })

const bytesOf = (map: ReportMap): Bytes => ({ memlockBytes: map.bytes_memlock, allocatedBytes: map.allocatedBytes })

function sumOver (classes: readonly FrontendClass[], family: 4 | 6, of: (group: FrontendClass) => number): number {
  return classes.filter((group) => group.family === family).reduce((sum, group) => sum + of(group), 0)
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

function sumBytes (maps: readonly MapGroup[]): Bytes {
  return {
    memlockBytes: maps.reduce((sum, map) => sum + map.memlockBytes, 0),
    allocatedBytes: maps.reduce((sum, map) => sum + map.allocatedBytes, 0)
  }
}
