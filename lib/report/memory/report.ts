// The memory report: what the tables of services of each size take on each node, what all maps of the node take and will take, and what
// stands beside them. `measured` figures are those of emulated maps; `computed` ones come from the same formulas (lib/bpf/map/memory.ts)
// applied to maps that were not built. No bytes without the disruption that goes with them: every row says what happens to a table of
// that size when one backend leaves.

import { chooseTableSize } from '../../maglev/index.ts'
import type { TableSizePolicy } from '../../maglev/index.ts'
import type { MixScale, ReportContext, ReportSteps } from '../context.ts'
import { ClassPopulations } from '../disruption/class-populations.ts'
import { leavingPlan } from '../disruption/leaving.ts'
import type { Leaving, LeavingQuestion } from '../disruption/leaving.ts'
import type { DisruptionPlan } from '../disruption/plan.ts'
import { drawnPopulation } from '../disruption/population.ts'
import type { Population } from '../disruption/population.ts'
import { classify } from '../subject/classes.ts'
import type { FrontendClass } from '../subject/classes.ts'
import { isMap, nameOf } from '../subject/map-names.ts'
import type { ReportFrontend, ReportMap, ReportNode, Subject } from '../subject/source.ts'
import { alternatives, commonest, OTHERS_TABLE_SIZE } from './alternatives.ts'
import type { Alternative } from './alternatives.ts'
import { connectionMaps, defaultSizing } from './cilium-maps.ts'
import type { ConnectionMap, Sizing } from './cilium-maps.ts'
import { curveSizes, tableCurve } from './curve.ts'
import type { CurvePoint } from './curve.ts'
import { Disruptions } from './disruptions.ts'
import { compareFound } from './found-maps.ts'
import type { FoundComparison, FoundMap } from './found-maps.ts'
import { flatGroup, isMaglev, mapGroup, sumBytes, tableGroup } from './groups.ts'
import type { MapGroup } from './groups.ts'
import { headroom } from './headroom.ts'
import type { Headroom } from './headroom.ts'
import { perCpuBytes, sumAreas, sumByKernel } from './map-bytes.ts'
import type { AllocatorBytes, Bytes, KernelBytes } from './map-bytes.ts'
import { outerMaps } from './outer.ts'
import type { OuterMap } from './outer.ts'
import { peaks } from './peak.ts'
import type { Peak } from './peak.ts'
import { memoryRows } from './rows.ts'
import type { MemoryRow } from './rows.ts'
import { dearestServices } from './services.ts'
import type { ServiceBytes } from './services.ts'

export type { Provenance } from './map-bytes.ts'
export type { FoundMap } from './found-maps.ts'
export type { MapGroup } from './groups.ts'
export type { MemoryRow } from './rows.ts'

export interface NodeMemory {
  readonly node: string
  readonly kernel: string
  readonly possibleCpus: number
  readonly layout: string
  readonly tableSizePolicy: TableSizePolicy
  readonly preallocateMaps: boolean
  /** other nodes of the report that pick the same backend for every flow: the same seed, the same M for every size */
  readonly samePicksAs: readonly string[]
  readonly rows: readonly MemoryRow[]
  readonly maps: readonly MapGroup[]
  /** all maps of the node */
  readonly total: Bytes
  /** memlock of all maps under every kernel profile, the node's own first */
  readonly totalByKernel: readonly KernelBytes[]
  /** allocatedBytes of all maps by where they come from */
  readonly areas: readonly AllocatorBytes[]
  readonly perCpuBytes: number
  /** of all maps the Maglev tables and their outer maps: what a table layout changes */
  readonly maglev: Bytes
  readonly outerMaps: readonly OuterMap[]
  readonly peaks: readonly Peak[]
  readonly headroom: readonly Headroom[]
  /** the fullest map: the first to say no when the subject grows as it is; null where nothing is filled */
  readonly fullest: { readonly map: string, readonly pressure: number } | null
  /** the cluster's dearest; empty for a mix, whose services are its rows */
  readonly services: readonly ServiceBytes[]
  readonly connections: readonly ConnectionMap[]
  /** total and connections, of both families */
  readonly bill: Bytes
  /** the same were IPv6 switched off; null where there are IPv6 services */
  readonly billOfIpv4: { readonly all: Bytes, readonly maglev: Bytes } | null
  readonly curve: readonly CurvePoint[]
  /** null unless maps were given */
  readonly found: FoundComparison | null
}

