// What every list of services that Cilium prints comes down to: frontends, each with its backends. Names, states and weights are there
// where the list has them.

import { backendStates, canonicalAddress, protocols } from '../../maglev/index.ts'
import type { BackendState, Protocol } from '../../maglev/index.ts'
import { frontendTypes } from '../service.ts'
import type { FrontendType, Scope } from '../service.ts'
import type { ServiceTraits } from '../traits.ts'

export interface DumpedBackend {
  readonly address: string
  readonly port: number
  /** null: the list does not say; releases before 1.17 know no protocol here */
  readonly protocol: Protocol | null
  readonly state: BackendState
  readonly weight: number
  readonly nodeName?: string
  readonly zone?: string
}

export interface DumpedFrontend {
  /** JSON Pointer into the documents */
  readonly pointer: string
  /** document, and for texts the file and line, in words */
  readonly place: string
  /** revNAT id; null: the list has none */
  readonly id: number | null
  readonly address: string
  readonly port: number
  readonly protocol: Protocol | null
  readonly scope: Scope
  readonly type: FrontendType
  readonly service: { readonly namespace: string, readonly name: string } | null
  readonly backends: readonly DumpedBackend[]
  /** what the list says of its service besides */
  readonly traits: ServiceTraits
  /** of that what is not taken over, or only in part, and why */
  readonly lost: readonly string[]
}

export interface DumpedEndpoint {
  readonly address: string
  readonly port: number
  readonly protocol: Protocol | null
  readonly scope: Scope
}

/** @param text `10.0.0.1:80`, `[fd00::1]:80/TCP`, `10.0.0.1:80/TCP/i`; null: it is none */
export function parseDumpedEndpoint (text: string): DumpedEndpoint | null {
  const match = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([0-9.]{7,15})):(\d{1,5})((?:\/[A-Za-z]{1,6}){0,2})$/.exec(text)
  const address = match === null ? null : canonicalAddress(match[1] ?? match[2] ?? '')
  if (match === null || address === null || address.includes(':') !== (match[1] !== undefined)) return null
  const words = (match[4] ?? '').split('/').slice(1)
  const port = Number(match[3])
  const internal = words.at(-1) === 'i'
  const named = words.filter(word => word !== 'i')
  const protocol = named[0] === undefined ? null : protocolNamed(named[0])
  if (port > 65535 || named.length > 1 || protocol === undefined) return null
  return { address, port, protocol, scope: internal ? 'internal' : 'external' }
}

/** @returns null where Cilium says that it does not tell protocols apart, undefined for none of its words */
export function protocolNamed (word: string): Protocol | null | undefined {
  const upper = word.toUpperCase()
  return upper === 'ANY' || upper === 'NONE' ? null : protocols.find(name => name === upper)
}

export function typeNamed (word: string): FrontendType | undefined {
  return frontendTypes.find(name => name === word)
}

export function stateNamed (word: string): BackendState | undefined {
  return backendStates.find(name => name === word)
}
