// Which backends serve a frontend, and in which order they take its slots: those of the frontend's family, protocol and port name; active
// ones first, then by state, address and port, so that the slots of a frontend with the same backends never move.

import { effectiveState } from '../maglev/index.ts'
import type { BackendState, Family } from '../maglev/index.ts'
import { endpointKey, familyOf } from './service.ts'
import type { Backend, Frontend, Service } from './service.ts'

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

export function selectBackends (service: Service, frontend: Frontend): SelectedBackend[] {
  const family = familyOf(frontend.address)
  const named = backendsNamed(service, family, frontend.portName ?? '')
  const sameProtocol = named.filter(backend => backend.protocol === frontend.protocol)
  // Kubernetes pairs protocols by itself. Through our own interface a backend's protocol is only part of its Maglev key, so a frontend that
  // has none of its own protocol is served by the others.
  const chosen = service.source === 'api' && sameProtocol.length === 0 ? named : sameProtocol
  const selected = new Map<string, SelectedBackend>()
  for (const backend of chosen) {
    const key = endpointKey(backend)
    if (!selected.has(key)) selected.set(key, { key, backend, state: effectiveState(backend) })
  }
  return [...selected.values()].sort((one, other) =>
    stateOrder[one.state] - stateOrder[other.state] || (one.key < other.key ? -1 : one.key > other.key ? 1 : 0))
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
