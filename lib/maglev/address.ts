// IP addresses as bytes and as the one text form that Maglev keys, answers and comparisons use: lower case, longest run of zero groups
// shortened (the first on a tie, never a single group: RFC 5952), IPv4-mapped addresses with a dotted tail. The text matters to the bit,
// because it is hashed. Strict on purpose: no leading zeros in IPv4, no zones, no shorthand such as 10.1.

import ipaddr from 'ipaddr.js'

export type Family = 4 | 6

export interface Address {
  readonly family: Family
  readonly text: string
  /** 4 or 16 bytes, network order */
  readonly bytes: Uint8Array
}

/** @returns null for text that is no address */
export function parseAddress (text: string): Address | null {
  const bytes = bytesOf(text)
  return bytes === null ? null : addressFromBytes(bytes)
}

export function addressFromBytes (bytes: Uint8Array): Address {
  return bytes.length === 4 ? { family: 4, text: bytes.join('.'), bytes } : { family: 6, text: ipv6Text(bytes), bytes }
}

function bytesOf (text: string): Uint8Array | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return Uint8Array.from(ipaddr.IPv4.parse(text).toByteArray())
  if (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(text)) return null
  const last = text.slice(text.lastIndexOf(':') + 1)
  if (last.includes('.') && !ipaddr.IPv4.isValidFourPartDecimal(last)) return null
  return Uint8Array.from(ipaddr.IPv6.parse(text).toByteArray())
}

function ipv6Text (bytes: Uint8Array): string {
  const address = new ipaddr.IPv6([...bytes])
  return address.isIPv4MappedAddress() ? `::ffff:${address.toIPv4Address().toString()}` : address.toRFC5952String()
}

/** canonical text, or null for text that is no address */
export function canonicalAddress (text: string): string | null {
  return parseAddress(text)?.text ?? null
}

/** the 16-byte form with IPv4 mapped (::ffff:a.b.c.d), by which Cilium orders addresses of both families together */
export function mappedBytes (address: Address): Uint8Array {
  if (address.family === 6) return address.bytes
  const mapped = new Uint8Array(16)
  mapped.fill(0xff, 10, 12)
  mapped.set(address.bytes, 12)
  return mapped
}

export function isUnspecified (address: Address): boolean {
  return address.bytes.every(byte => byte === 0)
}
