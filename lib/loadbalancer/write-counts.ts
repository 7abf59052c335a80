// What a change makes an agent write, counted from the plan of it: entries of the plain maps, tables to build, outer entries to drop.
// How a table is written follows from its layout, so it is counted by M and N.

import type { EntryMap, EntryWrite, PlannedWrite } from './write-set.ts'
import { removes } from './write-set.ts'

export const entryMaps = ['services', 'backends', 'revNat', 'affinityMatch', 'sourceRange'] as const satisfies readonly EntryMap[]

const noWrites = (): Record<EntryMap, number> => ({ services: 0, backends: 0, revNat: 0, affinityMatch: 0, sourceRange: 0 })

export interface TableWrites {
  readonly m: number
  /** N, backends in the table */
  readonly backends: number
  readonly tables: number
}

export interface WriteCounts {
  readonly updates: Readonly<Record<EntryMap, number>>
  readonly deletes: Readonly<Record<EntryMap, number>>
  /** keys and values of the updates, keys of the deletes */
  readonly entryBytes: number
  /** tables that are built and put where readers see them: one outer update each, in layouts that have an outer map */
  readonly tables: readonly TableWrites[]
  /** tables that go, as they were: one outer delete each */
  readonly tablesRemoved: readonly TableWrites[]
}

export function countWrites (writes: Iterable<PlannedWrite>): WriteCounts {
  const updates = noWrites()
  const deletes = noWrites()
  const tables = new Map<string, TableWrites>()
  const removed = new Map<string, TableWrites>()
  const sizes = new Map<string, { key: number, value: number }>()
  let entryBytes = 0
  for (const { write } of writes) {
    if (write.map !== 'maglev') {
      const counted = removes(write) ? deletes : updates
      counted[write.map]++
      const { key, value } = entrySize(sizes, write)
      entryBytes += write.removes ? key : key + value
    } else if (write.table !== null) add(tables, write.table, 1)
    else if (write.before !== null) add(removed, write.before, 1)
  }
  return { updates, deletes, entryBytes, tables: [...tables.values()], tablesRemoved: [...removed.values()] }
}

/** All entries of a map have one size: the bytes are made once. */
function entrySize (sizes: Map<string, { key: number, value: number }>, write: EntryWrite): { key: number, value: number } {
  const map = `${write.map}${write.family}`
  const size = sizes.get(map) ?? { key: write.key().length, value: write.value().length }
  sizes.set(map, size)
  return size
}

/** @returns all of them as one change that does each of the counts as often as it is said */
export function sumWrites (parts: ReadonlyArray<{ readonly counts: WriteCounts, readonly times: number }>): WriteCounts {
  const sum = (of: (counts: WriteCounts) => number): number => parts.reduce((total, { counts, times }) => total + of(counts) * times, 0)
  const perMap = (of: (counts: WriteCounts) => WriteCounts['updates']): WriteCounts['updates'] => {
    const all = noWrites()
    for (const map of entryMaps) all[map] = sum((counts) => of(counts)[map])
    return all
  }
  const perTable = (of: (counts: WriteCounts) => readonly TableWrites[]): TableWrites[] => {
    const tables = new Map<string, TableWrites>()
    for (const { counts, times } of parts) {
      for (const group of of(counts)) add(tables, group, group.tables * times)
    }
    return [...tables.values()]
  }
  return {
    updates: perMap(({ updates }) => updates),
    deletes: perMap(({ deletes }) => deletes),
    entryBytes: sum(({ entryBytes }) => entryBytes),
    tables: perTable(({ tables }) => tables),
    tablesRemoved: perTable(({ tablesRemoved }) => tablesRemoved)
  }
}

/** @param table one of that size, its backends or their number */
function add (
  tables: Map<string, TableWrites>, table: { readonly m: number, readonly backends: number | readonly unknown[] }, count: number
): void {
  const backends = typeof table.backends === 'number' ? table.backends : table.backends.length
  const key = `${table.m} ${backends}`
  tables.set(key, { m: table.m, backends, tables: (tables.get(key)?.tables ?? 0) + count })
}
