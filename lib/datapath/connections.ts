// What the program remembers of flows and clients, as bytes and back; maps.h holds the same structs. Ports lie as in the packet.

export interface ConnectionKey {
  /** 4 or 16 bytes each */
  readonly destination: Uint8Array
  readonly source: Uint8Array
  readonly sourcePort: number
  readonly destinationPort: number
  readonly protocol: number
  readonly kind: keyof typeof connectionKinds
}

/** to a service; to one of its backends, for the way back */
export const connectionKinds = { service: 4, backend: 0 } as const

//  ct4_tuple  0           4       8     10    12    13          ct6_tuple: the same with 16-byte addresses, 38 bytes
//             +-----------+-------+-----+-----+-----+-----+
//             |destination|source |sport|dport|proto|flags|
//             |BE 4       |BE 4   |BE 2 |BE 2 |1    |1    |
//             +-----------+-------+-----+-----+-----+-----+ 14

export function encodeConnectionKey (key: ConnectionKey): Uint8Array {
  const at = 2 * key.destination.length
  const bytes = new Uint8Array(at + 6)
  bytes.set(key.destination)
  bytes.set(key.source, key.destination.length)
  const view = new DataView(bytes.buffer)
  view.setUint16(at, key.sourcePort)
  view.setUint16(at + 2, key.destinationPort)
  view.setUint8(at + 4, key.protocol)
  view.setUint8(at + 5, connectionKinds[key.kind])
  return bytes
}

export interface Connection {
  readonly backendId: number
  /** second of the machine's clock at which it ends */
  readonly endsAtSeconds: number
  /** FIN or RST seen */
  readonly closing: boolean
  /** of the service that it was made to */
  readonly revNatId: number
}

const CLOSING = 3

export function decodeConnection (bytes: Uint8Array): Connection {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return {
    backendId: view.getUint32(8, true),
    endsAtSeconds: view.getUint32(32, true),
    closing: (view.getUint16(36, true) & CLOSING) !== 0,
    revNatId: view.getUint16(38)
  }
}

//  lb4_affinity_key  0      4    8       10     11   16      lb6_affinity_key: client 16, rev nat at 16, 24 bytes
//                    +------+----+-------+------+----+
//                    |client|0   |rev nat|cookie|pad |
//                    |BE 4  |4   |BE 2   |1     |5   |
//                    +------+----+-------+------+----+

/** @param client 4 or 16 bytes */
export function encodeAffinityKey (client: Uint8Array, revNatId: number): Uint8Array {
  const at = Math.max(8, client.length)
  const bytes = new Uint8Array(at + 8)
  bytes.set(client)
  new DataView(bytes.buffer).setUint16(at, revNatId)
  return bytes
}

export interface Affinity {
  readonly backendId: number
  /** ms of the machine's clock */
  readonly lastUsedMs: number
}

export function decodeAffinity (bytes: Uint8Array): Affinity {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { backendId: view.getUint32(8, true), lastUsedMs: Number(view.getBigUint64(0, true) / 1_000_000n) }
}
