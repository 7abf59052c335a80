// The memory report as something to read: the answer, findings, charts and tables. What each table says is in present-tables.ts.

import type { Chart, ReportDocument, Section } from '../document.ts'
import { nodeName, sizeChart } from '../size-chart.ts'
import { formatBytes, formatShare, subjectText } from '../words.ts'
import { OTHERS_TABLE_SIZE } from './alternatives.ts'
import type { ConnectionMap } from './cilium-maps.ts'
import { isMaglev } from './groups.ts'
import {
  alternativesTable, connectionsTable, foundMapsTable, foundTablesTable, headroomTable, mapsTable, memoryTable, outerTable, peaksTable,
  records, servicesTable
} from './present-tables.ts'
import type { MemoryReport, NodeMemory } from './report.ts'

export function presentMemory (report: MemoryReport): ReportDocument {
  return {
    title: `Memory of ${subjectText(report.subject)}`,
    headline: headline(report),
    findings: [...report.nodes.map(finding), ...comparisons(report)],
    sections: sections(report),
    notes: report.notes,
    records: records(report)
  }
}

/** Nodes are compared by their Maglev tables; who has none (flat) by the arrays that hold them. */
const tableBytes = (node: NodeMemory): number => node.maps.find((map) => map.name === 'tables')?.memlockBytes ?? node.maglev.memlockBytes

const worstCollateral = (node: NodeMemory): number => Math.max(0, ...node.rows.map((row) => row.disruption?.collateralShareMax ?? 0))

/** What the first node takes, the least that the same picks fit in, and what moves; then nodes whose tables are others. */
function headline ({ nodes }: MemoryReport): string {
  const [first, ...others] = nodes
  if (first === undefined) return 'There is no node to report on.'
  const same = others.filter(({ node }) => first.samePicksAs.includes(node))
  const [least] = [...same].sort((one, other) => tableBytes(one) - tableBytes(other))
  const fits = least !== undefined && tableBytes(least) < tableBytes(first) ? `; the same picks fit in ${formatBytes(tableBytes(least))} (${least.node})` : ''
  const rest = others.filter((node) => node !== least || fits === '').map((node) =>
    `${formatBytes(tableBytes(node))} on ${node.node} (${same.includes(node) ? 'the same picks' : formatShare(worstCollateral(node))})`)
  return `Maglev costs ${formatBytes(tableBytes(first))} on every node like ${first.node}${fits}, and one backend that leaves moves up to ` +
    `${formatShare(worstCollateral(first))} of a table without need${rest.length === 0 ? '' : `; ${rest.join(', ')}`}.`
}

function finding (node: NodeMemory): string {
  const tables = node.maps.find((map) => map.name === 'tables')
  const maglev = formatBytes(node.maglev.memlockBytes)
  const held = tables === undefined
    ? `Maglev arrays with room for every service ${maglev}`
    : `Maglev tables ${formatBytes(tables.memlockBytes)} (${formatBytes(tables.allocatedBytes)} allocated), with their outer maps ${maglev}`
  return `${node.node} (${node.layout}): ${held}, all maps ${formatBytes(node.total.memlockBytes)}; ` +
    `a backend that leaves moves up to ${formatShare(worstCollateral(node))} of a table without need`
}

function comparisons ({ nodes, sizing, alternatives }: MemoryReport): string[] {
  const [first] = nodes
  if (first === undefined) return []
  const found = nodes.flatMap(({ node, found }) => found === null
    ? []
    : [`The maps given take ${formatBytes(found.total.foundBytes)} of what ${node} is predicted to take, ${formatBytes(found.total.predictedBytes)}; ` +
      `${found.others.maps} others (${formatBytes(found.others.memlockBytes)}) are not the load balancer's.`])
  return [...found, ...growth(first), ...outerAndPeak(first), bill(first, sizing.ramBytes),
    ...(first.rows.length === 0 ? [] : [`Elsewhere: ${alternatives.map(({ name, tableBytes, fits }) => `${name} ${formatBytes(tableBytes)}${fits ? '' : ' (has no place for so many)'}`).join(', ')}.`])]
}

function growth ({ node, fullest, headroom }: NodeMemory): string[] {
  const [least] = [...headroom].sort((one, other) => one.moreServices - other.moreServices)
  const [most] = [...headroom].sort((one, other) => other.moreServices - one.moreServices)
  if (fullest === null || least === undefined || most === undefined) return []
  const more = least === most
    ? `${least.moreServices} more services of ${least.backends} backends fit`
    : `between ${least.moreServices} more services of ${least.backends} backends and ${most.moreServices} of ${most.backends} fit`
  return [`The fullest map of ${node} is ${fullest.map} at ${formatShare(fullest.pressure)}; ${more}.`]
}

function outerAndPeak ({ node, outerMaps, peaks }: NodeMemory): string[] {
  const [plain, preallocated] = outerMaps
  const all = peaks.at(-1)
  return [
    ...(plain === undefined || preallocated === undefined
      ? []
      : [`An outer map of ${node} takes ${formatBytes(plain.empty.memlockBytes)} empty and ${formatBytes(plain.full.memlockBytes)} full, preallocated ` +
        `${formatBytes(preallocated.full.memlockBytes)} either way.`]),
    ...(all === undefined
      ? []
      : [`While tables of ${node} are replaced it takes ${formatBytes(all.oneByOne.more.memlockBytes)} more one by one, ` +
        `${formatBytes(all.batch.more.memlockBytes)} more when all ${all.services} are replaced by one batch.`])
  ]
}

