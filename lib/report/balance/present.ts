// The balance report as something to read.

import type { Chart, ReportDocument, Section } from '../document.ts'
import { mainRows, sizeChart } from '../size-chart.ts'
import type { Cell, Column, Table } from '../table.ts'
import { column, formatShare, subjectText } from '../words.ts'
import { imbalanceOf } from './evenness.ts'
import type { BalanceReport, BalanceRow, NodeBalance } from './report.ts'

export function presentBalance (report: BalanceReport): ReportDocument {
  return {
    title: `Balance of ${subjectText(report.subject)}`,
    headline: headline(report),
    findings: report.nodes.flatMap(findings),
    sections: [
      {
        title: 'Slots and flows per backend',
        text: 'Most and least loaded backend over the mean, spread and Jain index: of the table\'s slots, and of flows that were run.',
        charts: [slotsChart(report), flowsChart(report)],
        tables: report.nodes.map(balanceTable)
      },
      ...worstSection(report),
      ...weightsSection(report)
    ],
    notes: report.notes,
    records: {
      columns: [column('node', ''), column('layout', ''), ...balanceColumns],
      rows: report.nodes.flatMap((node) => balanceCells(node).map((cells) => [node.node, node.layout, ...cells]))
    }
  }
}

const worstOf = ({ rows }: NodeBalance): BalanceRow | undefined =>
  rows.reduce<BalanceRow | undefined>((most, row) => most === undefined || imbalance(row) > imbalance(most) ? row : most, undefined)

const imbalance = (row: BalanceRow): number => imbalanceOf(row.slots.worst)

function headline ({ nodes }: BalanceReport): string {
  const shown = nodes.flatMap((node) => worstOf(node) ?? [])
  const [first] = nodes
  const worst = first === undefined ? undefined : worstOf(first)
  if (first === undefined || worst === undefined || shown.length === 0) return 'There is no service with a table to report on.'
  const others = nodes.slice(1).flatMap((node) => {
    const row = worstOf(node)
    return row === undefined ? [] : [`${formatShare(imbalance(row))} on ${node.node}`]
  })
  return `No backend on ${first.node} has slots for more than ${formatShare(imbalance(worst))} above or below its share` +
    `${others.length === 0 ? '' : `; ${others.join(', ')}`}; ${noise(nodes.flatMap(({ rows }) => rows))}.`
}

const unlikely = 0.01

/** is what flows differ by from slots chance? */
function noise (rows: readonly BalanceRow[]): string {
  const tested = rows.flatMap(({ flows }) => flows?.chiSquare ?? [])
  const odd = tested.filter(({ pValue }) => pValue < unlikely)
  if (tested.length === 0) return 'no flows were tested'
  return `flows follow the slots up to chance in ${tested.length - odd.length} of ${tested.length} classes`
}

function findings (node: NodeBalance): string[] {
  const most = node.rows.reduce<BalanceRow | undefined>((one, row) =>
    (row.flows?.evenness.maxOverMean.mean ?? 0) > (one?.flows?.evenness.maxOverMean.mean ?? 0) ? row : one, undefined)
  const without = node.rows.filter(({ withoutSlots }) => withoutSlots > 0)
  return [
    ...most?.flows == null
      ? []
      : [`${node.node}: of about ${Math.round(most.flows.flows / most.flows.evenness.maxOverMean.trials)} flows to a service of ${most.backends} the busiest backend gets ${most.flows.evenness.maxOverMean.mean.toFixed(2)} ` +
        `times the mean; of its slots it has ${most.slots.worst.maxOverMean.toFixed(2)} times the mean at most.`],
    ...without.map((row) => `${node.node}: services of ${row.backends} in ${row.m} slots leave up to ${row.withoutSlots} backends without any.`),
    ...node.warnings.map(({ frontends, frontend, message }) =>
      `${node.node}: ${message} (${frontend}${frontends > 1 ? ` and ${frontends - 1} more` : ''}).`)
  ]
}

const slotsChart = ({ nodes }: BalanceReport): Chart => sizeChart(nodes, {
  id: 'slots-by-size',
  title: 'Slots of the furthest backend from its share',
  description: 'By how much the backend furthest from its share of slots is off, in the worst service of each size, a line for each node.',
  y: { label: 'off its share of slots', unit: 'share', scale: 'linear' }
}, (node) => mainRows(node).map((row) =>
  ({ x: row.backends, y: imbalance(row), note: `N = ${row.backends}, M = ${row.m}: ${formatShare(imbalance(row))}` })))

