// Two nodes held against each other: an upgrade, another M or seed, other backends, or nodes that should agree and do not. Shares of slots
// come from the tables in the nodes' maps; shares of flows from packets that went through both nodes' programs.

import type { Protocol } from '../maglev/index.ts'
import { parseAddress } from '../maglev/index.ts'
import { comparisonCauses } from './comparison-causes.ts'
import type { ComparisonCause } from './comparison-causes.ts'
import { prepareSides, whyUnserved } from './comparison-sides.ts'
import type { ComparisonSide, ComparisonSimulators, Side } from './comparison-sides.ts'
import { chancesApart, chancesAtRandom, chancesOfTable, slotsThatDiffer } from './comparison-tables.ts'
import type { Chances } from './comparison-tables.ts'
import { SimError } from './errors.ts'
import { backendPorts } from './port-of-sent.ts'
import type { SimErrorPlace } from './errors.ts'
import type { ShareTarget, TrafficPlan } from './traffic-plan.ts'
import { chunkCount, createShare } from './traffic-share.ts'
import type { TrafficShare } from './traffic-share.ts'
import type { FrontendView, NodeSettings } from './types.ts'

export interface ComparisonRequest {
  /** name of a node, or settings and services to make one of */
  readonly a: string | ComparisonSide
  readonly b: string | ComparisonSide
  readonly flows?: { readonly count?: number, readonly seed?: number }
  /** services of both sides by their sizes, instead of the cluster's */
  readonly mix?: string
  /** how many of the frontends that move most are listed */
  readonly worst?: number
}

export interface ComparedFrontend {
  readonly service: { readonly namespace: string, readonly name: string }
  readonly address: string
  readonly port: number
  readonly protocol: Protocol
  /** M, and backends in the table; null: a backend is picked at random there */
  readonly a: { readonly m: number, readonly backends: number } | null
  readonly b: { readonly m: number, readonly backends: number } | null
  /**
   * 0 .. 1, of new flows by the tables alone: slots that lead elsewhere; with two sizes or random selection the share that the chances of
   * the backends give (computed)
   */
  readonly slotsShare: number
  readonly flows: number
  /** that went to another backend, through the programs */
  readonly movedFlows: number
}

export interface Comparison {
  readonly revision: number
  readonly a: NodeSettings
  readonly b: NodeSettings
  /** of very many services only so many are made */
  readonly services: { readonly made: number, readonly of: number }
  readonly frontends: { readonly compared: number, readonly onlyA: number, readonly onlyB: number, readonly differing: number }
  /** mean over the frontends compared; `computed` where a and b have tables of two sizes, or pick at random */
  readonly slots: { readonly differingShare: number, readonly from: 'measured' | 'computed' }
  readonly newFlows: { readonly count: number, readonly seed: number, readonly moved: number, readonly movedShare: number }
  /** of the flows that a has sent to a backend */
  readonly establishedFlows: {
    readonly count: number,
    /** b takes the place of a on the same machine: its conntrack entries stay, and with them all flows whose backend is still there */
    readonly sameMachine: { readonly moved: number, readonly movedShare: number, readonly draining: number },
    /** another machine takes them, whose conntrack does not know them: they are looked up as new ones */
    readonly otherMachine: { readonly moved: number, readonly movedShare: number }
  }
  /** those that move most first */
  readonly worst: readonly ComparedFrontend[]
  readonly causes: readonly ComparisonCause[]
  readonly notes: readonly string[]
}

export const comparisonLimits = { flows: 1_000_000, worst: 100, services: 1000 } as const

const defaults = { flows: 20_000, seed: 1, worst: 10 }

