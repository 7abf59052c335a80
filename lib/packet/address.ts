// IP addresses between text and bytes in network order. Text is RFC 5952, with IPv4-mapped addresses in dotted form
// (::ffff:10.0.0.1), as Go's netip prints them; what is read is strict: four decimal parts without leading zeros, no zones.

import ipaddr from 'ipaddr.js'

export type AddressFamily = 4 | 6

/** @returns 4 or 16 bytes, or null for text that is no address */
export function parseAddress (text: string): Uint8Array | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return Uint8Array.from(ipaddr.IPv4.parse(text).toByteArray())
  if (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(text)) return null
  const last = text.slice(text.lastIndexOf(':') + 1)
  if (last.includes('.') && !ipaddr.IPv4.isValidFourPartDecimal(last)) return null
  return Uint8Array.from(ipaddr.IPv6.parse(text).toByteArray())
}

export function formatAddress (bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  const address = new ipaddr.IPv6([...bytes])
  return address.isIPv4MappedAddress() ? `::ffff:${address.toIPv4Address().toString()}` : address.toRFC5952String()
}

export function familyOf (bytes: Uint8Array): AddressFamily {
  return bytes.length === 4 ? 4 : 6
}

export interface Prefix {
  /** the bits behind the prefix are 0 */
  readonly address: Uint8Array
  readonly length: number
}

/** @returns null for text that is no prefix such as 198.18.0.0/15; an address alone is a prefix of full length */
export function parsePrefix (text: string): Prefix | null {
  const [addressText = '', lengthText, ...rest] = text.split('/')
  const address = parseAddress(addressText)
  if (address === null || rest.length > 0) return null
  const bits = address.length * 8
  if (lengthText === undefined) return { address, length: bits }
  if (!/^(?:0|[1-9]\d{0,2})$/.test(lengthText) || Number(lengthText) > bits) return null
  const length = Number(lengthText)
  return { address: address.map((byte, index) => byte & prefixMask(length, index)), length }
}

/** @returns the bits of byte `index` which belong to a prefix of `length` bits */
export function prefixMask (length: number, index: number): number {
  const bits = Math.min(8, Math.max(0, length - index * 8))
  return (0xff << (8 - bits)) & 0xff
}
