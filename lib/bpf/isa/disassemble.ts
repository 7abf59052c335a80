// Instructions as text, line for line what `bpftool prog dump xlated` prints:
//
//      1: (63) *(u32 *)(r10 -4) = r1
//
// The templates stand in the instruction table; what an instruction alone cannot say (names of functions, ids of maps) comes
// from the caller.

import type { Insn, InsnIndex } from './insn.ts'
import { BPF_LD, BPF_LDX, BPF_PSEUDO_CALL, BPF_PSEUDO_KFUNC_CALL, BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE, BPF_ST, classOf, isWide } from './op.ts'
import { rowOf } from './table.ts'

export interface MapOperand {
  readonly id: number
  /** null: the map itself; a number: a direct value at that offset */
  readonly valueOffset: number | null
}

export interface DisassemblyOptions {
  /** whose spelling: bpftool 7.1's (default), which has no words for instructions after 2022, or that of a 6.18 kernel's verifier log */
  readonly dialect?: 'bpftool-7.1' | 'kernel-6.18'
  /** of a helper call its name, of a bpf-to-bpf call what follows `pc`, such as `+2#bpf_prog_4f38580019f015fd_weigh` */
  readonly callName?: (insn: Insn, slot: InsnIndex) => string | undefined
  /** the map of a wide immediate; without it the immediate is taken for the map's id, as in the kernel's own dumps */
  readonly mapOperand?: (insn: Insn, slot: InsnIndex) => MapOperand | undefined
}

/** @returns the lines of a program, one per instruction: a wide immediate takes one line and two numbers */
export function disassemble (insns: readonly Insn[], options: DisassemblyOptions = {}): string[] {
  const lines: string[] = []
  for (let slot = 0; slot < insns.length; slot++) {
    const insn = insns[slot] as Insn
    lines.push(`${String(slot).padStart(4)}: ${disassembleInsn(insn, insns[slot + 1], slot, options)}`)
    if (isWide(insn)) slot++
  }
  return lines
}

/** @returns opcode and text, such as `(63) *(u32 *)(r10 -4) = r1`; `next` is the second slot of a wide immediate */
export function disassembleInsn (insn: Insn, next: Insn | undefined, slot: InsnIndex, options: DisassemblyOptions = {}): string {
  const row = rowOf(insn)
  const template = options.dialect === 'kernel-6.18' ? row?.text : row?.bpftool71 ?? row?.text
  if (template === undefined) return unknownText(insn.code)
  if (template.startsWith('BUG_')) return template
  return `(${hexByte(insn.code)}) ${mapText(insn, slot, options) ?? fill(template, insn, next, slot, options)}`
}

const hexByte = (code: number): string => code.toString(16).padStart(2, '0')

function unknownText (code: number): string {
  const kind = { [BPF_LD]: 'ld_', [BPF_LDX]: 'ldx_', [BPF_ST]: 'st_' }[classOf(code)] ?? ''
  return `BUG_${kind}${hexByte(code)}`
}

function mapText (insn: Insn, slot: InsnIndex, { mapOperand }: DisassemblyOptions): string | undefined {
  const namesMap = isWide(insn) && (insn.src === BPF_PSEUDO_MAP_FD || insn.src === BPF_PSEUDO_MAP_VALUE)
  const operand = namesMap ? mapOperand?.(insn, slot) : undefined
  if (operand === undefined) return undefined
  return `r${insn.dst} = map[id:${operand.id}]${operand.valueOffset === null ? '' : `[0]+${operand.valueOffset}`}`
}

function fill (template: string, insn: Insn, next: Insn | undefined, slot: InsnIndex, options: DisassemblyOptions): string {
  return template.replace(/\{(\w+)\}/g, (_, token: string) => {
    switch (token) {
      case 'dst': return String(insn.dst)
      case 'src': return String(insn.src)
      case 'imm': return String(insn.imm)
      case 'hex': return `0x${(insn.imm >>> 0).toString(16)}`
      case 'off': case 'jump': return signed(insn.off)
      case 'jumpImm': return signed(insn.imm)
      case 'wide': return wideText(insn, next)
      case 'name': return options.callName?.(insn, slot) ?? defaultName(insn)
      case 'low': return String(isWide(insn) ? insn.imm >>> 0 : insn.imm & 0xffff)
      case 'high': return String(isWide(insn) ? (next?.imm ?? 0) >>> 0 : insn.imm >>> 16)
      default: return token
    }
  })
}

const signed = (value: number): string => value < 0 ? String(value) : `+${value}`

function wideText (insn: Insn, next: Insn | undefined): string {
  const high = (next?.imm ?? 0) >>> 0
  const low = (insn.imm >>> 0).toString(16)
  return high === 0 ? `0x${low}` : `0x${high.toString(16)}${low.padStart(8, '0')}`
}

function defaultName (insn: Insn): string {
  if (insn.src === BPF_PSEUDO_CALL) return signed(insn.imm)
  return insn.src === BPF_PSEUDO_KFUNC_CALL ? 'kernel-function' : 'unknown'
}
