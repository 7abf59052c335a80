// The life of a run, as a table: what may follow what.
//
//   queued ──> running ──> succeeded | failed | expired
//     │           └──────> cancelling ──> cancelled
//     └──> cancelled
//
// `expired` is a run whose time ran out. A run that ends by itself while it is being cancelled is cancelled all the same.

import type { RunState } from '../../routes/support/runs.ts'

const next: Readonly<Record<RunState, readonly RunState[]>> = {
  queued: ['running', 'cancelled'],
  running: ['succeeded', 'failed', 'expired', 'cancelling'],
  cancelling: ['cancelled'],
  succeeded: [],
  failed: [],
  cancelled: [],
  expired: []
}

export const mayFollow = (from: RunState, to: RunState): boolean => next[from].includes(to)
