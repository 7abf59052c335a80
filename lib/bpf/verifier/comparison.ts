// Comparisons of numbers: whether a jump is decided by what is known, and what each of its branches adds to that.
// As Linux 6.18 decides and refines, so that the same code is dead.

import { BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JLE, BPF_JLT, BPF_JNE, BPF_JSET, BPF_JSGE, BPF_JSGT, BPF_JSLE, BPF_JSLT } from '../isa/op.ts'
import { draft, forget32, forget64, isKnown, isLowKnown, settle, synchronize } from './scalar.ts'
import type { Scalar } from './scalar.ts'
import * as t from './tnum.ts'
import type { Tnum } from './tnum.ts'
import * as w from './word.ts'
import type { Word } from './word.ts'

/** "No bit of the mask is set": what holds when BPF_JSET does not jump. Not an instruction. */
const NOT_SET = BPF_JSET | 0x08

const negations: Readonly<Record<number, number>> = {
  [BPF_JEQ]: BPF_JNE,
  [BPF_JNE]: BPF_JEQ,
  [BPF_JGT]: BPF_JLE,
  [BPF_JLE]: BPF_JGT,
  [BPF_JGE]: BPF_JLT,
  [BPF_JLT]: BPF_JGE,
  [BPF_JSGT]: BPF_JSLE,
  [BPF_JSLE]: BPF_JSGT,
  [BPF_JSGE]: BPF_JSLT,
  [BPF_JSLT]: BPF_JSGE,
  [BPF_JSET]: NOT_SET
}

const mirrored: Readonly<Record<number, number>> = {
  [BPF_JGT]: BPF_JLT,
  [BPF_JLT]: BPF_JGT,
  [BPF_JGE]: BPF_JLE,
  [BPF_JLE]: BPF_JGE,
  [BPF_JSGT]: BPF_JSLT,
  [BPF_JSLT]: BPF_JSGT,
  [BPF_JSGE]: BPF_JSLE,
  [BPF_JSLE]: BPF_JSGE
}

/** @returns the comparison with its operands exchanged */
export const mirror = (operation: number): number => mirrored[operation] ?? operation

export const isConstant = (a: Scalar, bits: 32 | 64): boolean => bits === 32 ? isLowKnown(a) : isKnown(a)

interface View {
  readonly bits: Tnum
  readonly umin: Word
  readonly umax: Word
  readonly smin: Word
  readonly smax: Word
}

function viewOf (a: Scalar, bits: 32 | 64): View {
  if (bits === 64) return a
  return { bits: t.low(a.bits), umin: w.ofU32(a.u32min), umax: w.ofU32(a.u32max), smin: w.ofS32(a.s32min), smax: w.ofS32(a.s32max) }
}

/** @returns whether the jump is always taken, never taken, or `null`: it depends */
export function decide (operation: number, bits: 32 | 64, first: Scalar, second: Scalar): boolean | null {
  const a = viewOf(first, bits)
  const b = viewOf(second, bits)
  switch (operation) {
    case BPF_JEQ: return decideEqual(a, b, bits, first, second)
    case BPF_JNE: {
      const isEqual = decideEqual(a, b, bits, first, second)
      return isEqual === null ? null : !isEqual
    }
    case BPF_JSET:
      if (t.isKnown(b.bits)) return decideSet(a.bits, b.bits.value)
      return t.isKnown(a.bits) ? decideSet(b.bits, a.bits.value) : null
    case BPF_JGT: return w.below(b.umax, a.umin) ? true : w.below(b.umin, a.umax) ? null : false
    case BPF_JLT: return w.below(a.umax, b.umin) ? true : w.below(a.umin, b.umax) ? null : false
    case BPF_JGE: return w.below(a.umin, b.umax) ? (w.below(a.umax, b.umin) ? false : null) : true
    case BPF_JLE: return w.below(b.umin, a.umax) ? (w.below(b.umax, a.umin) ? false : null) : true
    case BPF_JSGT: return w.less(b.smax, a.smin) ? true : w.less(b.smin, a.smax) ? null : false
    case BPF_JSLT: return w.less(a.smax, b.smin) ? true : w.less(a.smin, b.smax) ? null : false
    case BPF_JSGE: return w.less(a.smin, b.smax) ? (w.less(a.smax, b.smin) ? false : null) : true
    case BPF_JSLE: return w.less(b.smin, a.smax) ? (w.less(b.smax, a.smin) ? false : null) : true
    default: return null
  }
}

function decideEqual (a: View, b: View, bits: 32 | 64, first: Scalar, second: Scalar): boolean | null {
  if (t.isKnown(a.bits) && t.isKnown(b.bits)) return w.equal(a.bits.value, b.bits.value)
  if (!t.overlap(a.bits, b.bits)) return false
  if (w.below(b.umax, a.umin) || w.below(a.umax, b.umin) || w.less(b.smax, a.smin) || w.less(a.smax, b.smin)) return false
  const halvesDiffer = bits === 64 && (first.u32min > second.u32max || first.u32max < second.u32min ||
    first.s32min > second.s32max || first.s32max < second.s32min)
  return halvesDiffer ? false : null
}

function decideSet (bits: Tnum, mask: Word): boolean | null {
  if (!w.isZero(w.and(bits.value, mask))) return true
  return w.isZero(w.and(w.or(bits.mask, bits.value), mask)) ? false : null
}

/** @returns both operands as they are where the comparison holds, or where it does not */
export function refine (operation: number, holds: boolean, bits: 32 | 64, first: Scalar, second: Scalar): [Scalar, Scalar] {
  const a = draft(first)
  const b = draft(second)
  const effective = holds ? operation : negations[operation] ?? operation
  if (bits === 32) apply32(effective, a, b)
  else apply64(effective, a, b)
  synchronize(a)
  synchronize(b)
  settle(a)
  settle(b)
  return [a, b]
}

