// The balancer on a kernel of its own: maps sized by the node's settings, load-time constants written, program verified,
// translated and laid out. What a node owns, before anything is in its maps.

import { createCore } from '../bpf/core/index.ts'
import type { KernelMap } from '../bpf/map/index.ts'
import type { MapSpec } from '../bpf/object/spec.ts'
import type { Result } from '../bpf/profile/errno.ts'
import { findProfile } from '../bpf/profile/index.ts'
import { createKernel, createMaps, loadPrograms } from '../bpf/syscall/index.ts'
import type { Kernel, LoadedProgram } from '../bpf/syscall/index.ts'
import type { LoadTimeConstants } from '../datapath/index.ts'
import {
  affinityMatchMapName, constantsMapName, constantsMapNameOfPods, innerMapName, mapNames, metricsMapName, programName, programNameOfPods,
  withLoadTimeConstants
} from '../datapath/index.ts'
import { backendBytes, maxEntriesOf, sharedTableSize, templateAttributes } from '../loadbalancer/index.ts'
import type { NodeSettings } from '../loadbalancer/index.ts'
import type { SimulatorAssets } from './assets.ts'
import { constantsOfPods, datapathConstants } from './datapath-constants.ts'
import { SimError } from './errors.ts'
import type { PacketOrigin } from './types.ts'

const BPF_F_NO_PREALLOC = 1

export interface Datapath {
  readonly kernel: Kernel
  /** for packets from outside the cluster */
  readonly program: LoadedProgram
  /** packets of the node's pods have one of their own on the same maps; verified when first asked for, which takes as long as the other */
  programOf (origin: PacketOrigin): LoadedProgram
  /** both */
  programs (): readonly LoadedProgram[]
  /** by the name in the object, e.g. `cilium_lb4_services_v2` */
  map (name: string): KernelMap
  /** the name in the object, of which the kernel keeps 15 characters */
  fullName (map: KernelMap): string
  metrics (): KernelMap
}

/** `when-needed`: a node that is asked for its maps alone never has its program verified, which takes longer than all else */
export type ProgramLoading = 'at-once' | 'when-needed'

export interface DatapathOptions {
  /** at once unless said */
  readonly loading?: ProgramLoading
  /** load-time constants besides those that the settings make */
  readonly constants?: Partial<LoadTimeConstants>
}

/** @throws SimError OUT_OF_MEMORY when the maps do not fit the emulated memory, INVALID_ARGUMENT when the kernel refuses the program */
export function createDatapath (
  assets: SimulatorAssets, settings: NodeSettings, random: () => number, { loading = 'at-once', constants = {} }: DatapathOptions = {}
): Datapath {
  const profile = findProfile(settings.kernel)
  if (profile === undefined) throw new SimError('INVALID_ARGUMENT', `there is no kernel profile ${settings.kernel}`)
  const core = createCore({ module: assets.core, profile, possibleCpus: settings.possibleCpus })
  const kernel = createKernel({ core, random, translations: assets.translations })
  const spec = assets.datapath(settings.layout)
  const masked = { bypassSpecV1: !settings.spectreMasking }
  const maps = accepted(createMaps(kernel, spec, { editMap: (map) => editMap(map, settings, constants), ...masked }), settings)
  const constantsSpec = { ...spec, maps: spec.maps.filter(({ name }) => name === constantsMapName) }
  const edit = (map: MapSpec): MapSpec =>
    ({ ...editMap(map, settings, { ...constants, ...constantsOfPods }), name: constantsMapNameOfPods })
  const mapsOfPods = accepted(createMaps(kernel, constantsSpec, { editMap: edit, ...masked }), settings)
  const map = (name: string): KernelMap => found(kernel.map(maps.get(name) ?? -1), name)
  const fullNames = new Map([...maps.keys()].map((name) => [map(name).id, name]))
  for (const fd of mapsOfPods.values()) fullNames.set(found(kernel.map(fd), constantsMapNameOfPods).id, constantsMapNameOfPods)
  const fullName = ({ id, name }: KernelMap): string => fullNames.get(id) ?? (innerMapName.startsWith(name) ? innerMapName : name)
  const loaded: Partial<Record<PacketOrigin, LoadedProgram>> = {}
  const load = (name: string, programMaps: ReadonlyMap<string, number>): LoadedProgram => {
    const named = { ...spec, programs: spec.programs.map((program) => ({ ...program, name })) }
    const programs = accepted(loadPrograms(kernel, named, programMaps, { inlining: settings.inlining }), settings)
    return found(kernel.program(programs.get(name) ?? -1), name)
  }
  const programOf = (origin: PacketOrigin): LoadedProgram => {
    // ids are the same whichever is asked for first
    loaded.outside ??= load(programName, maps)
    if (origin === 'outside') return loaded.outside
    loaded.inside ??= load(programNameOfPods, new Map([...maps, ...mapsOfPods]))
    return loaded.inside
  }
  if (loading === 'at-once') programOf('outside')
  const programs = (): readonly LoadedProgram[] => {
    programOf('inside')
    return kernel.programs()
  }
  return { kernel, get program () { return programOf('outside') }, programOf, programs, map, fullName, metrics: () => map(metricsMapName) }
}

