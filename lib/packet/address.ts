// Addresses as a packet holds them, 4 or 16 bytes in network order, from and to the text that the rest of the house uses; and prefixes.

import { addressFromBytes, parseAddress as parse } from '../maglev/index.ts'

export type AddressFamily = 4 | 6

/** @returns 4 or 16 bytes, or null for text that is no address */
export function parseAddress (text: string): Uint8Array | null {
  return parse(text)?.bytes ?? null
}

export function formatAddress (bytes: Uint8Array): string {
  return addressFromBytes(bytes).text
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
