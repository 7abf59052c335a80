// Flags of service entries: which bits a frontend has, and the words Cilium prints for them.

import { serviceFlags, serviceFlags2 } from '../datapath/index.ts'
import type { Protocol } from '../maglev/index.ts'
import { chosen, isOn } from './options.ts'
import type { WithOptions } from './options.ts'
import { isSurrogate } from './service.ts'
import type { Frontend, FrontendType } from './service.ts'
import type { ServiceTraits } from './traits.ts'

/** both flag bytes of an entry as one u16: flags below, flags2 above */
export type FlagBits = number

const typeBits: Readonly<Record<FrontendType, FlagBits>> = {
  ClusterIP: 0,
  ExternalIPs: serviceFlags.externalIp,
  NodePort: serviceFlags.nodePort,
  LoadBalancer: serviceFlags.loadBalancer,
  HostPort: serviceFlags.hostPort
}

/** @param traits of the service, whose wishes count as far as the node's options let them */
export function frontendFlags (
  frontend: Pick<Frontend, 'address' | 'type' | 'protocol'>, traits: ServiceTraits, settings: WithOptions
): FlagBits {
  const { type } = frontend
  const externalLocal = traits.externalTrafficPolicy === 'Local'
  const internalLocal = traits.internalTrafficPolicy === 'Local'
  const routable = !isSurrogate(frontend.address) && (type !== 'ClusterIP' || isOn(settings, 'bpf-lb-external-clusterip'))
  const ranges = checksSourceRanges(type, traits, settings)
  let flags: FlagBits = typeBits[type]
  const set = (when: boolean, bits: FlagBits): void => { if (when) flags |= bits }
  set(externalLocal, serviceFlags.externalLocalScope)
  set(internalLocal, serviceFlags2.internalLocalScope << 8)
  set(externalLocal !== internalLocal && type !== 'ClusterIP', serviceFlags2.twoScopes << 8)
  set(affinityTimeout(traits, settings) > 0, serviceFlags.affinity)
  set(routable, serviceFlags.routable)
  set(ranges, serviceFlags.sourceRange)
  set(ranges && traits.sourceRanges?.policy === 'deny', serviceFlags2.quarantined << 8)
  set(traits.l7ProxyPort !== undefined, serviceFlags2.l7LoadBalancer << 8)
  set(traits.loopbackHostPort === true || traits.proxyDelegation !== undefined, serviceFlags2.loopback << 8)
  set(returnsDirectly(frontend.protocol, traits, settings), serviceFlags2.directReturn << 8)
  return flags
}

/** seconds; 0: clients may come to another backend with every connection */
export function affinityTimeout ({ sessionAffinity }: ServiceTraits, settings: WithOptions): number {
  return isOn(settings, 'enable-session-affinity') ? sessionAffinity?.timeoutSeconds ?? 0 : 0
}

/** Ranges are kept for every frontend of a service, but only those of a load balancer look at them unless the option says all. */
function checksSourceRanges (type: FrontendType, { sourceRanges }: ServiceTraits, settings: WithOptions): boolean {
  return sourceRanges !== undefined && isOn(settings, 'enable-svc-source-range-check') &&
    (type === 'LoadBalancer' || isOn(settings, 'bpf-lb-source-range-all-types'))
}

function returnsDirectly (protocol: Protocol, { forwardingMode }: ServiceTraits, settings: WithOptions): boolean {
  if (forwardingMode !== undefined && isOn(settings, 'bpf-lb-mode-annotation')) return forwardingMode === 'dsr'
  const mode = chosen(settings, 'bpf-lb-mode')
  return mode === 'dsr' || (mode === 'hybrid' && protocol === 'TCP')
}

/** Slots carry their frontend's flags, those of quarantined backends one more: its bit means "deny" beside a source range check. */
export function slotFlags (ofFrontend: FlagBits, quarantined: boolean): FlagBits {
  if (!quarantined) return ofFrontend
  return (ofFrontend & ~serviceFlags.sourceRange) | serviceFlags2.quarantined << 8
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
