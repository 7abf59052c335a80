// From a BPF opcode to the operation of a pre-decoded record (assembly/exec-opcodes.ts). Whether fields are used as they
// should be is the verifier's to judge; what no engine runs has no operation.

import {
  accessBytes, BPF_ADD, BPF_ALU, BPF_ALU64, BPF_AND, BPF_ARSH, BPF_ATOMIC, BPF_ADDR_PERCPU, BPF_DIV, BPF_END, BPF_JA, BPF_JEQ, BPF_JGE,
  BPF_JGT, BPF_JLE, BPF_JLT, BPF_JMP, BPF_JMP32, BPF_JNE, BPF_JSET, BPF_JSGE, BPF_JSGT, BPF_JSLE, BPF_JSLT, BPF_LDX, BPF_LOAD_ACQ,
  BPF_LSH, BPF_MEM, BPF_MEMSX, BPF_MOD, BPF_MOV, BPF_MUL, BPF_NEG, BPF_NOSPEC, BPF_OR, BPF_PSEUDO_CALL, BPF_RSH, BPF_ST, BPF_STORE_REL,
  BPF_STX, BPF_SUB, BPF_X, BPF_XOR, CALL, classOf, EXIT, LD_IMM64, modeOf, operationOf, sourceOf
} from '../isa/op.ts'
import type { TranslatedInsn } from '../rewrite/translated.ts'
import * as op from './assembly/exec-opcodes.ts'
import { functionOperation } from './kernel-functions.ts'

/** First of the four forms (64 K, 64 X, 32 K, 32 X) of an arithmetic operation. */
const arithmetic: Readonly<Record<number, number>> = {
  [BPF_ADD]: op.ADD64_K,
  [BPF_SUB]: op.SUB64_K,
  [BPF_MUL]: op.MUL64_K,
  [BPF_DIV]: op.DIV64_K,
  [BPF_OR]: op.OR64_K,
  [BPF_AND]: op.AND64_K,
  [BPF_LSH]: op.LSH64_K,
  [BPF_RSH]: op.RSH64_K,
  [BPF_MOD]: op.MOD64_K,
  [BPF_XOR]: op.XOR64_K,
  [BPF_MOV]: op.MOV64_K,
  [BPF_ARSH]: op.ARSH64_K
}

/** The same of a comparison. */
const comparisons: Readonly<Record<number, number>> = {
  [BPF_JEQ]: op.JEQ64_K,
  [BPF_JGT]: op.JGT64_K,
  [BPF_JGE]: op.JGE64_K,
  [BPF_JSET]: op.JSET64_K,
  [BPF_JNE]: op.JNE64_K,
  [BPF_JSGT]: op.JSGT64_K,
  [BPF_JSGE]: op.JSGE64_K,
  [BPF_JLT]: op.JLT64_K,
  [BPF_JLE]: op.JLE64_K,
  [BPF_JSLT]: op.JSLT64_K,
  [BPF_JSLE]: op.JSLE64_K
}

/** @returns the record's operation, or undefined when no engine runs the instruction */
export function decodeOperation (insn: TranslatedInsn): number | undefined {
  switch (classOf(insn.code)) {
    case BPF_ALU: return decodeArithmetic(insn, 2)
    case BPF_ALU64: return decodeArithmetic(insn, 0)
    case BPF_JMP: return decodeJump(insn, 0)
    case BPF_JMP32: return decodeJump(insn, 2)
    case BPF_LDX: return decodeLoad(insn)
    case BPF_ST: return decodeStore(insn, op.STORE8_K)
    case BPF_STX: return modeOf(insn.code) === BPF_ATOMIC ? decodeAtomic(insn) : decodeStore(insn, op.STORE8_X)
    default: return insn.code === LD_IMM64 ? op.LOAD_IMM64 : undefined
  }
}

/** log2 of the bytes of an access: 0..3 */
export function sizeLog (code: number): number {
  return 31 - Math.clz32(accessBytes(code))
}

