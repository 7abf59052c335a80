// The instruction set: one table, and what reads it.

export { assemble } from './assemble.ts'
export { disassemble, disassembleInsn } from './disassemble.ts'
export type { DisassemblyOptions, MapOperand } from './disassemble.ts'
export { INSN_BYTES, decode, encode } from './encoding.ts'
export type { Insn, InsnIndex } from './insn.ts'
export { instructionTable, isOpcode, reservedFieldsUsed, rowOf } from './table.ts'
export type { ConformanceGroup, Field, InstructionRow } from './table.ts'
