// Choosing among n things with given weights in constant time: Walker's alias table, built as Vose does. Zipf weights for
// the skew that services have in practice: a few take most of the flows.

import type { Random } from './random.ts'

export function zipfWeights (count: number, exponent: number): number[] {
  return Array.from({ length: count }, (_, index) => (index + 1) ** -exponent)
}

export interface WeightedChoice {
  /** draws two numbers. @returns an index into the weights */
  pick (random: Random): number
}

/** @param weights at least one; none negative, at least one positive */
export function createWeightedChoice (weights: readonly number[]): WeightedChoice {
  const count = weights.length
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const share = weights.map((weight) => weight * count / total)
  const threshold = new Float64Array(count).fill(1)
  const alias = Uint32Array.from({ length: count }, (_, index) => index)
  const small: number[] = []
  const large: number[] = []
  share.forEach((value, index) => (value < 1 ? small : large).push(index))
  while (small.length > 0 && large.length > 0) {
    const poor = small.pop() as number
    const rich = large.pop() as number
    threshold[poor] = share[poor] as number
    alias[poor] = rich
    share[rich] = (share[rich] as number) + (share[poor] as number) - 1
    if ((share[rich] as number) < 1) small.push(rich)
    else large.push(rich)
  }
  return {
    pick (random) {
      const index = random.below(count)
      return random.u32() / 0x100000000 < (threshold[index] as number) ? index : alias[index] as number
    }
  }
}
