// What a table of M slots does for the services of a size: what it moves when one backend leaves, as the disruption report says, and how
// unevenly it spreads them. Tables are made with the real fill.

import type { Seed } from '../../maglev/index.ts'
import { evennessOf, imbalanceOf } from '../balance/evenness.ts'
import { leavingKey, oneLeaves } from '../disruption/leaving.ts'
import type { LeavingQuestion } from '../disruption/leaving.ts'
import type { DisruptionPlan } from '../disruption/plan.ts'
import { poolOf, seedOf } from '../disruption/population.ts'
import type { Population } from '../disruption/population.ts'
import { Scene, Workbench } from '../disruption/scene.ts'
import { wantedShares } from '../disruption/tables.ts'

interface Quality {
  /** of all slots those that move between backends that stay, when one of N leaves: mean over the trials */
  readonly collateralShare: number
  /** by how much the backend that is furthest from its share is off, mean over some services */
  readonly imbalance: number
  /** of the slots, of each backend, for each of these services */
  readonly shares: ReadonlyArray<readonly number[]>
}

/** services of a size whose slots are counted */
export const servicesCounted = 5

export class Qualities {
  readonly #nodeSeed: string
  readonly #seed: Seed
  readonly #plan: DisruptionPlan
  readonly #known = new Map<string, Quality>()

  constructor (nodeSeed: string, plan: DisruptionPlan) {
    this.#nodeSeed = nodeSeed
    this.#seed = seedOf(nodeSeed)
    this.#plan = plan
  }

  /** @yields after every table or two */
  * make (m: number, population: Population): Generator<unknown, Quality> {
    const question: LeavingQuestion = { population, m, nodeSeed: this.#nodeSeed }
    const key = leavingKey(question)
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const leaving = yield * oneLeaves(question, this.#plan)
    const bench = new Workbench(m)
    const counted: Array<{ imbalance: number, shares: readonly number[] }> = []
    for (let service = 0; service < Math.min(population.services, servicesCounted); service++) {
      const { pool, counts } = new Scene(poolOf(population, service, this.#seed), bench)
      const slots = pool.original.map((number) => counts[number] as number)
      const shares = Array.from(counts, (count) => count / m)
      counted.push({ imbalance: imbalanceOf(evennessOf(slots, wantedShares(pool.original, pool.weights))), shares })
      yield
    }
    const quality = {
      collateralShare: leaving?.collateralShare ?? 0,
      imbalance: counted.reduce((sum, { imbalance }) => sum + imbalance, 0) / Math.max(1, counted.length),
      shares: counted.map(({ shares }) => shares)
    }
    this.#known.set(key, quality)
    return quality
  }

  of (m: number, population: Population): Quality {
    const steps = this.make(m, population)
    for (;;) {
      const { done, value } = steps.next()
      if (done === true) return value as Quality
    }
  }

  /** Share of new flows that another M moves, all backends staying: for two primes hash mod M and hash mod M' are independent. */
  movedBy (from: number, to: number, population: Population): number {
    if (from === to) return 0
    const [before, after] = [this.of(from, population).shares, this.of(to, population).shares]
    const stays = before.map((shares, service) =>
      shares.reduce((sum, share, backend) => sum + share * (after[service]?.[backend] ?? 0), 0))
    return 1 - stays.reduce((sum, share) => sum + share, 0) / Math.max(1, stays.length)
  }
}
