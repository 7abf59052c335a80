// From counted writes to seconds. Nothing is timed here: every unit cost is an assumption that the report prints, with where it comes
// from, and that whoever asks can replace by a figure of their own machine.

import { allocatedBytes } from '../../bpf/map/memory.ts'
import type { MapShape } from '../../bpf/map/memory.ts'
import { findProfile } from '../../bpf/profile/index.ts'
import type { KernelProfile } from '../../bpf/profile/index.ts'
import { entryMaps, FLAT_ELEMENT_BYTES, innerAttributes, sumWrites } from '../../loadbalancer/index.ts'
import type { NodeSettings, TableWrites, WriteCounts } from '../../loadbalancer/index.ts'

/**
 * How the grace period after an update of an outer map is waited for: `each` after every single update, as Cilium does; `batched` once for
 * every batch update; `expedited` after every single one, but with the fast kind of wait.
 */
export const rcuWaits = ['each', 'batched', 'expedited'] as const
export type RcuWait = typeof rcuWaits[number]

export interface Assumptions {
  /** the kind of wait that sentences and order go by; rows have all three */
  readonly rcuWait: RcuWait
  readonly rcuWaitMs: number
  readonly expeditedWaitMs: number
  /** outer updates in one batch update */
  readonly batch: number
  /** building a table */
  readonly fillNsPerSlot: number
  /** creation of an inner map */
  readonly mapCreateUs: number
  /** one system call that writes */
  readonly mapUpdateUs: number
  /** each element of an array that is filled by a batch update */
  readonly elementNs: number
  /** each byte copied into an array */
  readonly byteNs: number
}

export const defaultAssumptions: Assumptions = {
  rcuWait: 'each',
  rcuWaitMs: 13,
  expeditedWaitMs: 0.088,
  batch: 256,
  fillNsPerSlot: 31,
  mapCreateUs: 30,
  mapUpdateUs: 4,
  elementNs: 55,
  byteNs: 1
}

/** where the defaults come from */
export const assumptionSources: Readonly<Record<Exclude<keyof Assumptions, 'rcuWait'>, string>> = {
  rcuWaitMs: 'one update of an outer map took 12 to 14 ms on Linux 6.18: synchronize_rcu() runs before the system call returns',
  expeditedWaitMs: 'a kernel change of late 2025 (ff34657aa72a, in neither profile) says 88 us per call; rcupdate.rcu_expedited=1 does the same to every wait of a kernel of today: 0.2 ms per update were measured so on Linux 6.18',
  batch: 'a batch update of an outer map waits once; how many updates an agent would put into one is its own choice',
  fillNsPerSlot: 'the fill of this program takes 0.51 ms at M = 16381 and 100 backends; Cilium published 8.56 ms at M = 16381, 523 ns per slot, which precomputes all permutations',
  mapCreateUs: 'creation of an inner array of 64 to 128 KiB took 26 to 52 us on Linux 6.18',
  mapUpdateUs: 'an update of a hash map took 4 us on Linux 6.18',
  elementNs: 'batch updates of 8191 and of 16381 array elements took 60 and 61 ns per element on Linux 6.18, copying included',
  byteNs: 'an update of one array element of 64 KiB took 78 us on Linux 6.18'
}

/** A change of the desired state that the agent works off as one, and how often one like it comes. */
export interface AgentEvent {
  readonly counts: WriteCounts
  readonly times: number
}

export interface Waiting {
  /** grace periods waited for */
  readonly waits: number
  readonly waitSeconds: number
  /** building, writing and waiting */
  readonly seconds: number
  /** inner maps that exist beside those they replace, at most at a time; bytes as the allocator takes them */
  readonly peakExtraBytes: number
}

export interface ConvergenceFigures {
  readonly events: number
  /** tables built and written */
  readonly tables: number
  readonly slots: number
  /** elements of arrays as they lie in memory, keys and values of entries */
  readonly bytesWritten: number
  /** updates and deletes of the services, backends and revNAT maps */
  readonly entryWrites: number
  /** inner maps created; 0 in layout flat */
  readonly innerMaps: number
  readonly outerUpdates: number
  readonly outerDeletes: number
  readonly buildSeconds: number
  readonly writeSeconds: number
  readonly waiting: Readonly<Record<RcuWait, Waiting>>
}

/** what the bytes of a table depend on */
export type TableSettings = Pick<NodeSettings, 'layout' | 'kernel' | 'possibleCpus' | 'spectreMasking'>

