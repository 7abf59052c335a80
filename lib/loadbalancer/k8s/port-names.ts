// Ports of a Service whose name no endpoint has, in the protocol and the family of the frontend: Kubernetes and Cilium take them without a
// word, and their frontends stay without backends.

import { protocols } from '../../maglev/index.ts'
import type { Family, Protocol } from '../../maglev/index.ts'
import { familyOf } from '../service.ts'
import type { Backend, Frontend } from '../service.ts'
import type { K8sObject } from './documents.ts'

export interface UnmatchedPort {
  /** JSON Pointer into the Service; null: of a Service that is not at hand */
  readonly field: string | null
  readonly detail: string
}

/** @param object the Service, or the slice that changed it. @returns by port */
export function unmatchedPorts (frontends: readonly Frontend[], backends: readonly Backend[], object: K8sObject): UnmatchedPort[] {
  const offered = new OfferedPorts(backends)
  const unmatched = new Map<string, Frontend[]>()
  for (const frontend of frontends) {
    const { portName } = frontend
    if (portName === undefined || !offered.lacks(frontend)) continue
    unmatched.set(portName, [...unmatched.get(portName) ?? [], frontend])
  }
  return [...unmatched].map(([name, lacking]) => ({ field: fieldOf(name, object), detail: detailOf(name, lacking, offered) }))
}

/** What endpoints offer. Without a name a port of the Service takes every endpoint, and a port of an endpoint serves every port. */
export class OfferedPorts {
  /** name, '' where there is none -> bits of the protocols and families that it is offered in */
  readonly #bitsOf = new Map<string, number>()
  #families = 0

  constructor (backends: readonly Backend[]) {
    for (const { address, protocol, portName = '' } of backends) {
      const family = familyOf(address)
      this.#bitsOf.set(portName, (this.#bitsOf.get(portName) ?? 0) | bitOf(protocol, family))
      this.#families |= familyBit(family)
    }
  }

  /** Before there are endpoints of its family, as when slices are still to come, a frontend lacks none. */
  lacks ({ address, protocol, portName }: Pick<Frontend, 'address' | 'protocol' | 'portName'>): boolean {
    const family = familyOf(address)
    if (portName === undefined || (this.#families & familyBit(family)) === 0) return false
    return (this.#bits(portName) & bitOf(protocol, family)) === 0
  }

  /** in any family */
  has (name: string, protocol: Protocol): boolean {
    return (this.#bits(name) & (bitOf(protocol, 4) | bitOf(protocol, 6))) !== 0
  }

  /** protocols of that name, in any family */
  protocolsOf (name: string): Protocol[] {
    return protocols.filter((protocol) => this.has(name, protocol))
  }

  names (): string[] {
    return [...this.#bitsOf.keys()].filter((name) => name !== '')
  }

  #bits (name: string): number {
    return (this.#bitsOf.get(name) ?? 0) | (this.#bitsOf.get('') ?? 0)
  }
}

const familyBit = (family: Family): number => family === 4 ? 1 : 2

const bitOf = (protocol: Protocol, family: Family): number => familyBit(family) << (2 * protocols.indexOf(protocol))

/** @param lacking frontends of the port that is named so, all of one protocol */
function detailOf (name: string, lacking: readonly Frontend[], offered: OfferedPorts): string {
  const port = `port named ${JSON.stringify(name)}`
  const [{ address, protocol }] = lacking as [Frontend]
  const others = offered.protocolsOf(name).join(', ')
  if (offered.has(name, protocol)) return `no IPv${familyOf(address)} endpoint has a ${protocol} ${port}, so its IPv${familyOf(address)} frontends have no backends`
  if (others !== '') return `no endpoint has a ${protocol} ${port} (they have it in ${others}), so its frontends have no backends`
  const names = offered.names().map((one) => JSON.stringify(one)).join(', ')
  return `no endpoint has a ${port} (they have ${names}), so its frontends have no backends`
}

function fieldOf (name: string, { kind, field }: K8sObject): string | null {
  if (kind !== 'Service') return null
  const ports = field.member('spec').member('ports').items()
  return `/spec/ports/${ports.findIndex((port) => port.member('name').raw === name)}/name`
}
