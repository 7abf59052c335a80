// Ports of a Service whose name no endpoint has: Kubernetes and Cilium take them without a word, and their frontends stay without backends.

import type { Backend, Frontend } from '../service.ts'
import type { K8sObject } from './documents.ts'

/**
 * @param object the Service, or the slice that changed it
 * @returns in words, by port; none while the service has no endpoints at all, as before its slices come
 */
export function unmatchedPortNames (frontends: readonly Frontend[], backends: readonly Backend[], object: K8sObject): string[] {
  const offered = new Set(backends.map(({ portName }) => portName))
  // a port without a name takes every endpoint, an endpoint without one serves every port
  if (backends.length === 0 || offered.has(undefined)) return []
  const wanted = new Set(frontends.flatMap(({ portName }) => portName === undefined || offered.has(portName) ? [] : [portName]))
  const names = [...offered].map((name) => `"${name ?? ''}"`).join(', ')
  return [...wanted].map((name) => `${placeOf(name, object)}: no endpoint has a port named "${name}" (they have ${names}), so its frontends have no backends`)
}

function placeOf (name: string, { kind, field }: K8sObject): string {
  if (kind !== 'Service') return 'port of the Service'
  const ports = field.member('spec').member('ports').items()
  return `/spec/ports/${ports.findIndex((port) => port.member('name').raw === name)}/name`
}
