// What the balancer should do with a packet, said again in plain TypeScript from the description alone: the oracle which
// kernel and emulator are held against. It shares no code with lib: own parser, own hash, own checksum arithmetic.

export interface ModelBackend {
  readonly id: number
  readonly address: Uint8Array
  readonly port: number
}

export interface ModelService {
  readonly address: Uint8Array
  readonly port: number
  /** 6 or 17 */
  readonly protocol: number
  readonly revNatId: number
  /** as the services map says; 0: no backends */
  readonly count: number
  /** backend ids by slot; null: no entry in the outer map */
  readonly table: Uint32Array | null
}

export interface ModelWorld {
  readonly hashInit4Seed: number
  readonly hashInit6Seed: number
  readonly services: readonly ModelService[]
  /** addresses with a wildcard entry */
  readonly wildcards: readonly Uint8Array[]
  readonly backends: readonly ModelBackend[]
}

export interface ModelOutcome {
  /** the kernel's enum xdp_action */
  readonly verdict: number
  /** name in lib/datapath/reasons.ts */
  readonly reason: string
  readonly bytes: Uint8Array
  readonly backendId?: number
}

const DROP = 1
const PASS = 2
const TX = 3

/** @returns what becomes of a packet; its bytes stay as they are */
export function modelBalancer (world: ModelWorld, packet: Uint8Array): ModelOutcome {
  const end = (verdict: number, reason: string): ModelOutcome => ({ verdict, reason, bytes: packet })
  const u16 = (at: number): number => ((packet[at] ?? 0) << 8) | (packet[at + 1] ?? 0)
  if (packet.length < 14) return end(DROP, 'truncated')
  let ip = 14
  if (u16(12) === 0x8100 || u16(12) === 0x88a8) ip = 18
  if (packet.length < ip) return end(DROP, 'truncated')
  const type = u16(ip - 2)
  if (type !== 0x0800 && type !== 0x86dd) return end(PASS, 'not_ip')

  const is4 = type === 0x0800
  if (packet.length < ip + (is4 ? 20 : 40)) return end(DROP, 'truncated')
  const version = (packet[ip] ?? 0) >> 4
  const words = (packet[ip] ?? 0) & 15
  if (version !== (is4 ? 4 : 6) || (is4 && words < 5)) return end(DROP, 'bad_header')
  const protocol = packet[ip + (is4 ? 9 : 6)] ?? 0
  if (!is4 && protocol === 44) return end(DROP, 'fragment')
  if (!is4 && [0, 43, 51, 59, 60].includes(protocol)) return end(DROP, 'extension_header')
  if (protocol !== 6 && protocol !== 17) return end(PASS, 'protocol')
  if (is4 && (u16(ip + 6) & 0x3fff) !== 0) return end(DROP, 'fragment')
  const transport = ip + (is4 ? words * 4 : 40)
  if (packet.length < transport + (protocol === 6 ? 20 : 8)) return end(DROP, 'truncated')

  const size = is4 ? 4 : 16
  const sourceAt = ip + (is4 ? 12 : 8)
  const destination = packet.slice(sourceAt + size, sourceAt + 2 * size)
  const port = u16(transport + 2)
  const service = world.services.find((service) =>
    alike(service.address, destination) && service.port === port && service.protocol === protocol)
  if (service === undefined) {
    return world.wildcards.some((address) => alike(address, destination)) ? end(DROP, 'unknown_port') : end(PASS, 'no_frontend')
  }
  if (service.count === 0) return end(DROP, 'no_backend')
  if (service.table === null) return end(DROP, 'no_table')

  const source = packet.slice(sourceAt, sourceAt + size)
  const hash = flowHash(source, u16(transport), port, protocol, is4 ? world.hashInit4Seed : world.hashInit6Seed)
  const id = service.table[hash % service.table.length] ?? 0
  if (id === 0) return end(DROP, 'backend_id_zero')
  const backend = world.backends.find((backend) => backend.id === id && backend.address.length === size)
  if (backend === undefined) return end(DROP, 'backend_missing')
  const bytes = rewritten(packet, { ip, is4, transport, protocol }, backend)
  return { verdict: TX, reason: is4 ? 'ipv4' : 'ipv6', bytes, backendId: id }
}

function alike (one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index])
}

interface Place { readonly ip: number, readonly is4: boolean, readonly transport: number, readonly protocol: number }

function rewritten (packet: Uint8Array, { ip, is4, transport, protocol }: Place, backend: ModelBackend): Uint8Array {
  const bytes = packet.slice()
  const destination = ip + (is4 ? 16 : 24)
  const checksums = [...(is4 ? [ip + 10] : []), transport + (protocol === 6 ? 16 : 6)]
  bytes.set(packet.subarray(6, 12), 0)
  bytes.set(packet.subarray(0, 6), 6)
  bytes.set(backend.address, destination)
  bytes.set([backend.port >> 8, backend.port & 255], transport + 2)
  for (const at of checksums) {
    const covered = Array.from({ length: backend.address.length / 2 }, (_, word) => destination + 2 * word)
    if (at > transport) covered.push(transport + 2)
    const old = wordAt(packet, at)
    if (protocol === 17 && at > transport && old === 0) continue
    const updated = covered.reduce((checksum, word) => exchange(checksum, wordAt(packet, word), wordAt(bytes, word)), old)
    const written = protocol === 17 && at > transport && updated === 0 ? 0xffff : updated
    bytes.set([written >> 8, written & 255], at)
  }
  return bytes
}

function wordAt (bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
}

/** RFC 1624, equation 3, one word at a time with the carry put back at once */
function exchange (checksum: number, old: number, now: number): number {
  const plus = (one: number, other: number): number => (one + other) % 0x10000 + Math.floor((one + other) / 0x10000)
  return 0xffff - plus(plus(0xffff - checksum, 0xffff - old), now)
}

/** Jenkins' lookup3 as Cilium 1.17 and later use it, on bytes as they lie in the packet */
export function flowHash (source: Uint8Array, sourcePort: number, destinationPort: number, protocol: number, seed: number): number {
  const little = (at: number): number => [3, 2, 1, 0].reduce((word, offset) => word * 256 + (source[at + offset] ?? 0), 0)
  const swapped = (port: number): number => (port >> 8) | (port & 255) << 8
  const ports = (swapped(destinationPort) * 0x10000 + swapped(sourcePort)) >>> 0
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
