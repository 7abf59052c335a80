// The translated program: what the kernel's verifier makes of a program it accepted, for a just-in-time compiler that
// knows per-CPU moves (x86-64). In order: dead code out, context loads and helper calls in their real form, divisions
// guarded, then every jump and call measured anew.
//
// One call stays where a 6.18 kernel emits three instructions: bpf_get_smp_processor_id, whose per-CPU variable the
// emulated machine does not have; both engines know the call.

import type { Insn } from '../isa/insn.ts'
import { call } from '../isa/build.ts'
import { BPF_PSEUDO_CALL, BPF_PSEUDO_FUNC, CALL, JUMP_LONG, LD_IMM64 } from '../isa/op.ts'
import { failure, success } from '../profile/errno.ts'
import type { Result } from '../profile/errno.ts'
import type { ProgramTypeName } from '../profile/names.ts'
import type { KernelProfile } from '../profile/types.ts'
import type { InsnFacts, MapView } from '../verifier/facts.ts'
import { MAP_LOOKUP_ELEM, helperPrototype } from '../verifier/helpers.ts'
import type { VerifierMap } from '../verifier/maps.ts'
import { contextLoad } from './context.ts'
import { removeDeadCode } from './dead-code.ts'
import type { LiveInsn } from './dead-code.ts'
import type { Emitted } from './emitted.ts'
import { guardDivision } from './guards.ts'
import { inlineLookup } from './lookups.ts'
import { mapFunction, symbolNumber } from './symbols.ts'
import type { KernelSymbol, TranslatedInsn, TranslatedProgram } from './translated.ts'

export { encodeXlated, formatXlated, liveLines } from './format.ts'
export type { XlatedLabels } from './format.ts'
export type { KernelSymbol, TranslatedInsn, TranslatedProgram } from './translated.ts'

export interface RewriteInput {
  readonly insns: readonly Insn[]
  readonly facts: readonly InsnFacts[]
  /** first slot of every function */
  readonly subprograms: readonly number[]
  readonly maps: readonly VerifierMap[]
  readonly mapRefs: ReadonlyArray<{ readonly insn: number, readonly usedMap: number, readonly valueOffset: number | null }>
  readonly profile: KernelProfile
  readonly type: ProgramTypeName
  /** `never`: every lookup is a call of the map's function, as if no map type emitted code */
  readonly inlining: 'kernel' | 'never'
}

const INT16_MIN = -0x8000
const INT16_MAX = 0x7fff

/**
 * @param input a program `verify` accepted, with what it found
 * @throws RangeError with the kernel's words when a jump has become longer than 16 bits can say
 */
export function rewrite (input: RewriteInput): TranslatedProgram {
  const live = removeDeadCode(input.insns, input.facts)
  const expanded = live.map((item) => expand(input, item))
  const place = placesOf(input.insns.length, live, expanded)
  const insns: TranslatedInsn[] = []
  for (const [index, item] of live.entries()) {
    for (const emitted of expanded[index] as Emitted[]) insns.push({ ...emitted, origin: item.slot })
    measure(insns, item, place)
  }
  const functions = input.subprograms.filter((start, index) => {
    const end = input.subprograms[index + 1] ?? input.insns.length
    return place(start) < place(end)
  }).map(place)
  return { insns, functions }
}

/** @returns as `rewrite`, or ERANGE with the kernel's words where that throws */
export function tryRewrite (input: RewriteInput): Result<TranslatedProgram> {
  try {
    return success(rewrite(input))
  } catch (error) {
    if (error instanceof RangeError) return failure('ERANGE', error.message)
    throw error
  }
}

/** @returns where each loaded slot went; one that was removed, to what follows it */
function placesOf (slots: number, live: readonly LiveInsn[], expanded: ReadonlyArray<readonly Emitted[]>): (slot: number) => number {
  const places = new Int32Array(slots + 1)
  let next = 0
  let slot = 0
  for (const [index, item] of live.entries()) {
    while (slot <= item.slot) places[slot++] = next
    next += (expanded[index] as readonly Emitted[]).length
  }
  while (slot <= slots) places[slot++] = next
  return (at) => places[at] as number
}

/** Gives the last instruction its distance, if it is a jump or call within the program. */
function measure (insns: TranslatedInsn[], { insn, slot, target }: LiveInsn, place: (slot: number) => number): void {
  const at = insns.length - 1
  const last = insns[at] as TranslatedInsn
  if (target !== null) {
    const off = place(target) - at - 1
    if (insn.code === JUMP_LONG) {
      insns[at] = { ...last, imm: off }
    } else {
      if (off < INT16_MIN || off > INT16_MAX) throw new RangeError(`insn ${slot} cannot be patched due to 16-bit range`)
      insns[at] = { ...last, off }
    }
  } else if ((insn.code === CALL && insn.src === BPF_PSEUDO_CALL) || (insn.code === LD_IMM64 && insn.src === BPF_PSEUDO_FUNC)) {
    insns[at] = { ...last, imm: place(slot + 1 + insn.imm) - at - 1 }
  }
}

/** @returns what stands for one loaded instruction */
function expand (input: RewriteInput, { insn, slot, target }: LiveInsn): Emitted[] {
  if (target !== null) return [insn]
  const facts = input.facts[slot] ?? { reachable: true }
  if (insn.code === CALL && insn.src === 0) return helperCall(input, insn, facts)
  if (insn.code === LD_IMM64) return [mapReference(input, insn, slot)]
  if (insn.code === 0) return [upperHalf(input, insn, slot - 1)]
  if (facts.contextField !== undefined) {
    const loads = contextLoad(insn, facts.contextField, input.profile)
    if (loads !== null) return loads
  }
  return guardDivision(insn) ?? [facts.access === undefined ? insn : { ...insn, access: facts.access }]
}

function mapReference ({ mapRefs, maps }: RewriteInput, insn: Insn, slot: number): Emitted {
  const ref = mapRefs.find((candidate) => candidate.insn === slot)
  if (ref === undefined) return insn
  const { usedMap, valueOffset } = ref
  return { ...insn, imm: maps[usedMap]?.id ?? 0, mapRef: { usedMap, valueOffset } }
}

function upperHalf ({ mapRefs }: RewriteInput, insn: Insn, slot: number): Emitted {
  const ref = mapRefs.find((candidate) => candidate.insn === slot)
  return ref === undefined ? insn : { ...insn, imm: ref.valueOffset ?? 0 }
}

function helperCall (input: RewriteInput, { imm: id }: Insn, { mapAtCall, keyRegion }: InsnFacts): Emitted[] {
  const prototype = helperPrototype(id)
  const symbol = prototype?.symbol ?? ''
  if (mapAtCall === undefined) return [callOf(input.profile, symbol)]
  const isLookup = id === MAP_LOOKUP_ELEM
  const map = mapAtCall === 'poisoned' ? undefined : mapOf(input.maps, mapAtCall)
  if (isLookup && map !== undefined && input.inlining === 'kernel') {
    const inlined = inlineLookup(map, input.profile, keyRegion ?? 'stack')
    if (inlined !== null) return inlined
  }
  const own = map === undefined ? undefined : mapFunction(map.type, id)
  return [{ ...callOf(input.profile, own ?? symbol), mapCall: true, ...(isLookup ? { mapLookup: true } : {}) }]
}

function callOf (profile: KernelProfile, symbol: KernelSymbol): Emitted {
  return { ...call(symbolNumber(profile, symbol)), call: symbol }
}

function mapOf (maps: readonly VerifierMap[], { usedMap, inner }: MapView): VerifierMap | undefined {
  return inner ? maps[usedMap]?.inner : maps[usedMap]
}
