// What is known of a number: bits (tnum), and signed and unsigned bounds of the whole 64 bits and of the low 32. Each of
// the five forms constrains the others; `synchronize` carries knowledge between them in the order of Linux 6.18, so that
// both verifiers end at the same bounds. Shared scalars are never written to: functions that compute take a `draft`.

import * as t from './tnum.ts'
import { Tnum } from './tnum.ts'
import * as w from './word.ts'
import { Word } from './word.ts'

export const U32_MAX = 0xffffffff
export const S32_MAX = 0x7fffffff
export const S32_MIN = -0x80000000
const S32_MIN_WORD = w.ofS32(S32_MIN)
const S32_MAX_WORD = w.ofS32(S32_MAX)

export class Scalar {
  bits: Tnum
  umin: Word
  umax: Word
  smin: Word
  smax: Word
  u32min: number
  u32max: number
  s32min: number
  s32max: number

  constructor (bits: Tnum, umin: Word, umax: Word, smin: Word, smax: Word, u32min: number, u32max: number, s32min: number, s32max: number) {
    this.bits = bits
    this.umin = umin
    this.umax = umax
    this.smin = smin
    this.smax = smax
    this.u32min = u32min
    this.u32max = u32max
    this.s32min = s32min
    this.s32max = s32max
  }
}

export const UNKNOWN = new Scalar(t.UNKNOWN, w.ZERO, w.ALL_ONES, w.S64_MIN, w.S64_MAX, 0, U32_MAX, S32_MIN, S32_MAX)
export const KNOWN_ZERO = known(w.ZERO)

export function known (value: Word): Scalar {
  return new Scalar(t.known(value), value, value, value, value, value.lo >>> 0, value.lo >>> 0, value.lo, value.lo)
}

/** @returns the number with its low half known */
export function withLow (a: Scalar, low: number): Scalar {
  const result = draft(a)
  result.bits = t.withLow(a.bits, t.known(w.ofU32(low)))
  result.u32min = result.u32max = low >>> 0
  result.s32min = result.s32max = low
  synchronize(result)
  return result
}

export function draft (a: Scalar): Scalar {
  return new Scalar(a.bits, a.umin, a.umax, a.smin, a.smax, a.u32min, a.u32max, a.s32min, a.s32max)
}

export const isKnown = (a: Scalar): boolean => t.isKnown(a.bits)
export const isLowKnown = (a: Scalar): boolean => t.isLowKnown(a.bits)
export const isKnownZero = (a: Scalar): boolean => t.isKnown(a.bits) && w.isZero(a.bits.value)
/** @returns whether the upper 32 bits are known to be 0 */
export const fits32 = (a: Scalar): boolean => a.umax.hi === 0

export function equal (a: Scalar, b: Scalar): boolean {
  return a === b || (t.equal(a.bits, b.bits) && w.equal(a.umin, b.umin) && w.equal(a.umax, b.umax) && w.equal(a.smin, b.smin) &&
    w.equal(a.smax, b.smax) && a.u32min === b.u32min && a.u32max === b.u32max && a.s32min === b.s32min && a.s32max === b.s32max)
}

/** @returns whether every number that fits `b` fits `a` */
export function contains (a: Scalar, b: Scalar): boolean {
  return a === b || (!w.below(b.umin, a.umin) && !w.below(a.umax, b.umax) && !w.less(b.smin, a.smin) && !w.less(a.smax, b.smax) &&
    a.u32min <= b.u32min && a.u32max >= b.u32max && a.s32min <= b.s32min && a.s32max >= b.s32max && t.contains(a.bits, b.bits))
}

export function forget64 (a: Scalar): void {
  a.umin = w.ZERO
  a.umax = w.ALL_ONES
  a.smin = w.S64_MIN
  a.smax = w.S64_MAX
}

export function forget32 (a: Scalar): void {
  a.u32min = 0
  a.u32max = U32_MAX
  a.s32min = S32_MIN
  a.s32max = S32_MAX
}

/** Bounds from known bits, low half. */
export function learn32FromBits (a: Scalar): void {
  const value = a.bits.value.lo
  const mask = a.bits.mask.lo
  a.s32min = Math.max(a.s32min, value | (mask & S32_MIN))
  a.s32max = Math.min(a.s32max, value | (mask & S32_MAX))
  a.u32min = Math.max(a.u32min, value >>> 0)
  a.u32max = Math.min(a.u32max, (value | mask) >>> 0)
}

