// The memory report: what the tables of services of each size take on each node, what all maps of the node take and will take, and what
// stands beside them. `measured` figures are those of emulated maps; `computed` ones come from the same formulas (lib/bpf/map/memory.ts)
// applied to maps that were not built. No bytes without the disruption that goes with them: every row says what happens to a table of
// that size when one backend leaves.

import { defaultSeed, parseSeed } from '../../maglev/index.ts'
import type { TableSizePolicy } from '../../maglev/index.ts'
import type { MixScale, ReportContext, ReportSteps } from '../context.ts'
import { defaultTrials, disruptionOfOneLeaving } from '../disruption/one-leaving.ts'
import type { Disruption } from '../disruption/one-leaving.ts'
import { classify } from '../subject/classes.ts'
import type { FrontendClass } from '../subject/classes.ts'
import { isMap, nameOf } from '../subject/map-names.ts'
import type { ReportFrontend, ReportMap, ReportNode, Subject } from '../subject/source.ts'
import { alternatives, commonest, OTHERS_TABLE_SIZE } from './alternatives.ts'
import type { Alternative } from './alternatives.ts'
import { connectionMaps, defaultSizing } from './cilium-maps.ts'
import type { ConnectionMap, Sizing } from './cilium-maps.ts'
import { tableCurve } from './curve.ts'
import type { CurvePoint } from './curve.ts'
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
  /** total and connections */
  readonly bill: Bytes
  readonly curve: readonly CurvePoint[]
  /** null unless maps were given */
  readonly found: FoundComparison | null
}

export interface MemoryReport {
  readonly kind: 'memory'
  readonly subject: Subject
  /** of the draw of who leaves */
  readonly seed: number
  readonly sizing: Sizing
  readonly nodes: readonly NodeMemory[]
  /** for the first node's services */
  readonly alternatives: readonly Alternative[]
  readonly notes: readonly string[]
}

