// Settings that could be chosen: what Cilium can be told today, and what it could be told if it were patched. Each is judged by really
// building its tables for every service size and by the writes of the slowest restart.

import { BPF_F_NO_PREALLOC } from '../../bpf/map/index.ts'
import { memlockBytes } from '../../bpf/map/memory.ts'
import { chooseTableSize, supportedTableSizes } from '../../maglev/index.ts'
import type { TableSizePolicy } from '../../maglev/index.ts'
import type { NodeSettings, TableLayout, TableWrites } from '../../loadbalancer/index.ts'
import { FLAT_ELEMENT_BYTES, sharedTableSize } from '../../loadbalancer/index.ts'
import type { AgentEvent, Assumptions, RcuWait } from '../convergence/costs.ts'
import { convergenceFigures, innerMapShape, profileNamed } from '../convergence/costs.ts'
import type { Population } from '../disruption/population.ts'
import type { Qualities } from './quality.ts'

type AdviceList = 'today' | 'patch'

/** frontends with a table that have N backends */
export interface SizeClass {
  readonly family: 4 | 6
  readonly backends: number
  readonly frontends: number
}

/** a service on its way to another number of backends has no family here: either will do */
export interface Size {
  readonly family?: 4 | 6
  readonly backends: number
}

export interface Candidate {
  readonly list: AdviceList
  readonly algorithm: 'maglev'
  readonly layout: TableLayout
  /** M of all tables, of those of N backends, the smallest within the limits, or what there is */
  readonly tableSize: TableSizePolicy | 'measured' | 'current'
}

export interface Figures {
  /** all load-balancer maps of the node */
  readonly memlockBytes: number
  /** of them tables and outer maps */
  readonly maglevBytes: number
  /** of the size that fares worst on average: share of all flows that move between backends that stay, when one leaves */
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
  /** M by the number of backends, smallest first */
  readonly sizes: ReadonlyArray<{ readonly backends: number, readonly m: number }>
  /** new flows that the change of M itself moves once, of all frontends */
  readonly movedByChange: number
  /** by how much each limit is exceeded, as a share of the limit: 0.2 is 20 % over; for a limit of 0 the figure itself */
  readonly exceeds: Limits
}

const fixedSizes = (list: AdviceList, layout: TableLayout): Candidate[] =>
  supportedTableSizes.map((m) => ({ list, algorithm: 'maglev', layout, tableSize: { fixed: m } }))

const perService = [10, 25, 50, 100, 200, 400, 1000]

/**
 * Cilium's algorithm without tables: no match for the others, since nodes do not agree on a pick and no flow is found again without its
 * conntrack entry. So it is told apart and never advised.
 */
export interface WithoutTables extends Omit<Figures, 'imbalance'> {
  readonly algorithm: 'random'
  /** picks are drawn: how even they are depends on how many flows there are */
  readonly imbalance: null
  /** of the size that fares worst: flows without a conntrack entry that another node, or a later packet, sends elsewhere: (N - 1) / N */
  readonly movedShare: number
  /** new flows that going to it moves, of all frontends */
  readonly movedByChange: number
  readonly rcuWait: RcuWait
  readonly exceeds: Limits
}

export const candidates: readonly Candidate[] = [
  ...fixedSizes('today', 'blob'),
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
  /** services whose tables stand for those of a size: its own where sizes are few */
  readonly servicesOf: (size: Size) => Population
  /** M of the tables that there are; null where there is none */
  readonly currentSize: (backends: number) => number | null
  readonly assumptions: Assumptions
  readonly limits: Limits
}

/** waits in the order of what they ask for: nothing; a parameter of the kernel; a patch of the agent */
const waitsOf: Readonly<Record<AdviceList, readonly RcuWait[]>> = { today: ['each', 'expedited'], patch: ['each', 'expedited', 'batched'] }

export function judge (candidate: Candidate, situation: Situation): Judged {
  const { limits, sizes, qualities, servicesOf, currentSize } = situation
  const written = (group: TableWrites): TableWrites =>
    candidate.tableSize === 'current' ? group : { ...group, m: sizeFor(candidate, group, situation) }
  const seconds = restartSeconds(candidate.layout, written, situation)
  const rcuWait = waitWithin(waitsOf[candidate.list], seconds, limits)
  const maglevBytes = tablesBytes(candidate, situation)
  const found = sizes.map((size) => qualities.of(sizeFor(candidate, size, situation), servicesOf(size)))
  const figures: Figures = {
    memlockBytes: situation.otherBytes + maglevBytes,
    maglevBytes,
    collateralShare: Math.max(0, ...found.map(({ collateralShare }) => collateralShare)),
    imbalance: Math.max(0, ...found.map(({ imbalance }) => imbalance)),
    convergenceSeconds: seconds[rcuWait]
  }
  const moved = (size: SizeClass): number =>
    qualities.movedBy(currentSize(size.backends) ?? 0, sizeFor(candidate, size, situation), servicesOf(size))
  const bySize = new Map(sizes.map((size) => [size.backends, sizeFor(candidate, size, situation)]))
  return {
    ...candidate,
    ...figures,
    rcuWait,
    sizes: [...bySize].map(([backends, m]) => ({ backends, m })).sort((one, other) => one.backends - other.backends),
    movedByChange: meanOf(sizes, moved),
    exceeds: excess(figures, limits)
  }
}

