// From the shares of all threads to the result of a traffic run: what became of the packets on each node, what it cost,
// whether backends got what their slots promise, and a digest that only the plan and the state of the cluster decide.

import { createHash } from 'node:crypto'
import type { Cost } from '../bpf/core/index.ts'
import { reasons, xdpVerdicts } from '../datapath/index.ts'
import type { Protocol } from '../maglev/index.ts'
import { chiSquareOfCounts, chiSquareTail } from '../report/index.ts'
import type { TargetFrontend, TrafficPlan, ServiceName } from './traffic-plan.ts'
import { addCosts, noCost } from './traffic-share.ts'
import type { TrafficShare } from './traffic-share.ts'

export interface TrafficBackend {
  readonly address: string
  readonly port: number
  readonly packets: number
  /** distinct flows */
  readonly flows: number
}

export interface TrafficFrontend {
  readonly service: ServiceName
  readonly address: string
  readonly port: number
  readonly protocol: Protocol
  readonly packets: number
  /** by address and port; packets that reached none are in the node's drops */
  readonly backends: readonly TrafficBackend[]
}

export interface ChiSquareResult {
  readonly statistic: number
  readonly degreesOfFreedom: number
  /** chance of a distribution at least as uneven when flows follow the slots */
  readonly pValue: number
  /** frontends that were looked at */
  readonly frontends: number
}

export interface TrafficNodeResult {
  readonly node: string
  /** packets by verdict, those that did not occur left out */
  readonly verdicts: Readonly<Record<string, number>>
  /** dropped packets by step */
  readonly drops: ReadonlyArray<{ readonly step: string, readonly code: number, readonly packets: number }>
  /** packets that an engine fault ended */
  readonly faults: number
  readonly frontends: readonly TrafficFrontend[]
  readonly instructions: {
    readonly min: number
    readonly max: number
    readonly mean: number
    readonly histogram: ReadonlyArray<{ readonly instructions: number, readonly packets: number }>
  }
  /** totals over all packets */
  readonly cost: Cost
  /** of the engine alone, on one CPU */
  readonly nsPerPacket: number
  /** of the engine, on all CPUs that took part */
  readonly packetsPerSecond: number
  /** flows per backend against slots per backend; null when the tables changed meanwhile or there was nothing to compare */
  readonly chiSquare: ChiSquareResult | null
}

export interface TrafficResult {
  readonly kind: 'traffic'
  readonly revision: { readonly before: number, readonly after: number }
  readonly seed: number
  readonly packets: number
  readonly flows: number
  readonly workers: number
  readonly durationMs: number
  /** packets through all nodes per second of the whole run, making and reading them included */
  readonly packetsPerSecond: number
  readonly nodes: readonly TrafficNodeResult[]
  /** packets that ended the same on all nodes: same verdict, same backend */
  readonly agreement: { readonly packets: number, readonly same: number }
  /** SHA-256 over verdicts and backends of all packets in order and over all counters; times are not in it */
  readonly digest: string
}

export interface TrafficRun {
  readonly plan: TrafficPlan
  readonly targets: readonly TargetFrontend[]
  readonly shares: readonly TrafficShare[]
  readonly revision: { readonly before: number, readonly after: number }
  readonly durationMs: number
  /** slots of each backend (`address port`) of a frontend on a node */
  readonly slotsOf: (node: number, target: number) => ReadonlyMap<string, number> | null
}

export function trafficResult (run: TrafficRun): TrafficResult {
  const { plan, shares } = run
  const nodes = plan.nodes.map((_, index) => nodeResult(run, index))
  const disagreements = sum(shares, (share) => share.disagreements)
  return {
    kind: 'traffic',
    revision: run.revision,
    seed: plan.seed,
    packets: plan.packets,
    flows: plan.flows,
    workers: plan.workers,
    durationMs: Math.round(run.durationMs),
    packetsPerSecond: Math.round(plan.packets * plan.nodes.length * 1000 / run.durationMs),
    nodes,
    agreement: { packets: plan.packets, same: plan.packets - disagreements },
    digest: digestOf(nodes, shares, disagreements)
  }
}

