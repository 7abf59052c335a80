// Code no path reaches is taken out, and jumps that only ever went one way lose their condition. What then jumps to the
// instruction behind it goes, too.

import type { Insn } from '../isa/insn.ts'
import { goto } from '../isa/build.ts'
import { BPF_JA, BPF_CALL, BPF_EXIT, JUMP, JUMP_LONG, isConditionalJump, isJumpClass, operationOf } from '../isa/op.ts'
import type { InsnFacts } from '../verifier/facts.ts'

export interface LiveInsn {
  readonly insn: Insn
  /** slot in the loaded program */
  readonly slot: number
  /** of a jump: the slot it leads to */
  readonly target: number | null
}

/** @returns the instructions that stay, in order */
export function removeDeadCode (insns: readonly Insn[], facts: readonly InsnFacts[]): LiveInsn[] {
  const isLive = (slot: number): boolean => facts[slot]?.reachable === true
  const live = insns.flatMap((insn, slot) => isLive(slot) ? [withoutCondition(insn, slot, isLive)] : [])
  return live.filter(({ insn, target }, index) => !(isPlainJump(insn) && target === live[index + 1]?.slot))
}

function withoutCondition (insn: Insn, slot: number, isLive: (slot: number) => boolean): LiveInsn {
  const target = jumpTarget(insn, slot)
  if (target === null || !isConditionalJump(insn.code)) return { insn, slot, target }
  if (!isLive(slot + 1)) return { insn: goto(insn.off), slot, target }
  if (!isLive(target)) return { insn: goto(0), slot, target: slot + 1 }
  return { insn, slot, target }
}

function jumpTarget (insn: Insn, slot: number): number | null {
  if (!isJumpClass(insn.code)) return null
  switch (operationOf(insn.code)) {
    case BPF_CALL: case BPF_EXIT: return null
    case BPF_JA: return slot + 1 + (insn.code === JUMP_LONG ? insn.imm : insn.off)
    default: return slot + 1 + insn.off
  }
}

const isPlainJump = ({ code, dst, src, imm }: Insn): boolean => code === JUMP && dst === 0 && src === 0 && imm === 0
