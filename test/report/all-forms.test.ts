// Every kind of report in every form: the same bytes from the same state, readable by a reader of that form, all of them saying the same.
// And documents with hostile names, which stay text.

import fc from 'fast-check'
import t from 'tap'
import type { Test } from 'tap'
import { presentReport, renderReport, reportForms, reportKinds, reportMediaTypes } from '../../lib/report/index.ts'
import type { Report, ReportDocument, ReportForm, ReportKind } from '../../lib/report/index.ts'
import { escapeMarkdown, formatMarkdown } from '../../lib/report/forms/markdown.ts'
import { codeText } from '../../lib/report/forms/markup.ts'
import { formatPage } from '../../lib/report/forms/page.ts'
import type { ReportRequest } from '../../lib/sim/types.ts'
import { readCsv } from '../support/csv.ts'
import { elementsOf, readMarkup, textOf } from '../support/markup.ts'
import { someBackends, someService, testSimulator } from '../support/simulator.ts'

const seed = 20261125
t.comment(`fast-check seed ${seed}`)

const clusterReport = (kind: ReportKind): Report => {
  const sim = testSimulator()
  for (const [index, size] of [3, 10].entries()) {
    sim.putService(someService(`s${index}`, `172.20.0.${index}`, someBackends(size, index << 10)))
  }
  return sim.report({ kind } as ReportRequest) as Report
}
const mixReport = (kind: ReportKind): Report => testSimulator().report({ kind, mix: '7x3,2x10' } as ReportRequest) as Report
const emptyReport = (kind: ReportKind): Report => testSimulator().report({ kind } as ReportRequest) as Report

const subjects = { cluster: clusterReport, mix: mixReport, 'empty cluster': emptyReport }

/** What a reader of a form makes of it; throws where it is none. */
const headlineOf: Readonly<Record<Exclude<ReportForm, 'csv' | 'svg' | 'json'>, (text: string) => string>> = {
  text: (text) => text.split('\n')[1] ?? '',
  md: (text) => markdownText(text.split('\n\n')[1]?.replace(/^\*\*(.*)\*\*$/s, '$1') ?? ''),
  html: (text) => elementsOf(readMarkup(text, 'html'), 'h1').map(textOf).join().replaceAll('\u00a0', ' ')
}

