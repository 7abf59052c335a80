// The forms of a report: JSON is the object itself, CSV one table for spreadsheets, text what people read in a terminal.

import type { LookupCostReport, NodeLookupCost } from './lookup-cost.ts'
import type { MemoryReport, NodeMemory } from './memory.ts'
import type { Subject } from './source.ts'
import { formatCsv, formatText } from './table.ts'
import type { Cell, Column, Table } from './table.ts'

export const reportForms = ['json', 'csv', 'text'] as const
export type ReportForm = typeof reportForms[number]

/** Media type of each form. */
export const reportMediaTypes: Readonly<Record<ReportForm, string>> = {
  json: 'application/json', csv: 'text/csv; charset=utf-8; header=present', text: 'text/plain; charset=utf-8'
}

export function formatReport (report: MemoryReport | LookupCostReport, form: ReportForm): string {
  if (form === 'json') return `${JSON.stringify(report)}\n`
  if (form === 'csv') return report.kind === 'memory' ? memoryCsv(report) : lookupCostCsv(report)
  const headline = report.kind === 'memory' ? memoryHeadline(report) : lookupCostHeadline(report)
  const tables = report.kind === 'memory'
    ? [...report.nodes.map(memoryTable), mapsTable(report)]
    : report.nodes.map(lookupCostTable)
  return [headline, ...tables.map(formatText), report.notes.map((note) => `* ${note}`).join('\n') + '\n'].join('\n')
}

const column = (key: string, title: string, as?: Column['as']): Column => as === undefined ? { key, title } : { key, title, as }

/** `12.3 MB`, decimal as memory bills are */
export function formatBytes (bytes: number): string {
  const steps = [['GB', 1e9], ['MB', 1e6], ['kB', 1e3]] as const
  const step = steps.find(([, size]) => bytes >= size)
  return step === undefined ? `${bytes} B` : `${(bytes / step[1]).toFixed(1)} ${step[0]}`
}

const subjectText = (subject: Subject): string => subject.mix === null
  ? `the cluster at revision ${subject.revision} (${subject.frontends} frontends with a table)`
  : `the mix ${subject.mix} (${subject.frontends} frontends)`

// -- memory

function memoryHeadline (report: MemoryReport): string {
  const nodes = report.nodes.map((node) => {
    const worst = Math.max(0, ...node.rows.map((row) => row.disruption?.collateralShareMax ?? 0))
    const tables = node.maps.find((map) => map.name === 'tables')
    const maglev = formatBytes(node.maglev.memlockBytes)
    const held = tables === undefined
      ? `Maglev arrays with room for every service ${maglev}`
      : `Maglev tables ${formatBytes(tables.memlockBytes)}, with their outer maps ${maglev}`
    return `${node.node} (${node.layout}): ${held}, all maps ${formatBytes(node.total.memlockBytes)}; ` +
      `a backend that leaves moves up to ${(worst * 100).toFixed(2)} % of a table without need`
  })
  return `Memory of ${subjectText(report.subject)}\n${nodes.join('\n')}\n`
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
function memoryCsv (report: MemoryReport): string {
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
  return formatCsv([...head, ...memoryColumns], rows)
}

// -- lookup cost

function lookupCostHeadline (report: LookupCostReport): string {
  const nodes = report.nodes.map((node) => {
    const all = node.rows.map((row) => row.cost.instructions)
    const [least, most] = [Math.min(...all), Math.max(...all)]
    const range = all.length === 0 ? 'no frontend with a table' : `${least === most ? least : `${least} to ${most}`} instructions per packet`
    const calls = [...new Set(node.rows.map((row) => `${row.cost.mapCalls} of ${row.cost.mapLookups}`))].join(' or ')
    return `${node.node} (${node.layout}): ${range}${calls === '' ? '' : `, ${calls} map lookups are calls`}`
  })
  return `Work per packet of ${subjectText(report.subject)}\n${nodes.join('\n')}\n`
}

const regionNames = ['stack', 'packet', 'ctx', 'map', 'kernel'] as const

const lookupCostColumns: readonly Column[] = [
  column('family', 'IP', 'plain'), column('protocol', 'proto'), column('backends', 'N'), column('frontends', 'frontends'), column('m', 'M', 'plain'),
  column('instructions', 'instructions'), column('instructionsMin', 'least'), column('instructionsMax', 'most'),
  column('mapLookups', 'map lookups'), column('mapCalls', 'map calls'),
  ...regionNames.map((region) => column(`loads${region[0]?.toUpperCase()}${region.slice(1)}`, `ld ${region}`)),
  ...regionNames.map((region) => column(`stores${region[0]?.toUpperCase()}${region.slice(1)}`, `st ${region}`)),
  column('flows', 'flows'), column('verdicts', 'verdicts')
]

const lookupCostCells = (node: NodeLookupCost): Cell[][] => node.rows.map((row) => [
  row.family, row.protocol, row.backends, row.frontends, row.m, row.cost.instructions, row.instructionsMin, row.instructionsMax,
  row.cost.mapLookups, row.cost.mapCalls, ...regionNames.map((region) => row.cost.loads[region]),
  ...regionNames.map((region) => row.cost.stores[region]),
  row.flows, Object.entries(row.verdicts).map(([verdict, count]) => `${verdict} ${count}`).join(' ')
])

const lookupCostTable = (node: NodeLookupCost): Table => ({
  title: `${node.node}: layout ${node.layout}, kernel ${node.kernel}, inlining ${node.inlining}, ${node.engine}` +
    (node.program === null ? '' : `; program ${node.program.name}, ${node.program.insnsTranslated} instructions translated`),
  columns: lookupCostColumns,
  rows: lookupCostCells(node)
})

function lookupCostCsv (report: LookupCostReport): string {
  const head = [column('node', ''), column('layout', ''), column('kernel', ''), column('inlining', '')]
  return formatCsv([...head, ...lookupCostColumns],
    report.nodes.flatMap((node) => lookupCostCells(node).map((cells) => [node.node, node.layout, node.kernel, node.inlining, ...cells])))
}
