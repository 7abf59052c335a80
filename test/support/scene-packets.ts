// The packets of a scene (balancer-scenes.ts): made from a seed and from what became of those before, so that answers come from backends
// that were asked, and errors are about flows that there are.

import { addWords, buildPacket, finishChecksum, ipProtocols, parsePacket, pseudoHeaderSum, tcpFlags } from '../../lib/packet/index.ts'
import type { PacketSpec } from '../../lib/packet/index.ts'
import type { Random } from '../../lib/traffic/random.ts'
import type { ModelOutcome, ModelWorld } from './balancer-model.ts'

interface Sent {
  readonly client: Uint8Array
  readonly clientPort: number
  readonly frontend: Uint8Array
  readonly port: number
  readonly protocol: number
  readonly backend: Uint8Array
  readonly backendPort: number
}

type Kind = 'request' | 'answer' | 'error' | 'first-fragment' | 'later-fragment' | 'extended' | 'echo' | 'unknown-port' | 'other-protocol' | 'stranger'

const weights: ReadonlyArray<readonly [Kind, number]> = [
  ['request', 56], ['answer', 14], ['error', 7], ['first-fragment', 5], ['later-fragment', 6], ['extended', 5], ['echo', 3], ['unknown-port', 2],
  ['other-protocol', 4], ['stranger', 2]
]

const REMEMBERED = 64

export class ScenePackets {
  readonly #random: Random
  readonly #sent: Sent[] = []

  constructor (random: Random) {
    this.#random = random
  }

