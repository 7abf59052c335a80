// The tables of the memory report, and its records for spreadsheets.

import type { ReportDocument } from '../document.ts'
import type { Cell, Column, Table } from '../table.ts'
import type { Leaving } from '../disruption/leaving.ts'
import { rowsOnce } from '../alike.ts'
import { answerColumn, column, formatBytes } from '../words.ts'
import type { Alternative } from './alternatives.ts'
import type { MapGroup } from './groups.ts'
import type { AllocatorBytes, Bytes, KernelBytes } from './map-bytes.ts'
import type { MemoryReport, NodeMemory } from './report.ts'

/** @param other the kernel beside the node's */
const memoryColumns = (other: string): Column[] => [
  column('family', 'IP', 'plain'), column('backends', 'N'), column('frontends', 'frontends'), answerColumn('m', 'M', 'plain'),
  answerColumn('memlockBytes', 'table memlock'), column('memlockOtherKernelBytes', other), column('allocatedBytes', 'allocated'),
  column('outerShareBytes', 'outer share'), column('servicesEntriesBytes', 'services'), column('backendsEntriesBytes', 'backends'),
  column('revNatEntriesBytes', 'revNat'), answerColumn('perFrontendBytes', 'per frontend'), column('movedShare', 'moved', 'percent'),
  answerColumn('collateralShare', 'collateral', 'percent'), column('collateralShareLow', 'from', 'percent'), column('collateralShareHigh', 'to', 'percent'),
  column('collateralShareMax', 'largest', 'percent'), column('disruptionTrials', 'trials')
]

/** `on 5.10`; where nodes have different ones, `other kernel` */
function otherKernelName (nodes: readonly NodeMemory[]): string {
  const [name, ...different] = new Set(nodes.map(({ totalByKernel: [, other] }) => other?.kernel))
  return name === undefined || different.length > 0 ? 'other kernel' : `on ${name}`
}

const otherKernel = (figures: readonly KernelBytes[]): number | null => figures[1]?.memlockBytes ?? null

const memoryCells = (node: NodeMemory): Cell[][] => node.rows.map((row) => [
  row.family, row.backends, row.frontends, row.m, row.table.memlockBytes, otherKernel(row.tableByKernel), row.table.allocatedBytes,
  row.outerShareBytes, row.entriesBytes.services, row.entriesBytes.backends, row.entriesBytes.revNat, row.perFrontendBytes,
  ...leavingCells(row.disruption)
])

/** No interval where all that there are were tried. */
function leavingCells (leaving: Leaving | null): Cell[] {
  if (leaving === null) return [null, null, null, null, null, null]
  const { movedShare, collateralShare, collateralShareLow, collateralShareHigh, collateralShareMax, trials, complete } = leaving
  return [movedShare, collateralShare, ...(complete ? [null, null] : [collateralShareLow, collateralShareHigh]), collateralShareMax, trials]
}

export const memoryTable = (node: NodeMemory): Table => ({
  title: `${node.node}: layout ${node.layout}, kernel ${node.kernel}${kernelNote(node)}, bytes for each frontend of N backends`,
  columns: memoryColumns(otherKernelName([node])),
  rows: memoryCells(node)
})

const kernelNote = ({ totalByKernel: [, other] }: NodeMemory): string => other === undefined ? '' : ` (other: ${other.kernel}, ${other.from})`

export const servicesTable = (node: NodeMemory): Table => ({
  title: `${node.node}: tables and entries of each service`,
  columns: [column('service', 'service'), column('frontends', 'frontends'), column('backends', 'N'), column('tableMemlockBytes', 'tables memlock'),
    column('tableAllocatedBytes', 'allocated'), column('memlockBytes', 'in all')],
  rows: node.services.map(({ namespace, name, frontends, backends, ...bytes }) =>
    [`${namespace}/${name}`, frontends, backends, bytes.tableMemlockBytes, bytes.tableAllocatedBytes, bytes.memlockBytes])
})

const mapCells = (node: NodeMemory): Cell[][] => [
  ...node.maps.map((map) => [node.node, map.name, map.maps, map.entries, map.maxEntries, map.pressure, map.memlockBytes,
    otherKernel(map.byKernel), map.allocatedBytes, map.perCpuBytes, map.from, areasText(map)]),
  [node.node, 'total', node.maps.reduce((sum, map) => sum + map.maps, 0), null, null, null, node.total.memlockBytes,
    otherKernel(node.totalByKernel), node.total.allocatedBytes, node.perCpuBytes, null, areasText(node)]
]

