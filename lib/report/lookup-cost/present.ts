// The lookup-cost report as something to read.

import { regions } from '../../bpf/core/cost.ts'
import { STEPS_PER_RUN } from '../../datapath/index.ts'
import type { StepProbe } from '../../datapath/index.ts'
import type { ReportDocument, Section } from '../document.ts'
import type { Cell, Column, Table } from '../table.ts'
import { answerColumn, column, counted, NO_TABLE, subjectText } from '../words.ts'
import { tableSizesText } from './benchmark.ts'
import type { CacheCost } from './cache-cost.ts'
import type { LookupCostReport, LookupCostRow, NodeLookupCost, StepRow } from './report.ts'

export function presentLookupCost (report: LookupCostReport): ReportDocument {
  return {
    title: `Work per packet of ${subjectText(report.subject)}`,
    headline: headline(report),
    findings: [...report.nodes.map(summary), ...answers(report)],
    sections: [workSection(report), ...cacheSection(report), ...timesSection(report), questionsSection(report)],
    notes: report.notes,
    records: records(report)
  }
}

function headline (report: LookupCostReport): string {
  const { nodes } = report
  const [first, ...others] = nodes
  if (first === undefined) return 'There is no node to report on.'
  if (nodes.every(({ rows }) => rows.length === 0)) return NO_TABLE
  return `A packet costs ${instructionsOf(first)} instructions on ${first.node}${others.map((node) => `, ${instructionsOf(node)} on ${node.node}`).join('')}` +
    `${manyServicesWords(report) ?? missesWords(nodes)}.`
}

/** What counts with many services, where it was measured: the tables' share of the caches decides. */
function manyServicesWords ({ nodes, benchmark }: LookupCostReport): string | null {
  const timed = nodes.flatMap(({ node, lookupNs }) => lookupNs === null ? [] : [`${lookupNs.mixNs} ns on ${node}`])
  if (benchmark === null || timed.length === 0) return null
  return `; from hash to backend id, over the ${counted(benchmark.services.made, 'service')} of the benchmark's mix, the kernel takes ${timed.join(', ')}`
}

/** the same packets, said of the first node and of the one that misses least */
function missesWords (nodes: readonly NodeLookupCost[]): string {
  const missing = nodes.flatMap(({ node, cache }) => cache === null ? [] : [{ node, misses: lastMisses(cache) }])
  const [first] = missing
  const least = missing.toSorted((one, other) => one.misses - other.misses)[0]
  if (first === undefined || least === undefined || missing.every(({ misses }) => misses < 0.005)) return ''
  const words = `; a packet of a new flow waits for memory ${first.misses.toFixed(2)} times on ${first.node}`
  return least.node === first.node ? words : `${words}, ${least.misses < 0.005 ? 'never' : `${least.misses.toFixed(2)} times`} on ${least.node}`
}

const lastMisses = ({ levels, lookups }: CacheCost): number => (levels.at(-1)?.missed ?? 0) / lookups

function instructionsOf ({ rows }: NodeLookupCost): string {
  const all = rows.map((row) => row.cost.instructions)
  const [least, most] = [Math.min(...all), Math.max(...all)]
  return all.length === 0 ? 'no' : least === most ? `${least}` : `${least} to ${most}`
}

function summary (node: NodeLookupCost): string {
  const range = node.rows.length === 0 ? 'no frontend with a table' : `${instructionsOf(node)} instructions per packet`
  const calls = [...new Set(node.rows.map((row) => `${row.cost.mapCalls} of ${row.cost.mapLookups}`))].join(' or ')
  const kernel = node.rows.flatMap(({ ns }) => ns?.kernel ?? [])
  const ns = kernel.length === 0 ? '' : `, ${spread(kernel)} ns in the kernel when one flow is looked up over and over`
  const misses = node.cache === null ? '' : `, ${missesOf(node.cache)} misses per lookup of a new flow`
  return `${node.node} (${node.layout}): ${range}${calls === '' ? '' : `, ${calls} map lookups are calls`}${ns}${misses}`
}

const missesOf = ({ levels, lookups }: CacheCost): string => levels.map(({ name, missed }) => `${(missed / lookups).toFixed(2)} ${name}`).join(', ')

const spread = (values: readonly number[]): string => {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  return least === most ? `${least}` : `${least} to ${most}`
}

/** What people ask of the steps, answered by the figures there are. */
function answers ({ steps }: LookupCostReport): string[] {
  const of = (step: StepProbe): StepRow | undefined => steps.find((row) => row.step === step)
  const [inlined, called, indirect] = [of('inlined'), of('called'), of('indirect')]
  const [immediate, rodata, maxEntries] = [of('immediate'), of('rodata'), of('max-entries')]
  if (inlined === undefined || called === undefined || indirect === undefined) return []
  if (immediate === undefined || rodata === undefined || maxEntries === undefined) return []
  const saved = inlined.instructions - called.instructions
  return [
    `Were inner arrays never inlined, each lookup in one would take ${number(saved)} fewer instructions and one more call (averages over ${STEPS_PER_RUN} steps in a row)` + (
      timesOf(inlined, called) === null
        ? '.'
        : `: ${more(inlined, called)} ns more where the kernel calls the array's function directly, ${more(inlined, indirect)} ns more through the general function, which goes on indirectly.`
    ),
    `M read from the map at run time takes ${number(maxEntries.instructions - immediate.instructions)} instructions more than M as an immediate, M in .rodata ` +
      `${number(rodata.instructions - immediate.instructions)} more` + (
      timesOf(immediate, maxEntries) === null
        ? '.'
        : `; hash % M takes ${ns(immediate)} ns with an immediate, ${ns(rodata)} ns with .rodata, ${ns(maxEntries)} ns with the map's own M.`
    )
  ]
}

