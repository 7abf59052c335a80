// Packets from descriptions: Ethernet, VLAN tags, IPv4 with options or IPv6, then TCP, UDP, SCTP or any payload, with right
// checksums unless told otherwise. The same description gives the same bytes.

import { parseAddress } from './address.ts'
import { addWords, crc32c, finishChecksum, pseudoHeaderSum } from './checksum.ts'
import { etherTypes, ipProtocols, tcpFlags, transportNumbers } from './protocols.ts'
import type { TransportName } from './protocols.ts'

export interface PacketSpec {
  /** 4 or 16 bytes, both alike */
  readonly source: Uint8Array
  readonly destination: Uint8Array
  /** IP protocol number; TCP, UDP and SCTP get their headers, behind any other number the payload follows at once */
  readonly protocol: number
  readonly sourcePort?: number
  readonly destinationPort?: number
  readonly payload?: Uint8Array
  /** six bytes each */
  readonly sourceMac?: Uint8Array
  readonly destinationMac?: Uint8Array
  /** outermost first */
  readonly vlans?: ReadonlyArray<{ readonly id: number, readonly type?: number }>
  readonly ttl?: number
  /** IPv4 options, a multiple of four and at most 40 bytes */
  readonly ipv4Options?: Uint8Array
  /** IPv4: offset in bytes, a multiple of eight */
  readonly fragment?: { readonly offset: number, readonly more: boolean }
  readonly tcpFlags?: number
  /** `none`: a UDP checksum of 0; `wrong`: one bit off */
  readonly transportChecksum?: 'right' | 'wrong' | 'none'
}

const ETHERNET_LENGTH = 14
const TAG_LENGTH = 4
const transportLengths: Readonly<Record<number, number>> = { [ipProtocols.tcp]: 20, [ipProtocols.udp]: 8, [ipProtocols.sctp]: 12 }
const defaultSourceMac = Uint8Array.of(2, 0, 0, 0, 0, 1)
const defaultDestinationMac = Uint8Array.of(2, 0, 0, 0, 0, 2)

export function buildPacket (spec: PacketSpec): Uint8Array {
  const options = spec.ipv4Options?.length ?? 0
  const network = ETHERNET_LENGTH + TAG_LENGTH * (spec.vlans?.length ?? 0)
  const transport = network + (spec.source.length === 4 ? 20 + options : 40)
  const payload = transport + (transportLengths[spec.protocol] ?? 0)
  const bytes = new Uint8Array(payload + (spec.payload?.length ?? 0))
  writeEthernet(bytes, spec)
  if (spec.source.length === 4) writeIpv4(bytes.subarray(network), spec, transport - network)
  else writeIpv6(bytes.subarray(network), spec)
  bytes.set(spec.payload ?? [], payload)
  writeTransport(bytes.subarray(transport), spec)
  return bytes
}

export interface FlowDescription {
  readonly source: string
  readonly sourcePort: number
  readonly destination: string
  readonly destinationPort: number
  readonly protocol: TransportName
}

export type FlowPacketResult =
  | { readonly ok: true, readonly packet: Uint8Array }
  | { readonly ok: false, readonly member: keyof FlowDescription, readonly message: string }

/** The first packet of a flow: a TCP SYN, an empty UDP datagram, or an SCTP header, with no payload. */
export function buildFlowPacket (flow: FlowDescription): FlowPacketResult {
  const source = parseAddress(flow.source)
  const destination = parseAddress(flow.destination)
  if (source === null) return wrong('source', `"${flow.source}" is not an IP address`)
  if (destination === null) return wrong('destination', `"${flow.destination}" is not an IP address`)
  if (source.length !== destination.length) return wrong('destination', 'source and destination are of different address families')
  if (!isPort(flow.sourcePort)) return wrong('sourcePort', `${flow.sourcePort} is not a port`)
  if (!isPort(flow.destinationPort)) return wrong('destinationPort', `${flow.destinationPort} is not a port`)
  const protocol = Object.hasOwn(transportNumbers, flow.protocol) ? transportNumbers[flow.protocol] : null
  if (protocol === null) return wrong('protocol', `"${flow.protocol}" is not one of ${Object.keys(transportNumbers).join(', ')}`)
  const { sourcePort, destinationPort } = flow
  return { ok: true, packet: buildPacket({ source, sourcePort, destination, destinationPort, protocol }) }
}

function wrong (member: keyof FlowDescription, message: string): FlowPacketResult {
  return { ok: false, member, message }
}

function isPort (value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 0xffff
}

function viewOf (bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function writeEthernet (bytes: Uint8Array, spec: PacketSpec): void {
  const view = viewOf(bytes)
  bytes.set(spec.destinationMac ?? defaultDestinationMac, 0)
  bytes.set(spec.sourceMac ?? defaultSourceMac, 6)
  let at = 12
  for (const { id, type = etherTypes.vlan } of spec.vlans ?? []) {
    view.setUint16(at, type)
    view.setUint16(at + 2, id)
    at += TAG_LENGTH
  }
  view.setUint16(at, spec.source.length === 4 ? etherTypes.ipv4 : etherTypes.ipv6)
}

function writeIpv4 (bytes: Uint8Array, spec: PacketSpec, headerLength: number): void {
  const view = viewOf(bytes)
  view.setUint8(0, 0x40 | (headerLength / 4))
  view.setUint16(2, bytes.length)
  view.setUint16(6, spec.fragment === undefined ? 0x4000 : (spec.fragment.more ? 0x2000 : 0) | (spec.fragment.offset / 8))
  view.setUint8(8, spec.ttl ?? 64)
  view.setUint8(9, spec.protocol)
  bytes.set(spec.source, 12)
  bytes.set(spec.destination, 16)
  bytes.set(spec.ipv4Options ?? [], 20)
  view.setUint16(10, finishChecksum(addWords(0, bytes, 0, headerLength)))
}

function writeIpv6 (bytes: Uint8Array, spec: PacketSpec): void {
  const view = viewOf(bytes)
  view.setUint8(0, 0x60)
  view.setUint16(4, bytes.length - 40)
  view.setUint8(6, spec.protocol)
  view.setUint8(7, spec.ttl ?? 64)
  bytes.set(spec.source, 8)
  bytes.set(spec.destination, 24)
}

/** @param bytes transport header and payload, the payload already there */
function writeTransport (bytes: Uint8Array, spec: PacketSpec): void {
  if (transportLengths[spec.protocol] === undefined) return
  const view = viewOf(bytes)
  view.setUint16(0, spec.sourcePort ?? 0)
  view.setUint16(2, spec.destinationPort ?? 0)
  if (spec.protocol === ipProtocols.sctp) {
    view.setUint32(8, crc32c(bytes), true)
    return
  }
  const isTcp = spec.protocol === ipProtocols.tcp
  if (isTcp) {
    view.setUint8(12, 5 << 4)
    view.setUint8(13, spec.tcpFlags ?? tcpFlags.syn)
    view.setUint16(14, 0xffff)
  } else {
    view.setUint16(4, bytes.length)
  }
  if (spec.transportChecksum === 'none' && !isTcp) return
  const checksum = finishChecksum(addWords(pseudoHeaderSum(spec.source, spec.destination, spec.protocol, bytes.length), bytes))
  const written = !isTcp && checksum === 0 ? 0xffff : checksum
  view.setUint16(isTcp ? 16 : 6, spec.transportChecksum === 'wrong' ? written ^ 0x0100 : written)
}
