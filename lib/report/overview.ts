// The nodes of several reports beside each other: what each costs in bytes, in flows moved, in work per packet. Every figure is one of a
// report; nothing is computed here but the smallest and largest of its rows.

import type { DisruptionReport } from './disruption/report.ts'
import type { LookupCostReport } from './lookup-cost/report.ts'
import type { MemoryReport } from './memory/report.ts'
import type { Cell, Table } from './table.ts'
import { column, formatBytes, formatShare } from './words.ts'

/** Reports on the same nodes and the same subject. */
export interface OverviewReports {
  readonly memory: MemoryReport
  readonly disruption: DisruptionReport
  readonly 'lookup-cost': LookupCostReport
}

/** One row for each node. */
export function overviewTable (reports: OverviewReports): Table {
  return {
    title: 'Nodes beside each other',
    columns: [
      column('node', 'node'), column('layout', 'layout'), column('m', 'M', 'plain'), column('memlock', 'Maglev tables'), column('allocated', 'allocated'),
      column('moved', 'flows moved'), column('collateral', 'without need'), column('instructions', 'instructions')
    ],
    rows: reports.memory.nodes.map(({ node, layout, maglev, rows }): Cell[] => [
      node, layout, range(rows.map(({ m }) => m)), formatBytes(maglev.memlockBytes), formatBytes(maglev.allocatedBytes),
      ...moved(reports.disruption, node), instructions(reports['lookup-cost'], node)
    ])
  }
}

function moved ({ nodes }: DisruptionReport, name: string): [string | null, string | null] {
  const leaving = rowsOf(nodes, name).filter(({ change }) => change === 'remove')
  return [range(leaving.map((row) => row.moved.mean), formatShare), range(leaving.map((row) => row.collateral.mean), formatShare)]
}

function instructions ({ nodes }: LookupCostReport, name: string): string | null {
  return range(rowsOf(nodes, name).flatMap(({ instructionsMin, instructionsMax }) => [instructionsMin, instructionsMax]))
}

const rowsOf = <Row> (nodes: ReadonlyArray<{ readonly node: string, readonly rows: readonly Row[] }>, name: string): readonly Row[] =>
  nodes.find(({ node }) => node === name)?.rows ?? []

/** `258`, `258 to 314`; null of nothing */
function range (values: readonly number[], format: (value: number) => string = String): string | null {
  if (values.length === 0) return null
  const [least, most] = [format(Math.min(...values)), format(Math.max(...values))]
  return least === most ? least : `${least} to ${most}`
}
