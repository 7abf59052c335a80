// The advice report: for limits on bytes, collateral, imbalance and convergence the best settings for these services, in two lists: knobs
// that Cilium has today, and what a patch would bring. Candidates are computed, not looked up: their tables are built for every service
// size, their bytes follow from the maps they would have, their seconds from the writes of the slowest restart. Without limits what there
// is today is the limit, so that what is advised is never worse.

import { supportedTableSizes } from '../../maglev/index.ts'
import type { TableSizePolicy } from '../../maglev/index.ts'
import type { NodeSettings, Rehearsal, Steps } from '../../loadbalancer/index.ts'
import { ReportRefusal } from '../context.ts'
import type { ReportContext, ReportProgress, ReportSteps } from '../context.ts'
import { rollingRestart, slowestToRestart } from '../convergence/changes.ts'
import { defaultAssumptions } from '../convergence/costs.ts'
import type { AgentEvent, Assumptions } from '../convergence/costs.ts'
import { ClassPopulations } from '../disruption/class-populations.ts'
import { leavingPlan } from '../disruption/leaving.ts'
import type { Population } from '../disruption/population.ts'
import { memoryReport } from '../memory/report.ts'
import type { NodeMemory } from '../memory/report.ts'
import { classify } from '../subject/classes.ts'
import { nameOf } from '../subject/map-names.ts'
import type { ReportFrontend, Subject } from '../subject/source.ts'
import { candidates, excess, judge, judgeRandom, limitedBy, limitNames, rank } from './candidates.ts'
import type { Candidate, Figures, Judged, LimitName, Limits, Situation, Size, WithoutTables } from './candidates.ts'
import { knobs } from './knobs.ts'
import type { Knob, KnobFacts } from './knobs.ts'
import { Qualities, servicesCounted } from './quality.ts'

export interface AdviceOptions extends Partial<Pick<Assumptions, 'rcuWaitMs' | 'expeditedWaitMs' | 'batch' | 'fillNsPerSlot'>> {
  /** memlock of all load-balancer maps */
  readonly maxBytesPerNode?: number
  readonly maxCollateralShare?: number
  readonly maxImbalance?: number
  readonly maxConvergenceSeconds?: number
  /** backends that leave, one at a time, for the collateral of each M and N: of a mix each of another service */
  readonly trials?: number
  /** of the draw of services, and of who leaves */
  readonly seed?: number
}

export interface NodeFigures extends Figures {
  readonly node: string
  readonly kernel: string
  readonly layout: string
  readonly tableSizePolicy: TableSizePolicy
  readonly exceeds: Limits
}

export interface AdviceReport {
  readonly kind: 'advice'
  readonly subject: Subject
  readonly seed: number
  /** asked for; null: by M, as in the disruption report */
  readonly trials: number | null
  /** those given; where there are none, the first node's figures: no worse than today */
  readonly limits: Limits
  readonly limitsAre: 'given' | 'today'
  /** as they are; what is advised is for the first one */
  readonly nodes: readonly NodeFigures[]
  /** best first: within all limits, then least bytes, then least collateral */
  readonly today: readonly Judged[]
  readonly patch: readonly Judged[]
  /** where nodes need not agree on a pick; in none of the lists */
  readonly random: WithoutTables
  readonly knobs: readonly Knob[]
  /** Helm values of the best of `today`, YAML */
  readonly helmValues: string
  readonly notes: readonly string[]
}

/** sizes of services whose tables are built; where there are more, some spread evenly stand for the others */
const sizesBuilt = 24

