// What a changed table does to flows that nobody remembers (no conntrack entry): the share that gets another backend.

import type { Table } from './table.ts'

/**
 * Share 0 .. 1 of new-flow picks that differ. Equal M: slots that differ. Different M: both are prime, so (hash mod M, hash mod M') runs
 * through all pairs evenly and a flow stays with probability sum over backends of share * share'. A table that is not there serves nobody.
 */
export function movedShare (before: Table | null, after: Table | null): number {
  if (before === null || after === null) return before === after ? 0 : 1
  if (before.m === after.m) {
    let moved = 0
    before.ids.forEach((id, slot) => { if (id !== after.ids[slot]) moved++ })
    return moved / before.m
  }
  let stays = 0
  for (const [id, count] of before.counts) stays += count / before.m * ((after.counts.get(id) ?? 0) / after.m)
  return 1 - stays
}
