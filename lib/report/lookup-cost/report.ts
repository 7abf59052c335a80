// The lookup-cost report: what one packet to a service of a given size costs on each node. Nothing is computed from
// constants: flows are made for every class of frontends and put through the node's program, and the counters of those
// very executions are reported.

import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import type { Cost } from '../../bpf/core/cost.ts'
import { STEPS_PER_RUN } from '../../datapath/index.ts'
import type { StepProbe } from '../../datapath/index.ts'
import type { Protocol } from '../../maglev/index.ts'
import { buildFlowPacket } from '../../packet/index.ts'
import { ReportRefusal } from '../context.ts'
import type { ReportContext, ReportSteps } from '../context.ts'
import { classify } from '../subject/classes.ts'
import type { FrontendClass } from '../subject/classes.ts'
import type { ReportFlow, ReportFrontend, ReportLookup, ReportNode, StepCost, Subject } from '../subject/source.ts'
import type { BenchmarkLookup, BenchmarkLookups, BenchmarkNode, BenchmarkResult } from './benchmark.ts'
import { cacheCost, lineCounter, WARM_UP_LOOKUPS } from './cache-cost.ts'
import type { CacheCost, TouchedLines } from './cache-cost.ts'
import { cacheLevelFault, defaultCacheLevels } from './cache-model.ts'
import type { CacheLevel } from './cache-model.ts'

export interface LookupCostRow {
  readonly family: 4 | 6
  readonly protocol: Protocol
  readonly backends: number
  readonly m: number
  /** how many frontends of the subject are of this class */
  readonly frontends: number
  /** flows that were run for this row */
  readonly flows: number
  /** flows by verdict; anything but XDP_TX is a finding */
  readonly verdicts: Readonly<Record<string, number>>
  /** least and most instructions among the flows */
  readonly instructionsMin: number
  readonly instructionsMax: number
  /** counters of the flow with the median number of instructions: one execution, not a mean */
  readonly cost: Cost
  /** distinct cache lines that a flow touches, medians over the flows: of the context, the stack, the packet and maps; and of maps alone */
  readonly lines: TouchedLines
  /** of the quoted benchmark: one flow to such a service over and over; null where it did not measure this */
  readonly ns: { readonly interpreter: number, readonly kernel: number | null } | null
}

export interface NodeLookupCost {
  readonly node: string
  readonly kernel: string
  readonly layout: string
  readonly inlining: 'kernel' | 'never'
  readonly engine: string
  /** the program: instructions as loaded and as the verifier left them */
  readonly program: { readonly name: string, readonly insnsLoaded: number, readonly insnsTranslated: number } | null
  readonly rows: readonly LookupCostRow[]
  /** misses while new flows go to all services; null where the model was not asked for, or no frontend has a table */
  readonly cache: CacheCost | null
  /** of the quoted benchmark: from a hash to a backend id alone, in this layout; null without */
  readonly lookupNs: BenchmarkLookup | null
}

/** One step of a lookup (lib/datapath/step-probe.c), beyond the same program without it. */
export interface StepRow {
  readonly step: StepProbe
  readonly instructions: number
  readonly mapCalls: number
  /** of the quoted benchmark; null without */
  readonly ns: number | null
}

export interface LookupCostReport {
  readonly kind: 'lookup-cost'
  readonly subject: Subject
  /** of the flows that were run */
  readonly seed: number
  readonly nodes: readonly NodeLookupCost[]
  readonly steps: readonly StepRow[]
  readonly cacheLevels: readonly CacheLevel[]
  readonly benchmark: QuotedBenchmark | null
  readonly notes: readonly string[]
}

/** where quoted times come from */
export interface QuotedBenchmark extends Omit<BenchmarkResult, 'kind' | 'nodes' | 'lookups' | 'steps'> {
  /** of the run; null: it was given as a file */
  readonly run: string | null
  /** M of the tables whose lookups the kernel was timed with: one for all, or by slots per backend; null without a kernel */
  readonly tables: { readonly m: number, readonly perBackend: number } | null
}

export interface LookupCostOptions {
  readonly flowsPerClass?: number
  /** of the flows that are run */
  readonly seed?: number
  /** lookups that are counted in the cache model once it is warm; 0 leaves it out */
  readonly cacheLookups?: number
  /** the caches of the model; those of a server of the last years unless said */
  readonly cache?: { readonly levels: readonly CacheLevel[] }
  /** times to quote */
  readonly benchmark?: { readonly run: string | null, readonly result: BenchmarkResult }
}

const defaultFlowsPerClass = 16
const defaultCacheLookups = 16_384
const STEPS_KERNEL = '6.18'