function bill (node: NodeMemory, ramBytes: number): string {
  const share = node.bill.memlockBytes === 0 ? 0 : node.maglev.memlockBytes / node.bill.memlockBytes
  return `With conntrack, NAT, neighbour and affinity maps as Cilium sizes them at ${(ramBytes / 2 ** 30).toFixed(1)} GiB of memory ${node.node} takes ` +
    `${formatBytes(node.bill.memlockBytes)}, of which Maglev is ${formatShare(share)}.`
}

function sections (report: MemoryReport): Section[] {
  const { nodes } = report
  const services = nodes.filter((node) => node.services.length > 0)
  const found = nodes.filter((node) => node.found !== null)
  return [
    { title: 'Bytes by service size', charts: [bytesChart(report)], tables: nodes.map(memoryTable) },
    ...(services.length === 0 ? [] : [{ title: 'The dearest services', charts: [], tables: services.map(servicesTable) }]),
    { title: 'All maps', charts: [], tables: [mapsTable(report)] },
    {
      title: 'The outer map before the number of services is known',
      text: 'Not preallocated it grows with each service, preallocated it is full from the start.',
      charts: [],
      tables: [outerTable(nodes)]
    },
    { title: 'While tables are replaced', text: 'Beyond what a node takes at rest, until an RCU grace period is over.', charts: [], tables: [peaksTable(nodes)] },
    { title: 'How many more services fit', charts: [], tables: [headroomTable(nodes)] },
    { title: 'The whole bill', charts: [billChart(report)], tables: [connectionsTable(distinctBills(nodes))] },
    { title: 'Elsewhere', text: `What others would hold for the same services; disruption at M = ${OTHERS_TABLE_SIZE} by Cilium's fill.`, charts: [], tables: [alternativesTable(report)] },
    ...(found.length === 0 ? [] : [{ title: 'Set against the maps of a machine', charts: [], tables: found.flatMap((node) => [foundMapsTable(node), foundTablesTable(node)]) }])
  ]
}

/** Nodes of the same kernel and CPUs have the same maps for connections: one of them stands for all. */
function distinctBills (nodes: readonly NodeMemory[]): NodeMemory[] {
  const keyOf = ({ kernel, possibleCpus, preallocateMaps }: NodeMemory): string => `${kernel} ${possibleCpus} ${preallocateMaps}`
  return nodes.filter((node, index) => nodes.findIndex((other) => keyOf(other) === keyOf(node)) === index)
}

function bytesChart ({ nodes, alternatives }: MemoryReport): Chart {
  const chart = sizeChart(nodes, {
    id: 'bytes-by-size',
    title: 'Bytes of a table by service size',
    description: 'Memlock of one Maglev table over the number of backends of its service, a line for each node, and the size of Envoy\'s compact table.',
    y: { label: 'memlock of a table', unit: 'bytes', scale: 'log' }
  }, ({ curve }) => curve.map(({ backends, m, memlockBytes, formula }) =>
    ({ x: backends, y: memlockBytes, note: `N = ${backends}, M = ${m}: ${memlockBytes} bytes = ${formula}` })))
  const envoy = alternatives.filter(({ name, rows }) => name === 'envoy' && rows.length > 0).map(({ name, formula, rows }) => ({
    name,
    points: rows.filter(({ family, backends }) => family === 4 && backends > 0)
      .map(({ backends, tableBytes }) => ({ x: backends, y: tableBytes, note: `N = ${backends}, M = ${OTHERS_TABLE_SIZE}: ${tableBytes} bytes = ${formula}` }))
  }))
  return { ...chart, series: [...chart.series, ...envoy] }
}

function billChart ({ nodes }: MemoryReport): Chart {
  const connectionGroups = [...new Set(nodes.flatMap(({ connections }) => connections.map(({ group }) => group)))]
  return {
    id: 'bill-by-map-group',
    title: 'All maps of a node',
    description: 'Memlock of the Maglev tables, of the other load-balancer maps, and of the maps for connections, side by side for each node.',
    form: 'bars',
    x: { label: 'maps', unit: null, scale: 'category' },
    y: { label: 'memlock', unit: 'bytes', scale: 'linear' },
    series: nodes.map((node) => ({
      name: nodeName(node),
      points: [
        { x: 'Maglev', y: node.maglev.memlockBytes, note: `tables and outer maps: ${node.maglev.memlockBytes} bytes` },
        ...restOf(node),
        ...connectionGroups.map((group) => groupPoint(group, node.connections))
      ]
    }))
  }
}

function restOf ({ maps }: NodeMemory): Array<{ x: string, y: number, note: string }> {
  const bytes = maps.filter((map) => !isMaglev(map)).reduce((sum, map) => sum + map.memlockBytes, 0)
  return [{ x: 'services, backends', y: bytes, note: `services, backends, reverse NAT and the rest: ${bytes} bytes` }]
}

function groupPoint (group: ConnectionMap['group'], connections: readonly ConnectionMap[]): { x: string, y: number, note: string } {
  const maps = connections.filter((map) => map.group === group)
  const bytes = maps.reduce((sum, map) => sum + map.memlockBytes, 0)
  return { x: group, y: bytes, note: `${maps.map(({ name, maxEntries }) => `${name} ${maxEntries}`).join(', ')}: ${bytes} bytes` }
}
