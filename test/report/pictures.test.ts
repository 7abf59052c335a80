// Charts as SVG: well-formed whatever the names, nothing on top of anything else, the same bytes again, and honest about what a log
// axis cannot show.

import fc from 'fast-check'
import t from 'tap'
import type { Chart, Point } from '../../lib/report/index.ts'
import { axisLabels, axisTitle } from '../../lib/report/forms/chart/labels.ts'
import { textWidth } from '../../lib/report/forms/chart/text.ts'
import { chartSvg } from '../../lib/report/forms/svg.ts'
import { elementsOf, readMarkup, textOf } from '../support/markup.ts'
import type { Element } from '../support/markup.ts'

const seed = 20261125
t.comment(`fast-check seed ${seed}`)

const chartOf = (series: Chart['series'], more: Partial<Chart> = {}): Chart => ({
  id: 'bytes',
  title: 'Bytes by size',
  description: 'Bytes over backends.',
  form: 'lines',
  x: { label: 'backends', unit: null, scale: 'log' },
  y: { label: 'memlock', unit: 'bytes', scale: 'log' },
  series,
  ...more
})

const points = (...values: Array<[number | string, number]>): Point[] => values.map(([x, y]) => ({ x, y }))

interface Box { text: string, left: number, right: number, top: number, bottom: number }

/** Where every upright text is, by the places of the groups around it. */
function textBoxes (element: Element, dx = 0, dy = 0): Box[] {
  return element.children.flatMap((child) => {
    if (typeof child === 'string' || /rotate/.test(child.attributes['transform'] ?? '')) return []
    const [, tx = '0', ty = '0'] = /^translate\(([-\d.]+),([-\d.]+)\)$/.exec(child.attributes['transform'] ?? '') ?? []
    const [x, y] = [dx + Number(tx), dy + Number(ty)]
    if (child.name !== 'text') return textBoxes(child, x, y)
    const size = Number(child.attributes['font-size'])
    const text = child.children.filter((part) => typeof part === 'string').join('')
    const width = textWidth(text, size)
    const anchor = { middle: width / 2, end: width }[child.attributes['text-anchor'] ?? ''] ?? 0
    const left = x + Number(child.attributes['x']) - anchor
    const base = y + Number(child.attributes['y'])
    return [{ text, left, right: left + width, top: base - size * 0.75, bottom: base + size * 0.2 }]
  })
}

const name = fc.oneof(fc.string({ maxLength: 90 }), fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('cilium (blob)', '<script>alert(1)</script>', '"></svg>', ']]>', '&amp;', 'a b '.repeat(30)))
const positive = fc.double({ min: 1e-6, max: 1e12, noNaN: true })
const ys = fc.array(fc.oneof(positive, fc.constantFrom(0, 1, 1)), { maxLength: 8 })
const anyChart = fc.record({
  form: fc.constantFrom('lines', 'bars', 'stacked'),
  title: name,
  width: fc.integer({ min: 280, max: 900 }),
  xScale: fc.constantFrom('linear', 'log', 'category'),
  yScale: fc.constantFrom('linear', 'log'),
  unit: fc.constantFrom('bytes', 'share', 'ns', 's', null, 'packets'),
  series: fc.array(fc.record({ name, ys, interval: fc.boolean() }), { maxLength: 16 }),
  xs: fc.array(positive, { minLength: 8, maxLength: 8 }),
  names: fc.uniqueArray(name, { minLength: 8, maxLength: 8 })
} as const).map(({ form, title, width, xScale, yScale, unit, series, xs, names }) => ({
  width,
  chart: chartOf(series.map((one) => ({
    name: one.name,
    points: one.ys.map((y, index) => {
      const x = (xScale === 'category' ? names : xs)[index] ?? 0
      return { x, y, ...(one.interval ? { low: y / 2, high: y * 2 } : {}), note: title }
    })
  })), { form, title, x: { label: 'size', unit: null, scale: xScale }, y: { label: title, unit, scale: form === 'stacked' ? 'linear' : yScale } })
}))

