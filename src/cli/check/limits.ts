// `--max memory=64MiB,pressure=0.8,convergence=30s,disruption=0.02`.

import { BadInput } from '../failures.ts'

export interface CheckLimits {
  /** memlock of all maps of the load balancer on one node */
  readonly memoryBytes?: number
  /** entries of a map / max_entries, 0 .. 1 */
  readonly pressure?: number
  /** until the rolling restart of the slowest service is live */
  readonly convergenceSeconds?: number
  /** share 0 .. 1 of a service's flows that move without need when one backend leaves */
  readonly disruption?: number
}

const byteUnits: Readonly<Record<string, number>> = { '': 1, B: 1, kB: 1e3, MB: 1e6, GB: 1e9, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 }
const timeUnits: Readonly<Record<string, number>> = { '': 1, ms: 0.001, s: 1, m: 60 }

export function parseLimits (text: string): CheckLimits {
  const limits: { -readonly [name in keyof CheckLimits]: number } = {}
  for (const word of text.split(',').filter((one) => one.trim() !== '')) {
    const [, name = '', number = '', unit = ''] = /^\s*([a-z]+)=(\d+(?:\.\d+)?)\s*([A-Za-z%]*)\s*$/.exec(word) ?? []
    const value = Number(number)
    if (name === 'memory' && Object.hasOwn(byteUnits, unit)) limits.memoryBytes = value * (byteUnits[unit] ?? 1)
    else if (name === 'convergence' && Object.hasOwn(timeUnits, unit)) limits.convergenceSeconds = value * (timeUnits[unit] ?? 1)
    else if ((name === 'pressure' || name === 'disruption') && (unit === '' || unit === '%')) limits[name] = unit === '%' ? value / 100 : value
    else throw new BadInput(`--max takes memory=64MiB, pressure=0.8, convergence=30s and disruption=0.02, with commas, not "${word}"`)
  }
  return limits
}
