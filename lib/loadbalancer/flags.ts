// Flags of service entries: which bits a frontend has, and the words Cilium prints for them.

import { serviceFlags, serviceFlags2 } from '../datapath/index.ts'
import { isSurrogate } from './service.ts'
import type { Frontend, FrontendType } from './service.ts'

/** both flag bytes of an entry as one u16: flags below, flags2 above */
export type FlagBits = number

const typeBits: Readonly<Record<FrontendType, FlagBits>> = {
  ClusterIP: 0,
  ExternalIPs: serviceFlags.externalIp,
  NodePort: serviceFlags.nodePort,
  LoadBalancer: serviceFlags.loadBalancer,
  HostPort: serviceFlags.hostPort
}

/** @param externalClusterIp whether ClusterIPs answer from outside the cluster too */
export function frontendFlags (frontend: Pick<Frontend, 'address' | 'type'>, externalClusterIp: boolean): FlagBits {
  const routable = !isSurrogate(frontend.address) && (frontend.type !== 'ClusterIP' || externalClusterIp)
  return typeBits[frontend.type] | (routable ? serviceFlags.routable : 0)
}

/** slots of a frontend carry its flags, those of quarantined backends one more */
export function slotFlags (ofFrontend: FlagBits, quarantined: boolean): FlagBits {
  return ofFrontend | (quarantined ? serviceFlags2.quarantined << 8 : 0)
}

/** the entry of an address's unknown ports says only which type of frontend it belongs to */
export function wildcardFlags (type: FrontendType): FlagBits {
  return typeBits[type]
}

/** as Cilium prints them, joined by `+` */
export function flagsText (bits: FlagBits): string {
  const has = (flag: number): boolean => (bits & flag) !== 0
  const has2 = (flag: number): boolean => (bits & flag << 8) !== 0
  const words: string[] = [typeText(bits)]
  const say = (when: boolean, word: string): void => { if (when) words.push(word) }
  say(has(serviceFlags.externalLocalScope), 'Local')
  say(has2(serviceFlags2.internalLocalScope), 'InternalLocal')
  say(has2(serviceFlags2.twoScopes), 'two-scopes')
  say(has(serviceFlags.affinity), 'sessionAffinity')
  say(!has(serviceFlags.routable), 'non-routable')
  // One bit means "deny" beside a source range check and "quarantined" without.
  say(has(serviceFlags.sourceRange), 'check source-range')
  say(has(serviceFlags.sourceRange) && has2(serviceFlags2.quarantined), 'deny')
  say(has2(serviceFlags2.nat46x64), '46x64')
  say(has2(serviceFlags2.l7LoadBalancer), 'l7-load-balancer')
  say(has2(serviceFlags2.loopback), has(serviceFlags.hostPort) ? 'loopback' : 'delegate-if-local')
  say(!has(serviceFlags.sourceRange) && has2(serviceFlags2.quarantined), 'quarantined')
  say(has2(serviceFlags2.directReturn), 'dsr')
  return words.join('+')
}

function typeText (bits: FlagBits): string {
  if ((bits & serviceFlags2.localRedirect << 8) !== 0) return 'LocalRedirect'
  const found = Object.entries(typeBits).find(([, bit]) => bit !== 0 && (bits & bit) !== 0)
  return found?.[0] ?? 'ClusterIP'
}
