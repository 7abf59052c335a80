// The memory report as something to read: the answer, findings, charts and tables. What each table says is in present-tables.ts.

import { collateralOf } from '../disruption/leaving.ts'
import type { Leaving } from '../disruption/leaving.ts'
import type { Chart, ReportDocument, Section } from '../document.ts'
import { intervalText } from '../estimate.ts'
import { nodeName, sizeChart } from '../size-chart.ts'
import { counted, formatBytes, formatShare, NO_TABLE, subjectText } from '../words.ts'
import { OTHERS_TABLE_SIZE } from './alternatives.ts'
import type { Alternative } from './alternatives.ts'
import type { ConnectionMap } from './cilium-maps.ts'
import { isMaglev } from './groups.ts'
import {
  alternativesTable, connectionsTable, foundMapsTable, foundTablesTable, headroomTable, mapsTable, memoryTable, outerTable, peaksTable,
  records, servicesTable
} from './present-tables.ts'
import type { Bytes } from './map-bytes.ts'
import { usualBatch } from './peak.ts'
import type { MemoryReport, NodeMemory } from './report.ts'
import type { MemoryRow } from './rows.ts'

export function presentMemory (report: MemoryReport): ReportDocument {
  return {
    title: `Memory of ${subjectText(report.subject)}`,
    headline: headline(report),
    findings: [...report.nodes.map((node) => finding(node, report.nodes[0])), ...comparisons(report)],
    sections: sections(report),
    notes: report.notes,
    records: records(report)
  }
}

/** Nodes are compared by their Maglev tables; who has none (flat) by the arrays that hold them. */
export const tableBytes = (node: NodeMemory): number => node.maps.find((map) => map.name === 'tables')?.memlockBytes ?? node.maglev.memlockBytes

/** The row that fares worst when a backend leaves, on average. */
function worstRow ({ rows }: NodeMemory): (MemoryRow & { readonly disruption: Leaving }) | null {
  const known = rows.flatMap((row) => row.disruption === null ? [] : [{ ...row, disruption: row.disruption }])
  return known.reduce<typeof known[number] | null>((most, row) =>
    most === null || row.disruption.collateralShare > most.disruption.collateralShare ? row : most, null)
}

const sizesText = ({ rows }: NodeMemory): string => {
  const sizes = rows.map(({ m }) => m)
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)]
  return least === most ? `M = ${least}` : `M = ${least} to ${most}`
}

/** Nothing is said of the largest where there was but one trial, or none moved anything. */
const worstText = ({ collateralShareMax, trials, complete }: Leaving): string =>
  trials < 2 || collateralShareMax === 0 ? '' : `, ${formatShare(collateralShareMax)} in the worst${complete ? '' : ` of ${trials}`}`

const leavesText = (node: NodeMemory, mean: (leaving: Leaving) => string): string => {
  const row = worstRow(node)
  if (row === null) return ''
  return row.disruption.collateralShareMax === 0
    ? 'when a backend leaves, no flow of another one moves'
    : `when a backend leaves, on average ${mean(row.disruption)} of the flows to a service of ${row.backends} move without need${worstText(row.disruption)}`
}

const shareOf = ({ collateralShare }: Leaving): string => formatShare(collateralShare)

/** What the first node takes, the least that the same picks fit in, and what moves; nodes whose tables are others are findings. */
function headline ({ nodes }: MemoryReport): string {
  const [first, ...others] = nodes
  if (first === undefined) return 'There is no node to report on.'
  if (first.rows.length === 0) return NO_TABLE
  const same = others.filter(({ node }) => first.samePicksAs.includes(node))
  const [least] = [...same].sort((one, other) => tableBytes(one) - tableBytes(other))
  const fits = least !== undefined && tableBytes(least) < tableBytes(first) ? `; the same picks fit in ${formatBytes(tableBytes(least))} (${least.node})` : ''
  const alike = same.filter((node) => node !== least || fits === '').map((node) => `${formatBytes(tableBytes(node))} on ${node.node} (the same picks)`)
  return `Maglev costs ${formatBytes(tableBytes(first))} on every node like ${first.node} (${sizesText(first)})${fits}${alike.map((one) => `; ${one}`).join('')}; ` +
    `${leavesText(first, shareOf)}.`
}

/** @param first whose picks the others' are held against */
function finding (node: NodeMemory, first: NodeMemory | undefined): string {
  const tables = node.maps.find((map) => map.name === 'tables')
  const maglev = formatBytes(node.maglev.memlockBytes)
  const held = tables === undefined
    ? `Maglev arrays with room for every service ${maglev}`
    : `Maglev tables ${formatBytes(tables.memlockBytes)} (${formatBytes(tables.allocatedBytes)} allocated), with their outer maps ${maglev}`
  const isOther = first !== undefined && first !== node && !first.samePicksAs.includes(node.node)
  const leaves = node.rows.length === 0 ? '' : `; ${sizesText(node)}${isOther ? `, other picks than on ${first.node}` : ''}: ${leavesText(node, (leaving) => intervalText(collateralOf(leaving)))}`
  return `${node.node} (${node.layout}): ${held}, all maps ${formatBytes(node.total.memlockBytes)}${leaves}.`
}