/** Bounds from known bits: unknown bits all 0 for the minimum, all 1 for the maximum, the sign bit the other way round. */
export function learnFromBits (a: Scalar): void {
  learn32FromBits(a)
  const { value, mask } = a.bits
  const all = value.lo | mask.lo
  a.smin = w.maxSignedOf(a.smin, value.hi | (mask.hi & S32_MIN), value.lo)
  a.smax = w.minSignedOf(a.smax, value.hi | (mask.hi & S32_MAX), all)
  a.umin = w.maxUnsigned(a.umin, value)
  a.umax = w.minUnsignedOf(a.umax, value.hi | mask.hi, all)
  const only = onlyNumber(a)
  if (only !== null) become(a, only)
}

function become (a: Scalar, value: Word): void {
  a.bits = t.known(value)
  a.umin = a.umax = a.smin = a.smax = value
  a.u32min = a.u32max = value.lo >>> 0
  a.s32min = a.s32max = value.lo
}

/**
 * @returns the one number that fits both the bits and the unsigned bounds, if there is but one; on a path that cannot
 *   happen it may fit neither
 */
function onlyNumber ({ bits, umin, umax }: Scalar): Word | null {
  // an even minimum whose lowest bit is free: the next number is one more
  if ((bits.mask.lo & 1) === 1 && (umin.lo & 1) === 0 && t.admits(bits, umin)) return w.below(umin, umax) ? null : umin
  const max = w.or(bits.value, bits.mask)
  const next = t.nextAbove(bits, umin) ?? max
  if (t.admits(bits, umin)) return w.below(umax, next) ? umin : null
  if (w.equal(next, max)) return max
  return !w.below(umax, next) && w.below(umax, t.nextAbove(bits, next) ?? max) ? next : null
}

function narrowU32 (a: Scalar, min: number, max: number): void {
  a.u32min = Math.max(a.u32min, min >>> 0)
  a.u32max = Math.min(a.u32max, max >>> 0)
}

function narrowS32 (a: Scalar, min: number, max: number): void {
  a.s32min = Math.max(a.s32min, min | 0)
  a.s32max = Math.min(a.s32max, max | 0)
}

/** 32-bit bounds from 64-bit ones, and from each other. */
function deduce32 (a: Scalar): void {
  const { umin, umax, smin, smax } = a
  if (umin.hi === umax.hi) {
    narrowU32(a, umin.lo, umax.lo)
    if (umin.lo <= umax.lo) narrowS32(a, umin.lo, umax.lo)
  }
  if (smin.hi === smax.hi) {
    if ((smin.lo >>> 0) <= (smax.lo >>> 0)) narrowU32(a, smin.lo, smax.lo)
    if (smin.lo <= smax.lo) narrowS32(a, smin.lo, smax.lo)
  }
  // the upper halves are neighbours and the low ones go from negative to positive: one run of s32 numbers
  if (((umin.hi + 1) | 0) === umax.hi && umin.lo < 0 && umax.lo >= 0) narrowS32(a, umin.lo, umax.lo)
  if (((smin.hi + 1) | 0) === smax.hi && smin.lo < 0 && smax.lo >= 0) narrowS32(a, smin.lo, smax.lo)
  if ((a.u32min | 0) <= (a.u32max | 0)) narrowS32(a, a.u32min, a.u32max)
  if ((a.s32min >>> 0) <= (a.s32max >>> 0)) {
    narrowU32(a, a.s32min, a.s32max)
  } else if (a.u32max < a.s32min >>> 0) {
    a.s32min = a.u32min | 0
    a.u32max = Math.min(a.u32max, a.s32max >>> 0)
  } else if (a.s32max >>> 0 < a.u32min) {
    a.s32max = a.u32max | 0
    a.u32min = Math.max(a.u32min, a.s32min >>> 0)
  }
}

