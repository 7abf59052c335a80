// A chart as SVG: the same chart, the same bytes. One column from top to bottom (title, unit of y, plot, x, legend, remarks), so that
// nothing can lie on anything else, however many series there are and however long their names.

import { scaleBand, scalePoint } from 'd3-scale'
import { line } from 'd3-shape'
import type { Chart } from '../document.ts'
import { axisTitle, valueLabel } from './chart/labels.ts'
import { readableChart } from './chart/readable.ts'
import type { DrawnChart, DrawnPoint } from './chart/readable.ts'
import { horizontalScale, verticalScale } from './chart/scales.ts'
import type { NumberScale, Tick } from './chart/scales.ts'
import { chartStyle, colourClass, seriesDash, seriesMark, seriesPattern } from './chart/style.ts'
import { fitText, textWidth, wrapText } from './chart/text.ts'
import { escapeMarkup } from './markup.ts'

export { chartStyle } from './chart/style.ts'

export interface ChartOptions {
  /** in front of every id: pictures in one page must not share any; the chart's own id where left out */
  readonly prefix?: string
  /** pixels, 280 at least; 760 where left out */
  readonly width?: number
  /** false: without its style, for a page that has `chartStyle` itself */
  readonly styled?: boolean
}

/** @throws RangeError for a value that is no finite number, and for stacked bars on a log axis */
export function chartSvg (chart: Chart, { prefix = chart.id, width: asked = 760, styled = true }: ChartOptions = {}): string {
  const width = Math.max(asked, 280)
  const readable = readableChart(chart)
  const column = new Column(width)
  column.text(wrapText(chart.title, sizes.title, width - 2 * edge), sizes.title, 'heading')
  if (readable.series.some(({ points }) => points.length > 0)) drawPlot(column, chart, readable, prefix)
  else column.text(['There is nothing to draw.'], sizes.text, 'quiet')
  drawLegend(column, chart, readable, prefix)
  column.text(readable.remarks.flatMap((remark) => wrapText(remark, sizes.label, width - 2 * edge)), sizes.label, 'quiet')
  const height = column.height + edge
  return `<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 ${n(width)} ${n(height)}" width="${n(width)}" height="${n(height)}" role="img" ` +
    `aria-labelledby="${id(prefix, 'title')} ${id(prefix, 'desc')}">` +
    `<title id="${id(prefix, 'title')}">${escapeMarkup(chart.title)}</title>` +
    `<desc id="${id(prefix, 'desc')}">${escapeMarkup([chart.description, ...readable.remarks].join(' '))}</desc>` +
    (styled ? `<style>${chartStyle}</style>` : '') +
    (chart.form !== 'lines' ? `<defs>${chart.series.map((_, index) => seriesPattern(index, id(prefix, `fill-${index}`))).join('')}</defs>` : '') +
    `<rect class="ground" width="${n(width)}" height="${n(height)}"/>${column.content}</svg>\n`
}

const sizes = { title: 15, text: 13, label: 12 }
/** white space around everything, in pixels */
const edge = 14

const id = (prefix: string, name: string): string => escapeMarkup(`${prefix}-${name}`)

/** Two decimals: what engines compute differently in the last digits is the same again. */
const n = (value: number): string => String(Math.round(value * 100) / 100 + 0)

/** Parts below each other. */
class Column {
  content = ''
  height = edge
  readonly width: number

  constructor (width: number) {
    this.width = width
  }

  text (lines: readonly string[], size: number, style: string): void {
    for (const text of lines) {
      this.height += size * 1.4
      this.content += textAt(edge, this.height - size * 0.35, text, `font-size="${size}" class="${style}"`)
    }
  }

  /** @param content drawn from the top of the part downwards, and over all of the width */
  part (content: string, height: number): void {
    this.content += `<g transform="translate(0,${n(this.height)})">${content}</g>`
    this.height += height
  }
}

const textAt = (x: number, y: number, text: string, attributes: string): string =>
  `<text x="${n(x)}" y="${n(y)}" ${attributes}>${escapeMarkup(text)}</text>`

interface Plot {
  readonly left: number
  readonly right: number
  readonly height: number
  readonly y: NumberScale
}

