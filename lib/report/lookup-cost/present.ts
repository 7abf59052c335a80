// The lookup-cost report as something to read.

import { regions } from '../../bpf/core/cost.ts'
import type { ReportDocument } from '../document.ts'
import type { Cell, Column, Table } from '../table.ts'
import { column, subjectText } from '../words.ts'
import type { LookupCostReport, NodeLookupCost } from './report.ts'

export function presentLookupCost (report: LookupCostReport): ReportDocument {
  return {
    title: `Work per packet of ${subjectText(report.subject)}`,
    headline: headline(report),
    findings: report.nodes.map(summary),
    sections: [{ title: 'Work by service size', charts: [], tables: report.nodes.map(lookupCostTable) }],
    notes: report.notes,
    records: records(report)
  }
}

function headline ({ nodes }: LookupCostReport): string {
  const [first, ...others] = nodes
  if (first === undefined) return 'There is no node to report on.'
  return `A packet costs ${instructionsOf(first)} instructions on ${first.node}${others.map((node) => `, ${instructionsOf(node)} on ${node.node}`).join('')}.`
}

function instructionsOf ({ rows }: NodeLookupCost): string {
  const all = rows.map((row) => row.cost.instructions)
  const [least, most] = [Math.min(...all), Math.max(...all)]
  return all.length === 0 ? 'no' : least === most ? `${least}` : `${least} to ${most}`
}

function summary (node: NodeLookupCost): string {
  const range = node.rows.length === 0 ? 'no frontend with a table' : `${instructionsOf(node)} instructions per packet`
  const calls = [...new Set(node.rows.map((row) => `${row.cost.mapCalls} of ${row.cost.mapLookups}`))].join(' or ')
  return `${node.node} (${node.layout}): ${range}${calls === '' ? '' : `, ${calls} map lookups are calls`}`
}

const lookupCostColumns: readonly Column[] = [
  column('family', 'IP', 'plain'), column('protocol', 'proto'), column('backends', 'N'), column('frontends', 'frontends'), column('m', 'M', 'plain'),
  column('instructions', 'instructions'), column('instructionsMin', 'least'), column('instructionsMax', 'most'),
  column('mapLookups', 'map lookups'), column('mapCalls', 'map calls'),
  ...regions.map((region) => column(`loads${region[0]?.toUpperCase()}${region.slice(1)}`, `ld ${region}`)),
  ...regions.map((region) => column(`stores${region[0]?.toUpperCase()}${region.slice(1)}`, `st ${region}`)),
  column('flows', 'flows'), column('verdicts', 'verdicts')
]

const lookupCostCells = (node: NodeLookupCost): Cell[][] => node.rows.map((row) => [
  row.family, row.protocol, row.backends, row.frontends, row.m, row.cost.instructions, row.instructionsMin, row.instructionsMax,
  row.cost.mapLookups, row.cost.mapCalls, ...regions.map((region) => row.cost.loads[region]),
  ...regions.map((region) => row.cost.stores[region]),
  row.flows, Object.entries(row.verdicts).map(([verdict, count]) => `${verdict} ${count}`).join(' ')
])

const lookupCostTable = (node: NodeLookupCost): Table => ({
  title: `${node.node}: layout ${node.layout}, kernel ${node.kernel}, inlining ${node.inlining}, ${node.engine}` +
    (node.program === null ? '' : `; program ${node.program.name}, ${node.program.insnsTranslated} instructions translated`),
  columns: lookupCostColumns,
  rows: lookupCostCells(node)
})

function records (report: LookupCostReport): ReportDocument['records'] {
  const head = [column('node', ''), column('layout', ''), column('kernel', ''), column('inlining', '')]
  return {
    columns: [...head, ...lookupCostColumns],
    rows: report.nodes.flatMap((node) => lookupCostCells(node)
      .map((cells) => [node.node, node.layout, node.kernel, node.inlining, ...cells]))
  }
}
