// What trials say about a mean: the mean, how far off it may be, and the largest seen.

import { formatShare } from './words.ts'

export interface Estimate {
  readonly mean: number
  /** ends of the 95 % confidence interval of the mean */
  readonly low: number
  readonly high: number
  readonly max: number
  /** sample standard deviation of the trials */
  readonly deviation: number
  readonly trials: number
  /** the trials are all there could be: the mean is exact, there is no interval */
  readonly complete: boolean
}

/** of the normal distribution, both sides */
const z95 = 1.959963984540054

/**
 * Student's t interval: mean -+ t(n - 1) s / sqrt(n). Where the trials are different members of a finite population, drawn without putting
 * back, the error shrinks by sqrt((P - n) / (P - 1)) (Cochran, Sampling Techniques, 2.6) and is none when all were tried.
 * One trial of many says nothing about its error: its interval is the whole range that is possible.
 * @param range what values can be, which the interval does not leave
 */
export function estimateOf (values: readonly number[], { population = Infinity, range = [0, 1] }: EstimateOptions = {}): Estimate {
  const { mean, deviation } = meanAndDeviation(values)
  const trials = values.length
  const max = values.reduce((most, value) => Math.max(most, value), -Infinity)
  const about = { max, deviation, trials, complete: trials >= population }
  if (about.complete) return { mean, low: mean, high: mean, ...about }
  if (trials < 2) return { mean, low: range[0], high: range[1], ...about }
  const finite = population === Infinity ? 1 : Math.sqrt((population - trials) / (population - 1))
  const error = studentT95(trials - 1) * deviation / Math.sqrt(trials) * finite
  return { mean, low: Math.max(range[0], mean - error), high: Math.min(range[1], mean + error), ...about }
}

/** Of shares: `2.60 % (95 %: 2.41 % to 2.70 %)`; no interval where every one was tried, `2.60 % (all 10 tried)`, or all are alike. */
export function intervalText ({ mean, low, high, trials, complete }: Pick<Estimate, 'mean' | 'low' | 'high' | 'trials' | 'complete'>): string {
  if (complete) return `${formatShare(mean)} (all ${trials} tried)`
  if (low === high) return formatShare(mean)
  return `${formatShare(mean)} (95 %: ${formatShare(low)} to ${formatShare(high)})`
}

export interface EstimateOptions {
  /** how many different trials there could be */
  readonly population?: number
  readonly range?: readonly [number, number]
}

/** sample standard deviation; 0 for a single value */
function meanAndDeviation (values: readonly number[]): { readonly mean: number, readonly deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, deviation: values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1)) }
}

/** @returns t such that 95 % of Student's distribution lie between -t and t: exact for 1 and 2, else Abramowitz and Stegun 26.7.5 */
export function studentT95 (degreesOfFreedom: number): number {
  if (degreesOfFreedom === 1) return Math.tan(Math.PI * 0.475)
  if (degreesOfFreedom === 2) return 0.95 * Math.sqrt(2 / (1 - 0.95 ** 2))
  const z = z95
  const terms = [
    (z ** 3 + z) / 4,
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96,
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384,
    (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92160
  ]
  return terms.reduce((t, term, index) => t + term / degreesOfFreedom ** (index + 1), z)
}
