// Numbers on axes and beside marks, each with the unit that reads best: 65.8 kB, 12 %, 2.5 ms.

import type { Axis } from '../../document.ts'

type Unit = Axis['unit']
type Step = readonly [size: number, name: string]

const decimal: readonly Step[] = [[1e12, 'T'], [1e9, 'G'], [1e6, 'M']]
const bytes: readonly Step[] = [[1e12, 'TB'], [1e9, 'GB'], [1e6, 'MB'], [1e3, 'kB'], [1, 'B']]
const seconds: readonly Step[] = [[1, 's'], [1e-3, 'ms'], [1e-6, 'µs'], [1e-9, 'ns']]
const timeUnits: Readonly<Record<string, number>> = { s: 1, ms: 1e-3, us: 1e-6, µs: 1e-6, ns: 1e-9 }

/** As many digits as tell the values apart, three at least. */
export function axisLabels (values: readonly number[], unit: Unit): string[] {
  for (let digits = 3; ; digits++) {
    // zero is zero in every unit, and whichever was written would be another one than that of its neighbours
    const labels = values.map((value) => value === 0 && unit !== 'share' ? '0' : valueLabel(value, unit, digits))
    if (digits >= 15 || new Set(labels).size === new Set(values).size) return labels
  }
}

/** One value with its unit, in that many significant digits. */
export function valueLabel (value: number, unit: Unit, digits = 3): string {
  if (value === 0) return zeroLabel(unit)
  if (unit === 'bytes') return scaled(value, bytes, digits)
  if (unit === 'share') return `${plain(value * 100, digits)} %`
  const second = unit === null ? undefined : timeUnits[unit]
  if (second !== undefined) return scaled(value * second, seconds, digits)
  const number = Math.abs(value) >= 1e6 ? scaled(value, decimal, digits) : plain(value, digits)
  return unit === null ? number : `${number} ${unit}`
}

const zeroLabel = (unit: Unit): string => `0${unit === null ? '' : ` ${{ bytes: 'B', share: '%' }[unit] ?? unit}`}`

/** `memlock of a table (bytes, log scale)` */
export function axisTitle ({ label, unit, scale }: Axis): string {
  const about = [...(unit === null ? [] : [unit === 'share' ? '%' : unit]), ...(scale === 'log' ? ['log scale'] : [])]
  return about.length === 0 ? label : `${label} (${about.join(', ')})`
}

function scaled (value: number, steps: readonly Step[], digits: number): string {
  const rounded = Number(value.toPrecision(digits))
  const step = steps.find(([size]) => Math.abs(rounded) >= size * (1 - 1e-9)) ?? steps.at(-1)
  if (step === undefined) return plain(value, digits)
  return `${plain(value / step[0], digits)} ${step[1]}`
}

/** Whole numbers keep their digits up to a million; thousands are set apart. */
function plain (value: number, digits: number): string {
  const whole = Number.isInteger(value) && Math.abs(value) < 1e6
  const number = whole ? value : Number(value.toPrecision(digits))
  const [head = '', ...tail] = String(number === 0 ? 0 : number).split('.')
  return [/e/.test(head) ? head : head.replace(/\B(?=(\d{3})+$)/g, ','), ...tail].join('.')
}
