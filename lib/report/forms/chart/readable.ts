// A chart as it can be drawn: numbers that are none are refused, and what a log axis has no place for is left out and said so.

import type { Axis, Chart, Point } from '../../document.ts'

export interface DrawnSeries {
  readonly name: string
  readonly points: readonly DrawnPoint[]
}

export interface DrawnPoint {
  /** the category's name on category axes */
  readonly x: number | string
  readonly y: number
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

/** @throws RangeError for a value that is no finite number */
export function readableChart (chart: Chart): DrawnChart {
  const byCategory = chart.form === 'bars' || chart.x.scale === 'category'
  const kept = chart.series.map(({ name, points }) => {
    for (const point of points) refuseNonNumbers(chart, name, point)
    return { name, points: points.filter(({ x, y }) => (byCategory || fits(chart.x, Number(x))) && fits(chart.y, y)) }
  })
  const missing = pointsOf(chart.series) - pointsOf(kept)
  const series = kept.map(({ name, points }) => ({ name, points: points.map((point) => drawn(point, byCategory)) }))
  const cut = chart.y.scale === 'log' && series.some(({ points }) => points.some(({ interval }) => interval !== null && interval.low <= 0))
  return {
    series,
    categories: byCategory ? categoriesOf(kept.flatMap(({ points }) => points)) : null,
    remarks: [
      ...(missing === 0 ? [] : [`${missing === 1 ? 'One point is' : `${missing} points are`} left out: zero or less has no place on a log axis.`]),
      ...(cut ? ['Intervals that reach zero end at the edge of the picture.'] : []),
      ...(chart.form === 'bars' && chart.y.scale === 'log' && pointsOf(kept) > 0 ? ['The axis is logarithmic: lengths of bars show ratios, not amounts.'] : [])
    ]
  }
}

type WithPoints = ReadonlyArray<{ readonly points: readonly unknown[] }>
const pointsOf = (list: WithPoints): number => list.reduce((sum, { points }) => sum + points.length, 0)

function refuseNonNumbers ({ id, form, x }: Chart, series: string, point: Point): void {
  const named = form === 'bars' || x.scale === 'category'
  const numbers = [...(named && typeof point.x === 'string' ? [] : [Number(point.x)]), point.y, point.low ?? 0, point.high ?? 0]
  const wrong = numbers.find((number) => !Number.isFinite(number))
  if (wrong !== undefined) throw new RangeError(`chart ${id}: series ${series} has a point with ${wrong}`)
}

const fits = ({ scale }: Axis, value: number): boolean => scale !== 'log' || value > 0

function drawn ({ x, y, low, high, note }: Point, byCategory: boolean): DrawnPoint {
  const interval = low === undefined && high === undefined ? null : { low: low ?? y, high: high ?? y }
  return { x: byCategory ? String(x) : Number(x), y, interval, note: note ?? null }
}

/** Numbers ascend; names come as they were first met. */
function categoriesOf (points: readonly Point[]): string[] {
  const met = [...new Set(points.map(({ x }) => x))]
  return (met.every((x) => typeof x === 'number') ? met.toSorted((a, b) => a - b) : met).map(String)
}
