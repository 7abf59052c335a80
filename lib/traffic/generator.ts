// Packets of synthetic flows, many and fast: each target has a template packet, of which a flow changes source address,
// source port and checksums in place. Nothing is allocated per packet.
//
// Flow k of a seed is the same whoever asks for it: flows come in blocks, each with a random stream of its own, so that
// workers may share a population by ranges and a run gives the same packets for any number of workers.

import { addWords, buildPacket, crc32c, finishChecksum, ipProtocols, prefixMask, pseudoHeaderSum, transportNumbers } from '../packet/index.ts'
import type { Prefix, TransportName } from '../packet/index.ts'
import { createRandom } from './random.ts'
import type { Random } from './random.ts'
import { createWeightedChoice, zipfWeights } from './weights.ts'

export interface TrafficTarget {
  /** 4 or 16 bytes */
  readonly address: Uint8Array
  readonly port: number
  readonly protocol: TransportName
  /** share of the flows relative to the other targets; default 1 */
  readonly weight?: number
}

export interface TrafficOptions {
  /** u32 */
  readonly seed: number
  readonly targets: readonly TrafficTarget[]
  /** where clients come from; defaults: 198.18.0.0/15 (RFC 2544) and 2001:db8::/32 (RFC 3849) */
  readonly sources?: { readonly 4?: Prefix, readonly 6?: Prefix }
  /** multiplies the weights by those of a Zipf distribution over the targets in their order */
  readonly zipfExponent?: number
  readonly payloadLength?: number
}

export interface TrafficGenerator {
  /** of any packet that `next` writes */
  readonly maximumLength: number
  /** makes flow k the next one, counted from 0 */
  seek (flow: number): void
  /** writes the packet of the next flow. @returns its length */
  next (into: Uint8Array, offset: number): number
  /** index of the target of the packet written last */
  lastTarget (): number
}

export const FLOWS_PER_BLOCK = 1024
const FIRST_EPHEMERAL_PORT = 1024
const PORTS = 0x10000 - FIRST_EPHEMERAL_PORT
const ETHERNET_LENGTH = 14
const SCTP_HEADER_LENGTH = 12
/** of the checksum, which counts as 0 in itself, from the start of the transport header */
const checksumAt = { TCP: 16, UDP: 6, SCTP: 8 } as const
const defaultSources = {
  4: { address: Uint8Array.of(198, 18, 0, 0), length: 15 },
  6: { address: Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, ...new Uint8Array(12)), length: 32 }
} as const

export function createTrafficGenerator (options: TrafficOptions): TrafficGenerator {
  const { seed, targets, zipfExponent = 0 } = options
  const skew = zipfWeights(targets.length, zipfExponent)
  const choice = createWeightedChoice(targets.map(({ weight = 1 }, index) => weight * (skew[index] as number)))
  const deltas = targets.some(({ protocol }) => protocol === 'SCTP') ? portDeltas(SCTP_HEADER_LENGTH + (options.payloadLength ?? 0)) : null
  const templates = targets.map((target) => createTemplate(target, options, deltas))
  let flow = 0
  let random = createRandom(seed)
  let last = 0

  const next = (into: Uint8Array, offset: number): number => {
    if (flow % FLOWS_PER_BLOCK === 0) random = createRandom(seed, flow / FLOWS_PER_BLOCK)
    flow++
    last = choice.pick(random)
    return writeFlow(templates[last] as Template, random, into, offset)
  }

  const maximumLength = templates.reduce((longest, { bytes }) => Math.max(longest, bytes.length), 0)
  const scratch = new Uint8Array(maximumLength)

  return {
    maximumLength,
    next,
    seek (wanted) {
      flow = wanted - wanted % FLOWS_PER_BLOCK
      random = createRandom(seed, flow / FLOWS_PER_BLOCK)
      for (let before = wanted % FLOWS_PER_BLOCK; before > 0; before--) next(scratch, 0)
    },
    lastTarget: () => last
  }
}

interface Template {
  /** the packet with source address, source port and checksums 0 */
  readonly bytes: Uint8Array
  readonly sourceAt: number
  /** network bits of the source, and which bits a flow may choose, in words of 16 bits */
  readonly network: Uint16Array
  readonly hostMask: Uint16Array
  readonly transportAt: number
  readonly transportChecksumAt: number
  /** where IPv4 has its checksum; 0 for IPv6 */
  readonly networkChecksumAt: number
  /** sums of what the checksums cover besides source address and port */
  readonly networkSum: number
  readonly transportSum: number
  readonly isUdp: boolean
  /** of SCTP: its checksum with source port 0, and what a port makes of that; it covers no addresses */
  readonly crc: { readonly base: number, readonly deltas: PortDeltas } | null
}

