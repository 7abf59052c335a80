// A table as a list of its N ids, ascending, and M indices into it of 1, 2, 4, 8 or 16 bits, as few as N needs.
//
//   words of 4 bytes, 16 to an element            16-bit units, 32 to an element, from the next whole element on
//   +---+----------+------+------+-----+-----+  +--------------------------------------------+
//   | M | N | bits | id 0 | id 1 | ... | pad |  | index of slot 0 in the lowest bits, slot 1 |  ...
//   +---+----------+------+------+-----+-----+  +--------------------------------------------+
//    u32 u16  u8+u8

/** An element brings the header and the first 14 ids along: of the sizes tried, the quickest in the kernel (`npm run bench -- --layouts`). */
export const COMPACT_ELEMENT_BYTES = 64

/** N is a u16 in the header, as it is in a services entry */
export const COMPACT_IDS_MAX = 65_535

const HEADER_BYTES = 8

export interface CompactShape {
  readonly valueSize: number
  readonly maxEntries: number
}

/** @param n distinct ids */
export function compactShape (m: number, n: number): CompactShape {
  return { valueSize: COMPACT_ELEMENT_BYTES, maxEntries: listElements(n) + Math.ceil(m * indexBits(n) / (8 * COMPACT_ELEMENT_BYTES)) }
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
  const bytes = new Uint8Array(compactShape(ids.length, list.length).maxEntries * COMPACT_ELEMENT_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, ids.length, true)
  view.setUint16(4, list.length, true)
  view.setUint8(6, bits)
  list.forEach((id, index) => view.setUint32(HEADER_BYTES + 4 * index, id, true))
  const indexOf = new Map<number, number>()
  list.forEach((id, index) => indexOf.set(id, index))
  const units = listElements(list.length) * COMPACT_ELEMENT_BYTES
  for (let slot = 0, bit = 0; slot < ids.length; slot++, bit += bits) {
    const at = units + (bit >>> 4) * 2
    view.setUint16(at, view.getUint16(at, true) | (indexOf.get(ids[slot] ?? 0) ?? 0) << (bit & 15), true)
  }
  return bytes
}

export function decodeCompact (bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const ids = new Uint32Array(compactSlots(view, 0))
  const n = view.getUint16(4, true)
  const bits = view.getUint8(6)
  const units = listElements(n) * COMPACT_ELEMENT_BYTES
  for (let slot = 0, bit = 0; slot < ids.length; slot++, bit += bits) {
    const index = view.getUint16(units + (bit >>> 4) * 2, true) >>> (bit & 15) & ((1 << bits) - 1)
    ids[slot] = view.getUint32(HEADER_BYTES + 4 * index, true)
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

/** elements before the indices: the header and n ids */
function listElements (n: number): number {
  return Math.ceil((HEADER_BYTES + 4 * n) / COMPACT_ELEMENT_BYTES)
}
