// The convergence report as something to read.

import type { Chart, ReportDocument, Series } from '../document.ts'
import { nodeName } from '../size-chart.ts'
import type { Cell, Column, Table } from '../table.ts'
import { column, formatBytes, formatSeconds, subjectText } from '../words.ts'
import { rcuWaits } from './costs.ts'
import type { RcuWait } from './costs.ts'
import type { ConvergenceReport, ConvergenceRow, NodeConvergence } from './report.ts'

export function presentConvergence (report: ConvergenceReport): ReportDocument {
  return {
    title: `Convergence of ${subjectText(report.subject)}`,
    headline: headline(report),
    findings: findings(report),
    sections: [
      {
        title: 'A rolling restart by ports',
        text: `One service of ${report.example.backends} backends, ${report.example.frontendsPerPort} addresses for each port, ${report.example.eventsPerBackend} endpoint events for each backend.`,
        charts: portCharts(report),
        tables: []
      },
      {
        title: 'Until a change is live',
        charts: [layoutChart(report)],
        tables: report.nodes.map((node) => convergenceTable(report, node))
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

const serviceOf = (row: ConvergenceRow): string => row.service ?? `a service of ${row.backends} backends`

function headline (report: ConvergenceReport): string {
  const [node] = report.nodes
  const { rcuWait } = report.assumptions
  const largest = node === undefined ? undefined : largestExample(node)
  if (node === undefined || largest === undefined) return 'There is no node on which the changes could be made.'
  const own = slowestOwn(node, rcuWait)
  const others = rcuWaits.filter((wait) => wait !== rcuWait).map((wait) => `${formatSeconds(largest.waiting[wait].seconds)} ${waitWords[wait]}`)
  const example = `a service with ${report.example.ports} ports takes ${formatSeconds(largest.waiting[rcuWait].seconds)}`
  const waited = `${formatSeconds(largest.waiting[rcuWait].waitSeconds)} of it ${waitWords[rcuWait]}; ${others.join(', ')}`
  return own === undefined
    ? `A rolling restart of ${example} to be live on ${node.node}, ${waited}.`
    : `The slowest rolling restart of these services, ${serviceOf(own)}, takes ${formatSeconds(own.waiting[rcuWait].seconds)} to be live on ` +
      `${node.node}; that of ${example}, ${waited}.`
}

function findings (report: ConvergenceReport): string[] {
  const { rcuWait } = report.assumptions
  const own = report.nodes.flatMap((node) => {
    const row = slowestOwn(node, rcuWait)
    return row === undefined
      ? []
      : [`${node.node} (${node.layout}): of these services the restart of ${serviceOf(row)} takes longest, ` +
        `${formatSeconds(row.waiting[rcuWait].seconds)}: ${row.tables} tables, ${formatBytes(row.bytesWritten)} written.`]
  })
  const written = report.nodes.flatMap((node) => {
    const row = largestExample(node)
    return row === undefined ? [] : [`${formatBytes(row.bytesWritten)} on ${nodeName(node)}`]
  })
  return [
    ...own,
    ...(written.length === 0 ? [] : [`The restart of ${report.example.ports} ports writes ${written.join(', ')}; the waits are the same wherever there is an outer map.`]),
    ...reported(report)
  ]
}

/** What operators saw (cilium #32391, #28845) in terms of this model. */
function reported ({ nodes, assumptions, example }: ConvergenceReport): string[] {
  const row = nodes.find(({ layout }) => layout !== 'flat')?.rows.find((one) => one.subject === 'example' && isRestart(one) && one.ports === 400)
  const perEvent = (ports: number): number => ports * example.frontendsPerPort * assumptions.rcuWaitMs / 1e3
  return [
    ...(row === undefined
      ? []
      : [`400 ports, ${example.frontendsPerPort} frontends each, ${row.events} events are ${row.waiting.each.waits} waits of ` +
        `${assumptions.rcuWaitMs} ms: ${formatSeconds(row.waiting.each.waitSeconds)}. cilium #32391 reports minutes for such a service.`]),
    `cilium #28845 reports 3 minutes for 100 ports and 10 for 400: with ${example.frontendsPerPort} frontends for each port that is the wait of ` +
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
    description: `Seconds until a rolling restart of a service of ${example.backends} backends is live over its number of ports, a line for each way of waiting for the grace period.`,
    form: 'lines',
    x: { label: 'ports of the service', unit: null, scale: 'log' },
    y: { label: 'until it is live', unit: 's', scale: 'log' },
    series: rcuWaits.map((wait): Series => ({
      name: wait,
      points: rows.map((row) => ({
        x: row.ports ?? 0,
        y: row.waiting[wait].seconds,
        note: `${row.tables} tables: ${formatSeconds(row.buildSeconds)} to build, ${formatSeconds(row.writeSeconds)} to write, ${row.waiting[wait].waits} waits of ${formatSeconds(row.waiting[wait].waitSeconds)} together`
      }))
    }))
  }]
}

/** The parts of one restart side by side for each node: what a layout changes, and what it does not. */
function layoutChart ({ nodes, example, assumptions: { rcuWait } }: ConvergenceReport): Chart {
  const rows = nodes.flatMap((node) => {
    const row = largestExample(node)
    return row === undefined ? [] : [{ name: nodeName(node), row }]
  })
  const series = (name: string, of: (row: ConvergenceRow) => number): Series =>
    ({ name, points: rows.map(({ name, row }) => ({ x: name, y: of(row), note: `${formatSeconds(of(row))} of ${formatSeconds(row.waiting[rcuWait].seconds)}` })) })
  return {
    id: 'seconds-by-layout',
    title: `A rolling restart of ${example.ports} ports, where the time goes`,
    description: `Seconds for building tables, for writing them, and for waiting for grace periods (${rcuWait}), for each node.`,
    form: 'bars',
    x: { label: 'node', unit: null, scale: 'category' },
    y: { label: 'seconds', unit: 's', scale: 'linear' },
    series: [
      series('build', (row) => row.buildSeconds),
      series('write', (row) => row.writeSeconds),
      series('wait', (row) => row.waiting[rcuWait].waitSeconds)
    ]
  }
}

const rowColumns: readonly Column[] = [
  column('subject', 'of'), column('change', 'change'), column('service', 'service'), column('services', 'services'), column('ports', 'ports'),
  column('frontends', 'frontends'), column('backends', 'N'), column('m', 'M', 'plain'), column('events', 'events'), column('tables', 'tables'),
  column('entryWrites', 'entries'), column('outerUpdates', 'outer updates'), column('outerDeletes', 'outer deletes'), column('bytesWritten', 'bytes written'),
  column('buildSeconds', 'build s'), column('writeSeconds', 'write s'),
  ...rcuWaits.flatMap((wait) => [column(`${wait}Waits`, `${wait}: waits`), column(`${wait}Seconds`, 'seconds')]),
  column('secondsPerEvent', 's per event'), column('peakExtraBytes', 'peak extra'), column('from', 'figures')
]

/** per event and at the peak by the wait that the report goes by */
const rowCells = ({ assumptions: { rcuWait } }: ConvergenceReport, node: NodeConvergence): Cell[][] => node.rows.map((row) => [
  row.subject, row.change, row.service, row.services, row.ports, row.frontends, row.backends, row.m, row.events, row.tables,
  row.entryWrites, row.outerUpdates, row.outerDeletes, row.bytesWritten, row.buildSeconds, row.writeSeconds,
  ...rcuWaits.flatMap((wait) => [row.waiting[wait].waits, row.waiting[wait].seconds]),
  row.events === 0 ? null : row.waiting[rcuWait].seconds / row.events, row.waiting[rcuWait].peakExtraBytes, row.from
])

const convergenceTable = (report: ConvergenceReport, node: NodeConvergence): Table => ({
  title: `${node.node}: layout ${node.layout}, kernel ${node.kernel}, seconds until the change is live`,
  columns: rowColumns,
  rows: rowCells(report, node)
})

const assumptionsTable = ({ assumptions, assumptionSources }: ConvergenceReport): Table => ({
  title: 'Unit costs',
  columns: [column('name', 'option'), column('value', 'value'), column('source', 'where it comes from, unless it was given')],
  rows: [
    ['rcuWait', assumptions.rcuWait, 'the kind of wait that the sentences go by'],
    ...(Object.keys(assumptionSources) as (keyof typeof assumptionSources)[])
      .map((name): Cell[] => [name, assumptions[name], assumptionSources[name]])
  ]
})

function records (report: ConvergenceReport): ReportDocument['records'] {
  const head = [column('node', ''), column('layout', ''), column('kernel', '')]
  return {
    columns: [...head, ...rowColumns],
    rows: report.nodes.flatMap((node) => rowCells(report, node).map((cells) => [node.node, node.layout, node.kernel, ...cells]))
  }
}
