// A table as a list of its N ids, ascending, and M indices into it of 1, 2, 4, 8 or 16 bits, as few as N needs, dealt out to the elements
// of an array: of E elements, element slot % E has the index of the slot at position slot / E. The ids are repeated in every element,
// or dealt out as the slots are where they would take more than half of it. lib/datapath/layout-compact.h says the same in C, and why.
//
//   0        4        6      7      8
//   +--------+--------+------+------+----+-----+----------------------------------------------+
//   | M u32  | listed | bits |dealt | id | ... | 16-bit units; the first index in the lowest bits |
//   +--------+--------+------+------+----+-----+----------------------------------------------+

/** an index has 16 bits at most; a services entry counts no more backends either */
export const COMPACT_IDS_MAX = 65_535

const HEADER_BYTES = 8
const ID_BYTES = 4
const UNIT_BITS = 16

export interface CompactShape {
  readonly valueSize: number
  readonly maxEntries: number
}

/** @param n distinct ids */
export function compactShape (m: number, n: number): CompactShape {
  const valueSize = elementBytes(m)
  let maxEntries = 1
  while (unitsStart(listedIds(m, n, maxEntries)) + unitBytes(m, n, maxEntries) > valueSize) maxEntries++
  return { valueSize, maxEntries }
}

/** as long as a table of two bits per slot and some 40 ids, in whole 8 bytes: one for all tables of M slots */
function elementBytes (m: number): number {
  return Math.floor((Math.floor(m / 4) + 176) / 8) * 8
}

/** a power of two, so that no index lies across two 16-bit units */
export function indexBits (n: number): 1 | 2 | 4 | 8 | 16 {
  if (n <= 2) return 1
  if (n <= 4) return 2
  if (n <= 16) return 4
  return n <= 256 ? 8 : 16
}

const isDealt = (m: number, n: number): boolean => 2 * ID_BYTES * n > elementBytes(m)
const listedIds = (m: number, n: number, elements: number): number => isDealt(m, n) ? Math.ceil(n / elements) : n
const unitsStart = (listed: number): number => HEADER_BYTES + ID_BYTES * listed
const unitBytes = (m: number, n: number, elements: number): number => 2 * Math.ceil(Math.ceil(m / elements) * indexBits(n) / UNIT_BITS)

/** @throws RangeError above COMPACT_IDS_MAX distinct ids */
export function encodeCompact (ids: Uint32Array): Uint8Array {
  const list = distinctIds(ids)
  if (list.length > COMPACT_IDS_MAX) throw new RangeError(`a compact table holds at most ${COMPACT_IDS_MAX} backends, not ${list.length}`)
  const bits = indexBits(list.length)
  const { valueSize, maxEntries } = compactShape(ids.length, list.length)
  const view = new DataView(new ArrayBuffer(valueSize * maxEntries))
  const dealt = isDealt(ids.length, list.length)
  const listed = listedIds(ids.length, list.length, maxEntries)
  for (let element = 0; element < maxEntries; element++) {
    const at = element * valueSize
    view.setUint32(at, ids.length, true)
    view.setUint16(at + 4, listed, true)
    view.setUint8(at + 6, bits)
    view.setUint8(at + 7, dealt ? 1 : 0)
    for (let position = 0; position < listed; position++) {
      const id = list[dealt ? position * maxEntries + element : position] ?? 0
      view.setUint32(at + HEADER_BYTES + ID_BYTES * position, id, true)
    }
  }
  const indexOf = new Map<number, number>()
  list.forEach((id, index) => indexOf.set(id, index))
  for (let slot = 0; slot < ids.length; slot++) {
    const bit = Math.floor(slot / maxEntries) * bits
    const at = slot % maxEntries * valueSize + unitsStart(listed) + (bit >>> 4) * 2
    view.setUint16(at, view.getUint16(at, true) | (indexOf.get(ids[slot] ?? 0) ?? 0) << (bit & 15), true)
  }
  return new Uint8Array(view.buffer)
}

/** @param bytes of all elements */
export function decodeCompact (bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const ids = new Uint32Array(compactSlots(view, 0))
  const valueSize = elementBytes(ids.length)
  const elements = bytes.length / valueSize
  const listed = view.getUint16(4, true)
  const bits = view.getUint8(6)
  const dealt = view.getUint8(7) === 1
  for (let slot = 0; slot < ids.length; slot++) {
    const element = slot % elements * valueSize
    const bit = Math.floor(slot / elements) * bits
    const index = view.getUint16(element + unitsStart(listed) + (bit >>> 4) * 2, true) >>> (bit & 15) & ((1 << bits) - 1)
    const at = dealt ? index % elements * valueSize + ID_BYTES * Math.floor(index / elements) : element + ID_BYTES * index
    ids[slot] = view.getUint32(HEADER_BYTES + at, true)
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
