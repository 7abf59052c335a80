// The disruption report as something to read.

import type { Chart, Point, ReportDocument, Section } from '../document.ts'
import type { Estimate } from '../estimate.ts'
import { mainRows, sizeChart } from '../size-chart.ts'
import type { Cell, Column, Table } from '../table.ts'
import { column, formatShare, subjectText } from '../words.ts'
import type { DisruptionReport, DisruptionRow, NodeDisruption } from './report.ts'
import type { RuleOfThumbRow } from './rule-of-thumb.ts'

export function presentDisruption (report: DisruptionReport): ReportDocument {
  return {
    title: `Disruption of ${subjectText(report.subject)}`,
    headline: headline(report),
    findings: [...report.nodes.flatMap(findings), ruleFinding(report.ruleOfThumb)],
    sections: [
      {
        title: 'What a change moves',
        text: 'Shares of all flows to a service, by its number of backends: what moves, what of it no table could have spared, and the rest.',
        charts: [collateralChart(report)],
        tables: report.nodes.map(changesTable)
      },
      ...restartSection(report),
      ruleSection(report.ruleOfThumb)
    ],
    notes: report.notes,
    records: records(report)
  }
}

/** Services that most frontends have; of several sizes the smallest. */
function usual (node: NodeDisruption, change: DisruptionRow['change']): DisruptionRow | undefined {
  const rows = node.rows.filter((row) => row.change === change)
  return rows.reduce<DisruptionRow | undefined>((most, row) => most === undefined || row.frontends > most.frontends ? row : most, undefined)
}

function headline ({ nodes }: DisruptionReport): string {
  const [first, ...others] = nodes
  const row = first === undefined ? undefined : usual(first, 'remove') ?? first.rows[0]
  if (first === undefined || row === undefined) return 'There is no service with a table to report on.'
  if (row.change !== 'remove') {
    return `On ${first.node} the change "${row.change} ${row.detail}" moves ${formatShare(row.moved.mean)} of the new flows of a service of ${row.backends}, ` +
      `${formatShare(row.collateral.mean)} without need.`
  }
  const elsewhere = others.flatMap((node) => {
    const same = node.rows.find(({ change, family, backends }) => change === 'remove' && family === row.family && backends === row.backends)
    return same === undefined ? [] : [`${formatShare(same.collateral.mean)} on ${node.node}`]
  })
  return `One backend that leaves moves ${formatShare(row.moved.mean)} of the new flows of a service of ${row.backends} on ${first.node}, of which ` +
    `${formatShare(row.collateral.mean)} without need${elsewhere.length === 0 ? '' : ` (${elsewhere.join(', ')})`}; ` +
    'established flows of the backends that stay keep them.'
}

function findings (node: NodeDisruption): string[] {
  const leaving = node.rows.filter(({ change }) => change === 'remove')
  const worst = leaving.reduce<DisruptionRow | undefined>((most, row) =>
    row.collateral.mean > (most?.collateral.mean ?? 0) ? row : most, undefined)
  const restart = usual(node, 'rolling-restart')
  const resize = usual(node, 'table-size')
  return [
    ...worst === undefined ? [] : [`${node.node}: worst without need when one leaves is a service of ${worst.backends} (M = ${worst.m}): ${interval(worst.collateral)}.`],
    ...restart === undefined
      ? []
      : [`${node.node}: a rolling restart (${restart.detail}) of a service of ${restart.backends} changes the pick of a flow ` +
        `${restart.moved.mean.toFixed(2)} times, where once would do; every established flow loses its backend once.`],
    ...resize === undefined
      ? []
      : [`${node.node}: another table size (${resize.detail}) moves ${formatShare(resize.moved.mean)} of the new flows of a service of ${resize.backends}, ` +
        `${formatShare(resize.collateral.mean)} without need.`]
  ]
}

function ruleFinding (rows: readonly RuleOfThumbRow[]): string {
  const imbalance = Math.max(...rows.map((row) => row.imbalance))
  const collateral = rows.map((row) => row.collateral.mean)
  const worst = rows.reduce((most, row) => row.collateral.mean > most.collateral.mean ? row : most)
  return `"M at least 100 N means at most 1 %" is about balance: at N = M / 100 no backend has more than ${formatShare(imbalance)} above its share of slots. ` +
    `When one leaves, ${formatShare(Math.min(...collateral))} to ${formatShare(Math.max(...collateral))} of all flows move without need, most at M = ${worst.m}.`
}

const interval = ({ mean, low, high }: Estimate): string => `${formatShare(mean)} (95 %: ${formatShare(low)} to ${formatShare(high)})`

const collateralChart = ({ nodes }: DisruptionReport): Chart => sizeChart(nodes, {
  id: 'collateral-by-size',
  title: 'Moved without need when one backend leaves',
  description: 'Share of the flows to a service that move between backends that stay, over the number of its backends, a line for each node.',
  y: { label: 'flows moved without need', unit: 'share', scale: 'linear' }
}, (node) => mainRows(node).filter(({ change }) => change === 'remove').map(collateralPoint))

