// The map writes of one change on one node, one final write per key however often the change came past it, and what they do to the number
// of entries of each map.

import { mapNames } from '../datapath/index.ts'
import type { Family, TableBackend } from '../maglev/index.ts'
import { done, refuse } from './errors.ts'
import type { LbResult } from './errors.ts'
import type { LbMapKind } from './ports.ts'
import type { MapSizes } from './settings.ts'

export interface TableContents {
  readonly m: number
  readonly backends: readonly TableBackend[]
}

export type MapWrite =
  { readonly map: 'services' | 'backends' | 'revNat', readonly family: Family, readonly key: Uint8Array, readonly value: Uint8Array | null } |
  /** null: no outer entry; `before` is what an undo brings back */
  {
    readonly map: 'maglev',
    readonly family: Family,
    readonly revNatId: number,
    readonly table: TableContents | null,
    readonly before: TableContents | null
  }

export type EntryCounts = Record<LbMapKind, Record<Family, number>>

export function noEntries (): EntryCounts {
  return { services: { 4: 0, 6: 0 }, backends: { 4: 0, 6: 0 }, revNat: { 4: 0, 6: 0 }, maglev: { 4: 0, 6: 0 } }
}

export const mapKinds = ['services', 'backends', 'revNat', 'maglev'] as const satisfies readonly LbMapKind[]
export const families = [4, 6] as const satisfies readonly Family[]

/** Cilium's name of a map */
export function ciliumMapName (map: LbMapKind, family: Family): string {
  return mapNames[map === 'revNat' ? 'reverseNat' : map][family]
}

export class WriteSet {
  readonly #entries = new Map<string, { readonly existed: boolean, write: MapWrite }>()

  /**
   * @param id names the key within its map
   * @param exists whether the key is in the map just before this write
   */
  put (id: string, exists: boolean, write: MapWrite): void {
    const known = this.#entries.get(id)
    if (known === undefined) this.#entries.set(id, { existed: exists, write })
    else if (write.map === 'maglev' && known.write.map === 'maglev') known.write = { ...write, before: known.write.before }
    else known.write = write
  }

  /** inserts and replacements in order; deletes in order */
  split (): { upserts: MapWrite[], deletes: MapWrite[] } {
    const upserts: MapWrite[] = []
    const deletes: MapWrite[] = []
    for (const { existed, write } of this.#entries.values()) {
      if (!removes(write)) upserts.push(write)
      else if (existed) deletes.push(write)
    }
    return { upserts, deletes }
  }

  /** entries of every map afterwards, and while inserts are in and deletes are still to come */
  counts (before: EntryCounts): { after: EntryCounts, peak: EntryCounts } {
    const after = structuredClone(before)
    const peak = structuredClone(before)
    for (const { existed, write } of this.#entries.values()) {
      if (!existed && !removes(write)) {
        after[write.map][write.family]++
        peak[write.map][write.family]++
      } else if (existed && removes(write)) after[write.map][write.family]--
    }
    return { after, peak }
  }
}

export function removes (write: MapWrite): boolean {
  return write.map === 'maglev' ? write.table === null : write.value === null
}

/** Counted before anything is written: a change that does not fit every map is not begun. */
export function checkCounts (node: string, counts: EntryCounts, sizes: MapSizes): LbResult<void> {
  for (const map of mapKinds) {
    for (const family of families) {
      const needed = counts[map][family]
      const limit = sizes[map]
      if (needed <= limit) continue
      const name = ciliumMapName(map, family)
      return refuse('MAP_FULL', `node ${node}: ${name} would need ${needed} entries, its limit is ${limit}`, {
        facts: { node, map: name, needed, limit }
      })
    }
  }
  return done(undefined)
}
