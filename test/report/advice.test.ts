// The advice report: its figures are those of the other reports for the same settings, its order keeps to the limits, its knobs save what
// they say.

import t from 'tap'
import { formatReport } from '../../lib/report/index.ts'
import type { AdviceReport, ConvergenceReport, Judged, MemoryReport } from '../../lib/report/index.ts'
import type { Simulator } from '../../lib/sim/types.ts'
import { someBackends, someService, testSimulator } from '../support/simulator.ts'

const mix = '7x3,4x10,2x40'

const adviceOf = (sim: Simulator, request: object = {}): AdviceReport => sim.report({ kind: 'advice', ...request }) as AdviceReport
const memoryOf = (sim: Simulator, request: object): MemoryReport => sim.report({ kind: 'memory', ...request }) as MemoryReport

const settingOf = (list: readonly Judged[], wanted: (one: Judged) => boolean): Judged => {
  const found = list.find(wanted)
  if (found === undefined) throw new Error('no such setting')
  return found
}
const fixed = (m: number, layout: string) => (one: Judged): boolean =>
  one.layout === layout && JSON.stringify(one.tableSize) === JSON.stringify({ fixed: m })

t.test('nodes as they are: the figures of the other reports', async (t) => {
  const sim = testSimulator()
  const report = adviceOf(sim, { mix })
  const memory = memoryOf(sim, { mix })
  const convergence = sim.report({ kind: 'convergence', mix, ports: 1, services: 1 }) as ConvergenceReport
  t.same(report.nodes.map(({ node }) => node), ['cilium', 'dynamic', 'packed', 'compact'])
  for (const [index, { memlockBytes, maglevBytes, collateralShare, convergenceSeconds }] of report.nodes.entries()) {
    const [node, rows] = [memory.nodes[index], convergence.nodes[index]?.rows ?? []]
    t.same([memlockBytes, maglevBytes], [node?.total.memlockBytes, node?.maglev.memlockBytes])
    t.equal(collateralShare, Math.max(...node?.rows.map(({ disruption }) => disruption?.collateralShare ?? 0) ?? []))
    const restarts = rows.filter(({ subject, change }) => subject === 'mix' && change === 'rolling restart')
    t.equal(convergenceSeconds, Math.max(...restarts.map(({ waiting }) => waiting.each.seconds)))
  }
})

t.test('settings: the figures that a node with them would have', async (t) => {
  const { today, patch } = adviceOf(testSimulator(), { mix, maxConvergenceSeconds: 1000 })
  const cases = [
    { judged: settingOf(today, fixed(1021, 'blob')), settings: { layout: 'blob', tableSizePolicy: { fixed: 1021 } } },
    { judged: settingOf(patch, fixed(4093, 'compact')), settings: { layout: 'compact', tableSizePolicy: { fixed: 4093 } } },
    {
      judged: settingOf(patch, ({ tableSize }) => JSON.stringify(tableSize) === '{"perService":{"perBackend":100}}'),
      settings: { layout: 'packed', tableSizePolicy: { perService: { perBackend: 100 } } }
    }
  ]
  for (const { judged, settings } of cases) {
    const [node] = adviceOf(testSimulator(), { mix, variants: [{ name: 'made', ...settings }] }).nodes
    const { memlockBytes, maglevBytes, collateralShare, imbalance, convergenceSeconds } = judged
    t.match(node, { memlockBytes, maglevBytes, collateralShare, imbalance }, JSON.stringify(settings))
    t.ok(Math.abs((node?.convergenceSeconds ?? 0) - convergenceSeconds) < convergenceSeconds * 0.01)
    t.equal(judged.rcuWait, 'each')
  }
  t.equal(settingOf(today, fixed(16381, 'blob')).movedByChange, 0, 'that is how it is')
  // 7 services of 3, 4 of 10, 2 of 40: with another M a flow stays with one in N
  const stays = (7 / 3 + 4 / 10 + 2 / 40) / 13
  t.ok(Math.abs((settingOf(today, fixed(32749, 'blob')).movedByChange ?? 0) - (1 - stays)) < 0.001)
})

t.test('order: within the limits, then least bytes; else the least over', async (t) => {
  const limits = { maxBytesPerNode: 24.4e6, maxCollateralShare: 0.03, maxImbalance: 0.2 }
  const { today, patch, limits: said, limitsAre } = adviceOf(testSimulator(), { mix, ...limits })
  t.same([said, limitsAre], [limits, 'given'])
  for (const list of [today, patch]) {
    for (const [index, one] of list.entries()) {
      const over = [one.memlockBytes / 24.4e6 - 1, one.collateralShare / 0.03 - 1, one.imbalance / 0.2 - 1]
      const kept = over.every((share) => share <= 0)
      t.equal(Object.keys(one.exceeds).length === 0, kept)
      t.same(['maxBytesPerNode', 'maxCollateralShare', 'maxImbalance'].map((name) => one.exceeds[name as 'maxImbalance'] ?? 0),
        over.map((share) => Math.max(0, share)))
      const before = list[index - 1]
      if (before === undefined) continue
      const keptBefore = Object.keys(before.exceeds).length === 0
      t.ok(keptBefore || !kept, 'none within the limits after one that is not')
      if (kept) t.ok(before.memlockBytes <= one.memlockBytes)
    }
  }
  const measured = settingOf(patch, ({ tableSize }) => tableSize === 'measured')
  t.same(measured.exceeds, {})
  for (const { backends, m } of measured.sizes) t.ok(m >= backends)
})

