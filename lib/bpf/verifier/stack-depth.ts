// The stack that calls need together: every frame rounded up to 16 bytes (as on x86-64), along every chain of calls.

import type { Insn } from '../isa/insn.ts'
import { isSubprogramCall } from './flow.ts'
import { refuse } from './refusal.ts'

const FRAME_ALIGNMENT = 16

interface Chain {
  readonly entry: number
  readonly bytes: number
  readonly frames: number
}

/**
 * @param depths deepest stack use of each function, by first instruction
 * @param stackBytes limit for all frames of a chain together
 */
export function checkStackDepth (
  insns: readonly Insn[], subprograms: readonly number[], depths: ReadonlyMap<number, number>, stackBytes: number
): void {
  const callees = calleesOf(insns, subprograms)
  const deepest = new Map<number, number>()
  const pending: Chain[] = subprograms.map((entry) => ({ entry, bytes: 0, frames: 1 }))
  for (let chain = pending.pop(); chain !== undefined; chain = pending.pop()) {
    const bytes = chain.bytes + Math.ceil((depths.get(chain.entry) ?? 0) / FRAME_ALIGNMENT) * FRAME_ALIGNMENT
    if (bytes > stackBytes) refuse('EACCES', `combined stack size of ${chain.frames} calls is ${bytes}. Too large`)
    // walked before with as much stack and as many frames below: nothing new can come of it
    const weight = bytes * 16 + chain.frames
    if ((deepest.get(chain.entry) ?? -1) >= weight) continue
    deepest.set(chain.entry, weight)
    for (const entry of callees.get(chain.entry) ?? []) pending.push({ entry, bytes, frames: chain.frames + 1 })
  }
}

function calleesOf (insns: readonly Insn[], subprograms: readonly number[]): Map<number, Set<number>> {
  const callees = new Map<number, Set<number>>()
  let current = 0
  for (const [index, insn] of insns.entries()) {
    while (index >= (subprograms[current + 1] ?? Infinity)) current++
    if (!isSubprogramCall(insn)) continue
    const caller = subprograms[current] as number
    const known = callees.get(caller) ?? new Set<number>()
    callees.set(caller, known.add(index + insn.imm + 1))
  }
  return callees
}
