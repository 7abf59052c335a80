// Which backends serve a frontend, and in which order they take its slots: those of the frontend's family, protocol and port name; active
// ones first, then by state, address and port, so that the slots of a frontend with the same backends never move.

import { effectiveState } from '../maglev/index.ts'
import type { BackendState } from '../maglev/index.ts'
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
  const named = service.backends.filter(backend => familyOf(backend.address) === family && portNameMatches(backend, frontend))
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

/** a name on one side only restricts nothing */
function portNameMatches (backend: Backend, frontend: Frontend): boolean {
  return frontend.portName === undefined || backend.portName === undefined || frontend.portName === '' || backend.portName === '' ||
    frontend.portName === backend.portName
}