/** Pauses every few milliseconds. @throws SimError with the place of what cannot be compared; NODE_CHANGED when a node changes meanwhile */
export function * comparisonSteps (request: ComparisonRequest, simulators: ComparisonSimulators): Generator<undefined, Comparison> {
  const { count, seed, worst } = validated(request)
  const { a, b, services } = yield * prepareSides(request, simulators)
  const pairs = frontendPairs(a, b)
  if (pairs.length === 0) throw nothingToCompare(a, b)
  const targets = pairs.map(targetOf)
  const slots: number[] = []
  for (const pair of pairs) {
    slots.push(slotsShare(a, b, pair))
    unchanged(a)
    unchanged(b)
    yield
  }
  const share = yield * runFlows(a, b, targets, { count, seed })
  const compared = pairs.map((pair, index) => comparedFrontend(pair, slots[index] ?? 0, share, index))
  const computed = pairs.some((pair) => isRandom(pair) || pair.a.table?.m !== pair.b.table?.m)
  const established = establishedFlows(pairs, share)
  return {
    revision: simulators.current.revision(),
    a: a.settings,
    b: b.settings,
    services,
    frontends: { ...onlyOn(a, b), compared: pairs.length, differing: slots.filter((one) => one > 0).length },
    slots: { differingShare: mean(slots), from: computed ? 'computed' : 'measured' },
    newFlows: { count, seed, moved: share.disagreements, movedShare: share.disagreements / count },
    establishedFlows: established,
    worst: compared.filter(({ movedFlows, slotsShare }) => movedFlows > 0 || slotsShare > 0)
      .sort((one, other) => shareMoved(other) - shareMoved(one) || other.slotsShare - one.slotsShare).slice(0, worst),
    causes: comparisonCauses(a, b, pairs),
    notes: pairs.some(isRandom) ? [...notes, randomNote] : notes
  }
}

const notes = [
  'Every flow is one packet through the program of either node; it has moved when backend or verdict differ.',
  'Established flows: on the same machine conntrack keeps those whose backend is still there, also where the table now says another; on another machine, as when a router hashes anew over its next hops, nobody remembers them.',
  'conntrack: false in a and b: flows are put to the programs as new ones, each as if nobody knew it. What happens to established flows follows from that by rule, for machines that remember connections, as every Cilium agent does.',
  'Draining: kept by conntrack on a backend that takes no new flows.'
]
const randomNote = 'Random selection: no table says where a new flow goes, so the share that moves is that of one draw and near the computed one; other flows move each time, and machines never agree. What holds an established flow is conntrack alone.'

function validated ({ flows, worst = defaults.worst }: ComparisonRequest): { count: number, seed: number, worst: number } {
  const { count = defaults.flows, seed = defaults.seed } = flows ?? {}
  const places: SimErrorPlace[] = []
  const wholeIn = (value: number, least: number, most: number, pointer: string): void => {
    if (!Number.isInteger(value) || value < least || value > most) places.push({ pointer, detail: `${value} is not a whole number from ${least} to ${most}` })
  }
  wholeIn(count, 1, comparisonLimits.flows, '/flows/count')
  wholeIn(seed, 0, 0xffffffff, '/flows/seed')
  wholeIn(worst, 0, comparisonLimits.worst, '/worst')
  const [first] = places
  if (first !== undefined) throw new SimError('INVALID_ARGUMENT', `${first.pointer}: ${first.detail}`, { places })
  return { count, seed, worst }
}

export interface FrontendPair {
  readonly a: FrontendView
  readonly b: FrontendView
}

const keyOf = ({ address, port, protocol }: FrontendView): string => `${address} ${port} ${protocol}`

/** Frontends that new flows come through on both sides. */
function frontendPairs (a: Side, b: Side): FrontendPair[] {
  const ofB = new Map(served(b).map((frontend) => [keyOf(frontend), frontend]))
  return served(a).flatMap((frontend) => {
    const twin = ofB.get(keyOf(frontend))
    return twin === undefined ? [] : [{ a: frontend, b: twin }]
  })
}

const served = (side: Side): FrontendView[] => side.frontends.filter((frontend) => whyUnserved(frontend, side) === null)

function onlyOn (a: Side, b: Side): { onlyA: number, onlyB: number } {
  const [ofA, ofB] = [new Set(served(a).map(keyOf)), new Set(served(b).map(keyOf))]
  const missing = (one: Set<string>, other: Set<string>): number => [...one].filter((key) => !other.has(key)).length
  return { onlyA: missing(ofA, ofB), onlyB: missing(ofB, ofA) }
}

/** Of each side that no new flow comes through, why; else both do, and have no frontend in common. */
function nothingToCompare (a: Side, b: Side): SimError {
  const sides = [{ pointer: '/a', side: a }, { pointer: '/b', side: b }]
  const places = sides.filter(({ side }) => served(side).length === 0).map(({ pointer, side }) => ({ pointer, detail: unservedText(side) }))
  if (places.length === 0) {
    return refusedAt('', `a and b have no frontend in common that takes flows: ${served(a).length} are on a alone, ${served(b).length} on b`)
  }
  return new SimError('INVALID_ARGUMENT', places.map(({ pointer, detail }) => `${pointer}: ${detail}`).join('; '), { places })
}

