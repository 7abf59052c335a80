// BPF_PROG_LOAD: map descriptors in wide immediates become maps, the verifier decides, the rewrites translate, the
// engine's image is laid out in the kernel's memory.

import { createHash } from 'node:crypto'
import type { Core } from '../core/index.ts'
import { freeImage, loadImage } from '../core/program-image.ts'
import type { ProgramImage } from '../core/program-image.ts'
import { encode } from '../isa/index.ts'
import type { Insn } from '../isa/insn.ts'
import { checkName } from '../map/index.ts'
import type { KernelMap, MapTraits } from '../map/index.ts'
import type { FunctionInfo, LineInfo, ProgramTypeName } from '../object/spec.ts'
import { failure, success } from '../profile/errno.ts'
import type { Errno, Result } from '../profile/errno.ts'
import type { KernelProfile } from '../profile/index.ts'
import { tryRewrite } from '../rewrite/index.ts'
import type { TranslatedProgram } from '../rewrite/translated.ts'
import { verify } from '../verifier/index.ts'
import { PSEUDO_MAP_FD, PSEUDO_MAP_VALUE, isWideImmediate } from './pseudo.ts'

export interface ProgramAttr {
  readonly name: string
  readonly type: ProgramTypeName
  readonly license: string
  /** wide immediates name maps by descriptor: src 1 the map, src 2 a direct value at the offset in the second slot */
  readonly insns: readonly Insn[]
  readonly lines?: readonly LineInfo[]
  readonly functions?: readonly FunctionInfo[]
  /** `never`: lookups stay calls, as if no map could be inlined */
  readonly inlining?: 'kernel' | 'never'
}

/** A refusal by the verifier: the errno's message is the cause, `log` the verifier's full text. */
export interface VerifierRefusal extends Errno {
  readonly log: string
  readonly insn: number
}

export interface LoadedProgram {
  readonly id: number
  readonly name: string
  readonly type: ProgramTypeName
  /** 16 hex digits: the first 8 bytes of the profile's hash over the instructions with map references cleared */
  readonly tag: string
  readonly insns: readonly Insn[]
  readonly translated: TranslatedProgram
  readonly image: ProgramImage
  /** in the order of first use */
  readonly usedMaps: readonly KernelMap[]
  readonly lines: readonly LineInfo[]
  readonly functions: readonly FunctionInfo[]
  readonly verifierLog: string
  retain (): void
  release (): void
}

/** What verifier and rewrite made of a program over maps of these shapes: kernels may share it, but for the map ids in it. */
export interface Translation {
  readonly translated: TranslatedProgram
  readonly verifierLog: string
}

/** Translations by what they depend on. Loading the same object again, on this kernel or another, need not verify it again. */
export type Translations = Map<string, Translation>

const TRANSLATIONS_MAX = 64
/** no offset into a map value may reach it */
const VALUE_OFFSETS = 2 ** 29

interface LoadContext {
  readonly id: number
  readonly translations: Translations
  readonly mapOf: (fd: number) => Result<KernelMap>
  readonly onFree: () => void
}

interface ResolvedMaps {
  readonly usedMaps: KernelMap[]
  readonly mapRefs: Array<{ insn: number, usedMap: number, valueOffset: number | null }>
}

export function loadProgram (core: Core, attr: ProgramAttr, { id, translations, mapOf, onFree }: LoadContext): Result<LoadedProgram> {
  const { limits } = core.profile
  if (attr.insns.length === 0 || attr.insns.length > limits.maxInsns) {
    return failure('E2BIG', `a program has 1 to ${limits.maxInsns} instructions, not ${attr.insns.length}`)
  }
  const wrongName = checkName('program', attr.name)
  if (wrongName !== null) return wrongName
  const resolved = resolveMaps(attr.insns, mapOf, limits.mapsPerProgram)
  if (!resolved.ok) return resolved
  const { usedMaps } = resolved.value
  const translation = translate(core, attr, resolved.value, translations)
  if (!translation.ok) return translation
  const { verifierLog } = translation.value
  const translated = withMapIds(translation.value.translated, usedMaps)
  const valueOffset = core.profile.structs.bpfArray.value
  const image = loadImage(core, translated, usedMaps.map(({ address }) => ({ address, valueAddress: address + valueOffset })))
  if (!image.ok) return image
  for (const map of usedMaps) map.retain()
  return success(referenced({
    id,
    name: attr.name,
    type: attr.type,
    tag: programTag(core.profile, attr.insns),
    insns: attr.insns,
    translated,
    image: image.value,
    usedMaps,
    lines: attr.lines ?? [],
    functions: attr.functions ?? [],
    verifierLog
  }, () => {
    freeImage(core, image.value)
    for (const map of usedMaps) map.release()
    onFree()
  }))
}

