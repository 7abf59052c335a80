// How the model's packets are rewritten, and what they are hashed to: the arithmetic of the oracle (balancer-model.ts).

import type { Flow, ModelBackend, ModelOutcome, Place } from './balancer-model.ts'

const TX = 3

export function twoBytes (word: number): [number, number] {
  return [word >> 8 & 255, word & 255]
}

export function swappedLink (packet: Uint8Array, ip: number): number[] {
  return [...packet.subarray(6, 12), ...packet.subarray(0, 6), ...packet.subarray(12, ip)]
}

export function unswapped (bytes: Uint8Array): Uint8Array {
  return Uint8Array.of(...bytes.subarray(6, 12), ...bytes.subarray(0, 6), ...bytes.subarray(12))
}

export function answeredEcho (packet: Uint8Array, ip: number, icmp: number, is4: boolean): ModelOutcome {
  const bytes = packet.slice()
  const size = is4 ? 4 : 16
  const source = ip + (is4 ? 12 : 8)
  bytes.set(swappedLink(packet, ip))
  bytes.set(packet.subarray(source + size, source + 2 * size), source)
  bytes.set(packet.subarray(source, source + size), source + size)
  bytes[ip + (is4 ? 8 : 7)] = 64
  bytes[icmp] = is4 ? 0 : 129
  if (is4) write(bytes, ip + 10, exchange(wordAt(packet, ip + 10), wordAt(packet, ip + 8), wordAt(bytes, ip + 8)))
  write(bytes, icmp + 2, exchange(wordAt(packet, icmp + 2), wordAt(packet, icmp), wordAt(bytes, icmp)))
  return { verdict: TX, reason: 'echo', bytes }
}

/** an ICMP error, to the backend of the flow it is about */
export function relayed (packet: Uint8Array, { ip, is4, transport: icmp }: Place, backend: ModelBackend): Uint8Array {
  const bytes = packet.slice()
  const inside = icmp + 8
  const ports = inside + (is4 ? ((packet[inside] ?? 0) & 15) * 4 : 40)
  const destination = ip + (is4 ? 16 : 24)
  const source = inside + (is4 ? 12 : 8)
  bytes.set(swappedLink(packet, ip))
  bytes.set(backend.address, destination)
  bytes.set(backend.address, source)
  write(bytes, ports, backend.port)
  const words = (at: number): number[] => Array.from({ length: backend.address.length / 2 }, (_, word) => at + 2 * word)
  const update = (at: number, covered: readonly number[]): void =>
    write(bytes, at, covered.reduce((checksum, word) => exchange(checksum, wordAt(packet, word), wordAt(bytes, word)), wordAt(packet, at)))
  if (is4) {
    update(ip + 10, words(destination))
    update(inside + 10, words(source))
  }
  update(icmp + 2, is4 ? [ports] : [ports, ...words(source), ...words(destination)])
  return bytes
}

/** the packet with one end replaced: destination on its way to a backend, source on its way to the client */
export function translated (
  packet: Uint8Array, { ip, is4, transport, hasTransport }: Place, { protocol }: Flow, to: Pick<ModelBackend, 'address' | 'port'>,
  end: 'source' | 'destination'
): Uint8Array {
  const bytes = packet.slice()
  const size = is4 ? 4 : 16
  const address = ip + (is4 ? 12 : 8) + (end === 'source' ? 0 : size)
  const port = transport + (end === 'source' ? 0 : 2)
  bytes.set(swappedLink(packet, ip))
  bytes.set(to.address, address)
  if (hasTransport) write(bytes, port, to.port)
  const covered = Array.from({ length: size / 2 }, (_, word) => address + 2 * word)
  const update = (at: number, words: readonly number[]): number =>
    words.reduce((checksum, word) => exchange(checksum, wordAt(packet, word), wordAt(bytes, word)), wordAt(packet, at))
  if (is4) write(bytes, ip + 10, update(ip + 10, covered))
  if (!hasTransport) return bytes
  if (protocol === 132) {
    const end = ip + (is4 ? wordAt(packet, ip + 2) : 40 + wordAt(packet, ip + 4))
    const difference = crc32c(bytes.slice(transport, end), 8) ^ crc32c(packet.slice(transport, end), 8)
    const view = new DataView(bytes.buffer)
    view.setUint32(transport + 8, view.getUint32(transport + 8, true) ^ difference, true)
    return bytes
  }
  const check = transport + (protocol === 6 ? 16 : 6)
  if (protocol === 17 && wordAt(packet, check) === 0) return bytes
  const updated = update(check, [...covered, port])
  write(bytes, check, protocol === 17 && updated === 0 ? 0xffff : updated)
  return bytes
}

