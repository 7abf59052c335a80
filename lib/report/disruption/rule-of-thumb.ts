// "M at least 100 N, and a change moves at most 1 %": measured for the ten table sizes at N = M / 100. What is at most 1 % is by how
// much the slots of backends differ; what moves without need when one leaves is something else.

import { supportedTableSizes } from '../../maglev/index.ts'
import type { Seed } from '../../maglev/index.ts'
import { createRandom } from '../../traffic/index.ts'
import { estimateOf } from '../estimate.ts'
import type { Estimate } from '../estimate.ts'
import { trialsOf } from './plan.ts'
import type { DisruptionPlan } from './plan.ts'
import { drawnPopulation, poolOf } from './population.ts'
import { Scene, Workbench } from './scene.ts'

export interface RuleOfThumbRow {
  readonly m: number
  /** N = M / 100, rounded down */
  readonly backends: number
  /** slots of the backend with most of them in any of the tables, over the mean, less 1 */
  readonly imbalance: number
  /** share of all slots that move between backends that stay when one of N leaves */
  readonly collateral: Estimate
}

const slotsPerBackend = 100

/**
 * A service of drawn addresses for each trial.
 * @yields after every service
 */
export function * ruleOfThumb (seed: Seed, plan: Pick<DisruptionPlan, 'seed' | 'trials'>): Generator<undefined, RuleOfThumbRow[]> {
  const rows: RuleOfThumbRow[] = []
  for (const m of supportedTableSizes) {
    const backends = Math.floor(m / slotsPerBackend)
    const population = drawnPopulation(backends, 4, plan.seed)
    const bench = new Workbench(m)
    const random = createRandom(plan.seed, backends)
    const collateral: number[] = []
    const trials = trialsOf(plan, m)
    let most = 0
    for (let trial = 0; trial < trials; trial++) {
      const scene = new Scene(poolOf(population, trial, seed), bench)
      scene.choose(random.below(backends))
      const { moved, needed } = scene.chosenGone()
      collateral.push(moved - needed)
      most = scene.counts.reduce((larger, count) => Math.max(larger, count), most)
      yield
    }
    rows.push({ m, backends, imbalance: most / (m / backends) - 1, collateral: estimateOf(collateral) })
  }
  return rows
}
