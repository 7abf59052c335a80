// Lookup cost beyond the counters: the model of caches against a naive one, lines and misses of real executions, times that are quoted.

import fc from 'fast-check'
import t from 'tap'
import { datapathLayouts, stepProbes, STEPS_PER_RUN } from '../../lib/datapath/index.ts'
import { cacheLevelFault, createCacheModel, defaultCacheLevels, formatReport } from '../../lib/report/index.ts'
import type { BenchmarkResult, CacheLevel, LookupCostReport } from '../../lib/report/index.ts'
import { SimError } from '../../lib/sim/errors.ts'
import { testSimulator } from '../support/simulator.ts'

const seed = 20261125

/** Every set a list of lines, the most recently used first. */
function naiveCounts (
  levels: readonly CacheLevel[], accesses: ReadonlyArray<readonly [address: number, bytes: number]>
): Array<{ asked: number, missed: number }> {
  const sets = levels.map(() => new Map<number, number[]>())
  const counts = levels.map(() => ({ asked: 0, missed: 0 }))
  const shortest = Math.min(...levels.map(({ lineBytes }) => lineBytes))
  for (const [address, bytes] of accesses) {
    for (let part = Math.floor(address / shortest); part <= Math.floor((address + bytes - 1) / shortest); part++) {
      const at = Math.max(address, part * shortest)
      levels.every(({ sizeBytes, ways, lineBytes }, level) => {
        const line = Math.floor(at / lineBytes)
        const set = line % (sizeBytes / ways / lineBytes)
        const held = sets[level]?.get(set) ?? []
        const count = counts[level] as { asked: number, missed: number }
        count.asked++
        const hit = held.includes(line)
        if (!hit) count.missed++
        sets[level]?.set(set, [line, ...held.filter((other) => other !== line)].slice(0, ways))
        return !hit
      })
    }
  }
  return counts
}

t.test('the model of caches counts as a naive one does', async (t) => {
  const shape = { sets: fc.integer({ min: 1, max: 7 }), ways: fc.integer({ min: 1, max: 4 }), lineBits: fc.integer({ min: 4, max: 7 }) }
  const level = fc.record(shape)
    .map(({ sets, ways, lineBits }): CacheLevel => ({ name: 'L', sizeBytes: (sets * ways) << lineBits, ways, lineBytes: 1 << lineBits }))
  const address = fc.oneof(fc.integer({ min: 0, max: 4096 }), fc.integer({ min: 0xffff_0000, max: 0xffff_fe00 }))
  const access = fc.tuple(address, fc.integer({ min: 1, max: 200 }))
  fc.assert(fc.property(fc.array(level, { minLength: 1, maxLength: 3 }), fc.array(access, { maxLength: 300 }), (levels, accesses) => {
    const model = createCacheModel(levels)
    for (const [address, bytes] of accesses) model.access(address, bytes)
    t.same(model.counts().map(({ asked, missed }) => ({ asked, missed })), naiveCounts(levels, accesses))
  }), { seed, numRuns: 200 })
})

t.test('patterns whose misses are known', async (t) => {
  const cache = (sets: number, ways: number): CacheLevel => ({ name: 'L1', sizeBytes: sets * ways * 64, ways, lineBytes: 64 })
  const missesOf = (levels: readonly CacheLevel[], lines: readonly number[], rounds: number): number[] => {
    const model = createCacheModel(levels)
    for (let round = 0; round < rounds; round++) for (const line of lines) model.access(line * 64, 4)
    return model.counts().map(({ missed }) => missed)
  }
  const scan = (lines: number): number[] => Array.from({ length: lines }, (_, index) => index)
  t.same(missesOf([cache(16, 4)], scan(64), 5), [64], 'what fits is missed once')
  t.same(missesOf([cache(16, 4)], scan(80), 5), [400], 'going round in one line too many per set misses always')
  t.same(missesOf([cache(16, 1)], [3, 19], 5), [10], 'two lines of one set of one way')
  t.same(missesOf([cache(16, 2)], [3, 19], 5), [2], 'and of two')
  t.same(missesOf([cache(16, 1), cache(16, 2)], [3, 19], 5), [10, 2], 'the second level is asked for what the first lacks')
  const model = createCacheModel([cache(16, 4)])
  model.access(60, 8)
  model.reset()
  model.access(124, 8)
  t.same(model.counts(), [{ asked: 2, missed: 1, lines: 3 }], 'across two lines is two; a reset forgets counts, not lines')
  t.same(defaultCacheLevels.map(cacheLevelFault), [null, null, null])
})

const smallCaches: readonly CacheLevel[] = [
  { name: 'L1d', sizeBytes: 32768, ways: 8, lineBytes: 64 }, { name: 'L2', sizeBytes: 1_048_576, ways: 16, lineBytes: 64 }
]
const costOf = (request: object): LookupCostReport => testSimulator().report({ kind: 'lookup-cost', mix: '60x3', ...request }) as LookupCostReport
const variants = [{ name: 'cilium' }, { name: 'compact', layout: 'compact' }]

