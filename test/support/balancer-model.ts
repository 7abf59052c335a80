// What the balancer should do with packets, said again in plain TypeScript from the description alone: the oracle which
// kernel and emulator are held against. It shares no code with lib: own parser, own hash, own checksum arithmetic, own memory.

import { answeredEcho, flowHash, relayed, sumOf, swappedLink, told, translated, twoBytes, unswapped, wordAt } from './model-packets.ts'

export interface ModelBackend {
  readonly id: number
  readonly address: Uint8Array
  readonly port: number
  /** 0: active */
  readonly state?: number
}

export interface ModelService {
  readonly address: Uint8Array
  readonly port: number
  /** 6, 17 or 132 */
  readonly protocol: number
  readonly revNatId: number
  /** as the services map says; 0: no backends */
  readonly count: number
  /** backend ids by slot; null: no entry in the outer map */
  readonly table: Uint32Array | null
  /** backend ids of the slots in the services map, for random selection */
  readonly slots?: readonly number[]
  /** 1 random, 2 maglev; 0: says nothing */
  readonly algorithm?: number
  readonly affinitySeconds?: number
  readonly ranges?: ReadonlyArray<{ readonly address: Uint8Array, readonly bits: number }>
  readonly rangesDeny?: boolean
  readonly proxy?: boolean
  readonly directReturn?: boolean
  readonly routable?: boolean
  /** pods of the node get other backends: those of the service for them, which is among the services too */
  readonly twoScopes?: boolean
  /** that one */
  readonly forPods?: boolean
}

/** @returns index of the slot that random selection draws, below the count of the service */
export type Draw = (service: ModelService) => number

export interface ModelWorld {
  readonly hashInit4Seed: number
  readonly hashInit6Seed: number
  readonly services: readonly ModelService[]
  /** addresses with a wildcard entry */
  readonly wildcards: readonly Uint8Array[]
  readonly backends: readonly ModelBackend[]
}

/** as the program's load-time constants say it, by the words of lib/datapath/structs.ts */
export interface ModelOptions {
  readonly selection?: 'maglev' | 'random' | 'maglev-or-said' | 'random-or-said'
  readonly upTo116?: boolean
  readonly halfTable?: boolean
  readonly fragments?: boolean
  readonly conntrack?: boolean
  readonly forwarding?: 'translated' | 'direct-return' | 'hybrid' | 'as-said'
  readonly ipip?: boolean
  /** the packets are those of the node's own pods */
  readonly eastWest?: boolean
  readonly timeouts?: { readonly tcp: number, readonly syn: number, readonly closing: number, readonly any: number }
  /** 4 and 16 bytes; absent: the service's address */
  readonly source4?: Uint8Array
  readonly source6?: Uint8Array
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
const FIN = 1
const SYN = 2
const RST = 4

export interface Flow {
  readonly client: Uint8Array
  readonly frontend: Uint8Array
  readonly clientPort: number
  readonly port: number
  readonly protocol: number
  readonly tcpFlags: number
  readonly related: boolean
}

export interface Place {
  readonly ip: number
  readonly is4: boolean
  /** where the transport header, or of an error the ICMP header, is */
  readonly transport: number
  readonly hasTransport: boolean
}

interface Connection {
  backendId: number
  readonly revNatId: number
  closing: boolean
  seenNonSyn: boolean
  endSeconds: number
}

class End extends Error {
  readonly verdict: number
  readonly reason: string

  constructor (verdict: number, reason: string) {
    super(reason)
    this.verdict = verdict
    this.reason = reason
  }
}

const drop = (reason: string): never => { throw new End(DROP, reason) }
const pass = (reason: string): never => { throw new End(PASS, reason) }

/** One machine: what packets leave behind is met by the next. */
export class ModelBalancer {
  world: ModelWorld
  /** of the machine, nanoseconds */
  clock = 1e9
  readonly #options: ModelOptions
  readonly #connections = new Map<string, Connection>()
  readonly #affinity = new Map<string, { backendId: number, lastUsed: number }>()
  readonly #fragments = new Map<string, { source: number, destination: number }>()

  constructor (world: ModelWorld, options: ModelOptions = {}) {
    this.world = world
    this.#options = options
  }