/** the service's address and port put into the header, for a backend that is to answer under it */
export function told (bytes: Uint8Array, { ip, is4 }: Place, { frontend, port }: Flow): Uint8Array {
  if (is4) {
    const option = [0x9a, 8, ...twoBytes(port), ...frontend]
    const grown = Uint8Array.of(...bytes.subarray(0, ip + 20), ...option, ...bytes.subarray(ip + 20))
    grown[ip] = (grown[ip] ?? 0) + 2
    write(grown, ip + 2, wordAt(bytes, ip + 2) + 8)
    const changed = [ip, ip + 2].reduce((checksum, at) => exchange(checksum, wordAt(bytes, at), wordAt(grown, at)), wordAt(bytes, ip + 10))
    write(grown, ip + 10, [0, 2, 4, 6].reduce((checksum, at) => exchange(checksum, 0, wordAt(grown, ip + 20 + at)), changed))
    return grown
  }
  const option = [bytes[ip + 6] ?? 0, 2, 0x1b, 20, ...frontend, ...twoBytes(port), 0, 0]
  const grown = Uint8Array.of(...bytes.subarray(0, ip + 40), ...option, ...bytes.subarray(ip + 40))
  grown[ip + 6] = 60
  write(grown, ip + 4, wordAt(bytes, ip + 4) + 24)
  return grown
}

/** bit by bit. @param hole where the checksum itself is, which counts as 0 */
function crc32c (bytes: Uint8Array, hole: number): number {
  let crc = 0xffffffff
  bytes.forEach((byte, index) => {
    crc ^= index >= hole && index < hole + 4 ? 0 : byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) === 0 ? 0 : 0x82f63b78)
  })
  return ~crc >>> 0
}

function write (bytes: Uint8Array, at: number, word: number): void {
  bytes.set(twoBytes(word), at)
}

export function wordAt (bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
}

export function sumOf (bytes: Uint8Array): number {
  return Array.from({ length: bytes.length / 2 }, (_, word) => wordAt(bytes, 2 * word)).reduce(plus, 0)
}

const plus = (one: number, other: number): number => (one + other) % 0x10000 + Math.floor((one + other) / 0x10000)

/** RFC 1624, equation 3, one word at a time with the carry put back at once */
function exchange (checksum: number, old: number, now: number): number {
  return 0xffff - plus(plus(0xffff - checksum, 0xffff - old), now)
}

/** Jenkins' lookup3 as Cilium uses it, on bytes as they lie in the packet. @param old as before 1.17 */
export function flowHash (
  source: Uint8Array, sourcePort: number, destinationPort: number, protocol: number, seed: number, old = false
): number {
  const little = (at: number): number => [3, 2, 1, 0].reduce((word, offset) => word * 256 + (source[at + offset] ?? 0), 0)
  const swapped = (port: number): number => (port >> 8) | (port & 255) << 8
  const [high, low] = old ? [sourcePort, destinationPort] : [destinationPort, sourcePort]
  const ports = (swapped(high) * 0x10000 + swapped(low)) >>> 0
  const state = { a: 0, b: 0, c: 0 }
  if (source.length === 4) {
    const start = 0xdeadbeef + 12 + seed
    state.a = (start + little(0)) >>> 0
    state.b = (start + ports) >>> 0
    state.c = (start + protocol) >>> 0
  } else {
    Object.assign(state, { a: little(0), b: little(4), c: little(8) })
    mix(state)
    state.a = (state.a + little(12)) >>> 0
    state.b = (state.b + ports) >>> 0
    state.c = (state.c + protocol) >>> 0
    mix(state)
    state.a = (state.a + seed) >>> 0
  }
  final(state)
  return state.c
}

interface State { a: number, b: number, c: number }

function rotate (word: number, bits: number): number {
  return ((word << bits) | (word >>> (32 - bits))) >>> 0
}

function mix (state: State): void {
  const order = [['a', 'c', 'b', 4], ['b', 'a', 'c', 6], ['c', 'b', 'a', 8], ['a', 'c', 'b', 16], ['b', 'a', 'c', 19], ['c', 'b', 'a', 4]] as const
  for (const [x, y, z, bits] of order) {
    state[x] = ((state[x] - state[y]) ^ rotate(state[y], bits)) >>> 0
    state[y] = (state[y] + state[z]) >>> 0
  }
}

function final (state: State): void {
  const order = [['c', 'b', 14], ['a', 'c', 11], ['b', 'a', 25], ['c', 'b', 16], ['a', 'c', 4], ['b', 'a', 14], ['c', 'b', 24]] as const
  for (const [x, y, bits] of order) state[x] = ((state[x] ^ state[y]) - rotate(state[y], bits)) >>> 0
}
