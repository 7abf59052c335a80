// Two tables of one frontend, by the backends that their slots lead to: ids are each node's own.

import { movedShare } from '../maglev/index.ts'
import type { Table } from '../maglev/index.ts'
import type { FrontendView, TableView } from './types.ts'

/** @returns share 0 .. 1 of new flows that lead elsewhere by the tables alone: of slots where M is the same, else as the counts have it */
export function slotsThatDiffer (
  a: TableView, backendsOfA: FrontendView['backends'], b: TableView, backendsOfB: FrontendView['backends']
): number {
  const names = new Map<string, number>()
  return movedShare(byAddress(a, backendsOfA, names), byAddress(b, backendsOfB, names))
}

/** The table with ids that the same backend has in both. */
function byAddress ({ m, slots, counts }: TableView, backends: FrontendView['backends'], names: Map<string, number>): Table {
  const nameOf = new Map(backends.map(({ id, address, port, protocol }) => {
    const key = `${address} ${port} ${protocol}`
    const name = names.get(key) ?? names.size + 1
    names.set(key, name)
    return [id, name]
  }))
  return {
    m,
    ids: Uint32Array.from(slots, (id) => nameOf.get(id) ?? 0),
    counts: new Map(Object.entries(counts).map(([id, count]) => [nameOf.get(Number(id)) ?? 0, count]))
  }
}
