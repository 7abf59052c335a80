// A seeded mix of packets to hold two machines against each other: most hit a service, the rest go wrong in every way a
// parser or a lookup can meet. Shares are exact, order and contents random.

import { buildPacket, etherTypes, ipProtocols } from '../packet/index.ts'
import type { PacketSpec } from '../packet/index.ts'
import { createRandom } from './random.ts'
import type { Random } from './random.ts'

export interface ComparisonService {
  /** 4 or 16 bytes */
  readonly address: Uint8Array
  readonly port: number
  readonly protocol: 'TCP' | 'UDP'
  /** a frontend without backends */
  readonly empty?: boolean
}

export type PacketClass = keyof typeof shares

export interface ComparisonPacket {
  readonly packetClass: PacketClass
  readonly bytes: Uint8Array
}

export interface ComparisonMix {
  readonly seed: number
  readonly packets: readonly ComparisonPacket[]
  readonly counts: Readonly<Record<PacketClass, number>>
}

/** percent; the first six classes reach a backend */
const shares = {
  tcp: 26,
  udp: 16,
  vlan: 10,
  'ipv4-options': 6,
  'udp-without-checksum': 4,
  'wrong-checksum': 4,
  truncated: 6,
  'other-ethertype': 4,
  'other-protocol': 3,
  'two-vlans': 2,
  'bad-header': 3,
  fragment: 4,
  'extension-header': 2,
  'unknown-port': 4,
  'unknown-address': 3,
  'empty-service': 3
} as const

export const packetClasses = Object.keys(shares) as PacketClass[]

/**
 * @param seed u32
 * @param services of both families and both protocols, at least one empty
 */
export function comparisonPackets (seed: number, count: number, services: readonly ComparisonService[]): ComparisonMix {
  const random = createRandom(seed)
  const counts = countsOf(count)
  const packets = packetClasses.flatMap((packetClass) =>
    Array.from({ length: counts[packetClass] }, () => ({ packetClass, bytes: packetOf(packetClass, services, random) })))
  shuffle(packets, random)
  return { seed, packets, counts }
}

function countsOf (count: number): Record<PacketClass, number> {
  let percent = 0
  let before = 0
  const entries = packetClasses.map((packetClass) => {
    percent += shares[packetClass]
    const upTo = Math.round(count * percent / 100)
    const share = upTo - before
    before = upTo
    return [packetClass, share] as const
  })
  return Object.fromEntries(entries) as Record<PacketClass, number>
}

function packetOf (packetClass: PacketClass, services: readonly ComparisonService[], random: Random): Uint8Array {
  const served = services.filter(({ empty = false }) => !empty)
  /** a packet to one of the suitable services, with what is changed about it */
  const to = (suitable: (service: ComparisonService) => boolean, change?: (spec: PacketSpec) => Partial<PacketSpec>): Uint8Array => {
    const spec = flowTo(anyOf(served.filter(suitable), random), random)
    return buildPacket({ ...spec, ...change?.(spec) })
  }
  switch (packetClass) {
    case 'tcp': return to(isTcp, () => ({ tcpFlags: 1 + random.below(63) }))
    case 'udp': return to(isUdp)
    case 'vlan': return to(any, () => ({ vlans: [anyTag(random)] }))
    case 'ipv4-options': return to(isIpv4, () => ({ ipv4Options: randomBytes(4 * (1 + random.below(10)), random) }))
    case 'udp-without-checksum': return to(isUdp, () => ({ transportChecksum: 'none' }))
    case 'wrong-checksum': return to(any, () => ({ transportChecksum: 'wrong' }))
    case 'truncated': return truncated(to(any, () => ({ payload: new Uint8Array(0) })), random)
    case 'other-ethertype': return withEtherType(to(any), anyOf(otherEtherTypes, random))
    case 'other-protocol': return to(any, () => ({ protocol: anyOf(otherProtocols, random) }))
    case 'two-vlans': return to(any, () => ({ vlans: [anyTag(random), anyTag(random)] }))
    case 'bad-header': return withBadHeader(to(any), random)
    case 'fragment': return to(any, (spec) => fragmentOf(spec, random))
    case 'extension-header': return to(isIpv6, (spec) => behindExtension(spec, anyOf(extensionHeaders, random)))
    case 'unknown-port': return to(any, () => ({ destinationPort: unservedPort(services, random) }))
    case 'unknown-address': return to(any, ({ destination }) => ({ destination: randomBytes(destination.length, random) }))
    case 'empty-service': return buildPacket(flowTo(anyOf(services.filter(({ empty = false }) => empty), random), random))
  }
}

