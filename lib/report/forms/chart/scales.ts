// From values to places on an axis, and which of them get a tick.

import { extent } from 'd3-array'
import { scaleLinear, scaleLog } from 'd3-scale'
import type { Axis } from '../../document.ts'
import { axisLabels } from './labels.ts'
import { textWidth } from './text.ts'

export interface Tick {
  readonly at: number
  readonly label: string
}

/** A tick below the plot: the label of an outermost one stays inside the picture. */
export interface HorizontalTick extends Tick {
  /** middle of the label */
  readonly labelAt: number
}

export interface NumberScale {
  /** place of a value, in pixels */
  readonly place: (value: number) => number
  readonly ticks: readonly Tick[]
}

/** Upward: from the bottom of the plot to its top. */
export function verticalScale (axis: Axis, values: readonly number[], bottom: number, top: number): NumberScale {
  if (axis.scale === 'log') {
    const domain = logDomain(values)
    const scale = scaleLog().domain(domain).range([bottom, top])
    return { place: scale, ticks: labelled(thinned(logSteps(domain), 10), axis, scale) }
  }
  // a length that does not begin at zero says the wrong thing
  const [least, greatest] = extent([0, ...values]) as [number, number]
  const scale = scaleLinear().domain(least === greatest ? [0, 1] : [least, greatest]).range([bottom, top]).nice(7)
  return { place: scale, ticks: labelled(scale.ticks(7), axis, scale) }
}

/**
 * From left to right. A few distinct values are the ticks themselves, as far as their labels fit beside each other.
 * @param size of the labels' font
 * @param edge space right of the plot that labels may take
 */
export function horizontalScale (
  axis: Axis, values: readonly number[], { left, right, size, edge }: { left: number, right: number, size: number, edge: number }
): { readonly place: (value: number) => number, readonly ticks: readonly HorizontalTick[] } {
  const inner: [number, number] = [left + margin, right - margin]
  const [least, greatest] = extent(values) as [number, number]
  const log = axis.scale === 'log'
  const domain = least !== greatest ? [least, greatest] : log ? [least / 2, least * 2] : [least - 1, least + 1]
  const scale = (log ? scaleLog() : scaleLinear()).domain(domain).range(inner)
  const distinct = [...new Set(values)].sort((a, b) => a - b)
  const steps = distinct.length <= 12 ? distinct : log ? thinned(logSteps(domain), 12) : scale.ticks(8)
  const ticks = labelled(steps, axis, scale).map((tick) => {
    const half = textWidth(tick.label, size) / 2
    return { ...tick, labelAt: Math.max(Math.min(tick.at, right + edge - half), half + 2) }
  })
  return { place: scale, ticks: apart(ticks, size) }
}

/** between the ends of the axis and the first and the last mark */
const margin = 16

function labelled (values: readonly number[], axis: Axis, scale: (value: number) => number): Tick[] {
  const labels = axisLabels(values, axis.unit)
  return values.map((value, index) => ({ at: scale(value), label: labels[index] ?? '' }))
}

/** Those whose labels do not touch: the last one always, because the largest value matters most. */
function apart (ticks: readonly HorizontalTick[], size: number): HorizontalTick[] {
  const kept: HorizontalTick[] = []
  for (const tick of ticks.toReversed()) {
    const right = kept.at(-1)
    const room = (textWidth(right?.label ?? '', size) + textWidth(tick.label, size) + size) / 2
    if (right === undefined || right.labelAt - tick.labelAt >= room) kept.push(tick)
  }
  return kept.reverse()
}

/** From one of 1, 2, 5 x 10^k below all values to one above them, no value on the edge. */
function logDomain (values: readonly number[]): [number, number] {
  const [least, greatest] = extent(values.filter((value) => value > 0)) as [number, number]
  const [from, to] = [least * 0.95, greatest * 1.05]
  return [stepsAround(from).findLast((step) => step <= from) ?? from, stepsAround(to).find((step) => step >= to) ?? to]
}

function stepsAround (value: number): number[] {
  const exponent = Math.floor(Math.log10(value))
  return [exponent - 1, exponent, exponent + 1].flatMap((power) => [1, 2, 5].map((digit) => Number(`${digit}e${power}`)))
}

function logSteps ([from, to]: readonly number[]): number[] {
  const steps: number[] = []
  for (let power = Math.floor(Math.log10(from ?? 1)) - 1; power <= Math.ceil(Math.log10(to ?? 1)); power++) {
    for (const digit of [1, 2, 5]) steps.push(Number(`${digit}e${power}`))
  }
  return steps.filter((step) => step >= (from ?? 1) && step <= (to ?? 1))
}

/** 1, 2, 5; where they are too many 1 and 5, or the powers of ten; of those every second, third, ... */
function thinned (steps: readonly number[], most: number): number[] {
  const digit = (step: number): string => step.toExponential()[0] ?? ''
  const fitting = [steps, steps.filter((step) => digit(step) !== '2')].find((some) => some.length <= most)
  if (fitting !== undefined) return [...fitting]
  const powers = steps.filter((step) => digit(step) === '1')
  const every = Math.ceil(powers.length / most)
  return powers.filter((_, index) => index % every === 0)
}
