// A table as a list of its N ids, ascending, and M indices into it that are digits of numbers: d digits in base B are one 32-bit word,
// the fraction of 2^32 that they are after the point. Slot s is in element s % elements at position p = s / elements: digit p % d of
// word p / d, the words counted from the end. How many elements there are says d and B. From nine on, a word is two indices of 16 bits
// and the ids are dealt out as the slots are; else each element has them all. lib/datapath/layout-compact.h says the same in C, and why.
//
//   0                                                               last 4 bytes
//   +----+----+-----+-----------------------------+--------+--------+
//   | id | id | ... |                             | word 1 | word 0 |
//   +----+----+-----+-----------------------------+--------+--------+

/** an index has 16 bits at most; a services entry counts no more backends either */
export const COMPACT_IDS_MAX = 65_535

const WORD_BYTES = 4
const ID_BYTES = 4
/** an array's elements take whole 8 bytes */
const ELEMENT_ALIGNMENT = 8

interface Digits {
  readonly elements: number
  /** of a word */
  readonly digits: number
  readonly base: number
}

/** base ** digits is below 2^32, and as near as can be */
export const compactDigits: readonly Digits[] = [
  { elements: 1, digits: 20, base: 3 },
  { elements: 2, digits: 9, base: 11 },
  { elements: 4, digits: 5, base: 84 },
  { elements: 8, digits: 3, base: 1625 }
]
const WHOLE_ELEMENTS_MAX = 8
const dealtDigits = (elements: number): Digits => ({ elements, digits: 2, base: 65_536 })

export interface CompactShape {
  readonly valueSize: number
  readonly maxEntries: number
}

/** @param n distinct ids */
export function compactShape (m: number, n: number): CompactShape {
  const valueSize = elementBytes(m)
  const whole = compactDigits.find((digits) => n <= digits.base && wordBytes(m, digits) + ID_BYTES * n <= valueSize)
  if (whole !== undefined) return { valueSize, maxEntries: whole.elements }
  let maxEntries = WHOLE_ELEMENTS_MAX + 1
  while (wordBytes(m, dealtDigits(maxEntries)) + ID_BYTES * Math.ceil(n / maxEntries) > valueSize) maxEntries++
  return { valueSize, maxEntries }
}

/** one for all tables of M slots: room for nine digits a word in two elements, which is M x 2/9 words, and ids */
function elementBytes (m: number): number {
  return (m * 57 >>> 8 & ~3) + 136
}

function wordBytes (m: number, { elements, digits }: Digits): number {
  return WORD_BYTES * Math.ceil(Math.ceil(m / elements) / digits)
}

/** @throws RangeError above COMPACT_IDS_MAX distinct ids */
export function encodeCompact (ids: Uint32Array): Uint8Array {
  const list = distinctIds(ids)
  if (list.length > COMPACT_IDS_MAX) throw new RangeError(`a compact table holds at most ${COMPACT_IDS_MAX} backends, not ${list.length}`)
  const { valueSize, maxEntries } = compactShape(ids.length, list.length)
  const stride = strideOf(valueSize)
  const view = new DataView(new ArrayBuffer(stride * maxEntries))
  const digits = digitsOf(maxEntries)
  const indices = indicesIn(list, ids)
  for (let element = 0; element < maxEntries; element++) {
    const at = element * stride
    const listed = maxEntries > WHOLE_ELEMENTS_MAX ? list.filter((_, index) => index % maxEntries === element) : list
    listed.forEach((id, index) => { view.setUint32(at + ID_BYTES * index, id, true) })
    for (let word = 0, slot = element; slot < ids.length; word++, slot += digits.digits * maxEntries) {
      view.setUint32(at + valueSize - WORD_BYTES * (word + 1), encodeWord(indices, slot, digits), true)
    }
  }
  return new Uint8Array(view.buffer)
}

function strideOf (valueSize: number): number {
  return Math.ceil(valueSize / ELEMENT_ALIGNMENT) * ELEMENT_ALIGNMENT
}

function digitsOf (elements: number): Digits {
  return compactDigits.find((digits) => digits.elements === elements) ?? dealtDigits(elements)
}

function indicesIn (list: Uint32Array, ids: Uint32Array): Uint16Array {
  const indices = new Uint16Array(ids.length)
  const first = list[0] ?? 0
  const span = (list.at(-1) ?? 0) - first + 1
  if (span <= spanMost(ids)) {
    const indexOf = new Uint16Array(span)
    list.forEach((id, index) => { indexOf[id - first] = index })
    for (let slot = 0; slot < ids.length; slot++) indices[slot] = indexOf[(ids[slot] as number) - first] as number
    return indices
  }
  const indexOf = new Map<number, number>()
  list.forEach((id, index) => indexOf.set(id, index))
  for (let slot = 0; slot < ids.length; slot++) indices[slot] = indexOf.get(ids[slot] as number) ?? 0
  return indices
}

/** Ids of one service mostly lie close together: an array over the span from the least to the greatest is many times faster than a Map. */
const spanMost = (ids: Uint32Array): number => 4 * ids.length

/** @param slot of the first digit */
function encodeWord (indices: Uint16Array, slot: number, { elements, digits, base }: Digits): number {
  let value = 0
  for (let digit = 0; digit < digits; digit++) value = value * base + (indices[slot + digit * elements] ?? 0)
  return fractionOf(value, base ** digits)
}

/** @returns value / whole as a fraction of 2^32, rounded up; in two steps of 16 bits, which stay exact */
function fractionOf (value: number, whole: number): number {
  const upper = Math.floor(value * 65_536 / whole)
  const rest = value * 65_536 - upper * whole
  return upper * 65_536 + Math.ceil(rest * 65_536 / whole)
}

/** @param bytes of all elements of a table of M slots */
export function decodeCompact (m: number, bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const valueSize = elementBytes(m)
  const stride = strideOf(valueSize)
  const elements = bytes.length / stride
  const { digits, base } = digitsOf(elements)
  const dealt = elements > WHOLE_ELEMENTS_MAX
  const ids = new Uint32Array(m)
  for (let slot = 0; slot < m; slot++) {
    const position = Math.floor(slot / elements)
    const word = Math.floor(position / digits)
    const element = slot % elements * stride
    const index = decodeDigit(view.getUint32(element + valueSize - WORD_BYTES * (word + 1), true), base, position % digits)
    const at = dealt ? index % elements * stride + ID_BYTES * Math.floor(index / elements) : element + ID_BYTES * index
    ids[slot] = view.getUint32(at, true)
  }
  return ids
}

function decodeDigit (word: number, base: number, digit: number): number {
  const fraction = Math.imul(word, base ** digit) >>> 0
  return Math.floor(fraction * base / 2 ** 32)
}

/** @returns ascending */
export function distinctIds (ids: Uint32Array): Uint32Array {
  let [least, greatest] = [Infinity, 0]
  for (let slot = 0; slot < ids.length; slot++) {
    const id = ids[slot] as number
    if (id < least) least = id
    if (id > greatest) greatest = id
  }
  if (!(greatest - least < spanMost(ids))) return new Uint32Array(new Set(ids)).sort()
  const isThere = new Uint8Array(greatest - least + 1)
  for (let slot = 0; slot < ids.length; slot++) isThere[(ids[slot] as number) - least] = 1
  const list = new Uint32Array(isThere.reduce((sum, one) => sum + one, 0))
  let at = 0
  isThere.forEach((one, offset) => { if (one === 1) list[at++] = least + offset })
  return list
}
