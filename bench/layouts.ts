// `npm run bench -- --layouts`: lookups in the running kernel for every layout (src/benchmark/layout-lookups.ts) and a mix of 1000
// services, as a table.

import type { BenchmarkLookups } from '../lib/report/index.ts'
import { formatMix, formatText, tableSizesText } from '../lib/report/index.ts'
import { measureLookups, openEmptyProgram } from '../src/benchmark/layout-lookups.ts'
import { benchmarkTableSizes } from '../src/benchmark/limits.ts'
import { openBpf } from '../src/live-kernel/bpf.ts'

export interface LayoutBench extends BenchmarkLookups {
  readonly mix: string
  readonly rounds: number
  readonly emptyNs: number
}

const mix = [
  { services: 700, backends: 3 }, { services: 200, backends: 10 }, { services: 80, backends: 40 }, { services: 20, backends: 160 }
]
const EMPTY_RUNS = 1_000_000

/**
 * @param scale of the numbers of services
 * @returns why nothing was measured, where bpf(2) is not there
 */
export async function runLayoutBench (
  { rounds, scale = 1 }: { readonly rounds: number, readonly scale?: number }
): Promise<LayoutBench | string> {
  const bpf = await openBpf()
  if (typeof bpf === 'string') return bpf
  const parts = mix.map(({ services, backends }) => ({ services: Math.ceil(services * scale), backends }))
  const steps = measureLookups(bpf, { ...benchmarkTableSizes, parts, rounds })
  let step = steps.next()
  while (step.done !== true) step = steps.next()
  const empty = openEmptyProgram(bpf)
  const emptyNs = empty.time(EMPTY_RUNS)
  empty.close()
  return { mix: formatMix(parts), rounds, emptyNs, ...step.value }
}

export function describeLayouts (result: LayoutBench): string {
  const [blob, compact] = ['blob', 'compact'].map((name) => result.rows.find(({ layout }) => layout === name))
  const { small, large } = result.hotBackends
  const columns = ['layout', 'M', `hot, N=${small}`, `hot, N=${large}`, `${result.mix}`, 'x blob', 'least', 'x blob\'s least', 'memlock of the tables']
    .map((title, index) => ({ key: title, title, ...(index > 1 && index < 5 ? { as: 'decimal' as const } : {}) }))
  const rows = result.rows.map((row) => [
    row.layout, tableSizesText(row, result), row.hotSmallNs, row.hotLargeNs, row.mixNs, row.mixNs / (blob?.mixNs ?? NaN),
    row.mixLeastNs, row.mixLeastNs / (blob?.mixLeastNs ?? NaN), row.memlockBytes
  ])
  return [
    formatText({ title: `From hash to backend id in the kernel, ns per run; medians of ${result.rounds} interleaved rounds`, columns, rows }),
    ...(blob === undefined || compact === undefined
      ? []
      : [`compact against blob: ${(compact.mixNs / blob.mixNs).toFixed(2)} x over the mix (aim: at most 0.6), ` +
        `${Math.max(compact.hotSmallNs - blob.hotSmallNs, compact.hotLargeNs - blob.hotLargeNs)} ns more for a hot service (aim: at most 5)`]),
    `an empty program: ${result.emptyNs} ns, not taken off; the same picks in all layouts of one M: ${result.samePicks ? 'yes' : 'NO'}`, ''
  ].join('\n')
}
