// Which backends serve a frontend on a node, and in which order they take its slots: those of the frontend's family, protocol and port
// name, of them the ones near the node where the service says so; active ones first, then by state, address and port, so that the slots of
// a frontend with the same backends never move.

import { effectiveState } from '../maglev/index.ts'
import type { BackendState, Family } from '../maglev/index.ts'
import { isOn } from './options.ts'
import { endpointKey, familyOf } from './service.ts'
import type { Backend, Frontend, Service } from './service.ts'
import type { NodePlace, NodeSettings } from './settings.ts'
import type { ServiceTraits } from './traits.ts'

export interface SelectedBackend {
  readonly key: string
  readonly backend: Backend
  /** weight 0 is maintenance */
  readonly state: BackendState
}

const stateOrder: Readonly<Record<BackendState, number>> = {
  active: 0,
  terminating: 1,
  'terminating-not-serving': 2,
  quarantined: 3,
  maintenance: 4
}

export function selectBackends (service: Service, frontend: Frontend, settings: NodeSettings, place: NodePlace): SelectedBackend[] {
  const family = familyOf(frontend.address)
  const named = backendsNamed(service, family, frontend.portName ?? '')
  const sameProtocol = named.filter(backend => backend.protocol === frontend.protocol)
  // Kubernetes pairs protocols by itself. Through our own interface a backend's protocol is only part of its Maglev key, so a frontend that
  // has none of its own protocol is served by the others.
  const matching = service.source === 'api' && sameProtocol.length === 0 ? named : sameProtocol
  const reachable = usesLocalOnly(frontend, service) ? matching.filter(({ nodeName }) => isLocal(nodeName, place)) : matching
  const chosen = nearby(reachable, service, settings, place)
  const selected = new Map<string, SelectedBackend>()
  for (const backend of chosen) {
    const key = endpointKey(backend)
    if (!selected.has(key)) selected.set(key, { key, backend, state: effectiveState(backend) })
  }
  return [...selected.values()].sort((one, other) =>
    stateOrder[one.state] - stateOrder[other.state] || (one.key < other.key ? -1 : one.key > other.key ? 1 : 0))
}

/** Policies Local: what comes from outside stays on the node for one, from inside for the other; a ClusterIP knows only inside. */
export function usesLocalOnly ({ type, scope }: Pick<Frontend, 'type' | 'scope'>, service: ServiceTraits): boolean {
  if (type === 'HostPort') return false
  const fromInside = scope === 'internal' || type === 'ClusterIP'
  return (fromInside ? service.internalTrafficPolicy : service.externalTrafficPolicy) === 'Local'
}

/** A backend that does not say where it runs is local everywhere, as in Cilium. */
function isLocal (nodeName: string | undefined, place: NodePlace): boolean {
  return nodeName === undefined || nodeName === place.nodeName
}

/**
 * Those on this node, or those meant for its zone, where a service prefers them and there are any. Zones count only when every backend says
 * which it is for: a half-told story is none. Backends that end do not take part in the decision.
 */
function nearby (
  backends: readonly Backend[], { trafficDistribution, internalTrafficPolicy }: ServiceTraits, settings: NodeSettings,
  { nodeName, zone }: NodePlace
): readonly Backend[] {
  if (trafficDistribution === undefined || internalTrafficPolicy === 'Local' || !isOn(settings, 'enable-service-topology')) return backends
  if (trafficDistribution === 'PreferSameNode') {
    const here = backends.filter(backend => backend.nodeName === nodeName)
    return here.length > 0 ? here : backends
  }
  const deciding = backends.filter(({ state }) => state !== 'terminating' && state !== 'terminating-not-serving')
  if (zone === null || !deciding.every(({ forZones }) => forZones !== undefined)) return backends
  const meant = ({ forZones }: Backend): boolean => forZones?.includes(zone) === true
  return deciding.some(meant) ? backends.filter(meant) : backends
}

/** Backends of a family by the name of their port, those without one under ''. */
type ByPortName = ReadonlyMap<string, readonly Backend[]>

/** A service with hundreds of ports is asked for every one of them: its backends are sorted by name once. */
const indexes = new WeakMap<readonly Backend[], Readonly<Record<Family, ByPortName>>>()

/** A name on one side only restricts nothing. */
function backendsNamed ({ backends }: Service, family: Family, portName: string): readonly Backend[] {
  let index = indexes.get(backends)
  if (index === undefined) indexes.set(backends, index = { 4: byPortName(backends, 4), 6: byPortName(backends, 6) })
  const named = index[family]
  return portName === '' ? [...named.values()].flat() : [...named.get(portName) ?? [], ...named.get('') ?? []]
}

function byPortName (backends: readonly Backend[], family: Family): ByPortName {
  const index = new Map<string, Backend[]>()
  for (const backend of backends) {
    if (familyOf(backend.address) !== family) continue
    const { portName = '' } = backend
    const known = index.get(portName)
    if (known === undefined) index.set(portName, [backend])
    else known.push(backend)
  }
  return index
}
