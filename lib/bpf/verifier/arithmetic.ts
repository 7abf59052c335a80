// Numbers through arithmetic instructions: from what is known of the operands to what is known of the result. A shift has
// bounds only by a known amount, division and remainder none: as in Linux 6.18, whose bounds these are.

import { BPF_ADD, BPF_AND, BPF_ARSH, BPF_LSH, BPF_MUL, BPF_NEG, BPF_OR, BPF_RSH, BPF_SUB, BPF_XOR } from '../isa/op.ts'
import {
  KNOWN_ZERO, S32_MAX, S32_MIN, U32_MAX, UNKNOWN, draft, forget32, forget64, isKnown, isLowKnown, known, learn32FromBits, learnFromBits,
  settle, synchronize, zeroExtend32
} from './scalar.ts'
import type { Scalar } from './scalar.ts'
import * as t from './tnum.ts'
import * as w from './word.ts'

/** @returns what `destination operation= source` leaves; `bits` 32 works on the low halves and clears the upper one */
export function compute (operation: number, bits: 32 | 64, destination: Scalar, source: Scalar): Scalar {
  if (!isComputable(operation, bits, source)) return UNKNOWN
  if (isKnown(destination) && isKnown(source)) {
    const { value } = destination.bits
    const result = exact(operation, bits === 64 ? value : w.ofU32(value.lo), source.bits.value)
    if (result !== null) return known(bits === 64 ? result : w.ofU32(result.lo))
  }
  const result = draft(operation === BPF_NEG ? KNOWN_ZERO : destination)
  apply(operation, bits, result, operation === BPF_NEG ? destination : source)
  if (bits === 32) zeroExtend32(result)
  synchronize(result)
  settle(result)
  return result
}

/** Of two known numbers, for the operations that programs do most. */
function exact (operation: number, a: w.Word, b: w.Word): w.Word | null {
  switch (operation) {
    case BPF_ADD: return w.add(a, b)
    case BPF_SUB: return w.sub(a, b)
    case BPF_AND: return w.and(a, b)
    case BPF_OR: return w.or(a, b)
    case BPF_LSH: return w.shl(a, b.lo)
    case BPF_RSH: return w.shr(a, b.lo)
    default: return null
  }
}

function isComputable (operation: number, bits: 32 | 64, source: Scalar): boolean {
  switch (operation) {
    case BPF_ADD: case BPF_SUB: case BPF_NEG: case BPF_AND: case BPF_OR: case BPF_XOR: case BPF_MUL: return true
    case BPF_LSH: case BPF_RSH: case BPF_ARSH: {
      const isConstant = bits === 32 ? isLowKnown(source) : isKnown(source)
      return isConstant && source.umax.hi === 0 && (source.umax.lo >>> 0) < bits
    }
    default: return false
  }
}

function apply (operation: number, bits: 32 | 64, a: Scalar, b: Scalar): void {
  switch (operation) {
    case BPF_ADD: return addition(a, b)
    case BPF_SUB: case BPF_NEG: return subtraction(a, b)
    case BPF_MUL: return multiplication(a, b)
    case BPF_AND: return conjunction(a, b)
    case BPF_OR: return disjunction(a, b)
    case BPF_XOR: return exclusion(a, b)
    default: {
      const shift = b.umin.lo
      const is32 = bits === 32
      if (operation === BPF_LSH) return is32 ? shiftLeft32(a, shift) : shiftLeft64(a, shift)
      if (operation === BPF_RSH) return is32 ? shiftRight32(a, shift) : shiftRight64(a, shift)
      return is32 ? shiftSigned32(a, shift) : shiftSigned64(a, shift)
    }
  }
}

/** Unsigned bounds hold when both ends wrap or neither does: the wrapped range is still one range. */
function addition (a: Scalar, b: Scalar): void {
  const s32min = a.s32min + b.s32min
  const s32max = a.s32max + b.s32max
  setS32(a, s32min, s32max, s32min < S32_MIN || s32max > S32_MAX)
  const u32min = a.u32min + b.u32min
  const u32max = a.u32max + b.u32max
  setU32(a, u32min, u32max, u32min <= U32_MAX && u32max > U32_MAX)

  const smin = w.add(a.smin, b.smin)
  const smax = w.add(a.smax, b.smax)
  const overflows = w.addOverflowsSigned(a.smin, b.smin, smin) || w.addOverflowsSigned(a.smax, b.smax, smax)
  a.smin = overflows ? w.S64_MIN : smin
  a.smax = overflows ? w.S64_MAX : smax
  const umin = w.add(a.umin, b.umin)
  const umax = w.add(a.umax, b.umax)
  const splits = !w.addOverflowsUnsigned(a.umin, umin) && w.addOverflowsUnsigned(a.umax, umax)
  a.umin = splits ? w.ZERO : umin
  a.umax = splits ? w.ALL_ONES : umax
  a.bits = t.add(a.bits, b.bits)
}

