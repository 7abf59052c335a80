// Settings that could be chosen: what Cilium can be told today, and what it could be told if it were patched. Each is judged by really
// building its tables for every service size and by the writes of the slowest restart.

import { memlockBytes } from '../../bpf/map/memory.ts'
import { chooseTableSize, supportedTableSizes } from '../../maglev/index.ts'
import type { TableSizePolicy } from '../../maglev/index.ts'
import type { NodeSettings, TableLayout, TableWrites } from '../../loadbalancer/index.ts'
import { FLAT_ELEMENT_BYTES, sharedTableSize } from '../../loadbalancer/index.ts'
import type { AgentEvent, Assumptions, RcuWait } from '../convergence/costs.ts'
import { convergenceFigures, innerMapShape, profileNamed } from '../convergence/costs.ts'
import type { Qualities, Quality } from './quality.ts'

export type AdviceList = 'today' | 'patch'

/** frontends with a table that have N backends */
export interface SizeClass {
  readonly family: 4 | 6
  readonly backends: number
  readonly frontends: number
}

export interface Candidate {
  readonly list: AdviceList
  readonly algorithm: 'maglev' | 'random'
  readonly layout: TableLayout
  /** M of all tables, of those of N backends, the smallest within the limits, or what there is; null for random */
  readonly tableSize: TableSizePolicy | 'measured' | 'current' | null
}

export interface Figures {
  /** all load-balancer maps of the node */
  readonly memlockBytes: number
  /** of them tables and outer maps */
  readonly maglevBytes: number
  /** of the size that fares worst: share of all flows that move between backends that stay, when one leaves */
  readonly collateralShare: number
  /** of the size that fares worst: by how much the backend furthest from its share is off */
  readonly imbalance: number
  /** until the slowest restart of these services is live */
  readonly convergenceSeconds: number
}

/** the figures that a limit can be set for, and the options that set it */
export const limitedBy = {
  maxBytesPerNode: 'memlockBytes', maxCollateralShare: 'collateralShare', maxImbalance: 'imbalance', maxConvergenceSeconds: 'convergenceSeconds'
} as const satisfies Record<string, keyof Figures>
export type LimitName = keyof typeof limitedBy
export const limitNames = Object.keys(limitedBy) as readonly LimitName[]
export type Limits = Readonly<Partial<Record<LimitName, number>>>

export interface Judged extends Candidate, Figures {
  /** how grace periods are waited for: the plainest way that keeps to the limit, or else the quickest */
  readonly rcuWait: RcuWait
  /** M by the number of backends, smallest first; empty for random */
  readonly sizes: ReadonlyArray<{ readonly backends: number, readonly m: number }>
  /** new flows that the change of M itself moves once, of all frontends; null for random, which keeps none */
  readonly movedByChange: number | null
  /** by how much each limit is exceeded, as a share of the limit: 0.2 is 20 % over; for a limit of 0 the figure itself */
  readonly exceeds: Limits
}

const fixedSizes = (list: AdviceList, layout: TableLayout): Candidate[] =>
  supportedTableSizes.map((m) => ({ list, algorithm: 'maglev', layout, tableSize: { fixed: m } }))

const perService = [10, 25, 50, 100, 200, 400, 1000]

export const candidates: readonly Candidate[] = [
  ...fixedSizes('today', 'blob'),
  { list: 'today', algorithm: 'random', layout: 'blob', tableSize: null },
  ...fixedSizes('patch', 'compact'),
  ...perService.map((perBackend): Candidate =>
    ({ list: 'patch', algorithm: 'maglev', layout: 'packed', tableSize: { perService: { perBackend } } })),
  { list: 'patch', algorithm: 'maglev', layout: 'packed', tableSize: 'measured' }
]

export interface Situation {
  readonly settings: NodeSettings
  readonly sizes: readonly SizeClass[]
  /** memlock of the maps that no candidate changes */
  readonly otherBytes: number
  /** of the slowest restart */
  readonly restart: readonly AgentEvent[]
  readonly qualities: Qualities
  /** N whose tables stand for those of N: all of them where they are few */
  readonly standIn: (backends: number) => number
  /** M of the tables that there are; null where there is none */
  readonly currentSize: (backends: number) => number | null
  readonly assumptions: Assumptions
  readonly limits: Limits
}

/** waits in the order of what they ask for: nothing; a parameter of the kernel; a patch of the agent */
const waitsOf: Readonly<Record<AdviceList, readonly RcuWait[]>> = { today: ['each', 'expedited'], patch: ['each', 'expedited', 'batched'] }