function apply64 (operation: number, a: Scalar, b: Scalar): void {
  switch (operation) {
    case BPF_JEQ:
      a.umin = b.umin = w.maxUnsigned(a.umin, b.umin)
      a.umax = b.umax = w.minUnsigned(a.umax, b.umax)
      a.smin = b.smin = w.maxSigned(a.smin, b.smin)
      a.smax = b.smax = w.minSigned(a.smax, b.smax)
      a.bits = b.bits = t.intersect(a.bits, b.bits)
      return
    case BPF_JNE: return exclude64(a, b)
    case BPF_JSET: return set(a, b, 64)
    case NOT_SET: return clear(a, b, 64)
    case BPF_JLE:
      a.umax = w.minUnsigned(a.umax, b.umax)
      b.umin = w.maxUnsigned(a.umin, b.umin)
      return
    case BPF_JLT:
      a.umax = w.minUnsigned(a.umax, w.sub(b.umax, w.ONE))
      b.umin = w.maxUnsigned(w.add(a.umin, w.ONE), b.umin)
      return
    case BPF_JSLE:
      a.smax = w.minSigned(a.smax, b.smax)
      b.smin = w.maxSigned(a.smin, b.smin)
      return
    case BPF_JSLT:
      a.smax = w.minSigned(a.smax, w.sub(b.smax, w.ONE))
      b.smin = w.maxSigned(w.add(a.smin, w.ONE), b.smin)
      return
    default: if (mirrored[operation] !== undefined) apply64(mirror(operation), b, a)
  }
}

function apply32 (operation: number, a: Scalar, b: Scalar): void {
  switch (operation) {
    case BPF_JEQ: {
      a.u32min = b.u32min = Math.max(a.u32min, b.u32min)
      a.u32max = b.u32max = Math.min(a.u32max, b.u32max)
      a.s32min = b.s32min = Math.max(a.s32min, b.s32min)
      a.s32max = b.s32max = Math.min(a.s32max, b.s32max)
      const low = t.intersect(t.low(a.bits), t.low(b.bits))
      a.bits = t.withLow(a.bits, low)
      b.bits = t.withLow(b.bits, low)
      return
    }
    case BPF_JNE: return exclude32(a, b)
    case BPF_JSET: return set(a, b, 32)
    case NOT_SET: return clear(a, b, 32)
    case BPF_JLE:
      a.u32max = Math.min(a.u32max, b.u32max)
      b.u32min = Math.max(a.u32min, b.u32min)
      return
    case BPF_JLT:
      a.u32max = Math.min(a.u32max, (b.u32max - 1) >>> 0)
      b.u32min = Math.max((a.u32min + 1) >>> 0, b.u32min)
      return
    case BPF_JSLE:
      a.s32max = Math.min(a.s32max, b.s32max)
      b.s32min = Math.max(a.s32min, b.s32min)
      return
    case BPF_JSLT:
      a.s32max = Math.min(a.s32max, (b.s32max - 1) | 0)
      b.s32min = Math.max((a.s32min + 1) | 0, b.s32min)
      return
    default: if (mirrored[operation] !== undefined) apply32(mirror(operation), b, a)
  }
}

/** A constant that differs narrows a range only at its ends. */
function exclude64 (a: Scalar, b: Scalar): void {
  const [range, constant] = isKnown(b) ? [a, b] : [b, a]
  if (!isKnown(constant)) return
  const { value } = constant.bits
  if (w.equal(range.umin, value)) range.umin = w.add(range.umin, w.ONE)
  if (w.equal(range.umax, value)) range.umax = w.sub(range.umax, w.ONE)
  if (w.equal(range.smin, value)) range.smin = w.add(range.smin, w.ONE)
  if (w.equal(range.smax, value)) range.smax = w.sub(range.smax, w.ONE)
}

function exclude32 (a: Scalar, b: Scalar): void {
  const [range, constant] = isLowKnown(b) ? [a, b] : [b, a]
  if (!isLowKnown(constant)) return
  const value = constant.bits.value.lo
  if (range.u32min === value >>> 0) range.u32min = (range.u32min + 1) >>> 0
  if (range.u32max === value >>> 0) range.u32max = (range.u32max - 1) >>> 0
  if (range.s32min === value) range.s32min = (range.s32min + 1) | 0
  if (range.s32max === value) range.s32max = (range.s32max - 1) | 0
}

/** Some bit of the mask is set: says something only if the mask has one bit. */
function set (a: Scalar, b: Scalar, bits: 32 | 64): void {
  const [number, mask] = isConstant(b, bits) ? [a, b] : [b, a]
  if (!isConstant(mask, bits)) return
  const value = bits === 32 ? w.ofU32(mask.bits.value.lo) : mask.bits.value
  if (!w.isPowerOfTwo(value)) return
  number.bits = bits === 32
    ? t.withLow(number.bits, t.or(t.low(number.bits), t.known(value)))
    : t.or(number.bits, t.known(value))
}

/** No bit of the mask is set. Bounds are forgotten first: on a dead branch they would contradict the bits. */
function clear (a: Scalar, b: Scalar, bits: 32 | 64): void {
  const [number, mask] = isConstant(b, bits) ? [a, b] : [b, a]
  if (!isConstant(mask, bits)) return
  const kept = t.known(w.not(bits === 32 ? w.ofU32(mask.bits.value.lo) : mask.bits.value))
  forget64(number)
  forget32(number)
  number.bits = bits === 32
    ? t.withLow(number.bits, t.and(t.low(number.bits), kept))
    : t.and(number.bits, kept)
}