export function * adviceReport (context: ReportContext, options: AdviceOptions): ReportSteps<AdviceReport> {
  const { source, subject, scale } = context
  const [first] = context.nodes
  if (first === undefined) throw new ReportRefusal('/nodes', 'advice is for a node, and there is none')
  const plan = leavingPlan(options)
  const rehearsals = context.nodes.map((name) => source.rehearse(name))
  const maps = source.listMaps(first).map((map) => ({ map, entries: scale?.entriesOf(first, nameOf(map)) ?? map.entries }))
  const frontends = scale === null ? source.listFrontends(first) : []
  const sizes = sizesOf(context, new ClassPopulations(context, plan))
  const memory = yield * memoryReport(context, { seed: plan.seed, ...(plan.trials === null ? {} : { trials: plan.trials }) })

  const { settings, nodeAddresses } = rehearsals[0] as Rehearsal
  const built = spread(sizes)
  const situations = yield * situationsOf(memory.nodes, rehearsals, { qualities: new Qualities(settings.seed, plan), built, options })
  const asTheyAre = situations.map((situation) => judge({ ...current, layout: situation.settings.layout }, situation))
  const given = limitsOf((name) => options[name])
  const limitsAre = Object.keys(given).length > 0 ? 'given' : 'today'
  const limits = limitsAre === 'given' ? given : limitsOf((name) => asTheyAre[0]?.[limitedBy[name]])
  const judged = candidates.map((candidate) => judge(candidate, { ...situations[0] as Situation, limits }))
  const today = rank(judged.filter(({ list }) => list === 'today'))
  const found = knobs({ settings, maps, frontends, nodeAddresses, single: singles(memory.nodes[0]) })
  return {
    kind: 'advice',
    subject,
    seed: plan.seed,
    trials: plan.trials,
    limits,
    limitsAre,
    nodes: memory.nodes.map((node, index) => asItIs(node, asTheyAre[index] as Judged, limits)),
    today,
    patch: rank(judged.filter(({ list }) => list === 'patch')),
    random: judgeRandom({ ...situations[0] as Situation, limits }),
    knobs: found,
    helmValues: helmValues(today[0] as Judged, settings),
    notes: [...notes, ...(built.length < sizes.length ? [standInNote(built.length, sizes.length)] : [])]
  }
}

const notes: readonly string[] = [
  `Collateral: of all flows to a service, those that move between backends that stay when one leaves; the mean over the trials for the size that fares worst, as in the disruption report. Imbalance: by how much the backend furthest from its share is off, the mean over ${servicesCounted} services (all where there are fewer) for the size that fares worst. Tables are built for every M and N with the real fill; services of a mix have addresses that are drawn.`,
  'M of at least 100 N is a rule about balance: it keeps slots within some percent of each other, and does not bound what moves.',
  'Another M moves nearly all new flows once, and the maps have to be made anew, since the value size of their inner maps follows from M: change it in a maintenance window, node by node.',
  'Bytes are memlock of the load-balancer maps, computed by the kernel\'s formulas; convergence is the slowest rolling restart of these services, two endpoint events for each backend, from the planner\'s writes and the unit costs of the convergence report.',
  'Waits: each as Cilium does; expedited where the kernel is told to (rcupdate.rcu_expedited=1); batched with an agent that updates the outer map in batches, which is a patch.',
  'packed with M as small as the limits let it be gives each service the smallest M that keeps collateral and imbalance within their limits; with no such limit the smallest there is. dynamic has the same tables in twice the bytes. compact has the picks of its M, which is one for all.',
  'random has no tables. A new flow goes to any backend, nodes do not agree on it, and a flow without a conntrack entry finds its backend again one time in N: (N - 1) / N move, (N - 2) / N without need when one backend leaves. How even its picks are is a matter of chance and of how many flows there are. It is told apart and never advised.'
]

const standInNote = (built: number, sizes: number): string =>
  `Tables were built for ${built} of ${sizes} service sizes; the others are taken to be like the next smaller one built.`

/** As the node is: its own layout, the M that its tables have. */
const current: Candidate = { list: 'today', algorithm: 'maglev', layout: 'blob', tableSize: 'current' }

interface ServicesOfSize extends Size { readonly population: Population }

interface Shared { readonly qualities: Qualities, readonly built: readonly ServicesOfSize[], readonly options: AdviceOptions }

/** Makes the tables that all nodes are judged by, and thinks the slowest restart of each through. */
function * situationsOf (nodes: readonly NodeMemory[], rehearsals: readonly Rehearsal[], shared: Shared): ReportSteps<Situation[]> {
  const { built, qualities } = shared
  const pairs = built.flatMap(({ population }) => supportedTableSizes.map((m) => ({ m, population })))
  const progress = (done: number): ReportProgress => ({ done, total: pairs.length + rehearsals.length, unit: 'tables and restarts' })
  for (const [index, { m, population }] of pairs.entries()) yield * during(qualities.make(m, population), progress(index))
  const situations: Situation[] = []
  for (const [index, node] of nodes.entries()) {
    const rehearsal = rehearsals[index] as Rehearsal
    const restart = yield * during(slowestRestart(rehearsal), progress(pairs.length + index))
    situations.push(situationOf(node, rehearsal, restart, shared))
  }
  return situations
}

