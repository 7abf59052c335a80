// Arithmetic instructions: numbers through arithmetic.ts, pointers by constant or bounded amounts only.

import type { Insn } from '../isa/insn.ts'
import {
  BPF_ADD, BPF_ADDR_SPACE_CAST, BPF_ALU, BPF_ALU64, BPF_AND, BPF_ARSH, BPF_DIV, BPF_END, BPF_LSH, BPF_MOD, BPF_MOV, BPF_NEG, BPF_OR,
  BPF_RSH, BPF_SUB, BPF_X, BPF_XOR, classOf, operationOf, sourceOf
} from '../isa/op.ts'
import { compute } from './arithmetic.ts'
import { UNKNOWN_NUMBER, change, isNullable, isPacket, isPointer, ofConstant, ofScalar } from './register.ts'
import type { Distance, Register } from './register.ts'
import { refuse } from './refusal.ts'
import * as s from './scalar.ts'
import type { Scalar } from './scalar.ts'
import * as t from './tnum.ts'
import * as w from './word.ts'
import { copyState } from './state.ts'
import type { Walk } from './walk.ts'

/** Fixed and variable offsets of pointers stay below this. */
export const OFFSET_MAX = 1 << 29
const OFFSET_MAX_WORD = w.ofNumber(OFFSET_MAX)
const OFFSET_MIN_WORD = w.ofNumber(-OFFSET_MAX)

const OPERATORS = ['+=', '-=', '*=', '/=', '|=', '&=', '<<=', '>>=', 'neg', '%=', '^=', '=', 's>>=', 'endian']

export function walkAlu (walk: Walk): void {
  const { insn } = walk
  const operation = operationOf(insn.code)
  if (operation === BPF_END || operation === BPF_NEG) return walkUnary(walk, insn, operation)
  if (operation === BPF_MOV) return walkMove(walk, insn)
  if (operation > BPF_END) refuse('EINVAL', `invalid BPF_ALU opcode ${operation.toString(16)}`)
  walkBinary(walk, insn, operation)
}

function walkUnary (walk: Walk, insn: Insn, operation: number): void {
  const is64 = classOf(insn.code) === BPF_ALU64
  const isSwap = operation === BPF_END
  const hasReserved = insn.src !== 0 || insn.off !== 0 ||
    (isSwap ? ![16, 32, 64].includes(insn.imm) || (is64 && sourceOf(insn.code) === BPF_X) : insn.imm !== 0 || sourceOf(insn.code) === BPF_X)
  if (hasReserved) refuse('EINVAL', `${isSwap ? 'BPF_END' : 'BPF_NEG'} uses reserved fields`)
  const operand = walk.read(insn.dst)
  walk.checkWritable(insn.dst)
  if (isPointer(operand) && !walk.program.isPrivileged) refuse('EACCES', `R${insn.dst} pointer arithmetic prohibited`)
  const isNumber = !isSwap && !isPointer(operand)
  walk.set(insn.dst, isNumber ? ofScalar(compute(operation, is64 ? 64 : 32, operand.scalar, operand.scalar)) : UNKNOWN_NUMBER)
}

function walkMove (walk: Walk, insn: Insn): void {
  const is64 = classOf(insn.code) === BPF_ALU64
  if (sourceOf(insn.code) !== BPF_X) {
    if (insn.src !== 0 || insn.off !== 0) refuse('EINVAL', 'BPF_MOV uses reserved fields')
    walk.checkWritable(insn.dst)
    walk.set(insn.dst, ofConstant(is64 ? w.ofS32(insn.imm) : w.ofU32(insn.imm)))
    return
  }
  if (is64 && insn.off === BPF_ADDR_SPACE_CAST) {
    if (insn.imm !== 1 && insn.imm !== 1 << 16) refuse('EINVAL', 'addr_space_cast insn can only convert between address space 1 and 0')
    refuse('EINVAL', 'addr_space_cast insn can only be used in a program that has an associated arena')
  }
  const widths = is64 ? [0, 8, 16, 32] : [0, 8, 16]
  if (!widths.includes(insn.off) || insn.imm !== 0) refuse('EINVAL', 'BPF_MOV uses reserved fields')
  walk.read(insn.src)
  walk.checkWritable(insn.dst)
  walk.set(insn.dst, is64 ? moved64(walk, insn) : moved32(walk, insn))
}

