// A table as a list of its N ids, ascending, and M indices into it of 1, 2, 4, 8 or 16 bits, as few as N needs; all of it cut into the
// elements of an array. lib/datapath/layout-compact.h says the same in C, and why elements are as long as they are.
//
//   0       4    6      7       8                8 + 4 N
//   +-------+----+------+-------+----+----+-----+------------------------------------------------+
//   | M u32 | N  | bits | pad   | id | id | ... | 16-bit units; index of slot 0 in the lowest bits |
//   +-------+----+------+-------+----+----+-----+------------------------------------------------+

/** N is a u16 in the header, as it is in a services entry */
export const COMPACT_IDS_MAX = 65_535

const HEADER_BYTES = 8
const ID_BYTES = 4

export interface CompactShape {
  readonly valueSize: number
  readonly maxEntries: number
}

/** @param n distinct ids */
export function compactShape (m: number, n: number): CompactShape {
  const bytes = HEADER_BYTES + ID_BYTES * n + 2 * Math.ceil(m * indexBits(n) / 16)
  const valueSize = elementBytes(m)
  return { valueSize, maxEntries: Math.ceil(bytes / valueSize) }
}

/** as long as a table of two bits per slot and some 64 bytes more, in whole 8 bytes: one for all tables of M slots */
function elementBytes (m: number): number {
  return Math.floor((Math.floor(m / 4) + 72) / 8) * 8
}

/** a power of two, so that no index lies across two 16-bit units */
export function indexBits (n: number): 1 | 2 | 4 | 8 | 16 {
  if (n <= 2) return 1
  if (n <= 4) return 2
  if (n <= 16) return 4
  return n <= 256 ? 8 : 16
}

/** @throws RangeError above COMPACT_IDS_MAX distinct ids */
export function encodeCompact (ids: Uint32Array): Uint8Array {
  const list = distinctIds(ids)
  if (list.length > COMPACT_IDS_MAX) throw new RangeError(`a compact table holds at most ${COMPACT_IDS_MAX} backends, not ${list.length}`)
  const bits = indexBits(list.length)
  const { valueSize, maxEntries } = compactShape(ids.length, list.length)
  const view = new DataView(new ArrayBuffer(valueSize * maxEntries))
  view.setUint32(0, ids.length, true)
  view.setUint16(4, list.length, true)
  view.setUint8(6, bits)
  const indexOf = new Map<number, number>()
  list.forEach((id, index) => {
    view.setUint32(HEADER_BYTES + ID_BYTES * index, id, true)
    indexOf.set(id, index)
  })
  const units = HEADER_BYTES + ID_BYTES * list.length
  for (let slot = 0, bit = 0; slot < ids.length; slot++, bit += bits) {
    const at = units + (bit >>> 4) * 2
    view.setUint16(at, view.getUint16(at, true) | (indexOf.get(ids[slot] ?? 0) ?? 0) << (bit & 15), true)
  }
  return new Uint8Array(view.buffer)
}

export function decodeCompact (bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const ids = new Uint32Array(compactSlots(view, 0))
  const n = view.getUint16(4, true)
  const bits = view.getUint8(6)
  const units = HEADER_BYTES + ID_BYTES * n
  for (let slot = 0, bit = 0; slot < ids.length; slot++, bit += bits) {
    const index = view.getUint16(units + (bit >>> 4) * 2, true) >>> (bit & 15) & ((1 << bits) - 1)
    ids[slot] = view.getUint32(HEADER_BYTES + ID_BYTES * index, true)
  }
  return ids
}

/** M of the table that begins there */
export function compactSlots (view: DataView, at: number): number {
  return view.getUint32(at, true)
}

export function distinctIds (ids: Uint32Array): Uint32Array {
  return new Uint32Array(new Set(ids)).sort()
}
