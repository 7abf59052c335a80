// What other reports say of a table beside its bytes: what moves when one backend leaves. It is the disruption report's row `remove`, for
// the same services, seed and trials, so that a question has one answer whoever is asked.

import type { Estimate } from '../estimate.ts'
import { changesOfClass } from './class-changes.ts'
import { planOf } from './plan.ts'
import type { DisruptionOptions, DisruptionPlan } from './plan.ts'
import { seedOf } from './population.ts'
import type { Population } from './population.ts'

/** Shares of all flows to the service. */
export interface Leaving {
  /** new flows that go to another backend afterwards, mean over the trials */
  readonly movedShare: number
  /** of these the ones that did not belong to the backend that left: moved without need */
  readonly collateralShare: number
  /** ends of the 95 % confidence interval of that mean */
  readonly collateralShareLow: number
  readonly collateralShareHigh: number
  /** the largest of the trials: there may be larger ones among those not tried */
  readonly collateralShareMax: number
  readonly trials: number
  /** every backend of every service was tried: the mean is exact */
  readonly complete: boolean
}

export interface LeavingQuestion {
  readonly population: Population
  readonly m: number
  /** as the node has it, base64 */
  readonly nodeSeed: string
}

/** Of changes `remove` alone. */
export function leavingPlan ({ seed, trials }: Pick<DisruptionOptions, 'seed' | 'trials'>): DisruptionPlan {
  return planOf({ changes: 'remove', ...(seed === undefined ? {} : { seed }), ...(trials === undefined ? {} : { trials }) })
}

/** The same key, the same answer. */
export const leavingKey = ({ population, m, nodeSeed }: LeavingQuestion): string => `${population.key} ${m} ${nodeSeed}`

/**
 * @yields after every table or two
 * @returns null when there is no backend that could leave
 */
export function * oneLeaves ({ population, m, nodeSeed }: LeavingQuestion, plan: DisruptionPlan): Generator<unknown, Leaving | null> {
  if (population.backends === 0) return null
  const [removed] = yield * changesOfClass({ population, m, seed: seedOf(nodeSeed), policy: { fixed: m } }, plan)
  return removed === undefined ? null : leavingOf(removed.moved, removed.collateral)
}

const leavingOf = (moved: Estimate, collateral: Estimate): Leaving => ({
  movedShare: moved.mean,
  collateralShare: collateral.mean,
  collateralShareLow: collateral.low,
  collateralShareHigh: collateral.high,
  collateralShareMax: collateral.max,
  trials: collateral.trials,
  complete: collateral.complete
})

/** as an estimate, for sentences */
export const collateralOf = (leaving: Leaving): Pick<Estimate, 'mean' | 'low' | 'high' | 'max' | 'trials' | 'complete'> => ({
  mean: leaving.collateralShare,
  low: leaving.collateralShareLow,
  high: leaving.collateralShareHigh,
  max: leaving.collateralShareMax,
  trials: leaving.trials,
  complete: leaving.complete
})
