// A translated program as others see it: the text of `bpftool prog dump xlated`, C lines included, and the bytes the
// kernel hands out for it.

import { disassembleInsn } from '../isa/disassemble.ts'
import { encode } from '../isa/encoding.ts'
import type { Insn } from '../isa/insn.ts'
import { BPF_PSEUDO_CALL, CALL, isWide } from '../isa/op.ts'
import type { TranslatedInsn, TranslatedProgram } from './translated.ts'

/** What a listing says beyond the instructions; lines and functions by slot of the loaded program. */
export interface XlatedLabels {
  /** by index of the program's used maps, to show other ids than those it was rewritten with */
  readonly mapIds?: readonly number[]
  readonly lines?: ReadonlyArray<{ readonly insn: number, readonly text: string }>
  /** a function's tag has 16 hex digits and names it as the kernel does: `bpf_prog_<tag>_name` */
  readonly functions?: ReadonlyArray<{ readonly insn: number, readonly prototype: string, readonly name: string, readonly tag?: string }>
}

/** @returns the listing, each line with its newline */
export function formatXlated (translated: TranslatedProgram, labels: XlatedLabels = {}): string {
  const { insns } = translated
  const lines = liveLines(translated, labels.lines ?? [])
  const functions = new Map((labels.functions ?? []).map((entry) => [entry.insn, entry]))
  const starts = new Set(translated.functions)
  const out: string[] = []
  for (let slot = 0; slot < insns.length; slot++) {
    const insn = insns[slot] as TranslatedInsn
    const isFirst = insns[slot - 1]?.origin !== insn.origin
    const named = functions.get(insn.origin)
    if (starts.has(slot) && isFirst && named !== undefined) out.push(`${named.prototype}:`)
    const line = lines.get(slot)
    if (line !== undefined) out.push(`; ${line.text}`)
    out.push(`${String(slot).padStart(4)}: ${instructionText(translated, slot, labels)}`)
    if (isWide(insn)) slot++
  }
  return out.map((line) => `${line}\n`).join('')
}

/**
 * The line that is shown before each slot. Where instructions were taken out, the last of their lines goes on to the next one that stays,
 * unless that has a line itself; the others are gone, as in the kernel.
 * @param lines ascending, by slot of the loaded program
 */
export function liveLines<L extends { readonly insn: number }> ({ insns }: TranslatedProgram, lines: readonly L[]): ReadonlyMap<number, L> {
  const shown = new Map<number, L>()
  let next = 0
  for (let slot = 0; slot < insns.length; slot++) {
    const { origin } = insns[slot] as TranslatedInsn
    if (origin < 0) continue
    for (; next < lines.length && (lines[next] as L).insn <= origin; next++) shown.set(slot, lines[next] as L)
  }
  return shown
}

function instructionText ({ insns }: TranslatedProgram, slot: number, { mapIds, functions }: XlatedLabels): string {
  const insn = insns[slot] as TranslatedInsn
  return disassembleInsn(insn, insns[slot + 1], slot, {
    callName: () => {
      if (insn.code !== CALL || insn.src !== BPF_PSEUDO_CALL) return insn.call
      const callee = functions?.find((entry) => entry.insn === insns[slot + 1 + insn.imm]?.origin)
      const distance = insn.imm < 0 ? String(insn.imm) : `+${insn.imm}`
      return callee === undefined ? distance : `${distance}#bpf_prog_${callee.tag ?? '0000000000000000'}_${callee.name}`
    },
    mapOperand: () => insn.mapRef === undefined
      ? undefined
      : { id: mapIds?.[insn.mapRef.usedMap] ?? insn.imm, valueOffset: insn.mapRef.valueOffset }
  })
}

/** @returns the program as the kernel's program info has it: bpf-to-bpf calls with distance in `off` and function number in `imm` */
export function encodeXlated (translated: TranslatedProgram): Uint8Array {
  return encode(translated.insns.map((insn, slot): Insn => {
    if (insn.code !== CALL || insn.src !== BPF_PSEUDO_CALL) return insn
    return { ...insn, off: insn.imm, imm: translated.functions.indexOf(slot + 1 + insn.imm) }
  }))
}
