// Mixes, tables as CSV and text, chi-square, disruption: what the reports are made of and printed in.

import fc from 'fast-check'
import t from 'tap'
import {
  chiSquareOfCounts, chiSquareTail, formatBytes, formatCsv, formatMix, formatText, mixLimits, parseMix
} from '../../lib/report/index.ts'
import type { Cell } from '../../lib/report/index.ts'
import { captionOf, leanTable } from '../../lib/report/forms/lean.ts'
import { readCsv } from '../support/csv.ts'

const seed = 20261123
t.comment(`fast-check seed ${seed}`)

t.test('a mix reads back as it was printed', async (t) => {
  const parts = fc.uniqueArray(fc.record({ services: fc.integer({ min: 1, max: 900 }), backends: fc.integer({ min: 0, max: 65535 }) }),
    { selector: (part) => part.backends, minLength: 1, maxLength: 64 })
  fc.assert(fc.property(parts, (given) => {
    const sorted = given.toSorted((a, b) => a.backends - b.backends)
    const parsed = parseMix(formatMix(given))
    return parsed.ok && JSON.stringify(parsed.parts) === JSON.stringify(sorted)
  }), { seed, numRuns: 200 })
  const summed = parseMix(' 3x10, 700x3 ,4x10')
  t.same(summed, { ok: true, parts: [{ services: 700, backends: 3 }, { services: 7, backends: 10 }] })
})

t.test('a mix that is none is refused with the place', async (t) => {
  const refusals: Array<[string, RegExp]> = [
    ['', /part 1/], ['3x', /part 1/], ['x3', /part 1/], ['3x4,', /part 2/], ['1x1;2x2', /part 1/], ['-1x3', /part 1/], ['1.5x3', /part 1/],
    ['0x3', /no service/], ['1x65536', /65535 backends/], ['65536x1', /65535 services/], ['60000x1,6000x2', /65535 services/],
    [Array.from({ length: mixLimits.parts + 1 }, (_, index) => `1x${index}`).join(','), /64 parts/]
  ]
  for (const [text, message] of refusals) {
    const parsed = parseMix(text)
    t.equal(parsed.ok, false, text.slice(0, 30))
    t.match(parsed.ok ? '' : parsed.message, message)
  }
})

t.test('CSV reads back, and no cell is a formula', async (t) => {
  const cell = fc.oneof(fc.string(), fc.constantFrom('=1+1', '@x', '+3', '-3', 'a"b', 'a,b', 'a\r\nb', '\t', ''))
  fc.assert(fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 5 }), (rows) => {
    const read = readCsv(formatCsv([{ key: 'one', title: '' }, { key: 'two', title: '' }], rows))
    return read.length === rows.length + 1 && rows.every((row, index) => row.every((text, at) => {
      const got = read[index + 1]?.[at] ?? ''
      return !/^[=+\-@\t\r]/.test(got) && (got === text || got === `'${text}`)
    }))
  }), { seed, numRuns: 300 })
  const rows: Cell[][] = [[1.5, null], [-2, true]]
  t.equal(formatCsv([{ key: 'a', title: '' }, { key: 'b', title: '' }], rows), 'a,b\r\n1.5,\r\n-2,true\r\n', 'numbers stay numbers')
})

t.test('text aligns numbers right and words left', async (t) => {
  const columns = [{ key: 'name', title: 'name' }, { key: 'bytes', title: 'bytes' }, { key: 'share', title: 'share', as: 'percent' as const },
    { key: 'm', title: 'M', as: 'plain' as const }]
  t.equal(formatText({ title: 'Title', columns, rows: [['a', 1234567, 0.12345, 16381], ['long name', 1, null, 251]] }), [
    'Title',
    'name           bytes    share      M',
    '---------  ---------  -------  -----',
    'a          1,234,567  12.35 %  16381',
    'long name          1        -    251', ''
  ].join('\n'))
  t.same([999, 1000, 65_840, 65_840_000, 2e9].map(formatBytes), ['999 B', '1.0 kB', '65.8 kB', '65.8 MB', '2.0 GB'])
})

t.test('seconds are printed in the unit that reads best', async (t) => {
  const columns = [{ key: 's', title: 's', as: 'seconds' as const }]
  t.match(formatText({ title: '', columns, rows: [[0.0042], [1.5], [0], [130]] }), /4\.2 ms\n +1\.5 s\n +0 s\n130 s \(2\.2 min\)/)
})

t.test('what a column says in every row is said once', async (t) => {
  const columns = ['ip', 'n', 'service', 'share', 'trials', 'none'].map((key) => ({ key, title: key, ...key === 'share' ? { as: 'percent' as const } : {} }))
  const lean = leanTable({ title: 'a node', columns, rows: [[4, 3, 'x', 0.5, 20, null], [4, 10, 'y', 0.5, 20, null]] })
  t.equal(captionOf(lean), 'a node (everywhere: ip 4, share 50.00 %, trials 20)')
  t.same([lean.columns.map(({ key }) => key), lean.rows], [['n', 'service'], [[3, 'x'], [10, 'y']]])
  const answering = leanTable({ title: '', columns: columns.map((column) => column.key === 'share' ? { ...column, answer: true as const } : column), rows: [[4, 3, 'x', 0.5, 20, null], [4, 10, 'y', 0.5, 20, null]] })
  t.same(answering.columns.map(({ key }) => key), ['n', 'share', 'service'], 'but for the answer, which comes right after the name')
  const table = { title: '', columns: columns.slice(0, 5), rows: [[4, 3, 'x', 0.5, 20], [4, 10, 'y', 0.5, 20]] }
  t.match(leanTable(table), table, 'few columns stay')
  const one = { title: '', columns, rows: [[4, 3, 'x', 0.5, 20, null]] }
  t.match(leanTable(one), one, 'so does a single row')
})

t.test('chi-square: tail probabilities of the printed tables', async (t) => {
  const table: Array<[number, number, number]> = [
    [3.841, 1, 0.05], [6.635, 1, 0.01], [18.307, 10, 0.05], [29.588, 10, 0.001], [124.342, 100, 0.05], [1074.679, 1000, 0.05],
    [5, 10, 0.8912]
  ]
  for (const [statistic, degrees, expected] of table) {
    const tail = chiSquareTail(statistic, degrees)
    t.ok(Math.abs(tail - expected) < 2e-4 + expected * 2e-3, `${statistic} at ${degrees}: ${tail}`)
  }
  t.equal(chiSquareTail(0, 5), 1)
})

t.test('chi-square: counts against weights', async (t) => {
  t.equal(chiSquareOfCounts([50, 50], [1, 1])?.statistic, 0)
  t.equal(chiSquareOfCounts([60, 40], [1, 1])?.statistic, 4)
  t.ok((chiSquareOfCounts([60, 40], [1, 1])?.pValue ?? 1) < 0.05)
  t.same(chiSquareOfCounts([500, 500, 1, 1], [500, 500, 1, 1])?.pooledCells, 2, 'small cells are pooled')
  t.equal(chiSquareOfCounts([10, 10, 5], [1, 1, 0])?.pValue, 0, 'a count where none can be is impossible')
  t.equal(chiSquareOfCounts([0, 0], [1, 1]), null)
  t.equal(chiSquareOfCounts([7], [1]), null)
})
