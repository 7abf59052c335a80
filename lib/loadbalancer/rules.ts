// Which frontends get a Maglev table, and which addresses a wildcard entry: Cilium's rules, each with the reason in words.

import { externalClusterIp } from './settings.ts'
import type { NodeSettings } from './settings.ts'
import { isSurrogate } from './service.ts'
import type { Frontend, Service } from './service.ts'

/** Only what can be reached from outside the node is worth a table. */
export function usesTable (frontend: Frontend, settings: NodeSettings): boolean {
  return whyNoTable(frontend, settings) === null
}

/** @returns null where a table is used as soon as there is a backend for it */
export function whyNoTable (frontend: Frontend, settings: NodeSettings): string | null {
  if (isSurrogate(frontend.address)) return 'a wildcard address stands for the node\'s addresses, which have the tables'
  if (frontend.type === 'ClusterIP' && !externalClusterIp(settings)) {
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
export function wantsWildcard (frontend: Frontend, service: Service, localAddresses: ReadonlySet<string>): boolean {
  if (frontend.type !== 'ClusterIP' && frontend.type !== 'LoadBalancer') return false
  if (frontend.scope === 'internal' || localAddresses.has(frontend.address)) return false
  return service.loadBalancerClass === undefined || managedClasses.has(service.loadBalancerClass)
}
