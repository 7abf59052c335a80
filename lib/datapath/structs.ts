// Keys and values of Cilium's load-balancer maps (1.17 and later) as bytes, and back. x86-64 byte order, except for what
// the packet compares with: addresses, ports and revNAT ids are in network order (BE). One function serves both families:
// the length of an address, 4 or 16 bytes, says which struct is meant. maps.h holds the same structs for the program.

export interface ServiceKey {
  /** 4 or 16 bytes */
  readonly address: Uint8Array
  readonly port: number
  /** 0: the frontend; 1 and up: its backends in order */
  readonly slot: number
  /** IP protocol number; 0 with port 0: the wildcard entry */
  readonly protocol: number
  readonly scope: number
}

//  lb4_key  0        4     6     8     9     10       lb6_key   0        16    18    20    21    22
//           +--------+-----+-----+-----+-----+----+             +--------+-----+-----+-----+-----+----+
//           |address |dport|slot |proto|scope|pad |             |address |dport|slot |proto|scope|pad |
//           |BE 4    |BE 2 |2    |1    |1    |2   |             |BE 16   |BE 2 |2    |1    |1    |2   |
//           +--------+-----+-----+-----+-----+----+ 12          +--------+-----+-----+-----+-----+----+ 24

export function encodeServiceKey (key: ServiceKey): Uint8Array {
  const bytes = withAddress(key.address, 8)
  const at = key.address.length
  putBe16(bytes, at, key.port)
  putLe16(bytes, at + 2, key.slot)
  bytes[at + 4] = key.protocol
  bytes[at + 5] = key.scope
  return bytes
}

export function decodeServiceKey (bytes: Uint8Array): ServiceKey {
  const { address, view, at } = splitAddress(bytes, 8)
  return {
    address,
    port: view.getUint16(at),
    slot: view.getUint16(at + 2, true),
    protocol: view.getUint8(at + 4),
    scope: view.getUint8(at + 5)
  }
}

export interface ServiceValue {
  /** slot 1 and up: backend id; slot 0: see frontendWord */
  readonly word: number
  /** active backends, those that are in the table */
  readonly count: number
  readonly revNatId: number
  readonly flags: number
  readonly flags2: number
  /** quarantined backends, in the slots behind */
  readonly quarantinedCount: number
}

//  lb4_service, lb6_service  0       4     6         8     9      10
//                            +-------+-----+---------+-----+------+------+
//                            | word  |count|rev nat  |flags|flags2|qcount|
//                            | 4     |2    |BE 2     |1    |1     |2     |
//                            +-------+-----+---------+-----+------+------+ 12

export function encodeServiceValue (value: ServiceValue): Uint8Array {
  const bytes = new Uint8Array(12)
  putLe32(bytes, 0, value.word)
  putLe16(bytes, 4, value.count)
  putBe16(bytes, 6, value.revNatId)
  bytes[8] = value.flags
  bytes[9] = value.flags2
  putLe16(bytes, 10, value.quarantinedCount)
  return bytes
}

export function decodeServiceValue (bytes: Uint8Array): ServiceValue {
  const view = viewOf(bytes)
  return {
    word: view.getUint32(0, true),
    count: view.getUint16(4, true),
    revNatId: view.getUint16(6),
    flags: view.getUint8(8),
    flags2: view.getUint8(9),
    quarantinedCount: view.getUint16(10, true)
  }
}

/** A frontend's first word: algorithm in the upper byte, affinity timeout in the 24 bits below (0: no affinity). */
export function frontendWord (algorithm: number, affinityTimeoutSeconds = 0): number {
  return ((algorithm << 24) | (affinityTimeoutSeconds & 0xffffff)) >>> 0
}

export function splitFrontendWord (word: number): { algorithm: number, affinityTimeoutSeconds: number } {
  return { algorithm: word >>> 24, affinityTimeoutSeconds: word & 0xffffff }
}

/** The first word of a frontend whose packets go to a proxy of the node: its port, in network order. */
export function proxyPortWord (port: number): number {
  return (port & 0xff) << 8 | port >>> 8
}

export function splitProxyPortWord (word: number): number {
  return proxyPortWord(word & 0xffff)
}

export interface BackendValue {
  /** 4 or 16 bytes */
  readonly address: Uint8Array
  readonly port: number
  readonly protocol: number
  /** its state: backendStateNumbers */
  readonly flags: number
  readonly clusterId: number
  readonly zone: number
}

//  lb4_backend  0        4     6     7     8       10   11    lb6_backend: the same behind a 16-byte address, 24 bytes
//               +--------+-----+-----+-----+-------+----+---+
//               |address |port |proto|flags|cluster|zone|pad|
//               |BE 4    |BE 2 |1    |1    |2      |1   |1  |
//               +--------+-----+-----+-----+-------+----+---+ 12

export function encodeBackendValue (value: BackendValue): Uint8Array {
  const bytes = withAddress(value.address, 8)
  const at = value.address.length
  putBe16(bytes, at, value.port)
  bytes[at + 2] = value.protocol
  bytes[at + 3] = value.flags
  putLe16(bytes, at + 4, value.clusterId)
  bytes[at + 6] = value.zone
  return bytes
}