const markdownText = (text: string): string => text.replace(/\\([!-/:-@[-`{-~])/g, '$1')
  .replace(/&(amp|lt|#47|#46|#64);/g, (_, name: string) => ({ amp: '&', lt: '<', '#47': '/', '#46': '.', '#64': '@' })[name] ?? '')

for (const kind of reportKinds) {
  t.test(`${kind}: every form`, async (t) => {
    for (const [subject, reportOf] of Object.entries(subjects)) {
      const [report, again] = [reportOf(kind), reportOf(kind)]
      const document = presentReport(report)
      for (const form of reportForms) {
        const chart = document.sections.flatMap(({ charts }) => charts)[0]
        if (form === 'svg' && chart === undefined) {
          await t.rejects(renderReport(report, form), /has no charts/)
          continue
        }
        const text = await renderReport(report, form)
        t.equal(text, await renderReport(again, form), `${subject}: the same ${form} again`)
        if (form === 'json') t.same(JSON.parse(text), JSON.parse(JSON.stringify(report)))
        else if (form === 'svg') t.equal(elementsOf(readMarkup(text, 'xml'), 'title').map(textOf)[0], chart?.title)
        else if (form === 'csv') {
          const rows = readCsv(text)
          t.same(rows[0], document.records.columns.map(({ key }) => key))
          t.ok(rows.length === document.records.rows.length + 1 && rows.every((row) => row.length === rows[0]?.length), 'every record has every column')
        } else t.equal(headlineOf[form](text), document.headline, `${form} begins with the answer`)
      }
      checkDocument(t, document, subject)
    }
  })
}

function checkDocument (t: Test, { title, headline, sections }: ReportDocument, subject: string): void {
  t.match(headline, /^[A-Z0-9].*\.$/, `${subject}: the headline is a sentence`)
  t.notMatch(title, /\.$/)
  const charts = sections.flatMap(({ charts }) => charts)
  t.equal(new Set(charts.map(({ id }) => id)).size, charts.length, 'ids of charts differ')
  for (const { id, description, x, y } of charts) {
    t.match(id, /^[a-z0-9-]{1,64}$/)
    t.ok(description !== '' && x.label !== '' && y.label !== '', 'a chart says what it shows, and its axes what they are')
  }
  for (const { columns, rows, title } of sections.flatMap(({ tables }) => tables)) {
    t.ok(rows.every((row) => row.length === columns.length), `table ${title} has a cell for every column`)
  }
}

t.test('a chart that is not there is refused with those that are', async (t) => {
  await t.rejects(renderReport(mixReport('memory'), 'svg', { chart: 'moods' }), { name: 'ReportRefusal', pointer: '/chart', message: /bytes-by-size/ })
  t.match(await renderReport(mixReport('memory'), 'svg', { chart: 'bytes-by-size' }), /^<svg /)
  t.same(reportForms, Object.keys(reportMediaTypes))
})

const name = fc.oneof(fc.string({ maxLength: 30 }), fc.string({ unit: 'binary', maxLength: 12 }), fc.constantFrom(
  '<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', "' onload='x", '</style><script>', ']]>', '<!--', '&lt;b&gt;', '{{7*7}}', '\u0000', '\ud800',
  '| a | b |', '\n\n# title', '[a](javascript:x)', '`code`', '**', '\\', '1. x', '- x', 'http://x.test', '<b', 'a|b\r\nc', '~~x~~', '$x$'
))
const names = fc.array(name, { minLength: 12, maxLength: 12 })
const hostile: fc.Arbitrary<ReportDocument> = fc.record({ names, value: fc.double({ noNaN: true, noDefaultInfinity: true }) })
  .map(({ names: [a = '', b = '', c = '', d = '', e = '', f = '', g = '', h = '', i = '', j = '', k = '', l = ''], value }) => ({
    title: a,
    headline: b,
    findings: [c, d],
    sections: [{
      title: e,
      text: f,
      charts: [{
        id: 'one',
        title: g,
        description: h,
        form: 'bars',
        x: { label: i, unit: j, scale: 'category' },
        y: { label: k, unit: l, scale: 'linear' },
        series: [{ name: a, points: [{ x: b, y: value, note: c }] }, { name: d, points: [] }]
      }],
      tables: [{ title: g, columns: [{ key: 'h', title: h }, { key: 'i', title: i }], rows: [[j, k], [l, value]], folded: a.length % 2 === 0 }],
      code: [{ title: c, language: d, text: `${e}\n  ${f}` }]
    }],
    notes: [e],
    records: { columns: [], rows: [] }
  }))

// eslint-disable-next-line no-control-regex
const writable = (text: string): string => text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu, '\ufffd')

/** Lines of Markdown outside of the only fenced block, and those inside. */
function unfenced (lines: readonly string[]): { said: string[], fenced: string[] } {
  const from = lines.findIndex((line) => /^```+[a-z]*$/.test(line))
  const fence = /^`+/.exec(lines[from] ?? '')?.[0]
  const to = lines.findIndex((line, index) => index > from && line === fence)
  return { said: [...lines.slice(0, from), ...lines.slice(to + 1)], fenced: lines.slice(from + 1, to) }
}

t.test('whatever names are, a page has the elements of any other page and says them as text', async (t) => {
  const known = new Set(('html head meta title style body main header p h1 h2 ul li section figure figcaption div svg desc defs pattern rect path g text ' +
    'details summary table caption span thead tbody tr th td pre code a').split(' '))
  fc.assert(fc.property(hostile, (document) => {
    const page = formatPage(document, { command: document.title, forms: [{ name: document.headline, href: '?x' }], chartHref: (id) => `?${id}${document.title}` })
    const elements = elementsOf(readMarkup(page, 'html'))
    for (const { name, attributes } of elements) {
      if (!known.has(name)) throw new Error(`element ${name}`)
      for (const attribute of Object.keys(attributes)) if (/^on|^src$/.test(attribute)) throw new Error(`attribute ${attribute}`)
    }
    const clean = (text: string): string => text.replace(/\s+/g, ' ').trim()
    const said = elements.filter(({ name }) => name === 'h1').map(textOf).join()
    const expected = writable(document.headline)
    if (clean(said) !== clean(expected)) throw new Error(`${JSON.stringify(said)} and not ${JSON.stringify(expected)}`)
    const code = elements.filter(({ name }) => name === 'code').map(textOf)[0] ?? ''
    if (clean(code) !== clean(writable(codeText(document.sections[0]?.code?.[0]?.text ?? '')))) throw new Error(`code ${JSON.stringify(code)}`)
    const styles = elements.flatMap(({ name, attributes, children }) => [...(name === 'style' ? children : []), attributes['style'], attributes['fill']])
    if (styles.some((style) => /@import|url\((?!#)/.test(String(style)))) throw new Error('something from elsewhere')
  }), { seed, numRuns: 150 })
})

t.test('whatever names are, Markdown keeps its rows and has no markup in them', async (t) => {
  fc.assert(fc.property(hostile, (document) => {
    const { said: lines, fenced } = unfenced(formatMarkdown(document).trimEnd().split('\n'))
    const code = codeText(document.sections[0]?.code?.[0]?.text ?? '')
    if (fenced.join('\n') !== code) throw new Error(`code ${JSON.stringify({ fenced, code })}`)
    const rows = lines.filter((line) => line.startsWith('|'))
    if (rows.length !== 4) throw new Error(`${rows.length} rows`)
    for (const row of rows) if (row.replace(/\\./g, '').split('|').length !== 4) throw new Error(`a row of other cells: ${row}`)
    for (const line of lines) if (/<|:\/\/|`(?<!\\`)/.test(line)) throw new Error(`markup: ${line}`)
    if (lines.filter((line) => line.startsWith('#')).length > 4) throw new Error('headings of a name')
  }), { seed, numRuns: 300 })
  fc.assert(fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) => markdownText(escapeMarkdown(text)) === text.trim()), { seed, numRuns: 300 })
})