function moved64 (walk: Walk, insn: Insn): Register {
  const source = walk.register(insn.src)
  if (insn.off === 0) return walk.identify(insn.src)
  if (isPointer(source)) {
    if (walk.program.isPrivileged) return UNKNOWN_NUMBER
    refuse('EACCES', `R${insn.src} sign-extension part of pointer`)
  }
  const keepsValue = w.below(source.scalar.umax, w.shl(w.ONE, insn.off - 1))
  const origin = keepsValue && source.id === 0 ? walk.identify(insn.src) : source
  return change(origin, { scalar: s.signExtend64(origin.scalar, insn.off / 8), ...(keepsValue ? {} : { id: 0, delta: null }) })
}

function moved32 (walk: Walk, insn: Insn): Register {
  const source = walk.register(insn.src)
  if (isPointer(source)) {
    if (walk.program.isPrivileged) return ofScalar(zeroExtended(s.UNKNOWN))
    refuse('EACCES', `R${insn.src} partial copy of pointer`)
  }
  if (insn.off !== 0) {
    const keepsValue = w.below(source.scalar.umax, w.shl(w.ONE, insn.off - 1))
    const origin = keepsValue ? walk.identify(insn.src) : source
    return change(origin, { scalar: s.signExtend32(origin.scalar, insn.off / 8), ...(keepsValue ? {} : { id: 0, delta: null }) })
  }
  if (s.fits32(source.scalar)) {
    const origin = walk.identify(insn.src)
    return change(origin, { scalar: zeroExtended(origin.scalar) })
  }
  return ofScalar(zeroExtended(source.scalar))
}

function zeroExtended (scalar: Scalar): Scalar {
  if (s.isKnown(scalar) && s.fits32(scalar)) return scalar
  const low = s.draft(scalar)
  s.zeroExtend32(low)
  s.synchronize(low)
  return low
}

function walkBinary (walk: Walk, insn: Insn, operation: number): void {
  const isRegister = sourceOf(insn.code) === BPF_X
  const isDivision = operation === BPF_DIV || operation === BPF_MOD
  const bits = classOf(insn.code) === BPF_ALU64 ? 64 : 32
  const offAllowed = insn.off === 0 || (insn.off === 1 && isDivision)
  if (!offAllowed || (isRegister ? insn.imm !== 0 : insn.src !== 0)) refuse('EINVAL', 'BPF_ALU uses reserved fields')
  if (isRegister) walk.read(insn.src)
  walk.read(insn.dst)
  if (!isRegister && isDivision && insn.imm === 0) refuse('EINVAL', 'div by zero')
  const isShift = operation === BPF_LSH || operation === BPF_RSH || operation === BPF_ARSH
  if (!isRegister && isShift && (insn.imm < 0 || insn.imm >= bits)) refuse('EINVAL', `invalid shift ${insn.imm}`)
  walk.checkWritable(insn.dst)

  const destination = walk.register(insn.dst)
  const source = isRegister ? walk.register(insn.src) : walk.immediate(insn.imm)
  if (isPointer(destination) && isPointer(source)) return combinePointers(walk, insn, operation)
  if (isPointer(destination)) {
    if (isRegister) walk.rely(insn.src)
    walk.set(insn.dst, movePointer(walk, insn, operation, destination, source.scalar, false))
  } else if (isPointer(source)) {
    walk.rely(insn.dst)
    walk.set(insn.dst, movePointer(walk, insn, operation, source, destination.scalar, true))
  } else {
    const isMask = (operation === BPF_AND || operation === BPF_OR) && s.isKnown(source.scalar)
    const scalar = compute(operation, bits, isMask ? splitSign(walk, insn.dst) : destination.scalar, source.scalar)
    const isOther = !isRegister || insn.src !== insn.dst
    const delta = isOther ? distance(destination, operation, bits, source.scalar) : null
    walk.set(insn.dst, delta === null ? ofScalar(scalar) : ofScalar(scalar, destination.id, delta))
  }
}

