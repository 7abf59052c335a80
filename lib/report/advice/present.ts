// The advice report as something to read.

import type { Chart, ReportDocument } from '../document.ts'
import type { Cell, Column, Table } from '../table.ts'
import { column, formatBytes, formatSeconds, formatShare, subjectText } from '../words.ts'
import { limitNames } from './candidates.ts'
import type { Candidate, Figures, Judged, LimitName, Limits } from './candidates.ts'
import type { AdviceReport, NodeFigures } from './report.ts'

export function presentAdvice (report: AdviceReport): ReportDocument {
  return {
    title: `Advice for ${subjectText(report.subject)}`,
    headline: headline(report),
    findings: findings(report),
    sections: [
      {
        title: 'What could be chosen',
        text: `Best first: within the limits (${limitsText(report.limits)}), then least bytes, then least collateral.`,
        charts: [tradeChart(report)],
        tables: [
          judgedTable('Settings of Cilium today', report.today), judgedTable('With a patch', report.patch), nodesTable(report)
        ]
      },
      { title: 'Helm values', text: 'Of the best setting that Cilium has today.', charts: [], tables: [], code: [{ title: 'values.yaml', language: 'yaml', text: report.helmValues }] },
      { title: 'Other knobs', charts: [], tables: [knobsTable(report)] }
    ],
    notes: report.notes,
    records: records(report)
  }
}

const fits = ({ exceeds }: { readonly exceeds: Limits }): boolean => Object.keys(exceeds).length === 0

/** `M = 4093`, `packed, M for each service` */
export function candidateText ({ algorithm, layout, tableSize }: Candidate): string {
  if (algorithm === 'random') return 'random'
  if (tableSize === 'measured') return `${layout}, M as small as the limits let it be for each service`
  if (tableSize === 'current' || tableSize === null) return layout
  return 'fixed' in tableSize
    ? layout === 'blob' ? `M = ${tableSize.fixed}` : `${layout} at M = ${tableSize.fixed}`
    : `${layout}, M >= ${tableSize.perService.perBackend} N for each service`
}

const figuresText = ({ maglevBytes, collateralShare, imbalance, convergenceSeconds }: Figures): string =>
  `${formatBytes(maglevBytes)} of tables, collateral up to ${formatShare(collateralShare)}, imbalance up to ${formatShare(imbalance)}, ` +
  `the slowest restart live in ${formatSeconds(convergenceSeconds)}`

function headline ({ nodes: [now], today: [today], patch: [patch] }: AdviceReport): string {
  if (now === undefined || today === undefined || patch === undefined) return 'There is no node to advise on.'
  const patched = `${candidateText(patch)} would take ${formatBytes(patch.maglevBytes)} with a patch${fits(patch) ? '' : `, but ${exceedsText(patch.exceeds)}`}`
  return fits(today)
    ? `Within the limits Cilium can be told ${candidateText(today)}: ${formatBytes(today.maglevBytes)} of tables on every node, ` +
      `${formatBytes(now.maglevBytes)} now, collateral up to ${formatShare(today.collateralShare)}; ${patched} (${formatShare(patch.collateralShare)}).`
    : `No setting of Cilium keeps to all limits: nearest is ${candidateText(today)}, which ${exceedsText(today.exceeds)}; ${patched} (collateral up to ` +
      `${formatShare(patch.collateralShare)}).`
}

function findings ({ nodes: [now], today, patch, limits, limitsAre, knobs }: AdviceReport): string[] {
  if (now === undefined) return []
  const best = [...today.slice(0, 1), ...patch.slice(0, 1)]
  const saved = knobs.reduce((sum, { savedBytes }) => sum + (savedBytes ?? 0), 0)
  return [
    `Now (${now.node}): ${figuresText(now)}.`,
    limitsAre === 'today' ? 'No limit was given, so nothing may be worse than it is now.' : `Limits: ${limitsText(limits)}.`,
    ...best.map((one) => `${one.list === 'today' ? 'Today' : 'With a patch'}: ${candidateText(one)}: ${figuresText(one)}${waitText(one)}. ` +
      `Against now: ${differences(one, now)}${fits(one) ? '' : `; it ${exceedsText(one.exceeds)}`}.`),
    ...best.flatMap((one) => one.movedByChange === null || one.movedByChange === 0
      ? []
      : [`Going to ${candidateText(one)} moves ${formatShare(one.movedByChange)} of new flows once, and the maps are made anew.`]),
    ...(saved > 0 ? [`The other knobs would save up to ${formatBytes(saved)} more.`] : [])
  ]
}

function waitText ({ rcuWait }: Judged): string {
  if (rcuWait === 'each') return ''
  return rcuWait === 'expedited' ? ' (with rcupdate.rcu_expedited=1 on the kernel)' : ' (with batch updates of the outer map)'
}

