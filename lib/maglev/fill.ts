// The Maglev fill, bit for bit as Cilium's: backends take turns, each takes the next slot of its own permutation that is still free.
// Permutations are stepped, never stored: 8*M*N bytes and most of the time are saved (M=16381, N=1000: about 0.5 ms instead of 57).

import { murmur3x64128, remainder64 } from './murmur3.ts'
import type { Hash128 } from './murmur3.ts'

export interface Permutation {
  readonly offset: number
  /** 1 .. M-1; position j of the permutation is (offset + j * skip) mod M, which visits every slot because M is prime */
  readonly skip: number
}

/**
 * From here on, where few slots are free, looking through these costs less than stepping to one: 1/2 sqrt(M) was fastest for every M.
 * None where the product of two slots is no exact double.
 */
const fewFreeSlots = (m: number): number => m < 2 ** 26 ? Math.floor(Math.sqrt(m) / 2) : 0

export function permutationOf (key: string, murmurSeed: number, m: number): Permutation {
  return permutationOfHash(murmur3x64128(key, murmurSeed), m)
}

/** One hash serves every M. */
export function permutationOfHash (hash: Hash128, m: number): Permutation {
  return { offset: remainder64(hash.h1High, hash.h1Low, m), skip: remainder64(hash.h2High, hash.h2Low, m - 1) + 1 }
}

/** @returns for each of `m` slots the index of its permutation; `m` must be prime and there must be at least one permutation */
export function fillEvenly (m: number, permutations: readonly Permutation[]): Int32Array<ArrayBuffer> {
  const slots = new Int32Array(m)
  fillWith(slots, permutations, null, null)
  return slots
}

/** The same with weighted turns. */
export function fillWeighted (m: number, permutations: readonly Permutation[], weights: readonly number[]): Int32Array<ArrayBuffer> {
  const slots = new Int32Array(m)
  fillWith(slots, permutations, null, weights)
  return slots
}

/**
 * @param slots M of them, to fill
 * @param owners what the slots of each permutation get; null: its index
 * @param weights null: turns are even
 * @returns how many slots each got: those of its turns
 */
export function fillWith (
  slots: Int32Array, permutations: readonly Permutation[], owners: ArrayLike<number> | null, weights: readonly number[] | null
): Uint32Array {
  const m = slots.length
  const count = permutations.length
  const filler = fillerOf(m)
  filler.reserve(count)
  for (const [index, { offset, skip }] of permutations.entries()) filler.set(index, offset, skip, owners?.[index] ?? index)
  if (weights === null) {
    filler.fill(slots, count, null)
    return Uint32Array.from({ length: count }, (_, index) => Math.floor(m / count) + (index < m % count ? 1 : 0))
  }
  const order = new Int32Array(m)
  weightedTurns(weights, count, order)
  filler.fill(slots, count, order)
  const turns = new Uint32Array(count)
  for (const index of order) turns[index] = (turns[index] as number) + 1
  return turns
}

/**
 * Whose turn it is, for as many turns as `order` has. Every backend has a float counter; in turn n the search starts at n mod N and passes
 * over those whose counter is ahead of (n + 1) * weight. Products stay below 2^53, doubles are what Cilium computes with too.
 */
export function weightedTurns (weights: ArrayLike<number>, count: number, order: Int32Array): void {
  const weight = Float64Array.from({ length: count }, (_, index) => weights[index] ?? 0)
  const total = weight.reduce((sum, value) => sum + value, 0)
  const counter = weight.map(value => value / count)
  for (let turn = 1, first = 0; turn <= order.length; turn++) {
    let index = first
    // turn * weight < trunc(counter), for whole weights
    while ((counter[index] as number) >= turn * (weight[index] as number) + 1) index = index + 1 === count ? 0 : index + 1
    counter[index] = (counter[index] as number) + total
    order[turn - 1] = index
    first = first + 1 === count ? 0 : first + 1
  }
}

/** Weights that average below 2 (integer quotient) are ignored without a word; equal ones give the even table. */
export function weightsCount (weights: readonly number[]): boolean {
  return weights.length > 0 && Math.trunc(weights.reduce((sum, weight) => sum + weight, 0) / weights.length) > 1
}

let lastFiller: TableFiller | undefined

/** Whoever builds many tables mostly builds them of one M: their filler is kept. */
function fillerOf (m: number): TableFiller {
  if (lastFiller?.m !== m) lastFiller = new TableFiller(m)
  return lastFiller
}

/** Fills many tables of one M, without allocating anything for each. */
export class TableFiller {
  /** prime, below 2^30 */
  readonly m: number
  /** where each backend looks next */
  #position = new Int32Array(0)
  #skip = new Int32Array(0)
  #owner = new Int32Array(0)
  /** of the skip mod M, found when it is needed; 0: not yet */
  #inverse = new Float64Array(0)
  readonly #free: Int32Array
  /** 1: taken; a quarter of the slots' bytes, so that it stays in the fastest cache while they are probed */
  readonly #taken: Uint8Array

