// Two tables of one frontend, by the backends that their slots lead to: ids are each node's own. Where a side picks at random there is no
// table to hold against the other: what is left is how likely each backend is.

import { movedShare } from '../maglev/index.ts'
import type { Table } from '../maglev/index.ts'
import type { FrontendView, TableView } from './types.ts'

/** how likely a new flow is to come to a backend, by its endpoint */
export type Chances = ReadonlyMap<string, number>

/** @returns share 0 .. 1 of new flows that lead elsewhere by the tables alone: of slots where M is the same, else as the counts have it */
export function slotsThatDiffer (
  a: TableView, backendsOfA: FrontendView['backends'], b: TableView, backendsOfB: FrontendView['backends']
): number {
  const names = new Map<string, number>()
  return movedShare(byAddress(a, backendsOfA, names), byAddress(b, backendsOfB, names))
}

/** @returns share 0 .. 1 of new flows that come to two backends when both sides pick without knowing of each other */
export function chancesApart (a: Chances, b: Chances): number {
  let together = 0
  for (const [endpoint, chance] of a) together += chance * (b.get(endpoint) ?? 0)
  return 1 - together
}

export function chancesOfTable ({ m, counts }: TableView, backends: FrontendView['backends']): Chances {
  return new Map(backends.map((backend) => [endpointOf(backend), (counts[backend.id] ?? 0) / m]))
}

/** Each as likely as the others: random selection knows no weights. */
export function chancesAtRandom (frontend: FrontendView): Chances {
  const picked = pickable(frontend)
  return new Map(picked.map((backend) => [endpointOf(backend), 1 / picked.length]))
}

/** those that take new flows */
export function pickable ({ backends }: FrontendView): FrontendView['backends'] {
  const active = backends.filter(({ state }) => state === 'active')
  return active.length > 0 ? active : backends.filter(({ state }) => state === 'terminating')
}

export const endpointOf = ({ address, port, protocol }: FrontendView['backends'][number]): string => `${address} ${port} ${protocol}`

/** The table with ids that the same backend has in both. */
function byAddress ({ m, slots, counts }: TableView, backends: FrontendView['backends'], names: Map<string, number>): Table {
  const nameOf = new Map(backends.map((backend) => {
    const key = endpointOf(backend)
    const name = names.get(key) ?? names.size + 1
    names.set(key, name)
    return [backend.id, name]
  }))
  return {
    m,
    ids: Uint32Array.from(slots, (id) => nameOf.get(id) ?? 0),
    counts: new Map(Object.entries(counts).map(([id, count]) => [nameOf.get(Number(id)) ?? 0, count]))
  }
}
