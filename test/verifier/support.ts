// Programs for the tests, written as text. A map is named by its place in the list handed in: `r1 = map[id:0]`.

import { assemble } from '../../lib/bpf/isa/index.ts'
import type { Insn } from '../../lib/bpf/isa/index.ts'
import { BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE, LD_IMM64 } from '../../lib/bpf/isa/op.ts'
import type { MapTypeName, ProgramTypeName } from '../../lib/bpf/profile/index.ts'
import { findProfile } from '../../lib/bpf/profile/index.ts'
import type { KernelProfile } from '../../lib/bpf/profile/index.ts'
import { rewrite } from '../../lib/bpf/rewrite/index.ts'
import type { TranslatedProgram } from '../../lib/bpf/rewrite/index.ts'
import { verify } from '../../lib/bpf/verifier/index.ts'
import type { MapRef, VerifierInput, VerifierMap, VerifierResult } from '../../lib/bpf/verifier/index.ts'

export interface TestMap {
  readonly type: MapTypeName
  readonly keySize?: number
  readonly valueSize?: number
  readonly maxEntries?: number
  readonly flags?: number
  readonly inner?: TestMap
  /** of the one element; frozen */
  readonly contents?: Uint8Array
  /** creator had CAP_PERFMON */
  readonly bypassSpecV1?: boolean
}

export const array = (maxEntries: number, valueSize = 4, flags = 0): TestMap => ({ type: 'array', maxEntries, valueSize, flags })
export const hash = (keySize: number, valueSize = 4): TestMap => ({ type: 'hash', keySize, valueSize })
export const INNER_MAP = 0x1000
export const RDONLY_PROG = 0x80
export const WRONLY_PROG = 0x100

export function viewOf (map: TestMap, id: number): VerifierMap {
  const { type, keySize = 4, valueSize = 4, maxEntries = 1, flags = 0, inner, contents, bypassSpecV1 = true } = map
  return {
    id,
    name: '',
    type,
    keySize,
    valueSize,
    maxEntries,
    flags,
    frozen: contents !== undefined,
    bypassSpecV1,
    ...(inner === undefined ? {} : { inner: viewOf(inner, 0) }),
    ...(contents === undefined ? {} : { contents })
  }
}

export function assembled (text: string): Insn[] {
  const result = assemble(text)
  if (!result.ok) throw new Error(result.error.message)
  return result.value
}

export function mapRefsOf (insns: readonly Insn[]): MapRef[] {
  return insns.flatMap(({ code, src, imm }, insn) => {
    if (code !== LD_IMM64 || (src !== BPF_PSEUDO_MAP_FD && src !== BPF_PSEUDO_MAP_VALUE)) return []
    return [{ insn, usedMap: imm, valueOffset: src === BPF_PSEUDO_MAP_FD ? null : insns[insn + 1]?.imm ?? 0 }]
  })
}

export interface TestProgram {
  readonly insns: readonly Insn[]
  readonly maps?: readonly TestMap[]
  readonly type?: ProgramTypeName
  readonly profile?: string
  readonly firstId?: number
}

export function profileNamed (name: string): KernelProfile {
  const profile = findProfile(name)
  if (profile === undefined) throw new Error(`no profile ${name}`)
  return profile
}

export function inputOf ({ insns, maps = [], type = 'xdp', profile = '6.18', firstId = 1 }: TestProgram): VerifierInput {
  return {
    insns,
    type,
    profile: profileNamed(profile),
    maps: maps.map((map, index) => viewOf(map, firstId + index)),
    mapRefs: mapRefsOf(insns),
    license: 'GPL'
  }
}

export function check (program: TestProgram, options: Partial<VerifierInput> = {}): VerifierResult {
  return verify({ ...inputOf(program), ...options })
}

/** Verifies and translates; throws when the program is refused. */
export function translate (program: TestProgram, inlining: 'kernel' | 'never' = 'kernel'): TranslatedProgram {
  const input = inputOf(program)
  const result = verify(input)
  if (!result.ok) throw new Error(result.log)
  const { insns, maps, mapRefs, profile, type } = input
  return rewrite({ insns, maps, mapRefs, profile, type, facts: result.facts, subprograms: result.subprograms, inlining })
}