/** Signed and unsigned 64-bit bounds from each other. */
function deduce64 (a: Scalar): void {
  if (!w.less(a.umax, a.umin)) {
    a.smin = w.maxSigned(a.smin, a.umin)
    a.smax = w.minSigned(a.smax, a.umax)
  }
  if (!w.below(a.smax, a.smin)) {
    a.umin = w.maxUnsigned(a.smin, a.umin)
    a.umax = w.minUnsigned(a.smax, a.umax)
  } else if (w.below(a.umax, a.smin)) {
    // the signed range wraps around in unsigned order, and the unsigned one meets only its lower end
    a.smin = a.umin
    a.umax = w.minUnsigned(a.umax, a.smax)
  } else if (w.below(a.smax, a.umin)) {
    a.smax = a.umax
    a.umin = w.maxUnsigned(a.umin, a.smin)
  }
}

/** 64-bit bounds from 32-bit ones. */
function deduceMixed (a: Scalar): void {
  if (a.umin.lo >>> 0 < a.u32min) a.umin = new Word(a.umin.hi, a.u32min | 0)
  if (a.umax.lo >>> 0 > a.u32max) a.umax = new Word(a.umax.hi, a.u32max | 0)
  if (a.smin.lo >>> 0 < a.u32min) a.smin = new Word(a.smin.hi, a.u32min | 0)
  if (a.smax.lo >>> 0 > a.u32max) a.smax = new Word(a.smax.hi, a.u32max | 0)
  // a sign-extended number whose low half is not negative cannot be negative
  if (a.s32min >= 0 && !w.less(a.smin, S32_MIN_WORD) && !w.less(S32_MAX_WORD, a.smax)) {
    a.smin = a.umin = w.ofS32(a.s32min)
    a.smax = a.umax = w.ofS32(a.s32max)
    a.bits = t.intersect(a.bits, t.ofRange(a.smin, a.smax))
  }
}

/** @returns whether anything became known: a round that teaches nothing is the last that could */
function deduce (a: Scalar): boolean {
  const { umin, umax, smin, smax, u32min, u32max, s32min, s32max, bits } = a
  deduce32(a)
  deduce64(a)
  deduceMixed(a)
  return a.u32min !== u32min || a.u32max !== u32max || a.s32min !== s32min || a.s32max !== s32max || a.bits !== bits ||
    !w.equal(a.umin, umin) || !w.equal(a.umax, umax) || !w.equal(a.smin, smin) || !w.equal(a.smax, smax)
}

/** Bits from the unsigned bounds of all 64 and of the low 32: what the lowest and the highest number begin with. */
function learnBits (a: Scalar): void {
  const { umin, umax, bits: { value, mask } } = a
  const varyingHigh = ones(umin.hi ^ umax.hi)
  const varyingLow = varyingHigh !== 0 ? -1 : ones(umin.lo ^ umax.lo)
  const highMask = mask.hi & varyingHigh
  const high = (value.hi | (umin.hi & ~varyingHigh)) & ~highMask
  const wholeMask = mask.lo & varyingLow
  const whole = (value.lo | (umin.lo & ~varyingLow)) & ~wholeMask
  const varying32 = ones(a.u32min ^ a.u32max)
  const lowMask = wholeMask & varying32
  const low = (whole | (a.u32min & ~varying32)) & ~lowMask
  if (high === value.hi && low === value.lo && highMask === mask.hi && lowMask === mask.lo) return
  a.bits = new Tnum(new Word(high, low), new Word(highMask, lowMask))
}

/** All bits up to the highest one that is set. */
const ones = (bits: number): number => bits === 0 ? 0 : -1 >>> Math.clz32(bits)

/** Brings the five forms of a draft into agreement. */
export function synchronize (a: Scalar): void {
  learnFromBits(a)
  // at most three rounds, as the kernel has them
  if (deduce(a) && deduce(a)) deduce(a)
  learnBits(a)
  learnFromBits(a)
}

/**
 * On a path that cannot happen the forms may contradict each other. What follows is then dead, but must stay sound: bounds
 * are forgotten.
 */
export function settle (a: Scalar): void {
  const { value } = a.bits
  const empty = w.below(a.umax, a.umin) || w.less(a.smax, a.smin) || a.u32min > a.u32max || a.s32min > a.s32max
  const split = t.isKnown(a.bits) &&
    !(w.equal(a.umin, value) && w.equal(a.umax, value) && w.equal(a.smin, value) && w.equal(a.smax, value))
  const split32 = t.isLowKnown(a.bits) &&
    !(a.u32min === value.lo >>> 0 && a.u32max === value.lo >>> 0 && a.s32min === value.lo && a.s32max === value.lo)
  if (!empty && !split && !split32) return
  forget64(a)
  forget32(a)
}

