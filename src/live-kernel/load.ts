// Loads a BPF object into the running kernel, as libbpf would: create the maps, write and freeze the read-only data,
// resolve field accesses, put descriptors into the instructions. Nothing is pinned or attached.

import { mapTypeNumbers, programTypeNumbers } from '../../lib/bpf/profile/names.ts'
import { encode } from '../../lib/bpf/isa/index.ts'
import { applyCoreRelocations } from '../../lib/bpf/object/index.ts'
import type { CollectionSpec, MapSpec, ProgramSpec } from '../../lib/bpf/object/index.ts'
import { kernel618 } from '../../lib/bpf/profile/kernel-6.18.ts'
import type { Bpf } from './bpf.ts'

export interface LoadedObject {
  readonly maps: ReadonlyMap<string, { readonly fd: number, readonly spec: MapSpec }>
  /** descriptor of the object's first program */
  readonly program: number
  close (): void
}

const PSEUDO_MAP_FD = 1
const PSEUDO_MAP_VALUE = 2

/**
 * @param edit last word on a map before it is created
 * @param creating runs the creation of a map; with fewer privileges, say
 * @throws Error with the errno and the verifier's last lines
 */
export function loadObject (
  bpf: Bpf, object: CollectionSpec, edit: (spec: MapSpec) => MapSpec = (spec) => spec,
  creating: (create: () => number) => number = (create) => create()
): LoadedObject {
  const maps = new Map(object.maps.map((declared) => {
    const spec = edit(declared)
    return [declared.name, { spec, fd: creating(() => createMap(bpf, spec)) }] as const
  }))
  const [program] = object.programs
  if (program === undefined) throw new Error('the object has no program')
  const fd = loadProgram(bpf, program, object.license, (name) => maps.get(name)?.fd ?? -1)
  return {
    maps,
    program: fd,
    close () {
      bpf.close(fd)
      for (const map of maps.values()) bpf.close(map.fd)
    }
  }
}

/** @param fdOf descriptor of a map by its name in the object */
export function loadProgram (bpf: Bpf, program: ProgramSpec, license: string, fdOf: (name: string) => number): number {
  const resolved = applyCoreRelocations(program.insns, program.coreRelocations, kernel618.structs)
  if (!resolved.ok) throw new Error(resolved.error.message)
  const insns = [...resolved.value]
  for (const { insn, map, valueOffset } of program.maps) {
    const [low, high] = [insns[insn], insns[insn + 1]]
    if (low === undefined || high === undefined) throw new Error(`no instruction ${insn}`)
    insns[insn] = { ...low, src: valueOffset === null ? PSEUDO_MAP_FD : PSEUDO_MAP_VALUE, imm: fdOf(map) }
    insns[insn + 1] = { ...high, imm: valueOffset ?? 0 }
  }
  const type = programTypeNumbers[program.type]
  const { fd, log } = bpf.programLoad({ type, insns: encode(insns), license, name: program.name.slice(0, 15), logLevel: 1 })
  if (fd < 0) throw new Error(`${program.name}: errno ${-fd}\n${log.split('\n').slice(-6).join('\n')}`)
  return fd
}

/** also makes an inner map from the template of an outer one */
export function createMap (bpf: Bpf, spec: MapSpec): number {
  const { keySize, valueSize, maxEntries, flags, name } = spec
  const innerFd = spec.inner === undefined ? 0 : createMap(bpf, spec.inner)
  const type = mapTypeNumbers[spec.type]
  const fd = bpf.mapCreate({ type, keySize, valueSize, maxEntries, flags, innerFd, name: name.replace(/[^\w.]/g, '_').slice(0, 15) })
  if (innerFd !== 0) bpf.close(innerFd)
  if (fd < 0) throw new Error(`map ${name}: errno ${-fd}`)
  if (spec.contents !== undefined) {
    if (bpf.update(fd, new Uint8Array(4), spec.contents) !== 0) throw new Error(`map ${name}: not written`)
    if (spec.freeze === true) bpf.freeze(fd)
  }
  return fd
}
