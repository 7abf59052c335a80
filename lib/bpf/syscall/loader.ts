// From a CollectionSpec to a live collection on a kernel, as libbpf does it: create the maps, write and freeze the
// read-only data, put descriptors into the instructions, load the programs. All of it or nothing.

import { applyCoreRelocations } from '../object/index.ts'
import type { Insn } from '../isa/insn.ts'
import type { CollectionSpec, MapSpec, ProgramSpec } from '../object/spec.ts'
import { failure, success } from '../profile/errno.ts'
import type { Result } from '../profile/errno.ts'
import type { Kernel } from './kernel.ts'
import { PSEUDO_MAP_FD, PSEUDO_MAP_VALUE } from './pseudo.ts'

/** the kernel keeps 15 characters of a name; libbpf cuts longer ones off */
export const NAME_CHARS_MAX = 15

export interface MapOptions {
  /** last word on a map before it is created: sizes, flags, the template's value size */
  readonly editMap?: (spec: MapSpec) => MapSpec
  /** creator has CAP_PERFMON; false: inlined lookups are masked against Spectre v1 */
  readonly bypassSpecV1?: boolean
}

export interface ProgramOptions {
  readonly inlining?: 'kernel' | 'never'
}

export type LoadOptions = MapOptions & ProgramOptions

export interface Collection {
  /** descriptors by name; closing them is the owner's business, `close` does it for all */
  readonly maps: ReadonlyMap<string, number>
  readonly programs: ReadonlyMap<string, number>
  close (): void
}

export function loadCollection (kernel: Kernel, spec: CollectionSpec, options: LoadOptions = {}): Result<Collection> {
  const maps = createMaps(kernel, spec, options)
  if (!maps.ok) return maps
  const programs = loadPrograms(kernel, spec, maps.value, options)
  if (programs.ok) {
    return success({ maps: maps.value, programs: programs.value, close: () => closeAll(kernel, programs.value, maps.value) })
  }
  closeAll(kernel, maps.value)
  return programs
}

/** All maps of an object, with their contents, by name; or none. */
export function createMaps (kernel: Kernel, spec: CollectionSpec, options: MapOptions = {}): Result<ReadonlyMap<string, number>> {
  const maps = new Map<string, number>()
  for (const declared of spec.maps) {
    const map = options.editMap?.(declared) ?? declared
    const fd = createMap(kernel, map, options)
    if (!fd.ok) {
      closeAll(kernel, maps)
      return inContext(fd, `map ${map.name}`)
    }
    maps.set(declared.name, fd.value)
  }
  return success(maps)
}

/** All programs of an object over its maps, by name; or none. */
export function loadPrograms (
  kernel: Kernel, spec: CollectionSpec, maps: ReadonlyMap<string, number>, { inlining = 'kernel' }: ProgramOptions = {}
): Result<ReadonlyMap<string, number>> {
  const programs = new Map<string, number>()
  for (const program of spec.programs) {
    const insns = relocate(kernel, program, maps)
    const { name, type, lines, functions } = program
    const attr = { name: name.slice(0, NAME_CHARS_MAX), type, license: spec.license, lines, functions, inlining }
    const fd = insns.ok ? kernel.progLoad({ ...attr, insns: insns.value }) : insns
    if (!fd.ok) {
      closeAll(kernel, programs)
      return inContext(fd, `program ${name}`)
    }
    programs.set(name, fd.value)
  }
  return success(programs)
}

function closeAll (kernel: Kernel, ...descriptors: ReadonlyArray<ReadonlyMap<string, number>>): void {
  for (const fd of descriptors.flatMap((byName) => [...byName.values()])) kernel.close(fd)
}

function createMap (kernel: Kernel, spec: MapSpec, options: MapOptions): Result<number> {
  const { type, keySize, valueSize, maxEntries, flags } = spec
  const name = spec.name.slice(0, NAME_CHARS_MAX)
  const numaNode = spec.numaNode ?? 0
  const shape = { name, type, keySize, valueSize, maxEntries, flags, numaNode, bypassSpecV1: options.bypassSpecV1 ?? true }
  if (spec.inner === undefined) return withContents(kernel, kernel.mapCreate(shape), spec)
  const template = createMap(kernel, spec.inner, options)
  if (!template.ok) return inContext(template, 'inner map')
  const outer = kernel.mapCreate({ ...shape, innerMapFd: template.value })
  kernel.close(template.value)
  return outer
}

function withContents (kernel: Kernel, fd: Result<number>, spec: MapSpec): Result<number> {
  if (!fd.ok || spec.contents === undefined) return fd
  const written = kernel.mapUpdate(fd.value, new Uint8Array(4), spec.contents)
  const frozen = written.ok && spec.freeze === true ? kernel.mapFreeze(fd.value) : written
  if (frozen.ok) return fd
  kernel.close(fd.value)
  return frozen
}

function relocate (kernel: Kernel, program: ProgramSpec, maps: ReadonlyMap<string, number>): Result<Insn[]> {
  const resolved = applyCoreRelocations(program.insns, program.coreRelocations, kernel.profile.structs)
  if (!resolved.ok) return resolved
  const insns = [...resolved.value]
  for (const { insn, map, valueOffset } of program.maps) {
    const fd = maps.get(map)
    const lower = insns[insn]
    const upper = insns[insn + 1]
    if (fd === undefined || lower === undefined || upper === undefined) return failure('EINVAL', `instruction ${insn} refers to map ${map}, which the object does not define`)
    insns[insn] = { ...lower, src: valueOffset === null ? PSEUDO_MAP_FD : PSEUDO_MAP_VALUE, imm: fd }
    insns[insn + 1] = { ...upper, imm: valueOffset ?? 0 }
  }
  return success(insns)
}

function inContext (refused: { readonly ok: false, readonly error: { readonly message: string } }, context: string): Result<never> {
  return { ok: false, error: { ...refused.error, message: `${context}: ${refused.error.message}` } } as Result<never>
}