const areasText = ({ areas }: Pick<MapGroup, 'areas'>): string => areas.map(areaText).join(', ')

const areaText = ({ allocator, objects, allocatedBytes }: AllocatorBytes): string =>
  allocator === 'percpu' ? `per CPU ${formatBytes(allocatedBytes)}` : `${objects} x ${allocator} ${formatBytes(allocatedBytes)}`

export const mapsTable = (report: MemoryReport): Table => ({
  title: 'All maps',
  columns: [column('node', 'node'), column('map', 'map'), column('maps', 'maps'), column('entries', 'entries'), column('maxEntries', 'max entries'),
    column('pressure', 'full', 'percent'), column('memlockBytes', 'memlock'), column('memlockOtherKernelBytes', otherKernelName(report.nodes)),
    column('allocatedBytes', 'allocated'), column('perCpuBytes', 'per CPU'), column('from', 'figures'), column('areas', 'allocated from')],
  rows: rowsOnce(report.nodes, report.nodes.flatMap(mapCells)),
  folded: true
})

export const outerTable = (nodes: readonly NodeMemory[]): Table => ({
  title: 'memlock (allocated) of each family\'s outer map, computed',
  columns: [column('node', 'node'), column('map', 'map'), column('preallocated', 'preallocated'), column('isNodes', 'as set'), column('services', 'services'),
    column('emptyBytes', 'empty'), column('nowBytes', 'now'), column('fullBytes', 'full'), column('emptyAllocatedBytes', 'empty allocated'),
    column('nowAllocatedBytes', 'now allocated'), column('fullAllocatedBytes', 'full allocated')],
  rows: rowsOnce(nodes, nodes.flatMap(({ node, outerMaps }) => outerMaps.map(({ map, preallocated, isNodes, services, empty, now, full }) =>
    [node, map, preallocated, isNodes, services, empty.memlockBytes, now.memlockBytes, full.memlockBytes,
      empty.allocatedBytes, now.allocatedBytes, full.allocatedBytes])))
})

export const peaksTable = (nodes: readonly NodeMemory[]): Table => ({
  title: 'More memory while a backend of so many services changes at once',
  columns: [column('node', 'node'), column('services', 'services'), column('oneByOneBytes', 'one by one'), column('oneByOneAllocatedBytes', 'allocated'),
    column('batchBytes', 'in one batch'), column('batchAllocatedBytes', 'allocated'), column('peakBytes', 'peak of a batch')],
  rows: nodes.flatMap(({ node, peaks }) => peaks.map(({ services, oneByOne, batch }) => [node, services, oneByOne.more.memlockBytes,
    oneByOne.more.allocatedBytes, batch.more.memlockBytes, batch.more.allocatedBytes, batch.peak.memlockBytes]))
})

export const headroomTable = (nodes: readonly NodeMemory[]): Table => ({
  title: 'Further services of N backends until one is refused',
  columns: [column('node', 'node'), column('family', 'IP', 'plain'), column('backends', 'N'), column('m', 'M', 'plain'), column('moreServices', 'more services'),
    column('limitedBy', 'limited by')],
  rows: rowsOnce(nodes, nodes.flatMap(({ node, headroom }) => headroom.map(({ family, backends, m, moreServices, limitedBy }) =>
    [node, family, backends, m, moreServices, limitedBy])))
})

export const connectionsTable = (nodes: readonly NodeMemory[]): Table => ({
  title: 'Maps for connections as Cilium sizes them, computed',
  columns: [column('kernel', 'kernel', 'plain'), column('cpus', 'CPUs'), column('map', 'map'), column('group', 'group'), column('maxEntries', 'max entries'),
    column('sizedBy', 'sized by'), column('memlockBytes', 'memlock'), column('allocatedBytes', 'allocated'), column('perCpuBytes', 'per CPU')],
  rows: nodes.flatMap(({ kernel, possibleCpus, connections }) => connections.map((map) =>
    [kernel, possibleCpus, map.name, map.group, map.maxEntries, map.sizedBy, map.memlockBytes, map.allocatedBytes, map.perCpuBytes]))
})

export const alternativesTable = ({ alternatives }: MemoryReport): Table => ({
  title: 'For one service of N backends, computed',
  columns: [column('name', 'who'), column('backends', 'N'), column('frontends', 'frontends'), column('m', 'M', 'plain'),
    column('tableBytes', 'bytes of a table'), column('allTablesBytes', 'of all tables'), column('movedShare', 'moved', 'percent'),
    column('collateralShare', 'collateral', 'percent'), column('flowsMovedWithoutConntrack', 'moved on another node', 'percent')],
  rows: alternatives.flatMap(({ name, tableBytes: all, rows }) =>
    rows.map(({ backends, frontends, m, tableBytes, movedShare, collateralShare, flowsMovedWithoutConntrack }) =>
      [name, backends, frontends, m, tableBytes, all, movedShare, collateralShare, flowsMovedWithoutConntrack]))
})

