// The balance report as something to read.

import { alike, saidOnce } from '../alike.ts'
import type { Alike } from '../alike.ts'
import type { Chart, ReportDocument, Section } from '../document.ts'
import { mainRows, sizeChart } from '../size-chart.ts'
import type { Cell, Column, Table } from '../table.ts'
import { column, counted, formatShare, NO_TABLE, subjectText } from '../words.ts'
import { imbalanceOf } from './evenness.ts'
import type { BalanceReport, BalanceRow, NodeBalance } from './report.ts'

type Group = Alike<NodeBalance>

export function presentBalance (report: BalanceReport): ReportDocument {
  const groups = alike(report.nodes, ({ node: _, layout: __, ...said }) => said).filter(({ node }) => node.rows.length > 0)
  return {
    title: `Balance of ${subjectText(report.subject)}`,
    headline: headline(groups),
    findings: saidOnce(report.nodes, findings),
    sections: [
      {
        title: 'Slots and flows per backend',
        text: 'How far backends are from their share, in percent of it: of the table\'s slots, and of flows that were run. cv is the standard deviation over the mean; Jain\'s index is 1 / (1 + cv²).',
        charts: [slotsChart(report), flowsChart(report)],
        tables: groups.map(balanceTable)
      },
      ...worstSection(groups),
      ...weightsSection(groups)
    ],
    notes: report.notes,
    records: {
      columns: [column('node', ''), column('layout', ''), ...recordColumns],
      rows: report.nodes.flatMap((node) => recordCells(node).map((cells) => [node.node, node.layout, ...cells]))
    }
  }
}

const worstOf = ({ rows }: NodeBalance): BalanceRow | undefined =>
  rows.reduce<BalanceRow | undefined>((most, row) => most === undefined || imbalance(row) > imbalance(most) ? row : most, undefined)

const imbalance = (row: BalanceRow): number => imbalanceOf(row.slots.worst)

function headline (groups: readonly Group[]): string {
  const parts = groups.flatMap(({ names, node }, index) => {
    const row = worstOf(node)
    if (row === undefined) return []
    return [`${index === 0 ? 'On' : 'on'} ${names}${index === 0 ? ' no backend\'s slots are off its share' : ''} by more than ${formatShare(imbalance(row))}`]
  })
  if (parts.length === 0) return NO_TABLE
  return `${parts.join(', ')}; ${noise(groups.flatMap(({ node }) => node.rows))}.`
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
  const flowsOff = ({ flows }: BalanceRow): number => flows === null ? -1 : flows.evenness.maxOverMean.mean
  const [most] = node.rows.toSorted((a, b) => flowsOff(b) - flowsOff(a))
  const without = node.rows.filter(({ withoutSlots }) => withoutSlots > 0)
  return [
    ...most?.flows == null
      ? []
      : [`of about ${Math.round(most.flows.flows / most.flows.evenness.maxOverMean.trials)} flows to a service of ${most.backends} the busiest backend ` +
        `gets ${formatShare(most.flows.evenness.maxOverMean.mean - 1)} more than the mean; of its slots one has ${formatShare(most.slots.worst.maxOverMean - 1)} more at most.`],
    ...without.map((row) => `services of ${row.backends} in ${row.m} slots leave up to ${counted(row.withoutSlots, 'backend')} without any.`),
    ...node.warnings.map(({ frontends, frontend, message }) =>
      `${message} (${frontend}${frontends > 1 ? ` and ${frontends - 1} more` : ''}).`)
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
  const note = `N = ${backends}: ${formatShare(mean)} in ${counted(trials, 'population')}, ${counted(flows.flows, 'flow')} together`
  return [{ x: backends, y: mean, ...trials > 1 ? { low, high } : {}, note }]
}))

const recordColumns: readonly Column[] = [
  'family', 'backends', 'frontends', 'm', 'slotsOffShare', 'slotsMaxOverMean', 'slotsMinOverMean', 'slotsCoefficientOfVariation', 'slotsJainIndex',
  'withoutSlots', 'weightsWorstError', 'flows', 'flowsMaxOverMean', 'flowsMinOverMean', 'flowsCoefficientOfVariation', 'flowsJainIndex', 'chiSquare',
  'degreesOfFreedom', 'pValue', 'populations'
].map((key) => column(key, ''))

const recordCells = (node: NodeBalance): Cell[][] => node.rows.map((row) => {
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

/** What is off, in percent: ratios to the mean would all be 1.00. */
const balanceTable = ({ names, node }: Group): Table => ({
  title: `${names}: slots of the worst service of each class, flows of one`,
  columns: [
    column('backends', 'N'), column('slotsOff', 'slots off', 'percent'), column('flowsMost', 'flows: most', 'percent'),
    column('flowsLeast', 'least', 'percent'), column('flowsSpread', 'cv', 'percent'), column('pValue', 'p'),
    column('slotsMost', 'slots: most', 'percent'), column('slotsLeast', 'least', 'percent'), column('slotsSpread', 'cv', 'percent'), column('withoutSlots', 'no slot'),
    column('weightsWorstError', 'weights off', 'percent'), column('chiSquare', 'chi-square'), column('degreesOfFreedom', 'df'),
    column('flows', 'flows'), column('populations', 'populations'), column('m', 'M', 'plain'), column('family', 'IP', 'plain'), column('frontends', 'frontends')
  ],
  rows: node.rows.map((row): Cell[] => {
    const { slots: { worst }, flows, weights } = row
    const spread = flows?.evenness
    const test = flows?.chiSquare
    const off = (ratio: number | undefined): number | null => ratio === undefined ? null : ratio - 1
    return [
      row.backends, imbalance(row), off(spread?.maxOverMean.mean), off(spread?.minOverMean.mean),
      spread?.coefficientOfVariation.mean ?? null,
      test?.pValue ?? null, off(worst.maxOverMean), off(worst.minOverMean), worst.coefficientOfVariation, row.withoutSlots,
      weights?.worstError ?? null, test?.statistic ?? null, test?.degreesOfFreedom ?? null, flows?.flows ?? null,
      spread?.jainIndex.trials ?? null, row.m, row.family, row.frontends
    ]
  })
})

function worstSection (groups: readonly Group[]): Section[] {
  const rows = groups.flatMap(({ names, node: { worst } }) => worst.map(({ frontend, imbalance, backends, m }): Cell[] =>
    [frontend, imbalance, backends, m, names]))
  if (rows.length === 0) return []
  const columns = [column('frontend', 'frontend'), column('slotsOffShare', 'slots off', 'percent'), column('backends', 'N'),
    column('m', 'M', 'plain'), column('nodes', 'on')]
  return [{ title: 'Furthest from even', charts: [], tables: [{ title: 'Furthest from even', columns, rows }] }]
}

function weightsSection (groups: readonly Group[]): Section[] {
  const tables = groups.flatMap(({ names, node }) => node.weighted.map((one): Table => ({
    title: `${names}: ${one.frontend}, M = ${one.m}${one.ignored ? '; the weights average below 2 and are ignored' : ''}`,
    columns: [column('address', 'backend'), column('port', 'port', 'plain'), column('weight', 'weight', 'plain'),
      column('wantedShare', 'wanted', 'percent'), column('slots', 'slots'), column('gotShare', 'got', 'percent'), column('relativeError', 'off', 'percent')],
    rows: one.backends.map((backend) =>
      [backend.address, backend.port, backend.weight, backend.wantedShare, backend.slots, backend.gotShare, backend.relativeError])
  })))
  return tables.length === 0 ? [] : [{ title: 'Weights wanted and got', charts: [], tables }]
}
