// What a run of kind `traffic` is asked for, checked and completed: synthetic flows to the frontends of chosen services,
// put through the programs of chosen nodes.

import { parseAddress, parsePrefix } from '../packet/index.ts'
import type { TrafficTarget } from '../traffic/index.ts'
import { SimError } from './errors.ts'
import type { SimErrorPlace } from './errors.ts'
import { backendPorts } from './port-of-sent.ts'
import type { BackendPort } from './port-of-sent.ts'
import type { FrontendView, Simulator } from './types.ts'

export const trafficLimits = {
  packets: 10_000_000,
  flows: 10_000_000,
  workers: 16,
  zipfExponent: 5,
  nodes: 16,
  services: 10_000
} as const

export const trafficDefaults = { packets: 1_000_000, flows: 100_000, seed: 1, workers: 2 } as const

export type Distribution = 'uniform' | { readonly zipf: number }

export interface ServiceName { readonly namespace: string, readonly name: string }

export interface TrafficBody {
  readonly kind: 'traffic'
  readonly nodes?: readonly string[]
  readonly services?: readonly ServiceName[]
  /** distinct flows; packets go through them in turn */
  readonly flows?: number
  readonly packets?: number
  /** u32 */
  readonly seed?: number
  /** of the flows over the frontends: the same share for each, or Zipf in their order */
  readonly distribution?: Distribution
  /** where clients come from, for frontends of its family */
  readonly sourceCidr?: string
  readonly workers?: number
}

/** Complete: the same plan at the same revision gives the same digest. */
export interface TrafficPlan {
  readonly kind: 'traffic'
  readonly nodes: readonly string[]
  /** null: all */
  readonly services: readonly ServiceName[] | null
  readonly flows: number
  readonly packets: number
  readonly seed: number
  readonly distribution: Distribution
  /** null: 198.18.0.0/15 and 2001:db8::/32 */
  readonly sourceCidr: string | null
  readonly workers: number
}

/** @throws SimError with the place of everything that cannot be run */
export function planTraffic (sim: Simulator, body: TrafficBody): TrafficPlan {
  const packets = body.packets ?? trafficDefaults.packets
  const nodes = body.nodes ?? sim.listNodes().map((node) => node.name)
  const plan: TrafficPlan = {
    kind: 'traffic',
    nodes,
    services: body.services ?? null,
    flows: body.flows ?? Math.min(packets, trafficDefaults.flows),
    packets,
    seed: body.seed ?? trafficDefaults.seed,
    distribution: body.distribution ?? 'uniform',
    sourceCidr: body.sourceCidr ?? null,
    workers: body.workers ?? Math.min(trafficDefaults.workers, fewestCpus(sim, nodes))
  }
  const places = problemsOf(sim, plan)
  const first = places[0]
  if (first !== undefined) throw new SimError('INVALID_ARGUMENT', `${first.pointer}: ${first.detail}`, { places })
  trafficTargets(sim, plan)
  return plan
}

