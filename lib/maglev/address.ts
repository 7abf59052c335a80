// IP addresses as bytes and as the one text form that Maglev keys, answers and comparisons use: lower case, longest run of zero groups
// shortened (the first on a tie, never a single group: RFC 5952), IPv4-mapped addresses with a dotted tail. The text matters to the bit,
// because it is hashed. Strict on purpose: no leading zeros in IPv4, no zones, no shorthand such as 10.1.

export type Family = 4 | 6

export interface Address {
  readonly family: Family
  readonly text: string
  /** 4 or 16 bytes, network order */
  readonly bytes: Uint8Array
}

/** @returns null for text that is no address */
export function parseAddress (text: string): Address | null {
  const bytes = text.includes(':') ? parseIpv6(text) : parseIpv4(text)
  return bytes === null ? null : addressFromBytes(bytes)
}

export function addressFromBytes (bytes: Uint8Array): Address {
  return bytes.length === 4 ? { family: 4, text: bytes.join('.'), bytes } : { family: 6, text: ipv6Text(bytes), bytes }
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

function parseIpv4 (text: string): Uint8Array | null {
  const parts = text.split('.')
  if (parts.length !== 4) return null
  const bytes = new Uint8Array(4)
  for (const [index, part] of parts.entries()) {
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return null
    bytes[index] = Number(part)
  }
  return bytes
}

function parseIpv6 (text: string): Uint8Array | null {
  if (text.length > 45) return null
  const halves = text.split('::')
  if (halves.length > 2) return null
  const head = parseGroups(halves[0] ?? '', halves.length === 1)
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? '', true) : []
  if (head === null || tail === null) return null
  const missing = 16 - head.length - tail.length
  if (halves.length === 2 ? missing < 2 : missing !== 0) return null
  const bytes = new Uint8Array(16)
  bytes.set(head, 0)
  bytes.set(tail, 16 - tail.length)
  return bytes
}

/** the bytes of colon-separated groups; a dotted IPv4 tail is allowed where the groups end the address */
function parseGroups (text: string, mayEndDotted: boolean): number[] | null {
  if (text === '') return []
  const bytes: number[] = []
  const groups = text.split(':')
  for (const [index, group] of groups.entries()) {
    if (group.includes('.')) {
      const dotted = mayEndDotted && index === groups.length - 1 ? parseIpv4(group) : null
      if (dotted === null) return null
      bytes.push(...dotted)
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return null
      const value = Number.parseInt(group, 16)
      bytes.push(value >>> 8, value & 0xff)
    }
  }
  return bytes
}

function ipv6Text (bytes: Uint8Array): string {
  const groups: number[] = []
  for (let at = 0; at < 16; at += 2) groups.push(((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0))
  if (groups.slice(0, 5).every(group => group === 0) && groups[5] === 0xffff) return `::ffff:${bytes.subarray(12).join('.')}`
  const zeros = longestZeroRun(groups)
  const hex = (part: number[]): string => part.map(group => group.toString(16)).join(':')
  if (zeros.length < 2) return hex(groups)
  return `${hex(groups.slice(0, zeros.start))}::${hex(groups.slice(zeros.start + zeros.length))}`
}

function longestZeroRun (groups: readonly number[]): { start: number, length: number } {
  let best = { start: 0, length: 0 }
  for (let start = 0; start < groups.length; start++) {
    let end = start
    while (end < groups.length && groups[end] === 0) end++
    if (end - start > best.length) best = { start, length: end - start }
    start = Math.max(start, end - 1)
  }
  return best
}
