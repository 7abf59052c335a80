// The Maglev fill, bit for bit as Cilium's: backends take turns, each takes the next slot of its own permutation that is still free.
// Permutations are stepped, never stored: 8*M*N bytes and most of the time are saved (M=16381, N=1000: about 0.5 ms instead of 57).

import { murmur3x64128, remainder64 } from './murmur3.ts'

export interface Permutation {
  readonly offset: number
  /** 1 .. M-1; position j of the permutation is (offset + j * skip) mod M, which visits every slot because M is prime */
  readonly skip: number
}

const freeSlot = -1

export function permutationOf (key: string, murmurSeed: number, m: number): Permutation {
  const hash = murmur3x64128(key, murmurSeed)
  return { offset: remainder64(hash.h1High, hash.h1Low, m), skip: remainder64(hash.h2High, hash.h2Low, m - 1) + 1 }
}

/** @returns for each of `m` slots the index of its permutation; `m` must be prime and there must be at least one permutation */
export function fillEvenly (m: number, permutations: readonly Permutation[]): Int32Array<ArrayBuffer> {
  const filler = createFiller(m, permutations)
  const count = permutations.length
  for (let turn = 0, index = 0; turn < m; turn++) {
    filler.takeNext(index)
    index = index + 1 === count ? 0 : index + 1
  }
  return filler.slots
}

/**
 * Weighted turns: every backend has a float counter; in turn n the search for whose turn it is starts at n mod N and passes over those
 * whose counter is ahead of (n + 1) * weight. Products stay below 2^53, doubles are what Cilium computes with too.
 */
export function fillWeighted (m: number, permutations: readonly Permutation[], weights: readonly number[]): Int32Array<ArrayBuffer> {
  const filler = createFiller(m, permutations)
  const count = permutations.length
  const weight = Float64Array.from(weights)
  const total = weight.reduce((sum, value) => sum + value, 0)
  const counter = weight.map(value => value / count)
  for (let turn = 0; turn < m; turn++) {
    let index = turn % count
    while ((turn + 1) * (weight[index] ?? 0) < Math.trunc(counter[index] ?? 0)) index = (index + 1) % count
    counter[index] = (counter[index] ?? 0) + total
    filler.takeNext(index)
  }
  return filler.slots
}

/** Weights that average below 2 (integer quotient) are ignored without a word; equal ones give the even table. */
export function weightsCount (weights: readonly number[]): boolean {
  return weights.length > 0 && Math.trunc(weights.reduce((sum, weight) => sum + weight, 0) / weights.length) > 1
}

interface Filler {
  readonly slots: Int32Array<ArrayBuffer>
  takeNext (index: number): void
}

function createFiller (m: number, permutations: readonly Permutation[]): Filler {
  const slots = new Int32Array(m).fill(freeSlot)
  const position = Int32Array.from(permutations, permutation => permutation.offset)
  const skip = Int32Array.from(permutations, permutation => permutation.skip)
  return {
    slots,
    takeNext (index) {
      const step = skip[index] ?? 1
      let at = position[index] ?? 0
      while (slots[at] !== freeSlot) {
        at += step
        if (at >= m) at -= m
      }
      slots[at] = index
      at += step
      position[index] = at >= m ? at - m : at
    }
  }
}