function problemsOf (sim: Simulator, plan: TrafficPlan): SimErrorPlace[] {
  const places: SimErrorPlace[] = []
  const check = (fine: boolean, pointer: string, detail: string): void => { if (!fine) places.push({ pointer, detail }) }
  const wholeIn = (value: number, least: number, most: number): boolean => Number.isInteger(value) && value >= least && value <= most
  const { nodes, services, flows, packets, seed, distribution, sourceCidr, workers } = plan
  check(wholeIn(packets, 1, trafficLimits.packets), '/packets', `a run has 1 to ${trafficLimits.packets} packets`)
  check(wholeIn(flows, 1, packets), '/flows', 'there is at least one flow, and no more flows than packets')
  check(wholeIn(seed, 0, 0xffffffff), '/seed', 'the seed is a whole number from 0 to 4294967295')
  check(nodes.length > 0 && nodes.length <= trafficLimits.nodes, '/nodes', `a run has 1 to ${trafficLimits.nodes} nodes`)
  check(new Set(nodes).size === nodes.length, '/nodes', 'a node is named twice')
  check(services === null || (services.length > 0 && services.length <= trafficLimits.services), '/services',
    `name 1 to ${trafficLimits.services} services, or leave the member out for all`)
  if (distribution !== 'uniform') {
    check(distribution.zipf > 0 && distribution.zipf <= trafficLimits.zipfExponent, '/distribution/zipf',
      `the exponent is above 0 and at most ${trafficLimits.zipfExponent}`)
  }
  if (sourceCidr !== null) {
    check(parsePrefix(sourceCidr) !== null, '/sourceCidr', `"${sourceCidr.slice(0, 60)}" is no prefix such as 198.18.0.0/15`)
  }
  const cpus = fewestCpus(sim, nodes)
  check(wholeIn(workers, 1, Math.min(cpus, trafficLimits.workers)), '/workers',
    `a worker needs a CPU of the node to itself: 1 to ${Math.min(cpus, trafficLimits.workers)}`)
  return places
}

/** @throws SimError NODE_NOT_FOUND */
function fewestCpus (sim: Simulator, nodes: readonly string[]): number {
  return nodes.length === 0 ? 1 : Math.min(...nodes.map((name) => sim.getNode(name).possibleCpus))
}

/** Entries for pods have their tables, which nobody asks. */
export const isForOutside = ({ scope }: Pick<FrontendView, 'scope'>): boolean => scope !== 'internal'

export interface ShareTarget extends TrafficTarget {
  /** on any of the nodes: where packets go to them inside others, their address says the port */
  readonly backends: readonly BackendPort[]
}

export interface TargetFrontend extends ShareTarget {
  readonly addressText: string
  readonly service: ServiceName
  /** id of the frontend on each node, in the plan's order of nodes */
  readonly ids: readonly number[]
}

/**
 * Frontends of the services that have a table on every node of the plan, in the order of the first node's.
 * @throws SimError when there is none
 */
export function trafficTargets (sim: Simulator, plan: TrafficPlan): TargetFrontend[] {
  for (const [index, { namespace, name }] of (plan.services ?? []).entries()) requireService(sim, namespace, name, index)
  const wanted = plan.services === null ? null : new Set(plan.services.map(({ namespace, name }) => `${namespace}/${name}`))
  const keyOf = (frontend: FrontendView): string => `${frontend.address} ${frontend.port} ${frontend.protocol}`
  const perNode = plan.nodes.map((node) => new Map(sim.listFrontends(node)
    .filter((frontend) => frontend.table !== null && isForOutside(frontend)).map((frontend) => [keyOf(frontend), frontend])))
  const targets = [...perNode[0]?.values() ?? []].flatMap((frontend): TargetFrontend[] => {
    const { address, port, protocol, service } = frontend
    const views = perNode.map((frontends) => frontends.get(keyOf(frontend)))
    const ids = views.map((view) => view?.id)
    const bytes = parseAddress(address)
    if (wanted !== null && !wanted.has(`${service.namespace}/${service.name}`)) return []
    if (bytes === null || ids.includes(undefined)) return []
    const { namespace, name } = service
    const backends = backendPorts(views.flatMap((view) => view?.backends ?? []))
    return [{ address: bytes, addressText: address, port, protocol, backends, service: { namespace, name }, ids: ids as number[] }]
  })
  if (targets.length === 0) {
    const detail = 'no frontend of these services has a Maglev table on all of the nodes'
    throw new SimError('INVALID_ARGUMENT', detail, { places: [{ pointer: '/services', detail }] })
  }
  return targets
}

function requireService (sim: Simulator, namespace: string, name: string, index: number): void {
  try {
    sim.getService(namespace, name)
  } catch (error) {
    if (!(error instanceof SimError)) throw error
    throw new SimError(error.code, error.message, { places: [{ pointer: `/services/${index}`, detail: error.message }] })
  }
}