export function judge (candidate: Candidate, situation: Situation): Judged {
  const { limits, sizes, qualities, standIn, currentSize } = situation
  const seconds = restartSeconds(candidate, situation)
  const waits = waitsOf[candidate.list]
  const rcuWait = waits.find((wait) => seconds[wait] <= (limits.maxConvergenceSeconds ?? Infinity)) ??
    waits.reduce((best, wait) => seconds[wait] < seconds[best] ? wait : best)
  const maglevBytes = candidate.algorithm === 'random' ? 0 : tablesBytes(candidate, situation)
  const figures: Figures = {
    memlockBytes: situation.otherBytes + maglevBytes,
    maglevBytes,
    collateralShare: Math.max(0, ...sizes.map(({ backends }) => qualityOf(candidate, backends, situation).collateralShare)),
    imbalance: Math.max(0, ...sizes.map(({ backends }) => qualityOf(candidate, backends, situation).imbalance)),
    convergenceSeconds: seconds[rcuWait]
  }
  const all = sizes.reduce((sum, { frontends }) => sum + frontends, 0)
  const moved = (backends: number, frontends: number): number =>
    qualities.movedBy(currentSize(backends) ?? 0, sizeFor(candidate, backends, situation), standIn(backends)) * frontends
  const distinct = [...new Set(sizes.map(({ backends }) => backends))].sort((a, b) => a - b)
  return {
    ...candidate,
    ...figures,
    rcuWait,
    sizes: candidate.algorithm === 'random' ? [] : distinct.map((backends) => ({ backends, m: sizeFor(candidate, backends, situation) })),
    movedByChange: candidate.algorithm === 'random'
      ? null
      : all === 0 ? 0 : sizes.reduce((sum, { backends, frontends }) => sum + moved(backends, frontends), 0) / all,
    exceeds: excess(figures, limits)
  }
}

export function excess (figures: Figures, limits: Limits): Limits {
  return Object.fromEntries(limitNames.flatMap((name) => {
    const limit = limits[name]
    const figure = figures[limitedBy[name]]
    return limit === undefined || figure <= limit ? [] : [[name, limit === 0 ? figure : figure / limit - 1] as const]
  }))
}

/** Within all limits first, then least bytes, then least collateral; of those outside the one that is least over. */
export function rank (judged: readonly Judged[]): Judged[] {
  const over = ({ exceeds }: Judged): number => Object.values(exceeds).reduce((sum, share) => sum + share, 0)
  return judged.toSorted((a, b) => over(a) - over(b) || a.memlockBytes - b.memlockBytes || a.collateralShare - b.collateralShare)
}

/** M of a table of N backends. `measured`: the smallest that keeps collateral and imbalance within their limits, else the largest */
export function sizeFor (candidate: Candidate, backends: number, situation: Situation): number {
  const { tableSize } = candidate
  if (tableSize === null) return 0
  if (tableSize === 'current') return situation.currentSize(backends) ?? chooseTableSize(situation.settings.tableSizePolicy, null, backends).m
  if (tableSize !== 'measured') return chooseTableSize(tableSize, null, backends).m
  const { qualities, standIn, limits: { maxCollateralShare = Infinity, maxImbalance = Infinity } } = situation
  return supportedTableSizes.find((m) => {
    const { collateralShare, imbalance } = qualities.of(m, standIn(backends))
    return m >= backends && collateralShare <= maxCollateralShare && imbalance <= maxImbalance
  }) ?? (supportedTableSizes.at(-1) as number)
}

/** With random a new flow goes to any of the N - 1 that stay; one in N - 1 of those that were there already finds its own again. */
function qualityOf (
  candidate: Candidate, backends: number, situation: Situation
): Pick<Quality, 'collateralShare' | 'imbalance'> {
  if (candidate.algorithm === 'random') return { collateralShare: backends < 2 ? 0 : (backends - 2) / backends, imbalance: 0 }
  return situation.qualities.of(sizeFor(candidate, backends, situation), situation.standIn(backends))
}

function tablesBytes (candidate: Candidate, situation: Situation): number {
  const { settings, sizes } = situation
  const profile = profileNamed(settings.kernel)
  const tables = sizes.reduce((sum, { backends, frontends }) => {
    const shape = innerMapShape({ ...settings, layout: candidate.layout }, sizeFor(candidate, backends, situation), backends)
    return sum + frontends * (shape === null ? 0 : memlockBytes(profile, shape))
  }, 0)
  return tables + ([4, 6] as const).reduce((sum, family) => sum + outerBytes(candidate, situation, family), 0)
}

function outerBytes ({ layout }: Candidate, { settings, sizes }: Situation, family: 4 | 6): number {
  const { mapSizes, possibleCpus, preallocateMaps } = settings
  const profile = profileNamed(settings.kernel)
  if (layout === 'flat') {
    return memlockBytes(profile, {
      type: 'array',
      keySize: 4,
      valueSize: FLAT_ELEMENT_BYTES / 2,
      maxEntries: mapSizes.maglev * sharedTableSize(settings),
      flags: 0,
      possibleCpus,
      bypassSpecV1: !settings.spectreMasking
    })
  }
  const elements = sizes.reduce((sum, size) => size.family === family ? sum + size.frontends : sum, 0)
  return memlockBytes(profile, {
    type: 'hash_of_maps', keySize: 2, valueSize: 4, maxEntries: mapSizes.maglev, flags: preallocateMaps ? 0 : noPrealloc, possibleCpus, elements
  })
}

const noPrealloc = 1

function restartSeconds (candidate: Candidate, situation: Situation): Record<RcuWait, number> {
  const { restart, settings, assumptions } = situation
  const written = (tables: readonly TableWrites[]): TableWrites[] => candidate.algorithm === 'random'
    ? []
    : tables.map((group) => candidate.tableSize === 'current' ? group : { ...group, m: sizeFor(candidate, group.backends, situation) })
  const events = restart.map(({ counts, times }): AgentEvent =>
    ({ times, counts: { ...counts, tables: written(counts.tables), tablesRemoved: written(counts.tablesRemoved) } }))
  const { waiting } = convergenceFigures(events, { ...settings, layout: candidate.layout }, assumptions)
  return { each: waiting.each.seconds, batched: waiting.batched.seconds, expedited: waiting.expedited.seconds }
}
