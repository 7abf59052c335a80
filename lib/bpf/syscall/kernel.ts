// The emulated kernel: bpf(2)'s commands over the maps, the verifier, the rewrites and the engine. One kernel is one
// machine: a profile, a number of possible CPUs, one linear memory, ids that count up from 1.

import { createExecution } from '../core/execution.ts'
import type { Execution } from '../core/execution.ts'
import type { Core } from '../core/index.ts'
import { createMap } from '../map/index.ts'
import type { KernelMap, MapAttr } from '../map/index.ts'
import { failure, success } from '../profile/errno.ts'
import type { Result } from '../profile/errno.ts'
import type { KernelProfile } from '../profile/index.ts'
import { DescriptorTable } from './descriptors.ts'
import { loadProgram } from './program.ts'
import type { LoadedProgram, ProgramAttr, Translations } from './program.ts'

export interface KernelOptions {
  readonly core: Core
  /** 32 random bits, for the hash seeds of maps */
  readonly random: () => number
  /** shared by kernels that load the same objects; one of its own unless said */
  readonly translations?: Translations
  /** where the clock of `execution` begins, 0 unless said, and its random numbers, 1 unless said */
  readonly clockNs?: number | bigint
  readonly seed?: number
}

export interface MapCreateAttr extends Omit<MapAttr, 'id' | 'inner' | 'hashSeed'> {
  /** template of the inner maps of an outer map */
  readonly innerMapFd?: number
}

/** Descriptors in, descriptors out, errno as values; objects by `map` and `program` for those who hold a descriptor. */
export interface Kernel {
  readonly core: Core
  readonly profile: KernelProfile
  readonly possibleCpus: number
  mapCreate (attr: MapCreateAttr): Result<number>
  /** of an outer map `value` is the descriptor of the inner map, as a little-endian u32 */
  mapUpdate (fd: number, key: Uint8Array, value: Uint8Array, flags?: number): Result<void>
  mapLookup (fd: number, key: Uint8Array, flags?: number): Result<Uint8Array>
  mapDelete (fd: number, key: Uint8Array): Result<void>
  mapNextKey (fd: number, key: Uint8Array | null): Result<Uint8Array>
  mapFreeze (fd: number): Result<void>
  mapFdById (id: number): Result<number>
  progLoad (attr: ProgramAttr): Result<number>
  progFdById (id: number): Result<number>
  close (fd: number): Result<void>
  map (fd: number): Result<KernelMap>
  program (fd: number): Result<LoadedProgram>
  /** live objects, ascending by id */
  maps (): readonly KernelMap[]
  programs (): readonly LoadedProgram[]
  /** where programs of this kernel run when one thread is enough: CPU 0 */
  execution (): Execution
  /** what bpf_ktime_get_ns returns to the programs of `execution`; other executions have clocks of their own */
  setClock (nanoseconds: number | bigint): void
  /** the same of bpf_get_prandom_u32: 32 bits */
  seedRandom (seed: number): void
}

type KernelObject =
  | { readonly kind: 'map', readonly map: KernelMap, retain (): void, release (): void }
  | { readonly kind: 'program', readonly program: LoadedProgram, retain (): void, release (): void }

export function createKernel ({ core, random, translations = new Map(), clockNs = 0, seed = 1 }: KernelOptions): Kernel {
  const descriptors = new DescriptorTable<KernelObject>()
  const maps = new Map<number, KernelMap>()
  const programs = new Map<number, LoadedProgram>()
  let lastMapId = 0
  let lastProgramId = 0
  let execution: Execution | undefined

  const mapObject = (map: KernelMap): KernelObject => ({ kind: 'map', map, retain: () => map.retain(), release: () => map.release() })
  const programObject = (program: LoadedProgram): KernelObject =>
    ({ kind: 'program', program, retain: () => program.retain(), release: () => program.release() })

  function mapOf (fd: number): Result<KernelMap> {
    const object = descriptors.get(fd)
    if (!object.ok) return object
    return object.value.kind === 'map' ? success(object.value.map) : failure('EINVAL', `descriptor ${fd} is not a map`)
  }

  function programOf (fd: number): Result<LoadedProgram> {
    const object = descriptors.get(fd)
    if (!object.ok) return object
    return object.value.kind === 'program' ? success(object.value.program) : failure('EINVAL', `descriptor ${fd} is not a program`)
  }

  function mapCreate ({ innerMapFd, ...attr }: MapCreateAttr): Result<number> {
    let inner: KernelMap | undefined
    // only outer maps look at the template's descriptor; the kernel ignores it for every other type
    if (attr.type === 'array_of_maps' || attr.type === 'hash_of_maps') {
      const template = mapOf(innerMapFd ?? 0)
      if (!template.ok) return template
      inner = template.value
    }
    const id = lastMapId + 1
    const onFree = (): void => { maps.delete(id) }
    const map = createMap(core, { ...attr, id, hashSeed: random() >>> 0, onFree, ...(inner === undefined ? {} : { inner }) })
    if (!map.ok) return map
    lastMapId = id
    maps.set(id, map.value)
    return descriptors.install(mapObject(map.value))
  }

  function mapUpdate (fd: number, key: Uint8Array, value: Uint8Array, flags = 0): Result<void> {
    const map = mapOf(fd)
    if (!map.ok) return map
    if (map.value.inner === undefined) return map.value.update(key, value, flags)
    if (value.length !== 4) return failure('EINVAL', 'the value of an outer map is the descriptor of an inner map, 4 bytes')
    const inner = mapOf(new DataView(value.buffer, value.byteOffset, 4).getUint32(0, true))
    return map.value.updateInner(key, inner.ok ? inner.value : inner, flags)
  }

  function progLoad (attr: ProgramAttr): Result<number> {
    const id = lastProgramId + 1
    const program = loadProgram(core, attr, { id, translations, mapOf, onFree: () => { programs.delete(id) } })
    if (!program.ok) return program
    lastProgramId = id
    programs.set(id, program.value)
    return descriptors.install(programObject(program.value))
  }

  function onMap<T> (fd: number, use: (map: KernelMap) => Result<T>): Result<T> {
    const map = mapOf(fd)
    return map.ok ? use(map.value) : map
  }

  function reopen<T> (object: T | undefined, wrap: (object: T) => KernelObject, what: string): Result<number> {
    if (object === undefined) return failure('ENOENT', `no ${what} has this id`)
    const wrapped = wrap(object)
    wrapped.retain()
    return descriptors.install(wrapped)
  }

  const onCpu0 = (): Execution => (execution ??= createExecution(core, { cpu: 0, worker: 0, clockNs, seed }))

  return {
    core,
    profile: core.profile,
    possibleCpus: core.possibleCpus,
    mapCreate,
    mapUpdate,
    mapLookup: (fd, key, flags) => onMap(fd, (map) => map.lookup(key, flags)),
    mapDelete: (fd, key) => onMap(fd, (map) => map.delete(key)),
    mapNextKey: (fd, key) => onMap(fd, (map) => map.nextKey(key)),
    mapFreeze: (fd) => onMap(fd, (map) => map.freeze()),
    mapFdById: (id) => reopen(maps.get(id), mapObject, 'map'),
    progLoad,
    progFdById: (id) => reopen(programs.get(id), programObject, 'program'),
    close: (fd) => descriptors.close(fd),
    map: mapOf,
    program: programOf,
    maps: () => [...maps.values()],
    programs: () => [...programs.values()],
    execution: onCpu0,
    setClock: (nanoseconds) => onCpu0().setClock(nanoseconds),
    seedRandom: (state) => onCpu0().seedRandom(state)
  }
}
