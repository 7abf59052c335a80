// What a Kubernetes Service asks for beyond addresses and ports: members of its spec, and annotations under Cilium's names. An annotation
// whose value Cilium would not take is ignored as Cilium ignores it, and said.

import { cidrText, parseCidr, rangeKey } from '../cidr.ts'
import { parseSelector } from '../label-selector.ts'
import {
  algorithms, defaultAffinityTimeoutSeconds, largestAffinityTimeoutSeconds, trafficPolicies, traitsOf
} from '../traits.ts'
import type { Exposure, ServiceTraits, SourceRanges, TrafficDistribution } from '../traits.ts'
import type { Field } from './fields.ts'

/** types of frontends that the annotation `service.cilium.io/type` leaves */
export type ExposedType = 'ClusterIP' | 'NodePort' | 'LoadBalancer'

export interface ReadTraits {
  readonly traits: ServiceTraits
  /** null: all */
  readonly exposedType: ExposedType | null
  /** what the object says that has no effect, in words */
  readonly ignored: readonly string[]
}

const prefix = 'service.cilium.io/'
const exposedTypes: readonly ExposedType[] = ['ClusterIP', 'NodePort', 'LoadBalancer']
/** read by Cilium where there is more than this cluster, or by its proxy */
const elsewhere = new Set(['global', 'shared', 'affinity', 'global-sync-endpoint-slices', 'lb-l7', 'lb-l7-algorithm'])

export function readTraits (field: Field): ReadTraits {
  const spec = field.member('spec')
  const annotations = new Annotations(field.member('metadata').member('annotations'))
  const externalTrafficPolicy = spec.member('externalTrafficPolicy').oneOf(trafficPolicies)
  const internalTrafficPolicy = spec.member('internalTrafficPolicy').oneOf(trafficPolicies)
  const traits: { -readonly [K in keyof ServiceTraits]: ServiceTraits[K] | undefined } = {
    loadBalancerClass: spec.member('loadBalancerClass').text(),
    ...readAffinity(spec),
    // Cluster is what is meant where nothing is said.
    externalTrafficPolicy: externalTrafficPolicy === 'Local' ? 'Local' : undefined,
    internalTrafficPolicy: internalTrafficPolicy === 'Local' ? 'Local' : undefined,
    sourceRanges: readSourceRanges(spec.member('loadBalancerSourceRanges'), annotations),
    algorithm: annotations.oneOf('lb-algorithm', algorithms),
    forwardingMode: annotations.read('forwarding-mode', text => forwardingModeOf(text.toLowerCase())),
    proxyDelegation: annotations.read('proxy-delegation', text => delegationOf(text.toLowerCase())) === 'delegate-if-local' ? 'delegate-if-local' : undefined,
    trafficDistribution: internalTrafficPolicy === 'Local' ? undefined : readDistribution(spec, annotations),
    healthCheckNodePort: spec.member('healthCheckNodePort').raw === 0 ? undefined : spec.member('healthCheckNodePort').port(),
    exposure: readExposure(annotations)
  }
  const exposedType = annotations.oneOf('type', exposedTypes) ?? null
  for (const name of annotations.names()) {
    if (elsewhere.has(name)) annotations.ignore(name, 'has no effect in one cluster without a proxy')
    else if (!annotations.isRead(name)) annotations.ignore(name, 'is no annotation of a service')
  }
  return { traits: traitsOf(traits as ServiceTraits), exposedType, ignored: annotations.ignored }
}

/** The same service, but that an algorithm is read only when a service is made. @param known the service as it was, if it was there */
export function keepAlgorithm (traits: ServiceTraits, known: ServiceTraits | undefined): ServiceTraits {
  if (known === undefined || known.algorithm === traits.algorithm) return traits
  const { algorithm, ...others } = traits
  return traitsOf(known.algorithm === undefined ? others : { ...others, algorithm: known.algorithm })
}

/** The annotations of Cilium's services by the rest of their names. */
class Annotations {
  readonly ignored: string[] = []
  readonly #field: Field
  readonly #read = new Set<string>()

