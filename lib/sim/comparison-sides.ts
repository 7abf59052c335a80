// The two nodes of a comparison. One that is named and changed in nothing is the node itself; any other is made, on a simulator of its own,
// with the cluster's services, those of a mix, or some of them replaced.

import { defaultSettings, isOn } from '../loadbalancer/index.ts'
import type { NodeSettings as LbNodeSettings } from '../loadbalancer/index.ts'
import { parseMix } from '../report/index.ts'
import { comparisonLimits, refusedAt } from './comparison.ts'
import type { ComparisonRequest } from './comparison.ts'
import { pickable } from './comparison-tables.ts'
import { SimError, simErrorUnder } from './errors.ts'
import { inhabitantsOf, mixInhabitants } from './populate.ts'
import type { Inhabitants } from './populate.ts'
import { completeSettings } from './settings.ts'
import { isForOutside } from './traffic-plan.ts'
import type { FrontendView, NodeSettings, NodeView, ServiceSpec, Simulator } from './types.ts'

/** A node to make; settings that are left out are those of `node`. */
export interface ComparisonSide extends Partial<Omit<NodeSettings, 'name'>> {
  /** node of the cluster; `cilium` unless said */
  readonly node?: string
  /** these services take the place of those of the same names */
  readonly services?: readonly ServiceSpec[]
  /** services by their sizes, instead of the cluster's */
  readonly mix?: string
}

export interface ComparisonSimulators {
  readonly current: Simulator
  readonly scratch: (nodes: readonly LbNodeSettings[]) => Simulator
}

export interface Side {
  readonly sim: Simulator
  readonly node: string
  readonly settings: NodeSettings
  /** as seen from outside: lookups from inside a node have frontends of their own where a traffic policy makes the two differ */
  readonly frontends: readonly FrontendView[]
  /** those of them that pick a backend at random, by their ids */
  readonly atRandom: ReadonlySet<number>
  /** of the simulator, and of the node: what they are while it is compared */
  readonly revision: number
  readonly generation: number
}

const defaultNode = 'cilium'

export function * prepareSides (
  request: ComparisonRequest, simulators: ComparisonSimulators
): Generator<undefined, { a: Side, b: Side, services: { made: number, of: number } }> {
  const [ofA, ofB] = [asSide(request.a, request.mix), asSide(request.b, request.mix)]
  const live = isLive(ofA) && isLive(ofB) && !remembersClients(simulators.current)
  const cluster = live ? null : inhabitantsOf(simulators.current)
  const a = yield * prepare(ofA, '/a', live, cluster, simulators)
  const b = yield * prepare(ofB, '/b', live, cluster, simulators)
  const services = live ? simulators.current.listServices().length : null
  return { a: a.side, b: b.side, services: services === null ? { made: a.made, of: a.of } : { made: services, of: services } }
}

/** Session affinity would keep the clients of the comparison, and answer them by what came before. */
const remembersClients = (sim: Simulator): boolean => sim.listServices().some(({ sessionAffinity }) => sessionAffinity !== undefined)

const asSide = (side: string | ComparisonSide, mix: string | undefined): ComparisonSide => ({
  ...(mix === undefined ? {} : { mix }), ...(typeof side === 'string' ? { node: side } : side)
})

/** Both sides have to be, or services and sizes of tables of one would be those of now and of the other those of a new node. */
const isLive = ({ node, ...changes }: ComparisonSide): boolean => node !== undefined && Object.keys(changes).length === 0

