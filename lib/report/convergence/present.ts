// The convergence report as something to read.

import type { Chart, ReportDocument, Series } from '../document.ts'
import { nodeName } from '../size-chart.ts'
import type { Cell, Column, Table } from '../table.ts'
import { column, counted, formatBytes, formatSeconds, NO_TABLE, subjectText } from '../words.ts'
import { rcuWaits } from './costs.ts'
import type { RcuWait } from './costs.ts'
import type { ConvergenceReport, ConvergenceRow, NodeConvergence } from './report.ts'

export function presentConvergence (report: ConvergenceReport): ReportDocument {
  return {
    title: `Convergence of ${subjectText(report.subject)}`,
    headline: headline(report),
    findings: [...ownFinding(report), ...exampleFinding(report), ...reported(report)],
    sections: [
      {
        title: 'Until a change is live',
        charts: [partsChart(report)],
        tables: report.nodes.flatMap((node) => changesTable(report, node, (row) => row.subject !== 'example'))
      },
      {
        title: 'Example: a rolling restart by ports',
        text: `Not of these services: one of ${counted(report.example.backends, 'backend')} made up for comparison, with ${counted(report.example.frontendsPerPort, 'address')} for each port and ${counted(report.example.eventsPerBackend, 'endpoint event')} for each backend.`,
        charts: portCharts(report),
        tables: report.nodes.flatMap((node) => changesTable(report, node, (row) => row.subject === 'example')).map((table) => ({ ...table, folded: true }))
      },
      { title: 'Assumptions', charts: [], tables: [assumptionsTable(report)] }
    ],
    notes: report.notes,
    records: records(report)
  }
}

const waitWords: Readonly<Record<RcuWait, string>> = {
  each: 'waiting for each update of the outer map', batched: 'with batch updates', expedited: 'with the expedited wait'
}

const isRestart = ({ change }: ConvergenceRow): boolean => change === 'rolling restart'

/** of the example with the most ports */
const largestExample = ({ rows }: NodeConvergence): ConvergenceRow | undefined => rows.findLast((row) => row.subject === 'example' && isRestart(row))

/** the slowest restart of the services that the report is about; undefined where there are none with a table */
function slowestOwn ({ rows }: NodeConvergence, wait: RcuWait): ConvergenceRow | undefined {
  return rows.filter((row) => row.subject !== 'example' && isRestart(row) && row.tables > 0)
    .toSorted((a, b) => b.waiting[wait].seconds - a.waiting[wait].seconds)[0]
}

const serviceOf = (row: ConvergenceRow): string => row.service ?? `a service of ${counted(row.backends ?? 0, 'backend')}`

interface Shown {
  readonly node: NodeConvergence
  readonly row: ConvergenceRow
}

function shownOf ({ nodes }: ConvergenceReport, of: (node: NodeConvergence) => ConvergenceRow | undefined): Shown[] {
  return nodes.flatMap((node) => {
    const row = of(node)
    return row === undefined ? [] : [{ node, row }]
  })
}

/** Of the services that the report is about, whatever examples it has beside them. */
function headline (report: ConvergenceReport): string {
  const { rcuWait } = report.assumptions
  const [first, ...others] = shownOf(report, (node) => slowestOwn(node, rcuWait))
  if (first === undefined) return NO_TABLE
  const elsewhere = others.map(({ node, row }) => `${formatSeconds(row.waiting[rcuWait].seconds)} on ${node.node}`)
  return `The slowest rolling restart of these services, ${serviceOf(first.row)}, takes ${formatSeconds(first.row.waiting[rcuWait].seconds)} to be live on ` +
    `${first.node.node}, ${waited(first.row, rcuWait)}${elsewhere.length === 0 ? '' : ` (${elsewhere.join(', ')})`}.`
}

/** `125 s of it waiting for each update of the outer map, 6.5 s with batch updates, ...` */
function waited ({ waiting }: ConvergenceRow, rcuWait: RcuWait): string {
  const others = rcuWaits.filter((wait) => wait !== rcuWait).map((wait) => `${formatSeconds(waiting[wait].seconds)} ${waitWords[wait]}`)
  return `${formatSeconds(waiting[rcuWait].waitSeconds)} of it ${rcuWait === 'each' ? waitWords.each : `waiting ${waitWords[rcuWait]}`}; it would be ${others.join(', ')}`
}

/** Bytes go with the M that they are of: with a smaller one they are those of another table. */
function bytesWritten (shown: readonly Shown[]): string {
  const [m, ...others] = new Set(shown.map(({ row }) => row.m))
  const size = (row: ConvergenceRow): string => others.length === 0 || row.m === null ? '' : ` (M = ${row.m})`
  const written = shown.map(({ node, row }) => `${formatBytes(row.bytesWritten)}${size(row)} on ${node.node}`).join(', ')
  return others.length === 0 ? `${written}, all at M = ${m}` : `${written}; where M is smaller the tables are others, which move other flows`
}

