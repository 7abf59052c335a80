// Tables of one size from backends of a pool, one after the other in arrays that are used again; and what differs between two of them.

import { TableFiller, weightedTurns, weightsCount } from '../../maglev/index.ts'
import type { BackendPool } from './pool.ts'

/** slots: number of the backend in its pool */
export type Slots = Int32Array

export class TableMaker {
  readonly m: number
  readonly #filler: TableFiller
  readonly #order: Int32Array

  constructor (m: number) {
    this.m = m
    this.#filler = new TableFiller(m)
    this.#order = new Int32Array(m)
  }

  /**
   * @param members numbers in the pool, in the order of keys
   * @param into filled; without members untouched
   * @param weights by number
   * @returns the slots; null where there is nobody to choose from: Cilium then has no table
   */
  make (pool: BackendPool, members: readonly number[], into: Slots, weights: readonly number[] = pool.weights): Slots | null {
    const count = members.length
    if (count === 0) return null
    const { offset, skip } = pool.permutations(this.m)
    this.#filler.reserve(count)
    for (let index = 0; index < count; index++) {
      const number = members[index] as number
      this.#filler.set(index, offset[number] as number, skip[number] as number, number)
    }
    this.#filler.fill(into, count, this.#turns(members, weights))
    return into
  }

  #turns (members: readonly number[], weights: readonly number[]): Int32Array | null {
    const first = weights[members[0] as number]
    if (members.every((number) => weights[number] === first)) return null
    const own = members.map((number) => weights[number] as number)
    if (!weightsCount(own)) return null
    weightedTurns(own, own.length, this.#order)
    return this.#order
  }
}

export interface Moves {
  /** slots whose backend is another one afterwards */
  moved: number
  /** of these the ones whose backend left, or whose next backend came */
  needed: number
}

/**
 * Compares two tables of one size.
 * @param left, came by number of backend: 1 for those that are only in the table before, or only in the one after
 */
export function countMoves (before: Slots | null, after: Slots | null, left: Uint8Array, came: Uint8Array, into: Moves): void {
  into.moved = into.needed = 0
  if (before === null || after === null) {
    // no table serves nobody: its end takes every flow from a backend that left, its beginning gives every flow to one that came
    if (before !== after) into.moved = into.needed = (before ?? after as Slots).length
    return
  }
  let moved = 0
  let needed = 0
  for (let slot = 0; slot < before.length; slot++) {
    const owner = before[slot] as number
    const next = after[slot] as number
    if (owner === next) continue
    moved++
    needed += (left[owner] as number) | (came[next] as number)
  }
  into.moved = moved
  into.needed = needed
}

/** @returns slots of each backend of the pool; without a table none */
export function slotCounts (slots: Slots | null, poolSize: number): Int32Array {
  const counts = new Int32Array(poolSize)
  if (slots === null) return counts
  for (let slot = 0; slot < slots.length; slot++) {
    const number = slots[slot] as number
    counts[number] = (counts[number] as number) + 1
  }
  return counts
}

/** @returns share of flows that each member should have, in the order of members: even where Cilium ignores the weights */
export function wantedShares (members: readonly number[], weights: readonly number[]): number[] {
  const own = members.map((number) => weights[number] as number)
  const total = own.reduce((sum, weight) => sum + weight, 0)
  return own.map((weight) => weightsCount(own) ? weight / total : 1 / own.length)
}
