// What a service asks for beyond frontends and backends, as its object says it: read from Kubernetes or given through our own interface.
// Which of it has effect on a node is decided by the node's options (flags.ts, rules.ts, select.ts).

export const trafficPolicies = ['Cluster', 'Local'] as const
export type TrafficPolicy = typeof trafficPolicies[number]

export const algorithms = ['random', 'maglev'] as const
export type Algorithm = typeof algorithms[number]

export const forwardingModes = ['snat', 'dsr'] as const
export type ForwardingMode = typeof forwardingModes[number]

/** PreferClose and PreferSameZone go by the zones that endpoints are for, PreferSameNode by the node they run on */
export const trafficDistributions = ['PreferClose', 'PreferSameZone', 'PreferSameNode'] as const
export type TrafficDistribution = typeof trafficDistributions[number]

export const sourceRangePolicies = ['allow', 'deny'] as const

export interface SessionAffinity {
  readonly timeoutSeconds: number
}

export interface SourceRanges {
  /** as written, e.g. `198.51.100.0/24`; those of a frontend's own family are its own */
  readonly cidrs: readonly string[]
  /** whether only these clients are let through, or all others */
  readonly policy: typeof sourceRangePolicies[number]
}

/** Nodes on which the service is; all that is said must hold. */
export interface Exposure {
  /** value of the node's own label `service.cilium.io/node`; a nodeSelector goes before it */
  readonly node?: string
  /** Kubernetes' label selector over the node's labels */
  readonly nodeSelector?: string
  /** just that node, as a pod's host ports are on the node of the pod */
  readonly nodeName?: string
}

export interface ServiceTraits {
  /** Kubernetes' loadBalancerClass: a class that Cilium does not manage gets no wildcard entries */
  readonly loadBalancerClass?: string
  readonly sessionAffinity?: SessionAffinity
  /** Cluster unless said, both */
  readonly externalTrafficPolicy?: TrafficPolicy
  readonly internalTrafficPolicy?: TrafficPolicy
  readonly sourceRanges?: SourceRanges
  /** its own, where the node reads the annotation; the node's else */
  readonly algorithm?: Algorithm
  readonly forwardingMode?: ForwardingMode
  /** the node's own proxy takes the packets where the backend is local */
  readonly proxyDelegation?: 'delegate-if-local'
  /** packets go to the proxy behind this port of the node instead of a backend */
  readonly l7ProxyPort?: number
  readonly trafficDistribution?: TrafficDistribution
  /** port at which a node answers whether it has a backend of its own */
  readonly healthCheckNodePort?: number
  /** host ports that only the node itself reaches */
  readonly loopbackHostPort?: true
  readonly exposure?: Exposure
}

/** Kubernetes' own default and limit of an affinity's timeout */
export const defaultAffinityTimeoutSeconds = 10_800
export const largestAffinityTimeoutSeconds = 86_400

const traitNames = [
  'loadBalancerClass', 'sessionAffinity', 'externalTrafficPolicy', 'internalTrafficPolicy', 'sourceRanges', 'algorithm', 'forwardingMode',
  'proxyDelegation', 'l7ProxyPort', 'trafficDistribution', 'healthCheckNodePort', 'loopbackHostPort', 'exposure'
] as const satisfies readonly (keyof ServiceTraits)[]

/** Of an object that has more, just these; always in the same order, so that equal ones are equal as JSON. */
export function traitsOf (source: ServiceTraits): ServiceTraits {
  return Object.fromEntries(traitNames.flatMap(name => source[name] === undefined ? [] : [[name, source[name]]]))
}

/** lookups from inside the node find other backends than those from outside: NodePort and LoadBalancer frontends stand there twice */
export function hasTwoScopes ({ externalTrafficPolicy, internalTrafficPolicy }: ServiceTraits): boolean {
  return (externalTrafficPolicy === 'Local') !== (internalTrafficPolicy === 'Local')
}