export const foundMapsTable = ({ node, found }: NodeMemory): Table => ({
  title: `${node}: maps by name`,
  columns: [column('map', 'map'), column('found', 'found'), column('foundBytes', 'memlock found'), column('predictedBytes', 'predicted'),
    column('differenceBytes', 'difference'), column('foundMaxEntries', 'max entries'), column('predictedMaxEntries', 'predicted'),
    column('foundShapeBytes', 'predicted at its size'), column('foundEntries', 'entries in it')],
  rows: [
    ...(found?.maps ?? []).map((map): Cell[] =>
      [map.name, map.found, map.foundBytes, map.predictedBytes, map.differenceBytes, map.foundMaxEntries, map.predictedMaxEntries,
        map.foundShapeBytes, map.foundEntries]),
    ['not the load balancer\'s', found?.others.maps ?? 0, found?.others.memlockBytes ?? 0, null, null, null, null, null, null]
  ]
})

export const foundTablesTable = ({ node, found }: NodeMemory): Table => ({
  title: `${node}: inner maps by shape`,
  columns: [column('valueSize', 'value bytes'), column('maxEntries', 'max entries'), column('flags', 'flags', 'plain'), column('found', 'found'),
    column('predicted', 'predicted'), column('foundBytes', 'memlock found'), column('predictedBytes', 'predicted')],
  rows: (found?.tables ?? []).map((one) =>
    [one.valueSize, one.maxEntries, one.flags, one.found, one.predicted, one.foundBytes, one.predictedBytes])
})

/** One record type per `scope`: `class` is of one frontend, `map`, `connection`, `total` and `bill` of a node, `elsewhere` of a service. */
export function records ({ nodes, alternatives }: MemoryReport): ReportDocument['records'] {
  const head = [column('scope', ''), column('node', ''), column('layout', ''), column('kernel', ''), column('map', ''), column('maps', ''),
    column('entries', ''), column('maxEntries', ''), column('pressure', ''), column('perCpuBytes', ''), column('from', '')]
  const rows = [...nodes.flatMap(nodeRecords), ...alternatives.flatMap(elsewhereRecords)]
  return { columns: [...head, ...recordColumns], rows }
}

function nodeRecords (node: NodeMemory): Cell[][] {
  const about = [node.node, node.layout, node.kernel]
  const from = node.layout === 'flat' ? 'computed' : 'measured'
  const classes = memoryCells(node).map((cells): Cell[] => ['class', ...about, 'tables', 1, null, null, null, null, from, ...cells])
  const maps = node.maps.map((map): Cell[] =>
    ['map', ...about, map.name, map.maps, map.entries, map.maxEntries, map.pressure, map.perCpuBytes, map.from, ...bytesCells(map)])
  const connections = node.connections.map((map): Cell[] =>
    ['connection', ...about, map.name, 1, null, map.maxEntries, null, map.perCpuBytes, map.from, ...bytesCells(map)])
  const total: Cell[] = ['total', ...about, 'total', null, null, null, null, node.perCpuBytes, null,
    ...bytesCells({ ...node.total, byKernel: node.totalByKernel })]
  return [...classes, ...maps, ...connections, total, ['bill', ...about, 'bill', null, null, null, null, null, null, ...bytesCells(node.bill)]]
}

const bytesCells = ({ byKernel = [], ...bytes }: Bytes & { readonly byKernel?: readonly KernelBytes[] }): Cell[] =>
  figures({ memlockBytes: bytes.memlockBytes, memlockOtherKernelBytes: otherKernel(byKernel), allocatedBytes: bytes.allocatedBytes })

function elsewhereRecords ({ name, rows }: Alternative): Cell[][] {
  return rows.map(({ disruption, tableBytes, flowsMovedWithoutConntrack: _, ...row }): Cell[] =>
    ['elsewhere', name, null, null, 'tables', 1, null, null, null, null, 'computed',
      ...figures({ ...row, ...disruption, allocatedBytes: tableBytes, disruptionTrials: disruption?.trials })])
}

const recordColumns = memoryColumns('')

const figures = (known: Readonly<Record<string, Cell | undefined>>): Cell[] => recordColumns.map(({ key }) => known[key] ?? null)