function * prepare (
  side: ComparisonSide, at: string, live: boolean, cluster: Inhabitants | null, { current, scratch }: ComparisonSimulators
): Generator<undefined, { side: Side, made: number, of: number }> {
  const { node = defaultNode, services = [], mix, ...changes } = side
  const base = placed(`${at}/node`, '', () => settingsOf(node, current))
  // its lookups would leave entries behind
  if (live && !base.conntrack) return { side: sideOf(current, node), made: 0, of: 0 }
  // new flows are asked for, so nobody is to remember the ones before
  const settings = { ...completeSettings(base as LbNodeSettings, { ...changes, name: node }), conntrack: false }
  const inhabitants = mix === undefined ? cluster ?? inhabitantsOf(current) : mixed(mix, at)
  const all = replaced(inhabitants.services, services)
  if (all.length > comparisonLimits.services + services.length) throw refusedAt(`${at}/services`, `at most ${comparisonLimits.services} services are compared`)
  const sim = placed(at, at, () => {
    const made = scratch([])
    made.createNode(settings)
    if (inhabitants.nodeAddresses.length > 0) made.putNodeAddresses(inhabitants.nodeAddresses)
    return made
  })
  for (const service of all) {
    const index = services.indexOf(service)
    placed(index < 0 ? at : `${at}/services/${index}`, index < 0 ? at : `${at}/services/${index}`, () => sim.putService(service))
    yield
  }
  return { side: sideOf(sim, node), made: all.length, of: Math.max(inhabitants.of, all.length) }
}

function settingsOf (name: string, current: Simulator): NodeSettings {
  const known = current.listNodes().find((node) => node.name === name)
  // the node that changes are counted from unless another is named is there for the question even where it was deleted
  if (known === undefined && name === defaultNode) return defaultSettings(defaultNode)
  return withoutFigures(current.getNode(name))
}

function withoutFigures ({ tableSizeChanges, counts, memory, ...settings }: NodeView): NodeSettings {
  return settings
}

function mixed (text: string, at: string): Inhabitants {
  const mix = parseMix(text)
  if (!mix.ok) throw refusedAt(`${at}/mix`, mix.message)
  return mixInhabitants(mix.parts)
}

function replaced (services: readonly ServiceSpec[], by: readonly ServiceSpec[]): ServiceSpec[] {
  const nameOf = ({ namespace, name }: ServiceSpec): string => `${namespace}/${name}`
  const replacements = new Map(by.map((service) => [nameOf(service), service]))
  const kept = services.map((service) => replacements.get(nameOf(service)) ?? service)
  return [...kept, ...by.filter((service) => !kept.includes(service))]
}

function sideOf (sim: Simulator, node: string): Side {
  const settings = withoutFigures(sim.getNode(node))
  const frontends = sim.listFrontends(node).filter(isForOutside).flatMap((frontend) => [frontend, ...hiddenBehind(frontend)])
  const atRandom = new Set(sim.listWarnings(node).flatMap(({ code, frontend }) => code === 'random-selection' && frontend !== null ? [frontend.id] : []))
  return { sim, node, settings, frontends, atRandom, revision: sim.revision(), generation: sim.attach(node).generation }
}

/** Packets of a protocol that is not programmed are for the frontend that hides it. */
function hiddenBehind (frontend: FrontendView): FrontendView[] {
  return (frontend.hiddenProtocols ?? []).map((protocol) => ({ ...frontend, protocol }))
}

export const isHidden = ({ hiddenProtocols, protocol }: FrontendView): boolean => hiddenProtocols?.includes(protocol) === true

/** Why no new flow comes to a backend of this frontend; null where one does, by a table or at random. */
export function whyUnserved (frontend: FrontendView, { atRandom, settings }: Side): string | null {
  const { type, id, table, reason } = frontend
  if (table !== null) return null
  if (pickable(frontend).length === 0) return 'it has no backend that takes new flows'
  if (!atRandom.has(id)) return reason
  const reachable = type !== 'ClusterIP' || isOn(settings, 'bpf-lb-external-clusterip')
  return reachable ? null : 'a ClusterIP is reached from inside the cluster only, unless bpf-lb-external-clusterip is on'
}

/** @param within where the failure's own places lie */
function placed<T> (pointer: string, within: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    if (!(error instanceof SimError)) throw error
    const { code, message, places, facts } = simErrorUnder(within, error)
    throw new SimError(code, message, { places: places.length > 0 ? places : [{ pointer, detail: message }], facts: { ...facts } })
  }
}
