// The disruption report as something to read: what one backend that leaves, a restart and another M move, by size of service. Nodes whose
// tables are equal are spoken of together.

import { alike } from '../alike.ts'
import type { Alike } from '../alike.ts'
import type { Chart, ReportDocument, Section, Series } from '../document.ts'
import { intervalText } from '../estimate.ts'
import type { Estimate } from '../estimate.ts'
import { mainRows, sizeChart } from '../size-chart.ts'
import type { Cell, Column, Table } from '../table.ts'
import { column, counted, formatShare, NO_TABLE, subjectText } from '../words.ts'
import type { DisruptionReport, DisruptionRow, NodeDisruption } from './report.ts'
import { changesTable, records, restartsTable, resizedText, summaryTable } from './present-tables.ts'
import type { RuleOfThumbRow } from './rule-of-thumb.ts'

type Group = Alike<NodeDisruption>

export function presentDisruption (report: DisruptionReport): ReportDocument {
  const groups = alike(report.nodes, ({ rows }) => rows).filter(({ node }) => node.rows.length > 0)
  return {
    title: `Disruption of ${subjectText(report.subject)}`,
    headline: headline(groups),
    findings: [...worst(groups), ...restarts(groups), ...resizes(groups), ruleFinding(report.ruleOfThumb)],
    sections: [
      {
        title: 'What a change moves',
        text: 'Shares of the flows to a service by its number of backends N: what moves without need when one leaves, how often a rolling restart changes the pick of a flow, what another M moves.',
        charts: [collateralChart(report)],
        tables: [...groups.map(summaryTable), ...groups.flatMap(changesTable)]
      },
      ...restartSection(groups),
      ruleSection(report.ruleOfThumb)
    ],
    notes: report.notes,
    records: records(report)
  }
}

const rowsOf = ({ node }: Group, change: DisruptionRow['change']): DisruptionRow[] => node.rows.filter((row) => row.change === change)

/** over the services, of which a row stands for as many as it has frontends */
function meanOver (rows: readonly DisruptionRow[], of: (row: DisruptionRow) => number): number {
  const frontends = rows.reduce((sum, row) => sum + row.frontends, 0)
  return rows.reduce((sum, row) => sum + of(row) * row.frontends, 0) / frontends
}

const largest = (rows: readonly DisruptionRow[], of: (row: DisruptionRow) => number): DisruptionRow | undefined =>
  rows.toSorted((a, b) => of(b) - of(a))[0]

const collateralOf = ({ collateral }: DisruptionRow): number => collateral.mean
const movedOf = ({ moved }: DisruptionRow): number => moved.mean

/** The mean over the services, then the size that fares worst. */
function headline (groups: readonly Group[]): string {
  const [first] = groups
  if (first === undefined) return NO_TABLE
  const leaving = groups.flatMap((group) => {
    const rows = rowsOf(group, 'remove')
    const most = largest(rows, collateralOf)
    return most === undefined ? [] : [{ group, mean: formatShare(meanOver(rows, collateralOf)), most }]
  })
  if (leaving.length === 0) return otherHeadline(first)
  const parts = leaving.map(({ group, mean, most }, index) =>
    `${mean}${index === 0 ? ' of the new flows of a service move without need on average' : ''} on ${group.names}` +
    (most.collateral.mean === 0 ? '' : ` (${formatShare(most.collateral.mean)} with ${counted(most.backends, 'backend')} and M = ${most.m}, the worst size)`))
  return `When one backend leaves, ${parts.join('; ')}; established flows of the backends that stay keep them.`
}

function otherHeadline ({ names, node: { rows: [row] } }: Group): string {
  if (row === undefined) return NO_TABLE
  const moved = row.change === 'rolling-restart' ? `changes the pick of a flow ${row.moved.mean.toFixed(2)} times` : `moves ${formatShare(row.moved.mean)} of the new flows`
  return `On ${names} the change "${row.change} ${row.detail}" ${moved} of a service of ${row.backends}` +
    (row.change === 'rolling-restart' ? ', where once would do.' : `, ${formatShare(row.collateral.mean)} without need.`)
}