function comparisons ({ nodes, sizing, alternatives }: MemoryReport): string[] {
  const [first] = nodes
  if (first === undefined) return []
  const found = nodes.flatMap(({ node, found }) => found === null
    ? []
    : [`The maps given take ${formatBytes(found.total.foundBytes)} of what ${node} is predicted to take, ${formatBytes(found.total.predictedBytes)}; ` +
      `${found.others.maps} others (${formatBytes(found.others.memlockBytes)}) are not the load balancer's.`])
  return [...found, ...growth(first), ...outerAndPeak(first), bill(first, sizing.ramBytes), ...elsewhere(alternatives)]
}

/** Bytes of others with what moves there. */
function elsewhere (alternatives: readonly Alternative[]): string[] {
  const withTable = alternatives.flatMap(({ name, rows }) => name === 'katran' ? rows : [])
  if (withTable.length === 0) return []
  const worst = withTable.reduce((most, one) => (one.collateralShare ?? 0) > (most.collateralShare ?? 0) ? one : most)
  const bytes = (name: Alternative['name']): string => alternatives.filter((one) => one.name === name)
    .map(({ tableBytes, fits }) => `${formatBytes(tableBytes)}${fits ? '' : ' (has no place for so many)'}`).join()
  const random = alternatives.flatMap(({ name, rows }) => name === 'random' ? rows.flatMap(({ movedShare }) => movedShare ?? []) : [])
  const [least, most] = [formatShare(Math.min(...random)), formatShare(Math.max(...random))]
  return [
    `Elsewhere, at M = ${OTHERS_TABLE_SIZE}: katran ${bytes('katran')}, envoy ${bytes('envoy')}; when a backend leaves, on average ` +
      `${formatShare(worst.collateralShare ?? 0)} of the flows to a service of ${worst.backends} move without need. random holds no table, and moves ` +
      `${least === most ? least : `${least} to ${most}`} of the flows that no conntrack entry knows.`
  ]
}

function growth ({ node, fullest, headroom }: NodeMemory): string[] {
  const [least] = [...headroom].sort((one, other) => one.moreServices - other.moreServices)
  const [most] = [...headroom].sort((one, other) => other.moreServices - one.moreServices)
  if (fullest === null || least === undefined || most === undefined) return []
  const more = least === most
    ? `${counted(least.moreServices, 'more service')} of ${counted(least.backends, 'backend')} ${least.moreServices === 1 ? 'fits' : 'fit'}`
    : `between ${counted(least.moreServices, 'more service')} of ${counted(least.backends, 'backend')} and ${most.moreServices} of ${most.backends} fit`
  return [`The fullest map of ${node} is ${fullest.map} at ${formatShare(fullest.pressure)}; ${more}.`]
}

function outerAndPeak ({ node, outerMaps, peaks }: NodeMemory): string[] {
  const [plain, preallocated] = outerMaps
  const all = peaks.at(-1)
  const batch = peaks.slice(0, -1).find(({ services }) => services === usualBatch)
  return [
    ...(plain === undefined || preallocated === undefined
      ? []
      : [`An outer map of ${node} takes ${formatBytes(plain.empty.memlockBytes)} empty and ${formatBytes(plain.full.memlockBytes)} full, preallocated ` +
        `${formatBytes(preallocated.full.memlockBytes)} either way.`]),
    ...(all === undefined
      ? []
      : [`While tables of ${node} are replaced it takes ${formatBytes(all.oneByOne.more.memlockBytes)} more one by one, ` +
        `${batch === undefined ? '' : `${formatBytes(batch.batch.more.memlockBytes)} more in batches of ${batch.services}, `}` +
        `${formatBytes(all.batch.more.memlockBytes)} more when all ${all.services} are replaced by one batch.`])
  ]
}

function bill ({ node, bill, billOfIpv4, maglev }: NodeMemory, ramBytes: number): string {
  const share = ({ memlockBytes }: Bytes, of: Bytes): string => formatShare(of.memlockBytes === 0 ? 0 : memlockBytes / of.memlockBytes)
  const ipv4 = billOfIpv4 === null
    ? ''
    : `; without IPv6 ${formatBytes(billOfIpv4.all.memlockBytes)}, of which Maglev is ${share(billOfIpv4.maglev, billOfIpv4.all)}`
  return `With conntrack, NAT, neighbour and affinity maps as Cilium sizes them at ${(ramBytes / 2 ** 30).toFixed(1)} GiB of memory ${node} takes ` +
    `${formatBytes(bill.memlockBytes)} for both families, of which Maglev is ${share(maglev, bill)}${ipv4}.`
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
  }, ({ curve }) => curve.map(({ backends, m, memlockBytes, formula, disruption }) =>
    ({ x: backends, y: memlockBytes, note: `N = ${backends}, M = ${m}: ${memlockBytes} bytes = ${formula}${moveNote(disruption)}` })))
  const envoy = alternatives.filter(({ name, rows }) => name === 'envoy' && rows.length > 0).map(({ name, formula, rows }) => ({
    name,
    points: rows.filter(({ family, backends }) => family === 4 && backends > 0)
      .map(({ backends, tableBytes, disruption }) =>
        ({ x: backends, y: tableBytes, note: `N = ${backends}, M = ${OTHERS_TABLE_SIZE}: ${tableBytes} bytes = ${formula}${moveNote(disruption)}` }))
  }))
  return { ...chart, series: [...chart.series, ...envoy] }
}

const moveNote = (leaving: Leaving | null): string =>
  leaving === null ? '' : `; when one leaves ${intervalText(collateralOf(leaving))} of its flows move without need${worstText(leaving)}`

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