t.test('limits that nothing keeps to, and none at all', async (t) => {
  const sim = testSimulator()
  const impossible = adviceOf(sim, { mix, maxBytesPerNode: 1000, maxCollateralShare: 0 })
  t.ok([...impossible.today, ...impossible.patch].every(({ exceeds }) => Object.keys(exceeds).length > 0))
  t.match(formatReport(impossible, 'text'), /No setting of Cilium keeps to all of the limits \(.*\): nearest is .*, which misses bytes \d.* MB, limit 1\.0 kB; collateral \d\.\d\d %, limit 0\.00 %/)
  const free = adviceOf(sim, { mix })
  t.equal(free.limitsAre, 'today')
  t.match(free.nodes[0]?.exceeds, {})
  const [best] = free.patch
  t.same([best?.layout, best?.exceeds], ['compact', {}], 'the same picks in less memory are never worse')
  t.ok((best?.maglevBytes ?? Infinity) < (free.nodes[0]?.maglevBytes ?? 0))
  t.match(formatReport(free, 'text'), /tableSize: 16381/)
  const soon = adviceOf(sim, { mix, maxConvergenceSeconds: 0.5 })
  t.same([...soon.today, ...soon.patch].filter(({ algorithm }) => algorithm !== 'maglev'), [], 'random is told apart')
  t.match(soon.random, { maglevBytes: 0, imbalance: null, movedShare: 39 / 40, collateralShare: 38 / 40, exceeds: {} })
  t.match(formatReport(soon, 'text'), /Within the limits \(convergence 500 ms; bytes, collateral and imbalance have none\) Cilium can be told M = 251: /)
  const maglev = settingOf(soon.today, fixed(4093, 'blob'))
  t.same([maglev.rcuWait, maglev.exceeds], ['expedited', {}], '80 updates are live in time where the wait is short')
})

t.test('knobs save what a node without them does not take', async (t) => {
  const sim = testSimulator({ nodes: [] })
  const options = { layout: 'blob' as const, tableSizePolicy: { fixed: 1021 }, preallocateMaps: true, addresses: ['192.0.2.1', '192.0.2.2'] }
  sim.createNode({ name: 'node', ...options })
  sim.putService(someService('one', '172.20.0.1', someBackends(1)))
  sim.putService({
    ...someService('port', '172.20.0.2', someBackends(3, 10)),
    frontends: [{ address: '0.0.0.0', port: 30_443, protocol: 'TCP', type: 'NodePort' }]
  })
  const before = JSON.stringify(sim.getState())
  const report = adviceOf(sim)
  t.equal(JSON.stringify(sim.getState()), before)
  const saved = (name: string): number | null | undefined => report.knobs.find((knob) => knob.name === name)?.savedBytes
  const bytes = (): number => sim.getNode('node').memory.memlockBytes
  const now = bytes()
  sim.updateNode('node', { preallocateMaps: false })
  t.equal(saved('bpf.preallocateMaps'), now - bytes())
  sim.updateNode('node', { preallocateMaps: true })
  const size = Number(report.knobs.find(({ name }) => name === 'bpf.lbMapMax')?.suggested)
  const mapSizes = { services: size, backends: size, revNat: size, maglev: size, affinity: size, sourceRange: size }
  sim.updateNode('node', { mapSizes })
  t.equal(saved('bpf.lbMapMax'), now - bytes())
  const table = sim.listMaps('node').find(({ id }) => id === sim.listFrontends('node')[0]?.table?.mapId)?.bytes_memlock
  t.equal(saved('service.cilium.io/lb-algorithm'), table)
  t.equal(saved('nodePort.addresses'), table, 'one table at the second address')
  t.equal(report.knobs.at(-1)?.savedBytes, null)
  t.match(report.helmValues, /^loadBalancer:\n {2}algorithm: maglev\nmaglev:\n {2}tableSize: \d+\n/)
})

t.test('many sizes, and none', async (t) => {
  const sizes = Array.from({ length: 30 }, (_, index) => `1x${index + 1}`).join()
  const report = adviceOf(testSimulator(), { mix: sizes, trials: 1, variants: [{ name: 'one', tableSizePolicy: { fixed: 251 } }] })
  t.match(report.notes.at(-1), /24 of 30 service sizes/)
  t.equal(report.today[0]?.sizes.length, 30)
  const empty = adviceOf(testSimulator())
  t.match(empty.nodes[0], { collateralShare: 0, convergenceSeconds: 0 })
})
