// Division and remainder by a register: code around them so that 0 gives 0 (or leaves the dividend), and -1 in signed
// division does not trap on the smallest number. An immediate divisor needs none, but for signed -1.

import { alu32Imm, alu32Reg, goto, insn, mov64Imm, mov64Reg } from '../isa/build.ts'
import {
  BPF_ADD, BPF_ALU, BPF_ALU64, BPF_DIV, BPF_JEQ, BPF_JGT, BPF_JMP, BPF_JMP32, BPF_JNE, BPF_K, BPF_MOD, BPF_MOV, BPF_NEG, BPF_REG_AX,
  BPF_X, BPF_XOR, classOf, operationOf, sourceOf
} from '../isa/op.ts'
import type { Insn } from '../isa/insn.ts'

/** @returns the guarded operation, or null: the instruction stays as it is */
export function guardDivision (original: Insn): Insn[] | null {
  const { code, off, imm, dst } = original
  const is64 = classOf(code) === BPF_ALU64
  const operation = operationOf(code)
  if ((!is64 && classOf(code) !== BPF_ALU) || (operation !== BPF_DIV && operation !== BPF_MOD)) return null
  if (sourceOf(code) === BPF_X) {
    if (off === 1) return operation === BPF_DIV ? signedDivision(original, is64) : signedRemainder(original, is64)
    return operation === BPF_DIV ? division(original, is64) : remainder(original, is64)
  }
  if (off !== 1 || imm !== -1) return null
  return [operation === BPF_DIV ? negate(dst, is64) : alu32Imm(BPF_MOV, dst, 0)]
}

const jump = (is64: boolean, operation: number, register: number, imm: number, off: number): Insn =>
  insn((is64 ? BPF_JMP : BPF_JMP32) | operation | BPF_K, register, 0, off, imm)
const negate = (dst: number, is64: boolean): Insn => insn((is64 ? BPF_ALU64 : BPF_ALU) | BPF_NEG | BPF_K, dst, 0, 0, 0)

function division (original: Insn, is64: boolean): Insn[] {
  const { dst, src } = original
  return [jump(is64, BPF_JNE, src, 0, 2), alu32Reg(BPF_XOR, dst, dst), goto(1), original]
}

/** Of 32 bits the dividend is left zero-extended. */
function remainder (original: Insn, is64: boolean): Insn[] {
  const { dst, src } = original
  const rest = is64 ? [] : [goto(1), alu32Reg(BPF_MOV, dst, dst)]
  return [jump(is64, BPF_JEQ, src, 0, 1 + rest.length / 2), original, ...rest]
}

/** Divisor + 1, unsigned: above 1 for all divisors but -1 and 0. */
function shiftedDivisor (src: number, is64: boolean): Insn[] {
  return [mov64Reg(BPF_REG_AX, src), insn((is64 ? BPF_ALU64 : BPF_ALU) | BPF_ADD | BPF_K, BPF_REG_AX, 0, 0, 1)]
}

/** By -1 is the negation; by 0 the negation of 0. */
function signedDivision (original: Insn, is64: boolean): Insn[] {
  const { dst, src } = original
  return [
    ...shiftedDivisor(src, is64),
    jump(is64, BPF_JGT, BPF_REG_AX, 1, 4),
    jump(is64, BPF_JEQ, BPF_REG_AX, 0, 1),
    is64 ? mov64Imm(dst, 0) : alu32Imm(BPF_MOV, dst, 0),
    negate(dst, is64),
    goto(1),
    original
  ]
}

/** By -1 is 0; by 0 the dividend. */
function signedRemainder (original: Insn, is64: boolean): Insn[] {
  const { dst, src } = original
  const rest = is64 ? [] : [goto(1), alu32Reg(BPF_MOV, dst, dst)]
  return [
    ...shiftedDivisor(src, is64),
    jump(is64, BPF_JGT, BPF_REG_AX, 1, 3),
    jump(is64, BPF_JEQ, BPF_REG_AX, 1, 3 + rest.length / 2),
    alu32Imm(BPF_MOV, dst, 0),
    goto(1),
    original,
    ...rest
  ]
}
