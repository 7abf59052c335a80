// The first program of an object, verified and translated as if its maps had just been made.

import { applyCoreRelocations } from '../../../lib/bpf/object/index.ts'
import type { CollectionSpec, MapSpec } from '../../../lib/bpf/object/index.ts'
import { kernel618 } from '../../../lib/bpf/profile/kernel-6.18.ts'
import { rewrite } from '../../../lib/bpf/rewrite/index.ts'
import type { TranslatedProgram } from '../../../lib/bpf/rewrite/index.ts'
import { verify } from '../../../lib/bpf/verifier/index.ts'
import type { VerifierMap } from '../../../lib/bpf/verifier/index.ts'

/** @param bypassSpecV1 whether the maps' creator has CAP_PERFMON, and lookups in them are not masked */
export function emulatedProgram (object: CollectionSpec, bypassSpecV1 = true): TranslatedProgram {
  const [program] = object.programs
  if (program === undefined) throw new Error('the object has no program')
  const relocated = applyCoreRelocations(program.insns, program.coreRelocations, kernel618.structs)
  if (!relocated.ok) throw new Error(relocated.error.message)
  const insns = [...relocated.value]
  const names = [...new Set(program.maps.map(({ map }) => map))]
  const mapRefs = program.maps.map(({ insn, map, valueOffset }) => {
    const [lower, upper] = [insns[insn], insns[insn + 1]]
    if (lower === undefined || upper === undefined) throw new Error(`no instruction ${insn}`)
    insns[insn] = { ...lower, src: valueOffset === null ? 1 : 2 }
    insns[insn + 1] = { ...upper, imm: valueOffset ?? 0 }
    return { insn, usedMap: names.indexOf(map), valueOffset }
  })
  const maps = names.map((name, index) => viewOf(object.maps.find((map) => map.name === name) as MapSpec, index + 1, bypassSpecV1))
  const input = { insns, maps, mapRefs, profile: kernel618, type: program.type, license: object.license }
  const result = verify(input)
  if (!result.ok) throw new Error(result.log)
  return rewrite({ ...input, facts: result.facts, subprograms: result.subprograms, inlining: 'kernel' })
}

function viewOf (spec: MapSpec, id: number, bypassSpecV1: boolean): VerifierMap {
  const { name, type, keySize, valueSize, maxEntries, flags, inner, contents, freeze = false } = spec
  return {
    id,
    name,
    type,
    keySize,
    valueSize,
    maxEntries,
    flags,
    frozen: freeze,
    bypassSpecV1,
    ...(inner === undefined ? {} : { inner: viewOf(inner, 0, bypassSpecV1) }),
    ...(contents === undefined ? {} : { contents })
  }
}