function accepted<T> (result: Result<T>, { name }: NodeSettings): T {
  if (result.ok) return result.value
  const { error } = result
  const code = error.name === 'ENOMEM' ? 'OUT_OF_MEMORY' : 'INVALID_ARGUMENT'
  throw new SimError(code, `node ${name}: the kernel refuses the balancer: ${error.message}`, { facts: { errno: error.name } })
}

/** An object's maps have default sizes; the agent decides them, as it does in Cilium. */
function editMap (spec: MapSpec, settings: NodeSettings, more: Partial<LoadTimeConstants>): MapSpec {
  if (spec.name === constantsMapName) {
    const constants = { ...datapathConstants(settings, settings.addresses ?? []), ...more }
    return { ...spec, contents: withLoadTimeConstants(spec.contents ?? new Uint8Array(spec.valueSize), constants) }
  }
  const size = sizeOf(spec.name, settings)
  if (size === undefined) return spec
  const { layout } = settings
  if (layout === 'flat' && isMaglev(spec.name)) return { ...spec, maxEntries: size * sharedTableSize(settings) }
  if (spec.type === 'lru_hash' || spec.type === 'lpm_trie') return { ...spec, maxEntries: size }
  const flags = settings.preallocateMaps ? spec.flags & ~BPF_F_NO_PREALLOC : spec.flags | BPF_F_NO_PREALLOC
  const valueSize = isOf(mapNames.backends, spec.name) ? backendBytes(spec.valueSize, settings.release) : spec.valueSize
  const inner = spec.inner === undefined || layout === 'flat'
    ? {}
    : { inner: { ...spec.inner, ...templateAttributes(layout, sharedTableSize(settings)) } }
  return { ...spec, flags, valueSize, maxEntries: size, ...inner }
}

const isOf = (names: Readonly<Record<4 | 6, string>>, name: string): boolean => names[4] === name || names[6] === name
const isMaglev = (name: string): boolean => isOf(mapNames.maglev, name)

function sizeOf (name: string, settings: NodeSettings): number | undefined {
  const { mapSizes } = settings
  if (isOf(mapNames.services, name)) return mapSizes.services
  if (isOf(mapNames.backends, name)) return mapSizes.backends
  if (isOf(mapNames.reverseNat, name)) return mapSizes.revNat
  if (isOf(mapNames.affinity, name) || name === affinityMatchMapName) return mapSizes.affinity
  if (isOf(mapNames.sourceRange, name)) return mapSizes.sourceRange
  // A map of connections is there in full or, where nothing is remembered, as small as a map can be.
  if (isOf(mapNames.conntrack, name)) return settings.conntrack ? maxEntriesOf(settings, 'bpf-ct-global-tcp-max') : 1
  if (isOf(mapNames.fragments, name)) return maxEntriesOf(settings, 'bpf-fragments-map-max')
  return isMaglev(name) ? mapSizes.maglev : undefined
}

function found<T> (result: { readonly ok: true, readonly value: T } | { readonly ok: false }, name: string): T {
  if (!result.ok) throw new Error(`the balancer's object has no ${name}`)
  return result.value
}