function drawPlot (column: Column, chart: Chart, readable: DrawnChart, prefix: string): void {
  column.height += 4
  column.text(wrapText(axisTitle(chart.y), sizes.label, column.width - 2 * edge), sizes.label, 'quiet')
  column.height += 18
  const height = column.width < 500 ? 230 : 300
  const y = verticalScale(chart.y, valuesOf(readable), height, 0)
  const left = edge + 8 + Math.max(...y.ticks.map(({ label }) => textWidth(label, sizes.label)))
  const plot: Plot = { left, right: column.width - edge, height, y }
  const { ticks, below, marks } = readable.categories === null
    ? overNumbers(chart, readable, plot)
    : overCategories(chart, readable, readable.categories, plot, prefix)
  const across = y.ticks.map(({ at, label }) => `<path class="grid" d="M${n(left)},${n(at)}H${n(plot.right)}"/>` +
    textAt(left - 6, at + 4, label, `font-size="${sizes.label}" class="quiet" text-anchor="end"`)).join('')
  const frame = `<path class="axis" d="M${n(left)},0V${n(height)}H${n(plot.right)}"/>`
  column.part(across + ticks + frame + marks, height + below)
  column.text(wrapText(axisTitle(chart.x), sizes.label, column.width - 2 * edge), sizes.label, 'quiet')
}

const valuesOf = ({ series }: DrawnChart): number[] =>
  series.flatMap(({ points }) => points.flatMap(({ y, base, interval }) =>
    interval === null ? [base + y] : [y, interval.low, interval.high]))

interface Drawn {
  readonly ticks: string
  /** pixels that the labels of the ticks take below the plot */
  readonly below: number
  readonly marks: string
}

type Place = (point: DrawnPoint) => number

function overNumbers (chart: Chart, readable: DrawnChart, plot: Plot): Drawn {
  const values = readable.series.flatMap(({ points }) => points.map(({ x }) => Number(x)))
  const x = horizontalScale(chart.x, values, { left: plot.left, right: plot.right, size: sizes.label, edge: edge - 2 })
  const ticks = x.ticks.map(({ at, labelAt, label }) => `<path class="axis" d="M${n(at)},${n(plot.height)}v5"/>` +
    textAt(labelAt, plot.height + 18, label, `font-size="${sizes.label}" class="quiet" text-anchor="middle"`)).join('')
  return { ticks, below: 24, marks: lines(chart, readable, plot, ({ x: value }) => x.place(Number(value))) }
}

function overCategories (chart: Chart, readable: DrawnChart, categories: readonly string[], plot: Plot, prefix: string): Drawn {
  const labels = categoryLabels(categories, plot)
  if (chart.form === 'lines') {
    const x = scalePoint(categories, [plot.left, plot.right]).padding(0.5)
    const ticks = categories.map((category) => ({ at: x(category) ?? 0, label: category }))
    return { ticks: labels.draw(ticks), below: labels.below, marks: lines(chart, readable, plot, (point) => x(String(point.x)) ?? 0) }
  }
  const x = scaleBand(categories, [plot.left, plot.right]).padding(0.16)
  const ticks = categories.map((category) => ({ at: (x(category) ?? 0) + x.bandwidth() / 2, label: category }))
  const marks = bars(chart, readable, plot, (point) => x(String(point.x)) ?? 0, x.bandwidth(), prefix)
  return { ticks: labels.draw(ticks), below: labels.below, marks }
}

interface CategoryLabels {
  readonly below: number
  readonly draw: (ticks: readonly Tick[]) => string
}