const number = (value: number): string => `${Math.round(value * 10) / 10}`
const ns = (row: StepRow): string => (row.ns ?? 0).toFixed(1)
const timesOf = (one: StepRow, other: StepRow): number | null => one.ns === null || other.ns === null ? null : other.ns - one.ns
const more = (one: StepRow, other: StepRow): string => (timesOf(one, other) ?? 0).toFixed(1)

const workSection = (report: LookupCostReport): Section => ({
  title: 'Work by service size',
  charts: [{
    id: 'instructions',
    title: 'Instructions of one packet',
    description: 'Instructions of one packet to a service of each size, by node.',
    form: 'bars',
    x: { label: 'backends of the service', unit: null, scale: 'category' },
    y: { label: 'instructions', unit: null, scale: 'linear' },
    series: report.nodes.map(({ node, rows }) => ({
      name: node,
      points: rows.map((row) => ({ x: sizeOf(row, rows), y: row.cost.instructions, note: `M = ${row.m}` }))
    }))
  }],
  tables: report.nodes.map((node) => lookupCostTable(node, report.benchmark !== null))
})

/** Nodes are beside each other by size; M tells apart only what one node has twice. */
function sizeOf (row: LookupCostRow, rows: readonly LookupCostRow[]): string {
  const size = ({ family, protocol, backends }: LookupCostRow): string => `${backends}${family === 6 ? ' IPv6' : ''}${protocol === 'UDP' ? ' UDP' : ''}`
  return rows.filter((other) => size(other) === size(row)).length > 1 ? `${size(row)} (M=${row.m})` : size(row)
}

function cacheSection (report: LookupCostReport): Section[] {
  const modelled = report.nodes.flatMap((node) => node.cache === null ? [] : [{ node: node.node, cache: node.cache }])
  const [first] = modelled
  if (first === undefined) return []
  const levels = first.cache.levels.map(({ name }) => name)
  return [{
    title: 'Misses of a model of caches',
    text: `New flows to all services, ${first.cache.services.made} of ${first.cache.services.of} made. A packet that misses the last level waits for memory.`,
    charts: [{
      id: 'misses',
      title: 'Cache misses per lookup of a new flow',
      description: 'Misses per lookup of each level of the cache model, by node.',
      form: 'bars',
      x: { label: 'level', unit: null, scale: 'category' },
      y: { label: 'misses per lookup', unit: null, scale: 'linear' },
      series: modelled.map(({ node, cache: { levels: missing, lookups } }) =>
        ({ name: node, points: missing.map(({ name, missed }) => ({ x: name, y: missed / lookups })) }))
    }],
    tables: [{
      title: 'Accesses and misses per lookup',
      columns: [
        column('node', 'node'), column('services', 'services'), column('warmUpLookups', 'warm-up lookups'), column('lookups', 'lookups'),
        column('accesses', 'accesses', 'decimal'), ...levels.map((name) => answerColumn(`missed${name}`, `${name} misses`))
      ],
      rows: modelled.map(({ node, cache }) => [
        node, cache.services.made, cache.warmUpLookups, cache.lookups, cache.accesses / cache.lookups,
        ...cache.levels.map(({ missed }) => missed / cache.lookups)
      ])
    }]
  }]
}

function timesSection ({ nodes, benchmark }: LookupCostReport): Section[] {
  if (benchmark === null) return []
  const { machine, run, measuredAt, rounds, withoutKernel } = benchmark
  const timed = nodes.flatMap((node) => node.lookupNs === null ? [] : [{ node: node.node, ...node.lookupNs }])
  return [{
    title: 'Times of a machine',
    text: `Quoted from ${run === null ? 'a file' : `run ${run}`}, measured ${measuredAt} on ${machine.cpu}, ${machine.cpus} CPUs, Linux ${machine.kernel}, Node ${machine.node}; ` +
      `medians of ${counted(rounds, 'round')}.${withoutKernel === null ? '' : ` The kernel was not measured: ${withoutKernel}.`}`,
    charts: timed.length === 0
      ? []
      : [{
          id: 'ns',
          title: 'Hash to backend id in the kernel',
          description: 'ns per lookup in the kernel, one service over and over and all services of the mix, by node.',
          form: 'bars',
          x: { label: 'services', unit: null, scale: 'category' },
          y: { label: 'time per lookup', unit: 'ns', scale: 'linear' },
          series: timed.map((row) => ({
            name: row.node,
            points: [{ x: 'one small', y: row.hotSmallNs }, { x: 'one large', y: row.hotLargeNs }, { x: benchmark.mix, y: row.mixNs }]
          }))
        }],
    tables: [{
      title: `Hash to backend id in the kernel, ns per run; an empty program takes ${benchmark.emptyNs ?? 'unknown'} ns of it`,
      columns: [
        column('node', 'node'), column('layout', 'layout'), column('tableSizes', 'M'), column('mixNs', benchmark.mix),
        column('hotSmallNs', 'one small'), column('hotLargeNs', 'one large'), column('memlockBytes', 'memlock of the tables')
      ],
      rows: timed.map((row) => [
        row.node, row.layout, benchmark.tables === null ? '' : tableSizesText(row, benchmark.tables), row.mixNs, row.hotSmallNs, row.hotLargeNs, row.memlockBytes
      ])
    }]
  }]
}