export interface MemoryOptions {
  /** of the draw of who leaves */
  readonly seed?: number
  /** backends that leave, one at a time, for the disruption of each row */
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

export const defaultServicesListed = 10
/** a table of Katran or Envoy takes four times as long to fill as Cilium's */
const trialsElsewhere = 2

type DisruptionOf = (m: number, backends: number, seed: string) => Disruption | null

interface NodeFacts {
  readonly node: ReportNode
  readonly frontends: readonly ReportFrontend[]
  readonly maps: readonly ReportMap[]
  readonly classes: readonly FrontendClass[]
}

export function * memoryReport (context: ReportContext, options: MemoryOptions): ReportSteps<MemoryReport> {
  const { source, subject, scale } = context
  const facts = context.nodes.map((name): NodeFacts => {
    const frontends = source.listFrontends(name)
    return { node: source.getNode(name), frontends, maps: source.listMaps(name), classes: classify(frontends, { protocol: false }) }
  })
  const seed = options.seed ?? 1
  const trials = options.trials ?? defaultTrials
  const known = new Map<string, Disruption | null>()
  const disruptionOf: DisruptionOf = (m, backends, nodeSeed) => known.get(`${m} ${backends} ${nodeSeed}`) ?? null
  const questions = disruptionQuestions(facts, scale)
  for (const [index, { key, m, backends, seed: nodeSeed }] of questions.entries()) {
    const parsed = parseSeed(nodeSeed)
    const drawn = m === OTHERS_TABLE_SIZE ? Math.min(trials, trialsElsewhere) : trials
    known.set(key, disruptionOfOneLeaving({ m, backends, drawSeed: seed, seed: parsed.ok ? parsed.seed : defaultSeed(), trials: drawn }))
    yield { done: index + 1, total: questions.length, unit: 'table sizes' }
  }
  const sizing = {
    ramBytes: options.ramBytes ?? defaultSizing.ramBytes,
    bpfMapDynamicSizeRatio: options.bpfMapDynamicSizeRatio ?? defaultSizing.bpfMapDynamicSizeRatio
  }
  const asked = { sizing, services: options.servicesListed ?? defaultServicesListed, found: options.maps }
  const nodes = facts.map((one) => nodeMemory(one, scale, disruptionOf, asked))
  const first = facts[0]
  return {
    kind: 'memory',
    subject,
    seed,
    sizing,
    nodes: nodes.map((node, index) => ({ ...node, samePicksAs: samePicks(index, nodes, facts) })),
    alternatives: first === undefined
      ? []
      : alternatives(first.node, nodes[0]?.rows ?? [], (m, backends) => disruptionOf(m, backends, first.node.seed)),
    notes: [...notes, ...nodes.flatMap(overflowNotes)]
  }
}

interface DisruptionQuestion { readonly key: string, readonly m: number, readonly backends: number, readonly seed: string }

/** Every pair of M and N once: of each node's tables, and of the first node's services at the table size of others. */
function disruptionQuestions (facts: readonly NodeFacts[], scale: MixScale | null): DisruptionQuestion[] {
  const questions = new Map<string, DisruptionQuestion>()
  const ask = (m: number, backends: number, seed: string): void => {
    const key = `${m} ${backends} ${seed}`
    questions.set(key, { key, m, backends, seed })
  }
  for (const { node, classes } of facts) for (const { m, backends } of classes) ask(m, backends, node.seed)
  for (const { backends } of commonest(facts[0]?.classes ?? [], (group) => frontendsOf(group, scale))) ask(OTHERS_TABLE_SIZE, backends, facts[0]?.node.seed ?? '')
  return [...questions.values()]
}

const notes: readonly string[] = [
  'A smaller M saves memory and moves more flows: movedShare is the share of all slots that go to another backend when one of N equal backends leaves, collateralShare the part of it that need not have moved (means over the trials; tables built before and after with the real fill).',
  'memlock is what the kernel reports for a map; allocated counts the size classes and pages behind it. Outer maps never include their inner maps; the array of layout flat has room for as many services as there could be.',
  'Figures marked measured are those of emulated maps; computed ones come from the same formulas for maps that were not built.',
  'Backends that several frontends share are counted with each of them in perFrontendBytes, and once in the totals.',
  'A replaced table lives on until an RCU grace period is over, so a batch of updates holds all its tables twice.',
  'Further services are counted with one frontend on an address of its own (two services entries, one more for each backend) and backends of their own.',
  'Conntrack, NAT, neighbour and reverse-socket maps are sized by bpf-map-dynamic-size-ratio x memory as Cilium 1.17 does; load-balancer and Maglev maps are not.',
  'What Katran, Envoy and random selection hold is computed from what is published of them, disruption at their table size by Cilium\'s fill.'
]

function overflowNotes (node: NodeMemory): string[] {
  return node.maps.filter((map) => map.overflows)
    .map((map) => `${node.node}: ${map.name} would need ${map.entries} entries and has ${map.maxEntries}; such a node refuses the change.`)
}

interface Asked { readonly sizing: Sizing, readonly services: number, readonly found: readonly FoundMap[] | undefined }

function nodeMemory (facts: NodeFacts, scale: MixScale | null, disruptionOf: DisruptionOf, asked: Asked): NodeMemory {
  const { node, frontends, maps: nodeMaps, classes } = facts
  const flat = node.layout === 'flat'
  const tableIds = new Set(flat ? [] : frontends.flatMap(({ table }) => table === null ? [] : [table.mapId]))
  const byId = new Map(nodeMaps.map((map) => [map.id, map]))
  const others = nodeMaps.filter(({ id }) => !tableIds.has(id))
  const countOf = (group: FrontendClass): number => frontendsOf(group, scale)
  const slotsOf = (family: 4 | 6): number =>
    classes.filter((group) => group.family === family).reduce((sum, group) => sum + group.m * countOf(group), 0)
  const groups = others.map((map) => {
    const family = flat ? families.find((one) => isMap(map, 'maglev', one)) : undefined
    return family === undefined ? mapGroup(node, map, scale?.entriesOf(node.name, nameOf(map))) : flatGroup(node, map, slotsOf(family))
  })
  const tableOf = (group: FrontendClass): ReportMap | undefined => flat ? undefined : byId.get(group.frontends[0]?.table?.mapId ?? -1)
  const rows = memoryRows({ node, others, groups, classes, tableOf, countOf, disruptionOf })
  const maps = flat ? groups : [tableGroup(rows, scale !== null), ...groups]
  const areas = sumAreas(maps.flatMap((map) => map.areas))
  const total = sumBytes(maps)
  const connections = connectionMaps(node, asked.sizing, node.preallocateMaps)
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
    curve: tableCurve(node, rows),
    found: asked.found === undefined ? null : compareFound(asked.found, { node, maps: others, groups, rows, connections })
  }
}

const families = [4, 6] as const

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
