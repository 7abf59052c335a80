// The nodes of several reports beside each other: what each costs in bytes, in flows moved, in work per packet. Every figure is one of a
// report; nothing is computed here but the largest or smallest of its rows.

import type { LookupCostReport, NodeLookupCost } from './lookup-cost/report.ts'
import type { MemoryReport, NodeMemory } from './memory/report.ts'
import type { Cell, Table } from './table.ts'
import { column, formatBytes, formatShare } from './words.ts'

/** Reports on the same nodes and the same subject. */
export interface OverviewReports {
  readonly memory: MemoryReport
  readonly lookupCost: LookupCostReport
}

/** One row for each node. */
export function overviewTable ({ memory, lookupCost }: OverviewReports): Table {
  return {
    title: 'Nodes beside each other',
    columns: [
      column('node', 'node'), column('layout', 'layout'), column('m', 'M', 'plain'), column('memlock', 'Maglev tables'), column('allocated', 'allocated'),
      column('collateral', 'flows moved without need'), column('instructions', 'instructions')
    ],
    rows: memory.nodes.map((node): Cell[] => [
      node.node, node.layout, sizes(node), formatBytes(node.maglev.memlockBytes), formatBytes(allocatedBytes(node)),
      collateral(node), instructions(lookupCost.nodes.find((one) => one.node === node.node))
    ])
  }
}

const allocatedBytes = (node: NodeMemory): number => node.maglev.allocatedBytes

const sizes = ({ rows }: NodeMemory): string => range(rows.map(({ m }) => m)) ?? '-'

function collateral ({ rows }: NodeMemory): string {
  const worst = rows.flatMap(({ disruption }) => disruption === null ? [] : [disruption.collateralShareMax])
  return worst.length === 0 ? '-' : `up to ${formatShare(Math.max(...worst))}`
}

const instructions = (node: NodeLookupCost | undefined): string => range((node?.rows ?? []).flatMap(({ instructionsMin, instructionsMax }) => [instructionsMin, instructionsMax])) ?? '-'

/** `258`, `258 to 314`; null of nothing */
function range (values: readonly number[]): string | null {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  return values.length === 0 ? null : least === most ? String(least) : `${least} to ${most}`
}
