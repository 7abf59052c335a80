// The advice report as something to read.

import type { Chart, ReportDocument, Section } from '../document.ts'
import type { Cell, Column, Table } from '../table.ts'
import { answerColumn, column, formatBytes, formatSeconds, formatShare, NO_TABLE, subjectText } from '../words.ts'
import { limitedBy, limitNames } from './candidates.ts'
import type { Candidate, Figures, Judged, LimitName, Limits } from './candidates.ts'
import type { AdviceReport, NodeFigures } from './report.ts'

export function presentAdvice (report: AdviceReport): ReportDocument {
  return {
    title: `Advice for ${subjectText(report.subject)}`,
    headline: headline(report),
    findings: findings(report),
    sections: [
      chosenSection(report),
      ...(hasServices(report) ? [helmSection(report)] : []),
      { title: 'Other knobs', charts: [], tables: [knobsTable(report)] }
    ],
    notes: report.notes,
    records: records(report)
  }
}

function chosenSection (report: AdviceReport): Section {
  const { limits, today, patch } = report
  const bounds = [limitsText(limits), freeText(limits)].filter((text) => text !== '').join('; ')
  return {
    title: 'What could be chosen',
    text: `Best first: within the limits (${bounds}), then least bytes, then least collateral.`,
    charts: [tradeChart(report)],
    tables: [
      ...(hasServices(report)
        ? [judgedTable('Settings of Cilium today', today), judgedTable('With a patch', patch), randomTable(report)]
        : []),
      nodesTable(report)
    ]
  }
}

const helmSection = ({ helmValues }: AdviceReport): Section => ({
  title: 'Helm values',
  text: 'Of the best setting that Cilium has today.',
  charts: [],
  tables: [],
  code: [{ title: 'values.yaml', language: 'yaml', text: helmValues }]
})

const fits = ({ exceeds }: { readonly exceeds: Limits }): boolean => Object.keys(exceeds).length === 0

/** `M = 4093`, `packed, M for each service` */
function candidateText ({ layout, tableSize }: Candidate): string {
  if (tableSize === 'measured') return `${layout}, M as small as the limits let it be for each service`
  if (tableSize === 'current') return layout
  return 'fixed' in tableSize
    ? layout === 'blob' ? `M = ${tableSize.fixed}` : `${layout} at M = ${tableSize.fixed}`
    : `${layout}, M >= ${tableSize.perService.perBackend} N for each service`
}

const figuresText = ({ maglevBytes, collateralShare, imbalance, convergenceSeconds }: Figures): string =>
  `${formatBytes(maglevBytes)} of tables and outer maps, ${formatShare(collateralShare)} moved without need on average when a backend leaves and imbalance ` +
  `${formatShare(imbalance)} (each for the size that fares worst), the slowest restart live in ${formatSeconds(convergenceSeconds)}`

const hasServices = ({ today }: AdviceReport): boolean => (today[0]?.sizes.length ?? 0) > 0

function headline (report: AdviceReport): string {
  const { nodes: [now], today: [today], patch: [patch], limits } = report
  if (now === undefined || today === undefined || patch === undefined) return 'There is no node to advise on.'
  if (!hasServices(report)) return NO_TABLE
  const patched = `${candidateText(patch)} would take ${formatBytes(patch.maglevBytes)} with a patch (${formatShare(patch.collateralShare)})` +
    (fits(patch) ? '' : `, but misses ${missedText(patch, limits)}`)
  const bounds = `the limits${freeText(limits) === '' ? '' : ` (${limitsText(limits)}; ${freeText(limits)})`}`
  return fits(today)
    ? `Within ${bounds} Cilium can be told ${candidateText(today)}: ${formatBytes(today.maglevBytes)} of tables and outer maps on every node, ` +
      `${formatBytes(now.maglevBytes)} now; ${formatShare(today.collateralShare)} of flows moved without need on average when a backend leaves, ` +
      `${formatShare(now.collateralShare)} now; imbalance ${formatShare(today.imbalance)}, ${formatShare(now.imbalance)} now; ${patched}.`
    : `No setting of Cilium keeps to all of ${bounds}: nearest is ${candidateText(today)}, which misses ${missedText(today, limits)}; ${patched}.`
}

/** `imbalance and convergence have none`; nothing where all four are limited */
function freeText (limits: Limits): string {
  const free = limitNames.filter((name) => limits[name] === undefined).map((name) => limitWords[name].what)
  const last = free.pop()
  return last === undefined ? '' : free.length === 0 ? `${last} has none` : `${free.join(', ')} and ${last} have none`
}

