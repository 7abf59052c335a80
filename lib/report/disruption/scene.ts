// One trial: a service of some class with its table, and who of it is drawn. Changes are made to it one at a time.

import type { BackendPool } from './pool.ts'
import { countMoves, slotCounts, TableMaker, wantedShares } from './tables.ts'
import type { Moves, Slots } from './tables.ts'

/** What a change does, in shares of all flows to the service. */
export interface Effect {
  /** picks that change: new flows that go to another backend than they would have before */
  readonly moved: number
  /** of these the ones that no table could have spared */
  readonly needed: number
  /** established flows that lose their backend: it is gone, no connection tracking helps them */
  readonly broken: number
  /** established flows that go to another backend where nobody remembers them: `moved`, unless several tables followed each other */
  readonly untracked: number
}

/** Arrays for the tables of one size, used by one trial after the other. */
export class Workbench {
  readonly maker: TableMaker
  readonly before: Slots
  readonly after: Slots
  /** for changes that need a third table */
  readonly spare: Slots
  readonly moves: Moves = { moved: 0, needed: 0 }

  constructor (m: number) {
    this.maker = new TableMaker(m)
    this.before = new Int32Array(m)
    this.after = new Int32Array(m)
    this.spare = new Int32Array(m)
  }
}

export class Scene {
  readonly pool: BackendPool
  readonly bench: Workbench
  /** the table before: null for a service without backends */
  readonly before: Slots | null
  /** slots of each backend in it, by number */
  readonly counts: Int32Array
  /** the backend that is drawn, where one is to change */
  chosen = 0
  #withoutChosen: Effect | null = null

  constructor (pool: BackendPool, bench: Workbench) {
    this.pool = pool
    this.bench = bench
    this.before = bench.maker.make(pool, pool.original, bench.before)
    this.counts = slotCounts(this.before, pool.size)
  }

  get m (): number {
    return this.bench.maker.m
  }

  choose (number: number): void {
    this.chosen = number
    this.#withoutChosen = null
  }

  /** share of the flows that a backend has before the change */
  shareOf (number: number): number {
    return (this.counts[number] as number) / this.m
  }

  /** Backends that are gone at once, their flows with them. */
  gone (numbers: readonly number[]): Effect {
    const leaving = new Uint8Array(this.pool.size)
    for (const number of numbers) leaving[number] = 1
    const { moved, needed } = this.#compare(this.pool.original.filter((number) => leaving[number] === 0), leaving, noNumbers(this.pool))
    return { moved, needed, broken: numbers.reduce((sum, number) => sum + this.shareOf(number), 0), untracked: moved }
  }

  /** The drawn one is gone; several changes have that table, so it is made once. */
  chosenGone (): Effect {
    this.#withoutChosen ??= this.gone([this.chosen])
    return this.#withoutChosen
  }

  /** A backend of the pool that was not in the table comes. */
  joins (number: number): Effect {
    const members = [...this.pool.original]
    this.pool.insert(members, number)
    const coming = noNumbers(this.pool)
    coming[number] = 1
    const { moved, needed } = this.#compare(members, noNumbers(this.pool), coming)
    return { moved, needed, broken: 0, untracked: moved }
  }

  /**
   * The drawn one gets another weight, not 0. Nobody leaves or comes, so `needed` is what wanted shares that differ cost at least: half the
   * sum of their differences.
   */
  weighs (weight: number): Effect {
    const { pool } = this
    const weights = [...pool.weights]
    weights[this.chosen] = weight
    const { moved } = this.#compare(pool.original, noNumbers(pool), noNumbers(pool), weights)
    const wanted = wantedShares(pool.original, weights)
    const least = wantedShares(pool.original, pool.weights)
      .reduce((sum, share, index) => sum + Math.max(0, (wanted[index] as number) - share), 0)
    return { moved, needed: Math.min(moved, least), broken: 0, untracked: moved }
  }

  #compare (members: readonly number[], left: Uint8Array, came: Uint8Array, weights: readonly number[] = this.pool.weights): Moves {
    const { bench, m } = this
    const after = bench.maker.make(this.pool, members, bench.after, weights)
    countMoves(this.before, after, left, came, bench.moves)
    return { moved: bench.moves.moved / m, needed: bench.moves.needed / m }
  }
}

/**
 * Between tables of different size: both are prime, so (hash mod M, hash mod M') runs through all pairs evenly and a flow has backends a
 * and b with probability share(a) * share'(b).
 * @param from backends with that number or a higher one came
 */
export function resized (counts: Int32Array, m: number, countsAfter: Int32Array, mAfter: number, from: number): Effect {
  let stays = 0
  let needed = 0
  countsAfter.forEach((count, number) => {
    if (number >= from) needed += count / mAfter
    else stays += (counts[number] ?? 0) / m * (count / mAfter)
  })
  const moved = 1 - stays
  return { moved, needed, broken: 0, untracked: moved }
}

const noNumbers = (pool: BackendPool): Uint8Array => new Uint8Array(pool.size)
