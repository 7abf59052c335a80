// Chi-square: does what was counted agree with what was expected? Series and continued fraction of the regularised
// incomplete gamma function as in Abramowitz and Stegun 6.5.29 and 6.5.31.

export interface ChiSquare {
  readonly statistic: number
  readonly degreesOfFreedom: number
  /** chance of a statistic at least this large when the expectation is true */
  readonly pValue: number
  /** cells left out because fewer than five were expected there */
  readonly pooledCells: number
}

/** Lanczos approximation (g = 7, 9 terms), good to 1e-13 for x > 0. */
function logGamma (x: number): number {
  const coefficients = [0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
    12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7]
  const sum = coefficients.reduce((total, coefficient, index) => total + (index === 0 ? coefficient : coefficient / (x - 1 + index)), 0)
  const t = x + 6.5
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum)
}

function lowerGammaSeries (a: number, x: number): number {
  let term = 1 / a
  let sum = term
  for (let n = 1; n < 10_000 && term > sum * 1e-15; n++) {
    term *= x / (a + n)
    sum += term
  }
  return sum * Math.exp(-x + a * Math.log(x) - logGamma(a))
}

function upperGammaFraction (a: number, x: number): number {
  const tiny = 1e-300
  let b = x + 1 - a
  let c = 1 / tiny
  let d = 1 / b
  let fraction = d
  for (let n = 1; n < 10_000; n++) {
    const an = -n * (n - a)
    b += 2
    d = 1 / nonZero(an * d + b, tiny)
    c = nonZero(b + an / c, tiny)
    fraction *= d * c
    if (Math.abs(d * c - 1) < 1e-15) break
  }
  return fraction * Math.exp(-x + a * Math.log(x) - logGamma(a))
}

const nonZero = (value: number, tiny: number): number => Math.abs(value) < tiny ? tiny : value

/** @returns the chance that a chi-square variable of that many degrees of freedom is at least `statistic` */
export function chiSquareTail (statistic: number, degreesOfFreedom: number): number {
  if (statistic <= 0 || degreesOfFreedom <= 0) return 1
  const a = degreesOfFreedom / 2
  const x = statistic / 2
  return x < a + 1 ? 1 - lowerGammaSeries(a, x) : upperGammaFraction(a, x)
}

/**
 * Goodness of fit of counts to weights; cells with fewer than five expected are pooled into one, as the test asks for.
 * @returns null when fewer than two cells are left
 */
export function chiSquareOfCounts (observed: readonly number[], weights: readonly number[]): ChiSquare | null {
  const total = observed.reduce((sum, count) => sum + count, 0)
  const totalWeight = weights.reduce((sum, weight) => sum + weight, 0)
  if (total === 0 || totalWeight === 0) return null
  const pool = { observed: 0, expected: 0, cells: 0 }
  let statistic = 0
  let cells = 0
  for (const [index, count] of observed.entries()) {
    const expected = total * (weights[index] ?? 0) / totalWeight
    if (expected >= 5) {
      statistic += (count - expected) ** 2 / expected
      cells++
    } else {
      pool.observed += count
      pool.expected += expected
      pool.cells++
    }
  }
  if (pool.expected > 0) {
    statistic += (pool.observed - pool.expected) ** 2 / pool.expected
    cells++
  } else if (pool.observed > 0) return { statistic: Infinity, degreesOfFreedom: cells, pValue: 0, pooledCells: pool.cells }
  if (cells < 2) return null
  return { statistic, degreesOfFreedom: cells - 1, pValue: chiSquareTail(statistic, cells - 1), pooledCells: pool.cells }
}