function subtraction (a: Scalar, b: Scalar): void {
  const s32min = a.s32min - b.s32max
  const s32max = a.s32max - b.s32min
  setS32(a, s32min, s32max, s32min < S32_MIN || s32max > S32_MAX)
  const u32min = a.u32min - b.u32max
  const u32max = a.u32max - b.u32min
  setU32(a, u32min, u32max, u32min < 0 && u32max >= 0)

  const smin = w.sub(a.smin, b.smax)
  const smax = w.sub(a.smax, b.smin)
  const overflows = w.subOverflowsSigned(a.smin, b.smax, smin) || w.subOverflowsSigned(a.smax, b.smin, smax)
  const splits = w.below(a.umin, b.umax) && !w.below(a.umax, b.umin)
  const umin = w.sub(a.umin, b.umax)
  const umax = w.sub(a.umax, b.umin)
  a.smin = overflows ? w.S64_MIN : smin
  a.smax = overflows ? w.S64_MAX : smax
  a.umin = splits ? w.ZERO : umin
  a.umax = splits ? w.ALL_ONES : umax
  a.bits = t.sub(a.bits, b.bits)
}

function setS32 (a: Scalar, min: number, max: number, isLost: boolean): void {
  a.s32min = isLost ? S32_MIN : min
  a.s32max = isLost ? S32_MAX : max
}

function setU32 (a: Scalar, min: number, max: number, isLost: boolean): void {
  a.u32min = isLost ? 0 : min >>> 0
  a.u32max = isLost ? U32_MAX : max >>> 0
}

function multiplication (a: Scalar, b: Scalar): void {
  const bits = t.mul(a.bits, b.bits)
  // products of 32-bit numbers fit a word, so that its halves tell whether 32 bits were enough
  const overflows32 = w.mul(w.ofU32(a.u32max), w.ofU32(b.u32max)).hi !== 0
  setU32(a, Math.imul(a.u32min, b.u32min), Math.imul(a.u32max, b.u32max), overflows32)
  const products32 = corners(a.s32min, a.s32max, b.s32min, b.s32max, (x, y) => w.mul(w.ofS32(x), w.ofS32(y)))
  const lost32 = products32.some(({ hi, lo }) => hi !== lo >> 31)
  const lows = products32.map(({ lo }) => lo)
  setS32(a, Math.min(...lows), Math.max(...lows), lost32)

  const overflows = w.mulOverflowsUnsigned(a.umax, b.umax)
  a.umin = overflows ? w.ZERO : w.mul(a.umin, b.umin)
  a.umax = overflows ? w.ALL_ONES : w.mul(a.umax, b.umax)
  const lost = corners(a.smin, a.smax, b.smin, b.smax, w.mulOverflowsSigned).includes(true)
  const products = corners(a.smin, a.smax, b.smin, b.smax, w.mul)
  a.smin = lost ? w.S64_MIN : products.reduce(w.minSigned)
  a.smax = lost ? w.S64_MAX : products.reduce(w.maxSigned)
  a.bits = bits
}

function corners<V, R> (aMin: V, aMax: V, bMin: V, bMax: V, combine: (a: V, b: V) => R): R[] {
  return [combine(aMin, bMin), combine(aMin, bMax), combine(aMax, bMin), combine(aMax, bMax)]
}

function conjunction (a: Scalar, b: Scalar): void {
  const u32max = Math.min(a.u32max, b.u32max)
  const umax = w.minUnsigned(a.umax, b.umax)
  bitwise(a, b, t.and(a.bits, b.bits), (bits) => {
    a.umin = bits.value
    a.umax = umax
  }, (low) => {
    a.u32min = low.value.lo >>> 0
    a.u32max = u32max
  })
}