export function * lookupCostReport (context: ReportContext, options: LookupCostOptions): ReportSteps<LookupCostReport> {
  const seed = options.seed ?? 1
  const levels = checkedLevels(options.cache?.levels ?? defaultCacheLevels)
  const benchmark = options.benchmark?.result
  const measured: Array<Omit<NodeLookupCost, 'cache'>> = []
  for (const [index, name] of context.nodes.entries()) {
    // a program is verified when it is first run; a cluster's has been, and the cluster is asked at once
    if (context.scale !== null) yield { done: index, total: context.nodes.length, unit: 'nodes' }
    measured.push(nodeCost(context, context.source.getNode(name), seed, levels, options))
  }
  const cacheLookups = options.cacheLookups ?? defaultCacheLookups
  // asked of the source now, made in the steps
  const populations = cacheLookups === 0 ? [] : context.nodes.map((name) => context.populate(name))
  const stepCosts = yield * context.stepCosts(STEPS_KERNEL)
  const nodes: NodeLookupCost[] = []
  for (const [index, node] of measured.entries()) {
    const cache = cacheOf(populations[index], levels, cacheLookups, seed)
    nodes.push({ ...node, cache: yield * shareOf(cache, index, measured.length) })
  }
  return {
    kind: 'lookup-cost',
    subject: context.subject,
    seed,
    nodes,
    steps: stepRows(stepCosts, benchmark?.steps ?? null),
    cacheLevels: levels,
    benchmark: options.benchmark === undefined ? null : quoted(options.benchmark),
    notes: notesOf(levels, cacheLookups, options.benchmark !== undefined)
  }
}

function checkedLevels (levels: readonly CacheLevel[]): readonly CacheLevel[] {
  for (const [index, level] of levels.entries()) {
    const fault = cacheLevelFault(level)
    if (fault !== null) throw new ReportRefusal(`/cache/levels/${index}`, fault)
  }
  return levels
}

/** One node of several: half of its time is for making its services, half for the lookups. */
function * shareOf<T> (steps: ReportSteps<T>, node: number, nodes: number): ReportSteps<T> {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    const { done, total, unit } = step.value
    const share = (unit === 'services' ? 0 : 0.5) + done / total / 2
    yield { done: Math.floor(100 * (node + share) / nodes), total: 100, unit: 'percent' }
  }
}

function * cacheOf (
  population: ReturnType<ReportContext['populate']> | undefined, levels: readonly CacheLevel[], lookups: number, seed: number
): ReportSteps<CacheCost | null> {
  if (population === undefined) return null
  const made = yield * population
  try {
    return yield * cacheCost(made, levels, lookups, seed)
  } finally {
    made.watched.dispose()
  }
}

function nodeCost (
  { source, scale }: ReportContext, node: ReportNode, seed: number, levels: readonly CacheLevel[], options: LookupCostOptions
): Omit<NodeLookupCost, 'cache'> {
  const classes = classify(source.listFrontends(node.name), { protocol: true })
  const program = source.listPrograms(node.name)[0]
  const random = xoroshiro128plus(seed)
  const draw = (to: number): number => uniformInt(random, 0, to)
  const watched = source.watch(node.name)
  const counter = lineCounter(levels[0]?.lineBytes ?? 64)
  const linesOf = (flow: ReportFlow): TouchedLines => {
    const built = buildFlowPacket(flow)
    if (!built.ok) throw new TypeError(built.message)
    watched.run(1, (into, at) => {
      into.set(built.packet, at)
      return built.packet.length
    }, counter.visit)
    return counter.take()
  }
  const rows = classes.map((group) => {
    const flows = Array.from({ length: options.flowsPerClass ?? defaultFlowsPerClass },
      (_, index) => flowTo(group.frontends[index % group.frontends.length] as ReportFrontend, draw))
    const lookups = source.lookup({ nodes: [node.name], flows }).results.map((result) => result.nodes[0] as ReportLookup)
    const frontends = scale?.frontendsOf(group.backends) ?? group.frontends.length
    const lines = medianLines(flows.map(linesOf))
    return { ...toRow(group, lookups, frontends), lines, ns: rowNs(options.benchmark?.result, node, group) }
  })
  watched.dispose()
  return {
    node: node.name,
    kernel: node.kernel,
    layout: node.layout,
    inlining: node.inlining,
    engine: node.engine,
    program: program === undefined
      ? null
      : { name: program.name, insnsLoaded: program.insnsLoaded, insnsTranslated: program.insnsTranslated },
    rows,
    lookupNs: lookupTimes(options.benchmark?.result.lookups ?? null, node)
  }
}

function toRow (group: FrontendClass, lookups: readonly ReportLookup[], frontends: number): Omit<LookupCostRow, 'lines' | 'ns'> {
  const sorted = lookups.toSorted((a, b) => a.cost.instructions - b.cost.instructions)
  const median = sorted[(sorted.length - 1) >>> 1] as ReportLookup
  const verdicts: Record<string, number> = {}
  for (const { verdict } of lookups) verdicts[verdict] = (verdicts[verdict] ?? 0) + 1
  return {
    family: group.family,
    protocol: group.protocol ?? 'TCP',
    backends: group.backends,
    m: group.m,
    frontends,
    flows: lookups.length,
    verdicts,
    instructionsMin: sorted[0]?.cost.instructions ?? 0,
    instructionsMax: sorted.at(-1)?.cost.instructions ?? 0,
    cost: median.cost
  }
}

function medianLines (lines: readonly TouchedLines[]): TouchedLines {
  const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[(values.length - 1) >>> 1] ?? 0
  return { total: median(lines.map(({ total }) => total)), maps: median(lines.map(({ maps }) => maps)) }
}