  /** @returns what becomes of a packet; its bytes stay as they are */
  run (packet: Uint8Array, draw: Draw = () => 0): ModelOutcome {
    try {
      return this.#run(packet, draw)
    } catch (error) {
      if (!(error instanceof End)) throw error
      return { verdict: error.verdict, reason: error.reason, bytes: packet }
    }
  }

  #run (packet: Uint8Array, draw: Draw): ModelOutcome {
    const u16 = (at: number): number => ((packet[at] ?? 0) << 8) | (packet[at + 1] ?? 0)
    if (packet.length < 14) drop('truncated')
    let ip = 14
    if (u16(12) === 0x8100 || u16(12) === 0x88a8) ip = 18
    if (packet.length < ip) drop('truncated')
    const type = u16(ip - 2)
    if (type !== 0x0800 && type !== 0x86dd) pass('not_ip')
    const is4 = type === 0x0800
    if (packet.length < ip + (is4 ? 20 : 40)) drop('truncated')
    const version = (packet[ip] ?? 0) >> 4
    if (version !== (is4 ? 4 : 6) || (is4 && ((packet[ip] ?? 0) & 15) < 5)) drop('bad_header')
    const read = is4 ? this.#readIpv4(packet, ip) : this.#readIpv6(packet, ip)
    if ('verdict' in read) return read
    return this.#forward(packet, read.flow, read.place, draw)
  }

