// What is checked before any path is walked: where functions begin, that jumps stay inside their function, that every
// opcode exists and wide immediates are whole and name maps that can be named that way.

import type { Insn } from '../isa/insn.ts'
import {
  BPF_CALL, BPF_EXIT, BPF_LDX, BPF_MEM, BPF_MEMSX, BPF_PSEUDO_CALL, BPF_PSEUDO_FUNC, BPF_PSEUDO_KFUNC_CALL, BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_VALUE, CALL, EXIT, JUMP, JUMP_LONG, LD_IMM64, classOf, isJumpClass, modeOf, operationOf
} from '../isa/op.ts'
import { isOpcode } from '../isa/table.ts'
import type { VerifierMap } from './maps.ts'
import { refuse } from './refusal.ts'

const SUBPROGRAMS_MAX = 256

/** @returns first instruction of every function, ascending, from 0 */
export function findSubprograms (insns: readonly Insn[]): number[] {
  const starts = new Set([0])
  for (const [index, insn] of insns.entries()) {
    if (insn.code === CALL && insn.src === BPF_PSEUDO_KFUNC_CALL) refuse('EINVAL', 'calling kernel function is not allowed: kernel functions are not emulated')
    if (!isSubprogramReference(insn)) continue
    const target = index + insn.imm + 1
    if (target < 0 || target >= insns.length) refuse('EINVAL', 'call to invalid destination')
    starts.add(target)
    if (starts.size > SUBPROGRAMS_MAX) refuse('E2BIG', 'too many subprograms')
  }
  return [...starts].sort((a, b) => a - b)
}

function isSubprogramReference (insn: Insn): boolean {
  return (insn.code === CALL && insn.src === BPF_PSEUDO_CALL) || (insn.code === LD_IMM64 && insn.src === BPF_PSEUDO_FUNC)
}

/** @returns the slot a jump leads to */
export function jumpTarget (insn: Insn, index: number): number {
  return index + 1 + (insn.code === JUMP_LONG ? insn.imm : insn.off)
}

/** Jumps stay inside their function, and no function runs into the next one. */
export function checkJumps (insns: readonly Insn[], subprograms: readonly number[]): void {
  let current = 0
  for (const [index, insn] of insns.entries()) {
    while (index >= (subprograms[current + 1] ?? Infinity)) current++
    const start = subprograms[current] as number
    const end = subprograms[current + 1] ?? insns.length
    const operation = operationOf(insn.code)
    if (isJumpClass(insn.code) && operation !== BPF_CALL && operation !== BPF_EXIT) {
      const target = jumpTarget(insn, index)
      if (target < start || target >= end) refuse('EINVAL', `jump out of range from insn ${index} to ${target}`)
    }
    if (index === end - 1 && insn.code !== EXIT && insn.code !== JUMP && insn.code !== JUMP_LONG) {
      refuse('EINVAL', 'last insn is not an exit or jmp')
    }
  }
}

/** @param mapAt the map a wide immediate refers to */
export function checkOpcodes (insns: readonly Insn[], mapAt: (insn: number) => VerifierMap | undefined): void {
  for (let index = 0; index < insns.length; index++) {
    const insn = insns[index] as Insn
    const { code } = insn
    if (classOf(code) === BPF_LDX && ((modeOf(code) !== BPF_MEM && modeOf(code) !== BPF_MEMSX) || insn.imm !== 0)) {
      refuse('EINVAL', 'BPF_LDX uses reserved fields')
    }
    if (code === LD_IMM64) {
      checkWide(insn, insns[index + 1], mapAt(index))
      index++
    } else if (!isOpcode(code)) {
      refuse('EINVAL', `unknown opcode ${code.toString(16).padStart(2, '0')}`)
    }
  }
}

function checkWide (insn: Insn, upper: Insn | undefined, map: VerifierMap | undefined): void {
  if (upper === undefined || upper.code !== 0 || upper.dst !== 0 || upper.src !== 0 || upper.off !== 0) refuse('EINVAL', 'invalid bpf_ld_imm64 insn')
  if (insn.src === 0 || insn.src === BPF_PSEUDO_FUNC) return
  const isMap = insn.src === BPF_PSEUDO_MAP_FD && upper.imm === 0
  if (!isMap && insn.src !== BPF_PSEUDO_MAP_VALUE) refuse('EINVAL', 'unrecognized bpf_ld_imm64 insn')
  if (map === undefined) refuse('EBADF', `fd ${insn.imm} is not pointing to valid bpf_map`)
  if (insn.src === BPF_PSEUDO_MAP_VALUE) checkDirectValue(map, upper.imm >>> 0)
}

function checkDirectValue (map: VerifierMap, offset: number): void {
  if (map.type !== 'array') refuse('EINVAL', 'no direct value access support for this map type')
  const message = `invalid access to map value pointer, value_size=${map.valueSize} off=${offset}`
  if (map.maxEntries !== 1) refuse('ENOTSUPP', message)
  if (offset >= map.valueSize) refuse('EINVAL', message)
}