t.test('tables that fit the cache and tables that do not', async (t) => {
  const report = costOf({ variants, cache: { levels: smallCaches }, cacheLookups: 8192 })
  const [cilium, compact] = report.nodes
  const missed = (node: typeof cilium): number => (node?.cache?.levels.at(-1)?.missed ?? NaN) / 8192
  t.comment(`misses per lookup: ${missed(cilium)}, ${missed(compact)}`)
  t.ok(missed(cilium) > 0.6, '60 tables of 65.5 kB: most slots are not in 1 MiB')
  t.ok(missed(compact) < 0.1, '60 tables of 4.3 kB are')
  for (const { cache, rows } of report.nodes) {
    t.same(cache?.services, { made: 60, of: 60 })
    const [first, second] = cache?.levels ?? []
    t.equal(first?.missed, second?.asked)
    t.ok((cache?.accesses ?? 0) > 8192 * 50)
    const [{ lines } = { lines: { total: 0, maps: 0 } }] = rows
    t.ok(lines.maps > 5 && lines.total > lines.maps && lines.total < 60, `${lines.total} lines, ${lines.maps} of maps`)
  }
  t.equal(formatReport(report, 'json'), formatReport(costOf({ variants, cache: { levels: smallCaches }, cacheLookups: 8192 }), 'json'), 'the same again')
  const text = formatReport(report, 'text')
  t.match(text, /L1d 32 KiB of 8 ways/)
  t.match(text, /Were inner arrays never inlined, each lookup in one would take 5 fewer instructions and one more call/)
  t.match(text, /not measured here/)
})

t.test('a cluster is made again for the model, as it is when asked', async (t) => {
  const sim = testSimulator()
  const steps = sim.reportSteps({ kind: 'lookup-cost', cacheLookups: 4096 })
  const frontend = { address: '172.20.0.1', port: 443, protocol: 'TCP', type: 'LoadBalancer' } as const
  t.equal(steps.next().done, true, 'nothing to make of no services')
  const backend = { address: '10.0.0.1', port: 80, protocol: 'TCP', weight: 1, state: 'active' } as const
  sim.putService({ namespace: 'a', name: 'b', frontends: [frontend], backends: [backend] })
  const later = sim.reportSteps({ kind: 'lookup-cost', cacheLookups: 4096 })
  later.next()
  const before = sim.revision()
  sim.deleteService('a', 'b')
  let step = later.next()
  while (step.done !== true) step = later.next()
  const report = step.value as LookupCostReport
  t.equal(report.subject.revision, before)
  t.same(report.nodes.map(({ rows, cache }) => [rows.length, cache?.services.made]), [[1, 1], [1, 1]])
})

/** figures of no machine */
const benchmark: BenchmarkResult = {
  kind: 'benchmark',
  measuredAt: '2026-01-02T03:04:05.000Z',
  machine: { cpu: 'a processor', cpus: 2, kernel: '6.18.0', spectreV2: 'Mitigation: Retpolines', node: 'v20.0.0' },
  mix: '60x3',
  services: { made: 60, of: 60 },
  rounds: 3,
  withoutKernel: null,
  emptyNs: 6,
  nodes: [{
    node: 'a',
    layout: 'blob',
    kernel: '6.18',
    inlining: 'kernel',
    spectreMasking: false,
    rows: [{ backends: 3, m: 16381, instructions: 272, interpreterNs: 300.5, kernelNs: 41, sameAsKernel: true }]
  }],
  lookups: {
    m: 16381,
    perBackend: 100,
    hotBackends: { small: 3, large: 3 },
    rows: [...datapathLayouts.map((layout) => [layout, 'shared'] as const), ['dynamic', 'perService'] as const].map(([layout, tableSizes], index) =>
      ({ layout, tableSizes, hotSmallNs: 10 + index, hotLargeNs: 20 + index, mixNs: 30 + index, mixLeastNs: 25, memlockBytes: 1 })),
    samePicks: true
  },
  steps: { rows: stepProbes.map((step, index) => ({ step, ns: 32 * (1 + index) })), perRun: STEPS_PER_RUN, sameAsEmulator: true }
}

t.test('times are quoted from a benchmark, beside what they are of', async (t) => {
  const report = costOf({ variants, cacheLookups: 0, benchmark: { run: 'r-1', result: benchmark } })
  t.same(report.nodes.map(({ rows }) => rows[0]?.ns), [{ interpreter: 300.5, kernel: 41 }, null], 'the same layout, size and M only')
  t.same(report.nodes.map(({ lookupNs }) => lookupNs?.hotSmallNs), [12, 15])
  const sized = [100, 50].map((perBackend) => ({ name: `d${perBackend}`, layout: 'dynamic', tableSizePolicy: { perService: { perBackend } } }) as const)
  const other = costOf({ variants: [...sized, { name: 'm', tableSizePolicy: { fixed: 4093 } }], cacheLookups: 0, benchmark: { run: 'r-1', result: benchmark } })
  t.same(other.nodes.map(({ lookupNs }) => lookupNs?.hotSmallNs), [16, undefined, undefined], 'of tables that are sized alike')
  const times = report.steps.map(({ step, ns }) => [step, ns])
  t.same(times, [['inlined', 2], ['called', 4], ['indirect', 6], ['immediate', 2], ['rodata', 4], ['max-entries', 6]])
  t.same(report.benchmark?.run, 'r-1')
  const text = formatReport(report, 'text')
  t.match(text, /2\.0 ns more where the kernel calls the array's function directly, 4\.0 ns more through the general function/)
  t.match(text, /run r-1, measured 2026-01-02T03:04:05\.000Z on a processor/)
  t.match(text, /Retpolines/)
})

t.test('caches that cannot be are refused', async (t) => {
  for (const wrong of [{ ...smallCaches[0], lineBytes: 48 }, { ...smallCaches[0], sizeBytes: 1000 }]) {
    const error = t.throws(() => costOf({ variants, cache: { levels: [smallCaches[0], wrong] } }), SimError) as SimError
    t.equal(error.places[0]?.pointer, '/cache/levels/1')
  }
})
