// What a map of the emulated kernel is to its users.

import type { Refused, Result } from '../profile/errno.ts'
import type { MapTypeName } from '../profile/index.ts'
import type { VerifierMap } from '../verifier/maps.ts'
import type { MapArea } from './memory.ts'

/** Attributes of BPF_MAP_CREATE; the template of an outer map is a map, not a descriptor. */
export interface MapAttr {
  readonly id: number
  readonly type: MapTypeName
  readonly keySize: number
  readonly valueSize: number
  readonly maxEntries: number
  readonly flags: number
  readonly name?: string
  /** template of the inner maps of an outer map: its attributes are copied; ignored by other types */
  readonly inner?: KernelMap
  /** creator has CAP_PERFMON: no Spectre masking (and no rounding up) for this map; true unless said */
  readonly bypassSpecV1?: boolean
  /** 32 random bits; a map with BPF_F_ZERO_SEED takes 0 */
  readonly hashSeed: number
  /** the machine has node 0 only; looked at with BPF_F_NUMA_NODE */
  readonly numaNode?: number
  /** only bloom filters and arenas know what to do with it */
  readonly mapExtra?: number
  /** creator has CAP_SYS_ADMIN, which BPF_F_ZERO_SEED needs; true unless said */
  readonly sysAdmin?: boolean
  /** the last reference went: the id is free again */
  readonly onFree?: () => void
}

/** A map's attributes as they stay after creation: what a template is compared by and a verifier sees. */
export type MapTraits = VerifierMap

/** What template and candidate are compared by. */
export type MapTemplate = Pick<MapTraits, 'type' | 'keySize' | 'valueSize' | 'maxEntries' | 'flags'>

/**
 * A live map. Operations follow the system calls: keys and values are copied, per-CPU values are C copies of
 * round8(value_size) bytes, a lookup in an outer map gives the inner map's id as a little-endian u32.
 */
export interface KernelMap extends Omit<MapTraits, 'inner' | 'contents'> {
  /** outer maps: the template's attributes */
  readonly inner: MapTraits | undefined
  /** of struct bpf_map in the core's memory */
  readonly address: number
  lookup (key: Uint8Array, flags?: number): Result<Uint8Array>
  update (key: Uint8Array, value: Uint8Array, flags?: number): Result<void>
  /**
   * Outer maps: what an update with the inner map's descriptor does; refuses one that does not match the template.
   * @param inner or why the descriptor names none, which the kernel finds out only after it looked at other things
   */
  updateInner (key: Uint8Array, inner: KernelMap | Refused, flags?: number): Result<void>
  delete (key: Uint8Array): Result<void>
  lookupAndDelete (key: Uint8Array, flags?: number): Result<Uint8Array>
  /** key after this one, the first after null or a key that is not there; ENOENT after the last */
  nextKey (key: Uint8Array | null): Result<Uint8Array>
  /** keys and values in key order, as lookups give them; array_of_maps: the slots in use */
  entries (): IterableIterator<[key: Uint8Array, value: Uint8Array]>
  /** outer maps: the inner map under a key */
  innerMap (key: Uint8Array): KernelMap | undefined
  /** no more updates or deletes from user space; programs may go on writing */
  freeze (): Result<void>
  /** elements present; array types: max_entries, array_of_maps: slots in use */
  count (): number
  memlockBytes (): number
  allocatedBytes (): number
  areas (): MapArea[]
  verifierView (): MapTraits
  retain (): void
  /** at the last reference the map is freed as soon as no worker can still read it */
  release (): void
}