/** Only what was measured of the same program and the same kind of table, with IPv4 and TCP. */
function rowNs (benchmark: BenchmarkResult | undefined, node: ReportNode, group: FrontendClass): LookupCostRow['ns'] {
  if (group.family === 6 || group.protocol !== 'TCP') return null
  const row = benchmark?.nodes.filter((measured) => isSameProgram(measured, node))
    .flatMap(({ rows }) => rows).find(({ backends, m }) => backends === group.backends && m === group.m)
  return row === undefined ? null : { interpreter: row.interpreterNs, kernel: row.kernelNs }
}

const isSameProgram = (measured: BenchmarkNode, { layout, kernel, inlining, spectreMasking }: ReportNode): boolean =>
  measured.layout === layout && measured.kernel === kernel && measured.inlining === inlining && measured.spectreMasking === spectreMasking

/** Only what was measured of tables sized alike: over many services the time is that of their cache lines. A kernel always inlines. */
function lookupTimes (lookups: BenchmarkLookups | null, { layout, inlining, tableSizePolicy: policy }: ReportNode): BenchmarkLookup | null {
  if (inlining === 'never') return null
  const alike = 'fixed' in policy ? policy.fixed === lookups?.m : policy.perService.perBackend === lookups?.perBackend
  const tableSizes = 'fixed' in policy ? 'shared' : 'perService'
  return alike ? lookups?.rows.find((row) => row.layout === layout && row.tableSizes === tableSizes) ?? null : null
}

/** what a step is held against: the same program without it */
const withoutStep = (step: StepProbe): StepProbe => ['immediate', 'rodata', 'max-entries'].includes(step) ? 'no-modulo' : 'no-lookup'

function stepRows (costs: readonly StepCost[], times: BenchmarkResult['steps']): StepRow[] {
  const costOf = (step: StepProbe): Cost | undefined => costs.find((one) => one.step === step)?.cost
  const nsOf = (step: StepProbe): number | undefined => times?.rows.find((row) => row.step === step)?.ns
  return costs.filter(({ step }) => !step.startsWith('no-')).map(({ step, cost }) => {
    const without = costOf(withoutStep(step))
    const [ns, nsWithout] = [nsOf(step), nsOf(withoutStep(step))]
    return {
      step,
      instructions: (cost.instructions - (without?.instructions ?? 0)) / STEPS_PER_RUN,
      mapCalls: (cost.mapCalls - (without?.mapCalls ?? 0)) / STEPS_PER_RUN,
      ns: ns === undefined || nsWithout === undefined ? null : (ns - nsWithout) / STEPS_PER_RUN
    }
  })
}

function quoted ({ run, result }: NonNullable<LookupCostOptions['benchmark']>): QuotedBenchmark {
  const { kind, nodes, lookups, steps, ...about } = result
  return { run, ...about, tables: lookups === null ? null : { m: lookups.m, perBackend: lookups.perBackend } }
}

function notesOf (levels: readonly CacheLevel[], cacheLookups: number, isQuoted: boolean): string[] {
  const size = ({ name, sizeBytes, ways, lineBytes }: CacheLevel): string => `${name} ${sizeBytes / 1024} KiB of ${ways} ways, lines of ${lineBytes} bytes`
  return [
    'Counters are of the translated program: instructions executed, map lookups passed (inlined or called), calls into map functions, and the program\'s own loads and stores by region; what helpers do inside is not counted.',
    'Each row was measured by running its flows through the node\'s program; the counters shown are those of the flow with the median number of instructions.',
    'Cache lines are those of the emulated addresses, where maps lie as the kernel lays them out; what the called map functions read is in them: the map\'s fields, hash buckets, the keys of chains.',
    ...(cacheLookups === 0
      ? []
      : [`The cache model: ${levels.map(size).join('; ')}; the least recently used line goes first. One thread, no prefetching, no address translation, packets always in the same frame, no instructions in the caches. ` +
        `Each lookup is of a new flow to any of the frontends, ${cacheLookups} of them after the last level was filled with lines of the maps in no order, and a warm-up of ${WARM_UP_LOOKUPS} lookups.`]),
    isQuoted
      ? 'Times are quoted from a run of kind benchmark, of its machine and moment; those of the kernel are of test runs of the same programs, the time of an empty program taken off whole packets. A node is quoted only what was measured of the same program, and of tables sized alike.'
      : 'Times are not measured here: start a run of kind benchmark (POST /v1/runs {"kind":"benchmark"}, or maglev-sim benchmark) and name it as option benchmark.'
  ]
}

/** Clients out of the ranges for documentation and benchmarks. */
function flowTo (frontend: ReportFrontend, draw: (to: number) => number): ReportFlow {
  const source = frontend.address.includes(':')
    ? `2001:db8:${draw(0xffff).toString(16)}::${(draw(0xfffe) + 1).toString(16)}`
    : `198.${18 + draw(1)}.${draw(255)}.${draw(253) + 1}`
  return {
    source, sourcePort: 1024 + draw(64511), destination: frontend.address, destinationPort: frontend.port, protocol: frontend.protocol
  }
}
