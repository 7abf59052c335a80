// Who is drawn in each trial.

import type { Random } from '../../traffic/index.ts'
import type { Population } from './population.ts'

export interface Pick {
  readonly service: number
  readonly backend: number
  /** not tried before */
  readonly isNew: boolean
}

/**
 * Who is drawn in each trial, in the order of services, so that a service's table before the change is made once. Different backends as
 * long as there are any: with as many trials as backends every one is tried, and the mean over them is exact.
 */
export function picksOf ({ services, backends }: Population, trials: number, random: Random): Pick[] {
  if (services === Infinity) {
    return Array.from({ length: trials }, (_, service) => ({ service, backend: random.below(backends), isNew: true }))
  }
  const all = services * backends
  const drawn = all <= trials ? Array.from({ length: all }, (_, index) => index) : distinct(all, trials, random)
  return Array.from({ length: trials }, (_, trial) => {
    const index = Math.floor(trial * drawn.length / trials)
    const one = drawn[index] as number
    const isNew = trial === 0 || index !== Math.floor((trial - 1) * drawn.length / trials)
    return { service: Math.floor(one / backends), backend: one % backends, isNew }
  })
}

/** @returns `count` different numbers below `limit`, ascending */
function distinct (limit: number, count: number, random: Random): number[] {
  const drawn = new Set<number>()
  while (drawn.size < count) drawn.add(random.below(limit))
  return [...drawn].sort((one, other) => one - other)
}
