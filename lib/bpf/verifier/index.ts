// The verifier: which programs may run, and what `rewrite` and the engines need to know of each of their instructions.
//
//   structure  functions, jumps, opcodes, wide immediates      structure.ts, flow.ts
//   walk       every path, with what registers and stack hold  explore.ts: alu, memory, jump, call
//   depth      stack over chains of calls                      stack-depth.ts
//
// It follows Linux 6.18: the same refusals with the same words, the same bounds, the same dead code. Where this first cut
// knows less than the kernel it refuses: __sk_buff, callbacks, tail calls, may_goto, arenas, kernel functions, helpers
// outside of helpers.ts; global functions are walked in their caller's state like static ones. It is stricter than the
// kernel in two places (call.ts): a constant key in an inner percpu_array, and a value that may be NULL as
// a buffer with a size. All accesses it lets pass are proved to lie inside their object; a `proved: false` in the facts,
// which asks the engine to check at run time, is left for what later cuts accept without a proof.

import type { Insn } from '../isa/insn.ts'
import { errnoNumbers } from '../profile/errno.ts'
import type { Errno } from '../profile/errno.ts'
import type { ProgramTypeName } from '../profile/names.ts'
import type { KernelProfile } from '../profile/types.ts'
import { explore } from './explore.ts'
import type { Pruning } from './explore.ts'
import type { InsnFacts } from './facts.ts'
import { analyseFlow } from './flow.ts'
import { Log } from './log.ts'
import type { LogLevel } from './log.ts'
import type { VerifierMap } from './maps.ts'
import { Needs } from './needs.ts'
import { Refusal } from './refusal.ts'
import type { MapTarget } from './register.ts'
import { pointer } from './register.ts'
import { checkStackDepth } from './stack-depth.ts'
import { State, newFrame } from './state.ts'
import { checkJumps, checkOpcodes, findSubprograms } from './structure.ts'
import { Walk } from './walk.ts'
import type { Program } from './walk.ts'

export type { Access, ContextField, InsnFacts, MapView, Region } from './facts.ts'
export { helperPrototype, helperPrototypes } from './helpers.ts'
export type { HelperPrototype } from './helpers.ts'
export type { LogLevel } from './log.ts'
export type { Pruning } from './explore.ts'
export type { VerifierMap } from './maps.ts'

/** Where a wide immediate names a map: of the maps handed in, which; null: the map itself, else a direct value. */
export interface MapRef {
  readonly insn: number
  readonly usedMap: number
  readonly valueOffset: number | null
}

export interface VerifierInput {
  readonly insns: readonly Insn[]
  readonly type: ProgramTypeName
  readonly profile: KernelProfile
  readonly maps: readonly VerifierMap[]
  readonly mapRefs: readonly MapRef[]
  /** CAP_PERFMON (default) */
  readonly privileged?: boolean
  readonly license?: string
  readonly possibleCpus?: number
  /** of a refusal always the path that led to it; 2: all paths, also of what is accepted */
  readonly logLevel?: LogLevel
  /** how often states are kept to end later paths early; `kernel` (default) as the kernel does, the others to test that */
  readonly pruning?: Pruning
}

export type VerifierResult = {
  readonly ok: true
  readonly facts: readonly InsnFacts[]
  /** first instruction of every function */
  readonly subprograms: readonly number[]
  readonly log: string
  /** instructions walked, over all paths */
  readonly processed: number
} | {
  readonly ok: false
  readonly error: Errno
  /** the instruction that was refused; 0 where the structure was */
  readonly insn: number
  readonly log: string
}

/** Above this many instructions a refusal is not walked again for its path. */
const REPLAY_MAX = 100_000

export function verify (input: VerifierInput): VerifierResult {
  const result = attempt(input, input.logLevel ?? 0)
  if (result.ok || input.logLevel !== undefined) return result
  return result.processed > REPLAY_MAX ? result : attempt(input, 1)
}

type Attempt = VerifierResult & { readonly processed: number }

function attempt (input: VerifierInput, logLevel: LogLevel): Attempt {
  const log = new Log(logLevel)
  let walk: Walk | undefined
  try {
    const program = programOf(input)
    checkJumps(program.insns, program.subprograms)
    checkOpcodes(program.insns, (insn) => program.mapAt(insn)?.target.map)
    const flow = analyseFlow(program.insns, program.subprograms)
    walk = new Walk(program, log, new Needs(program.insns, program.subprograms), initialState())
    explore(walk, flow, input.pruning ?? 'kernel')
    checkStackDepth(program.insns, program.subprograms, walk.stackDepths, input.profile.limits.stackBytes)
    closeLog(log, input, walk.processed)
    return { ok: true, facts: walk.facts, subprograms: program.subprograms, log: log.text(), processed: walk.processed }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    for (const line of error.lines) log.write(line)
    const processed = walk?.processed ?? 0
    closeLog(log, input, processed)
    const refusal = { name: error.errno, number: errnoNumbers[error.errno], message: error.message }
    return { ok: false, error: refusal, insn: walk?.index ?? 0, log: log.text(), processed }
  }
}

function closeLog (log: Log, { profile }: VerifierInput, processed: number): void {
  log.write(`processed ${processed} insns (limit ${profile.limits.maxInsns})`)
}

function programOf (input: VerifierInput): Program {
  const { insns, type, profile, maps, mapRefs } = input
  const targets = maps.map((map, usedMap) => targetOf(map, usedMap))
  const refs = new Map(mapRefs.map((ref) => [ref.insn, ref]))
  return {
    insns,
    type,
    profile,
    subprograms: findSubprograms(insns),
    mapAt: (insn) => {
      const ref = refs.get(insn)
      const target = ref === undefined ? undefined : targets[ref.usedMap]
      return target === undefined || ref === undefined ? undefined : { target, valueOffset: ref.valueOffset }
    },
    isPrivileged: input.privileged ?? true,
    isGplCompatible: isGplCompatible(input.license ?? ''),
    possibleCpus: input.possibleCpus
  }
}

function targetOf (map: VerifierMap, usedMap: number): MapTarget {
  const template = map.inner === undefined ? null : { map: map.inner, view: { usedMap, inner: true }, template: null }
  return { map, view: { usedMap, inner: false }, template }
}

function isGplCompatible (license: string): boolean {
  return ['GPL', 'GPL v2', 'GPL and additional rights', 'Dual BSD/GPL', 'Dual MIT/GPL', 'Dual MPL/GPL'].includes(license)
}

/** The program starts with its context in r1 and its stack in r10. */
function initialState (): State {
  const frame = newFrame(-1, 0)
  frame.registers[1] = pointer('ctx')
  frame.registers[10] = pointer('fp')
  return new State([frame], null)
}