function worst (groups: readonly Group[]): string[] {
  const parts = groups.flatMap((group) => {
    const most = largest(rowsOf(group, 'remove'), collateralOf)
    return most === undefined || most.collateral.mean === 0 ? [] : [`${group.names}, ${counted(most.backends, 'backend')}, M = ${most.m}: ${certainty(most.collateral)}`]
  })
  return parts.length === 0 ? [] : [`Moved without need when one leaves, where it is most: ${parts.join('; ')}.`]
}

/** The mean, how well it is known, and the most that was seen. */
function certainty (estimate: Estimate): string {
  const { mean, max, trials, complete } = estimate
  if (trials < 2 && !complete) return `${formatShare(mean)} in one trial`
  return `${intervalText(estimate)}, ${formatShare(max)} in the worst${complete ? '' : ` of ${trials} trials`}`
}

function restarts (groups: readonly Group[]): string[] {
  const parts = groups.flatMap((group) => {
    const rows = rowsOf(group, 'rolling-restart')
    const most = largest(rows, movedOf)
    if (most === undefined) return []
    const worst = rows.length === 1 ? '' : ` (most with ${counted(most.backends, 'backend')}: ${most.moved.mean.toFixed(2)})`
    return [`${meanOver(rows, movedOf).toFixed(2)} times on ${group.names}${worst}`]
  })
  const detail = groups.flatMap((group) => rowsOf(group, 'rolling-restart'))[0]?.detail ?? ''
  return parts.length === 0
    ? []
    : [`A rolling restart (${detail}) changes the pick of a flow ${parts.join(', ')}, where once would do; every established flow loses its backend once.`]
}

function resizes (groups: readonly Group[]): string[] {
  const parts = groups.flatMap((group) => {
    const rows = rowsOf(group, 'table-size')
    const [most, least] = [largest(rows, movedOf), largest(rows, (row) => -row.moved.mean)]
    if (most === undefined || least === undefined) return []
    const grown = 'perService' in group.node.tableSizePolicy
    const text = (row: DisruptionRow): string =>
      `${formatShare(row.moved.mean)} of a service ${grown ? '' : `of ${row.backends} `}(${resizedText(row)})`
    return [`${group.names} ${most === least ? '' : `${text(least)} to `}${text(most)}`]
  })
  return parts.length === 0 ? [] : [`Another M moves most new flows (M before and after): on ${parts.join('; on ')}.`]
}

function ruleFinding (rows: readonly RuleOfThumbRow[]): string {
  const imbalance = Math.max(...rows.map((row) => row.imbalance))
  const collateral = rows.map((row) => row.collateral.mean)
  const worst = rows.reduce((most, row) => row.collateral.mean > most.collateral.mean ? row : most)
  return `"M at least 100 N means at most 1 %" is about balance: at N = M / 100 no backend has more than ${formatShare(imbalance)} above its share of slots. ` +
    `When one leaves, ${formatShare(Math.min(...collateral))} to ${formatShare(Math.max(...collateral))} of all flows move without need, most at M = ${worst.m}.`
}

const collateralChart = ({ nodes }: DisruptionReport): Chart => sizeChart(nodes, {
  id: 'collateral-by-size',
  title: 'Moved without need when one backend leaves',
  description: 'Share of the flows to a service that move between backends that stay, over the number of its backends, a line for each node.',
  y: { label: 'flows moved without need', unit: 'share', scale: 'linear' }
}, (node) => mainRows(node).filter(({ change }) => change === 'remove').map(({ backends, m, collateral, moved }) => ({
  x: backends,
  y: collateral.mean,
  low: collateral.low,
  high: collateral.high,
  note: `N = ${backends}, M = ${m}: ${intervalText(collateral)} of ${formatShare(moved.mean)} moved, ${counted(collateral.trials, 'trial')}`
})))

