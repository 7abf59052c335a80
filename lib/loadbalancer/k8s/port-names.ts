// Ports of a Service whose name no endpoint has: Kubernetes and Cilium take them without a word, and their frontends stay without backends.

import type { Backend, Frontend } from '../service.ts'
import type { K8sObject } from './documents.ts'

export interface UnmatchedPort {
  /** JSON Pointer into the Service; null: of a Service that is not at hand */
  readonly field: string | null
  readonly detail: string
}

/** @param object the Service, or the slice that changed it. @returns by port */
export function unmatchedPorts (frontends: readonly Frontend[], backends: readonly Backend[], object: K8sObject): UnmatchedPort[] {
  const offered = offeredPortNames(backends)
  if (offered === null) return []
  const wanted = new Set(frontends.flatMap(({ portName }) => portName === undefined || offered.has(portName) ? [] : [portName]))
  const names = [...offered].map((name) => `"${name}"`).join(', ')
  return [...wanted].map((name) =>
    ({ field: fieldOf(name, object), detail: `no endpoint has a port named "${name}" (they have ${names}), so its frontends have no backends` }))
}

/**
 * Names that a port of the Service has to have one of, if it has a name: without one it takes every endpoint.
 * @returns null: any will do, since an endpoint's port without a name serves every port; or there are no endpoints, as before slices come
 */
export function offeredPortNames (backends: readonly Backend[]): ReadonlySet<string> | null {
  const names = new Set<string>()
  for (const { portName } of backends) {
    if (portName === undefined) return null
    names.add(portName)
  }
  return names.size === 0 ? null : names
}

function fieldOf (name: string, { kind, field }: K8sObject): string | null {
  if (kind !== 'Service') return null
  const ports = field.member('spec').member('ports').items()
  return `/spec/ports/${ports.findIndex((port) => port.member('name').raw === name)}/name`
}
