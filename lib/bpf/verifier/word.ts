// 64-bit words as two signed 32-bit halves: what the verifier computes bounds with. A BigInt addition with wrap-around
// costs 150 ns and more; the halves stay small integers to the engine, so that hundreds of thousands of instructions a
// second can be walked. Every function wraps modulo 2^64.
//
//    63            32 31             0
//   +----------------+----------------+
//   |    hi (s32)    |    lo (s32)    |
//   +----------------+----------------+

export class Word {
  readonly hi: number
  readonly lo: number

  constructor (hi: number, lo: number) {
    this.hi = hi
    this.lo = lo
  }
}

export const ZERO = new Word(0, 0)
export const ONE = new Word(0, 1)
export const ALL_ONES = new Word(-1, -1)
export const S64_MIN = new Word(-0x80000000, 0)
export const S64_MAX = new Word(0x7fffffff, -1)
export const LOW_HALF = new Word(0, -1)

const TWO_32 = 0x1_0000_0000

export const ofU32 = (value: number): Word => new Word(0, value | 0)
export const ofS32 = (value: number): Word => new Word(value >> 31, value | 0)

/** @param value an integer a double holds exactly */
export function ofNumber (value: number): Word {
  return new Word(Math.floor(value / TWO_32) | 0, value | 0)
}

/** @returns the signed value; exact up to 2^53 */
export const toNumber = (a: Word): number => a.hi * TWO_32 + (a.lo >>> 0)
export const toUnsignedNumber = (a: Word): number => (a.hi >>> 0) * TWO_32 + (a.lo >>> 0)

export function add (a: Word, b: Word): Word {
  const lo = (a.lo + b.lo) | 0
  const carry = (lo >>> 0) < (a.lo >>> 0) ? 1 : 0
  return new Word((a.hi + b.hi + carry) | 0, lo)
}

export function sub (a: Word, b: Word): Word {
  const borrow = (a.lo >>> 0) < (b.lo >>> 0) ? 1 : 0
  return new Word((a.hi - b.hi - borrow) | 0, (a.lo - b.lo) | 0)
}

export const neg = (a: Word): Word => sub(ZERO, a)
export const and = (a: Word, b: Word): Word => new Word(a.hi & b.hi, a.lo & b.lo)
export const or = (a: Word, b: Word): Word => new Word(a.hi | b.hi, a.lo | b.lo)
export const xor = (a: Word, b: Word): Word => new Word(a.hi ^ b.hi, a.lo ^ b.lo)
export const not = (a: Word): Word => new Word(~a.hi, ~a.lo)

/** @returns the upper 32 bits of the product of two unsigned 32-bit numbers, as s32 */
function highProduct (a: number, b: number): number {
  const aLow = a & 0xffff
  const aHigh = a >>> 16
  const bLow = b & 0xffff
  const bHigh = b >>> 16
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16)
  const carry = aLow * bHigh + (middle & 0xffff)
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) | 0
}

export function mul (a: Word, b: Word): Word {
  return new Word((highProduct(a.lo, b.lo) + Math.imul(a.hi, b.lo) + Math.imul(a.lo, b.hi)) | 0, Math.imul(a.lo, b.lo))
}

/** @param shift 0..63 */
export function shl (a: Word, shift: number): Word {
  if (shift === 0) return a
  if (shift >= 32) return new Word(a.lo << (shift - 32), 0)
  return new Word((a.hi << shift) | (a.lo >>> (32 - shift)), a.lo << shift)
}

export function shr (a: Word, shift: number): Word {
  if (shift === 0) return a
  if (shift >= 32) return new Word(0, (a.hi >>> (shift - 32)) | 0)
  return new Word((a.hi >>> shift) | 0, (a.lo >>> shift) | (a.hi << (32 - shift)))
}

/** Shift that keeps the sign. */
export function sar (a: Word, shift: number): Word {
  if (shift === 0) return a
  if (shift >= 32) return new Word(a.hi >> 31, a.hi >> (shift - 32))
  return new Word(a.hi >> shift, (a.lo >>> shift) | (a.hi << (32 - shift)))
}