/** Services that most frontends have; of several sizes the smallest. */
function usual (group: Group): DisruptionRow | undefined {
  return rowsOf(group, 'rolling-restart').reduce<DisruptionRow | undefined>((most, row) => most === undefined || row.frontends > most.frontends ? row : most, undefined)
}

/** The restart of the service size that most have, step by step. */
function restartSection (groups: readonly Group[]): Section[] {
  const shown = groups.flatMap((group) => {
    const row = usual(group)
    return row === undefined ? [] : [{ group, row, steps: row.steps ?? [] }]
  })
  const [first] = shown
  if (first === undefined) return []
  const cumulative = (of: 'moved' | 'movedOnce' | 'broken', name: string, { row, steps }: typeof first): Series =>
    ({ name, points: [{ x: 0, y: 0 }, ...steps.map((step) => ({ x: (step.left + step.came) / (2 * row.backends), y: step[of] }))] })
  return [{
    title: 'Rolling restart',
    text: `All backends of a service of ${first.row.backends} are replaced (${first.row.detail}): what has moved when so many have left and come.`,
    charts: [{
      id: 'rolling-restart',
      title: 'Flows moved during a rolling restart',
      description: 'Changes of a flow\'s pick so far, flows moved at least once, and established flows whose backend has left, each per flow, over the progress of the restart.',
      form: 'lines',
      x: { label: 'backends replaced', unit: 'share', scale: 'linear' },
      y: { label: 'times per flow', unit: null, scale: 'linear' },
      series: [
        ...shown.map((one) => cumulative('moved', `changes of pick on ${one.group.names}`, one)),
        cumulative('movedOnce', 'moved at least once', first),
        cumulative('broken', 'established flows broken', first)
      ]
    }],
    tables: [
      ...groups.map(restartsTable),
      ...shown.map(({ group, row, steps }): Table => ({
        title: `${group.names}: step by step, a service of ${row.backends}, M = ${row.m}, ${row.detail}; means of ${counted(row.moved.trials, 'trial')}`,
        columns: [column('left', 'left'), column('came', 'came'), column('moved', 'changes of pick per flow'),
          column('movedOnce', 'moved once or more', 'percent'), column('broken', 'established broken', 'percent')],
        rows: steps.map((step) => [step.left, step.came, step.moved, step.movedOnce, step.broken]),
        folded: true
      }))
    ]
  }]
}

const ruleColumns: readonly Column[] = [
  column('m', 'M', 'plain'), column('collateral', 'moved without need', 'percent'), column('imbalance', 'most above mean', 'percent'), column('backends', 'N'),
  column('collateralLow', 'from', 'percent'), column('collateralHigh', 'to', 'percent'), column('trials', 'trials')
]

function ruleSection (rows: readonly RuleOfThumbRow[]): Section {
  return {
    title: 'The rule of 100 slots per backend',
    text: 'At N = M / 100: by how much the backend with most slots exceeds its share, and what moves without need when one leaves.',
    charts: [{
      id: 'rule-of-thumb',
      title: 'Imbalance and moves at 100 slots per backend',
      description: 'For each of the ten table sizes with a hundredth as many backends: the largest imbalance, at most 1 %, beside the share of flows moved without need.',
      form: 'bars',
      x: { label: 'M', unit: null, scale: 'category' },
      y: { label: 'share', unit: 'share', scale: 'linear' },
      series: [
        { name: 'slots above the mean, most', points: rows.map(({ m, backends, imbalance }) => ({ x: String(m), y: imbalance, note: `N = ${backends}: ${formatShare(imbalance)}` })) },
        {
          name: 'flows moved without need',
          points: rows.map(({ m, backends, collateral }) => ({
            x: String(m), y: collateral.mean, low: collateral.low, high: collateral.high, note: `N = ${backends}: ${intervalText(collateral)}`
          }))
        }
      ]
    }],
    tables: [{
      title: '100 slots per backend',
      columns: ruleColumns,
      rows: rows.map(({ m, backends, imbalance, collateral }): Cell[] =>
        [m, collateral.mean, imbalance, backends, collateral.low, collateral.high, collateral.trials]),
      folded: true
    }]
  }
}
