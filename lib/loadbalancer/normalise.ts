// A service as someone wrote it -> a Service: canonical addresses, defaults, and every wrong place by its JSON Pointer.

import { backendStates, canonicalAddress, protocols } from '../maglev/index.ts'
import type { BackendState, Protocol } from '../maglev/index.ts'
import { cidrText, parseCidr, rangeKey } from './cidr.ts'
import { done, pointerStep, refuse, refusePlaces } from './errors.ts'
import type { LbPlace, LbResult } from './errors.ts'
import { limits } from './limits.ts'
import { defaultWeight, endpointKey, endpointText, frontendKey, frontendTypes, isSurrogate } from './service.ts'
import type { Backend, Frontend, FrontendType, Scope, Service, Source } from './service.ts'
import { parseSelector } from './label-selector.ts'
import {
  algorithms, forwardingModes, largestAffinityTimeoutSeconds, sourceRangePolicies, trafficDistributions, trafficPolicies, traitsOf
} from './traits.ts'
import type { ServiceTraits, SourceRanges } from './traits.ts'

export interface FrontendInput {
  readonly address: string
  readonly port: number
  readonly protocol: string
  readonly type: string
  readonly portName?: string
  readonly scope?: Scope
}

export interface BackendInput {
  readonly address: string
  readonly port: number
  /** default: the protocol of the service's first frontend */
  readonly protocol?: string
  readonly weight?: number
  readonly state?: string
  readonly portName?: string
  readonly nodeName?: string
  readonly zone?: string
  readonly forZones?: readonly string[]
}

export interface ServiceInput extends ServiceTraits {
  readonly namespace: string
  readonly name: string
  readonly frontends: readonly FrontendInput[]
  readonly backends: readonly BackendInput[]
}

/** RFC 1123 subdomain, as Kubernetes names objects */
const namePattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

export function isObjectName (name: string): boolean {
  return name.length <= limits.nameLength && namePattern.test(name)
}

/** @param at JSON Pointer of the service within the input, '' when it is the whole */
export function normaliseService (input: ServiceInput, source: Source, at = ''): LbResult<Service> {
  const tooMany = overLimit(input, at)
  if (tooMany !== null) return refuse('LIMIT_EXCEEDED', tooMany.detail, { places: [tooMany] })
  const places = new Places()
  for (const member of ['namespace', 'name'] as const) {
    if (!isObjectName(input[member])) places.add(`${at}/${member}`, `${JSON.stringify(input[member])} is not a Kubernetes name`)
  }
  const frontends = input.frontends.map((frontend, index) => normaliseFrontend(frontend, `${at}/frontends${pointerStep(index)}`, places))
  const fallback = frontends[0]?.protocol ?? 'TCP'
  const backends = input.backends.map((backend, index) => normaliseBackend(backend, fallback, `${at}/backends${pointerStep(index)}`, places))
  if (places.list.length === 0) {
    noteDuplicateFrontends(frontends, at, places)
    noteContradictingBackends(backends, at, places)
  }
  const traits = normaliseTraits(input, at, places)
  if (places.list.length > 0) return refusePlaces('INVALID_ARGUMENT', places.list)
  const { namespace, name } = input
  return done({ namespace, name, source, frontends, backends, ...traits })
}

/** canonical, without repetition, in the order given */
export function normaliseNodeAddresses (addresses: readonly string[], at = ''): LbResult<string[]> {
  if (addresses.length > limits.nodeAddresses) {
    return refuse('LIMIT_EXCEEDED', `${addresses.length} node addresses are more than the limit of ${limits.nodeAddresses}`)
  }
  const places = new Places()
  const canonical = addresses.map((address, index) => addressAt(address, `${at}${pointerStep(index)}`, places))
  canonical.forEach((address, index) => {
    if (isSurrogate(address)) places.add(`${at}${pointerStep(index)}`, `${address} is no address of a node`)
  })
  return places.list.length > 0 ? refusePlaces('INVALID_ARGUMENT', places.list) : done([...new Set(canonical)])
}

