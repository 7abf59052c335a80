// Which frontends a node has, which of them get a Maglev table, and which addresses a wildcard entry: Cilium's rules, reasons in words.

import { hasServiceFormOf117 } from '../maglev/index.ts'
import { parseSelector } from './label-selector.ts'
import { chosen, isOn, nodePortRange } from './options.ts'
import { algorithmOf } from './settings.ts'
import type { NodePlace, NodeSettings } from './settings.ts'
import { familyOf, isSurrogate } from './service.ts'
import type { Frontend, Service } from './service.ts'
import type { Algorithm, Exposure, ServiceTraits } from './traits.ts'

/** the node label that the annotation `service.cilium.io/node` is compared with */
export const exposureLabel = 'service.cilium.io/node'

/** Whether a frontend is on this node at all. */
export function isOnNode (frontend: Frontend, { exposure }: ServiceTraits, settings: NodeSettings, place: NodePlace): boolean {
  if (!isOn(settings, familyOf(frontend.address) === 4 ? 'enable-ipv4' : 'enable-ipv6')) return false
  if (!isOn(settings, 'kube-proxy-replacement') && !['ClusterIP', 'ExternalIPs'].includes(frontend.type)) return false
  if (frontend.type === 'HostPort' && !hasHostPort(frontend.port, settings)) return false
  return exposure === undefined || isExposedOn(exposure, place)
}

function hasHostPort (port: number, settings: NodeSettings): boolean {
  const { from, to } = nodePortRange(settings)
  return isOn(settings, 'enable-host-port') && (port < from || port > to)
}

/** A selector goes before the label; one that cannot be read restricts nothing, as in Cilium. */
function isExposedOn ({ nodeName, nodeSelector, node }: Exposure, place: NodePlace): boolean {
  if (nodeName !== undefined && nodeName !== place.nodeName) return false
  if (nodeSelector !== undefined) return parseSelector(nodeSelector)?.(place.labels) ?? true
  return node === undefined || place.labels[exposureLabel] === node
}

/** Only what can be reached from outside the node is worth a table, unless the service asks for one. */
export function usesTable (frontend: Frontend, said: Algorithm | undefined, settings: NodeSettings): boolean {
  return whyNoTable(frontend, said, settings) === null
}

/** @param said the service's own algorithm. @returns null where a table is used as soon as there is a backend for it */
export function whyNoTable (frontend: Frontend, said: Algorithm | undefined, settings: NodeSettings): string | null {
  if (isSurrogate(frontend.address)) return 'a wildcard address stands for the node\'s addresses, which have the tables'
  const own = algorithmOf(settings, said)
  if (own !== null) return own === 'maglev' ? null : 'the service asks for random selection'
  if (settings.algorithm !== 'maglev') return 'the node selects backends at random'
  if (frontend.type === 'ClusterIP' && !isOn(settings, 'bpf-lb-external-clusterip')) {
    return 'a ClusterIP is reached from inside the cluster only, unless bpf-lb-external-clusterip is on'
  }
  return null
}

/** classes of load balancers whose addresses Cilium itself hands out or announces */
const managedClasses = new Set(['io.cilium/bgp-control-plane', 'io.cilium/l2-announcer'])

/**
 * A virtual address answers on the ports of its services only; the wildcard entry drops the rest. Not where the address may belong to a
 * machine: NodePort and external addresses, addresses of other load balancers, the node's own.
 */
export function wantsWildcard (
  frontend: Frontend, { loadBalancerClass }: Pick<Service, 'loadBalancerClass'>, settings: NodeSettings, localAddresses: ReadonlySet<string>
): boolean {
  if (frontend.type !== 'ClusterIP' && frontend.type !== 'LoadBalancer') return false
  if (frontend.scope === 'internal' || localAddresses.has(frontend.address) || !isOn(settings, 'bpf-lb-enable-wildcard-entries')) return false
  if (!hasServiceFormOf117(settings.release)) return false
  return loadBalancerClass === undefined ? chosen(settings, 'default-lb-service-ipam') === 'lbipam' : managedClasses.has(loadBalancerClass)
}
