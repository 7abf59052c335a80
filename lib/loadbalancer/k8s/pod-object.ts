// A Kubernetes Pod -> a service for each of its host ports, on the node that the pod runs on: as Cilium makes them for its node's pods.

import { parseAddress, protocols } from '../../maglev/index.ts'
import type { Family, Protocol } from '../../maglev/index.ts'
import { limits } from '../limits.ts'
import { defaultWeight, surrogateAddress } from '../service.ts'
import type { Backend, Frontend, Service } from '../service.ts'
import type { K8sObject } from './documents.ts'
import type { Field } from './fields.ts'

/** @returns why the pod has no services, or what they are */
export function readPod ({ field, namespace, name }: K8sObject): Service[] | string {
  const phase = field.member('status').member('phase').text()
  if (phase === 'Failed' || phase === 'Succeeded') return 'a Pod that has ended has no host ports'
  if (field.member('spec').member('hostNetwork').boolean() === true) return 'a Pod in the network of its node needs no host ports'
  const ports = readHostPorts(field.member('spec'))
  if (ports.length === 0) return 'of a Pod its host ports are taken, and it has none'
  if (phase !== 'Running') return 'a Pod that does not run has no host ports yet'
  const addresses = readPodAddresses(field.member('status'))
  const nodeName = field.member('spec').member('nodeName').text()
  return ports.flatMap(port => {
    const { frontends, loopback } = frontendsOf(port, addresses)
    const suffix = `-host-port-${port.hostPort}-${port.protocol.toLowerCase()}`
    return {
      namespace,
      name: name.slice(0, limits.nameLength - suffix.length) + suffix,
      source: 'k8s',
      frontends,
      backends: addresses.map((address): Backend =>
        ({ address, port: port.containerPort, protocol: port.protocol, weight: defaultWeight, state: 'active', ...(nodeName === undefined ? {} : { nodeName }) })),
      ...(loopback ? { loopbackHostPort: true } : {}),
      ...(nodeName === undefined ? {} : { exposure: { nodeName } })
    }
  })
}

interface HostPort {
  readonly hostPort: number
  readonly containerPort: number
  readonly protocol: Protocol
  readonly hostIp: string | undefined
}

function readHostPorts (spec: Field): HostPort[] {
  const containers = [...spec.member('initContainers').items(), ...spec.member('containers').items()]
  return containers.flatMap(container => container.member('ports').items()).flatMap(item => {
    const host = item.member('hostPort')
    // 0 is how an unset number is written
    const hostPort = host.raw === 0 ? undefined : host.port()
    const containerPort = item.member('containerPort').port()
    if (hostPort === undefined || containerPort === undefined) return []
    return { hostPort, containerPort, protocol: item.member('protocol').oneOf(protocols) ?? 'TCP', hostIp: readHostIp(item.member('hostIP')) }
  })
}

function readHostIp (field: Field): string | undefined {
  const text = field.text()
  if (text === undefined || text === '') return undefined
  const address = parseAddress(text)
  if (address === null) field.wrong(`${JSON.stringify(text.slice(0, 64))} is not an IP address`)
  return address?.text
}

function readPodAddresses (status: Field): string[] {
  const list = status.member('podIPs').items().map(item => item.member('ip'))
  const fields = list.length > 0 ? list : [status.member('podIP')]
  return fields.filter(field => field.present && field.raw !== '').flatMap(field => {
    const text = field.text()
    const address = text === undefined ? null : parseAddress(text)
    if (text !== undefined && address === null) field.wrong(`${JSON.stringify(text.slice(0, 64))} is not an IP address`)
    return address?.text ?? []
  })
}

interface HostPortFrontends {
  readonly frontends: readonly Frontend[]
  readonly loopback: boolean
}

/** Without an address of the host: all of the node's, in the families of the pod. A loopback address: all, from inside the node only. */
function frontendsOf ({ hostPort, protocol, hostIp }: HostPort, podAddresses: readonly string[]): HostPortFrontends {
  const at = (address: string): Frontend => ({ address, port: hostPort, protocol, type: 'HostPort' })
  const family = (address: string): Family => address.includes(':') ? 6 : 4
  if (hostIp === undefined) {
    const families = new Set(podAddresses.map(family))
    return { frontends: ([4, 6] as const).filter(one => families.has(one)).map(one => at(surrogateAddress(one))), loopback: false }
  }
  const loopback = hostIp.startsWith('127.') || hostIp === '::1'
  return { frontends: [at(loopback ? surrogateAddress(family(hostIp)) : hostIp)], loopback }
}
