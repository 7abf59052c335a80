// A Kubernetes EndpointSlice -> backends: every address on every port, with the state that its conditions mean.

import { parseAddress, protocols } from '../../maglev/index.ts'
import type { BackendState, Protocol } from '../../maglev/index.ts'
import { limits } from '../limits.ts'
import { defaultWeight } from '../service.ts'
import type { Backend } from '../service.ts'
import { zoneLabel } from '../settings.ts'
import type { K8sObject } from './documents.ts'
import { describe } from './fields.ts'
import type { Field } from './fields.ts'

export interface SliceObject {
  readonly service: string
  readonly backends: readonly Backend[]
  /** what the object asks for that has no effect, in words */
  readonly ignored: readonly string[]
}

interface SlicePort {
  readonly name: string
  readonly port: number
  readonly protocol: Protocol
}

export const serviceNameLabel = 'kubernetes.io/service-name'

/** @returns why the slice takes no part, or what it says */
export function readSlice ({ field }: K8sObject): SliceObject | string {
  const { weight, ignored } = readWeight(field)
  const service = field.member('metadata').member('labels').member(serviceNameLabel).text()
  if (service === undefined || service === '') return `an EndpointSlice without the label ${serviceNameLabel} belongs to no Service`
  const addressType = field.member('addressType').oneOf(['IPv4', 'IPv6', 'FQDN'])
  if (addressType === undefined) {
    if (!field.member('addressType').present) field.member('addressType').wrong('an EndpointSlice needs an addressType')
    return { service, backends: [], ignored }
  }
  if (addressType === 'FQDN') return 'endpoints that are names cannot be balanced to'
  const endpoints = field.member('endpoints').items()
  if (endpoints.length > limits.endpointsPerSlice) {
    field.member('endpoints').wrong(`${endpoints.length} endpoints are more than the limit of ${limits.endpointsPerSlice}`)
    return { service, backends: [], ignored }
  }
  const ports = readPorts(field.member('ports'))
  return { service, backends: endpoints.flatMap(endpoint => readEndpoint(endpoint, addressType, ports, weight)), ignored }
}

const weightAnnotation = 'service.cilium.io/weight'
const largestWeight = 65_535

/** of all endpoints of the slice; 0 takes them out of load balancing. A value that is none is ignored as Cilium ignores it, and said. */
function readWeight (field: Field): { weight: number, ignored: string[] } {
  const text = field.member('metadata').member('annotations').member(weightAnnotation).text()
  if (text === undefined) return { weight: defaultWeight, ignored: [] }
  if (/^\d{1,5}$/.test(text) && Number(text) <= largestWeight) return { weight: Number(text), ignored: [] }
  const why = `cannot be ${describe(text)}: a weight is an integer from 0 to ${largestWeight}; the endpoints have ${defaultWeight}`
  return { weight: defaultWeight, ignored: [`${weightAnnotation} ${why}`] }
}

function readPorts (field: Field): SlicePort[] {
  return field.items().flatMap(item => {
    const name = item.member('name').text() ?? ''
    const protocol = item.member('protocol').oneOf(protocols) ?? 'TCP'
    // A port without a number stands for all ports, which a load balancer cannot use.
    const port = item.member('port').port()
    return port === undefined ? [] : { name, port, protocol }
  })
}

function readEndpoint (endpoint: Field, addressType: 'IPv4' | 'IPv6', ports: readonly SlicePort[], weight: number): Backend[] {
  const state = stateOf(endpoint.member('conditions'))
  const topology = endpoint.member('deprecatedTopology')
  const nodeName = endpoint.member('nodeName').text() ?? topology.member('kubernetes.io/hostname').text()
  const zone = endpoint.member('zone').text() ?? topology.member(zoneLabel).text()
  const about = {
    weight,
    state,
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(zone === undefined ? {} : { zone, ...readHints(endpoint) })
  }
  return readAddresses(endpoint.member('addresses'), addressType).flatMap(address =>
    ports.map(({ name, port, protocol }) => ({ address, port, protocol, ...about, ...(name === '' ? {} : { portName: name }) })))
}

/** Zones that an endpoint is for; without a zone of its own they do not count. */
function readHints (endpoint: Field): Pick<Backend, 'forZones'> {
  const forZones = endpoint.member('hints').member('forZones').items().flatMap(item => item.member('name').text() ?? [])
  return forZones.length === 0 ? {} : { forZones }
}

function readAddresses (field: Field, addressType: 'IPv4' | 'IPv6'): string[] {
  return field.items().flatMap(item => {
    const text = item.text()
    if (text === undefined) return []
    const address = parseAddress(text)
    if (address !== null && (address.family === 4) === (addressType === 'IPv4')) return address.text
    item.wrong(`${JSON.stringify(text.slice(0, 64))} is not an ${addressType} address`)
    return []
  })
}

/**
 * Ready counts above all. Not ready but terminating: the last resort while it still serves, else only kept for its connections. Neither:
 * kept out of load balancing, with its entry, so that a flapping endpoint keeps its connections.
 */
function stateOf (conditions: Field): BackendState {
  const ready = conditions.member('ready').boolean() ?? true
  const serving = conditions.member('serving').boolean() ?? ready
  const terminating = conditions.member('terminating').boolean() ?? false
  if (ready) return 'active'
  if (terminating) return serving ? 'terminating' : 'terminating-not-serving'
  return 'maintenance'
}