  next (world: ModelWorld): Uint8Array {
    switch (this.#kind()) {
      case 'answer': return this.#answer() ?? this.#request(world)
      case 'error': return this.#error(world)
      case 'first-fragment': return this.#fragment(world, true)
      case 'later-fragment': return this.#fragment(world, false)
      case 'extended': return this.#extended(world)
      case 'echo': return this.#echo(world)
      case 'unknown-port': return buildPacket({ ...this.#flow(world), destinationPort: 7 })
      case 'other-protocol': return buildPacket({ ...this.#flow(world), protocol: this.#one([6, 17, 132]) })
      case 'stranger': return buildPacket({ ...this.#flow(world), protocol: this.#one([47, 2, 50]), payload: Uint8Array.of(1, 2, 3, 4) })
      case 'request': return this.#request(world)
    }
  }

  /** Remembers where a flow went. */
  learn (packet: Uint8Array, { reason, backendId }: ModelOutcome, world: ModelWorld): void {
    if (reason !== 'ipv4' && reason !== 'ipv6') return
    const { network, transport } = parsePacket(packet)
    const backend = world.backends.find(({ id, address }) => id === backendId && address.length === network?.source.length)
    if (network === null || transport === null || backend === undefined) return
    const { source: client, destination: frontend, protocol } = network
    this.#sent.push({
      client,
      frontend,
      protocol,
      clientPort: transport.sourcePort,
      port: transport.destinationPort,
      backend: backend.address,
      backendPort: backend.port
    })
    if (this.#sent.length > REMEMBERED) this.#sent.shift()
  }

  #kind (): Kind {
    let at = this.#random.below(weights.reduce((sum, [, weight]) => sum + weight, 0))
    for (const [kind, weight] of weights) {
      if (at < weight) return kind
      at -= weight
    }
    return 'request'
  }

  #one<T> (from: readonly T[]): T {
    return from[this.#random.below(from.length)] as T
  }

  /** of few clients and ports, so that flows come again */
  #flow (world: ModelWorld): Pick<PacketSpec, 'source' | 'destination' | 'protocol' | 'sourcePort'> & { destinationPort: number } {
    const service = this.#one(world.services)
    const host = this.#one([5, 100, 130, 200, 201, 250])
    const source = service.address.length === 4
      ? Uint8Array.of(198, 51, 100, host)
      : Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 0, 0, host % 3, 0, 0, 0, 0, 0, 0, 0, host)
    const { address: destination, protocol, port: destinationPort } = service
    return { source, destination, protocol, sourcePort: 40_000 + this.#random.below(4), destinationPort }
  }

  #request (world: ModelWorld, more: Partial<PacketSpec> = {}): Uint8Array {
    const { syn, ack, fin, rst, psh } = tcpFlags
    return buildPacket({
      ...this.#flow(world),
      tcpFlags: this.#one([syn, syn, syn, ack, ack, ack, ack | psh, fin | ack, rst]),
      payload: new Uint8Array(this.#random.below(40)).fill(this.#random.below(256)),
      ...(this.#random.below(8) === 0 ? { vlans: [{ id: 5 }] } : {}),
      ...(this.#random.below(10) === 0 ? { ipv4Options: new Uint8Array(4 * (1 + this.#random.below(10))).fill(1) } : {}),
      ...(this.#random.below(12) === 0 ? { transportChecksum: 'none' as const } : {}),
      ...more
    })
  }

  #answer (): Uint8Array | null {
    if (this.#sent.length === 0) return null
    const { client, clientPort, backend, backendPort, protocol } = this.#one(this.#sent)
    const { syn, ack, fin } = tcpFlags
    return buildPacket({
      source: backend,
      sourcePort: backendPort,
      destination: client,
      destinationPort: clientPort,
      protocol,
      tcpFlags: this.#one([syn | ack, ack, fin | ack]),
      payload: new Uint8Array(this.#random.below(20)).fill(7)
    })
  }

  /** about a packet that the service sent to the client */
  #error (world: ModelWorld): Uint8Array {
    const { source: client, sourcePort: clientPort, destination: frontend, destinationPort: port, protocol } = this.#flow(world)
    const inner = buildPacket({
      source: frontend,
      sourcePort: port,
      destination: client,
      ...(clientPort === undefined ? {} : { destinationPort: clientPort }),
      protocol,
      ...(this.#random.below(4) === 0 ? { ipv4Options: new Uint8Array(8).fill(1) } : {})
    }).subarray(14)
    const is4 = client.length === 4
    const kept = inner.subarray(0, is4 ? inner.length - this.#random.below(20) : inner.length)
    const type = is4 ? this.#one([3, 3, 11, 12, 5]) : this.#one([1, 2, 3, 4, 135])
    return this.#icmp(client, frontend, type, kept)
  }

  #echo (world: ModelWorld): Uint8Array {
    const { source, destination } = this.#flow(world)
    return this.#icmp(source, destination, source.length === 4 ? 8 : 128, Uint8Array.of(1, 2, 3, 4, 5))
  }

  #icmp (source: Uint8Array, destination: Uint8Array, type: number, data: Uint8Array): Uint8Array {
    const is4 = source.length === 4
    const protocol = is4 ? ipProtocols.icmp : ipProtocols.icmpv6
    const message = Uint8Array.of(type, 0, 0, 0, 0, 0, 5, 0, ...data)
    const sum = is4 ? addWords(0, message) : addWords(pseudoHeaderSum(source, destination, protocol, message.length), message)
    const checksum = finishChecksum(sum)
    message.set([checksum >> 8, checksum & 255], 2)
    return buildPacket({ source, destination, protocol, payload: message, ...(this.#random.below(6) === 0 ? { vlans: [{ id: 9 }] } : {}) })
  }

  #fragment (world: ModelWorld, first: boolean): Uint8Array {
    const id = this.#random.below(3)
    const flow = this.#flow(world)
    if (flow.source.length === 4) {
      const packet = first
        ? buildPacket({ ...flow, payload: new Uint8Array(16), fragment: { offset: 0, more: true } })
        : this.#headless(buildPacket({ ...flow, payload: new Uint8Array(24), fragment: { offset: 64, more: this.#random.below(2) === 0 } }))
      packet.set([0, id], 18)
      const header = packet.subarray(14, 34)
      header.set([0, 0], 10)
      const checksum = finishChecksum(addWords(0, header))
      header.set([checksum >> 8, checksum & 255], 10)
      return packet
    }
    const packet = buildPacket({ ...flow, payload: new Uint8Array(first ? 16 : 24) })
    const offset = first ? 0 : 64
    return extend(packet, [[44, [0, offset >> 8, (offset & 0xf8) | (first ? 1 : this.#random.below(2)), 0, 0, 0, id]]])
  }

  /** a later fragment's payload begins anywhere: not with ports */
  #headless (packet: Uint8Array): Uint8Array {
    packet.fill(0xee, 34, 54)
    return packet
  }

  #extended (world: ModelWorld): Uint8Array {
    for (;;) {
      const packet = this.#request(world, { vlans: [] })
      if (parsePacket(packet).network?.family !== 6) continue
      const header = (): readonly [number, readonly number[]] => {
        const protocol = this.#one([0, 60, 43, 51, 44, 59])
        const units = this.#random.below(3)
        if (protocol === 44) return [44, [0, 0, 0, 0, 0, 0, 9]]
        // an authentication header counts in units of four, less two
        const bytes = protocol === 51 ? (units + 2) * 4 + (units % 2) * 4 : (units + 1) * 8
        return [protocol, [protocol === 51 ? bytes / 4 - 2 : units, ...new Uint8Array(bytes - 2).fill(1)]]
      }
      return extend(packet, Array.from({ length: 1 + this.#random.below(5) }, header))
    }
  }
}

/** IPv6 extension headers in front of what follows. @param headers number, and bytes behind the next header's number */
function extend (packet: Uint8Array, headers: ReadonlyArray<readonly [number, readonly number[]]>): Uint8Array {
  const last = packet[20] ?? 0
  const numbers = [...headers.map(([number]) => number), last]
  const inserted = headers.flatMap(([, bytes], index) => [numbers[index + 1] ?? 0, ...bytes])
  const extended = Uint8Array.of(...packet.subarray(0, 54), ...inserted, ...packet.subarray(54))
  extended[20] = numbers[0] ?? last
  const length = extended.length - 54
  extended.set([length >> 8, length & 255], 18)
  return extended
}
