// The way from a hash to a backend id alone, in the running kernel, for every layout with the same picks: one hot service of the fewest and
// one of the most backends, and all services of a mix, whose tables need not fit the caches together. All layouts hold tables of one M, so
// equal sums of the ids found are checked on the way; those that can hold tables of any M are measured with an M for each service too.
// Rounds are interleaved; what is timed has run once before, so that the caches hold of a layout's own tables what they can, and not the
// layout's before.

import { programTypeNumbers } from '../../lib/bpf/profile/names.ts'
import { datapathLayouts } from '../../lib/datapath/index.ts'
import type { DatapathLayout } from '../../lib/datapath/index.ts'
import { oneTableSizeForAll } from '../../lib/loadbalancer/index.ts'
import { buildTable, chooseTableSize, defaultSeed } from '../../lib/maglev/index.ts'
import type { TableSizePolicy } from '../../lib/maglev/index.ts'
import type { BenchmarkLookup, BenchmarkLookups, MixPart } from '../../lib/report/index.ts'
import type { Bpf } from '../live-kernel/bpf.ts'
import { loadLayoutProbe } from './layout-probe.ts'
import type { Draw, LayoutProbe } from './layout-probe.ts'
import { median } from './median.ts'

export interface LookupsPlan {
  /** by size, the smallest first */
  readonly parts: readonly MixPart[]
  readonly m: number
  /** slots per backend, where each service has an M of its own */
  readonly perBackend: number
  readonly rounds: number
}

interface Measured {
  readonly layout: DatapathLayout
  readonly tableSizes: BenchmarkLookup['tableSizes']
}

/** r0 = 1 (XDP_DROP); exit */
const emptyInsns = Uint8Array.of(0xb7, 0, 0, 0, 1, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0)
const RUNS_HOT = 1_000_000
const RUNS_MIX = 400_000

const measured: readonly Measured[] = [
  ...datapathLayouts.map((layout) => ({ layout, tableSizes: 'shared' as const })),
  ...datapathLayouts.filter((layout) => !oneTableSizeForAll(layout)).map((layout) => ({ layout, tableSizes: 'perService' as const }))
]

export const lookupSteps = ({ rounds }: Pick<LookupsPlan, 'rounds'>): number => measured.length * (rounds + 1)

/** in `lookupSteps` steps of at most some 100 ms, the loading of a layout's tables being one */
export function * measureLookups (bpf: Bpf, { parts, m, perBackend, rounds }: LookupsPlan): Generator<undefined, BenchmarkLookups> {
  const tables = { shared: buildTables(parts, { fixed: m }), perService: buildTables(parts, { perService: { perBackend } }) }
  const services = tables.shared.length
  const [all, small, large] = [{ first: 0, services }, { first: 0, services: 1 }, { first: services - 1, services: 1 }]
  const probes: LayoutProbe[] = []
  try {
    for (const { layout, tableSizes } of measured) {
      probes.push(loadLayoutProbe(bpf, layout, tables[tableSizes]))
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
    const sums = probes.filter((_, index) => measured[index]?.tableSizes === 'shared').map((probe) => probe.sumOfPicks(all, RUNS_MIX))
    return {
      m,
      perBackend,
      hotBackends: { small: parts[0]?.backends ?? 0, large: parts.at(-1)?.backends ?? 0 },
      rows: measured.map((row, index) => {
        const [hotSmallNs = NaN, hotLargeNs = NaN, mixNs = NaN] = ns[index]?.map(median) ?? []
        const { memlockBytes = NaN } = probes[index] ?? {}
        return { ...row, hotSmallNs, hotLargeNs, mixNs, mixLeastNs: Math.min(...ns[index]?.[2] ?? []), memlockBytes }
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
function buildTables (parts: readonly MixPart[], policy: TableSizePolicy): Uint32Array[] {
  let id = 0
  const sized = parts.map((part) => ({ ...part, ...chooseTableSize(policy, null, part.backends) }))
  return sized.flatMap(({ services, backends, m }) => Array.from({ length: services }, () => {
    const all = Array.from({ length: backends }, () => {
      id++
      return { id, address: `10.${id >> 16}.${id >> 8 & 255}.${id & 255}`, port: 8443, protocol: 'TCP' as const, weight: 1 }
    })
    return buildTable(m, all, defaultSeed(), '1.17+')?.ids ?? new Uint32Array(m)
  }))
}
