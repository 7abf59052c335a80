// How much a benchmark may be asked, and what it measures unless asked otherwise.

import { defaultTableSize } from '../../lib/maglev/index.ts'

export const benchmarkLimits = {
  rounds: 50,
  variants: 16,
  /** service sizes; each is a service on every node */
  sizes: 16,
  /** of one service: every one is copied into the kernel */
  backends: 4096,
  /** services whose tables lie in the kernel at once, in every layout: about 0.5 GB */
  services: 1000
} as const

export const benchmarkDefaults = { mix: '700x3,200x10,80x40,20x160', rounds: 7 } as const

/** M of the tables when all services share one, and how many slots a backend gets when each has its own: as the nodes of a mix */
export const benchmarkTableSizes = { m: defaultTableSize, perBackend: 100 } as const
