// How a table's slots are shared out: counted in a table that the same fill makes from the same backends as the node's.

import { weightsCount } from '../../maglev/index.ts'
import type { Seed } from '../../maglev/index.ts'
import { BackendPool } from '../disruption/pool.ts'
import type { PoolBackend } from '../disruption/pool.ts'
import { slotCounts, TableMaker } from '../disruption/tables.ts'
import { evennessOf } from './evenness.ts'
import type { Evenness } from './evenness.ts'

export interface SlotBalance {
  /** slots of each backend, in the order of the backends */
  readonly counts: Int32Array
  /** share that the fill aims at: by weight, or the same for all where weights do not count */
  readonly aimed: readonly number[]
  readonly evenness: Evenness
  /** backends that get no flow at all */
  readonly withoutSlots: number
  /** null where all weights are the same */
  readonly weights: WeightBalance | null
}

export interface WeightBalance {
  /** Cilium ignores weights that average below 2 */
  readonly ignored: boolean
  /** share that each weight asks for */
  readonly wanted: readonly number[]
  /** share of slots got, over the share wanted, less 1 */
  readonly errors: readonly number[]
  /** of them the one furthest from 0 */
  readonly worstError: number
}

/** Tables of one M, one after the other. */
export class SlotCounter {
  readonly #maker: TableMaker
  readonly #slots: Int32Array
  readonly #seed: Seed

  constructor (m: number, seed: Seed) {
    this.#maker = new TableMaker(m)
    this.#slots = new Int32Array(m)
    this.#seed = seed
  }

  /** @param backends at least one, all in the table */
  count (backends: readonly PoolBackend[]): SlotBalance {
    const pool = new BackendPool(backends, this.#seed)
    const counts = slotCounts(this.#maker.make(pool, pool.original, this.#slots), pool.size)
    const { weights } = pool
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    const counted = weightsCount(weights)
    const aimed = weights.map((weight) => counted ? weight / total : 1 / weights.length)
    return {
      counts,
      aimed,
      evenness: evennessOf(counts, aimed),
      withoutSlots: counts.reduce((none, count) => count === 0 ? none + 1 : none, 0),
      weights: weights.every((weight) => weight === weights[0])
        ? null
        : weightBalance(weights.map((weight) => weight / total), counts, !counted)
    }
  }
}

function weightBalance (wanted: readonly number[], counts: Int32Array, ignored: boolean): WeightBalance {
  const total = counts.reduce((sum, count) => sum + count, 0)
  const errors = wanted.map((share, index) => (counts[index] as number) / total / share - 1)
  return { ignored, wanted, errors, worstError: errors.reduce((worst, error) => Math.abs(error) > Math.abs(worst) ? error : worst, 0) }
}