/** Below each other's words where they fit their category; else slanting, and of very many only some. */
function categoryLabels (categories: readonly string[], { left, right, height }: Plot): CategoryLabels {
  const step = (right - left) / categories.length
  const wrapped = new Map(categories.map((category) => [category, wrapText(category, sizes.label, step - 6)]))
  const whole = categories.every((category) => category.split(/\s+/).every((word) => textWidth(word, sizes.label) <= step - 6))
  const rows = Math.max(...[...wrapped.values()].map((lines) => lines.length))
  const attributes = `font-size="${sizes.label}" class="quiet"`
  if (whole && rows <= 3) {
    return {
      below: 8 + rows * 15,
      draw: (ticks) => ticks.map(({ at, label }) => (wrapped.get(label) ?? [])
        .map((text, row) => textAt(at, height + 18 + row * 15, text, `${attributes} text-anchor="middle"`)).join('')).join('')
    }
  }
  const every = Math.ceil(16 / step)
  // at 45 degrees they end at the picture's edge, the first ones first
  const room = (index: number): number => Math.min(150, Math.SQRT2 * (left + step * (index + 0.5) - edge / 2))
  const texts = new Map(categories.map((category, index) => [category, fitText(category, sizes.label, room(index))]))
  const longest = Math.max(...[...texts.values()].map((text) => textWidth(text, sizes.label)))
  return {
    below: 20 + longest / Math.SQRT2,
    draw: (ticks) => ticks.filter((_, index) => index % every === 0)
      .map(({ at, label }) => `<text transform="translate(${n(at + 4)},${n(height + 14)}) rotate(-45)" ${attributes} text-anchor="end">` +
        `${escapeMarkup(texts.get(label) ?? '')}<title>${escapeMarkup(label)}</title></text>`).join('')
  }
}

function lines (chart: Chart, { series }: DrawnChart, { y, height }: Plot, place: Place): string {
  const drawLine = line<DrawnPoint>().x(place).y((point) => y.place(point.y)).digits(2)
  const intervals = (point: DrawnPoint): string => interval(point, place(point), 4, y, height)
  // marks over all of the lines, so that none is hidden behind another series
  const under = series.map(({ points }, index) => `<g class="${colourClass(index)}">` +
    (points.length > 1 ? `<path class="line" d="${drawLine(points) ?? ''}"${seriesDash(index)}/>` : '') +
    withIntervals(points, 'interval', intervals) + '</g>').join('')
  const sizes = nested(series.map(({ points }) => points.map((point) => ({ x: place(point), y: y.place(point.y) }))))
  const over = series.map(({ name, points }, index) => `<g class="${colourClass(index)}">${points.map((point, at) => {
    const size = sizes[index]?.[at] ?? 1
    return `<path ${seriesMark(index)} transform="translate(${n(place(point))},${n(y.place(point.y))})${size === 1 ? '' : `scale(${size})`}">` +
      `${told(chart, name, point)}</path>`
  }).join('')}</g>`).join('')
  return under + over
}

/** Marks at one place are larger the further they lie below, so that none hides another and each stays where it belongs. */
function nested (series: ReadonlyArray<ReadonlyArray<{ readonly x: number, readonly y: number }>>): number[][] {
  const clusters: Array<{ readonly x: number, readonly y: number, above: number }> = []
  return series.toReversed().map((points) => points.map(({ x, y }) => {
    const near = clusters.find((cluster) => Math.abs(cluster.x - x) < 3 && Math.abs(cluster.y - y) < 3)
    if (near === undefined) clusters.push({ x, y, above: 0 })
    else near.above++
    return 1 + Math.min(near?.above ?? 0, 3) * 0.3
  })).reverse()
}

function bars (chart: Chart, { series }: DrawnChart, { y, height }: Plot, place: Place, bandwidth: number, prefix: string): string {
  const stacked = chart.form === 'stacked'
  const beside = stacked ? 1 : series.length
  const step = Math.min(bandwidth / beside, 72)
  const first = (bandwidth - step * beside) / 2
  const gap = step > 8 ? 2 : step > 3 ? 0.5 : 0
  const left = (point: DrawnPoint, index: number): number => place(point) + first + (stacked ? 0 : index * step) + gap / 2
  const drawn = series.map(({ name, points }, index) => {
    const rects = points.map((point) => {
      const [end, base] = [y.place(point.base + point.y), chart.y.scale === 'log' ? height : y.place(point.base)]
      return `<rect class="bar" fill="url(#${id(prefix, `fill-${index}`)})" x="${n(left(point, index))}" y="${n(Math.min(end, base))}" width="${n(step - gap)}" ` +
        `height="${n(Math.abs(base - end))}">${told(chart, name, point)}</rect>`
    })
    const caps = Math.min(4, (step - gap) / 2)
    const intervals = withIntervals(points, 'interval over', (point) => interval(point, left(point, index) + (step - gap) / 2, caps, y, height))
    return `<g class="${colourClass(index)}">${rects.join('')}${intervals}</g>`
  })
  const written = stacked
    ? totalsOf(series)
    : series.flatMap(({ points }, index) => points.map((point) => ({ point, index, value: point.y })))
  const labels = written.map(({ point, index, value }) => {
    const ground = chart.y.scale === 'log' ? height : y.place(0)
    const above = Math.min(y.place(value), ground, point.interval === null ? height : y.place(point.interval.high)) - 4
    return { text: valueLabel(value, chart.y.unit), x: left(point, index) + (step - gap) / 2, y: above }
  })
  return drawn.join('') + (labels.every(({ text }) => textWidth(text, 11) <= step - 2)
    ? labels.map(({ text, x, y }) => textAt(x, y, text, 'font-size="11" text-anchor="middle"')).join('')
    : '')
}