  constructor (field: Field) {
    this.#field = field
  }

  names (): string[] {
    return this.#field.members().flatMap(([name]) => name.startsWith(prefix) ? [name.slice(prefix.length)] : [])
  }

  isRead (name: string): boolean {
    return this.#read.has(name)
  }

  text (name: string): string | undefined {
    this.#read.add(name)
    return this.#field.member(prefix + name).text()
  }

  /** @param name of any annotation */
  other (name: string): string | undefined {
    return this.#field.member(name).text()
  }

  /** @param meaning undefined: none */
  read<T> (name: string, meaning: (text: string) => T | undefined): T | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const value = meaning(text)
    if (value === undefined) this.ignore(name, `cannot be ${JSON.stringify(text.slice(0, 64))}`)
    return value
  }

  oneOf<T extends string> (name: string, allowed: readonly T[]): T | undefined {
    return this.read(name, text => allowed.find(one => one === text))
  }

  ignore (name: string, why: string): void {
    this.ignored.push(`${prefix}${name} ${why}`)
  }
}

function readAffinity (spec: Field): Pick<ServiceTraits, 'sessionAffinity'> {
  const affinity = spec.member('sessionAffinity').oneOf(['None', 'ClientIP'])
  if (affinity !== 'ClientIP') return {}
  const timeout = spec.member('sessionAffinityConfig').member('clientIP').member('timeoutSeconds')
  // 0 is how an unset number is written
  const timeoutSeconds = timeout.raw === 0 ? undefined : timeout.integer(1, largestAffinityTimeoutSeconds)
  return { sessionAffinity: { timeoutSeconds: timeoutSeconds ?? defaultAffinityTimeoutSeconds } }
}

function readSourceRanges (field: Field, annotations: Annotations): SourceRanges | undefined {
  const policy = annotations.read('src-ranges-policy', text => policyOf(text.toLowerCase())) ?? 'allow'
  const cidrs = new Map<string, string>()
  for (const item of field.items()) {
    const text = item.text()
    if (text === undefined) continue
    const cidr = parseCidr(text)
    if (cidr === null) item.wrong(`${JSON.stringify(text.slice(0, 64))} is no range of addresses such as 198.51.100.0/24`)
    else cidrs.set(rangeKey(cidr), cidrText(cidr))
  }
  return cidrs.size === 0 ? undefined : { cidrs: [...cidrs.values()], policy }
}

const policyOf = (text: string): SourceRanges['policy'] | undefined => text === 'allow' || text === 'deny' ? text : undefined

/** hybrid is direct return for TCP as a node's mode; a service that says it gets none */
const forwardingModeOf = (text: string): 'snat' | 'dsr' | undefined => text === 'dsr' ? 'dsr' : text === 'snat' || text === 'hybrid' ? 'snat' : undefined

const delegationOf = (text: string): 'delegate-if-local' | 'none' | undefined => text === 'delegate-if-local' || text === 'none' ? text : undefined

/** Of hints by annotation the old name goes first; both ask for the zones that endpoints are for. */
function readDistribution (spec: Field, annotations: Annotations): TrafficDistribution | undefined {
  const hints = annotations.other('service.kubernetes.io/topology-aware-hints') ?? annotations.other('service.kubernetes.io/topology-mode') ?? ''
  if (!['', 'disabled', 'Disabled'].includes(hints)) return 'PreferClose'
  return spec.member('trafficDistribution').oneOf(['PreferClose', 'PreferSameZone', 'PreferSameNode'])
}

function readExposure (annotations: Annotations): Exposure | undefined {
  const nodeSelector = annotations.read('node-selector', text => parseSelector(text) === null ? undefined : text)
  const node = annotations.text('node')
  if (nodeSelector === undefined && node === undefined) return undefined
  return { ...(node === undefined ? {} : { node }), ...(nodeSelector === undefined ? {} : { nodeSelector }) }
}