function ownFinding (report: ConvergenceReport): string[] {
  const shown = shownOf(report, (node) => slowestOwn(node, report.assumptions.rcuWait))
  const [first] = shown
  return first === undefined ? [] : [`That restart replaces ${counted(first.row.tables, 'table')} in ${counted(first.row.events, 'event')} and writes ${bytesWritten(shown)}.`]
}

function exampleFinding (report: ConvergenceReport): string[] {
  const { rcuWait } = report.assumptions
  const shown = shownOf(report, largestExample)
  const [first] = shown
  return first === undefined
    ? []
    : [`Example, not of these services: the restart of a service with ${counted(report.example.ports, 'port')} takes ${formatSeconds(first.row.waiting[rcuWait].seconds)} on ` +
      `${first.node.node}, ${waited(first.row, rcuWait)}. It writes ${bytesWritten(shown)}; the waits are the same wherever there is an outer map.`]
}

/** What operators saw (cilium #32391, #28845) in terms of this model. */
function reported ({ nodes, assumptions, example }: ConvergenceReport): string[] {
  const row = nodes.find(({ layout }) => layout !== 'flat')?.rows.find((one) => one.subject === 'example' && isRestart(one) && one.ports === 400)
  const perEvent = (ports: number): number => ports * example.frontendsPerPort * assumptions.rcuWaitMs / 1e3
  return [
    ...(row === undefined
      ? []
      : [`400 ports, ${counted(example.frontendsPerPort, 'frontend')} each, ${counted(row.events, 'event')} are ${counted(row.waiting.each.waits, 'wait')} of ` +
        `${assumptions.rcuWaitMs} ms: ${formatSeconds(row.waiting.each.waitSeconds)}. cilium #32391 reports minutes for such a service.`]),
    `cilium #28845 reports 3 minutes for 100 ports and 10 for 400: with ${counted(example.frontendsPerPort, 'frontend')} for each port that is the wait of ` +
      `${Math.round(180 / perEvent(100))} and ${Math.round(600 / perEvent(400))} endpoint events.`
  ]
}

function portCharts ({ nodes, example }: ConvergenceReport): Chart[] {
  const node = nodes.find(({ layout }) => layout !== 'flat')
  if (node === undefined) return []
  const rows = node.rows.filter((row) => row.subject === 'example' && isRestart(row))
  return [{
    id: 'seconds-by-ports',
    title: `Until a rolling restart is live on ${node.node}`,
    description: `Seconds until a rolling restart of a service of ${counted(example.backends, 'backend')} is live over its number of ports, a line for each way of waiting for the grace period.`,
    form: 'lines',
    x: { label: 'ports of the service', unit: null, scale: 'log' },
    y: { label: 'until it is live', unit: 's', scale: 'log' },
    series: rcuWaits.map((wait): Series => ({
      name: wait,
      points: rows.map((row) => ({
        x: row.ports ?? 0,
        y: row.waiting[wait].seconds,
        note: `${counted(row.tables, 'table')}: ${formatSeconds(row.buildSeconds)} to build, ${formatSeconds(row.writeSeconds)} to write, ${counted(row.waiting[wait].waits, 'wait')} of ${formatSeconds(row.waiting[wait].waitSeconds)} together`
      }))
    }))
  }]
}

/** The parts of one restart on top of each other for each node: what a layout changes, and what it does not. */
function partsChart (report: ConvergenceReport): Chart {
  const { example, assumptions: { rcuWait } } = report
  const own = shownOf(report, (node) => slowestOwn(node, rcuWait))
  const shown = own.length > 0 ? own : shownOf(report, largestExample)
  const series = (name: string, of: (row: ConvergenceRow) => number): Series => ({
    name,
    points: shown.map(({ node, row }) => ({ x: nodeName(node), y: of(row), note: `${formatSeconds(of(row))} of ${formatSeconds(row.waiting[rcuWait].seconds)}` }))
  })
  return {
    id: 'seconds-by-layout',
    title: `${own.length > 0 ? 'The slowest rolling restart of these services' : `Example: a rolling restart of ${counted(example.ports, 'port')}`}, where the time goes`,
    description: `Seconds for building tables, for writing them, and for waiting for grace periods (${rcuWait}), on top of each other for each node.`,
    form: 'stacked',
    x: { label: 'node', unit: null, scale: 'category' },
    y: { label: 'until it is live', unit: 's', scale: 'linear' },
    series: [
      series('wait', (row) => row.waiting[rcuWait].waitSeconds),
      series('write', (row) => row.writeSeconds),
      series('build', (row) => row.buildSeconds)
    ]
  }
}

