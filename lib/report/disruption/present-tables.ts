// The tables of the disruption report: one line for each size of service first, every change behind it.

import type { Alike } from '../alike.ts'
import type { ReportDocument } from '../document.ts'
import type { Cell, Column, Table } from '../table.ts'
import { column } from '../words.ts'
import type { DisruptionReport, DisruptionRow, NodeDisruption } from './report.ts'

type Group = Alike<NodeDisruption>

const sizesText = ({ tableSizePolicy: policy }: NodeDisruption): string =>
  'fixed' in policy ? 'one M for all' : `M for ${policy.perService.perBackend} slots per backend`

/** A row for each size of service. */
export function summaryTable ({ names, node }: Group): Table {
  const sizes = [...new Set(node.rows.map(sizeOf))].map((size) => node.rows.filter((row) => sizeOf(row) === size))
  return {
    title: `${names}: ${sizesText(node)}`,
    columns: [
      column('backends', 'N'), column('collateralShare', 'one leaves: without need', 'percent'), column('restartChanges', 'restart: changes per flow'),
      column('resizeShare', 'other M: moved', 'percent'), column('resize', 'M changes'), column('movedShare', 'one leaves: moved', 'percent'),
      column('collateralLow', 'without need from', 'percent'), column('collateralHigh', 'to', 'percent'), column('collateralMax', 'worst trial', 'percent'),
      column('trials', 'trials'), column('m', 'M', 'plain'), column('family', 'IP', 'plain'), column('frontends', 'frontends')
    ],
    rows: sizes.flatMap((rows): Cell[][] => {
      const row = (change: DisruptionRow['change']): DisruptionRow | undefined => rows.find((one) => one.change === change)
      const [leaving, restart, resize, any] = [row('remove'), row('rolling-restart'), row('table-size'), rows[0]]
      if (any === undefined) return []
      const known = leaving?.collateral
      return [[
        any.backends, known?.mean ?? null, restart?.moved.mean ?? null, resize?.moved.mean ?? null,
        resize === undefined ? null : resizedText(resize), leaving?.moved.mean ?? null,
        known?.low ?? null, known?.high ?? null, known?.max ?? null, known?.trials ?? null, any.m, any.family, any.frontends
      ]]
    })
  }
}

const sizeOf = ({ family, backends, m }: DisruptionRow): string => `${family} ${backends} ${m}`

/** What changes M: whoever chose it, or the service that has outgrown it, which is another one than that of the row. */
export function resizedText ({ m, mAfter, detail }: DisruptionRow): string {
  const [, from, to] = /^(\d+) to (\d+):/.exec(detail) ?? []
  return `${to === undefined ? '' : `one grown from ${from} to ${to}: `}${m} to ${mAfter}`
}

const changeColumns: readonly Column[] = [
  column('change', 'change'), column('detail', 'which'), column('movedShare', 'moved', 'percent'), column('collateralShare', 'without need', 'percent'),
  column('neededShare', 'needed', 'percent'), column('collateralLow', 'from', 'percent'), column('collateralHigh', 'to', 'percent'),
  column('collateralMax', 'worst trial', 'percent'), column('establishedBrokenShare', 'tracked broken', 'percent'),
  column('untrackedBrokenShare', 'untracked moved', 'percent'), column('trials', 'trials'), column('backends', 'N'), column('m', 'M', 'plain'),
  column('family', 'IP', 'plain'), column('frontends', 'frontends')
]

const changeCells = (row: DisruptionRow): Cell[] => [
  row.change, row.detail, row.moved.mean, row.collateral.mean, row.needed.mean, row.collateral.low, row.collateral.high, row.collateral.max,
  row.broken.mean, row.untracked.mean, row.moved.trials, row.backends, row.m, row.family, row.frontends
]

/** Every change after which there is one other table. */
export function changesTable ({ names, node }: Group): Table[] {
  const rows = node.rows.filter((row) => row.change !== 'rolling-restart' && !saidElsewhere(row))
  return rows.length === 0
    ? []
    : [{ title: `${names}: every change, by size`, columns: changeColumns, rows: rows.map(changeCells), folded: true }]
}

/** That a drained backend goes moves nothing more, and weight 0 moves what removal does: rows for programs only. */
const saidElsewhere = ({ change, detail }: DisruptionRow): boolean =>
  (change === 'drain' && detail.endsWith('gone then')) || (change === 'weight' && detail.endsWith(' x 0'))

/** Restarts in changes per flow: a share of more than all flows says nothing. */
export function restartsTable ({ names, node }: Group): Table {
  const rows = node.rows.filter(({ change }) => change === 'rolling-restart')
  return {
    title: `${names}: restarts, changes of pick per flow`,
    columns: [
      column('backends', 'N'), column('moved', 'changes'), column('collateral', 'without need'), column('low', 'from'), column('high', 'to'),
      column('max', 'worst trial'), column('detail', 'which'), column('trials', 'trials'), column('m', 'M', 'plain'), column('family', 'IP', 'plain'),
      column('frontends', 'frontends')
    ],
    rows: rows.map(({ backends, moved, collateral, detail, m, family, frontends }) => [
      backends, moved.mean, collateral.mean, collateral.low, collateral.high, collateral.max, detail,
      collateral.trials, m, family, frontends
    ]),
    folded: true
  }
}

/** Every row of every node. */
export function records ({ nodes }: DisruptionReport): ReportDocument['records'] {
  return {
    columns: [column('node', ''), column('layout', ''), ...changeColumns],
    rows: nodes.flatMap((node) => node.rows.map((row): Cell[] => [node.node, node.layout, ...changeCells(row)]))
  }
}