function differences (one: Figures, now: Figures): string {
  const bytes = one.memlockBytes - now.memlockBytes
  const seconds = one.convergenceSeconds - now.convergenceSeconds
  return [
    bytes === 0 ? 'as many bytes' : bytes > 0 ? `${formatBytes(bytes)} more` : `${formatBytes(-bytes)} less`,
    ...(['collateralShare', 'imbalance'] as const).map((figure) => {
      const points = (one[figure] - now[figure]) * 100
      return `${figure === 'imbalance' ? 'imbalance' : 'collateral'} ${points > 0 ? '+' : ''}${points.toFixed(2)} points`
    }),
    Math.abs(seconds) < 1e-6 ? 'restarts live as soon' : `restarts live ${formatSeconds(Math.abs(seconds))} ${seconds > 0 ? 'later' : 'sooner'}`
  ].join(', ')
}

const limitWords: Readonly<Record<LimitName, { readonly what: string, readonly as: (value: number) => string }>> = {
  maxBytesPerNode: { what: 'bytes', as: formatBytes },
  maxCollateralShare: { what: 'collateral', as: formatShare },
  maxImbalance: { what: 'imbalance', as: formatShare },
  maxConvergenceSeconds: { what: 'convergence', as: formatSeconds }
}

const limitsText = (limits: Limits): string => limitNames.flatMap((name) => {
  const limit = limits[name]
  return limit === undefined ? [] : [`${limitWords[name].what} ${limitWords[name].as(limit)}`]
}).join(', ')

const exceedsText = (exceeds: Limits): string => limitNames.flatMap((name) => {
  const over = exceeds[name]
  return over === undefined ? [] : [`exceeds the limit of ${limitWords[name].what} by ${(over * 100).toFixed(1)} %`]
}).join(' and ')

/** Bytes never without the disruption that goes with them: each setting is a point of both. */
function tradeChart ({ today, patch, nodes }: AdviceReport): Chart {
  const point = (figures: Figures, text: string) =>
    ({ x: figures.maglevBytes, y: figures.collateralShare, note: `${text}: ${figuresText(figures)}` })
  const maglev = (list: readonly Judged[], layout: string) => list.filter((one) => one.algorithm === 'maglev' && one.layout === layout)
    .toSorted((a, b) => a.maglevBytes - b.maglevBytes).map((one) => point(one, candidateText(one)))
  return {
    id: 'collateral-by-bytes',
    title: 'What fewer bytes cost in flows moved',
    description: 'Worst collateral of one backend leaving over the bytes of all tables, a point for each setting.',
    form: 'lines',
    x: { label: 'tables and outer maps of the node', unit: 'bytes', scale: 'log' },
    y: { label: 'collateral, the size that fares worst', unit: 'share', scale: 'linear' },
    series: [
      { name: 'Cilium today (blob)', points: maglev(today, 'blob') },
      { name: 'patch: compact', points: maglev(patch, 'compact') },
      { name: 'patch: packed, M per service', points: maglev(patch, 'packed') },
      ...nodes.slice(0, 1).map((node) => ({ name: `now: ${node.node}`, points: [point(node, node.node)] }))
    ]
  }
}

const figureColumns: readonly Column[] = [
  column('memlockBytes', 'all LB maps'), column('maglevBytes', 'of them Maglev'), column('collateralShare', 'collateral', 'percent'),
  column('imbalance', 'imbalance', 'percent'), column('convergenceSeconds', 'restart s')
]
const figureCells = (figures: Figures): Cell[] =>
  [figures.memlockBytes, figures.maglevBytes, figures.collateralShare, figures.imbalance, figures.convergenceSeconds]

const judgedColumns: readonly Column[] = [
  column('setting', 'setting'), ...figureColumns, column('rcuWait', 'wait'), column('movedByChange', 'moved by the change', 'percent'),
  column('limits', 'limits')
]
const judgedCells = (one: Judged): Cell[] => [
  candidateText(one), ...figureCells(one), one.rcuWait, one.movedByChange, fits(one) ? 'kept' : exceedsText(one.exceeds)
]

const judgedTable = (title: string, list: readonly Judged[]): Table => ({ title, columns: judgedColumns, rows: list.map(judgedCells) })

const nodeText = ({ node, layout }: NodeFigures): string => `${node} (${layout})`

const nodesTable = ({ nodes }: AdviceReport): Table => ({
  title: 'Nodes as they are',
  columns: [column('node', 'node'), ...figureColumns, column('limits', 'limits')],
  rows: nodes.map((node) => [nodeText(node), ...figureCells(node), fits(node) ? 'kept' : exceedsText(node.exceeds)])
})

const knobsTable = ({ knobs }: AdviceReport): Table => ({
  title: 'Other knobs that Cilium and the kernel have',
  columns: [column('name', 'knob'), column('now', 'now'), column('suggested', 'suggested'), column('savedBytes', 'bytes saved'), column('why', 'why')],
  rows: knobs.map(({ name, now, suggested, savedBytes, why }) => [name, now, suggested, savedBytes, why])
})

/** One record for each setting and node; `list` says which it is. */
function records ({ today, patch, nodes }: AdviceReport): ReportDocument['records'] {
  return {
    columns: [column('list', ''), ...judgedColumns],
    rows: [
      ...nodes.map((node): Cell[] => ['now', nodeText(node), ...figureCells(node), null, null, fits(node) ? 'kept' : exceedsText(node.exceeds)]),
      ...[...today, ...patch].map((one): Cell[] => [one.list, ...judgedCells(one)])
    ]
  }
}
