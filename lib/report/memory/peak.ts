// How much more a node needs while tables are replaced. A new inner map is built and filled before it takes the old one's place, and the
// old one lives on until no program can be reading it: until an RCU grace period is over. Who waits for each table holds one table twice;
// who puts many in by one batch update, which waits once, holds all of them twice.

import { defaultAssumptions } from '../convergence/costs.ts'
import type { Bytes } from './map-bytes.ts'
import type { MemoryRow } from './rows.ts'

export interface Peak {
  /** services with a backend that changes at the same time, the ones with the largest tables first */
  readonly services: number
  /** one table after the other: the largest of them twice */
  readonly oneByOne: PeakBytes
  /** all in one batch update: all of them twice */
  readonly batch: PeakBytes
}

interface PeakBytes {
  /** beyond what the node takes at rest */
  readonly more: Bytes
  /** the node's maps at the highest point */
  readonly peak: Bytes
}

/** updates that an agent which updates the outer map in batches is taken to put into one */
export const usualBatch = defaultAssumptions.batch
const atOnce = [1, 10, 100, usualBatch, 1000] as const
const nothing: Bytes = { memlockBytes: 0, allocatedBytes: 0 }

/**
 * For one service, ten, a hundred, a batch, a thousand and all. A replacement is taken to be as large as what it replaces.
 * Layout flat writes over the old table, where readers may see both, and needs nothing more.
 * @param total the node at rest
 */
export function peaks (rows: readonly MemoryRow[], total: Bytes, flat: boolean): Peak[] {
  const largestFirst = [...rows].sort(({ table: one }, { table: other }) =>
    other.allocatedBytes - one.allocatedBytes || other.memlockBytes - one.memlockBytes)
  const all = rows.reduce((sum, { frontends }) => sum + frontends, 0)
  const counts = [...atOnce.filter((count) => count < all), ...(all > 0 ? [all] : [])]
  const largest = largestFirst[0]?.table ?? nothing
  return counts.map((services) => ({
    services,
    oneByOne: peakOf(flat ? nothing : largest, total),
    batch: peakOf(flat ? nothing : sumOfLargest(largestFirst, services), total)
  }))
}

function sumOfLargest (largestFirst: readonly MemoryRow[], count: number): Bytes {
  let left = count
  let memlockBytes = 0
  let allocatedBytes = 0
  for (const { table, frontends } of largestFirst) {
    const taken = Math.min(left, frontends)
    memlockBytes += taken * table.memlockBytes
    allocatedBytes += taken * table.allocatedBytes
    left -= taken
  }
  return { memlockBytes, allocatedBytes }
}

const peakOf = (more: Bytes, total: Bytes): PeakBytes => ({
  more, peak: { memlockBytes: total.memlockBytes + more.memlockBytes, allocatedBytes: total.allocatedBytes + more.allocatedBytes }
})