  constructor (m: number) {
    this.m = m
    this.#free = new Int32Array(fewFreeSlots(m))
    this.#taken = new Uint8Array(m)
  }

  /** Makes room for the permutations 0 .. count-1. */
  reserve (count: number): void {
    if (count <= this.#skip.length) return
    this.#position = new Int32Array(count)
    this.#skip = new Int32Array(count)
    this.#owner = new Int32Array(count)
    this.#inverse = new Float64Array(count)
  }

  /**
   * Before every fill, for every index below its count.
   * @param owner what its slots get
   */
  set (index: number, offset: number, skip: number, owner: number): void {
    this.#position[index] = offset
    this.#skip[index] = skip
    this.#owner[index] = owner
  }

  /**
   * @param slots of length M; each gets the owner of its permutation
   * @param order whose turn it is in each of M turns; null: one after the other
   */
  fill (slots: Int32Array, count: number, order: Int32Array | null): void {
    const { m } = this
    const taken = this.#taken
    const position = this.#position
    const skips = this.#skip
    const owners = this.#owner
    taken.fill(0)
    const stepped = m - this.#free.length
    for (let turn = 0, next = 0; turn < stepped; turn++) {
      const index = order === null ? next : order[turn] as number
      const skip = skips[index] as number
      const at = firstFree(taken, position[index] as number, skip, m)
      taken[at] = 1
      slots[at] = owners[index] as number
      position[index] = stepFrom(at, skip, m)
      next = next + 1 === count ? 0 : next + 1
    }
    this.#fillLast(slots, stepped, count, order)
  }

  /** The last slots, where a backend would step past hundreds of taken ones: which free slot comes first in its permutation is computed. */
  #fillLast (slots: Int32Array, from: number, count: number, order: Int32Array | null): void {
    const { m } = this
    const position = this.#position
    const free = this.#free
    this.#inverse.fill(0, 0, count)
    let left = 0
    for (let slot = this.#taken.indexOf(0); slot !== -1; slot = this.#taken.indexOf(0, slot + 1)) free[left++] = slot
    for (let turn = from, next = from % count; turn < m; turn++) {
      const index = order === null ? next : order[turn] as number
      const skip = this.#skip[index] as number
      const nearest = nearestOf(free, left, position[index] as number, this.#inverseOf(index, skip), m)
      const at = free[nearest] as number
      free[nearest] = free[--left] as number
      slots[at] = this.#owner[index] as number
      position[index] = stepFrom(at, skip, m)
      next = next + 1 === count ? 0 : next + 1
    }
  }

  #inverseOf (index: number, skip: number): number {
    const known = this.#inverse[index] as number
    if (known !== 0) return known
    const inverse = inverseModulo(skip, this.m)
    this.#inverse[index] = inverse
    return inverse
  }
}

/**
 * Slots are looked at in twos, and one of a two is chosen without a branch: which of them is free is what a processor cannot foresee, and
 * neither has to wait for where the other is.
 */
function firstFree (taken: Uint8Array, from: number, skip: number, m: number): number {
  const twice = stepFrom(skip, skip, m)
  for (let at = from; ; at = stepFrom(at, twice, m)) {
    const second = stepFrom(at, skip, m)
    const isTaken = taken[at] as number
    if ((isTaken & (taken[second] as number)) === 0) return at ^ ((at ^ second) & -isTaken)
  }
}

/** (at + skip) mod m without a branch, which would be mispredicted every other time */
function stepFrom (at: number, skip: number, m: number): number {
  const next = at + skip - m
  return next + (m & (next >> 31))
}

/** @returns which of the free slots takes the fewest steps from `position`: (slot - position) / skip mod m */
function nearestOf (free: Int32Array, count: number, position: number, inverse: number, m: number): number {
  let nearest = 0
  let fewest = m
  for (let candidate = 0; candidate < count; candidate++) {
    const distance = stepFrom(free[candidate] as number, m - position, m)
    const product = distance * inverse
    const steps = product - Math.floor(product / m) * m
    if (steps < fewest) {
      fewest = steps
      nearest = candidate
    }
  }
  return nearest
}

/** @returns x with value * x mod m = 1 (extended Euclid); m is prime */
function inverseModulo (value: number, m: number): number {
  let [coefficient, nextCoefficient] = [0, 1]
  let [rest, nextRest] = [m, value]
  while (nextRest !== 0) {
    const quotient = Math.floor(rest / nextRest)
    ;[coefficient, nextCoefficient] = [nextCoefficient, coefficient - quotient * nextCoefficient]
    ;[rest, nextRest] = [nextRest, rest - quotient * nextRest]
  }
  return coefficient < 0 ? coefficient + m : coefficient
}
