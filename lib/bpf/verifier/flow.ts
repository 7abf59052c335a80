// Control flow, before values are looked at: every instruction must be reachable, and the walk needs to know where paths
// meet (prune points: there, a state that is covered by an earlier one ends the path).

import type { Insn } from '../isa/insn.ts'
import { BPF_CALL, BPF_EXIT, BPF_JA, BPF_PSEUDO_CALL, BPF_PSEUDO_FUNC, CALL, LD_IMM64, isJumpClass, operationOf } from '../isa/op.ts'
import { refuse } from './refusal.ts'
import { jumpTarget } from './structure.ts'

export interface Flow {
  /** 1 where states are kept and compared */
  readonly prunePoints: Uint8Array
}

export const isSubprogramCall = (insn: Insn): boolean => insn.code === CALL && insn.src === BPF_PSEUDO_CALL
export const slotsOf = (insn: Insn): number => insn.code === LD_IMM64 ? 2 : 1

/** @returns what may run next inside the function; a call is passed over */
export function successors (insns: readonly Insn[], index: number): number[] {
  const insn = insns[index] as Insn
  if (!isJumpClass(insn.code)) return [index + slotsOf(insn)]
  switch (operationOf(insn.code)) {
    case BPF_EXIT: return []
    case BPF_CALL: return [index + 1]
    case BPF_JA: return [jumpTarget(insn, index)]
    default: return [index + 1, jumpTarget(insn, index)]
  }
}

/** @param subprograms first instruction of every function */
export function analyseFlow (insns: readonly Insn[], subprograms: readonly number[]): Flow {
  const seen = new Uint8Array(insns.length)
  const prunePoints = new Uint8Array(insns.length)
  const pending = [subprograms[0] as number]
  seen[0] = 1
  const visit = (from: number, target: number): void => {
    if (target >= insns.length) refuse('EINVAL', `jump out of range from insn ${from} to ${target}`)
    if (seen[target] === 1) return
    seen[target] = 1
    pending.push(target)
  }
  for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
    const insn = insns[index] as Insn
    const targets = successors(insns, index)
    for (const target of targets) visit(index, target)
    if (insn.code === LD_IMM64 && insn.src === BPF_PSEUDO_FUNC) visit(index, index + insn.imm + 1)
    if (!isJumpClass(insn.code)) continue
    for (const target of targets) if (target !== index + 1 || operationOf(insn.code) === BPF_CALL) prunePoints[target] = 1
    if (targets.length === 2) prunePoints[index] = 1
    if (isSubprogramCall(insn)) {
      prunePoints[index] = 1
      prunePoints[index + insn.imm + 1] = 1
      visit(index, index + insn.imm + 1)
    }
  }
  checkReached(insns, seen)
  return { prunePoints }
}

function checkReached (insns: readonly Insn[], seen: Uint8Array): void {
  for (let index = 0; index < insns.length; index++) {
    if (seen[index] === 0) refuse('EINVAL', `unreachable insn ${index}`)
    if ((insns[index] as Insn).code !== LD_IMM64) continue
    if (seen[index + 1] === 1) refuse('EINVAL', `jump into the middle of ldimm64 insn ${index}`)
    index++
  }
}
