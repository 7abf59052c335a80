// The node that is judged. Nodes of a cluster differ: by the backends that run on them, where a traffic policy is Local; by their
// addresses, their labels, and the host ports of their pods. No figure of one of them is that of another, so a node is put together that
// has of everything what the node with most of it has: what fits it fits all of them, and a backend that it lacks none has.

import { familyOf, isOn, limits } from '../../../lib/loadbalancer/index.ts'
import type { Backend, Draft, NodeSettings, Service } from '../../../lib/loadbalancer/index.ts'
import { effectiveState } from '../../../lib/maglev/index.ts'
import type { BackendState } from '../../../lib/maglev/index.ts'
import { counted } from '../../../lib/report/words.ts'

/**
 * Changes a draft's services so that a node which is none of the cluster's holds what its fullest one could.
 * @param given addresses of a node beside those of Node objects
 * @returns what was assumed, in words, where nodes differ at all
 */
export function assumeFullestNode (draft: Draft, settings: NodeSettings, given: readonly string[]): string[] {
  const taken = [...takeAddresses(draft, given), ...takeHostPorts(draft), ...takeExposed(draft), ...takeLocalBackends(draft)]
  return [...taken, ...sayPreferences(draft, settings)]
}

function takeAddresses (draft: Draft, given: readonly string[]): string[] {
  const nodes = [...draft.k8s.nodes.entries()].map(([name, { addresses }]) => ({ name, addresses }))
  const most = largest(nodes, ({ addresses }) => addresses.length)
  draft.setNodeAddresses([...new Set([...given, ...most?.addresses ?? []])])
  return most === undefined || nodes.length < 2 ? [] : [`of ${nodes.length} nodes the addresses of ${most.name}, which has most`]
}

/** Ports of one node's pods; those of others stay with their nodes, as does one that a Service claims on all of them. */
function takeHostPorts (draft: Draft): string[] {
  const byNode = new Map<string, Service[]>()
  for (const service of draft.services()) {
    const { nodeName } = service.exposure ?? {}
    if (nodeName !== undefined) gather(byNode, nodeName, service)
  }
  const most = largest([...byNode], ([, services]) => services.length)
  for (const service of most?.[1] ?? []) draft.putService(everywhere(service))
  return most === undefined ? [] : [`host ports of the pods on ${most[0]}, which has most`]
}

function takeExposed (draft: Draft): string[] {
  const exposed = [...draft.services()].filter(({ exposure }) => exposure !== undefined && exposure.nodeName === undefined)
  for (const service of exposed) draft.putService(everywhere(service))
  return exposed.length === 0 ? [] : [`${counted(exposed.length, 'service')} for chosen nodes only (service.cilium.io/node, node-selector): it is one of them`]
}

function everywhere ({ exposure, ...service }: Service): Service {
  return service
}

function takeLocalBackends (draft: Draft): string[] {
  const local = [...draft.services()].filter(({ externalTrafficPolicy, internalTrafficPolicy, backends }) =>
    [externalTrafficPolicy, internalTrafficPolicy].includes('Local') && backends.some(({ nodeName }) => nodeName !== undefined))
  for (const service of local) draft.putService({ ...service, backends: withLocalOnes(service.backends) })
  return local.length === 0 ? [] : [`${counted(local.length, 'service')} with a traffic policy of Local: of each it has the backends of the node with most of them`]
}

/** Backends that do not say where they run are local everywhere. By port, since other pods may serve other ports. */
function withLocalOnes (backends: readonly Backend[]): Backend[] {
  const byPort = new Map<string, Map<string, Backend[]>>()
  for (const backend of backends) {
    const { address, protocol, portName = '', nodeName } = backend
    if (nodeName === undefined) continue
    const port = `${familyOf(address)} ${protocol} ${portName}`
    const byNode = byPort.get(port) ?? new Map<string, Backend[]>()
    gather(byNode, nodeName, backend)
    byPort.set(port, byNode)
  }
  const here = new Set([...byPort.values()].flatMap((byNode) => largest([...byNode.values()], usable) ?? []))
  return backends.map((backend) => here.has(backend) ? anywhere(backend) : backend)
}

/** Active backends count first, then those that are the last resort, then all: a node that can serve goes before one that cannot. */
function usable (backends: readonly Backend[]): number {
  const inState = (wanted: BackendState): number => backends.filter((backend) => effectiveState(backend) === wanted).length
  return (inState('active') * (limits.backendsPerService + 1) + inState('terminating')) * (limits.backendsPerService + 1) + backends.length
}

function anywhere ({ nodeName, ...backend }: Backend): Backend {
  return backend
}

/** A node without a zone prefers none. */
function sayPreferences (draft: Draft, settings: NodeSettings): string[] {
  if (!isOn(settings, 'enable-service-topology')) return []
  const preferring = [...draft.services()].filter(({ trafficDistribution }) => trafficDistribution !== undefined)
  return preferring.length === 0 ? [] : [`${counted(preferring.length, 'service')} with a trafficDistribution: all backends, as where none is near`]
}

function gather<T> (groups: Map<string, T[]>, name: string, one: T): void {
  const group = groups.get(name)
  if (group === undefined) groups.set(name, [one])
  else group.push(one)
}

/** @returns the first of the largest */
function largest<T> (ones: readonly T[], size: (one: T) => number): T | undefined {
  const sizes = ones.map(size)
  return ones[sizes.indexOf(sizes.reduce((most, next) => Math.max(most, next), 0))]
}
