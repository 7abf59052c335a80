// Known bits of a 64-bit number ("tristate numbers"): a bit set in `mask` is unknown, else `value` holds it; `value` and
// `mask` share no bit. The operations are those of Vishwanathan et al., "Sound, Precise, and Fast Abstract Interpretation
// with Tristate Numbers" (CGO 2022); multiplication is the one that joins both outcomes of an unknown bit (Linux 6.18).

import * as w from './word.ts'
import { Word } from './word.ts'

export class Tnum {
  readonly value: Word
  readonly mask: Word

  constructor (value: Word, mask: Word) {
    this.value = value
    this.mask = mask
  }
}

export const UNKNOWN = new Tnum(w.ZERO, w.ALL_ONES)
const KNOWN_ZERO = new Tnum(w.ZERO, w.ZERO)

export const known = (value: Word): Tnum => new Tnum(value, w.ZERO)
export const isKnown = (a: Tnum): boolean => w.isZero(a.mask)
export const isUnknown = (a: Tnum): boolean => w.equal(a.mask, w.ALL_ONES)
export const equal = (a: Tnum, b: Tnum): boolean => w.equal(a.value, b.value) && w.equal(a.mask, b.mask)

/** @returns the least known bits that hold for every number from `min` to `max`, both unsigned */
export function ofRange (min: Word, max: Word): Tnum {
  const bits = w.bitLength(w.xor(min, max))
  if (bits > 63) return UNKNOWN
  const mask = w.sub(w.shl(w.ONE, bits), w.ONE)
  return new Tnum(w.and(min, w.not(mask)), mask)
}

export function add (a: Tnum, b: Tnum): Tnum {
  const masks = w.add(a.mask, b.mask)
  const values = w.add(a.value, b.value)
  const changed = w.xor(w.add(masks, values), values)
  const mask = w.or(changed, w.or(a.mask, b.mask))
  return new Tnum(w.and(values, w.not(mask)), mask)
}

export function sub (a: Tnum, b: Tnum): Tnum {
  const difference = w.sub(a.value, b.value)
  const changed = w.xor(w.add(difference, a.mask), w.sub(difference, b.mask))
  const mask = w.or(changed, w.or(a.mask, b.mask))
  return new Tnum(w.and(difference, w.not(mask)), mask)
}

export const neg = (a: Tnum): Tnum => sub(KNOWN_ZERO, a)

export function and (a: Tnum, b: Tnum): Tnum {
  const maybe = w.and(w.or(a.value, a.mask), w.or(b.value, b.mask))
  const value = w.and(a.value, b.value)
  return new Tnum(value, w.and(maybe, w.not(value)))
}

export function or (a: Tnum, b: Tnum): Tnum {
  const value = w.or(a.value, b.value)
  return new Tnum(value, w.and(w.or(a.mask, b.mask), w.not(value)))
}

export function xor (a: Tnum, b: Tnum): Tnum {
  const mask = w.or(a.mask, b.mask)
  return new Tnum(w.and(w.xor(a.value, b.value), w.not(mask)), mask)
}

/** Long multiplication: an unknown bit of `a` leaves both sums possible. */
export function mul (a: Tnum, b: Tnum): Tnum {
  if (isKnown(a) && isKnown(b)) return known(w.mul(a.value, b.value))
  let sum = KNOWN_ZERO
  while (!w.isZero(a.value) || !w.isZero(a.mask)) {
    if ((a.value.lo & 1) !== 0) sum = add(sum, b)
    else if ((a.mask.lo & 1) !== 0) sum = union(sum, add(sum, b))
    a = shr(a, 1)
    b = shl(b, 1)
  }
  return sum
}

export const shl = (a: Tnum, shift: number): Tnum => new Tnum(w.shl(a.value, shift), w.shl(a.mask, shift))
export const shr = (a: Tnum, shift: number): Tnum => new Tnum(w.shr(a.value, shift), w.shr(a.mask, shift))
export const sar = (a: Tnum, shift: number): Tnum => new Tnum(w.sar(a.value, shift), w.sar(a.mask, shift))