function translate (
  { profile, possibleCpus }: Core, attr: ProgramAttr, { usedMaps, mapRefs }: ResolvedMaps, known: Translations
): Result<Translation> {
  const { type, license, inlining = 'kernel' } = attr
  const maps = usedMaps.map((map) => map.verifierView())
  const key = createHash('sha256').update(encode(withoutMaps(attr.insns)))
    .update(JSON.stringify([profile.name, possibleCpus, type, license, inlining, mapRefs, maps.map(shapeOf)])).digest('hex')
  const before = known.get(key)
  if (before !== undefined) return success(before)
  const verdict = verify({ insns: attr.insns, type, profile, possibleCpus, maps, mapRefs, license })
  if (!verdict.ok) {
    const refusal: VerifierRefusal = { ...verdict.error, log: verdict.log, insn: verdict.insn }
    return { ok: false, error: refusal }
  }
  const { facts, subprograms, log } = verdict
  const translated = tryRewrite({ insns: attr.insns, facts, subprograms, maps, mapRefs, profile, type, inlining })
  if (!translated.ok) return translated
  const translation = { translated: translated.value, verifierLog: log }
  if (known.size >= TRANSLATIONS_MAX) known.clear()
  known.set(key, translation)
  return success(translation)
}

/** all of a map that a verdict may depend on */
function shapeOf ({ id, contents, inner, ...rest }: MapTraits): unknown {
  return {
    ...rest,
    contents: contents === undefined ? null : Buffer.from(contents).toString('hex'),
    inner: inner === undefined ? null : shapeOf(inner)
  }
}

function resolveMaps (insns: readonly Insn[], mapOf: LoadContext['mapOf'], mapsMax: number): Result<ResolvedMaps> {
  const usedMaps: KernelMap[] = []
  const mapRefs: ResolvedMaps['mapRefs'] = []
  for (let insn = 0; insn < insns.length; insn++) {
    const { code, src, imm } = insns[insn] as Insn
    if (!isWideImmediate(code)) continue
    const upper = insns[insn + 1]
    if (isUpperHalf(upper) && (src === PSEUDO_MAP_FD || src === PSEUDO_MAP_VALUE)) {
      if (src === PSEUDO_MAP_FD && upper.imm !== 0) return failure('EINVAL', 'unrecognized bpf_ld_imm64 insn')
      const map = mapOf(imm)
      if (!map.ok) return failure(map.error.name, `fd ${imm} is not pointing to valid bpf_map`)
      let usedMap = usedMaps.indexOf(map.value)
      if (usedMap < 0) usedMap = usedMaps.push(map.value) - 1
      if (usedMaps.length > mapsMax) return failure('E2BIG', `The total number of maps per program has reached the limit of ${mapsMax}`)
      const valueOffset = src === PSEUDO_MAP_VALUE ? upper.imm >>> 0 : null
      if (valueOffset !== null && valueOffset >= VALUE_OFFSETS) return failure('EINVAL', `direct value offset of ${valueOffset} is not allowed`)
      mapRefs.push({ insn, usedMap, valueOffset })
    }
    insn++
  }
  return success({ usedMaps, mapRefs })
}

/** What is no second half of a wide immediate, the verifier refuses. */
function isUpperHalf (insn: Insn | undefined): insn is Insn {
  return insn !== undefined && insn.code === 0 && insn.dst === 0 && insn.src === 0 && insn.off === 0
}

/** A translation made for other maps of the same shapes, with the ids of these. */
function withMapIds ({ insns, functions }: TranslatedProgram, usedMaps: readonly KernelMap[]): TranslatedProgram {
  const named = insns.map((insn) => insn.mapRef === undefined ? insn : { ...insn, imm: usedMaps[insn.mapRef.usedMap]?.id ?? 0 })
  return { functions, insns: named }
}

/** The kernel's tag: equal programs have equal tags whichever maps they were loaded with. */
function programTag ({ tagHash }: KernelProfile, insns: readonly Insn[]): string {
  return createHash(tagHash).update(encode(withoutMaps(insns))).digest('hex').slice(0, 16)
}

function withoutMaps (insns: readonly Insn[]): Insn[] {
  return insns.map((insn, index) => {
    const wide = isWideImmediate(insn.code) ? insn : insns[index - 1]
    const isPart = wide !== undefined && isWideImmediate(wide.code) && (wide.src === PSEUDO_MAP_FD || wide.src === PSEUDO_MAP_VALUE)
    return isPart ? { ...insn, imm: 0 } : insn
  })
}

function referenced (program: Omit<LoadedProgram, 'retain' | 'release'>, free: () => void): LoadedProgram {
  let references = 1
  return {
    ...program,
    retain: () => { references++ },
    release: () => { if (--references === 0) free() }
  }
}