/**
 * `x s>>= 63; x &= K` is how compilers choose between K and 0. What is -1 or 0 is walked twice: as -1 from here on, as 0
 * on a path of its own.
 * @returns what the register is on this path
 */
function splitSign (walk: Walk, number: number): Scalar {
  const { scalar } = walk.register(number)
  const isWhole = w.equal(scalar.smin, w.ALL_ONES) && w.isZero(scalar.smax)
  if (!isWhole && !(scalar.s32min === -1 && scalar.s32max === 0)) return scalar
  const other = copyState(walk.state)
  other.frame.registers[number] = ofScalar(isWhole ? s.KNOWN_ZERO : s.withLow(scalar, 0))
  walk.fork(other, walk.index)
  return isWhole ? s.known(w.ALL_ONES) : s.withLow(scalar, -1)
}

/** After `rX += K` a copy of the old rX is still known to be K less: bounds found for one later hold for both. */
function distance (before: Register, operation: number, bits: 32 | 64, amount: Scalar): Distance | null {
  const isSum = operation === BPF_ADD || operation === BPF_SUB
  const isConstant = bits === 32 ? s.isLowKnown(amount) : s.isKnown(amount)
  if (!isSum || !isConstant || before.id === 0 || before.delta !== null || (bits === 32 && !s.fits32(before.scalar))) return null
  const { hi, lo } = amount.bits.value
  if (bits === 64 && hi !== lo >> 31) return null
  if (operation === BPF_ADD) return { amount: lo, bits }
  return lo === s.S32_MIN ? null : { amount: -lo, bits }
}

function combinePointers (walk: Walk, insn: Insn, operation: number): void {
  if (operation !== BPF_SUB || !walk.program.isPrivileged) refuse('EACCES', `R${insn.dst} pointer ${operatorOf(operation)} pointer prohibited`)
  walk.set(insn.dst, UNKNOWN_NUMBER)
}

const operatorOf = (operation: number): string => OPERATORS[operation >> 4] ?? ''

/** @param isReversed the number was the destination: `number += pointer` */
function movePointer (walk: Walk, insn: Insn, operation: number, pointer: Register, amount: Scalar, isReversed: boolean): Register {
  const { dst } = insn
  if (isContradictory(amount)) return UNKNOWN_NUMBER
  if (classOf(insn.code) === BPF_ALU) {
    if (operation === BPF_SUB && walk.program.isPrivileged) return UNKNOWN_NUMBER
    refuse('EACCES', `R${dst} 32-bit pointer arithmetic prohibited`)
  }
  if (isNullable(pointer)) refuse('EACCES', `R${dst} pointer arithmetic on ${pointer.type} prohibited, null-check it first`)
  const movesNowhere = pointer.type === 'map_ptr' && operation === BPF_ADD && s.isKnownZero(amount)
  if ((pointer.type === 'map_ptr' && !movesNowhere) || pointer.type === 'pkt_end') {
    refuse('EACCES', `R${dst} pointer arithmetic on ${pointer.type} prohibited`)
  }
  checkAmount(pointer.type, amount)
  checkOffset(pointer)
  const moved = operation === BPF_ADD ? advance(walk, pointer, amount) : retreat(walk, insn, operation, pointer, amount, isReversed)
  checkOffset(moved)
  return moved
}

/** Bounds that exclude each other belong to a path that cannot happen. */
function isContradictory (a: Scalar): boolean {
  return w.below(a.umax, a.umin) || w.less(a.smax, a.smin) || (s.isKnown(a) && !(w.equal(a.smin, a.smax) && w.equal(a.umin, a.umax)))
}

function fixedOffset (amount: Scalar, off: number, sign: 1 | -1): number | null {
  if (!s.isKnown(amount)) return null
  const sum = off + sign * w.toNumber(amount.smin)
  return sum === (sum | 0) ? sum : null
}