export interface MemoryReport {
  readonly kind: 'memory'
  readonly subject: Subject
  /** of the draw of services, and of who leaves */
  readonly seed: number
  /** asked for, null: by M; how many a row has is in its figures */
  readonly trials: number | null
  readonly sizing: Sizing
  readonly nodes: readonly NodeMemory[]
  /** for the first node's services */
  readonly alternatives: readonly Alternative[]
  readonly notes: readonly string[]
}

export interface MemoryOptions {
  /** of the draw of services, and of who leaves */
  readonly seed?: number
  /** backends that leave, one at a time, for the disruption of each row: of a mix each of another service */
  readonly trials?: number
  /** how many of the dearest services are listed */
  readonly servicesListed?: number
  /** memory of the machine, for the maps that Cilium sizes by it */
  readonly ramBytes?: number
  /** Cilium's option of that name; 0: fixed sizes */
  readonly bpfMapDynamicSizeRatio?: number
  /** output of `bpftool map show -j` to set against the prediction */
  readonly maps?: readonly FoundMap[]
}

const defaultServicesListed = 10
/** of tables that nobody here has: those of Katran and Envoy, which are large, and those of sizes between the subject's */
const trialsElsewhere = 2
/** tables of sizes between the subject's are filled up to this many slots */
const largestBetween = 16_381

interface NodeFacts {
  readonly node: ReportNode
  readonly frontends: readonly ReportFrontend[]
  readonly maps: readonly ReportMap[]
  readonly classes: readonly FrontendClass[]
  /** services that each class stands for */
  readonly populations: ReadonlyMap<FrontendClass, Population>
}

export function * memoryReport (context: ReportContext, options: MemoryOptions): ReportSteps<MemoryReport> {
  const { source, subject, scale } = context
  const plan = leavingPlan(options)
  const populations = new ClassPopulations(context, plan)
  const facts = context.nodes.map((name): NodeFacts => {
    const frontends = source.listFrontends(name)
    const classes = classify(frontends, { protocol: false })
    const services = new Map(classes.map((group) => [group, populations.of(group)]))
    return { node: source.getNode(name), frontends, maps: source.listMaps(name), classes, populations: services }
  })
  const disruptions = new Disruptions(plan)
  askAll(facts, scale, plan, disruptions)
  yield * disruptions.answer()
  const sizing = {
    ramBytes: options.ramBytes ?? defaultSizing.ramBytes,
    bpfMapDynamicSizeRatio: options.bpfMapDynamicSizeRatio ?? defaultSizing.bpfMapDynamicSizeRatio
  }
  const asked = { plan, sizing, services: options.servicesListed ?? defaultServicesListed, found: options.maps }
  const nodes = facts.map((one) => nodeMemory(one, scale, disruptions, asked))
  const [first] = facts
  return {
    kind: 'memory',
    subject,
    seed: plan.seed,
    trials: plan.trials,
    sizing,
    nodes: nodes.map((node, index) => ({ ...node, samePicksAs: samePicks(index, nodes, facts) })),
    alternatives: first === undefined ? [] : elsewhere(first, nodes[0]?.rows ?? [], disruptions),
    notes: [...notes, ...nodes.flatMap(overflowNotes)]
  }
}

/** Of each node's tables; of tables of the sizes between them; and of the first node's services at the table size of others. */
function askAll (facts: readonly NodeFacts[], scale: MixScale | null, plan: DisruptionPlan, disruptions: Disruptions): void {
  for (const one of facts) for (const group of one.classes) disruptions.ask(questionOf(one, group))
  for (const { node, classes } of facts) {
    for (const question of curveSizes(classes).map((backends) => curveQuestion(node, backends, plan))) {
      if (question.m <= largestBetween) disruptions.ask(question, trialsElsewhere)
    }
  }
  const [first] = facts
  if (first === undefined) return
  for (const group of commonest(first.classes, (one) => frontendsOf(one, scale))) {
    disruptions.ask(questionOf(first, group, OTHERS_TABLE_SIZE), trialsElsewhere)
  }
}