/** What the bars of a stack come to: written once, above the last one. */
function totalsOf (series: DrawnChart['series']): Array<{ point: DrawnPoint, index: number, value: number }> {
  const totals = new Map<number | string, { point: DrawnPoint, index: number, value: number }>()
  for (const { points } of series) for (const point of points) totals.set(point.x, { point, index: 0, value: point.base + point.y })
  return [...totals.values()]
}

const withIntervals = (points: readonly DrawnPoint[], style: string, draw: (point: DrawnPoint) => string): string => {
  const path = points.map(draw).join('')
  return path === '' ? '' : `<path class="${style}" d="${path}"/>`
}

/** A stroke from low to high with a cap at each end; an end that the axis cannot show has none. */
function interval (point: DrawnPoint, x: number, cap: number, y: NumberScale, height: number): string {
  if (point.interval === null) return ''
  const top = y.place(point.interval.high)
  const bottom = y.place(point.interval.low)
  const inside = Number.isFinite(bottom)
  const capAt = (place: number): string => `M${n(x - cap)},${n(place)}h${n(2 * cap)}`
  return `M${n(x)},${n(top)}V${n(inside ? bottom : height)}${capAt(top)}${inside ? capAt(bottom) : ''}`
}

/** What a pointer over a mark tells: number and formula. */
function told ({ x, y }: Chart, series: string, point: DrawnPoint): string {
  const at = typeof point.x === 'number' ? valueLabel(point.x, x.unit, 6) : point.x
  const between = point.interval === null ? '' : ` (${valueLabel(point.interval.low, y.unit)} to ${valueLabel(point.interval.high, y.unit)})`
  const value = `${at}: ${valueLabel(point.y, y.unit, 6)}${between}`
  return `<title>${escapeMarkup(`${series}, ${value}${point.note === null ? '' : `\n${point.note}`}`)}</title>`
}

/** Rows of entries, as many to a row as fit; a name that is wider than a row takes several lines. */
function drawLegend (column: Column, chart: Chart, { series }: DrawnChart, prefix: string): void {
  const room = column.width - 2 * edge
  const swatch = 38
  const size = sizes.text
  let [x, top, height] = [0, 0, 0]
  const entries = series.map(({ name }, index) => {
    const lines = wrapText(name, size, room - swatch)
    const width = swatch + Math.max(0, ...lines.map((line) => textWidth(line, size))) + 18
    if (x > 0 && x + width - 18 > room) [x, top, height] = [0, top + height, 0]
    const at = x
    x += width
    height = Math.max(height, 4 + 18 * Math.max(1, lines.length))
    const text = lines.map((line, row) => textAt(swatch, 4 + row * 18, line, `font-size="${size}"`)).join('')
    return `<g class="${colourClass(index)}" transform="translate(${n(edge + at)},${n(top + 16)})">${legendSample(chart, index, prefix)}${text}</g>`
  })
  if (entries.length > 0) column.part(entries.join(''), top + height + 8)
}

const legendSample = ({ form }: Chart, index: number, prefix: string): string => form === 'lines'
  ? `<path class="line" d="M0,0H32"${seriesDash(index)}/><path ${seriesMark(index)} transform="translate(16,0)"/>`
  : `<rect class="bar" fill="url(#${id(prefix, `fill-${index}`)})" x="0" y="-7" width="30" height="14"/>`
