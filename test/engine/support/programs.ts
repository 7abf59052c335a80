// Small programs around a body of instructions, in two forms: as the kernel's verifier takes them (struct xdp_md), and
// translated, with the facts that rewrite would have put on them.

import { assemble } from '../../../lib/bpf/isa/index.ts'
import type { Insn } from '../../../lib/bpf/isa/index.ts'
import { accessBytes, BPF_ATOMIC, BPF_LDX, BPF_NOSPEC, BPF_ST, BPF_STX, classOf, isWide, modeOf } from '../../../lib/bpf/isa/op.ts'
import type { TranslatedInsn, TranslatedProgram } from '../../../lib/bpf/rewrite/translated.ts'
import type { Region } from '../../../lib/bpf/verifier/facts.ts'
import type { IsaCase } from './isa-cases.ts'

export const CASE_PACKET_BYTES = 24

export function assembled (text: string): Insn[] {
  const result = assemble(text)
  if (!result.ok) throw new Error(`${result.error.message}\n${text}`)
  return result.value
}

export function isMemoryAccess (insn: Insn): boolean {
  const instructionClass = classOf(insn.code)
  if (instructionClass === BPF_ST) return modeOf(insn.code) !== BPF_NOSPEC
  return instructionClass === BPF_LDX || instructionClass === BPF_STX
}

/** Puts the facts on: `regionOf` says where an instruction's access goes. */
export function translate (
  insns: readonly Insn[], regionOf: (slot: number) => Region, proved: (slot: number) => boolean
): TranslatedProgram {
  const translated = insns.map((insn, slot): TranslatedInsn => {
    const second = slot > 0 && isWide(insns[slot - 1] as Insn)
    if (second || !isMemoryAccess(insn)) return { ...insn, origin: slot }
    const kind = modeOf(insn.code) === BPF_ATOMIC ? 'atomic' : classOf(insn.code) === BPF_LDX ? 'load' : 'store'
    return { ...insn, origin: slot, access: { region: regionOf(slot), size: accessBytes(insn.code), kind, proved: proved(slot) } }
  })
  return { insns: translated, functions: [0] }
}

/** a and b come from the packet's first 16 bytes, r0 goes to the next 8: so nothing is folded, and all 64 bits show. */
function caseText ({ body, functions }: IsaCase, data: string, dataEnd: string): string {
  return `
    r6 = ${data}
    r3 = ${dataEnd}
    r0 = 0
    r4 = r6
    r4 += ${CASE_PACKET_BYTES}
    if r4 > r3 goto leave
    r1 = *(u64 *)(r6 +0)
    r2 = *(u64 *)(r6 +8)
    ${body}
    *(u64 *)(r6 +16) = r0
    leave:
    exit
    ${functions ?? ''}`
}

/** The case as the kernel takes it. */
export function caseForKernel (isaCase: IsaCase): Insn[] {
  return assembled(caseText(isaCase, '*(u32 *)(r1 +0)', '*(u32 *)(r1 +4)'))
}

/** The case translated. @param proved false: every access but the context's is checked at run time */
export function caseTranslated (isaCase: IsaCase, data: number, dataEnd: number, proved: boolean): TranslatedProgram {
  const insns = assembled(caseText(isaCase, `*(u64 *)(r1 +${data})`, `*(u64 *)(r1 +${dataEnd})`))
  const exit = insns.findIndex((insn) => insn.code === 0x95)
  const regionOf = (slot: number): Region => {
    if (slot < 2) return 'ctx'
    return slot === 6 || slot === 7 || slot === exit - 1 ? 'packet' : 'stack'
  }
  return translate(insns, regionOf, () => proved)
}

export function casePacket ({ a, b }: IsaCase): Uint8Array {
  const packet = new Uint8Array(CASE_PACKET_BYTES)
  const view = new DataView(packet.buffer)
  view.setBigUint64(0, a, true)
  view.setBigUint64(8, b, true)
  return packet
}

export function caseResult (packet: Uint8Array): bigint {
  return new DataView(packet.buffer, packet.byteOffset).getBigUint64(16, true)
}
