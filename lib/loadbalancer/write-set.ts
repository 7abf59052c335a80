// The map writes of one change on one node, one final write per key however often the change came past it, and what they do to the number
// of entries of each map.

import { affinityMatchMapName, mapNames } from '../datapath/index.ts'
import type { Family, TableBackend } from '../maglev/index.ts'
import { done, refuse } from './errors.ts'
import type { LbResult } from './errors.ts'
import type { LbMapKind } from './ports.ts'
import type { MapSizes } from './map-sizes.ts'

export interface TableContents {
  readonly m: number
  readonly backends: readonly TableBackend[]
}

/** the maps whose entries are written one by one */
export type EntryMap = Exclude<LbMapKind, 'maglev'>

export interface EntryWrite {
  readonly map: EntryMap
  readonly family: Family
  /** the entry goes; nobody asks for the value then */
  readonly removes: boolean
  key (): Uint8Array
  value (): Uint8Array
}

/** null: no outer entry; `before` is what an undo brings back */
export interface TableWrite {
  readonly map: 'maglev'
  readonly family: Family
  readonly revNatId: number
  readonly table: TableContents | null
  readonly before: TableContents | null
}

export type MapWrite = EntryWrite | TableWrite

export type EntryCounts = Record<LbMapKind, Record<Family, number>>

export const mapKinds = ['services', 'backends', 'revNat', 'maglev', 'affinityMatch', 'sourceRange'] as const satisfies readonly LbMapKind[]
export const families = [4, 6] as const satisfies readonly Family[]

export function noEntries (): EntryCounts {
  return Object.fromEntries(mapKinds.map(map => [map, { 4: 0, 6: 0 }])) as EntryCounts
}

/** Cilium's name of a map */
export function ciliumMapName (map: LbMapKind, family: Family): string {
  if (map === 'affinityMatch') return affinityMatchMapName
  return mapNames[map === 'revNat' ? 'reverseNat' : map][family]
}

/** max_entries of a map */
export function mapSize (map: LbMapKind, sizes: MapSizes): number {
  return sizes[map === 'affinityMatch' ? 'affinity' : map]
}

/** entries of a map; that of affinities has those of both families */
export function entriesOf (counts: EntryCounts, map: LbMapKind, family: Family): number {
  return map === 'affinityMatch' ? counts[map][4] + counts[map][6] : counts[map][family]
}

export interface PlannedWrite {
  /** whether the key was there before the change */
  readonly existed: boolean
  readonly write: MapWrite
}

interface Entry {
  readonly existed: boolean
  write: MapWrite
}

export class WriteSet {
  /** by group and number: cheaper than a text per key */
  readonly #groups = new Map<string, Map<number, Entry>>()

  /**
   * @param group with `number` names the key within all maps
   * @param exists whether the key is in the map just before this write
   */
  put (group: string, number: number, exists: boolean, write: MapWrite): void {
    let entries = this.#groups.get(group)
    if (entries === undefined) this.#groups.set(group, entries = new Map())
    const known = entries.get(number)
    if (known === undefined) entries.set(number, { existed: exists, write })
    else if (write.map === 'maglev' && known.write.map === 'maglev') known.write = { ...write, before: known.write.before }
    else known.write = write
  }

  /** inserts and replacements in order; deletes in order */
  split (): { upserts: PlannedWrite[], deletes: PlannedWrite[] } {
    const upserts: PlannedWrite[] = []
    const deletes: PlannedWrite[] = []
    for (const entry of this.#entries()) {
      if (!removes(entry.write)) upserts.push(entry)
      else if (entry.existed) deletes.push(entry)
    }
    return { upserts, deletes }
  }

  /** entries of every map afterwards, and while inserts are in and deletes are still to come */
  counts (before: EntryCounts): { after: EntryCounts, peak: EntryCounts } {
    const after = structuredClone(before)
    const peak = structuredClone(before)
    for (const { existed, write } of this.#entries()) {
      if (!existed && !removes(write)) {
        after[write.map][write.family]++
        peak[write.map][write.family]++
      } else if (existed && removes(write)) after[write.map][write.family]--
    }
    return { after, peak }
  }

  * #entries (): Generator<Entry> {
    for (const entries of this.#groups.values()) yield * entries.values()
  }
}

export function removes (write: MapWrite): boolean {
  return write.map === 'maglev' ? write.table === null : write.removes
}

/** Counted before anything is written: a change that does not fit every map is not begun. */
export function checkCounts (node: string, counts: EntryCounts, sizes: MapSizes): LbResult<void> {
  for (const map of mapKinds) {
    for (const family of families) {
      const needed = entriesOf(counts, map, family)
      const limit = mapSize(map, sizes)
      if (needed <= limit) continue
      const name = ciliumMapName(map, family)
      return refuse('MAP_FULL', `node ${node}: ${name} would need ${needed} entries, its limit is ${limit}`, {
        facts: { node, map: name, needed, limit }
      })
    }
  }
  return done(undefined)
}

/** whether they fill a table in the same way */
export function sameTableBackends (one: readonly TableBackend[], other: readonly TableBackend[]): boolean {
  return one === other || (one.length === other.length && one.every((backend, index) => {
    const twin = other[index]
    return twin !== undefined && backend.id === twin.id && backend.weight === twin.weight && backend.address === twin.address &&
      backend.port === twin.port && backend.protocol === twin.protocol
  }))
}
