// Programs compiled from C that look as larger balancers do (test/fixtures/bpf/corpus), as the verifier's tests take them.

import { readFileSync } from 'node:fs'
import { applyCoreRelocations, readObject } from '../../lib/bpf/object/index.ts'
import type { MapSpec } from '../../lib/bpf/object/index.ts'
import { profileNamed } from './support.ts'
import type { TestMap, TestProgram } from './support.ts'

export interface CorpusProgram extends TestProgram {
  readonly name: string
  /** in the order of `maps` */
  readonly mapNames: readonly string[]
  /** instructions that Linux 6.18 walks */
  readonly kernelProcessed: number
}

export const corpus: readonly CorpusProgram[] = [
  programOf('extension_headers', 85021), programOf('stateful', 287), programOf('wide', 10703)
]

function programOf (name: string, kernelProcessed: number): CorpusProgram {
  const object = readObject(readFileSync(new URL(`../fixtures/bpf/corpus/${name}.o`, import.meta.url)), { name })
  if (!object.ok) throw new Error(object.error.message)
  const [program] = object.value.programs
  if (program === undefined) throw new Error(`${name} has no program`)
  const relocated = applyCoreRelocations(program.insns, program.coreRelocations, profileNamed('6.18').structs)
  if (!relocated.ok) throw new Error(relocated.error.message)
  const insns = [...relocated.value]
  const names = [...new Set(program.maps.map(({ map }) => map))]
  for (const { insn, map, valueOffset } of program.maps) {
    const [lower, upper] = [insns[insn], insns[insn + 1]]
    if (lower === undefined || upper === undefined) throw new Error(`no instruction ${insn}`)
    insns[insn] = { ...lower, src: valueOffset === null ? 1 : 2, imm: names.indexOf(map) }
    insns[insn + 1] = { ...upper, imm: valueOffset ?? 0 }
  }
  const maps = names.map((map) => mapOf(object.value.maps.find((one) => one.name === map) as MapSpec))
  return { name, insns, maps, mapNames: names, kernelProcessed }
}

function mapOf ({ type, keySize, valueSize, maxEntries, flags, contents }: MapSpec): TestMap {
  return { type, keySize, valueSize, maxEntries, flags, ...(contents === undefined ? {} : { contents }) }
}
