// The same services elsewhere: what Katran, Envoy and an algorithm without tables would hold for them. Computed from what is published of
// each; the disruption is that of Cilium's fill at their table size, since the shares depend on M and N and hardly on the hash.

import { memlockBytes } from '../../bpf/map/memory.ts'
import type { Leaving } from '../disruption/leaving.ts'
import { profileOf } from './map-bytes.ts'
import type { NodeKernel } from './map-bytes.ts'
import type { MemoryRow } from './rows.ts'

type AlternativeName = 'katran' | 'envoy' | 'random'

export interface Alternative {
  readonly name: AlternativeName
  /** what holds the tables, in words */
  readonly holds: string
  readonly formula: string
  /** of all tables of the subject: memlock in katran's case, memory of the process in envoy's */
  readonly tableBytes: number
  readonly from: 'computed'
  /** false: more services than it has places for */
  readonly fits: boolean
  /** where the fill of their tables is ours */
  readonly disruptionFrom: string
  /** the sizes that most frontends have, at most ELSEWHERE_ROWS of them: a table that large takes its time to fill */
  readonly rows: readonly AlternativeRow[]
}

interface AlternativeRow {
  readonly family: 4 | 6
  readonly backends: number
  readonly frontends: number
  /** 0: no table */
  readonly m: number
  /** of one service; katran's ring is there for all its services from the start */
  readonly tableBytes: number
  /** null where there is no table */
  readonly disruption: Leaving | null
  /** when one backend leaves, of flows that no conntrack entry knows: with a table `disruption`'s, else computed; null without backends */
  readonly movedShare: number | null
  readonly collateralShare: number | null
  /** share of these flows that go to another backend although all stay: on another node, or later; 0 with a table */
  readonly flowsMovedWithoutConntrack: number
}

/** table size of Katran and, unless set otherwise, of Envoy */
export const OTHERS_TABLE_SIZE = 65_537
const KATRAN_VIPS = 512
const ELSEWHERE_ROWS = 8

/** of rows or classes, those with the most frontends, in the order they had */
export function commonest<T extends { readonly backends: number }> (sizes: readonly T[], frontendsOf: (size: T) => number): T[] {
  const kept = new Set([...sizes].sort((one, other) => frontendsOf(other) - frontendsOf(one)).slice(0, ELSEWHERE_ROWS))
  return sizes.filter((size) => kept.has(size))
}

type DisruptionOf = (row: MemoryRow) => Leaving | null

export function alternatives (node: NodeKernel, rows: readonly MemoryRow[], disruptionOf: DisruptionOf): Alternative[] {
  const shown = commonest(rows, (row) => row.frontends)
  return [katran(node, rows, shown, disruptionOf), envoy(rows, shown, disruptionOf), random(shown)]
}

const fill = `computed by Cilium's fill at M = ${OTHERS_TABLE_SIZE}`

const katran = (node: NodeKernel, rows: readonly MemoryRow[], shown: readonly MemoryRow[], disruptionOf: DisruptionOf): Alternative => ({
  name: 'katran',
  holds: `one array for ${KATRAN_VIPS} services, whether there are any or not`,
  formula: `array of ${KATRAN_VIPS} x ${OTHERS_TABLE_SIZE} elements of 8 bytes`,
  tableBytes: katranRingBytes(node),
  from: 'computed',
  fits: rows.reduce((sum, row) => sum + row.frontends, 0) <= KATRAN_VIPS,
  disruptionFrom: fill,
  rows: shown.map((row) => tableRow(row, OTHERS_TABLE_SIZE * 8, disruptionOf(row)))
})

const envoy = (rows: readonly MemoryRow[], shown: readonly MemoryRow[], disruptionOf: DisruptionOf): Alternative => ({
  name: 'envoy',
  holds: 'a compact table for each cluster in each process: an index per slot, a list of hosts',
  formula: `${OTHERS_TABLE_SIZE} x ceil(log2 N) bits in whole 8 KiB + 16 N + 600, within 0.2 % of the published sizes`,
  tableBytes: rows.reduce((sum, row) => sum + envoyTableBytes(row.backends) * row.frontends, 0),
  from: 'computed',
  fits: true,
  disruptionFrom: fill,
  rows: shown.map((row) => tableRow(row, envoyTableBytes(row.backends), disruptionOf(row)))
})

const random = (shown: readonly MemoryRow[]): Alternative => ({
  name: 'random',
  holds: 'no tables: a new flow takes one of the service\'s slots at random',
  formula: '0',
  tableBytes: 0,
  from: 'computed',
  fits: true,
  disruptionFrom: 'a flow keeps its backend while its conntrack entry lives; on another node, or without the entry, it is drawn anew: 1 - 1/N',
  rows: shown.map(randomRow)
})

const tableRow = ({ family, backends, frontends }: MemoryRow, tableBytes: number, disruption: Leaving | null): AlternativeRow => ({
  family,
  backends,
  frontends,
  m: OTHERS_TABLE_SIZE,
  tableBytes,
  disruption,
  movedShare: disruption?.movedShare ?? null,
  collateralShare: disruption?.collateralShare ?? null,
  flowsMovedWithoutConntrack: 0
})

/** The pick is drawn anew: one in N flows finds its backend again, whether all stay or one leaves, and 1/N had to move. */
function randomRow ({ family, backends, frontends }: MemoryRow): AlternativeRow {
  const movedShare = backends === 0 ? 0 : 1 - 1 / backends
  return {
    family,
    backends,
    frontends,
    m: 0,
    tableBytes: 0,
    disruption: null,
    movedShare: backends === 1 ? 1 : movedShare,
    collateralShare: Math.max(0, movedShare - 1 / backends),
    flowsMovedWithoutConntrack: movedShare
  }
}

/** ch_rings: always as large */
function katranRingBytes (node: NodeKernel): number {
  return memlockBytes(profileOf(node), {
    type: 'array', keySize: 4, valueSize: 4, maxEntries: KATRAN_VIPS * OTHERS_TABLE_SIZE, flags: 0, possibleCpus: node.possibleCpus
  })
}

/** bytes of the object itself and what its allocations are rounded up by, fitted to the three published sizes */
const ENVOY_OBJECT_BYTES = 600
const ENVOY_HOST_BYTES = 16
const ALLOCATOR_PAGE_BYTES = 8192

/** Envoy's compact table at its default size. @param hosts at least 1 */
export function envoyTableBytes (hosts: number): number {
  const bits = Math.max(1, Math.ceil(Math.log2(Math.max(1, hosts))))
  const indexPages = Math.ceil(OTHERS_TABLE_SIZE * bits / 8 / ALLOCATOR_PAGE_BYTES)
  return indexPages * ALLOCATOR_PAGE_BYTES + ENVOY_HOST_BYTES * hosts + ENVOY_OBJECT_BYTES
}