class Places {
  readonly list: LbPlace[] = []

  add (pointer: string, detail: string): void {
    if (this.list.length < limits.places) this.list.push({ pointer, detail })
  }
}

function overLimit (input: ServiceInput, at: string): LbPlace | null {
  const check = (member: 'frontends' | 'backends', limit: number): LbPlace | null => input[member].length <= limit
    ? null
    : { pointer: `${at}/${member}`, detail: `${input[member].length} ${member} are more than the limit of ${limit} per service` }
  return check('frontends', limits.frontendsPerService) ?? check('backends', limits.backendsPerService)
}

function normaliseFrontend (input: FrontendInput, at: string, places: Places): Frontend {
  const address = addressAt(input.address, `${at}/address`, places)
  const type = oneOf<FrontendType>(frontendTypes, input.type, `${at}/type`, places)
  if (isSurrogate(address) && type !== 'NodePort' && type !== 'HostPort') {
    places.add(`${at}/address`, `${address} is for NodePort and HostPort only`)
  }
  checkPort(input.port, `${at}/port`, places)
  checkLength(input.portName, `${at}/portName`, places)
  return {
    address,
    port: input.port,
    protocol: oneOf<Protocol>(protocols, input.protocol, `${at}/protocol`, places),
    type,
    ...(input.portName === undefined ? {} : { portName: input.portName }),
    ...(input.scope === undefined ? {} : { scope: input.scope })
  }
}

function normaliseBackend (input: BackendInput, fallback: Protocol, at: string, places: Places): Backend {
  const address = addressAt(input.address, `${at}/address`, places)
  if (isSurrogate(address)) places.add(`${at}/address`, `${address} cannot be a backend`)
  checkPort(input.port, `${at}/port`, places)
  const weight = input.weight ?? defaultWeight
  if (!Number.isInteger(weight) || weight < 0 || weight > 65535) places.add(`${at}/weight`, `${weight} is not an integer from 0 to 65535`)
  for (const member of ['portName', 'nodeName', 'zone'] as const) checkLength(input[member], `${at}/${member}`, places)
  return {
    address,
    port: input.port,
    protocol: oneOf<Protocol>(protocols, input.protocol ?? fallback, `${at}/protocol`, places),
    weight,
    state: oneOf<BackendState>(backendStates, input.state ?? 'active', `${at}/state`, places),
    ...(input.portName === undefined ? {} : { portName: input.portName }),
    ...(input.nodeName === undefined ? {} : { nodeName: input.nodeName }),
    ...(input.zone === undefined ? {} : { zone: input.zone }),
    ...(input.forZones === undefined || input.forZones.length === 0 ? {} : { forZones: input.forZones })
  }
}

function normaliseTraits (input: ServiceInput, at: string, places: Places): ServiceTraits {
  const { sessionAffinity, sourceRanges, l7ProxyPort, healthCheckNodePort, exposure } = input
  const among = (member: keyof ServiceTraits, allowed: readonly string[]): void => {
    const value = input[member]
    if (value !== undefined) oneOf(allowed, String(value), `${at}/${member}`, places)
  }
  among('externalTrafficPolicy', trafficPolicies)
  among('internalTrafficPolicy', trafficPolicies)
  among('algorithm', algorithms)
  among('forwardingMode', forwardingModes)
  among('proxyDelegation', ['delegate-if-local'])
  among('trafficDistribution', trafficDistributions)
  if (l7ProxyPort !== undefined) checkPort(l7ProxyPort, `${at}/l7ProxyPort`, places)
  if (healthCheckNodePort !== undefined) checkPort(healthCheckNodePort, `${at}/healthCheckNodePort`, places)
  if (sessionAffinity !== undefined) {
    const { timeoutSeconds } = sessionAffinity
    if (!Number.isInteger(timeoutSeconds) || timeoutSeconds < 1 || timeoutSeconds > largestAffinityTimeoutSeconds) {
      places.add(`${at}/sessionAffinity/timeoutSeconds`, `${timeoutSeconds} is not an integer from 1 to ${largestAffinityTimeoutSeconds}`)
    }
    // Both would be the first word of the frontend's entry.
    if (l7ProxyPort !== undefined) places.add(`${at}/l7ProxyPort`, 'a service with session affinity cannot go to a proxy')
  }
  if (exposure?.nodeSelector !== undefined && parseSelector(exposure.nodeSelector) === null) {
    places.add(`${at}/exposure/nodeSelector`, `${JSON.stringify(exposure.nodeSelector.slice(0, 64))} is no label selector`)
  }
  const ranges = sourceRanges === undefined ? undefined : normaliseRanges(sourceRanges, `${at}/sourceRanges`, places)
  const { sourceRanges: _, ...others } = input
  return traitsOf(ranges === undefined || ranges.cidrs.length === 0 ? others : { ...others, sourceRanges: ranges })
}