/** Seconds first, then what they come from. */
function changesTable (
  { assumptions: { rcuWait } }: ConvergenceReport, node: NodeConvergence, shown: (row: ConvergenceRow) => boolean
): Table[] {
  const rows = node.rows.filter(shown)
  const order = [rcuWait, ...rcuWaits.filter((wait) => wait !== rcuWait)]
  return rows.length === 0
    ? []
    : [{
        title: `${node.node}: layout ${node.layout}, kernel ${node.kernel}, until the change is live`,
        columns: [
          column('what', 'change'), ...order.map((wait) => column(wait, wait, 'seconds')), column('wait', 'of it waiting', 'seconds'),
          column('build', 'building', 'seconds'), column('write', 'writing', 'seconds'), column('perEvent', 'per event', 'seconds'),
          column('tables', 'tables'), column('m', 'M', 'plain'), column('bytesWritten', 'bytes written'), column('events', 'events'),
          column('waits', 'waits'), column('batchedWaits', 'batched'), column('outerUpdates', 'outer updates'), column('outerDeletes', 'outer deletes'),
          column('entryWrites', 'entries'), column('peakExtraBytes', 'peak extra bytes'), column('frontends', 'frontends'), column('from', 'figures')
        ],
        rows: rows.map((row): Cell[] => [
          changeText(row), ...order.map((wait) => row.waiting[wait].seconds), row.waiting[rcuWait].waitSeconds,
          row.buildSeconds, row.writeSeconds, perEvent(row, rcuWait),
          row.tables, row.m, row.bytesWritten, row.events, row.waiting[rcuWait].waits, row.waiting.batched.waits,
          row.outerUpdates, row.outerDeletes, row.entryWrites, row.waiting[rcuWait].peakExtraBytes, row.frontends, row.from
        ])
      }]
}

/** `restart of 40 backends`, `one of 40 backends`, `1000 services at once` */
function changeText (row: ConvergenceRow): string {
  if (row.change === 'services at once') return `one backend of ${counted(row.services, 'service')}`
  const ports = row.subject === 'example' ? `, ${counted(row.ports ?? 0, 'port')}` : ''
  const of = row.service ?? `${counted(row.backends ?? 0, 'backend')}${ports}`
  return row.change === 'one backend' ? `one of ${of}` : `restart of ${of}`
}

const perEvent = ({ waiting, events }: ConvergenceRow, rcuWait: RcuWait): number | null =>
  events === 0 ? null : waiting[rcuWait].seconds / events

const assumptionsTable = ({ assumptions, assumptionSources }: ConvergenceReport): Table => ({
  title: 'Unit costs',
  columns: [column('name', 'option'), column('value', 'value'), column('source', 'where it comes from, unless it was given')],
  rows: [
    ['rcuWait', assumptions.rcuWait, 'the kind of wait that the sentences go by'],
    ...(Object.keys(assumptionSources) as (keyof typeof assumptionSources)[])
      .map((name): Cell[] => [name, String(assumptions[name]), assumptionSources[name]])
  ]
})

const rowColumns: readonly Column[] = [
  'subject', 'change', 'service', 'services', 'ports', 'frontends', 'backends', 'm', 'events', 'tables', 'entryWrites', 'outerUpdates', 'outerDeletes',
  'bytesWritten', 'buildSeconds', 'writeSeconds', ...rcuWaits.flatMap((wait) => [`${wait}Waits`, `${wait}Seconds`]), 'secondsPerEvent', 'peakExtraBytes', 'from'
].map((key) => column(key, ''))

/** per event and at the peak by the wait that the report goes by */
const rowCells = ({ assumptions: { rcuWait } }: ConvergenceReport, node: NodeConvergence): Cell[][] => node.rows.map((row) => [
  row.subject, row.change, row.service, row.services, row.ports, row.frontends, row.backends, row.m, row.events, row.tables,
  row.entryWrites, row.outerUpdates, row.outerDeletes, row.bytesWritten, row.buildSeconds, row.writeSeconds,
  ...rcuWaits.flatMap((wait) => [row.waiting[wait].waits, row.waiting[wait].seconds]),
  perEvent(row, rcuWait), row.waiting[rcuWait].peakExtraBytes, row.from
])

function records (report: ConvergenceReport): ReportDocument['records'] {
  const head = [column('node', ''), column('layout', ''), column('kernel', '')]
  return {
    columns: [...head, ...rowColumns],
    rows: report.nodes.flatMap((node) => rowCells(report, node).map((cells) => [node.node, node.layout, node.kernel, ...cells]))
  }
}