  #readIpv4 (packet: Uint8Array, ip: number): { flow: Flow, place: Place } | ModelOutcome {
    const protocol = packet[ip + 9] ?? 0
    const fragment = wordAt(packet, ip + 6)
    const transport = ip + ((packet[ip] ?? 0) & 15) * 4
    if (!isBalanced(protocol)) {
      if (protocol !== 1 || (fragment & 0x3fff) !== 0) pass('protocol')
      return this.#readIcmp(packet, ip, transport)
    }
    const id = [...packet.subarray(ip + 12, ip + 20), wordAt(packet, ip + 4), protocol].join()
    return this.#readTransport(packet, { ip, is4: true, transport, hasTransport: (fragment & 0x1fff) === 0 }, protocol,
      (fragment & 0x3fff) === 0 ? null : id)
  }

  #readIpv6 (packet: Uint8Array, ip: number): { flow: Flow, place: Place } | ModelOutcome {
    let protocol = packet[ip + 6] ?? 0
    let at = ip + 40
    let fragment: { bits: number, id: string } | null = null
    for (let walked = 0; [0, 43, 44, 51, 59, 60].includes(protocol); walked++) {
      if (walked === 4) drop('extension_header')
      if (protocol === 59) drop('extension_header')
      if (packet.length < at + 8) drop('truncated')
      const next = packet[at] ?? 0
      let bytes = ((packet[at + 1] ?? 0) + 1) * 8
      if (protocol === 51) bytes = ((packet[at + 1] ?? 0) + 2) * 4
      if (protocol === 44) {
        bytes = 8
        const id = [...packet.subarray(ip + 8, ip + 40), ...packet.subarray(at + 4, at + 8), next].join()
        fragment = { bits: wordAt(packet, at + 2) & 0xfff9, id }
      }
      at += bytes
      if (at - ip > 1023) drop('extension_header')
      protocol = next
      if (fragment !== null && (fragment.bits & 0xfff8) !== 0) break
    }
    if (!isBalanced(protocol)) {
      if (protocol !== 58 || (fragment !== null && fragment.bits !== 0)) pass('protocol')
      return this.#readIcmp(packet, ip, at)
    }
    const later = fragment !== null && (fragment.bits & 0xfff8) !== 0
    return this.#readTransport(packet, { ip, is4: false, transport: at, hasTransport: !later }, protocol,
      fragment === null || fragment.bits === 0 ? null : fragment.id)
  }

  #readTransport (packet: Uint8Array, place: Place, protocol: number, fragment: string | null): { flow: Flow, place: Place } {
    const { ip, is4, transport } = place
    if (fragment !== null && (this.#options.fragments === false || protocol === 132)) drop('fragment')
    let ports = { source: wordAt(packet, transport), destination: wordAt(packet, transport + 2) }
    if (place.hasTransport) {
      if (packet.length < transport + ({ 6: 20, 17: 8 }[protocol] ?? 12)) drop('truncated')
      if (fragment !== null) this.#fragments.set(fragment, ports)
    } else {
      ports = this.#fragments.get(fragment ?? '') ?? drop('fragment_unknown')
    }
    const size = is4 ? 4 : 16
    const source = ip + (is4 ? 12 : 8)
    const flow = {
      client: packet.slice(source, source + size),
      frontend: packet.slice(source + size, source + 2 * size),
      clientPort: ports.source,
      port: ports.destination,
      protocol,
      tcpFlags: protocol === 6 && place.hasTransport ? packet[transport + 13] ?? 0 : 16,
      related: false
    }
    return { flow, place }
  }

  #readIcmp (packet: Uint8Array, ip: number, icmp: number): { flow: Flow, place: Place } | ModelOutcome {
    const is4 = (packet[ip] ?? 0) >> 4 === 4
    const size = is4 ? 4 : 16
    const destination = ip + (is4 ? 16 : 24)
    const addressed = packet.subarray(destination, destination + size)
    if (packet.length < icmp + 8) drop('truncated')
    const type = packet[icmp] ?? 0
    if (type === (is4 ? 8 : 128) && packet[icmp + 1] === 0 && this.#isVirtual(addressed)) return answeredEcho(packet, ip, icmp, is4)
    const isError = is4 ? [3, 11, 12].includes(type) : type >= 1 && type <= 4
    if (!isError) pass('protocol')
    const inside = icmp + 8
    if (packet.length < inside + (is4 ? 20 : 44)) drop('truncated')
    if ((packet[inside] ?? 0) >> 4 !== (is4 ? 4 : 6) || (is4 && ((packet[inside] ?? 0) & 15) < 5)) drop('bad_header')
    const protocol = packet[inside + (is4 ? 9 : 6)] ?? 0
    const source = inside + (is4 ? 12 : 8)
    const frontend = packet.slice(source, source + size)
    if (!isBalanced(protocol) || (is4 && (wordAt(packet, inside + 6) & 0x1fff) !== 0) || !alike(frontend, addressed)) pass('protocol')
    const ports = inside + (is4 ? ((packet[inside] ?? 0) & 15) * 4 : 40)
    if (packet.length < ports + 4) drop('truncated')
    const flow = {
      client: packet.slice(source + size, source + 2 * size),
      frontend,
      clientPort: wordAt(packet, ports + 2),
      port: wordAt(packet, ports),
      protocol,
      tcpFlags: 16,
      related: true
    }
    return { flow, place: { ip, is4, transport: icmp, hasTransport: true } }
  }

  #forward (packet: Uint8Array, flow: Flow, place: Place, draw: Draw): ModelOutcome {
    const service = this.#addressed(flow)
    if (service === undefined) {
      if (flow.related) pass('protocol')
      if (this.#isVirtual(flow.frontend)) drop('unknown_port')
      return this.#reply(packet, flow, place)
    }
    const backend = this.#backendOf(service, flow, draw)
    const family = place.is4 ? 'ipv4' : 'ipv6'
    const direct = this.#returnsDirectly(service, flow.protocol)
    const sent = (reason: string, bytes: Uint8Array): ModelOutcome => ({ verdict: TX, reason, bytes, backendId: backend.id })
    if (direct && this.#options.ipip === true) return sent(family, this.#wrapped(packet, place, backend))
    if (flow.related) return sent('icmp_error', relayed(packet, place, backend))
    const bytes = translated(packet, place, flow, backend, 'destination')
    if (!direct || (flow.protocol === 6 && (flow.tcpFlags & SYN) === 0)) return sent(family, bytes)
    if (place.is4 && ((bytes[place.ip] ?? 0) & 15) > 13) {
      // it was rewritten already; what is dropped goes nowhere
      return { verdict: DROP, reason: 'options_full', bytes: unswapped(bytes) }
    }
    return sent(family, told(bytes, place, flow))
  }

  #addressed (flow: Flow): ModelService | undefined {
    const found = this.world.services.filter((service) =>
      alike(service.address, flow.frontend) && service.port === flow.port &&
      (service.protocol === flow.protocol || this.#options.upTo116 === true))
    const own = this.#options.eastWest === true ? found.find(({ forPods }) => forPods === true) : undefined
    return own ?? found.find(({ forPods }) => forPods !== true)
  }

  #backendOf (service: ModelService, flow: Flow, draw: Draw): ModelBackend {
    if (service.ranges !== undefined && this.#options.eastWest !== true) {
      const inside = service.ranges.some(({ address, bits }) => startsAlike(address, flow.client, bits))
      if (inside === (service.rangesDeny === true)) drop('source_range')
    }
    if (service.proxy === true) pass('proxy')
    if (service.count === 0) drop('no_backend')
    const backend = this.#options.conntrack === true ? this.#remembered(service, flow, draw) : this.#fresh(service, flow, draw)
    if (service.affinitySeconds !== undefined && !flow.related) {
      this.#affinity.set(affinityKey(service, flow), { backendId: backend.id, lastUsed: this.clock })
    }
    return backend
  }

  #fresh (service: ModelService, flow: Flow, draw: Draw): ModelBackend {
    return this.#ofClient(service, flow) ?? this.#selected(service, flow, draw)
  }

  #remembered (service: ModelService, flow: Flow, draw: Draw): ModelBackend {
    const key = connectionKey('service', flow, flow.frontend, flow.port)
    let connection = this.#connection(key, flow.tcpFlags)
    if (this.#options.upTo116 === true && connection?.revNatId !== service.revNatId) connection = undefined
    let backend: ModelBackend | undefined
    if (connection !== undefined) {
      backend = this.#backend(connection.backendId, flow)
      if ((flow.tcpFlags & SYN) !== 0 && (backend?.state ?? 0) !== 0) backend = undefined
    } else {
      backend = this.#ofClient(service, flow)
    }
    backend ??= this.#selected(service, flow, draw)
    if (flow.related) return backend
    this.#seen(key, connection, backend.id, service.revNatId, flow)
    if (!this.#returnsDirectly(service, flow.protocol)) {
      const back = connectionKey('out', flow, backend.address, backend.port)
      const known = this.#connection(back, flow.tcpFlags)
      this.#seen(back, known?.revNatId === service.revNatId ? known : undefined, 0, service.revNatId, flow)
    }
    return backend
  }

  #connection (key: string, tcpFlags: number): Connection | undefined {
    const connection = this.#connections.get(key)
    if (connection === undefined || connection.endSeconds <= this.#seconds) return undefined
    return (tcpFlags & SYN) !== 0 && connection.closing ? undefined : connection
  }

  #seen (key: string, known: Connection | undefined, backendId: number, revNatId: number, { protocol, tcpFlags }: Flow): void {
    const connection = known ?? { backendId, revNatId, closing: false, seenNonSyn: false, endSeconds: 0 }
    this.#connections.set(key, connection)
    connection.backendId = backendId
    const timeouts = this.#options.timeouts ?? { tcp: 8000, syn: 60, closing: 60, any: 60 }
    if (protocol !== 6) {
      connection.endSeconds = this.#seconds + timeouts.any
      return
    }
    if ((tcpFlags & SYN) === 0) connection.seenNonSyn = true
    if ((tcpFlags & (FIN | RST)) !== 0) connection.closing = true
    else if (connection.closing) return
    connection.endSeconds = this.#seconds + (connection.closing ? timeouts.closing : connection.seenNonSyn ? timeouts.tcp : timeouts.syn)
  }

  #ofClient (service: ModelService, flow: Flow): ModelBackend | undefined {
    if (service.affinitySeconds === undefined) return undefined
    const key = affinityKey(service, flow)
    const entry = this.#affinity.get(key)
    if (entry === undefined) return undefined
    const matches = service.slots?.includes(entry.backendId) === true
    if (matches && entry.lastUsed + service.affinitySeconds * 1e9 > this.clock) return this.#backend(entry.backendId, flow)
    this.#affinity.delete(key)
    return undefined
  }

  #selected (service: ModelService, flow: Flow, draw: Draw): ModelBackend {
    const id = this.#isRandom(service) ? this.#drawn(service, draw) : this.#lookedUp(service, flow)
    if (id === 0) drop('backend_id_zero')
    return this.#backend(id, flow) ?? drop('backend_missing')
  }

  #isRandom ({ algorithm = 0 }: ModelService): boolean {
    const { selection = 'maglev' } = this.#options
    if (!selection.endsWith('-or-said') || algorithm === 0) return selection.startsWith('random')
    return algorithm === 1
  }

  #drawn (service: ModelService, draw: Draw): number {
    if (service.routable === false && this.#options.eastWest !== true) drop('not_routable')
    return service.slots?.[draw(service)] ?? drop('no_slot')
  }

  #lookedUp ({ table, affinitySeconds }: ModelService, { client, clientPort, port, protocol }: Flow): number {
    if (table === null) return drop('no_table')
    const { upTo116 = false, halfTable = false } = this.#options
    const sourcePort = affinitySeconds !== undefined && !upTo116 ? 0 : clientPort
    const { hashInit4Seed, hashInit6Seed } = this.world
    const hash = flowHash(client, sourcePort, port, protocol, client.length === 4 ? hashInit4Seed : hashInit6Seed, upTo116)
    const index = hash % table.length
    return table[halfTable && index * 2 >= table.length ? 0 : index] ?? 0
  }

  #backend (id: number, { client }: Flow): ModelBackend | undefined {
    return this.world.backends.find((backend) => backend.id === id && backend.address.length === client.length)
  }

  #reply (packet: Uint8Array, flow: Flow, place: Place): ModelOutcome {
    // the client is where the answer goes to
    const asked = { ...flow, client: flow.frontend, clientPort: flow.port }
    const key = connectionKey('out', asked, flow.client, flow.clientPort)
    const connection = this.#options.conntrack === true ? this.#connection(key, 0) : undefined
    const service = this.world.services.find(({ revNatId, address }) =>
      revNatId === connection?.revNatId && address.length === flow.client.length)
    if (connection === undefined || service === undefined) return pass('no_frontend')
    this.#seen(key, connection, connection.backendId, connection.revNatId, flow)
    return { verdict: TX, reason: 'reply', bytes: translated(packet, place, flow, service, 'source') }
  }

  #returnsDirectly (service: ModelService, protocol: number): boolean {
    switch (this.#options.forwarding ?? 'translated') {
      case 'translated': return false
      case 'direct-return': return true
      case 'hybrid': return protocol === 6
      case 'as-said': return service.directReturn === true
    }
  }

  #wrapped (packet: Uint8Array, { ip, is4 }: Place, backend: ModelBackend): Uint8Array {
    const inner = packet.subarray(ip)
    const size = is4 ? 4 : 16
    const destination = is4 ? 16 : 24
    const own = is4 ? this.#options.source4 : this.#options.source6
    const source = own ?? inner.subarray(destination, destination + size)
    const outer = new Uint8Array(is4 ? 20 : 40)
    if (is4) outer.set([0x45, 0, ...twoBytes(wordAt(inner, 2) + 20), 0, 0, 0, 0, 64, 4])
    else outer.set([0x60, 0, 0, 0, ...twoBytes(wordAt(inner, 4) + 40), 41, 64])
    outer.set(source, destination - size)
    outer.set(backend.address, destination)
    if (is4) outer.set(twoBytes(0xffff - sumOf(outer)), 10)
    return Uint8Array.of(...swappedLink(packet, ip), ...outer, ...inner)
  }

  #isVirtual (address: Uint8Array): boolean {
    return this.#options.eastWest !== true && this.world.wildcards.some((one) => alike(one, address))
  }

  get #seconds (): number {
    return Math.floor(this.clock / 1e9)
  }
}

/** what a fresh machine with the usual options does */
export function modelBalancer (world: ModelWorld, packet: Uint8Array): ModelOutcome {
  return new ModelBalancer(world).run(packet)
}

function isBalanced (protocol: number): boolean {
  return protocol === 6 || protocol === 17 || protocol === 132
}

function connectionKey (kind: string, flow: Flow, destination: Uint8Array, port: number): string {
  return [kind, flow.protocol, ...flow.client, flow.clientPort, ...destination, port].join()
}

function affinityKey ({ revNatId }: ModelService, { client }: Flow): string {
  return [revNatId, ...client].join()
}

function alike (one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index])
}

function startsAlike (one: Uint8Array, other: Uint8Array, bits: number): boolean {
  return one.length === other.length && Array.from({ length: bits }, (_, bit) => bit)
    .every((bit) => ((one[bit >> 3] ?? 0) ^ (other[bit >> 3] ?? 0)) >> (7 - bit % 8) << 31 === 0)
}
