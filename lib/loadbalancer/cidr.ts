// Ranges of addresses, `198.51.100.0/24`. Bits behind the prefix are kept as written, as Cilium keeps them in its map's keys; what they
// match is the same without them.

import { parseAddress } from '../maglev/index.ts'
import type { Address } from '../maglev/index.ts'

export interface Cidr {
  readonly address: Address
  readonly bits: number
}

/** @returns null for text that is no range; an address alone is none */
export function parseCidr (text: string): Cidr | null {
  const [, addressText = '', bitsText = ''] = /^([0-9A-Fa-f.:]+)\/(0|[1-9]\d{0,2})$/.exec(text.trim()) ?? []
  const address = parseAddress(addressText)
  const bits = Number(bitsText)
  return address === null || bits > address.bytes.length * 8 ? null : { address, bits }
}

export function cidrText ({ address, bits }: Cidr): string {
  return `${address.text}/${bits}`
}

/** equal for ranges that match the same addresses, which are one key of a map */
export function rangeKey ({ address, bits }: Cidr): string {
  const masked = address.bytes.map((byte, index) => byte & 0xff00 >> Math.max(0, Math.min(8, bits - index * 8)))
  return `${masked.join('.')}/${bits}`
}
