// Conditional jumps: decided ones go one way, the others both, and each way knows more than before: bounds of numbers,
// that a looked-up value is there or NULL, how many bytes a packet has.

import type { Insn } from '../isa/insn.ts'
import {
  BPF_JA, BPF_JCOND, BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JLE, BPF_JLT, BPF_JMP32, BPF_JNE, BPF_X, classOf, operationOf, sourceOf
} from '../isa/op.ts'
import { decide, isConstant, mirror, refine } from './comparison.ts'
import {
  AT_END, BEYOND_END, ZERO_NUMBER, change, isNeverNull, isNullable, isPacketOrEnd, isPointer, isScalar, pointer
} from './register.ts'
import type { Register } from './register.ts'
import { LinkedNumbers } from './linked.ts'
import { refuse } from './refusal.ts'
import * as s from './scalar.ts'
import { copyState, mapRegisters } from './state.ts'
import type { State } from './state.ts'
import type { Walk } from './walk.ts'
import * as w from './word.ts'

/** Range checks are believed up to this offset into a packet. */
const PACKET_OFFSET_MAX = 0xffff

export interface Branches {
  /** the state behind the instruction, null: it always jumps */
  readonly fallThrough: State | null
  /** the state at the jump's target, null: it never jumps */
  readonly taken: State | null
}

interface Comparison {
  readonly insn: Insn
  readonly operation: number
  readonly bits: 32 | 64
  readonly isRegister: boolean
  readonly first: Register
  readonly second: Register
}

export function walkJump (walk: Walk): Branches {
  const comparison = readComparison(walk)
  const decision = decideJump(comparison)
  if (decision !== null) {
    relyOn(walk, comparison)
    return decision ? { fallThrough: null, taken: walk.state } : { fallThrough: walk.state, taken: null }
  }
  const fallThrough = walk.state
  const taken = copyState(fallThrough)
  refineNumbers(walk, comparison, fallThrough, taken)
  if (!refineNull(comparison, fallThrough, taken)) comparePointers(walk, comparison, fallThrough, taken)
  return { fallThrough, taken }
}

function readComparison (walk: Walk): Comparison {
  const { insn } = walk
  const operation = operationOf(insn.code)
  if (operation === BPF_JA || operation > BPF_JCOND) refuse('EINVAL', `invalid BPF_JMP/JMP32 opcode ${operation.toString(16)}`)
  if (operation === BPF_JCOND) refuse('EINVAL', 'may_goto is not emulated')
  const first = walk.read(insn.dst)
  const isRegister = sourceOf(insn.code) === BPF_X
  if (isRegister ? insn.imm !== 0 : insn.src !== 0) refuse('EINVAL', 'BPF_JMP/JMP32 uses reserved fields')
  const second = isRegister ? walk.read(insn.src) : walk.immediate(insn.imm)
  const areInPacket = isPacketOrEnd(first) && isPacketOrEnd(second)
  if (isRegister && isPointer(second) && !areInPacket && !walk.program.isPrivileged) refuse('EACCES', `R${insn.src} pointer comparison prohibited`)
  return { insn, operation, bits: classOf(insn.code) === BPF_JMP32 ? 32 : 64, isRegister, first, second }
}

function relyOn (walk: Walk, { insn, isRegister }: Comparison): void {
  walk.rely(insn.dst)
  if (isRegister) walk.rely(insn.src)
}

function decideJump ({ operation, bits, first, second }: Comparison): boolean | null {
  if (bits === 64 && isPacketOrEnd(first) && isPacketOrEnd(second)) return decideAtEnd(operation, first, second)
  if (isPointer(first) || isPointer(second)) {
    const [held, number] = isPointer(first) ? [first, second] : [second, first]
    const isZero = isScalar(number) && isConstant(number.scalar, bits) && number.scalar.bits.value.lo === 0 &&
      (bits === 32 || s.isKnownZero(number.scalar))
    if (!isZero || !isNeverNull(held)) return null
    return operation === BPF_JEQ ? false : operation === BPF_JNE ? true : null
  }
  return decide(operation, bits, first.scalar, second.scalar)
}

/** A packet pointer that was found to lie at the end, or beyond, is not compared anew. */
function decideAtEnd (operation: number, first: Register, second: Register): boolean | null {
  if (first.type === 'pkt_end') return second.type === 'pkt_end' ? null : decideAtEnd(mirror(operation), second, first)
  if (second.type !== 'pkt_end' || first.range >= 0) return null
  if (operation === BPF_JGT || operation === BPF_JLE) return first.range === BEYOND_END ? operation === BPF_JGT : null
  return operation === BPF_JGE ? true : operation === BPF_JLT ? false : null
}

