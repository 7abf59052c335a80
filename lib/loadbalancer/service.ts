// The nouns of the desired state: service, frontend, backend. Addresses are canonical text; keys identify a frontend or a backend and give
// the order in which Cilium walks them: 16-byte address (IPv4 mapped), port, protocol by its first letter, scope.

import { mappedBytes, parseAddress } from '../maglev/index.ts'
import type { BackendState, Family, Protocol } from '../maglev/index.ts'
import { hasTwoScopes } from './traits.ts'
import type { ServiceTraits } from './traits.ts'

export const frontendTypes = ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalIPs', 'HostPort'] as const

export type FrontendType = typeof frontendTypes[number]

/** lookups from outside the node, or from inside where a traffic policy makes the two differ */
export type Scope = 'external' | 'internal'

/** who owns a service: this interface, Kubernetes objects, or a list that Cilium printed */
export type Source = 'api' | 'k8s' | 'dump'

export interface Frontend {
  readonly address: string
  readonly port: number
  readonly protocol: Protocol
  readonly type: FrontendType
  readonly portName?: string
  readonly scope?: Scope
}

export interface Backend {
  readonly address: string
  readonly port: number
  readonly protocol: Protocol
  /** u16; 0 is maintenance */
  readonly weight: number
  readonly state: BackendState
  readonly portName?: string
  readonly nodeName?: string
  readonly zone?: string
  /** zones whose clients it is meant for */
  readonly forZones?: readonly string[]
}

export interface Service extends ServiceTraits {
  readonly namespace: string
  readonly name: string
  readonly source: Source
  readonly frontends: readonly Frontend[]
  readonly backends: readonly Backend[]
}

export const defaultWeight = 100

/** `namespace/name`; neither part can hold a slash */
export type ServiceKey = string

/** sorts as Cilium orders frontends; identifies one */
export type FrontendKey = string

export function serviceKey (service: { readonly namespace: string, readonly name: string }): ServiceKey {
  return `${service.namespace}/${service.name}`
}

export function namesOf (key: ServiceKey): { namespace: string, name: string } {
  const [namespace = '', name = ''] = key.split('/')
  return { namespace, name }
}

export function frontendKey (frontend: Pick<Frontend, 'address' | 'port' | 'protocol' | 'scope'>): FrontendKey {
  return `${endpointKey(frontend)}${frontend.scope === 'internal' ? 'i' : ''}`
}

/** identifies a frontend of the desired state: that of a service which is on one node only has the node's name behind an `@` */
export type DesiredKey = string

export function desiredKey (key: FrontendKey, { exposure }: ServiceTraits): DesiredKey {
  return exposure?.nodeName === undefined ? key : `${key}@${exposure.nodeName}`
}

/** addresses are keyed by their 16 bytes, ports by their two, in hex */
const protocolAt = 2 * (16 + 2)

/**
 * The keys that differ from this one in the protocol alone, itself included. Where a node's keys have no protocol they are one frontend,
 * known by the first of them.
 */
export function keysOfAllProtocols<Key extends FrontendKey | DesiredKey> (key: Key): readonly [Key, ...Key[]] {
  const of = (protocol: Protocol): Key => `${key.slice(0, protocolAt)}${protocol.charAt(0)}${key.slice(protocolAt + 1)}` as Key
  return [of('TCP'), of('UDP'), of('SCTP')]
}

export function frontendKeyOf (key: DesiredKey): FrontendKey {
  return key.split('@', 1)[0] ?? key
}

/** All frontends that a service has: those that are reached from outside and inside by different rules stand there once for each. */
export function scopedFrontends ({ frontends, ...traits }: Pick<Service, 'frontends'> & ServiceTraits): readonly Frontend[] {
  if (!hasTwoScopes(traits)) return frontends
  const inside = new Map<FrontendKey, Frontend>()
  for (const frontend of frontends) {
    if (frontend.type !== 'NodePort' && frontend.type !== 'LoadBalancer') continue
    const twin: Frontend = { ...frontend, scope: 'internal' }
    inside.set(frontendKey(twin), twin)
  }
  for (const frontend of frontends) inside.delete(frontendKey(frontend))
  return [...frontends, ...inside.values()]
}

/** identifies a backend on a node: services that share it share its id */
export function endpointKey (endpoint: { readonly address: string, readonly port: number, readonly protocol: Protocol }): string {
  return `${addressOrder(endpoint.address)}${endpoint.port.toString(16).padStart(4, '0')}${endpoint.protocol.charAt(0)}`
}

export function familyOf (address: string): Family {
  return address.includes(':') ? 6 : 4
}

export function surrogateAddress (family: Family): string {
  return family === 4 ? '0.0.0.0' : '::'
}

export function isSurrogate (address: string): boolean {
  return address === '0.0.0.0' || address === '::'
}

/** for people: `10.0.0.1:80/TCP`, `[fd00::1]:80/TCP` */
export function endpointText (endpoint: { readonly address: string, readonly port: number, readonly protocol: Protocol }): string {
  return `${hostPortText(endpoint.address, endpoint.port)}/${endpoint.protocol}`
}

export function hostPortText (address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

/** a frontend that stands for the same port of every node address; one with an address of its own is just that address */
export function expandsToNodeAddresses (frontend: Pick<Frontend, 'address' | 'type'>): boolean {
  return (frontend.type === 'NodePort' || frontend.type === 'HostPort') && isSurrogate(frontend.address)
}

const orders = new Map<string, string>()
const rememberedOrders = 200_000

/** the mapped bytes as hex, remembered: a cluster asks for the same addresses over and over */
function addressOrder (address: string): string {
  const known = orders.get(address)
  if (known !== undefined) return known
  const parsed = parseAddress(address)
  if (parsed === null) throw new TypeError(`${address} is no canonical address`)
  const order = Array.from(mappedBytes(parsed), byte => byte.toString(16).padStart(2, '0')).join('')
  if (orders.size >= rememberedOrders) orders.clear()
  orders.set(address, order)
  return order
}