const flowsChart = ({ nodes }: BalanceReport): Chart => sizeChart(nodes, {
  id: 'flows-by-size',
  title: 'Spread of flows over backends',
  description: 'Coefficient of variation of flows per backend over the number of backends, with 95 % intervals, a line for each node.',
  y: { label: 'standard deviation over mean', unit: 'share', scale: 'linear' }
}, (node) => mainRows(node).flatMap(({ backends, flows }) => {
  if (flows === null) return []
  const { mean, low, high, trials } = flows.evenness.coefficientOfVariation
  const note = `N = ${backends}: ${formatShare(mean)} in ${trials} populations, ${flows.flows} flows together`
  return [{ x: backends, y: mean, ...trials > 1 ? { low, high } : {}, note }]
}))

const ratio = (key: string, title: string): Column => column(key, title)

const balanceColumns: readonly Column[] = [
  column('family', 'IP', 'plain'), column('backends', 'N'), column('frontends', 'frontends'), column('m', 'M', 'plain'),
  column('slotsOffShare', 'slots off', 'percent'), ratio('slotsMaxOverMean', 'max/mean'), ratio('slotsMinOverMean', 'min/mean'),
  column('slotsCoefficientOfVariation', 'cv', 'percent'), ratio('slotsJainIndex', 'Jain'), column('withoutSlots', 'no slot'),
  column('weightsWorstError', 'weights off', 'percent'),
  column('flows', 'flows'), ratio('flowsMaxOverMean', 'max/mean'), ratio('flowsMinOverMean', 'min/mean'),
  column('flowsCoefficientOfVariation', 'cv', 'percent'), ratio('flowsJainIndex', 'Jain'), ratio('chiSquare', 'chi-square'),
  column('degreesOfFreedom', 'df'), ratio('pValue', 'p'), column('populations', 'populations')
]

const balanceCells = (node: NodeBalance): Cell[][] => node.rows.map((row) => {
  const { worst } = row.slots
  const { flows } = row
  return [
    row.family, row.backends, row.frontends, row.m, imbalance(row), worst.maxOverMean, worst.minOverMean, worst.coefficientOfVariation,
    worst.jainIndex, row.withoutSlots, row.weights?.worstError ?? null,
    flows?.flows ?? null, flows?.evenness.maxOverMean.mean ?? null, flows?.evenness.minOverMean.mean ?? null,
    flows?.evenness.coefficientOfVariation.mean ?? null, flows?.evenness.jainIndex.mean ?? null, flows?.chiSquare?.statistic ?? null,
    flows?.chiSquare?.degreesOfFreedom ?? null, flows?.chiSquare?.pValue ?? null, flows?.evenness.jainIndex.trials ?? null
  ]
})

const balanceTable = (node: NodeBalance): Table => ({
  title: `${node.node}: layout ${node.layout}; slots of the worst service of each class, flows of one`,
  columns: balanceColumns,
  rows: balanceCells(node)
})

function worstSection ({ nodes }: BalanceReport): Section[] {
  const rows = nodes.flatMap((node) => node.worst.map((one): Cell[] => [node.node, one.frontend, one.backends, one.m, one.imbalance]))
  if (rows.length === 0) return []
  const columns = [column('node', 'node'), column('frontend', 'frontend'), column('backends', 'N'), column('m', 'M', 'plain'),
    column('slotsOffShare', 'slots off', 'percent')]
  return [{ title: 'Furthest from even', charts: [], tables: [{ title: 'Furthest from even', columns, rows }] }]
}

function weightsSection ({ nodes }: BalanceReport): Section[] {
  const tables = nodes.flatMap((node) => node.weighted.map((one): Table => ({
    title: `${node.node}: ${one.frontend}, M = ${one.m}${one.ignored ? '; the weights average below 2 and are ignored' : ''}`,
    columns: [column('address', 'backend'), column('port', 'port', 'plain'), column('weight', 'weight', 'plain'),
      column('wantedShare', 'wanted', 'percent'), column('slots', 'slots'), column('gotShare', 'got', 'percent'), column('relativeError', 'off', 'percent')],
    rows: one.backends.map((backend) =>
      [backend.address, backend.port, backend.weight, backend.wantedShare, backend.slots, backend.gotShare, backend.relativeError])
  })))
  return tables.length === 0 ? [] : [{ title: 'Weights wanted and got', charts: [], tables }]
}