const any = (): boolean => true
const isTcp = ({ protocol }: ComparisonService): boolean => protocol === 'TCP'
const isUdp = ({ protocol }: ComparisonService): boolean => protocol === 'UDP'
const isIpv4 = ({ address }: ComparisonService): boolean => address.length === 4
const isIpv6 = ({ address }: ComparisonService): boolean => address.length === 16

const MPLS = 0x8847
const LLDP = 0x88cc
const otherEtherTypes = [etherTypes.arp, MPLS, LLDP, 0x0600, 0xffff]
const otherProtocols = [ipProtocols.icmp, ipProtocols.icmpv6, ipProtocols.sctp, ipProtocols.esp, 47, 255]
const extensionHeaders = [
  ipProtocols.hopByHop, ipProtocols.routing, ipProtocols.authentication, ipProtocols.noNextHeader, ipProtocols.destinationOptions
]

function flowTo (service: ComparisonService, random: Random): PacketSpec {
  return {
    source: randomBytes(service.address.length, random),
    destination: service.address,
    protocol: service.protocol === 'TCP' ? ipProtocols.tcp : ipProtocols.udp,
    sourcePort: random.below(0x10000),
    destinationPort: service.port,
    payload: randomBytes(random.below(64), random),
    ttl: 1 + random.below(255)
  }
}

function anyTag (random: Random): { id: number, type: number } {
  return { id: random.below(4096), type: anyOf([etherTypes.vlan, etherTypes.serviceVlan], random) }
}

/** cuts inside the headers, behind the Ethernet header at the earliest: test-run takes nothing shorter */
function truncated (bytes: Uint8Array, random: Random): Uint8Array {
  return bytes.slice(0, 14 + random.below(bytes.length - 14))
}

function withEtherType (bytes: Uint8Array, etherType: number): Uint8Array {
  bytes[12] = etherType >>> 8
  bytes[13] = etherType
  return bytes
}

/** another IP version, or an IPv4 header length below the least */
function withBadHeader (bytes: Uint8Array, random: Random): Uint8Array {
  const version = (bytes[14] as number) >>> 4
  const tooShort = version === 4 && random.below(2) === 0
  bytes[14] = tooShort ? 0x40 | random.below(5) : ((version ^ (1 + random.below(15))) << 4) | 5
  return bytes
}

function fragmentOf (spec: PacketSpec, random: Random): Partial<PacketSpec> {
  const more = random.below(2) === 0
  const offset = more ? 0 : 8 * (1 + random.below(180))
  if (spec.source.length === 4) return { fragment: { more, offset } }
  const header = [spec.protocol, 0, offset >> 8, (offset & 0xf8) | (more ? 1 : 0), ...randomBytes(4, random)]
  return { protocol: ipProtocols.fragment, payload: Uint8Array.of(...header, ...spec.payload ?? []) }
}

/** IPv6 only: the flow's protocol behind an extension header of eight bytes */
function behindExtension (spec: PacketSpec, header: number): Partial<PacketSpec> {
  return { protocol: header, payload: Uint8Array.of(spec.protocol, 0, 0, 0, 0, 0, 0, 0, ...spec.payload ?? []) }
}

function unservedPort (services: readonly ComparisonService[], random: Random): number {
  const served = new Set(services.map(({ port }) => port))
  for (;;) {
    const port = random.below(0x10000)
    if (!served.has(port)) return port
  }
}

function anyOf<T> (items: readonly T[], random: Random): T {
  const item = items[random.below(items.length)]
  if (item === undefined) throw new RangeError('the mix needs TCP and UDP services of both families, one of them empty')
  return item
}

function randomBytes (length: number, random: Random): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256))
}

function shuffle<T> (items: T[], random: Random): void {
  for (let last = items.length - 1; last > 0; last--) {
    const other = random.below(last + 1)
    const item = items[last] as T
    items[last] = items[other] as T
    items[other] = item
  }
}