t.test('whatever the names and numbers: well-formed, inside the picture, no text on another', async (t) => {
  fc.assert(fc.property(anyChart, ({ chart, width }) => {
    const svg = chartSvg(chart, { width })
    const root = readMarkup(svg, 'xml')
    const [element] = elementsOf(root, 'svg')
    if (element === undefined || elementsOf(root, 'script').length > 0) throw new Error('no picture')
    if (chartSvg(chart, { width }) !== svg) throw new Error('other bytes the second time')
    if (/NaN|Infinity|undefined/.test(svg.replace(/<(title|desc|text)\b[^>]*>[^<]*/g, ''))) throw new Error(`a place that is no number: ${svg}`)
    const height = Number(element.attributes['height'])
    const boxes = textBoxes(element)
    boxes.forEach((box, index) => {
      if (box.left < -1 || box.right > width + 1 || box.top < 0 || box.bottom > height) throw new Error(`outside: ${JSON.stringify({ box, width, height })}`)
      for (const other of boxes.slice(index + 1)) {
        const apart = box.right <= other.left || other.right <= box.left || box.bottom <= other.top || other.bottom <= box.top
        if (!apart) throw new Error(`${JSON.stringify(box)} lies on ${JSON.stringify(other)}`)
      }
    })
  }), { seed, numRuns: 300 })
})

t.test('a picture says what it is, and every mark its number and formula', async (t) => {
  const svg = chartSvg(chartOf([{ name: 'cilium', points: [{ x: 3, y: 65840, note: '8 + 4 x M' }] }, { name: 'dynamic', points: points([3, 4384], [10, 8480]) }]))
  const root = readMarkup(svg, 'xml')
  const [element] = elementsOf(root, 'svg')
  t.equal(element?.attributes['role'], 'img')
  t.equal(element?.attributes['aria-labelledby'], 'bytes-title bytes-desc')
  t.same(elementsOf(root, 'title').slice(0, 2).map(textOf), ['Bytes by size', 'cilium, 3: 65.84 kB\n8 + 4 x M'])
  t.same(elementsOf(root, 'desc').map(textOf), ['Bytes over backends.'])
  const marks = elementsOf(root, 'path').filter(({ attributes }) => attributes['transform'] !== undefined)
  t.equal(marks.length, 3 + 2, 'one for each point, one for each entry of the legend')
  t.match(svg, /prefers-color-scheme:dark/)
  t.notMatch(chartSvg(chartOf([]), { styled: false }), /<style>/)
})