/** The 64-bit value after a 32-bit operation: the low half, the upper one 0. */
export function zeroExtend32 (a: Scalar): void {
  a.bits = t.low(a.bits)
  a.umin = w.ofU32(a.u32min)
  a.umax = w.ofU32(a.u32max)
  const signKnown = a.s32min >= 0
  a.smin = signKnown ? w.ofS32(a.s32min) : w.ZERO
  a.smax = signKnown ? w.ofS32(a.s32max) : w.LOW_HALF
}

/** @param size bytes that are kept: what a load or move of that width leaves of a number */
export function truncate (source: Scalar, size: number): Scalar {
  if (size >= 8) return source
  if (source === UNKNOWN) return UNKNOWN_BYTES[size] as Scalar
  return truncated(source, size)
}

/** What a load of a few bytes gives, by their number. */
const UNKNOWN_BYTES = [0, 1, 2, 3, 4].map((size) => size === 0 ? UNKNOWN : truncated(UNKNOWN, size))

function truncated (source: Scalar, size: number): Scalar {
  const a = draft(source)
  a.bits = t.truncate(a.bits, size)
  const mask = size === 4 ? w.LOW_HALF : w.ofU32(2 ** (size * 8) - 1)
  const above = w.not(mask)
  if (w.equal(w.and(a.umin, above), w.and(a.umax, above))) {
    a.umin = w.and(a.umin, mask)
    a.umax = w.and(a.umax, mask)
  } else {
    a.umin = w.ZERO
    a.umax = mask
  }
  a.smin = a.umin
  a.smax = a.umax
  if (size < 4) forget32(a)
  synchronize(a)
  return a
}

const signExtend = (value: Word, shift: number): Word => w.sar(w.shl(value, shift), shift)

/** @param size bytes that are kept and whose sign fills the rest of 64 bits */
export function signExtend64 (source: Scalar, size: number): Scalar {
  const bits = size * 8
  const shift = 64 - bits
  if (isKnown(source)) return known(signExtend(source.bits.value, shift))
  const a = draft(UNKNOWN)
  const first = signExtend(source.smax, shift)
  const second = signExtend(source.smin, shift)
  const oneBlock = w.equal(w.shr(source.smax, bits), w.shr(source.smin, bits))
  if (oneBlock && w.isNegative(first) === w.isNegative(second)) {
    a.smin = a.umin = w.minSigned(first, second)
    a.smax = a.umax = w.maxSigned(first, second)
    a.bits = t.ofRange(a.smin, a.smax)
    a.s32min = a.smin.lo
    a.s32max = a.smax.lo
    a.u32min = a.smin.lo >>> 0
    a.u32max = a.smax.lo >>> 0
  } else {
    const limit = 2 ** (bits - 1)
    a.smin = w.ofNumber(-limit)
    a.smax = w.ofNumber(limit - 1)
    a.s32min = -limit
    a.s32max = limit - 1
  }
  return a
}

/** As `signExtend64`, to 32 bits; the upper half becomes 0. */
export function signExtend32 (source: Scalar, size: number): Scalar {
  const bits = size * 8
  const shift = 32 - bits
  const a = draft(source)
  forget64(a)
  if (isLowKnown(a)) {
    const value = a.bits.value.lo << shift >> shift
    a.bits = t.known(w.ofU32(value))
    a.s32min = a.s32max = value
    a.u32min = a.u32max = value >>> 0
  } else {
    const first = a.s32max << shift >> shift
    const second = a.s32min << shift >> shift
    const oneBlock = a.s32max >>> bits === a.s32min >>> bits
    if (oneBlock && (first < 0) === (second < 0)) {
      a.s32min = Math.min(first, second)
      a.s32max = Math.max(first, second)
      a.u32min = a.s32min >>> 0
      a.u32max = a.s32max >>> 0
      a.bits = t.ofRange(w.ofU32(a.u32min), w.ofU32(a.u32max))
    } else {
      a.s32min = -(2 ** (bits - 1))
      a.s32max = 2 ** (bits - 1) - 1
      a.u32min = 0
      a.u32max = U32_MAX
      a.bits = t.low(t.UNKNOWN)
    }
  }
  zeroExtend32(a)
  synchronize(a)
  return a
}
