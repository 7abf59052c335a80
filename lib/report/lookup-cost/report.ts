// The lookup-cost report: what one packet to a service of a given size costs on each node. Nothing is computed from
// constants: flows are made for every class of frontends and put through the node's program, and the counters of those
// very executions are reported.

import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import type { Cost } from '../../bpf/core/cost.ts'
import type { Protocol } from '../../maglev/index.ts'
import type { ReportContext, ReportSteps } from '../context.ts'
import { classify } from '../subject/classes.ts'
import type { FrontendClass } from '../subject/classes.ts'
import type { ReportFlow, ReportFrontend, ReportLookup, ReportNode, Subject } from '../subject/source.ts'

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
}

export interface LookupCostReport {
  readonly kind: 'lookup-cost'
  readonly subject: Subject
  /** of the flows that were run */
  readonly seed: number
  readonly nodes: readonly NodeLookupCost[]
  readonly notes: readonly string[]
}

export interface LookupCostOptions {
  readonly flowsPerClass?: number
  /** of the flows that are run */
  readonly seed?: number
}

const defaultFlowsPerClass = 16

export function * lookupCostReport (context: ReportContext, options: LookupCostOptions): ReportSteps<LookupCostReport> {
  const seed = options.seed ?? 1
  const nodes = context.nodes.map((name) => nodeCost(context, context.source.getNode(name), seed, options))
  return { kind: 'lookup-cost', subject: context.subject, seed, nodes, notes }
}

const notes: readonly string[] = [
  'Counters are of the translated program: instructions executed, map lookups passed (inlined or called), calls into map functions, and the program\'s own loads and stores by region; what helpers do inside is not counted.',
  'Each row was measured by running its flows through the node\'s program; the counters shown are those of the flow with the median number of instructions.'
]

function nodeCost ({ source, scale }: ReportContext, node: ReportNode, seed: number, options: LookupCostOptions): NodeLookupCost {
  const classes = classify(source.listFrontends(node.name), { protocol: true })
  const program = source.listPrograms(node.name)[0]
  const random = xoroshiro128plus(seed)
  const draw = (to: number): number => uniformInt(random, 0, to)
  return {
    node: node.name,
    kernel: node.kernel,
    layout: node.layout,
    inlining: node.inlining,
    engine: node.engine,
    program: program === undefined
      ? null
      : { name: program.name, insnsLoaded: program.insnsLoaded, insnsTranslated: program.insnsTranslated },
    // Cilium's datapath and this one know TCP and UDP only: an SCTP frontend has a table that no packet reaches.
    rows: classes.filter(({ protocol }) => protocol !== 'SCTP').map((group) => {
      const flows = Array.from({ length: options.flowsPerClass ?? defaultFlowsPerClass },
        (_, index) => flowTo(group.frontends[index % group.frontends.length] as ReportFrontend, draw))
      const lookups = source.lookup({ nodes: [node.name], flows }).results.map((result) => result.nodes[0] as ReportLookup)
      return toRow(group, lookups, scale?.frontendsOf(group.backends) ?? group.frontends.length)
    })
  }
}

function toRow (group: FrontendClass, lookups: readonly ReportLookup[], frontends: number): LookupCostRow {
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

/** Clients out of the ranges for documentation and benchmarks. */
function flowTo (frontend: ReportFrontend, draw: (to: number) => number): ReportFlow {
  const source = frontend.address.includes(':')
    ? `2001:db8:${draw(0xffff).toString(16)}::${(draw(0xfffe) + 1).toString(16)}`
    : `198.${18 + draw(1)}.${draw(255)}.${draw(253) + 1}`
  return {
    source, sourcePort: 1024 + draw(64511), destination: frontend.address, destinationPort: frontend.port, protocol: frontend.protocol
  }
}