function advance (walk: Walk, pointer: Register, amount: Scalar): Register {
  const fixed = fixedOffset(amount, pointer.off, 1)
  if (fixed !== null) return change(pointer, { off: fixed })
  const base = pointer.scalar
  const sum = s.draft(s.UNKNOWN)
  const smin = w.add(base.smin, amount.smin)
  const smax = w.add(base.smax, amount.smax)
  if (!w.addOverflowsSigned(base.smin, amount.smin, smin) && !w.addOverflowsSigned(base.smax, amount.smax, smax)) {
    sum.smin = smin
    sum.smax = smax
  }
  const umin = w.add(base.umin, amount.umin)
  const umax = w.add(base.umax, amount.umax)
  if (!w.addOverflowsUnsigned(base.umin, umin) && !w.addOverflowsUnsigned(base.umax, umax)) {
    sum.umin = umin
    sum.umax = umax
  }
  sum.bits = t.add(base.bits, amount.bits)
  s.synchronize(sum)
  return change(pointer, { scalar: sum, ...(isPacket(pointer) ? { id: walk.newId(), range: 0 } : {}) })
}

function retreat (walk: Walk, insn: Insn, operation: number, pointer: Register, amount: Scalar, isReversed: boolean): Register {
  const { dst } = insn
  if (operation !== BPF_SUB) {
    if (operation === BPF_AND || operation === BPF_OR || operation === BPF_XOR) {
      refuse('EACCES', `R${dst} bitwise operator ${operatorOf(operation)} on pointer prohibited`)
    }
    refuse('EACCES', `R${dst} pointer arithmetic with ${operatorOf(operation)} operator prohibited`)
  }
  if (isReversed) refuse('EACCES', `R${dst} tried to subtract pointer from scalar`)
  if (pointer.type === 'fp') refuse('EACCES', `R${dst} subtraction from stack pointer prohibited`)
  const fixed = fixedOffset(amount, pointer.off, -1)
  if (fixed !== null) return change(pointer, { off: fixed })
  const base = pointer.scalar
  const difference = s.draft(s.UNKNOWN)
  const smin = w.sub(base.smin, amount.smax)
  const smax = w.sub(base.smax, amount.smin)
  if (!w.subOverflowsSigned(base.smin, amount.smax, smin) && !w.subOverflowsSigned(base.smax, amount.smin, smax)) {
    difference.smin = smin
    difference.smax = smax
  }
  if (!w.below(base.umin, amount.umax)) {
    difference.umin = w.sub(base.umin, amount.umax)
    difference.umax = w.sub(base.umax, amount.umin)
  }
  difference.bits = t.sub(base.bits, amount.bits)
  s.synchronize(difference)
  // what was checked against the packet's end stays checked when the pointer only moves back
  const range = w.isNegative(amount.smin) ? 0 : pointer.range
  return change(pointer, { scalar: difference, ...(isPacket(pointer) ? { id: walk.newId(), range } : {}) })
}

/** A number large enough to carry a pointer around the address space is refused before it is added. */
function checkAmount (type: string, amount: Scalar): void {
  if (s.isKnown(amount)) {
    const value = w.toNumber(amount.bits.value)
    if (value >= OFFSET_MAX || value <= -OFFSET_MAX) refuse('EINVAL', `math between ${type} pointer and ${w.toSignedDecimal(amount.bits.value)} is not allowed`)
  }
  checkBounds(type, amount)
}

function checkBounds (type: string, { smin }: Scalar): void {
  if (w.equal(smin, w.S64_MIN)) refuse('EINVAL', `math between ${type} pointer and register with unbounded min value is not allowed`)
  if (!w.less(smin, OFFSET_MAX_WORD) || !w.less(OFFSET_MIN_WORD, smin)) {
    refuse('EINVAL', `value ${w.toSignedDecimal(smin)} makes ${type} pointer be out of bounds`)
  }
}

function checkOffset ({ type, off, scalar }: Register): void {
  if (off >= OFFSET_MAX || off <= -OFFSET_MAX) refuse('EINVAL', `${type} pointer offset ${off} is not allowed`)
  checkBounds(type, scalar)
}