t.test('pictures of one page share no id', async (t) => {
  const chart = chartOf([{ name: 'a', points: points(['x', 1]) }], { form: 'bars', x: { label: '', unit: null, scale: 'category' } })
  const ids = ['one', 'two'].flatMap((prefix) => elementsOf(readMarkup(chartSvg(chart, { prefix }), 'xml')).flatMap(({ attributes }) => attributes['id'] ?? []))
  t.equal(new Set(ids).size, ids.length)
  t.ok(ids.length >= 6)
  const used = [...chartSvg(chart, { prefix: 'two' }).matchAll(/url\(#([^)]+)\)/g)].map(([, id]) => id)
  t.ok(used.length > 0 && used.every((id) => ids.includes(id ?? '')), 'what is referred to is there')
})

t.test('sixteen series differ by more than their colour', async (t) => {
  const series = Array.from({ length: 16 }, (_, index) => ({ name: `n${index}`, points: points([1, index + 1], [2, index + 2]) }))
  const marks = elementsOf(readMarkup(chartSvg(chartOf(series)), 'xml'), 'path').filter(({ attributes }) => attributes['transform'] === 'translate(16,0)')
  t.equal(new Set(marks.map(({ attributes }) => `${attributes['class']} ${attributes['d']}`)).size, 16)
  const bars = elementsOf(readMarkup(chartSvg(chartOf(series, { form: 'bars' })), 'xml'), 'pattern')
  t.equal(new Set(bars.map((pattern) => JSON.stringify(pattern.children))).size, 16)
})

const marksOf = (svg: string): string[] => elementsOf(readMarkup(svg, 'xml'), 'path')
  .flatMap(({ attributes: { transform } }) => transform === undefined || transform === 'translate(16,0)' ? [] : [transform])

t.test('series that agree are one, with the names of all', async (t) => {
  const same = points([1, 5], [10, 7])
  const svg = chartSvg(chartOf([...['a', 'b', 'c'].map((name) => ({ name, points: same.map((point) => ({ ...point, note: `of ${name}` })) })), { name: 'd', points: points([1, 5], [10, 9]) }]))
  t.equal(marksOf(svg).length, 4)
  t.same(elementsOf(readMarkup(svg, 'xml'), 'text').map(textOf).filter((text) => /^[a-d](,|$)/.test(text)), ['a, b, c', 'd'])
  t.match(svg, /a, b, c, 1: 5 B\nof a\nof b\nof c</)
  t.match(svg, /Lines that would lie on each other are drawn as one\./)
})

t.test('marks stay at their place, those below are larger', async (t) => {
  const svg = chartSvg(chartOf([{ name: 'a', points: points([1, 5], [10, 7]) }, { name: 'b', points: points([1, 5], [10, 9]) }]))
  const [below, , above] = marksOf(svg)
  t.equal(below, `${above}scale(1.3)`)
})

t.test('stacked bars stand on each other and say their sum', async (t) => {
  const chart = chartOf([{ name: 'a', points: points(['x', 3], ['y', 1]) }, { name: 'b', points: points(['x', 2], ['y', 0]) }],
    { form: 'stacked', x: { label: '', unit: null, scale: 'category' }, y: { label: 's', unit: 's', scale: 'linear' } })
  const root = readMarkup(chartSvg(chart), 'xml')
  const [a, , b] = elementsOf(root, 'rect').filter(({ attributes }) => attributes['class'] === 'bar')
  t.equal(a?.attributes['x'], b?.attributes['x'])
  t.ok(Math.abs(Number(b?.attributes['y']) + Number(b?.attributes['height']) - Number(a?.attributes['y'])) < 0.02)
  t.match(elementsOf(root, 'text').map(textOf).join(' '), /5 s 1 s/)
  t.throws(() => chartSvg({ ...chart, y: { ...chart.y, scale: 'log' } }), RangeError)
})

t.test('what cannot be drawn is left out and said, or refused', async (t) => {
  t.match(chartSvg(chartOf([])), /There is nothing to draw\./)
  t.match(chartSvg(chartOf([{ name: 'a', points: points([1, 0], [2, 5], [0, 5]) }])), /2 points are left out: zero or less has no place on a log axis/)
  t.match(chartSvg(chartOf([{ name: 'a', points: [{ x: 1, y: 5, low: 0, high: 9 }] }])), /Intervals that reach zero/)
  for (const bad of [NaN, Infinity, -Infinity]) {
    for (const point of [{ x: 1, y: bad }, { x: bad, y: 1 }, { x: 1, y: 1, low: bad }, { x: 1, y: 1, high: bad }]) {
      t.throws(() => chartSvg(chartOf([{ name: 'a', points: [point] }])), RangeError)
    }
  }
  t.throws(() => chartSvg(chartOf([{ name: 'a', points: points(['three', 1]) }])), /chart bytes: series a/)
})

t.test('numbers on axes carry their unit and differ', async (t) => {
  t.same(axisLabels([0, 500, 1000, 65_840, 2e6], 'bytes'), ['0', '500 B', '1 kB', '65.8 kB', '2 MB'])
  t.same(axisLabels([0, 0.005, 0.12345, 1], 'share'), ['0 %', '0.5 %', '12.3 %', '100 %'])
  t.same(axisLabels([0, 20, 1500], 'ns'), ['0', '20 ns', '1.5 µs'])
  t.same(axisLabels([16_381, 131_071, 2e6], null), ['16,381', '131,071', '2 M'])
  t.same(axisLabels([1_000_100, 1_000_200], 'bytes'), ['1.0001 MB', '1.0002 MB'])
  t.same(axisLabels([999_999, 0.1 + 0.2], 'bytes'), ['1 MB', '0.3 B'])
  t.equal(axisTitle({ label: 'memlock', unit: 'bytes', scale: 'log' }), 'memlock (bytes, log scale)')
  t.equal(axisTitle({ label: 'moved', unit: 'share', scale: 'linear' }), 'moved (%)')
})
