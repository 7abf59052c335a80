// Arithmetic and comparisons of RFC 9669 (4.1 to 4.3) on BigInt: slow, and easy to hold against the text. Registers are
// unsigned 64-bit; an operation of 32 bits works on the lower halves and clears the upper half of its result.

import {
  BPF_ADD, BPF_ALU64, BPF_AND, BPF_ARSH, BPF_DIV, BPF_END, BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JLE, BPF_JLT, BPF_JMP32, BPF_JNE, BPF_JSET,
  BPF_JSGE, BPF_JSGT, BPF_JSLE, BPF_JSLT, BPF_LSH, BPF_MOD, BPF_MOV, BPF_MUL, BPF_NEG, BPF_OR, BPF_RSH, BPF_SUB, BPF_TO_LE, BPF_XOR,
  classOf, operationOf, sourceOf
} from '../isa/op.ts'
import type { Insn } from '../isa/insn.ts'

/**
 * @param dst value of the destination register
 * @param operand source register, or the immediate sign-extended
 * @returns what the destination holds afterwards
 */
export function arithmetic (insn: Insn, dst: bigint, operand: bigint): bigint {
  const wide = classOf(insn.code) === BPF_ALU64
  if (operationOf(insn.code) === BPF_END) return convert(insn, wide, dst)
  const bits = wide ? 64 : 32
  return BigInt.asUintN(bits, compute(insn, bits, BigInt.asUintN(bits, dst), BigInt.asUintN(bits, operand)))
}

/** Result before it is cut to `bits`; both operands are unsigned. */
function compute (insn: Insn, bits: 32 | 64, a: bigint, b: bigint): bigint {
  const shift = b & BigInt(bits - 1)
  const signed = insn.off === 1
  switch (operationOf(insn.code)) {
    case BPF_ADD: return a + b
    case BPF_SUB: return a - b
    case BPF_MUL: return a * b
    case BPF_OR: return a | b
    case BPF_AND: return a & b
    case BPF_XOR: return a ^ b
    case BPF_LSH: return a << shift
    case BPF_RSH: return a >> shift
    case BPF_ARSH: return BigInt.asIntN(bits, a) >> shift
    case BPF_NEG: return -a
    case BPF_MOV: return insn.off === 0 ? b : BigInt.asIntN(insn.off, b)
    case BPF_DIV:
      if (b === 0n) return 0n
      return signed ? BigInt.asIntN(bits, a) / BigInt.asIntN(bits, b) : a / b
    case BPF_MOD:
      if (b === 0n) return a
      return signed ? BigInt.asIntN(bits, a) % BigInt.asIntN(bits, b) : a % b
    default: throw new Error(`arithmetic opcode 0x${insn.code.toString(16)} was let through`)
  }
}

/** Byte order: ALU64 always swaps, ALU converts from the little endian of the machine. */
function convert (insn: Insn, always: boolean, value: bigint): bigint {
  const bits = insn.imm
  if (!always && sourceOf(insn.code) === BPF_TO_LE) return BigInt.asUintN(bits, value)
  let swapped = 0n
  for (let bit = 0; bit < bits; bit += 8) swapped = swapped << 8n | (value >> BigInt(bit) & 0xffn)
  return swapped
}

/** @returns whether the conditional jump is taken */
export function compare (insn: Insn, dst: bigint, operand: bigint): boolean {
  const bits = classOf(insn.code) === BPF_JMP32 ? 32 : 64
  const a = BigInt.asUintN(bits, dst)
  const b = BigInt.asUintN(bits, operand)
  const signedA = BigInt.asIntN(bits, dst)
  const signedB = BigInt.asIntN(bits, operand)
  switch (operationOf(insn.code)) {
    case BPF_JEQ: return a === b
    case BPF_JNE: return a !== b
    case BPF_JGT: return a > b
    case BPF_JGE: return a >= b
    case BPF_JLT: return a < b
    case BPF_JLE: return a <= b
    case BPF_JSET: return (a & b) !== 0n
    case BPF_JSGT: return signedA > signedB
    case BPF_JSGE: return signedA >= signedB
    case BPF_JSLT: return signedA < signedB
    case BPF_JSLE: return signedA <= signedB
    default: throw new Error(`jump opcode 0x${insn.code.toString(16)} was let through`)
  }
}