function findings (report: AdviceReport): string[] {
  const { nodes: [now], today, patch, limits, limitsAre, random, knobs } = report
  if (now === undefined || !hasServices(report)) return []
  const best = [...today.slice(0, 1), ...patch.slice(0, 1)]
  const saving = knobs.flatMap(({ name, savedBytes }) => savedBytes === null || savedBytes === 0 ? [] : [{ name, savedBytes }])
  const [knob] = saving.sort((one, other) => other.savedBytes - one.savedBytes)
  return [
    `Now (${now.node}): ${figuresText(now)}.`,
    limitsAre === 'today'
      ? 'No limit was given, so nothing may be worse than it is now.'
      : `Limits: ${limitsText(limits)}${freeText(limits) === '' ? '' : `; ${freeText(limits)}`}.`,
    ...best.map((one) => `${one.list === 'today' ? 'Today' : 'With a patch'}: ${candidateText(one)}: ${figuresText(one)}${waitText(one)}. ` +
      `Against now: ${differences(one, now)}${fits(one) ? '' : `; it misses ${missedText(one, limits)}`}.`),
    ...best.flatMap((one) => one.movedByChange === 0
      ? []
      : [`Going to ${candidateText(one)} moves ${formatShare(one.movedByChange)} of new flows once, and the maps are made anew.`]),
    ...(random.movedShare === 0
      ? []
      : [`If nodes need not agree on a pick, random holds no tables (0 B) and moves up to ${formatShare(random.movedShare)} of the flows that no conntrack entry knows, ` +
      `${formatShare(random.collateralShare)} without need when a backend leaves; how even its picks are is chance.`]),
    ...(knob === undefined ? [] : [`Of the other knobs ${knob.name} saves most, ${formatBytes(knob.savedBytes)}; savings of several overlap.`])
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

/** `collateral 2.23 %, limit 1.56 %` */
const missedText = (one: Readonly<Record<keyof Figures, number | null>> & { readonly exceeds: Limits }, limits: Limits): string =>
  limitNames.filter((name) => one.exceeds[name] !== undefined).map((name) => {
    const { what, as } = limitWords[name]
    return `${what} ${as(one[limitedBy[name]] ?? 0)}, limit ${as(limits[name] ?? 0)}`
  }).join('; ')

/** The figures stand in the columns before it. */
const keptText = (one: { readonly exceeds: Limits }): string =>
  fits(one) ? 'kept' : `not ${limitNames.filter((name) => one.exceeds[name] !== undefined).map((name) => limitWords[name].what).join(', ')}`

/** Bytes never without the disruption that goes with them: each setting is a point of both. */
function tradeChart ({ today, patch, nodes }: AdviceReport): Chart {
  const point = (figures: Figures, text: string) =>
    ({ x: figures.maglevBytes, y: figures.collateralShare, note: `${text}: ${figuresText(figures)}` })
  const maglev = (list: readonly Judged[], layout: string) => list.filter((one) => one.layout === layout)
    .toSorted((a, b) => a.maglevBytes - b.maglevBytes).map((one) => point(one, candidateText(one)))
  return {
    id: 'collateral-by-bytes',
    title: 'What fewer bytes cost in flows moved',
    description: 'Collateral of one backend leaving, for the size that fares worst, over the bytes of all tables, a point for each setting.',
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
  answerColumn('memlockBytes', 'all LB maps'), answerColumn('maglevBytes', 'of them Maglev'), answerColumn('collateralShare', 'collateral', 'percent'),
  answerColumn('imbalance', 'imbalance', 'percent'), answerColumn('convergenceSeconds', 'restart live', 'seconds')
]
const figureCells = (figures: Readonly<Record<keyof Figures, number | null>>): Cell[] =>
  [figures.memlockBytes, figures.maglevBytes, figures.collateralShare, figures.imbalance, figures.convergenceSeconds]

const judgedColumns: readonly Column[] = [
  column('setting', 'setting'), ...figureColumns, column('rcuWait', 'wait'), column('movedByChange', 'moved by the change', 'percent'),
  answerColumn('limits', 'limits')
]
const judgedCells = (one: Judged): Cell[] => [candidateText(one), ...figureCells(one), one.rcuWait, one.movedByChange, keptText(one)]

const judgedTable = (title: string, list: readonly Judged[]): Table => ({ title, columns: judgedColumns, rows: list.map(judgedCells) })

const randomCells = ({ random }: AdviceReport): Cell[] => ['random', ...figureCells(random), random.rcuWait, random.movedByChange, keptText(random)]

const randomTable = (report: AdviceReport): Table => ({ title: 'If nodes need not agree on a pick', columns: judgedColumns, rows: [randomCells(report)] })

const nodeText = ({ node, layout }: NodeFigures): string => `${node} (${layout})`

const nodesTable = ({ nodes }: AdviceReport): Table => ({
  title: 'Nodes as they are',
  columns: [column('node', 'node'), ...figureColumns, answerColumn('limits', 'limits')],
  rows: nodes.map((node) => [nodeText(node), ...figureCells(node), keptText(node)])
})

const knobsTable = ({ knobs }: AdviceReport): Table => ({
  title: 'Other knobs that Cilium and the kernel have',
  columns: [column('name', 'knob'), column('now', 'now'), column('suggested', 'suggested'), column('savedBytes', 'bytes saved'), column('why', 'why')],
  rows: knobs.map(({ name, now, suggested, savedBytes, why }) => [name, now, suggested, savedBytes, why])
})

/** One record for each setting and node; `list` says which it is. */
function records (report: AdviceReport): ReportDocument['records'] {
  const { today, patch, nodes } = report
  return {
    columns: [column('list', ''), ...judgedColumns],
    rows: [
      ...nodes.map((node): Cell[] => ['now', nodeText(node), ...figureCells(node), null, null, keptText(node)]),
      ...[...today, ...patch].map((one): Cell[] => [one.list, ...judgedCells(one)]),
      ['random', ...randomCells(report)]
    ]
  }
}