/** Events are worked off one after the other, each with all its tables: that is how a single agent thread does it. */
export function convergenceFigures (events: readonly AgentEvent[], settings: TableSettings, assumptions: Assumptions): ConvergenceFigures {
  const all = sumWrites(events)
  const flat = settings.layout === 'flat'
  const written = all.tables.map((group) => ({ ...group, ...tableWrite(settings, group) }))
  const zeroed = flat ? all.tablesRemoved.map((group) => ({ ...group, ...tableWrite(settings, group) })) : []
  const tables = count(all.tables)
  const [outerUpdates, outerDeletes] = flat ? [0, 0] : [tables, count(all.tablesRemoved)]
  const innerMaps = flat ? 0 : tables
  const entryWrites = entryMaps.reduce((sum, map) => sum + all.updates[map] + all.deletes[map], 0)
  const elements = total([...written, ...zeroed], (group) => group.elements)
  const tableBytes = total([...written, ...zeroed], (group) => group.bytes)
  const slots = total(all.tables, (group) => group.m)
  const calls = entryWrites + tables + count(zeroed) + outerUpdates + outerDeletes
  const buildSeconds = slots * assumptions.fillNsPerSlot / 1e9
  const writeSeconds = (calls * assumptions.mapUpdateUs + innerMaps * assumptions.mapCreateUs) / 1e6 +
    (elements * assumptions.elementNs + tableBytes * assumptions.byteNs) / 1e9
  const working = buildSeconds + writeSeconds
  const waiting = (waits: number, waitMs: number, atOnce: number): Waiting => {
    const waitSeconds = waits * waitMs / 1e3
    return { waits, waitSeconds, seconds: working + waitSeconds, peakExtraBytes: flat ? 0 : largestTogether(events, settings, atOnce) }
  }
  const singles = outerUpdates + outerDeletes
  return {
    events: events.reduce((sum, { times }) => sum + times, 0),
    tables,
    slots,
    bytesWritten: tableBytes + all.entryBytes,
    entryWrites,
    innerMaps,
    outerUpdates,
    outerDeletes,
    buildSeconds,
    writeSeconds,
    waiting: {
      each: waiting(singles, assumptions.rcuWaitMs, 1),
      batched: waiting(flat ? 0 : batches(events, assumptions.batch), assumptions.rcuWaitMs, assumptions.batch),
      expedited: waiting(singles, assumptions.expeditedWaitMs, 1)
    }
  }
}

interface TableWrite {
  readonly elements: number
  /** as they lie in the array's memory */
  readonly bytes: number
  /** of the inner map as a whole */
  readonly allocatedBytes: number
}

function tableWrite (settings: TableSettings, { m, backends }: Pick<TableWrites, 'm' | 'backends'>): TableWrite {
  const shape = innerMapShape(settings, m, backends)
  if (shape === null) return { elements: m, bytes: m * FLAT_ELEMENT_BYTES, allocatedBytes: 0 }
  return {
    elements: shape.maxEntries,
    bytes: shape.maxEntries * Math.ceil(shape.valueSize / 8) * 8,
    allocatedBytes: allocatedBytes(profileNamed(settings.kernel), shape)
  }
}

/** @returns the inner map of a table; null in layout flat, which has none */
export function innerMapShape ({ layout, possibleCpus, spectreMasking }: TableSettings, m: number, backends: number): MapShape | null {
  if (layout === 'flat') return null
  return { type: 'array', possibleCpus, bypassSpecV1: !spectreMasking, ...innerAttributes(layout, m, Math.min(backends, m)) }
}

export function profileNamed (name: string): KernelProfile {
  const profile = findProfile(name)
  if (profile === undefined) throw new TypeError(`there is no kernel ${name}`)
  return profile
}

/** Batches end with their event: the agent does not wait for the next one before it makes a change live. */
function batches (events: readonly AgentEvent[], batch: number): number {
  return events.reduce((sum, { counts, times }) =>
    sum + (Math.ceil(count(counts.tables) / batch) + Math.ceil(count(counts.tablesRemoved) / batch)) * times, 0)
}

/** @returns bytes of the largest inner maps that are made before the first of those they replace goes */
function largestTogether (events: readonly AgentEvent[], settings: TableSettings, atOnce: number): number {
  return events.reduce((most, { counts }) => {
    let left = atOnce
    const bySize = counts.tables.map((group) => ({ ...group, ...tableWrite(settings, group) }))
      .sort((a, b) => b.allocatedBytes - a.allocatedBytes)
    const bytes = bySize.reduce((sum, group) => {
      const taken = Math.min(left, group.tables)
      left -= taken
      return sum + taken * group.allocatedBytes
    }, 0)
    return Math.max(most, bytes)
  }, 0)
}

const count = (groups: readonly TableWrites[]): number => groups.reduce((sum, { tables }) => sum + tables, 0)

const total = <G extends TableWrites>(groups: readonly G[], of: (group: G) => number): number =>
  groups.reduce((sum, group) => sum + of(group) * group.tables, 0)
