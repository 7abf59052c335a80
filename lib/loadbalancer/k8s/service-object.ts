// A Kubernetes Service -> the frontends Cilium makes of it: cluster addresses, node ports per family, load balancer and external addresses.

import { parseAddress, protocols } from '../../maglev/index.ts'
import type { Family, Protocol } from '../../maglev/index.ts'
import { frontendKey, surrogateAddress } from '../service.ts'
import type { Frontend, FrontendKey, FrontendType } from '../service.ts'
import type { ServiceTraits } from '../traits.ts'
import type { K8sObject } from './documents.ts'
import { describe } from './fields.ts'
import type { Field } from './fields.ts'
import { readTraits } from './service-traits.ts'
import type { ExposedType } from './service-traits.ts'

export interface ServiceObject {
  readonly frontends: readonly Frontend[]
  readonly traits: ServiceTraits
  /** what the object asks for that has no effect, in words */
  readonly ignored: readonly string[]
  /** why it has no frontends at all, if so */
  readonly skip: string | null
}

interface ServicePort {
  readonly name: string
  readonly port: number
  readonly nodePort: number | undefined
  readonly protocol: Protocol
}

const serviceTypes = ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'] as const
const headlessLabel = 'service.kubernetes.io/headless'

export function readService ({ field }: K8sObject): ServiceObject {
  const spec = field.member('spec')
  const type = spec.member('type').oneOf(serviceTypes) ?? 'ClusterIP'
  const ports = readPorts(spec.member('ports'))
  const clusterIps = readAddresses(clusterIpFields(spec))
  const { traits, exposedType, ignored } = readTraits(field)
  const isExposed = (kind: ExposedType): boolean => exposedType === null || exposedType === kind
  const skip = whySkip(field, type)
  const frontends = new Map<FrontendKey, Frontend>()
  // A later kind of frontend on the same address and port replaces an earlier one.
  const add = (kind: FrontendType, address: string, port: number, { name, protocol }: ServicePort): void => {
    const frontend: Frontend = { address, port, protocol, type: kind, ...(name === '' ? {} : { portName: name }) }
    frontends.set(frontendKey(frontend), frontend)
  }
  const onEach = (kind: FrontendType, addresses: readonly string[]): void => {
    for (const address of addresses) for (const port of ports) add(kind, address, port.port, port)
  }
  if (isExposed('ClusterIP')) onEach('ClusterIP', clusterIps)
  if ((type === 'NodePort' || type === 'LoadBalancer') && isExposed('NodePort')) {
    for (const family of readFamilies(spec, clusterIps)) {
      for (const port of ports) if (port.nodePort !== undefined) add('NodePort', surrogateAddress(family), port.nodePort, port)
    }
  }
  if (type === 'LoadBalancer' && isExposed('LoadBalancer')) onEach('LoadBalancer', readAddresses(ingressFields(field)))
  onEach('ExternalIPs', readAddresses(spec.member('externalIPs').items()))
  return {
    frontends: skip === null ? [...frontends.values()] : [],
    traits,
    ignored: [...ignored, ...unsplit(ports), ...unlikeAddresses(spec)],
    skip
  }
}

/** The API server refuses such a Service, Cilium takes the list. */
function unlikeAddresses (spec: Field): string[] {
  const [one, first] = [spec.member('clusterIP'), spec.member('clusterIPs').items()[0]]
  if (!one.present || one.raw === '' || first === undefined || one.raw === first.raw) return []
  return [`/spec/clusterIP: ${describe(one.raw)} is not the first of clusterIPs, ${describe(first.raw)}, which are taken`]
}

/** The API server refuses such a Service, Cilium takes it. */
function unsplit (ports: readonly ServicePort[]): string[] {
  const unnamed = ports.length < 2 ? -1 : ports.findIndex(({ name }) => name === '')
  return unnamed < 0 ? [] : [`that there are several ports: /spec/ports/${unnamed} has no name, and gets the endpoints of all of them`]
}

