// What a packet says: the headers a load balancer looks at, as far as they are there. Nothing here fails: a packet that
// ends early or is something else has fewer parts.

import { addWords, crc32c, finishChecksum, pseudoHeaderSum } from './checksum.ts'
import { etherTypes, ipProtocols, transportName } from './protocols.ts'
import type { TransportName } from './protocols.ts'
import type { AddressFamily } from './address.ts'

export interface NetworkHeader {
  readonly family: AddressFamily
  readonly offset: number
  /** of IPv6 with its extension headers */
  readonly headerLength: number
  readonly source: Uint8Array
  readonly destination: Uint8Array
  /** of IPv6 what stands behind the extension headers */
  readonly protocol: number
  readonly ttl: number
  /** length of header and payload as the header says */
  readonly totalLength: number
  readonly isFragment: boolean
}

export interface TransportHeader {
  readonly offset: number
  readonly sourcePort: number
  readonly destinationPort: number
  /** 16 bits; of SCTP a CRC-32C */
  readonly checksum: number
}

export interface ParsedPacket {
  /** of the innermost VLAN tag, or of the frame; null for less than an Ethernet header */
  readonly etherType: number | null
  /** VLAN ids, outermost first */
  readonly vlans: readonly number[]
  readonly network: NetworkHeader | null
  /** of TCP, UDP and SCTP; null in fragments, which may have none */
  readonly transport: TransportHeader | null
}

export function parsePacket (bytes: Uint8Array): ParsedPacket {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 14) return { etherType: null, vlans: [], network: null, transport: null }
  const vlans: number[] = []
  let at = 12
  let etherType = view.getUint16(at)
  while ((etherType === etherTypes.vlan || etherType === etherTypes.serviceVlan) && at + 6 <= bytes.length) {
    vlans.push(view.getUint16(at + 2) & 0xfff)
    at += 4
    etherType = view.getUint16(at)
  }
  const network = parseNetwork(bytes, view, at + 2, etherType)
  return { etherType, vlans, network, transport: network === null ? null : parseTransport(view, network) }
}

export interface ChecksumVerdicts {
  /** null where there is none: not IPv4 */
  readonly network: boolean | null
  /** null where there is none: no whole TCP, UDP or SCTP packet, or UDP without */
  readonly transport: boolean | null
}

/** @returns whether the checksums of a packet are right */
export function verifyChecksums (bytes: Uint8Array): ChecksumVerdicts {
  const { network, transport } = parsePacket(bytes)
  if (network === null) return { network: null, transport: null }
  const headerEnd = network.offset + network.headerLength
  const networkRight = network.family === 4 ? finishChecksum(addWords(0, bytes, network.offset, headerEnd)) === 0 : null
  const end = network.offset + network.totalLength
  const hasNone = transport === null || end > bytes.length || (network.protocol === ipProtocols.udp && transport.checksum === 0)
  if (hasNone) return { network: networkRight, transport: null }
  if (network.protocol === ipProtocols.sctp) {
    const covered = bytes.slice(headerEnd, end)
    covered.fill(0, SCTP_CHECKSUM, SCTP_CHECKSUM + 4)
    return { network: networkRight, transport: crc32c(covered) === transport.checksum }
  }
  const pseudo = pseudoHeaderSum(network.source, network.destination, network.protocol, end - headerEnd)
  return { network: networkRight, transport: finishChecksum(addWords(pseudo, bytes, headerEnd, end)) === 0 }
}

function parseNetwork (bytes: Uint8Array, view: DataView, offset: number, etherType: number): NetworkHeader | null {
  if (etherType === etherTypes.ipv4 && offset + 20 <= bytes.length) {
    const headerLength = (view.getUint8(offset) & 0xf) * 4
    if (view.getUint8(offset) >>> 4 !== 4 || headerLength < 20 || offset + headerLength > bytes.length) return null
    return {
      family: 4,
      offset,
      headerLength,
      source: bytes.slice(offset + 12, offset + 16),
      destination: bytes.slice(offset + 16, offset + 20),
      protocol: view.getUint8(offset + 9),
      ttl: view.getUint8(offset + 8),
      totalLength: view.getUint16(offset + 2),
      isFragment: (view.getUint16(offset + 6) & 0x3fff) !== 0
    }
  }
  if (etherType === etherTypes.ipv6 && offset + 40 <= bytes.length && view.getUint8(offset) >>> 4 === 6) {
    const { protocol, headerLength, isFragment } = walkExtensions(view, offset)
    return {
      family: 6,
      offset,
      headerLength,
      source: bytes.slice(offset + 8, offset + 24),
      destination: bytes.slice(offset + 24, offset + 40),
      protocol,
      ttl: view.getUint8(offset + 7),
      totalLength: 40 + view.getUint16(offset + 4),
      isFragment
    }
  }
  return null
}