/** A range that is listed twice is one. */
function normaliseRanges (input: SourceRanges, at: string, places: Places): SourceRanges {
  if (input.cidrs.length > limits.sourceRangesPerService) {
    places.add(`${at}/cidrs`, `${input.cidrs.length} ranges are more than the limit of ${limits.sourceRangesPerService} per service`)
    return input
  }
  const cidrs = new Map<string, string>()
  input.cidrs.forEach((text, index) => {
    const cidr = parseCidr(text)
    if (cidr === null) places.add(`${at}/cidrs${pointerStep(index)}`, `${JSON.stringify(text.slice(0, 64))} is no range of addresses such as 198.51.100.0/24`)
    else cidrs.set(rangeKey(cidr), cidrText(cidr))
  })
  oneOf(sourceRangePolicies, input.policy, `${at}/policy`, places)
  return { cidrs: [...cidrs.values()], policy: input.policy }
}

function noteDuplicateFrontends (frontends: readonly Frontend[], at: string, places: Places): void {
  const seen = new Map<string, number>()
  frontends.forEach((frontend, index) => {
    const key = frontendKey(frontend)
    const first = seen.get(key)
    if (first === undefined) seen.set(key, index)
    else places.add(`${at}/frontends${pointerStep(index)}`, `${endpointText(frontend)} stands at /frontends/${first} already`)
  })
}

/** one backend may be listed for several port names, but it has one weight and one state */
function noteContradictingBackends (backends: readonly Backend[], at: string, places: Places): void {
  const seen = new Map<string, { backend: Backend, index: number, portNames: Set<string | undefined> }>()
  backends.forEach((backend, index) => {
    const key = endpointKey(backend)
    const first = seen.get(key)
    const pointer = `${at}/backends${pointerStep(index)}`
    if (first === undefined) seen.set(key, { backend, index, portNames: new Set([backend.portName]) })
    else if (first.portNames.has(backend.portName)) places.add(pointer, `${endpointText(backend)} stands at /backends/${first.index} already`)
    else if (first.backend.weight !== backend.weight || first.backend.state !== backend.state) {
      places.add(pointer, `${endpointText(backend)} has another weight or state at /backends/${first.index}`)
    } else first.portNames.add(backend.portName)
  })
}

/** @returns '' where it noted that the text is no address */
function addressAt (text: string, pointer: string, places: Places): string {
  const address = canonicalAddress(text)
  if (address === null) places.add(pointer, `${JSON.stringify(text.slice(0, 64))} is not an IP address`)
  return address ?? ''
}

function checkPort (port: number, pointer: string, places: Places): void {
  if (!Number.isInteger(port) || port < 1 || port > 65535) places.add(pointer, `${port} is not a port from 1 to 65535`)
}

function checkLength (text: string | undefined, pointer: string, places: Places): void {
  if (text !== undefined && text.length > limits.portNameLength) places.add(pointer, `longer than ${limits.portNameLength} characters`)
}

function oneOf<T extends string> (allowed: readonly T[], value: string, pointer: string, places: Places): T {
  const found = allowed.find(one => one === value)
  if (found === undefined) places.add(pointer, `${JSON.stringify(value)} is not one of ${allowed.join(', ')}`)
  return found ?? allowed[0] as T
}