const stepWords: Readonly<Record<StepProbe, string>> = {
  inlined: 'inner array, inlined',
  called: 'inner array, called directly (BPF_F_INNER_MAP, or never inlined)',
  indirect: 'inner array, through bpf_map_lookup_elem (a call site that may see two maps)',
  immediate: 'hash % M, M an immediate',
  rodata: 'hash % M, M in .rodata, as Cilium has it',
  'max-entries': 'hash % M, M read from the map',
  'no-lookup': 'without the lookup',
  'no-modulo': 'without the remainder'
}

const questionsSection = ({ steps, benchmark }: LookupCostReport): Section => ({
  title: 'Questions',
  text: 'What single steps take beyond the same program without them.' + (benchmark?.machine.spectreV2 == null ? '' : ` Indirect branches on that machine: ${benchmark.machine.spectreV2}.`),
  charts: [],
  tables: [{
    title: 'Steps of a lookup',
    columns: [column('step', 'step'), column('instructions', 'instructions', 'decimal'), column('mapCalls', 'calls'), column('ns', 'kernel ns', 'decimal')],
    rows: steps.map((row) => [stepWords[row.step], row.instructions, row.mapCalls, row.ns ?? (benchmark === null ? 'not measured here' : null)])
  }]
})

const lookupCostColumns: readonly Column[] = [
  column('family', 'IP', 'plain'), column('protocol', 'proto'), column('backends', 'N'), column('frontends', 'frontends'), answerColumn('m', 'M', 'plain'),
  answerColumn('instructions', 'instructions'), column('instructionsMin', 'least'), column('instructionsMax', 'most'),
  answerColumn('mapLookups', 'map lookups'), answerColumn('mapCalls', 'map calls'), answerColumn('cacheLines', 'lines'), answerColumn('mapCacheLines', 'of maps'),
  answerColumn('interpreterNs', 'interpreter ns', 'decimal'), answerColumn('kernelNs', 'kernel ns'),
  ...regions.map((region) => column(`loads${region[0]?.toUpperCase()}${region.slice(1)}`, `ld ${region}`)),
  ...regions.map((region) => column(`stores${region[0]?.toUpperCase()}${region.slice(1)}`, `st ${region}`)),
  column('flows', 'flows'), column('verdicts', 'verdicts')
]

const lookupCostCells = (node: NodeLookupCost): Cell[][] => node.rows.map((row) => [
  row.family, row.protocol, row.backends, row.frontends, row.m, row.cost.instructions, row.instructionsMin, row.instructionsMax,
  row.cost.mapLookups, row.cost.mapCalls, row.lines.total, row.lines.maps, row.ns?.interpreter ?? null, row.ns?.kernel ?? null,
  ...regions.map((region) => row.cost.loads[region]),
  ...regions.map((region) => row.cost.stores[region]),
  row.flows, Object.entries(row.verdicts).map(([verdict, count]) => `${verdict} ${count}`).join(' ')
])

/** @param withTimes columns of times too, which are empty where no benchmark is quoted */
function lookupCostTable (node: NodeLookupCost, withTimes: boolean): Table {
  const shown = lookupCostColumns.map(({ key }) => withTimes || !timeColumns.includes(key))
  return {
    title: `${node.node}: layout ${node.layout}, kernel ${node.kernel}, inlining ${node.inlining}, ${node.engine}` +
      (node.program === null ? '' : `; program ${node.program.name}, ${node.program.insnsTranslated} instructions translated`),
    columns: lookupCostColumns.filter((_, index) => shown[index]),
    rows: lookupCostCells(node).map((cells) => cells.filter((_, index) => shown[index]))
  }
}

const timeColumns: readonly string[] = ['interpreterNs', 'kernelNs']

function records (report: LookupCostReport): ReportDocument['records'] {
  const head = [column('node', ''), column('layout', ''), column('kernel', ''), column('inlining', '')]
  return {
    columns: [...head, ...lookupCostColumns],
    rows: report.nodes.flatMap((node) => lookupCostCells(node)
      .map((cells) => [node.node, node.layout, node.kernel, node.inlining, ...cells]))
  }
}
