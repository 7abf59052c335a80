// `npm run bench -- --layouts`: the way from a hash to a backend id alone, in the running kernel, for every layout with the same picks:
// one hot service of 3 and one of 160 backends, and 1000 services of a mix, whose tables do not fit the caches together. All layouts hold
// tables of one M, so equal sums of the ids found are checked on the way. Rounds are interleaved, medians are printed; what is timed has
// run once before, so that the caches hold of a layout's own tables what they can, and not the layout's before.

import { datapathLayouts } from '../lib/datapath/index.ts'
import type { DatapathLayout } from '../lib/datapath/index.ts'
import { buildTable, defaultSeed, defaultTableSize } from '../lib/maglev/index.ts'
import { formatText } from '../lib/report/index.ts'
import { programTypeNumbers } from '../lib/bpf/profile/names.ts'
import { openBpf } from '../src/live-kernel/bpf.ts'
import type { Bpf } from '../src/live-kernel/bpf.ts'
import { loadLayoutProbe } from './support/layout-probe.ts'
import type { Draw, LayoutProbe } from './support/layout-probe.ts'

export interface LayoutRow {
  readonly layout: DatapathLayout
  /** ns per run, the time of an empty program not taken off */
  readonly hotSmallNs: number
  readonly hotLargeNs: number
  readonly mixNs: number
  /** of all rounds the quickest: what other work on the machine disturbed least */
  readonly mixLeastNs: number
  readonly memlockBytes: number
}

export interface LayoutBench {
  readonly mix: string
  readonly m: number
  readonly rounds: number
  readonly emptyNs: number
  readonly rows: readonly LayoutRow[]
  /** whether all layouts picked the same over the runs of a round */
  readonly samePicks: boolean
}

interface Part { readonly services: number, readonly backends: number }

const mix: readonly Part[] = [
  { services: 700, backends: 3 }, { services: 200, backends: 10 }, { services: 80, backends: 40 }, { services: 20, backends: 160 }
]
/** r0 = 1 (XDP_DROP); exit */
const emptyProgram = Uint8Array.of(0xb7, 0, 0, 0, 1, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0)
const RUNS_HOT = 1_000_000
const RUNS_MIX = 400_000

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
  const tables = buildTables(parts, defaultTableSize)
  const probes = datapathLayouts.map((layout) => loadLayoutProbe(bpf, layout, tables))
  const result = measure(bpf, probes, tables.length, rounds)
  for (const probe of probes) probe.close()
  return { mix: parts.map(({ services, backends }) => `${services}x${backends}`).join(','), m: defaultTableSize, rounds, ...result }
}

function measure (
  bpf: Bpf, probes: readonly LayoutProbe[], services: number, rounds: number
): Pick<LayoutBench, 'emptyNs' | 'rows' | 'samePicks'> {
  const all: Draw = { first: 0, services }
  const draws = [{ first: 0, services: 1 }, { first: services - 1, services: 1 }, all]
    .map((draw) => ({ draw, runs: draw === all ? RUNS_MIX : RUNS_HOT }))
  const empty = bpf.programLoad({ type: programTypeNumbers.xdp, insns: emptyProgram, license: 'GPL' }).fd
  const emptyNs: number[] = []
  const ns = probes.map(() => draws.map((): number[] => []))
  for (let round = 0; round < rounds; round++) {
    emptyNs.push(bpf.testRun(empty, new Uint8Array(64), RUNS_HOT).durationNs)
    draws.forEach(({ draw, runs }, at) => probes.forEach((probe, index) => {
      probe.time(draw, runs)
      ns[index]?.[at]?.push(probe.time(draw, runs))
    }))
  }
  const sums = probes.map((probe) => probe.sumOfPicks(all, RUNS_MIX))
  bpf.close(empty)
  return {
    emptyNs: median(emptyNs),
    rows: probes.map(({ layout, memlockBytes }, index) => {
      const [hotSmallNs = NaN, hotLargeNs = NaN, mixNs = NaN] = ns[index]?.map(median) ?? []
      return { layout, hotSmallNs, hotLargeNs, mixNs, mixLeastNs: Math.min(...ns[index]?.[2] ?? []), memlockBytes }
    }),
    samePicks: new Set(sums).size === 1
  }
}

/** small services first; every backend has an id of its own */
function buildTables (parts: readonly Part[], m: number): Uint32Array[] {
  let id = 0
  return parts.flatMap(({ services, backends }) => Array.from({ length: services }, () => {
    const all = Array.from({ length: backends }, () => {
      id++
      return { id, address: `10.${id >> 16}.${id >> 8 & 255}.${id & 255}`, port: 8443, protocol: 'TCP' as const, weight: 1 }
    })
    return buildTable(m, all, defaultSeed(), '1.17+')?.ids ?? new Uint32Array(m)
  }))
}

export function describeLayouts (result: LayoutBench): string {
  const blob = result.rows.find(({ layout }) => layout === 'blob')
  const columns = ['layout', 'hot, N=3', 'hot, N=160', `${result.mix}`, 'x blob', 'least', 'x blob\'s least', 'memlock of the tables']
    .map((title, index) => ({ key: title, title, ...(index > 0 && index < 4 ? { as: 'decimal' as const } : {}) }))
  const rows = result.rows.map((row) => [
    row.layout, row.hotSmallNs, row.hotLargeNs, row.mixNs, row.mixNs / (blob?.mixNs ?? NaN),
    row.mixLeastNs, row.mixLeastNs / (blob?.mixLeastNs ?? NaN), row.memlockBytes
  ])
  return [
    formatText({ title: `From hash to backend id in the kernel, ns per run; medians of ${result.rounds} interleaved rounds; M = ${result.m}`, columns, rows }),
    `an empty program: ${result.emptyNs} ns, not taken off; the same picks in all layouts: ${result.samePicks ? 'yes' : 'NO'}`, ''
  ].join('\n')
}

function median (values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[sorted.length >> 1] ?? NaN
}