const questionOf = ({ node, populations }: NodeFacts, group: FrontendClass, m = group.m): LeavingQuestion =>
  ({ population: populations.get(group) as Population, m, nodeSeed: node.seed })

/** A size that the subject has no services of: they are drawn. */
const curveQuestion = ({ tableSizePolicy, seed: nodeSeed }: ReportNode, backends: number, { seed }: DisruptionPlan): LeavingQuestion =>
  ({ population: drawnPopulation(backends, 4, seed), m: chooseTableSize(tableSizePolicy, null, backends).m, nodeSeed })

function elsewhere (first: NodeFacts, rows: readonly MemoryRow[], disruptions: Disruptions): Alternative[] {
  // rows are in the order of classes
  const disruptionOf = (row: MemoryRow): Leaving | null =>
    disruptions.of(questionOf(first, first.classes[rows.indexOf(row)] as FrontendClass, OTHERS_TABLE_SIZE))
  return alternatives(first.node, rows, disruptionOf)
}

const notes: readonly string[] = [
  'A smaller M saves memory and moves more flows. Moved: of all flows to a service those that go to another backend when one of N leaves; collateral: of these the ones that need not have moved. Means over the trials, tables built before and after with the real fill, as in the disruption report.',
  'Of a mix each trial is of another service, whose addresses are drawn; of a cluster they are of its own services, their backends and weights. The largest is the largest of the trials: more trials may find larger ones.',
  'memlock is what the kernel reports for a map; allocated counts the size classes and pages behind it. Outer maps never include their inner maps; the array of layout flat has room for as many services as there could be.',
  'Figures marked measured are those of emulated maps; computed ones come from the same formulas for maps that were not built.',
  'Backends that several frontends share are counted with each of them in the bytes per frontend, and once in the totals.',
  'A replaced table lives on until an RCU grace period is over, so a batch of updates holds all its tables twice.',
  'Further services are counted with one frontend on an address of its own (two services entries, one more for each backend) and backends of their own.',
  'Conntrack, NAT, neighbour and reverse-socket maps are sized by bpf-map-dynamic-size-ratio x memory as Cilium 1.17 does; load-balancer and Maglev maps are not.',
  'What Katran, Envoy and random selection hold is computed from what is published of them, disruption at their table size by Cilium\'s fill in 2 trials, as for sizes of the chart that the subject has no services of.'
]

function overflowNotes (node: NodeMemory): string[] {
  return node.maps.filter((map) => map.overflows)
    .map((map) => `${node.node}: ${map.name} would need ${map.entries} entries and has ${map.maxEntries}; such a node refuses the change.`)
}

interface Asked {
  readonly plan: DisruptionPlan
  readonly sizing: Sizing
  readonly services: number
  readonly found: readonly FoundMap[] | undefined
}