function situationOf (
  node: NodeMemory, rehearsal: Rehearsal, restart: readonly AgentEvent[], { qualities, built, options }: Shared
): Situation {
  const {
    rcuWaitMs = defaultAssumptions.rcuWaitMs, expeditedWaitMs = defaultAssumptions.expeditedWaitMs, batch = defaultAssumptions.batch,
    fillNsPerSlot = defaultAssumptions.fillNsPerSlot
  } = options
  return {
    settings: rehearsal.settings,
    sizes: node.rows.filter(({ backends }) => backends > 0),
    otherBytes: node.total.memlockBytes - node.maglev.memlockBytes,
    restart,
    qualities,
    servicesOf: (size) => standIn(built, size).population,
    currentSize: (backends) => node.rows.find((row) => row.backends === backends)?.m ?? null,
    assumptions: { ...defaultAssumptions, rcuWaitMs, expeditedWaitMs, batch, fillNsPerSlot },
    limits: {}
  }
}

/** Of the same family the next smaller size that was built. */
function standIn (built: readonly ServicesOfSize[], { family, backends }: Size): ServicesOfSize {
  const alike = built.filter((one) => family === undefined || one.family === family)
  const found = alike.findLast((one) => one.backends <= backends) ?? alike[0] ?? built[0]
  if (found === undefined) throw new TypeError('no services to go by')
  return found
}

/** Bytes and moves of what is there are the node's own, whatever sizes its tables have kept. */
function asItIs ({ node, kernel, layout, tableSizePolicy, total, maglev, rows }: NodeMemory, judged: Judged, limits: Limits): NodeFigures {
  const { imbalance, convergenceSeconds } = judged
  const collateralShare = Math.max(0, ...rows.map(({ disruption }) => disruption?.collateralShare ?? 0))
  const figures = { memlockBytes: total.memlockBytes, maglevBytes: maglev.memlockBytes, collateralShare, imbalance, convergenceSeconds }
  return { node, kernel, layout, tableSizePolicy, ...figures, exceeds: excess(figures, limits) }
}

/** @returns nothing where no service has a table */
function * slowestRestart (rehearsal: Rehearsal): Steps<readonly AgentEvent[]> {
  const started = yield * rehearsal.start()
  const [service] = started.ok ? slowestToRestart(rehearsal) : []
  if (service === undefined) return []
  const restart = yield * rollingRestart(rehearsal, service, 2)
  return restart.ok ? restart.value.events : []
}

function * during<T> (steps: Generator<unknown, T>, progress: ReportProgress): ReportSteps<T> {
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
    yield progress
  }
}

function limitsOf (of: (name: LimitName) => number | undefined): Limits {
  return Object.fromEntries(limitNames.flatMap((name) => {
    const limit = of(name)
    return limit === undefined ? [] : [[name, limit]]
  }))
}

/** Of all nodes, each size once, with the services of the first node that has it; ordered by family and size. */
function sizesOf ({ source, nodes }: ReportContext, populations: ClassPopulations): ServicesOfSize[] {
  const sizes = new Map<string, ServicesOfSize>()
  for (const node of nodes) {
    // whatever M a table has kept, what is asked is what the services would do at another
    const frontends = source.listFrontends(node).flatMap((frontend): ReportFrontend[] =>
      frontend.table === null || frontend.table.backends === 0 ? [] : [{ ...frontend, table: { ...frontend.table, m: 0 } }])
    for (const group of classify(frontends, { protocol: false })) {
      const { family, backends } = group
      const key = `${family} ${backends}`
      if (!sizes.has(key)) sizes.set(key, { family, backends, population: populations.of(group) })
    }
  }
  return [...sizes.values()].sort((one, other) => (one.family ?? 4) - (other.family ?? 4) || one.backends - other.backends)
}

function spread (sizes: readonly ServicesOfSize[]): ServicesOfSize[] {
  const count = Math.min(sizes.length, sizesBuilt)
  const at = (index: number): ServicesOfSize => sizes[Math.round(index * (sizes.length - 1) / (count - 1))] as ServicesOfSize
  return count < 2 ? [...sizes] : Array.from({ length: count }, (_, index) => at(index))
}

function singles (node: NodeMemory | undefined): KnobFacts['single'] {
  const rows = node?.layout === 'flat' ? [] : node?.rows.filter(({ backends }) => backends === 1) ?? []
  return { frontends: rows.reduce((sum, { frontends }) => sum + frontends, 0), tableBytes: rows[0]?.table.memlockBytes ?? 0 }
}

function helmValues ({ algorithm, tableSize }: Judged, { seed, preallocateMaps }: NodeSettings): string {
  const fixed = typeof tableSize === 'object' && 'fixed' in tableSize ? tableSize.fixed : null
  return [
    'loadBalancer:', `  algorithm: ${algorithm}`,
    ...(fixed === null ? [] : ['maglev:', `  tableSize: ${fixed}`, `  hashSeed: ${seed}`]),
    'bpf:', `  preallocateMaps: ${preallocateMaps ? 'true' : 'false'}`, ''
  ].join('\n')
}
