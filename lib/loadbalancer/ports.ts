// The BPF maps that the load balancer writes, as little of them as it needs. Maps of the emulated kernel fit as they are; kernel-maps.ts
// makes the tables' side from one of its outer maps.

import type { KernelMap } from '../bpf/map/index.ts'
import type { Result } from '../bpf/profile/errno.ts'
import type { Family } from '../maglev/index.ts'

export type MapPort = Pick<KernelMap, 'lookup' | 'update' | 'delete' | 'entries'>

/** an inner map that holds one table */
export interface TableMap {
  readonly mapId: number
  readonly m: number
  /** the ids, read back from the map */
  read (): Uint32Array
  retain (): void
  release (): void
}

/** an outer map: revNAT id -> table */
export interface TablesPort {
  /** a filled inner map that nobody sees yet; the caller holds the one reference */
  create (ids: Uint32Array): Result<TableMap>
  get (revNatId: number): TableMap | undefined
  set (revNatId: number, table: TableMap): Result<void>
  delete (revNatId: number): Result<void>
  revNatIds (): Iterable<number>
}

export type PerFamily<T> = Readonly<Record<Family, T>>

export interface LbMaps {
  readonly services: PerFamily<MapPort>
  readonly backends: PerFamily<MapPort>
  readonly revNat: PerFamily<MapPort>
  readonly maglev: PerFamily<TablesPort>
  /** one for both families */
  readonly affinityMatch: MapPort
  readonly sourceRange: PerFamily<MapPort>
}

export type LbMapKind = keyof LbMaps
