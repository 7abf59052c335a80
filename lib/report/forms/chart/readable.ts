// A chart as it can be drawn: numbers that are none are refused, what a log axis has no place for is left out and said so, lines that lie
// on each other are one line, and stacked bars know what they stand on.

import type { Axis, Chart, Point } from '../../document.ts'

export interface DrawnSeries {
  readonly name: string
  readonly points: readonly DrawnPoint[]
}

export interface DrawnPoint {
  /** the category's name on category axes */
  readonly x: number | string
  readonly y: number
  /** what it stands on: the sum of those below in a stack, else 0 */
  readonly base: number
  /** ends of its interval; both or none */
  readonly interval: { readonly low: number, readonly high: number } | null
  readonly note: string | null
}

export interface DrawnChart {
  readonly series: readonly DrawnSeries[]
  /** names of the categories of x, in their order; null: x is a number */
  readonly categories: readonly string[] | null
  /** what cannot be seen in the picture, a sentence each */
  readonly remarks: readonly string[]
}

/** @throws RangeError for a value that is no finite number, and for stacks on a log axis, where lengths do not add up */
export function readableChart (chart: Chart): DrawnChart {
  const byCategory = chart.form !== 'lines' || chart.x.scale === 'category'
  if (chart.form === 'stacked' && chart.y.scale === 'log') throw new RangeError(`chart ${chart.id}: stacked bars have a linear axis`)
  const kept = chart.series.map(({ name, points }) => {
    for (const point of points) refuseNonNumbers(chart, name, point)
    return { name, points: points.filter(({ x, y }) => (byCategory || fits(chart.x, Number(x))) && fits(chart.y, y)) }
  })
  const missing = pointsOf(chart.series) - pointsOf(kept)
  const single = kept.map(({ name, points }) => ({ name, points: points.map((point) => drawn(point, byCategory)) }))
  const series = chart.form === 'lines' ? together(single) : chart.form === 'stacked' ? stacked(single) : single
  const cut = chart.y.scale === 'log' && series.some(({ points }) => points.some(({ interval }) => interval !== null && interval.low <= 0))
  return {
    series,
    categories: byCategory ? categoriesOf(kept.flatMap(({ points }) => points)) : null,
    remarks: [
      ...(series.length < kept.length ? ['Lines that would lie on each other are drawn as one.'] : []),
      ...(missing === 0 ? [] : [`${missing === 1 ? 'One point is' : `${missing} points are`} left out: zero or less has no place on a log axis.`]),
      ...(cut ? ['Intervals that reach zero end at the edge of the picture.'] : []),
      ...(chart.form === 'bars' && chart.y.scale === 'log' && pointsOf(kept) > 0 ? ['The axis is logarithmic: lengths of bars show ratios, not amounts.'] : [])
    ]
  }
}

type WithPoints = ReadonlyArray<{ readonly points: readonly unknown[] }>
const pointsOf = (list: WithPoints): number => list.reduce((sum, { points }) => sum + points.length, 0)

function refuseNonNumbers ({ id, form, x }: Chart, series: string, point: Point): void {
  const named = form !== 'lines' || x.scale === 'category'
  const numbers = [...(named && typeof point.x === 'string' ? [] : [Number(point.x)]), point.y, point.low ?? 0, point.high ?? 0]
  const wrong = numbers.find((number) => !Number.isFinite(number))
  if (wrong !== undefined) throw new RangeError(`chart ${id}: series ${series} has a point with ${wrong}`)
}

const fits = ({ scale }: Axis, value: number): boolean => scale !== 'log' || value > 0

function drawn ({ x, y, low, high, note }: Point, byCategory: boolean): DrawnPoint {
  const interval = low === undefined && high === undefined ? null : { low: low ?? y, high: high ?? y }
  return { x: byCategory ? String(x) : Number(x), y, base: 0, interval, note: note ?? null }
}

/** Series of the same points become one of all their names: what lies on each other cannot be told apart by looking. */
function together (series: readonly DrawnSeries[]): DrawnSeries[] {
  const placesOf = ({ name, points }: DrawnSeries): string =>
    points.length === 0 ? `nothing of ${name}` : JSON.stringify(points.map(({ x, y, interval }) => [x, y, interval]))
  const groups = new Map<string, DrawnSeries[]>()
  for (const one of series) groups.set(placesOf(one), [...groups.get(placesOf(one)) ?? [], one])
  return [...groups.values()].map((group) => ({
    name: group.map(({ name }) => name).join(', '),
    points: (group[0]?.points ?? []).map((point, at) => ({ ...point, note: notesOf(group.map(({ points }) => points[at]?.note ?? null)) }))
  }))
}

function notesOf (notes: ReadonlyArray<string | null>): string | null {
  const distinct = [...new Set(notes.filter((note) => note !== null))]
  return distinct.length === 0 ? null : distinct.join('\n')
}

/** Each on those of the series before it; intervals would be those of the part and stand at the height of the whole, so there are none. */
function stacked (series: readonly DrawnSeries[]): DrawnSeries[] {
  const heights = new Map<number | string, number>()
  return series.map(({ name, points }) => ({
    name,
    points: points.map((point) => {
      const base = heights.get(point.x) ?? 0
      heights.set(point.x, base + point.y)
      return { ...point, base, interval: null }
    })
  }))
}

/** Numbers ascend; names come as they were first met. */
function categoriesOf (points: readonly Point[]): string[] {
  const met = [...new Set(points.map(({ x }) => x))]
  return (met.every((x) => typeof x === 'number') ? met.toSorted((a, b) => a - b) : met).map(String)
}
