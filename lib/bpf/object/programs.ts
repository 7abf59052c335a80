// Programs as they are loaded: a function of a program section with the subprograms it calls behind it, each once, in the order of first
// call (depth first, as libbpf does), calls and references adjusted to the new places.

import { malformed } from '../btf/index.ts'
import type { Btf, BtfExt, FormatResult } from '../btf/index.ts'
import type { Insn } from '../isa/index.ts'
import { BPF_PSEUDO_CALL, BPF_PSEUDO_FUNC, BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE, CALL, LD_IMM64 } from '../isa/op.ts'
import { DebugInfo } from './debug-info.ts'
import { SUBPROGRAM_SECTION } from './functions.ts'
import type { FunctionCode, Reference } from './functions.ts'
import { programTypeOf } from './section-names.ts'
import type { MapReference, ProgramSpec } from './spec.ts'

/** Most the kernel takes for one program; and for all of an object, so that many small programs over one large subprogram end. */
const PROGRAM_SLOTS_MAX = 1_000_000
const OBJECT_SLOTS_MAX = 4_000_000

export function linkPrograms (functions: readonly FunctionCode[], btf: Btf | undefined, ext: BtfExt): FormatResult<ProgramSpec[]> {
  const debug = new DebugInfo(btf, ext)
  const subprograms = new Map(functions.filter(({ section }) => section === SUBPROGRAM_SECTION).map((code) => [code.start, code]))
  const programs: ProgramSpec[] = []
  const names = new Set<string>()
  let slots = 0
  for (const code of functions) {
    if (code.section === SUBPROGRAM_SECTION) continue
    const program = linkProgram(code, subprograms, debug)
    if (!program.ok) return program
    if (names.has(code.name)) return malformed(code.section, code.start * 8, `a second program ${code.name}`)
    slots += program.value.insns.length
    if (slots > OBJECT_SLOTS_MAX) return malformed(code.section, code.start * 8, `more than ${OBJECT_SLOTS_MAX} instructions`, 'E2BIG')
    names.add(code.name)
    programs.push(program.value)
  }
  return { ok: true, value: programs }
}

function linkProgram (main: FunctionCode, subprograms: ReadonlyMap<number, FunctionCode>, debug: DebugInfo): FormatResult<ProgramSpec> {
  const type = programTypeOf(main.section)
  if (type === undefined) return malformed(main.section, main.start * 8, `program ${main.name}: no program type for this section`, 'EOPNOTSUPP')
  const layout = placeFunctions(main, subprograms)
  if (!layout.ok) return layout
  const insns: Insn[] = []
  const maps: MapReference[] = []
  for (const [code, base] of layout.value) {
    for (let slot = 0; slot < code.insns.length; slot++) {
      const reference = referenceAt(code, slot)
      const insn = code.insns[slot] as Insn
      if (reference === undefined) {
        insns.push(insn)
        const upper = insn.code === LD_IMM64 ? code.insns[slot + 1] : undefined
        if (upper !== undefined) slot = insns.push(upper) - 1 - base
      } else if (reference.kind === 'map') {
        maps.push({ insn: base + slot, map: reference.map, valueOffset: reference.valueOffset })
        insns.push({ ...insn, src: reference.valueOffset === null ? BPF_PSEUDO_MAP_FD : BPF_PSEUDO_MAP_VALUE, imm: 0 })
        insns.push({ ...code.insns[++slot] as Insn, imm: (reference.valueOffset ?? 0) | 0 })
      } else {
        const target = layout.value.get(subprograms.get(reference.target) ?? code) ?? 0
        insns.push({ ...insn, src: reference.kind === 'call' ? BPF_PSEUDO_CALL : BPF_PSEUDO_FUNC, imm: target - (base + slot) - 1 })
      }
    }
  }
  const described = debug.describe(layout.value)
  if (!described.ok) return described
  return { ok: true, value: { name: main.name, section: main.section, type, insns, maps, ...described.value } }
}

/** What the instruction refers to: as its relocation says, or, for a call within a section, as its own distance does. */
function referenceAt (code: FunctionCode, slot: number): Reference | undefined {
  const reference = code.references.get(slot)
  if (reference !== undefined) return reference
  const insn = code.insns[slot]
  return insn?.code === CALL && insn.src === BPF_PSEUDO_CALL ? { kind: 'call', target: code.start + slot + insn.imm + 1 } : undefined
}

/** @returns the functions of a program by their first slot in it, in that order */
function placeFunctions (main: FunctionCode, subprograms: ReadonlyMap<number, FunctionCode>): FormatResult<Map<FunctionCode, number>> {
  const placed = new Map<FunctionCode, number>([[main, 0]])
  let slots = main.insns.length
  const pending = [{ code: main, slot: 0 }]
  for (let frame = pending.at(-1); frame !== undefined; frame = pending.at(-1)) {
    const { code } = frame
    const slot = frame.slot++
    if (slot >= code.insns.length) {
      pending.pop()
      continue
    }
    const reference = referenceAt(code, slot)
    const insn = code.insns[slot] as Insn
    if (insn.code === LD_IMM64) frame.slot++
    if (reference === undefined || reference.kind === 'map') continue
    const refuse = (what: string): FormatResult<never> => malformed(code.section, (code.start + slot) * 8, `${code.name}: ${what}`)
    if (code.section !== SUBPROGRAM_SECTION && !code.references.has(slot)) return refuse(`call of a function outside ${SUBPROGRAM_SECTION}`)
    const callee = subprograms.get(reference.target)
    if (callee === undefined) return refuse(`no function starts at slot ${reference.target} of ${SUBPROGRAM_SECTION}`)
    if (placed.has(callee)) continue
    placed.set(callee, slots)
    slots += callee.insns.length
    if (slots > PROGRAM_SLOTS_MAX) {
      return malformed(main.section, main.start * 8, `program ${main.name} has more than ${PROGRAM_SLOTS_MAX} instructions`, 'E2BIG')
    }
    pending.push({ code: callee, slot: 0 })
  }
  return { ok: true, value: placed }
}