const extensions: ReadonlySet<number> = new Set([
  ipProtocols.hopByHop, ipProtocols.routing, ipProtocols.fragment, ipProtocols.authentication, ipProtocols.destinationOptions
])

/** Past the extension headers of IPv6, as far as they are there. */
function walkExtensions (view: DataView, ip: number): Pick<NetworkHeader, 'protocol' | 'headerLength' | 'isFragment'> {
  let protocol = view.getUint8(ip + 6)
  let at = ip + 40
  let isFragment = false
  while (extensions.has(protocol) && at + 8 <= view.byteLength) {
    const units = view.getUint8(at + 1)
    // part of a datagram: more to come, or not the beginning
    if (protocol === ipProtocols.fragment) isFragment ||= (view.getUint16(at + 2) & 0xfff9) !== 0
    const bytes = protocol === ipProtocols.fragment ? 8 : protocol === ipProtocols.authentication ? (units + 2) * 4 : (units + 1) * 8
    protocol = view.getUint8(at)
    at += bytes
    if (isFragment) break
  }
  return { protocol, headerLength: at - ip, isFragment: isFragment || protocol === ipProtocols.fragment }
}

const transportLengths: Readonly<Record<number, number>> = { [ipProtocols.tcp]: 20, [ipProtocols.udp]: 8, [ipProtocols.sctp]: 12 }

const SCTP_CHECKSUM = 8

function checksumAt (view: DataView, transport: number, protocol: number): number {
  if (protocol === ipProtocols.sctp) return view.getUint32(transport + SCTP_CHECKSUM, true)
  return view.getUint16(transport + (protocol === ipProtocols.tcp ? 16 : 6))
}

function parseTransport (view: DataView, network: NetworkHeader): TransportHeader | null {
  const offset = network.offset + network.headerLength
  const length = transportLengths[network.protocol]
  if (network.isFragment || length === undefined || offset + length > view.byteLength) return null
  return {
    offset,
    sourcePort: view.getUint16(offset),
    destinationPort: view.getUint16(offset + 2),
    checksum: checksumAt(view, offset, network.protocol)
  }
}

/** The ports of TCP, UDP or SCTP, which a datagram's first fragment has too. @returns null where they are not in the packet */
export function portsOf (bytes: Uint8Array): { readonly source: number, readonly destination: number } | null {
  const { network } = parsePacket(bytes)
  if (network === null || transportLengths[network.protocol] === undefined) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = network.offset + network.headerLength
  if (end + 4 > bytes.length) return null
  // the last extension header that was walked is the fragment's
  const isLater = network.isFragment &&
    (network.family === 4 ? view.getUint16(network.offset + 6) & 0x1fff : view.getUint16(end - 6) & 0xfff8) !== 0
  return isLater ? null : { source: view.getUint16(end), destination: view.getUint16(end + 2) }
}

/** Of an ICMP error: source port and protocol of the packet that it is about. @returns null for other packets */
export function embeddedSource (bytes: Uint8Array): { readonly port: number, readonly protocol: TransportName } | null {
  const { network } = parsePacket(bytes)
  if (network === null || (network.protocol !== ipProtocols.icmp && network.protocol !== ipProtocols.icmpv6)) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const inside = network.offset + network.headerLength + 8
  const isError = network.protocol === ipProtocols.icmp ? [3, 11, 12].includes(bytes[inside - 8] ?? 0) : (bytes[inside - 8] ?? 255) < 128
  if (!isError || inside + 20 > bytes.length) return null
  const is4 = network.family === 4
  const protocol = transportName(view.getUint8(inside + (is4 ? 9 : 6)))
  const ports = inside + (is4 ? (view.getUint8(inside) & 0xf) * 4 : 40)
  return protocol === undefined || ports + 2 > bytes.length ? null : { port: view.getUint16(ports), protocol }
}
