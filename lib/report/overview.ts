// The nodes of several reports beside each other: what each costs in bytes, in flows moved, in work per packet. Every figure is one of a
// report; nothing is computed here but the smallest and largest of its rows.

import type { ConvergenceReport } from './convergence/report.ts'
import type { DisruptionReport } from './disruption/report.ts'
import type { LookupCostReport } from './lookup-cost/report.ts'
import { tableBytes } from './memory/present.ts'
import type { MemoryReport } from './memory/report.ts'
import type { Cell, Table } from './table.ts'
import { column, formatBytes, formatSeconds, formatShare } from './words.ts'

/** Reports on the same nodes and the same subject. */
export interface OverviewReports {
  readonly memory: MemoryReport
  readonly disruption: DisruptionReport
  readonly 'lookup-cost': LookupCostReport
  readonly convergence: ConvergenceReport
}

/** One row for each node. */
export function overviewTable (reports: OverviewReports): Table {
  return {
    title: 'Nodes beside each other',
    columns: [
      column('node', 'node'), column('layout', 'layout'), column('m', 'M', 'plain'), column('tables', 'Maglev tables'),
      column('memlock', 'with outer maps'), column('allocated', 'allocated'),
      column('moved', 'flows moved'), column('collateral', 'without need'), column('instructions', 'instructions'),
      column('ns', 'ns per packet, one flow'), column('mixNs', 'ns per lookup, all services'), column('convergence', 'restart live after')
    ],
    rows: reports.memory.nodes.map((memory): Cell[] => {
      const { node, layout, maglev, rows } = memory
      return [
        node, layout, range(rows.map(({ m }) => m)), formatBytes(tableBytes(memory)),
        formatBytes(maglev.memlockBytes), formatBytes(maglev.allocatedBytes),
        ...moved(reports.disruption, node), ...work(reports['lookup-cost'], node), restart(reports.convergence, node)
      ]
    })
  }
}

function moved ({ nodes }: DisruptionReport, name: string): [string | null, string | null] {
  const leaving = rowsOf(nodes, name).filter(({ change }) => change === 'remove')
  return [range(leaving.map((row) => row.moved.mean), formatShare), range(leaving.map((row) => row.collateral.mean), formatShare)]
}

/**
 * Instructions, and times where a benchmark was quoted, the kernel's where it measured them: of whole packets with one flow over and over,
 * and of the way from hash to backend id with all services of the benchmark's mix.
 */
function work ({ nodes }: LookupCostReport, name: string): [string | null, string | null, string | null] {
  const rows = rowsOf(nodes, name)
  const times = rows.flatMap(({ ns }) => ns ?? [])
  const kernel = times.flatMap((ns) => ns.kernel ?? [])
  const interpreter = range(times.map((ns) => ns.interpreter))
  const many = nodes.find(({ node }) => node === name)?.lookupNs?.mixNs ?? null
  return [
    range(rows.flatMap(({ instructionsMin, instructionsMax }) => [instructionsMin, instructionsMax])),
    range(kernel) ?? (interpreter === null ? null : `${interpreter} (interpreter)`),
    many === null ? null : String(many)
  ]
}

/** Of rolling restarts of the subject's own services. */
function restart ({ nodes, assumptions: { rcuWait } }: ConvergenceReport, name: string): string | null {
  const own = rowsOf(nodes, name).filter(({ subject, change, tables }) => subject !== 'example' && change === 'rolling restart' && tables > 0)
  return range(own.map(({ waiting }) => waiting[rcuWait].seconds), formatSeconds)
}

const rowsOf = <Row> (nodes: ReadonlyArray<{ readonly node: string, readonly rows: readonly Row[] }>, name: string): readonly Row[] =>
  nodes.find(({ node }) => node === name)?.rows ?? []

/** `258`, `258 to 314`; null of nothing */
function range (values: readonly number[], format: (value: number) => string = String): string | null {
  if (values.length === 0) return null
  const [least, most] = [format(Math.min(...values)), format(Math.max(...values))]
  return least === most ? least : `${least} to ${most}`
}
