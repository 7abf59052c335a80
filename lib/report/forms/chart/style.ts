// What tells sixteen series apart: for those who see colours a colour, for everyone a mark and a dash, or the pattern of a bar. Colours
// are custom properties, so that light, dark and paper are a matter of a few lines of style.

import {
  symbol, symbolAsterisk, symbolCircle, symbolCross, symbolDiamond2, symbolSquare2, symbolStar, symbolTriangle, symbolWye
} from 'd3-shape'
import type { SymbolType } from 'd3-shape'

export const colours = 8

// each of these differs from its neighbours to the three kinds of colour blindness, and has at least 3:1 to its ground
const light = ['#0060a8', '#c44a00', '#007a5a', '#a3368a', '#806000', '#3a3f46', '#0086a3', '#7a4fd0']
const dark = ['#6db3f2', '#ff9a5c', '#4fd0a0', '#f09ad6', '#e6c34a', '#d6dbe2', '#5fd6ea', '#b9a2ff']

const theme = (palette: readonly string[], ground: string, ink: string, quiet: string, grid: string): string =>
  `.chart{--ground:${ground};--ink:${ink};--quiet:${quiet};--grid:${grid};${palette.map((colour, index) => `--c${index}:${colour}`).join(';')}}`

/** Style of every chart; a file has it inside, a page once. */
export const chartStyle = [
  theme(light, '#ffffff', '#1b1f24', '#4a525c', '#d5dae0'),
  `@media screen and (prefers-color-scheme:dark){${theme(dark, '#14171c', '#e8ebef', '#aab3bd', '#353b44')}}`,
  '.chart{font-family:system-ui,-apple-system,"Segoe UI",sans-serif;background:var(--ground)}',
  '.chart text{fill:var(--ink)}.chart .quiet{fill:var(--quiet)}.chart .heading{font-weight:600}',
  '.chart .ground{fill:var(--ground)}.chart .grid{stroke:var(--grid);fill:none}.chart .axis{stroke:var(--quiet);fill:none}',
  '.chart .line{stroke:var(--s);fill:none;stroke-width:2;stroke-linejoin:round}.chart .interval{stroke:var(--s);fill:none;stroke-width:1.5}',
  '.chart .over{stroke:var(--ink)}.chart .full{fill:var(--s);stroke:var(--ground)}.chart .hollow{fill:var(--ground);stroke:var(--s);stroke-width:2}',
  '.chart .bar{stroke:var(--s)}',
  ...Array.from({ length: colours }, (_, index) => `.chart .s${index}{--s:var(--c${index})}`)
].join('')

/** Class that gives the colour of a series. */
export const colourClass = (series: number): string => `s${series % colours}`

const shapes: readonly SymbolType[] = [
  symbolCircle, symbolSquare2, symbolTriangle, symbolDiamond2, symbolCross, symbolStar, symbolWye, symbolAsterisk
]
const dashes = ['', '7 3', '2 3', '9 3 2 3', '12 4', '5 2', '9 3 2 3 2 3', '3 6']

/** A mark around the origin. The second eight are hollow; a mark of strokes alone has nothing to fill and is thin and thick instead. */
export function seriesMark (series: number): string {
  const shape = shapes[series % shapes.length] ?? symbolCircle
  const hollow = series >= colours || shape === symbolAsterisk
  const size = shape === symbolAsterisk ? series >= colours ? 90 : 40 : 52
  return `class="${hollow ? 'hollow' : 'full'}" d="${symbol(shape, size).digits(2)() ?? ''}"`
}

/** `stroke-dasharray` of a series, or nothing */
export function seriesDash (series: number): string {
  const dash = dashes[(series + Math.floor(series / colours)) % dashes.length] ?? ''
  return dash === '' ? '' : ` stroke-dasharray="${dash}"`
}

const hatches = [
  '', 'M-1,1 1,-1M0,8 8,0M7,9 9,7', 'M0,4H8', 'M4,0V8', 'M-1,7 1,9M0,0 8,8M7,-1 9,1', 'M0,4H8M4,0V8', 'M0,8 8,0M0,0 8,8', 'M2,2h2v2h-2zM6,6h2v2h-2z'
]

/** The pattern that fills the bars of a series: the first eight on the colour itself, the second on a thin wash of it. */
export function seriesPattern (series: number, id: string): string {
  const hatch = hatches[series % hatches.length] ?? ''
  const washed = series >= colours
  return `<pattern id="${id}" class="${colourClass(series)}" width="8" height="8" patternUnits="userSpaceOnUse">` +
    `<rect width="8" height="8" style="fill:var(--s)"${washed ? ' fill-opacity="0.2"' : ''}/>` +
    (hatch === '' ? '' : `<path d="${hatch}" style="fill:none;stroke:var(${washed ? '--s' : '--ground'})" stroke-width="1.5"/>`) + '</pattern>'
}