/** Where a Service says a frontend that was read from it, as JSON Pointer: the address, or the node port. */
export function placeOfFrontend ({ field }: K8sObject, { type, address, port, protocol }: Frontend): string {
  const spec = field.member('spec')
  if (type === 'NodePort') {
    const ports = spec.member('ports').items().filter(item => (item.member('protocol').raw ?? 'TCP') === protocol)
    return ports.map(item => item.member('nodePort')).find(({ raw }) => raw === port)?.pointer ?? field.pointer
  }
  const said = type === 'ClusterIP' ? clusterIpFields(spec) : type === 'LoadBalancer' ? ingressFields(field) : spec.member('externalIPs').items()
  return said.find(({ raw }) => typeof raw === 'string' && parseAddress(raw)?.text === address)?.pointer ?? field.pointer
}

function whySkip (field: Field, type: typeof serviceTypes[number]): string | null {
  if (type === 'ExternalName') return 'a Service of type ExternalName is a name, not a load balancer'
  const clusterIp = field.member('spec').member('clusterIP').text()
  const labelled = field.member('metadata').member('labels').member(headlessLabel).present
  if (labelled || clusterIp?.toLowerCase() === 'none') return 'a headless Service has no frontends'
  if (field.member('spec').member('ports').isEmpty) return 'a Service without ports has no frontends'
  return null
}

function readPorts (field: Field): ServicePort[] {
  const items = field.items()
  const ports = items.flatMap(item => {
    const port = item.member('port').port()
    if (port === undefined) {
      if (!item.member('port').present) item.member('port').wrong('a Service port needs a number')
      return []
    }
    const nodePort = item.member('nodePort')
    return {
      field: item,
      name: item.member('name').text() ?? '',
      port,
      // 0 is how an unset number is written
      nodePort: nodePort.raw === 0 ? undefined : nodePort.port(),
      protocol: item.member('protocol').oneOf(protocols) ?? 'TCP'
    }
  })
  refuseAlike(ports)
  return ports
}

/** As the API server does: one of two equal ports would take the place of the other. */
function refuseAlike (ports: ReadonlyArray<ServicePort & { readonly field: Field }>): void {
  const taken = new Map<string, Field>()
  const claim = (what: string, field: Field): void => {
    const first = taken.get(what)
    if (first === undefined) taken.set(what, field)
    else field.wrong(`${what} stands at ${specPointer(first)} already`)
  }
  for (const { field, name, port, nodePort, protocol } of ports) {
    claim(`port ${port}/${protocol}`, field)
    if (nodePort !== undefined) claim(`nodePort ${nodePort}/${protocol}`, field.member('nodePort'))
    if (name !== '') claim(`the name ${describe(name)}`, field.member('name'))
  }
}

/** within its object */
const specPointer = ({ pointer }: Field): string => pointer.slice(pointer.indexOf('/spec/'))

/** '' is an address that is still to be given */
function clusterIpFields (spec: Field): Field[] {
  const list = spec.member('clusterIPs')
  const fields = list.present && list.items().length > 0 ? list.items() : [spec.member('clusterIP')]
  return fields.filter(field => field.present && field.raw !== '' && String(field.raw).toLowerCase() !== 'none')
}

function readAddresses (fields: readonly Field[]): string[] {
  return fields.flatMap(field => {
    const text = field.text()
    const address = text === undefined ? null : parseAddress(text)
    if (text !== undefined && address === null) field.wrong(`${JSON.stringify(text.slice(0, 64))} is not an IP address`)
    return address?.text ?? []
  })
}

/** addresses that the load balancer keeps for itself; mode Proxy means that packets arrive with another destination */
function ingressFields (field: Field): Field[] {
  const ingress = field.member('status').member('loadBalancer').member('ingress').items()
  const own = ingress.filter(item => (item.member('ipMode').text() ?? 'VIP') === 'VIP').map(item => item.member('ip'))
  return own.filter(ip => ip.present && ip.raw !== '')
}

function readFamilies (spec: Field, clusterIps: readonly string[]): Family[] {
  const stated = spec.member('ipFamilies').items().flatMap(item => item.oneOf(['IPv4', 'IPv6']) ?? [])
  if (stated.length > 0) return stated.map(family => family === 'IPv4' ? 4 : 6)
  return [...new Set(clusterIps.map(address => address.includes(':') ? 6 : 4))]
}