/** of the upper and the lower byte of a source port */
interface PortDeltas {
  readonly upper: Uint32Array
  readonly lower: Uint32Array
}

/** A CRC is linear: what a port changes in it is what its two bytes do, whatever else is covered. @param length of what is covered */
function portDeltas (length: number): PortDeltas {
  const none = crc32c(new Uint8Array(length))
  const deltas = (at: number): Uint32Array => Uint32Array.from({ length: 256 }, (_, value) => {
    const bytes = new Uint8Array(length)
    bytes[at] = value
    return crc32c(bytes) ^ none
  })
  return { upper: deltas(0), lower: deltas(1) }
}

function createTemplate (target: TrafficTarget, options: TrafficOptions, deltas: PortDeltas | null): Template {
  const isIpv4 = target.address.length === 4
  const protocol = transportNumbers[target.protocol]
  const source = new Uint8Array(target.address.length)
  const payload = new Uint8Array(options.payloadLength ?? 0)
  const bytes = buildPacket({ source, destination: target.address, protocol, sourcePort: 0, destinationPort: target.port, payload })
  const transportAt = ETHERNET_LENGTH + (isIpv4 ? 20 : 40)
  const networkChecksumAt = isIpv4 ? ETHERNET_LENGTH + 10 : 0
  const transportChecksumAt = transportAt + checksumAt[target.protocol]
  if (isIpv4) bytes.fill(0, networkChecksumAt, networkChecksumAt + 2)
  bytes.fill(0, transportChecksumAt, transportChecksumAt + (protocol === ipProtocols.sctp ? 4 : 2))
  const prefix = (isIpv4 ? options.sources?.[4] : options.sources?.[6]) ?? defaultSources[isIpv4 ? 4 : 6]
  const pseudo = pseudoHeaderSum(source, target.address, protocol, bytes.length - transportAt)
  return {
    bytes,
    sourceAt: ETHERNET_LENGTH + (isIpv4 ? 12 : 8),
    network: wordsOf(prefix.address),
    hostMask: wordsOf(prefix.address.map((_, index) => ~prefixMask(prefix.length, index))),
    transportAt,
    transportChecksumAt,
    networkChecksumAt,
    networkSum: addWords(0, bytes, ETHERNET_LENGTH, transportAt),
    transportSum: addWords(pseudo, bytes, transportAt),
    isUdp: protocol === ipProtocols.udp,
    crc: protocol === ipProtocols.sctp && deltas !== null ? { base: crc32c(bytes.subarray(transportAt)), deltas } : null
  }
}

function wordsOf (bytes: Uint8Array): Uint16Array {
  return Uint16Array.from({ length: bytes.length / 2 }, (_, index) => addWords(0, bytes, index * 2, index * 2 + 2))
}

function writeFlow (template: Template, random: Random, into: Uint8Array, offset: number): number {
  into.set(template.bytes, offset)
  let sum = 0
  for (let index = 0; index < template.network.length; index++) {
    const word = (template.network[index] as number) | (random.u32() >>> 16 & (template.hostMask[index] as number))
    writeWord(into, offset + template.sourceAt + index * 2, word)
    sum += word
  }
  if (template.networkChecksumAt !== 0) {
    writeWord(into, offset + template.networkChecksumAt, finishChecksum(template.networkSum + sum))
  }
  const port = FIRST_EPHEMERAL_PORT + random.below(PORTS)
  writeWord(into, offset + template.transportAt, port)
  if (template.crc !== null) {
    const { base, deltas } = template.crc
    const crc = base ^ (deltas.upper[port >>> 8] as number) ^ (deltas.lower[port & 255] as number)
    writeCrc(into, offset + template.transportChecksumAt, crc)
    return template.bytes.length
  }
  const checksum = finishChecksum(template.transportSum + sum + port)
  writeWord(into, offset + template.transportChecksumAt, template.isUdp && checksum === 0 ? 0xffff : checksum)
  return template.bytes.length
}

function writeWord (into: Uint8Array, at: number, word: number): void {
  into[at] = word >>> 8
  into[at + 1] = word
}

/** the lowest byte first, as SCTP has it */
function writeCrc (into: Uint8Array, at: number, crc: number): void {
  for (let byte = 0; byte < 4; byte++) into[at + byte] = crc >>> 8 * byte
}
