// "M at least 100 N, and a change moves at most 1 %": measured for the ten table sizes at N = M / 100. What is at most 1 % is by how
// much the slots of backends differ; what moves without need when one leaves is something else.

import { supportedTableSizes } from '../../maglev/index.ts'
import type { Seed } from '../../maglev/index.ts'
import { createRandom } from '../../traffic/index.ts'
import { estimateOf } from '../estimate.ts'
import type { Estimate } from '../estimate.ts'
import { poolOf, sequentialPopulation } from './population.ts'
import { Scene, Workbench } from './scene.ts'

export interface RuleOfThumbRow {
  readonly m: number
  /** N = M / 100, rounded down */
  readonly backends: number
  /** slots of the backend with most of them, over the mean, less 1 */
  readonly imbalance: number
  /** share of all slots that move between backends that stay when one of N leaves */
  readonly collateral: Estimate
}

const slotsPerBackend = 100

/** @yields after every table */
export function * ruleOfThumb (seed: Seed, trials: number, drawSeed: number): Generator<undefined, RuleOfThumbRow[]> {
  const rows: RuleOfThumbRow[] = []
  for (const m of supportedTableSizes) {
    const backends = Math.floor(m / slotsPerBackend)
    const pool = poolOf(sequentialPopulation(backends, 4), 0, seed)
    const scene = new Scene(pool, new Workbench(m))
    const random = createRandom(drawSeed, backends)
    const leaving = new Set<number>()
    while (leaving.size < Math.min(trials, backends)) leaving.add(random.below(backends))
    const collateral: number[] = []
    for (const number of leaving) {
      scene.choose(number)
      const { moved, needed } = scene.chosenGone()
      collateral.push(moved - needed)
      yield
    }
    const imbalance = Math.max(...scene.counts) / (m / backends) - 1
    rows.push({ m, backends, imbalance, collateral: estimateOf(collateral, { population: backends }) })
  }
  return rows
}
