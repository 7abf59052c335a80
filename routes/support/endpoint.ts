// Addresses with ports as text, as Cilium and bpftool print them: `10.244.1.7:8443/TCP`, `[2001:db8::1]:443/UDP`; and a flow as two
// of them, `203.0.113.7:51022,172.20.0.10:443/tcp`.

import { canonicalAddress } from '../../lib/maglev/index.ts'
import type { FlowSpec, Protocol } from '../../lib/sim/types.ts'

export interface Endpoint {
  readonly address: string
  readonly port: number
}

const withPort = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([0-9.]{7,15})):(\d{1,5})$/
const protocols: ReadonlySet<string> = new Set(['TCP', 'UDP', 'SCTP'])

/** null: it is none. */
export function parseEndpoint (text: string): Endpoint | null {
  const match = withPort.exec(text)
  if (match === null) return null
  const address = canonicalAddress(match[1] ?? match[2] ?? '')
  const port = Number(match[3])
  const familyFits = address !== null && address.includes(':') === (match[1] !== undefined)
  return familyFits && port <= 65_535 ? { address, port } : null
}

/** `address:port/protocol`; null: it is none. */
export function parseService (text: string): (Endpoint & { readonly protocol: Protocol }) | null {
  const [, before, name] = /^(.*)\/([a-zA-Z]{3,4})$/.exec(text) ?? []
  const endpoint = before === undefined ? null : parseEndpoint(before)
  const protocol = name?.toUpperCase() ?? ''
  return endpoint === null || !protocols.has(protocol) ? null : { ...endpoint, protocol: protocol as Protocol }
}

export function parseFlow (text: string): FlowSpec | null {
  const [from, to, ...more] = text.split(',')
  const source = parseEndpoint(from ?? '')
  const destination = parseService(to ?? '')
  if (source === null || destination === null || more.length > 0) return null
  return {
    source: source.address,
    sourcePort: source.port,
    destination: destination.address,
    destinationPort: destination.port,
    protocol: destination.protocol
  }
}

export function formatService ({ address, port, protocol }: Endpoint & { readonly protocol: Protocol }): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}/${protocol}`
}
