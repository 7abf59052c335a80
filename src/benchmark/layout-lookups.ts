// The way from a hash to a backend id alone, in the running kernel, for every layout with the same picks: one hot service of the fewest and
// one of the most backends, and all services of a mix, whose tables need not fit the caches together. All layouts hold tables of one M, so
// equal sums of the ids found are checked on the way. Rounds are interleaved; what is timed has run once before, so that the caches hold of
// a layout's own tables what they can, and not the layout's before.

import { programTypeNumbers } from '../../lib/bpf/profile/names.ts'
import { datapathLayouts } from '../../lib/datapath/index.ts'
import { buildTable, defaultSeed } from '../../lib/maglev/index.ts'
import type { BenchmarkLookups, MixPart } from '../../lib/report/index.ts'
import type { Bpf } from '../live-kernel/bpf.ts'
import { loadLayoutProbe } from './layout-probe.ts'
import type { Draw, LayoutProbe } from './layout-probe.ts'
import { median } from './median.ts'

export interface LookupsPlan {
  /** by size, the smallest first */
  readonly parts: readonly MixPart[]
  readonly m: number
  readonly rounds: number
}

/** r0 = 1 (XDP_DROP); exit */
const emptyInsns = Uint8Array.of(0xb7, 0, 0, 0, 1, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0)
const RUNS_HOT = 1_000_000
const RUNS_MIX = 400_000

export const lookupSteps = ({ rounds }: Pick<LookupsPlan, 'rounds'>): number => datapathLayouts.length * (rounds + 1)

/** in `lookupSteps` steps of at most some 100 ms, the loading of a layout's tables being one */
export function * measureLookups (bpf: Bpf, { parts, m, rounds }: LookupsPlan): Generator<undefined, BenchmarkLookups> {
  const tables = buildTables(parts, m)
  const [all, small, large] = [{ first: 0, services: tables.length }, { first: 0, services: 1 }, { first: tables.length - 1, services: 1 }]
  const probes: LayoutProbe[] = []
  try {
    for (const layout of datapathLayouts) {
      probes.push(loadLayoutProbe(bpf, layout, tables))
      yield
    }
    const draws: ReadonlyArray<readonly [Draw, number]> = [[small, RUNS_HOT], [large, RUNS_HOT], [all, RUNS_MIX]]
    const ns = probes.map(() => draws.map((): number[] => []))
    for (let round = 0; round < rounds; round++) {
      for (const [index, probe] of probes.entries()) {
        draws.forEach(([draw, runs], at) => {
          probe.time(draw, runs)
          ns[index]?.[at]?.push(probe.time(draw, runs))
        })
        yield
      }
    }
    const sums = probes.map((probe) => probe.sumOfPicks(all, RUNS_MIX))
    return {
      m,
      hotBackends: { small: parts[0]?.backends ?? 0, large: parts.at(-1)?.backends ?? 0 },
      rows: probes.map(({ layout, memlockBytes }, index) => {
        const [hotSmallNs = NaN, hotLargeNs = NaN, mixNs = NaN] = ns[index]?.map(median) ?? []
        return { layout, hotSmallNs, hotLargeNs, mixNs, mixLeastNs: Math.min(...ns[index]?.[2] ?? []), memlockBytes }
      }),
      samePicks: new Set(sums).size === 1
    }
  } finally {
    for (const probe of probes) probe.close()
  }
}

/** ns of the running kernel for a program that does nothing, in each round */
export function openEmptyProgram (bpf: Bpf): { time (runs: number): number, close (): void } {
  const { fd } = bpf.programLoad({ type: programTypeNumbers.xdp, insns: emptyInsns, license: 'GPL' })
  return { time: (runs) => bpf.testRun(fd, new Uint8Array(64), runs).durationNs, close: () => { bpf.close(fd) } }
}

/** small services first; every backend has an id of its own */
function buildTables (parts: readonly MixPart[], m: number): Uint32Array[] {
  let id = 0
  return parts.flatMap(({ services, backends }) => Array.from({ length: services }, () => {
    const all = Array.from({ length: backends }, () => {
      id++
      return { id, address: `10.${id >> 16}.${id >> 8 & 255}.${id & 255}`, port: 8443, protocol: 'TCP' as const, weight: 1 }
    })
    return buildTable(m, all, defaultSeed(), '1.17+')?.ids ?? new Uint32Array(m)
  }))
}