function collateralPoint ({ backends, m, collateral, moved }: DisruptionRow): Point {
  return {
    x: backends,
    y: collateral.mean,
    low: collateral.low,
    high: collateral.high,
    note: `N = ${backends}, M = ${m}: ${interval(collateral)} of ${formatShare(moved.mean)} moved, ${collateral.trials} trials`
  }
}

/** The restart of the service size that most have, step by step. */
function restartSection ({ nodes }: DisruptionReport): Section[] {
  const shown = nodes.flatMap((node) => {
    const row = usual(node, 'rolling-restart')
    return row === undefined ? [] : [{ node, row, steps: row.steps ?? [] }]
  })
  const [first] = shown
  if (first === undefined) return []
  const cumulative = (of: 'moved' | 'movedOnce' | 'broken', name: string, { node, row, steps }: typeof first): Chart['series'][number] => ({
    name: `${node.node}: ${name}`,
    points: [{ x: 0, y: 0 }, ...steps.map((step) => ({ x: (step.left + step.came) / (2 * row.backends), y: step[of] }))]
  })
  return [{
    title: 'Rolling restart',
    text: `All backends of a service of ${first.row.backends} are replaced (${first.row.detail}): what has moved when so many have left and come.`,
    charts: [{
      id: 'rolling-restart',
      title: 'Flows moved during a rolling restart',
      description: 'Changes of a flow\'s pick so far, flows moved at least once, and established flows whose backend has left, over the progress of the restart.',
      form: 'lines',
      x: { label: 'backends replaced', unit: 'share', scale: 'linear' },
      y: { label: 'per flow', unit: 'share', scale: 'linear' },
      series: [
        ...shown.map((one) => cumulative('moved', 'changes of pick', one)),
        cumulative('movedOnce', 'moved at least once', first),
        cumulative('broken', 'established flows broken', first)
      ]
    }],
    tables: shown.map(({ node, row, steps }) => ({
      title: `${node.node}: restart of a service of ${row.backends}, M = ${row.m}, ${row.detail}; means of ${row.moved.trials} trials`,
      columns: [column('left', 'left'), column('came', 'came'), column('moved', 'changes of pick', 'percent'),
        column('movedOnce', 'moved once or more', 'percent'), column('broken', 'established broken', 'percent')],
      rows: steps.map((step) => [step.left, step.came, step.moved, step.movedOnce, step.broken])
    }))
  }]
}

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
            x: String(m), y: collateral.mean, low: collateral.low, high: collateral.high, note: `N = ${backends}: ${interval(collateral)}`
          }))
        }
      ]
    }],
    tables: [{
      title: '100 slots per backend',
      columns: [column('m', 'M', 'plain'), column('backends', 'N'), column('imbalance', 'most above mean', 'percent'),
        column('collateral', 'collateral', 'percent'), column('collateralLow', 'from', 'percent'),
        column('collateralHigh', 'to', 'percent'), column('trials', 'trials')],
      rows: rows.map(({ m, backends, imbalance, collateral }) =>
        [m, backends, imbalance, collateral.mean, collateral.low, collateral.high, collateral.trials])
    }]
  }
}

const changeColumns: readonly Column[] = [
  column('family', 'IP', 'plain'), column('backends', 'N'), column('frontends', 'frontends'), column('m', 'M', 'plain'), column('change', 'change'),
  column('detail', 'which'), column('movedShare', 'moved', 'percent'), column('neededShare', 'needed', 'percent'),
  column('collateralShare', 'collateral', 'percent'), column('collateralLow', 'from', 'percent'), column('collateralHigh', 'to', 'percent'),
  column('collateralMax', 'at most', 'percent'), column('establishedBrokenShare', 'tracked broken', 'percent'),
  column('untrackedBrokenShare', 'untracked moved', 'percent'), column('trials', 'trials')
]

const changeCells = (node: NodeDisruption): Cell[][] => node.rows.map((row) => [
  row.family, row.backends, row.frontends, row.m, row.change, row.detail, row.moved.mean, row.needed.mean,
  row.collateral.mean, row.collateral.low, row.collateral.high, row.collateral.max, row.broken.mean, row.untracked.mean, row.moved.trials
])

const changesTable = (node: NodeDisruption): Table => ({
  title: `${node.node}: layout ${node.layout}, M ${'fixed' in node.tableSizePolicy ? node.tableSizePolicy.fixed : `for ${node.tableSizePolicy.perService.perBackend} slots per backend`}`,
  columns: changeColumns,
  rows: changeCells(node)
})

function records (report: DisruptionReport): ReportDocument['records'] {
  return {
    columns: [column('node', ''), column('layout', ''), ...changeColumns],
    rows: report.nodes.flatMap((node) => changeCells(node).map((cells) => [node.node, node.layout, ...cells]))
  }
}
