// A flow as people write it: 203.0.113.7:51022,172.20.0.10:443/tcp, IPv6 addresses in brackets. The same form as in
// GET /v1/lookups?flow=.

import type { FlowSpec } from '../../lib/sim/types.ts'
import { canonicalAddress, protocols } from '../../lib/maglev/index.ts'
import { BadInput } from './failures.ts'

export function parseFlow (word: string): FlowSpec {
  const match = /^(?:\[([^\]]+)\]|([^:,/[\]]+)):(\d{1,5}),(?:\[([^\]]+)\]|([^:,/[\]]+)):(\d{1,5})(?:\/([A-Za-z]+))?$/.exec(word)
  if (match === null) throw new BadInput(`flow "${word}" is not SOURCE:PORT,DESTINATION:PORT/PROTOCOL, as 203.0.113.7:51022,172.20.0.10:443/tcp`)
  const protocol = protocols.find((name) => name === (match[7] ?? 'TCP').toUpperCase())
  if (protocol === undefined) throw new BadInput(`flow "${word}": protocol is one of ${protocols.join(', ').toLowerCase()}`)
  return {
    source: address(word, match[1] ?? match[2]),
    sourcePort: port(word, match[3]),
    destination: address(word, match[4] ?? match[5]),
    destinationPort: port(word, match[6]),
    protocol
  }
}

function address (word: string, text: string | undefined): string {
  const canonical = canonicalAddress(text ?? '')
  if (canonical === null) throw new BadInput(`flow "${word}": "${text}" is no IP address`)
  return canonical
}

function port (word: string, text: string | undefined): number {
  const value = Number(text)
  if (value > 65535) throw new BadInput(`flow "${word}": there is no port ${text}`)
  return value
}
