// Instructions by constructor, for code that emits code. Operations and sizes are the BPF_* bits of op.ts.

import type { Insn } from './insn.ts'
import {
  BPF_ALU, BPF_ALU64, BPF_CALL, BPF_EXIT, BPF_JA, BPF_JMP, BPF_JMP32, BPF_K, BPF_LDX, BPF_MEM, BPF_MOV, BPF_ST, BPF_STX, BPF_X, LD_IMM64
} from './op.ts'

export function insn (code: number, dst: number, src: number, off: number, imm: number): Insn {
  return { code, dst, src, off, imm }
}

export const alu64Imm = (op: number, dst: number, imm: number): Insn => insn(BPF_ALU64 | op | BPF_K, dst, 0, 0, imm)
export const alu64Reg = (op: number, dst: number, src: number): Insn => insn(BPF_ALU64 | op | BPF_X, dst, src, 0, 0)
export const alu32Imm = (op: number, dst: number, imm: number): Insn => insn(BPF_ALU | op | BPF_K, dst, 0, 0, imm)
export const alu32Reg = (op: number, dst: number, src: number): Insn => insn(BPF_ALU | op | BPF_X, dst, src, 0, 0)
export const mov64Imm = (dst: number, imm: number): Insn => alu64Imm(BPF_MOV, dst, imm)
export const mov64Reg = (dst: number, src: number): Insn => alu64Reg(BPF_MOV, dst, src)
export const mov32Imm = (dst: number, imm: number): Insn => alu32Imm(BPF_MOV, dst, imm)
export const mov32Reg = (dst: number, src: number): Insn => alu32Reg(BPF_MOV, dst, src)

/** dst = *(size *)(src + off) */
export const load = (size: number, dst: number, src: number, off: number): Insn => insn(BPF_LDX | BPF_MEM | size, dst, src, off, 0)
/** *(size *)(dst + off) = src */
export const store = (size: number, dst: number, src: number, off: number): Insn => insn(BPF_STX | BPF_MEM | size, dst, src, off, 0)
/** *(size *)(dst + off) = imm */
export const storeImm = (size: number, dst: number, off: number, imm: number): Insn => insn(BPF_ST | BPF_MEM | size, dst, 0, off, imm)

/** Both slots of a wide immediate; `src` as BPF_PSEUDO_*. */
export const wide = (dst: number, src: number, low: number, high: number): [Insn, Insn] =>
  [insn(LD_IMM64, dst, src, 0, low | 0), insn(0, 0, 0, 0, high | 0)]

export const goto = (off: number): Insn => insn(BPF_JMP | BPF_JA, 0, 0, off, 0)
export const jumpImm = (op: number, dst: number, imm: number, off: number): Insn => insn(BPF_JMP | op | BPF_K, dst, 0, off, imm)
export const jumpReg = (op: number, dst: number, src: number, off: number): Insn => insn(BPF_JMP | op | BPF_X, dst, src, off, 0)
export const jump32Imm = (op: number, dst: number, imm: number, off: number): Insn => insn(BPF_JMP32 | op | BPF_K, dst, 0, off, imm)
export const jump32Reg = (op: number, dst: number, src: number, off: number): Insn => insn(BPF_JMP32 | op | BPF_X, dst, src, off, 0)
export const call = (imm: number): Insn => insn(BPF_JMP | BPF_CALL, 0, 0, 0, imm)
export const exit = (): Insn => insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
