// How even a load is over backends.

/** of loads in relation to what each backend should have: 1 is just its share */
export interface Evenness {
  /** the most and the least loaded backend over the mean */
  readonly maxOverMean: number
  readonly minOverMean: number
  /** standard deviation over the mean */
  readonly coefficientOfVariation: number
  /** (sum of x)^2 / (n * sum of x^2), by R. Jain: 1 when all have the same, 1/n when one has all */
  readonly jainIndex: number
}

/** something for each of the measures */
export function eachMeasure<T> (of: (measure: keyof Evenness) => T): Record<keyof Evenness, T> {
  return {
    maxOverMean: of('maxOverMean'),
    minOverMean: of('minOverMean'),
    coefficientOfVariation: of('coefficientOfVariation'),
    jainIndex: of('jainIndex')
  }
}

/**
 * @param counts slots or flows of each backend, not all 0
 * @param wanted share of each, summing up to 1
 */
export function evennessOf (counts: ArrayLike<number>, wanted: readonly number[]): Evenness {
  const loads = wanted.map((share, index) => (counts[index] as number) / share)
  const sum = loads.reduce((total, load) => total + load, 0)
  const squares = loads.reduce((total, load) => total + load * load, 0)
  const mean = sum / loads.length
  const variance = loads.reduce((total, load) => total + (load - mean) ** 2, 0) / loads.length
  return {
    maxOverMean: loads.reduce((most, load) => Math.max(most, load), 0) / mean,
    minOverMean: loads.reduce((least, load) => Math.min(least, load), Infinity) / mean,
    coefficientOfVariation: Math.sqrt(variance) / mean,
    jainIndex: sum * sum / (loads.length * squares)
  }
}

/** by how much the backend that is furthest from its share is off */
export const imbalanceOf = ({ maxOverMean, minOverMean }: Evenness): number => Math.max(maxOverMean - 1, 1 - minOverMean)