/** Shift of the low 32 bits that keeps their sign; the upper bits become 0. */
export const sar32 = (a: Tnum, shift: number): Tnum => new Tnum(new Word(0, a.value.lo >> shift), new Word(0, a.mask.lo >> shift))

/** Both hold: the bits known from either. */
export function intersect (a: Tnum, b: Tnum): Tnum {
  const mask = w.and(a.mask, b.mask)
  return new Tnum(w.and(w.or(a.value, b.value), w.not(mask)), mask)
}

/** One of them holds: the bits known from both and equal. */
export function union (a: Tnum, b: Tnum): Tnum {
  const mask = w.or(w.xor(a.value, b.value), w.or(a.mask, b.mask))
  return new Tnum(w.and(w.and(a.value, b.value), w.not(mask)), mask)
}

/** @returns whether some number fits both */
export function overlap (a: Tnum, b: Tnum): boolean {
  return w.isZero(w.and(w.xor(a.value, b.value), w.not(w.or(a.mask, b.mask))))
}

/** @returns whether the number fits */
export const admits = (a: Tnum, value: Word): boolean => w.equal(w.and(value, w.not(a.mask)), a.value)

/** @returns the least number above `value` that fits, or null: there is none */
export function nextAbove (a: Tnum, value: Word): Word | null {
  const start = w.add(value, w.ONE)
  if (w.isZero(start)) return null
  const wrong = w.and(w.xor(start, a.value), w.not(a.mask))
  if (w.isZero(wrong)) return start
  // the highest known bit that is wrong: a 0 that must be 1 lets all unknown bits below it be 0; a 1 that must be 0 has to
  // be carried into the next unknown bit above that is still 0
  let bit = w.bitLength(wrong) - 1
  if (!w.isZero(w.and(start, w.shl(w.ONE, bit)))) {
    const free = w.and(w.and(a.mask, w.not(start)), w.shl(w.ALL_ONES, bit))
    if (w.isZero(free)) return null
    bit = w.bitLength(w.and(free, w.neg(free))) - 1
    return w.or(a.value, w.or(w.shl(w.ONE, bit), w.and(w.and(start, a.mask), above(bit))))
  }
  return w.or(a.value, w.and(w.and(start, a.mask), above(bit)))
}

/** All bits above one. */
const above = (bit: number): Word => bit === 63 ? w.ZERO : w.shl(w.ALL_ONES, bit + 1)

/** @returns whether every number that fits `b` fits `a` */
export function contains (a: Tnum, b: Tnum): boolean {
  return w.isZero(w.and(b.mask, w.not(a.mask))) && w.equal(a.value, w.and(b.value, w.not(a.mask)))
}

/** @returns whether the number is a multiple of `size`, a power of two */
export function isAligned (a: Tnum, size: number): boolean {
  return ((a.value.lo | a.mask.lo) & (size - 1)) === 0
}

/** The low 32 bits, the upper ones 0. */
export const low = (a: Tnum): Tnum => new Tnum(new Word(0, a.value.lo), new Word(0, a.mask.lo))
export const clearLow = (a: Tnum): Tnum => new Tnum(new Word(a.value.hi, 0), new Word(a.mask.hi, 0))
export const withLow = (a: Tnum, half: Tnum): Tnum => or(clearLow(a), low(half))
export const isLowKnown = (a: Tnum): boolean => a.mask.lo === 0

/** @param size bytes to keep; the others become 0 */
export function truncate (a: Tnum, size: number): Tnum {
  if (size >= 8) return a
  const mask = size === 4 ? w.LOW_HALF : new Word(0, (1 << (size * 8)) - 1)
  return new Tnum(w.and(a.value, mask), w.and(a.mask, mask))
}

export const toString = (a: Tnum): string => `(${w.toHex(a.value)}; ${w.toHex(a.mask)})`