function nodeResult (run: TrafficRun, index: number): TrafficNodeResult {
  const shares = run.shares.map((share) => share.nodes[index]).filter((share) => share !== undefined)
  const histogram = mergeHistograms(shares.map((share) => share.instructions))
  const cost = shares.reduce((total, share) => addCosts(total, share.cost), noCost)
  const busyMs = sum(shares, (share) => share.busyMs)
  const count = (of: (share: typeof shares[number]) => readonly number[], at: number): number => sum(shares, (share) => of(share)[at] ?? 0)
  const frontends = frontendsOf(run, index)
  return {
    node: run.plan.nodes[index] ?? '',
    verdicts: Object.fromEntries(xdpVerdicts.map((verdict, at) => [verdict, count((share) => share.verdicts, at)] as const)
      .filter(([, packets]) => packets > 0)),
    drops: reasons.flatMap(({ index: at, name, code }) => {
      const packets = count((share) => share.outcomes, at)
      return code === null || packets === 0 ? [] : [{ step: name, code, packets }]
    }),
    faults: sum(shares, (share) => share.faults),
    frontends,
    instructions: {
      min: histogram[0]?.instructions ?? 0,
      max: histogram.at(-1)?.instructions ?? 0,
      mean: cost.instructions / run.plan.packets,
      histogram
    },
    cost,
    nsPerPacket: busyMs * 1e6 / run.plan.packets,
    packetsPerSecond: Math.round(run.plan.packets * 1000 * shares.length / busyMs),
    chiSquare: chiSquareOf(run, index, frontends)
  }
}

function mergeHistograms (parts: ReadonlyArray<ReadonlyMap<number, number>>): Array<{ instructions: number, packets: number }> {
  const merged = new Map<number, number>()
  for (const part of parts) for (const [instructions, packets] of part) merged.set(instructions, (merged.get(instructions) ?? 0) + packets)
  return [...merged].sort(([one], [other]) => one - other).map(([instructions, packets]) => ({ instructions, packets }))
}

function frontendsOf ({ shares, targets }: TrafficRun, node: number): TrafficFrontend[] {
  const backends = targets.map(() => new Map<string, { address: string, port: number, packets: number, flows: number }>())
  for (const share of shares) {
    for (const [index, { target, address, port }] of share.pairs.entries()) {
      const packets = share.nodes[node]?.packets[index] ?? 0
      if (packets === 0) continue
      const key = `${address} ${port}`
      const known = backends[target]?.get(key) ?? { address, port, packets: 0, flows: 0 }
      known.packets += packets
      known.flows += share.nodes[node]?.firstTurn[index] ?? 0
      backends[target]?.set(key, known)
    }
  }
  return targets.map((target, index) => ({
    service: target.service,
    address: target.addressText,
    port: target.port,
    protocol: target.protocol,
    packets: sum(shares, (share) => share.targets[index] ?? 0),
    backends: [...backends[index]?.entries() ?? []].sort(([one], [other]) => one < other ? -1 : 1).map(([, backend]) => backend)
  }))
}

/** One test per frontend, added up: statistics and degrees of freedom of independent tests add. */
function chiSquareOf (run: TrafficRun, node: number, frontends: readonly TrafficFrontend[]): ChiSquareResult | null {
  if (run.revision.before !== run.revision.after) return null
  const total = { statistic: 0, degreesOfFreedom: 0, frontends: 0 }
  for (const [index, frontend] of frontends.entries()) {
    const slots = run.slotsOf(node, index)
    if (slots === null) continue
    const flowsOf = new Map(frontend.backends.map(({ address, port, flows }) => [`${address} ${port}`, flows]))
    const keys = [...new Set([...slots.keys(), ...flowsOf.keys()])]
    const test = chiSquareOfCounts(keys.map((key) => flowsOf.get(key) ?? 0), keys.map((key) => slots.get(key) ?? 0))
    if (test === null) continue
    total.statistic += test.statistic
    total.degreesOfFreedom += test.degreesOfFreedom
    total.frontends++
  }
  if (total.frontends === 0) return null
  return { ...total, pValue: chiSquareTail(total.statistic, total.degreesOfFreedom) }
}

function digestOf (nodes: readonly TrafficNodeResult[], shares: readonly TrafficShare[], disagreements: number): string {
  const chunks = shares.flatMap((share) => [...share.chunks]).sort(([one], [other]) => one - other)
  const results = nodes.map(({ node, verdicts, drops, faults, frontends, instructions, cost }) =>
    ({ node, verdicts, drops, faults, frontends, histogram: instructions.histogram, cost }))
  return createHash('sha256').update(JSON.stringify({ chunks, results, disagreements })).digest('hex')
}

function sum<T> (items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}
