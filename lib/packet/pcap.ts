// Capture files in the classic pcap format (draft-ietf-opsawg-pcap): a 24-byte header, then packets with 16 bytes each.
// Read in either byte order, with microseconds or nanoseconds; written little-endian with microseconds.

export interface CapturedPacket {
  /** since the epoch; exact in written files up to a microsecond */
  readonly timestampSeconds: number
  readonly timestampNanoseconds: number
  readonly bytes: Uint8Array
  /** length on the wire, where the capture was cut short */
  readonly originalLength: number
}

export interface Capture {
  /** 1: Ethernet */
  readonly linkType: number
  readonly packets: readonly CapturedPacket[]
}

export type CaptureResult =
  | { readonly ok: true, readonly capture: Capture }
  | { readonly ok: false, readonly offset: number, readonly message: string }

export const LINK_TYPE_ETHERNET = 1
const MAGIC_MICROSECONDS = 0xa1b2c3d4
const MAGIC_NANOSECONDS = 0xa1b23c4d
const MAGIC_PCAPNG = 0x0a0d0d0a
const FILE_HEADER_LENGTH = 24
const PACKET_HEADER_LENGTH = 16
const MAXIMUM_PACKET_LENGTH = 262144

/** @param maximumPackets more of them are a failure, not a cut */
export function readCapture (file: Uint8Array, maximumPackets: number): CaptureResult {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  if (file.length < FILE_HEADER_LENGTH) return failed(0, 'the file is shorter than a pcap header')
  const little = [MAGIC_MICROSECONDS, MAGIC_NANOSECONDS].includes(view.getUint32(0, true))
  const magic = view.getUint32(0, little)
  if (magic === MAGIC_PCAPNG) return failed(0, 'the file is pcapng, only classic pcap is read')
  if (magic !== MAGIC_MICROSECONDS && magic !== MAGIC_NANOSECONDS) return failed(0, 'the file does not begin with a pcap magic number')
  const nanosecondsPerTick = magic === MAGIC_NANOSECONDS ? 1 : 1000
  const packets: CapturedPacket[] = []
  let at = FILE_HEADER_LENGTH
  while (at < file.length) {
    if (at + PACKET_HEADER_LENGTH > file.length) return failed(at, 'the file ends inside a packet header')
    if (packets.length === maximumPackets) return failed(at, `the file holds more than ${maximumPackets} packets`)
    const length = view.getUint32(at + 8, little)
    const start = at + PACKET_HEADER_LENGTH
    if (length > MAXIMUM_PACKET_LENGTH) return failed(at, `a packet of ${length} bytes is longer than ${MAXIMUM_PACKET_LENGTH}`)
    if (start + length > file.length) return failed(at, 'the file ends inside a packet')
    packets.push({
      timestampSeconds: view.getUint32(at, little),
      timestampNanoseconds: view.getUint32(at + 4, little) * nanosecondsPerTick,
      bytes: file.slice(start, start + length),
      originalLength: view.getUint32(at + 12, little)
    })
    at = start + length
  }
  // The upper bits hold the length of a frame check sequence.
  return { ok: true, capture: { linkType: view.getUint32(20, little) & 0xffff, packets } }
}

export function writeCapture (capture: Capture): Uint8Array {
  const size = capture.packets.reduce((sum, { bytes }) => sum + PACKET_HEADER_LENGTH + bytes.length, FILE_HEADER_LENGTH)
  const file = new Uint8Array(size)
  const view = new DataView(file.buffer)
  view.setUint32(0, MAGIC_MICROSECONDS, true)
  view.setUint16(4, 2, true)
  view.setUint16(6, 4, true)
  view.setUint32(16, MAXIMUM_PACKET_LENGTH, true)
  view.setUint32(20, capture.linkType, true)
  let at = FILE_HEADER_LENGTH
  for (const packet of capture.packets) {
    view.setUint32(at, packet.timestampSeconds, true)
    view.setUint32(at + 4, Math.floor(packet.timestampNanoseconds / 1000), true)
    view.setUint32(at + 8, packet.bytes.length, true)
    view.setUint32(at + 12, packet.originalLength, true)
    file.set(packet.bytes, at + PACKET_HEADER_LENGTH)
    at += PACKET_HEADER_LENGTH + packet.bytes.length
  }
  return file
}

function failed (offset: number, message: string): CaptureResult {
  return { ok: false, offset, message }
}