export function decodeBackendValue (bytes: Uint8Array): BackendValue {
  const { address, view, at } = splitAddress(bytes, 8)
  return {
    address,
    port: view.getUint16(at),
    protocol: view.getUint8(at + 2),
    flags: view.getUint8(at + 3),
    clusterId: view.getUint16(at + 4, true),
    zone: view.getUint8(at + 6)
  }
}

export interface ReverseNatValue {
  /** 4 or 16 bytes */
  readonly address: Uint8Array
  readonly port: number
}

//  lb4_reverse_nat  0        4     6      lb6_reverse_nat  0        16    18    packed: no padding
//                   +--------+-----+                       +--------+-----+
//                   |BE 4    |BE 2 |                       |BE 16   |BE 2 |
//                   +--------+-----+                       +--------+-----+

export function encodeReverseNatValue (value: ReverseNatValue): Uint8Array {
  const bytes = withAddress(value.address, 2)
  putBe16(bytes, value.address.length, value.port)
  return bytes
}

export function decodeReverseNatValue (bytes: Uint8Array): ReverseNatValue {
  const { address, view, at } = splitAddress(bytes, 2)
  return { address, port: view.getUint16(at) }
}

export interface AffinityMatchKey {
  readonly backendId: number
  readonly revNatId: number
}

//  lb_affinity_match  0          4       6     8    which backends the clients of a frontend may stay with
//                     +----------+-------+-----+
//                     |backend id|rev nat|pad  |
//                     |4         |BE 2   |2    |
//                     +----------+-------+-----+

export function encodeAffinityMatchKey ({ backendId, revNatId }: AffinityMatchKey): Uint8Array {
  const bytes = new Uint8Array(8)
  putLe32(bytes, 0, backendId)
  putBe16(bytes, 4, revNatId)
  return bytes
}

export function decodeAffinityMatchKey (bytes: Uint8Array): AffinityMatchKey {
  const view = viewOf(bytes)
  return { backendId: view.getUint32(0, true), revNatId: view.getUint16(4) }
}

export interface SourceRangeKey {
  readonly revNatId: number
  /** 4 or 16 bytes */
  readonly address: Uint8Array
  /** bits of the address */
  readonly bits: number
}

/** bits of a source range's key before its address: the revNAT id and its padding, which must match as a whole */
const SOURCE_RANGE_BITS_BEFORE = 32

//  lb4_src_range_key  0          4       6     8       12     lb6_src_range_key: the same with a 16-byte address, 24 bytes
//                     +----------+-------+-----+--------+
//                     |prefix len|rev nat|pad  |address |
//                     |4         |BE 2   |2    |BE 4    |
//                     +----------+-------+-----+--------+

export function encodeSourceRangeKey ({ revNatId, address, bits }: SourceRangeKey): Uint8Array {
  const bytes = new Uint8Array(8 + address.length)
  putLe32(bytes, 0, SOURCE_RANGE_BITS_BEFORE + bits)
  putBe16(bytes, 4, revNatId)
  bytes.set(address, 8)
  return bytes
}

export function decodeSourceRangeKey (bytes: Uint8Array): SourceRangeKey {
  const view = viewOf(bytes)
  return { revNatId: view.getUint16(4), address: bytes.slice(8), bits: view.getUint32(0, true) - SOURCE_RANGE_BITS_BEFORE }
}

/** Value of the affinity match and source range maps, where only the keys say something. */
export function encodePresence (): Uint8Array {
  return Uint8Array.of(1)
}

/** Key of the reverse NAT maps and of the outer Maglev maps: the revNAT id in network order. */
export function encodeRevNatId (id: number): Uint8Array {
  const bytes = new Uint8Array(2)
  putBe16(bytes, 0, id)
  return bytes
}

export function decodeRevNatId (bytes: Uint8Array): number {
  return viewOf(bytes).getUint16(0)
}

/** Key of the backend maps, of arrays, of cilium_metrics: a u32. Also an id as a table holds it. */
export function encodeU32 (value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  putLe32(bytes, 0, value)
  return bytes
}

export function decodeU32 (bytes: Uint8Array): number {
  return viewOf(bytes).getUint32(0, true)
}

/** @param values one u64 per CPU, as bpf(2) gives the element of a per-CPU map. @returns their sum, exact below 2^53 */
export function sumCounters (values: Uint8Array): number {
  const view = viewOf(values)
  let sum = 0
  for (let at = 0; at < values.length; at += 8) sum += view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32
  return sum
}

function viewOf (bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** @returns zeroed bytes that begin with the address */
function withAddress (address: Uint8Array, rest: number): Uint8Array {
  const bytes = new Uint8Array(address.length + rest)
  for (let at = 0; at < address.length; at++) bytes[at] = address[at] ?? 0
  return bytes
}

// A large cluster has hundreds of thousands of entries: a DataView for each would be as much to collect as the bytes.

function putLe16 (bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
}

function putBe16 (bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}

function putLe32 (bytes: Uint8Array, at: number, value: number): void {
  putLe16(bytes, at, value)
  putLe16(bytes, at + 2, value >>> 16)
}

function splitAddress (bytes: Uint8Array, rest: number): { address: Uint8Array, view: DataView, at: number } {
  const at = bytes.length - rest
  return { address: bytes.slice(0, at), view: viewOf(bytes), at }
}