function disjunction (a: Scalar, b: Scalar): void {
  const u32min = Math.max(a.u32min, b.u32min)
  const umin = w.maxUnsigned(a.umin, b.umin)
  bitwise(a, b, t.or(a.bits, b.bits), (bits) => {
    a.umin = umin
    a.umax = w.or(bits.value, bits.mask)
  }, (low) => {
    a.u32min = u32min
    a.u32max = (low.value.lo | low.mask.lo) >>> 0
  })
}

function exclusion (a: Scalar, b: Scalar): void {
  bitwise(a, b, t.xor(a.bits, b.bits), (bits) => {
    a.umin = bits.value
    a.umax = w.or(bits.value, bits.mask)
  }, (low) => {
    a.u32min = low.value.lo >>> 0
    a.u32max = (low.value.lo | low.mask.lo) >>> 0
  })
}

type FromBits = (bits: t.Tnum) => void

/** Unsigned bounds come from the bits; signed ones are the same numbers where these do not cross the sign. */
function bitwise (a: Scalar, b: Scalar, bits: t.Tnum, bounds64: FromBits, bounds32: FromBits): void {
  const known32 = isLowKnown(a) && isLowKnown(b)
  const known64 = isKnown(a) && isKnown(b)
  a.bits = bits
  if (known32) {
    a.u32min = a.u32max = bits.value.lo >>> 0
    a.s32min = a.s32max = bits.value.lo
  } else {
    bounds32(bits)
    setS32(a, a.u32min | 0, a.u32max | 0, (a.u32min | 0) > (a.u32max | 0))
  }
  if (known64) {
    Object.assign(a, known(bits.value))
    return
  }
  bounds64(bits)
  const crosses = w.less(a.umax, a.umin)
  a.smin = crosses ? w.S64_MIN : a.umin
  a.smax = crosses ? w.S64_MAX : a.umax
  learnFromBits(a)
}

function boundsShiftedLeft32 (a: Scalar, shift: number): void {
  const isLost = shift > 31 || a.u32max > 2 ** (31 - shift)
  setU32(a, a.u32min * 2 ** shift, a.u32max * 2 ** shift, isLost)
  a.s32min = S32_MIN
  a.s32max = S32_MAX
}

function shiftLeft32 (a: Scalar, shift: number): void {
  boundsShiftedLeft32(a, shift)
  a.bits = t.low(t.shl(t.low(a.bits), shift))
  forget64(a)
  learn32FromBits(a)
}

function shiftLeft64 (a: Scalar, shift: number): void {
  // << 32, then s>> 32, is how compilers extend a sign: the signed bounds of the low half move up
  a.smin = shift === 32 ? w.shl(w.ofS32(a.s32min), 32) : w.S64_MIN
  a.smax = shift === 32 ? w.shl(w.ofS32(a.s32max), 32) : w.S64_MAX
  const isLost = w.below(w.shl(w.ONE, 63 - shift), a.umax)
  a.umin = isLost ? w.ZERO : w.shl(a.umin, shift)
  a.umax = isLost ? w.ALL_ONES : w.shl(a.umax, shift)
  boundsShiftedLeft32(a, shift)
  a.bits = t.shl(a.bits, shift)
  learnFromBits(a)
}

function shiftRight32 (a: Scalar, shift: number): void {
  a.bits = t.shr(t.low(a.bits), shift)
  a.u32min = a.u32min >>> shift
  a.u32max = a.u32max >>> shift
  a.s32min = S32_MIN
  a.s32max = S32_MAX
  forget64(a)
  learn32FromBits(a)
}

function shiftRight64 (a: Scalar, shift: number): void {
  a.bits = t.shr(a.bits, shift)
  a.umin = w.shr(a.umin, shift)
  a.umax = w.shr(a.umax, shift)
  a.smin = w.S64_MIN
  a.smax = w.S64_MAX
  forget32(a)
  learnFromBits(a)
}

function shiftSigned32 (a: Scalar, shift: number): void {
  a.s32min >>= shift
  a.s32max >>= shift
  a.bits = t.sar32(a.bits, shift)
  a.u32min = 0
  a.u32max = U32_MAX
  forget64(a)
  learn32FromBits(a)
}

function shiftSigned64 (a: Scalar, shift: number): void {
  a.smin = w.sar(a.smin, shift)
  a.smax = w.sar(a.smax, shift)
  a.bits = t.sar(a.bits, shift)
  a.umin = w.ZERO
  a.umax = w.ALL_ONES
  forget32(a)
  learnFromBits(a)
}
