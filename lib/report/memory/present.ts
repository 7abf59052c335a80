// The memory report as something to read.

import type { Chart, ReportDocument } from '../document.ts'
import type { Cell, Column, Table } from '../table.ts'
import { column, formatBytes, formatShare, subjectText } from '../words.ts'
import type { MemoryReport, NodeMemory } from './report.ts'

export function presentMemory (report: MemoryReport): ReportDocument {
  return {
    title: `Memory of ${subjectText(report.subject)}`,
    headline: headline(report),
    findings: report.nodes.map(finding),
    sections: [
      { title: 'Bytes by service size', charts: [bytesChart(report)], tables: report.nodes.map(memoryTable) },
      { title: 'All maps', charts: [], tables: [mapsTable(report)] }
    ],
    notes: report.notes,
    records: records(report)
  }
}

/** Nodes are compared by their Maglev tables; who has none (flat) by the arrays that hold them. */
const tableBytes = (node: NodeMemory): number => node.maps.find((map) => map.name === 'tables')?.memlockBytes ?? node.maglev.memlockBytes

const worstCollateral = (node: NodeMemory): number => Math.max(0, ...node.rows.map((row) => row.disruption?.collateralShareMax ?? 0))

function headline ({ nodes }: MemoryReport): string {
  const [first, ...others] = nodes
  if (first === undefined) return 'There is no node to report on.'
  const rest = others.map((node) => `${formatBytes(tableBytes(node))} on ${node.node} (${formatShare(worstCollateral(node))})`)
  return `Maglev tables take ${formatBytes(tableBytes(first))} on ${first.node}, where one backend that leaves moves up to ` +
    `${formatShare(worstCollateral(first))} of a table without need${rest.length === 0 ? '' : `; ${rest.join(', ')}`}.`
}

function finding (node: NodeMemory): string {
  const tables = node.maps.find((map) => map.name === 'tables')
  const maglev = formatBytes(node.maglev.memlockBytes)
  const held = tables === undefined
    ? `Maglev arrays with room for every service ${maglev}`
    : `Maglev tables ${formatBytes(tables.memlockBytes)}, with their outer maps ${maglev}`
  return `${node.node} (${node.layout}): ${held}, all maps ${formatBytes(node.total.memlockBytes)}; ` +
    `a backend that leaves moves up to ${formatShare(worstCollateral(node))} of a table without need`
}

function bytesChart ({ nodes }: MemoryReport): Chart {
  return {
    id: 'bytes-by-size',
    title: 'Bytes of a table by service size',
    description: 'Memlock of one Maglev table over the number of backends of its service, a line for each node.',
    form: 'lines',
    x: { label: 'backends of the service', unit: null, scale: 'log' },
    y: { label: 'memlock of a table', unit: 'bytes', scale: 'log' },
    series: nodes.map((node) => ({
      name: `${node.node} (${node.layout})`,
      points: node.rows.filter(({ family, backends }) => family === 4 && backends > 0)
        .map(({ backends, m, table }) => ({ x: backends, y: table.memlockBytes, note: `N = ${backends}, M = ${m}: ${table.memlockBytes} bytes` }))
    }))
  }
}

const memoryColumns: readonly Column[] = [
  column('family', 'IP', 'plain'), column('backends', 'N'), column('frontends', 'frontends'), column('m', 'M', 'plain'),
  column('memlockBytes', 'table memlock'), column('allocatedBytes', 'allocated'), column('outerShareBytes', 'outer share'),
  column('servicesEntriesBytes', 'services'), column('backendsEntriesBytes', 'backends'), column('revNatEntriesBytes', 'revNat'),
  column('perFrontendBytes', 'per frontend'), column('movedShare', 'moved', 'percent'), column('collateralShare', 'collateral', 'percent'),
  column('collateralShareMax', 'at most', 'percent'), column('disruptionTrials', 'trials')
]

const memoryCells = (node: NodeMemory): Cell[][] => node.rows.map((row) => [
  row.family, row.backends, row.frontends, row.m, row.table.memlockBytes, row.table.allocatedBytes, row.outerShareBytes,
  row.entriesBytes.services, row.entriesBytes.backends, row.entriesBytes.revNat, row.perFrontendBytes,
  row.disruption?.movedShare ?? null, row.disruption?.collateralShare ?? null, row.disruption?.collateralShareMax ?? null,
  row.disruption?.trials ?? null
])

const memoryTable = (node: NodeMemory): Table => ({
  title: `${node.node}: layout ${node.layout}, kernel ${node.kernel}, bytes for each frontend of N backends`,
  columns: memoryColumns,
  rows: memoryCells(node)
})

const mapCells = (node: NodeMemory): Cell[][] => [
  ...node.maps.map((map) => [node.node, map.name, map.maps, map.entries, map.maxEntries, map.memlockBytes, map.allocatedBytes, map.from]),
  [node.node, 'total', node.maps.reduce((sum, map) => sum + map.maps, 0), null, null, node.total.memlockBytes, node.total.allocatedBytes, null]
]

const mapsTable = (report: MemoryReport): Table => ({
  title: 'All maps',
  columns: [column('node', 'node'), column('map', 'map'), column('maps', 'maps'), column('entries', 'entries'), column('maxEntries', 'max entries'),
    column('memlockBytes', 'memlock'), column('allocatedBytes', 'allocated'), column('from', 'figures')],
  rows: report.nodes.flatMap(mapCells)
})

/** One record type per `scope`: `class` rows are per frontend, `map` and `total` rows per node. */
function records (report: MemoryReport): ReportDocument['records'] {
  const head = [column('scope', ''), column('node', ''), column('layout', ''), column('kernel', ''), column('map', ''), column('maps', ''),
    column('entries', ''), column('maxEntries', ''), column('from', '')]
  const rows = report.nodes.flatMap((node) => {
    const about = [node.node, node.layout, node.kernel]
    const classes = memoryCells(node).map((cells): Cell[] => ['class', ...about, 'tables', 1, null, null, node.layout === 'flat' ? 'computed' : 'measured', ...cells])
    const maps = mapCells(node).map(([, name, count, entries, maxEntries, memlock, allocated, from]): Cell[] => [
      name === 'total' ? 'total' : 'map', ...about, name ?? null, count ?? null, entries ?? null, maxEntries ?? null, from ?? null,
      ...memoryColumns.map(({ key }) => key === 'memlockBytes' ? memlock ?? null : key === 'allocatedBytes' ? allocated ?? null : null)
    ])
    return [...classes, ...maps]
  })
  return { columns: [...head, ...memoryColumns], rows }
}