function nodeMemory (facts: NodeFacts, scale: MixScale | null, disruptions: Disruptions, asked: Asked): NodeMemory {
  const { node, frontends, classes } = facts
  const flat = node.layout === 'flat'
  const { tables, others } = splitMaps(facts)
  const groups = groupsOf(facts, others, scale)
  const tableOf = (group: FrontendClass): ReportMap | undefined => flat ? undefined : tables.get(group.frontends[0]?.table?.mapId ?? -1)
  const countOf = (group: FrontendClass): number => frontendsOf(group, scale)
  const disruptionOf = (group: FrontendClass): Leaving | null => disruptions.of(questionOf(facts, group))
  const rows = memoryRows({ node, others, groups, classes, tableOf, countOf, disruptionOf })
  const maps = flat ? groups : [tableGroup(rows, scale !== null), ...groups]
  const areas = sumAreas(maps.flatMap((map) => map.areas))
  const total = sumBytes(maps)
  // A map of one element stands for those that the node does without.
  const own = new Set(facts.maps.filter((map) => map.max_entries > 1).map(nameOf))
  const connections = connectionMaps(node, asked.sizing, node.preallocateMaps).filter(({ name }) => !own.has(name))
  return {
    node: node.name,
    kernel: node.kernel,
    possibleCpus: node.possibleCpus,
    layout: node.layout,
    tableSizePolicy: node.tableSizePolicy,
    preallocateMaps: node.preallocateMaps,
    samePicksAs: [],
    rows,
    maps,
    total,
    totalByKernel: sumByKernel(maps.map((map) => map.byKernel)),
    areas,
    perCpuBytes: perCpuBytes(areas),
    maglev: sumBytes(maps.filter(isMaglev)),
    outerMaps: outerMaps(node, others, groups),
    peaks: peaks(rows, total, flat),
    headroom: headroom(rows, groups, flat),
    fullest: fullestOf(maps),
    services: scale === null ? dearestServices(frontends, rows, asked.services) : [],
    connections,
    bill: sumBytes([total, ...connections]),
    billOfIpv4: rows.some(({ family }) => family === 6)
      ? null
      : { all: sumBytes([...maps, ...connections].filter(isIpv4)), maglev: sumBytes(maps.filter(isMaglev).filter(isIpv4)) },
    curve: tableCurve(node, rows, (backends) => disruptions.of(curveQuestion(node, backends, asked.plan))),
    found: asked.found === undefined ? null : compareFound(asked.found, { node, maps: others, groups, rows, connections })
  }
}

/** Inner maps by id, which layout flat has none of, and all others. */
function splitMaps ({ node, frontends, maps }: NodeFacts): { tables: Map<number, ReportMap>, others: ReportMap[] } {
  const ids = new Set(node.layout === 'flat' ? [] : frontends.flatMap(({ table }) => table === null ? [] : [table.mapId]))
  const tables = new Map(maps.filter(({ id }) => ids.has(id)).map((map) => [map.id, map]))
  return { tables, others: maps.filter(({ id }) => !ids.has(id)) }
}

/** Maps other than tables; the arrays of layout flat, which hold them, by the slots in use. */
function groupsOf ({ node, classes }: NodeFacts, others: readonly ReportMap[], scale: MixScale | null): MapGroup[] {
  const slotsOf = (family: 4 | 6): number =>
    classes.filter((group) => group.family === family).reduce((sum, group) => sum + group.m * frontendsOf(group, scale), 0)
  return others.map((map) => {
    const family = node.layout === 'flat' ? families.find((one) => isMap(map, 'maglev', one)) : undefined
    return family === undefined ? mapGroup(node, map, scale?.entriesOf(node.name, nameOf(map))) : flatGroup(node, map, slotsOf(family))
  })
}

const families = [4, 6] as const

/** Cilium's maps of IPv6 have a 6 in their name, as others have a 4 or neither. */
const isIpv4 = ({ name }: { readonly name: string }): boolean => !name.includes('6')

const frontendsOf = (group: FrontendClass, scale: MixScale | null): number => scale?.frontendsOf(group.backends) ?? group.frontends.length

function fullestOf (maps: readonly MapGroup[]): NodeMemory['fullest'] {
  const [first] = maps.filter(({ entries, pressure }) => pressure !== null && entries > 0)
    .sort((one, other) => (other.pressure ?? 0) - (one.pressure ?? 0))
  return first === undefined ? null : { map: first.name, pressure: first.pressure ?? 0 }
}

/** Layouts change nothing about a pick; seed and M do. */
function samePicks (index: number, nodes: readonly NodeMemory[], facts: readonly NodeFacts[]): string[] {
  const keyOf = (at: number): string =>
    JSON.stringify([facts[at]?.node.seed, nodes[at]?.rows.map(({ family, backends, m, frontends }) => [family, backends, m, frontends])])
  const own = keyOf(index)
  return nodes.flatMap(({ node }, other) => other !== index && keyOf(other) === own ? [node] : [])
}