function unservedText (side: Side): string {
  const { frontends, node } = side
  if (frontends.length === 0) return `node ${node} has no frontends: give it services, or a mix`
  const reasons = new Map<string, number>()
  for (const frontend of frontends) {
    const reason = whyUnserved(frontend, side) ?? ''
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
  }
  const texts = [...reasons].sort(([, one], [, other]) => other - one).slice(0, 3).map(([reason, count]) => `${count}: ${reason}`)
  return `of ${frontends.length} frontends of node ${node} none takes flows (${texts.join('; ')})`
}

const isRandom = ({ a, b }: FrontendPair): boolean => a.table === null || b.table === null

function slotsShare (a: Side, b: Side, pair: FrontendPair): number {
  if (isRandom(pair)) return chancesApart(chancesOf(a, pair.a), chancesOf(b, pair.b))
  return slotsThatDiffer(a.sim.getTable(a.node, pair.a.id), pair.a.backends, b.sim.getTable(b.node, pair.b.id), pair.b.backends)
}

const chancesOf = ({ sim, node }: Side, frontend: FrontendView): Chances =>
  frontend.table === null ? chancesAtRandom(frontend) : chancesOfTable(sim.getTable(node, frontend.id), frontend.backends)

function targetOf ({ a, b }: FrontendPair): ShareTarget {
  const { address, port, protocol } = a
  const parsed = parseAddress(address)
  if (parsed === null) throw new TypeError(`frontend ${address} has no address`)
  return { address: parsed.bytes, port, protocol, backends: backendPorts([...a.backends, ...b.backends]) }
}

/** CPU, and place among the readers of a node's maps, of the thread that the simulator is in */
const MAIN = { cpu: 0, worker: 0 }

function * runFlows (
  a: Side, b: Side, targets: readonly ShareTarget[], { count, seed }: { count: number, seed: number }
): Generator<undefined, TrafficShare> {
  const plan: TrafficPlan = {
    kind: 'traffic', nodes: ['a', 'b'], services: null, flows: count, packets: count, seed, distribution: 'uniform', sourceCidr: null, workers: 1
  }
  const attachments = [a.sim.attach(a.node), b.sim.attach(b.node)]
  const share = createShare({ plan, targets, attachments, ...MAIN }, () => 0)
  try {
    for (let chunk = 0; chunk < chunkCount(plan); chunk++) {
      unchanged(a)
      unchanged(b)
      share.runChunk(chunk, () => true)
      yield
    }
    return share.finish()
  } finally {
    share.dispose()
  }
}

function unchanged ({ sim, node, revision, generation }: Side): void {
  if (sim.revision() === revision && sim.attach(node).generation === generation) return
  throw new SimError('NODE_CHANGED', `node ${node} changed while it was compared; ask again`)
}

function comparedFrontend (
  { a, b }: FrontendPair, slotsShare: number, { targets, targetDisagreements }: TrafficShare, index: number
): ComparedFrontend {
  const { service, address, port, protocol } = a
  const size = ({ table }: FrontendView): ComparedFrontend['a'] => table === null ? null : { m: table.m, backends: table.backends }
  const [flows, movedFlows] = [targets[index] ?? 0, targetDisagreements[index] ?? 0]
  return { service, address, port, protocol, a: size(a), b: size(b), slotsShare, flows, movedFlows }
}

/** What conntrack does is a rule of its own: a packet of a known flow does not come to the table while its backend is there. */
function establishedFlows (pairs: readonly FrontendPair[], share: TrafficShare): Comparison['establishedFlows'] {
  const backends = pairs.map(({ b }) => new Map(b.backends.map((backend) => [`${backend.address} ${backend.port}`, backend.state])))
  const [ofA] = share.nodes
  let [served, gone, draining] = [0, 0, 0]
  for (const [index, { target, address, port }] of share.pairs.entries()) {
    const flows = ofA?.firstTurn[index] ?? 0
    const state = backends[target]?.get(`${address} ${port}`)
    served += flows
    if (state === undefined) gone += flows
    else if (state !== 'active') draining += flows
  }
  const moved = share.servedDisagreements
  return {
    count: served,
    sameMachine: { moved: gone, movedShare: served === 0 ? 0 : gone / served, draining },
    otherMachine: { moved, movedShare: served === 0 ? 0 : moved / served }
  }
}

const shareMoved = ({ movedFlows, flows }: ComparedFrontend): number => movedFlows / Math.max(1, flows)

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)

export const refusedAt = (pointer: string, detail: string): SimError =>
  new SimError('INVALID_ARGUMENT', pointer === '' ? detail : `${pointer}: ${detail}`, { places: [{ pointer, detail }] })