export const equal = (a: Word, b: Word): boolean => a.lo === b.lo && a.hi === b.hi
export const isZero = (a: Word): boolean => (a.lo | a.hi) === 0
export const isNegative = (a: Word): boolean => a.hi < 0

/** Unsigned less-than. */
export function below (a: Word, b: Word): boolean {
  return a.hi === b.hi ? (a.lo >>> 0) < (b.lo >>> 0) : (a.hi >>> 0) < (b.hi >>> 0)
}

/** Signed less-than. */
export function less (a: Word, b: Word): boolean {
  return a.hi === b.hi ? (a.lo >>> 0) < (b.lo >>> 0) : a.hi < b.hi
}

export const minUnsigned = (a: Word, b: Word): Word => below(b, a) ? b : a
export const maxUnsigned = (a: Word, b: Word): Word => below(a, b) ? b : a
export const minSigned = (a: Word, b: Word): Word => less(b, a) ? b : a
export const maxSigned = (a: Word, b: Word): Word => less(a, b) ? b : a

// The same with a word in two halves, which becomes one only where it is the result.
export const minUnsignedOf = (a: Word, hi: number, lo: number): Word => isBelowHalves(hi, lo, a) ? new Word(hi, lo) : a
export const minSignedOf = (a: Word, hi: number, lo: number): Word =>
  (hi === a.hi ? (lo >>> 0) < (a.lo >>> 0) : hi < a.hi) ? new Word(hi, lo) : a
export const maxSignedOf = (a: Word, hi: number, lo: number): Word =>
  (hi === a.hi ? (a.lo >>> 0) < (lo >>> 0) : a.hi < hi) ? new Word(hi, lo) : a

function isBelowHalves (hi: number, lo: number, b: Word): boolean {
  return hi === b.hi ? (lo >>> 0) < (b.lo >>> 0) : (hi >>> 0) < (b.hi >>> 0)
}

/** @param sum `add(a, b)` */
export const addOverflowsUnsigned = (a: Word, sum: Word): boolean => below(sum, a)
export const addOverflowsSigned = (a: Word, b: Word, sum: Word): boolean => (a.hi ^ b.hi) >= 0 && (a.hi ^ sum.hi) < 0
export const subOverflowsSigned = (a: Word, b: Word, difference: Word): boolean => (a.hi ^ b.hi) < 0 && (a.hi ^ difference.hi) < 0

export function mulOverflowsUnsigned (a: Word, b: Word): boolean {
  if (a.hi === 0 && b.hi === 0) return false
  if (a.hi !== 0 && b.hi !== 0) return true
  const cross = a.hi === 0 ? (b.hi >>> 0) * (a.lo >>> 0) : (a.hi >>> 0) * (b.lo >>> 0)
  return cross >= TWO_32 || cross + (highProduct(a.lo, b.lo) >>> 0) >= TWO_32
}

export function mulOverflowsSigned (a: Word, b: Word): boolean {
  const aSize = isNegative(a) ? neg(a) : a
  const bSize = isNegative(b) ? neg(b) : b
  if (mulOverflowsUnsigned(aSize, bSize)) return true
  const size = mul(aSize, bSize)
  return (a.hi ^ b.hi) < 0 ? below(S64_MIN, size) : isNegative(size)
}

/** @returns number of bits up to the highest one set: 0 for 0, 64 for all ones */
export function bitLength (a: Word): number {
  return a.hi === 0 ? 32 - Math.clz32(a.lo) : 64 - Math.clz32(a.hi)
}

/** @returns whether exactly one bit is set */
export function isPowerOfTwo (a: Word): boolean {
  const single = (half: number): boolean => half !== 0 && (half & (half - 1)) === 0
  return a.hi === 0 ? single(a.lo) : a.lo === 0 && single(a.hi)
}

/** @returns lower-case hexadecimal with `0x` */
export function toHex (a: Word): string {
  const low = (a.lo >>> 0).toString(16)
  return a.hi === 0 ? `0x${low}` : `0x${(a.hi >>> 0).toString(16)}${low.padStart(8, '0')}`
}

/** For messages only. */
export function toSignedDecimal (a: Word): string {
  return ((BigInt(a.hi) << 32n) | BigInt(a.lo >>> 0)).toString()
}
