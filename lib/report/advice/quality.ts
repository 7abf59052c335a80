// What a table of M slots does for N backends: how unevenly it spreads them, and what it moves when one leaves. Built with the real fill,
// from backends at addresses in sequence.

import { buildTable, defaultSeed, parseSeed } from '../../maglev/index.ts'
import type { Seed } from '../../maglev/index.ts'
import { evennessOf, imbalanceOf } from '../balance/evenness.ts'
import { disruptionOfOneLeaving, sequentialBackends } from '../disruption/one-leaving.ts'

export interface Quality {
  /** of all slots those that move between backends that stay, when one of N leaves: mean over the trials */
  readonly collateralShare: number
  /** by how much the backend that is furthest from its share is off */
  readonly imbalance: number
  /** of the slots, of each backend */
  readonly shares: readonly number[]
}

export class Qualities {
  readonly #seed: Seed
  readonly #trials: number
  readonly #drawSeed: number
  readonly #known = new Map<string, Quality>()

  constructor (nodeSeed: string, trials: number, drawSeed: number) {
    const parsed = parseSeed(nodeSeed)
    this.#seed = parsed.ok ? parsed.seed : defaultSeed()
    this.#trials = trials
    this.#drawSeed = drawSeed
  }

  of (m: number, backends: number): Quality {
    const key = `${m} ${backends}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const disruption = disruptionOfOneLeaving({ m, backends, seed: this.#seed, trials: this.#trials, drawSeed: this.#drawSeed })
    const table = buildTable(m, sequentialBackends(backends), this.#seed, '1.17+')
    const counts = [...table?.counts.values() ?? []]
    const quality = {
      collateralShare: disruption?.collateralShare ?? 0,
      imbalance: table === null ? 0 : imbalanceOf(evennessOf(counts, counts.map(() => 1 / backends))),
      shares: counts.map((count) => count / m)
    }
    this.#known.set(key, quality)
    return quality
  }

  /** Share of new flows that another M moves, all backends staying: for two primes hash mod M and hash mod M' are independent. */
  movedBy (from: number, to: number, backends: number): number {
    if (from === to) return 0
    const after = this.of(to, backends).shares
    return 1 - this.of(from, backends).shares.reduce((stays, share, index) => stays + share * (after[index] ?? 0), 0)
  }
}
