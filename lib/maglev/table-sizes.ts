// The ten table sizes that Cilium accepts, all prime, and the policies that choose one per table.

export const supportedTableSizes = [251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521, 131071] as const

export const defaultTableSize = 16381

export const largestTableSize = 131071

/** most backends a policy may plan slots for; a bound on arithmetic, far above what Cilium's maps hold */
export const maximumPerBackend = 100_000

export type TableSizePolicy =
  { readonly fixed: number } |
  { readonly perService: { readonly perBackend: number } }

export interface TableSizeChoice {
  readonly m: number
  /** M of the table before, when it differs: the change moves flows */
  readonly grownFrom: number | null
  /** more slots wanted than the largest table has */
  readonly capped: boolean
}

export function isSupportedTableSize (m: number): boolean {
  return (supportedTableSizes as readonly number[]).includes(m)
}

/** the fill of any prime works; a composite one would leave slots that no permutation reaches */
export function isPrime (m: number): boolean {
  if (!Number.isSafeInteger(m) || m < 2) return false
  for (let divisor = 2; divisor * divisor <= m; divisor++) if (m % divisor === 0) return false
  return true
}

/** @returns the smallest supported size with at least `slots` slots, else the largest */
export function smallestTableSize (slots: number): number {
  return supportedTableSizes.find(m => m >= slots) ?? largestTableSize
}

/**
 * @param current M of the frontend's table, or null before its first one. A size is kept while the frontend exists, also through N = 0:
 *   with the naive rule "smallest that fits" going from 10 to 11 backends would move 91 % of the flows.
 * @param backends N, the backends in the table
 */
export function chooseTableSize (policy: TableSizePolicy, current: number | null, backends: number): TableSizeChoice {
  if ('fixed' in policy) return { m: policy.fixed, grownFrom: null, capped: false }
  const wanted = policy.perService.perBackend * backends
  const capped = wanted > largestTableSize
  if (current === null) return { m: smallestTableSize(wanted), grownFrom: null, capped }
  const grows = 2 * current < wanted && current < largestTableSize
  return grows ? { m: smallestTableSize(wanted), grownFrom: current, capped } : { m: current, grownFrom: null, capped }
}