/** With random one in N flows finds its backend again, whether all stay or one leaves, when 1/N had to move. */
export function judgeRandom (situation: Situation): WithoutTables {
  const { limits, sizes, otherBytes } = situation
  const seconds = restartSeconds('blob', () => null, situation)
  const rcuWait = waitWithin(waitsOf.today, seconds, limits)
  const most = Math.max(1, ...sizes.map(({ backends }) => backends))
  const figures = {
    memlockBytes: otherBytes,
    maglevBytes: 0,
    collateralShare: Math.max(0, (most - 2) / most),
    imbalance: null,
    convergenceSeconds: seconds[rcuWait]
  }
  return {
    algorithm: 'random',
    ...figures,
    movedShare: (most - 1) / most,
    movedByChange: meanOf(sizes, ({ backends }) => (backends - 1) / backends),
    rcuWait,
    exceeds: excess(figures, limits)
  }
}

/** The plainest wait that keeps to the limit, or else the quickest. */
const waitWithin = (waits: readonly RcuWait[], seconds: Record<RcuWait, number>, { maxConvergenceSeconds = Infinity }: Limits): RcuWait =>
  waits.find((wait) => seconds[wait] <= maxConvergenceSeconds) ?? waits.reduce((best, wait) => seconds[wait] < seconds[best] ? wait : best)

/** over all frontends */
function meanOf (sizes: readonly SizeClass[], of: (size: SizeClass) => number): number {
  const all = sizes.reduce((sum, { frontends }) => sum + frontends, 0)
  return all === 0 ? 0 : sizes.reduce((sum, size) => sum + of(size) * size.frontends, 0) / all
}

export function excess (figures: Readonly<Record<keyof Figures, number | null>>, limits: Limits): Limits {
  return Object.fromEntries(limitNames.flatMap((name) => {
    const limit = limits[name]
    const figure = figures[limitedBy[name]]
    return limit === undefined || figure === null || figure <= limit ? [] : [[name, limit === 0 ? figure : figure / limit - 1] as const]
  }))
}

/** Within all limits first, then least bytes, then least collateral; of those outside the one that is least over. */
export function rank (judged: readonly Judged[]): Judged[] {
  const over = ({ exceeds }: Judged): number => Object.values(exceeds).reduce((sum, share) => sum + share, 0)
  return judged.toSorted((a, b) => over(a) - over(b) || a.memlockBytes - b.memlockBytes || a.collateralShare - b.collateralShare)
}

/** M of a table of N backends. `measured`: the smallest that keeps collateral and imbalance within their limits, else the largest */
function sizeFor ({ tableSize }: Candidate, size: Size, situation: Situation): number {
  const { backends } = size
  if (tableSize === 'current') return situation.currentSize(backends) ?? chooseTableSize(situation.settings.tableSizePolicy, null, backends).m
  if (tableSize !== 'measured') return chooseTableSize(tableSize, null, backends).m
  const { qualities, servicesOf, limits: { maxCollateralShare = Infinity, maxImbalance = Infinity } } = situation
  return supportedTableSizes.find((m) => {
    const { collateralShare, imbalance } = qualities.of(m, servicesOf(size))
    return m >= backends && collateralShare <= maxCollateralShare && imbalance <= maxImbalance
  }) ?? (supportedTableSizes.at(-1) as number)
}

function tablesBytes (candidate: Candidate, situation: Situation): number {
  const { settings, sizes } = situation
  const profile = profileNamed(settings.kernel)
  const tables = sizes.reduce((sum, size) => {
    const shape = innerMapShape({ ...settings, layout: candidate.layout }, sizeFor(candidate, size, situation), size.backends)
    return sum + size.frontends * (shape === null ? 0 : memlockBytes(profile, shape))
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
    type: 'hash_of_maps', keySize: 2, valueSize: 4, maxEntries: mapSizes.maglev, flags: preallocateMaps ? 0 : BPF_F_NO_PREALLOC, possibleCpus, elements
  })
}

/** @param written the table that is written in the place of one of today's; null: none */
function restartSeconds (
  layout: TableLayout, written: (group: TableWrites) => TableWrites | null, { restart, settings, assumptions }: Situation
): Record<RcuWait, number> {
  const all = (tables: readonly TableWrites[]): TableWrites[] => tables.flatMap((group) => written(group) ?? [])
  const events = restart.map(({ counts, times }): AgentEvent =>
    ({ times, counts: { ...counts, tables: all(counts.tables), tablesRemoved: all(counts.tablesRemoved) } }))
  const { waiting } = convergenceFigures(events, { ...settings, layout }, assumptions)
  return { each: waiting.each.seconds, batched: waiting.batched.seconds, expedited: waiting.expedited.seconds }
}
