// Which backends take part in load balancing, and so enter a table: active ones; when there is none, terminating ones that still serve.
// Quarantined ones and those in maintenance never do. A weight of 0 means maintenance.

export const backendStates = ['active', 'terminating', 'terminating-not-serving', 'quarantined', 'maintenance'] as const

export type BackendState = typeof backendStates[number]

export interface StatedBackend {
  readonly state: BackendState
  readonly weight: number
  /** in a cluster mesh: preferred over those that are not, while it is active */
  readonly preferred?: boolean
}

export function effectiveState (backend: StatedBackend): BackendState {
  return backend.weight === 0 ? 'maintenance' : backend.state
}

export function usableBackends<B extends StatedBackend> (backends: readonly B[]): B[] {
  const inState = (state: BackendState): B[] => backends.filter(backend => effectiveState(backend) === state)
  const active = inState('active')
  const preferred = active.filter(backend => backend.preferred === true)
  if (preferred.length > 0) return preferred
  return active.length > 0 ? active : inState('terminating')
}