function decodeArithmetic (insn: TranslatedInsn, width: 0 | 2): number | undefined {
  const form = width + (sourceOf(insn.code) === BPF_X ? 1 : 0)
  switch (operationOf(insn.code)) {
    case BPF_NEG: return width === 0 ? op.NEG64 : op.NEG32
    case BPF_END: return width === 0 ? swap(insn.imm) : endian(insn)
    case BPF_DIV: return (insn.off === 1 ? op.SDIV64_K : op.DIV64_K) + form
    case BPF_MOD: return (insn.off === 1 ? op.SMOD64_K : op.MOD64_K) + form
    case BPF_MOV: return insn.off === 0 ? op.MOV64_K + form : specialMove(insn.off, form)
    default: {
      const first = arithmetic[operationOf(insn.code)]
      return first === undefined ? undefined : first + form
    }
  }
}

const moves: Readonly<Record<number, readonly [number | undefined, number | undefined]>> = {
  8: [op.MOVSX64_8, op.MOVSX32_8],
  16: [op.MOVSX64_16, op.MOVSX32_16],
  32: [op.MOVSX64_32, undefined],
  [BPF_ADDR_PERCPU]: [op.MOV_PERCPU, undefined]
}

/** Moves that an offset makes special: only from a register. */
function specialMove (off: number, form: number): number | undefined {
  if (form === 1) return moves[off]?.[0]
  return form === 3 ? moves[off]?.[1] : undefined
}

function swap (bits: number): number | undefined {
  return ({ 16: op.SWAP16, 32: op.SWAP32, 64: op.SWAP64 } as Record<number, number>)[bits]
}

/** Conversion to big endian swaps; to little endian it only cuts, the emulated machine being little endian. */
function endian (insn: TranslatedInsn): number | undefined {
  if (sourceOf(insn.code) === BPF_X) return swap(insn.imm)
  return ({ 16: op.TRUNCATE16, 32: op.TRUNCATE32, 64: op.NOTHING } as Record<number, number>)[insn.imm]
}

function decodeJump (insn: TranslatedInsn, width: 0 | 2): number | undefined {
  if (operationOf(insn.code) === BPF_JA) return sourceOf(insn.code) === BPF_X ? undefined : op.JUMP
  if (insn.code === EXIT) return op.EXIT
  if (insn.code === CALL) {
    if (insn.src === BPF_PSEUDO_CALL) return op.CALL_LOCAL
    return insn.src === 0 && insn.call !== undefined ? functionOperation(insn.call) : undefined
  }
  const first = comparisons[operationOf(insn.code)]
  return first === undefined ? undefined : first + width + (sourceOf(insn.code) === BPF_X ? 1 : 0)
}

function decodeLoad (insn: TranslatedInsn): number | undefined {
  if (modeOf(insn.code) === BPF_MEM) return op.LOAD8 + sizeLog(insn.code)
  return modeOf(insn.code) === BPF_MEMSX && sizeLog(insn.code) < 3 ? op.LOADSX8 + sizeLog(insn.code) : undefined
}

function decodeStore (insn: TranslatedInsn, first: number): number | undefined {
  if (modeOf(insn.code) === BPF_MEM) return first + sizeLog(insn.code)
  return modeOf(insn.code) === BPF_NOSPEC && classOf(insn.code) === BPF_ST ? op.NOTHING : undefined
}

const fetching = new Set([BPF_ADD, BPF_OR, BPF_AND, BPF_XOR].flatMap((operation) => [operation, operation | 1]).concat(0xe1, 0xf1))

function decodeAtomic (insn: TranslatedInsn): number | undefined {
  if (insn.imm === BPF_LOAD_ACQ) return op.LOAD_ACQUIRE
  if (insn.imm === BPF_STORE_REL) return op.STORE_RELEASE
  if (sizeLog(insn.code) < 2 || !fetching.has(insn.imm)) return undefined
  if (insn.imm === BPF_ADD) return sizeLog(insn.code) === 2 ? op.ATOMIC_ADD32 : op.ATOMIC_ADD64
  return sizeLog(insn.code) === 2 ? op.ATOMIC32 : op.ATOMIC64
}