function refineNumbers (walk: Walk, comparison: Comparison, fallThrough: State, taken: State): void {
  const { insn, operation, bits, isRegister, first, second } = comparison
  const linked = new LinkedNumbers(walk, fallThrough)
  if (isRegister && isScalar(second) && second.id !== 0) linked.collect(second.id, taken)
  if (isScalar(first) && first.id !== 0) linked.collect(first.id, taken)
  linked.note()
  if (!isScalar(first) || !isScalar(second)) return
  if (isRegister && insn.dst === insn.src) return
  for (const [state, holds] of [[fallThrough, false], [taken, true]] as const) {
    const [a, b] = refine(operation, holds, bits, first.scalar, second.scalar)
    const { registers } = state.frame
    if (isRegister) registers[insn.src] = change(registers[insn.src] as Register, { scalar: b })
    registers[insn.dst] = change(registers[insn.dst] as Register, { scalar: a })
    if (isRegister) linked.spread(state, insn.src)
    linked.spread(state, insn.dst)
  }
}

/** @returns whether the jump tells a looked-up value from NULL */
function refineNull ({ insn, operation, bits, isRegister, first }: Comparison, fallThrough: State, taken: State): boolean {
  if (bits !== 64 || isRegister || insn.imm !== 0 || !isNullable(first) || (operation !== BPF_JEQ && operation !== BPF_JNE)) return false
  for (const [state, isNull] of [[fallThrough, operation === BPF_JNE], [taken, operation === BPF_JEQ]] as const) {
    const known = isNull ? ZERO_NUMBER : present(first)
    mapRegisters(state, (register) => isNullable(register) && register.id === first.id ? known : register)
  }
  return true
}

/** What a lookup found: bytes of an element, or, in an outer map, an inner map. */
function present ({ target }: Register): Register {
  if (target?.template !== null && target?.template !== undefined) return pointer('map_ptr', { target: target.template })
  return pointer('map_value', target === null ? {} : { target })
}

function comparePointers (walk: Walk, comparison: Comparison, fallThrough: State, taken: State): void {
  const { insn, operation, bits, isRegister, first, second } = comparison
  if (isRegister && bits === 64 && isPointer(first) && isPointer(second) && isNullable(first) !== isNullable(second)) {
    refineByEqual(operation, first, second, fallThrough, taken)
  }
  if (isRegister && bits === 64 && refinePacket(operation, insn.dst, insn.src, first, second, fallThrough, taken)) return
  if (isPointer(first) && !walk.program.isPrivileged) refuse('EACCES', `R${insn.dst} pointer comparison prohibited`)
}

/** A value that may be NULL and equals a pointer that is not, is not. */
function refineByEqual (operation: number, first: Register, second: Register, fallThrough: State, taken: State): void {
  const state = operation === BPF_JEQ ? taken : operation === BPF_JNE ? fallThrough : null
  if (state === null) return
  const maybe = isNullable(first) ? first : second
  const known = present(maybe)
  mapRegisters(state, (register) => isNullable(register) && register.id === maybe.id ? known : register)
}

const isPacketStart = (r: Register): boolean => r.type === 'pkt' && r.id === 0 && r.off === 0 && s.isKnownZero(r.scalar)

/** A comparison of a packet pointer with the packet's end (or of metadata with the packet's start). */
function refinePacket (
  operation: number, number: number, other: number, first: Register, second: Register, fallThrough: State, taken: State
): boolean {
  const isEndOf = (end: Register, start: Register): boolean =>
    (start.type === 'pkt' && end.type === 'pkt_end') || (start.type === 'pkt_meta' && isPacketStart(end))
  if (isEndOf(first, second)) return refinePacket(mirror(operation), other, number, second, first, fallThrough, taken)
  if (!isEndOf(second, first)) return false
  switch (operation) {
    case BPF_JGT: return narrow(number, fallThrough, false, taken, BEYOND_END)
    case BPF_JGE: return narrow(number, fallThrough, true, taken, AT_END)
    case BPF_JLT: return narrow(number, taken, true, fallThrough, AT_END)
    case BPF_JLE: return narrow(number, taken, false, fallThrough, BEYOND_END)
    default: return false
  }
}

/**
 * @param inside the state in which the packet reaches up to the pointer in register `number`
 * @param isStrict it reaches beyond: the byte the pointer is at is there, too
 * @param outside the state in which it does not
 */
function narrow (number: number, inside: State, isStrict: boolean, outside: State, mark: number): boolean {
  const found = inside.frame.registers[number] as Register
  if (found.type === 'pkt') outside.frame.registers[number] = change(found, { range: mark })
  const { off, scalar, type, id } = found
  if (off < 0 || (off === 0 && isStrict)) return true
  const max = w.toUnsignedNumber(scalar.umax)
  if (max > PACKET_OFFSET_MAX || max + off > PACKET_OFFSET_MAX) return true
  const range = isStrict ? off + 1 : off
  mapRegisters(inside, (register) =>
    register.type === type && register.id === id && register.range < range ? change(register, { range }) : register)
  return true
}
