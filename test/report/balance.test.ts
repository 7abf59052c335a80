// The balance report against the simulator: slots are those of the node's tables, flows those of its program, measures those of their
// definitions, and what is asked for and refused.

import fc from 'fast-check'
import t from 'tap'
import { defaultSeed } from '../../lib/maglev/index.ts'
import { evennessOf, imbalanceOf } from '../../lib/report/balance/evenness.ts'
import type { BalanceReport } from '../../lib/report/balance/report.ts'
import { SlotCounter } from '../../lib/report/balance/slots.ts'
import { formatReport } from '../../lib/report/index.ts'
import { SimError } from '../../lib/sim/errors.ts'
import type { Simulator } from '../../lib/sim/types.ts'
import { createTrafficGenerator } from '../../lib/traffic/index.ts'
import { someBackends, someService, testSimulator } from '../support/simulator.ts'

const seed = 20261125
t.comment(`fast-check seed ${seed}`)

const balanceOf = (sim: Simulator, request: object = {}): BalanceReport => sim.report({ kind: 'balance', ...request }) as BalanceReport

t.test('measures are what their definitions say', async (t) => {
  t.same(evennessOf([10, 10, 10], [1 / 3, 1 / 3, 1 / 3]), { maxOverMean: 1, minOverMean: 1, coefficientOfVariation: 0, jainIndex: 1 })
  const one = evennessOf([12, 0, 0, 0], [0.25, 0.25, 0.25, 0.25])
  t.same([one.maxOverMean, one.minOverMean, one.jainIndex], [4, 0, 0.25], 'one has all')
  t.same(evennessOf([10, 20], [1 / 3, 2 / 3]).jainIndex, 1, 'by weight')
  const counts = fc.array(fc.nat(1000), { minLength: 1, maxLength: 50 }).filter((counted) => counted.some((count) => count > 0))
  fc.assert(fc.property(counts, (counts) => {
    const { maxOverMean, minOverMean, coefficientOfVariation, jainIndex } = evennessOf(counts, counts.map(() => 1 / counts.length))
    return jainIndex > 0 && jainIndex <= 1 + 1e-12 && minOverMean <= 1 + 1e-12 && maxOverMean >= 1 - 1e-12 &&
      Math.abs(jainIndex - 1 / (1 + coefficientOfVariation ** 2)) < 1e-9
  }), { seed, numRuns: 300 })
})

t.test('equal backends differ by one slot at most, whatever their addresses', async (t) => {
  const counter = new SlotCounter(509, defaultSeed())
  const addresses = fc.uniqueArray(fc.nat(0xffffff), { minLength: 1, maxLength: 600 })
  fc.assert(fc.property(addresses, (numbers) => {
    const { counts, withoutSlots, evenness } = counter.count(numbers.map((number) =>
      ({ address: `10.${number >> 16}.${number >> 8 & 255}.${number & 255}`, port: 80, protocol: 'TCP', weight: 1 })))
    const n = numbers.length
    return Math.max(...counts) - Math.min(...counts) <= 1 && withoutSlots === Math.max(0, n - 509) &&
      imbalanceOf(evenness) <= Math.max(1, n / 509)
  }), { seed, numRuns: 60 })
})

t.test('slots and flows are those of the nodes', async (t) => {
  const sim = testSimulator()
  const weights = [50, 100, 300]
  sim.putService(someService('even', '172.20.0.1', someBackends(7)))
  sim.putService(someService('weighted', '172.20.0.2', someBackends(3, 500).map((backend, index) => ({ ...backend, weight: weights[index] ?? 1 }))))
  sim.putService(someService('ignored', '172.20.0.3', someBackends(3, 600).map((backend, index) => ({ ...backend, weight: index === 0 ? 2 : 1 }))))
  sim.putService(someService('six', 'fd00:20::1', [{ ...someBackends(1)[0], address: 'fd00:10::1' }, { ...someBackends(1)[0], address: 'fd00:10::2' }] as never))
  const report = balanceOf(sim, { flows: 3000, trials: 2 })
  for (const node of report.nodes) {
    t.same(node.rows.map(({ family, backends, frontends }) => [family, backends, frontends]), [[4, 3, 2], [4, 7, 1], [6, 2, 1]])
    for (const frontend of sim.listFrontends(node.node)) {
      const { counts, m } = sim.getTable(node.node, frontend.id)
      const row = node.rows.find(({ family, backends }) => backends === frontend.backends.length && family === (frontend.address.includes(':') ? 6 : 4))
      const slots = Object.values(counts)
      if (frontend.service.name === 'even') t.same(row?.slots.worst, evennessOf(slots, slots.map(() => 1 / slots.length)), `${node.node}: as its table says`)
      const listed = node.weighted.find((one) => one.frontend.startsWith(`default/${frontend.service.name} `))
      for (const backend of listed?.backends ?? []) {
        const { id = 0, weight = 0 } = frontend.backends.find(({ address }) => address === backend.address) ?? {}
        const total = frontend.backends.reduce((sum, one) => sum + one.weight, 0)
        t.same([backend.slots, backend.gotShare, backend.wantedShare], [counts[id], (counts[id] ?? 0) / m, weight / total])
        t.ok(Math.abs(backend.relativeError - (backend.gotShare / backend.wantedShare - 1)) < 1e-12)
      }
    }
    t.same(node.weighted.map(({ frontend, ignored }) => [frontend.split(' ')[0], ignored]), [['default/ignored', true], ['default/weighted', false]])
    t.ok(Math.abs(node.weighted[1]?.backends[0]?.relativeError ?? 1) < 0.02, 'weights that count are met')
    t.match(node.warnings.filter(({ code }) => code === 'weights-ignored'), [{ frontends: 1, frontend: /default\/ignored/ }])
    t.same(node.rows[0]?.weights?.ignored, 1)
  }
  const flows = report.nodes.flatMap(({ rows }) => rows.map((row) => row.flows))
  t.ok(flows.every((one) => one !== null && Math.abs(one.flows - 6000) < 500 && one.unserved === 0), 'every flow was served')
  t.ok(flows.every((one) => (one?.chiSquare?.pValue ?? 0) > 1e-4), `chance explains them: p ${flows.map((one) => one?.chiSquare?.pValue.toFixed(3)).join(' ')}`)
  t.same(balanceOf(sim, { flows: 3000, trials: 2 }), report, 'the same again')
})

t.test('flows that are counted are lookups', async (t) => {
  const sim = testSimulator({ nodes: [] })
  sim.createNode({ name: 'one', tableSizePolicy: { fixed: 251 } })
  sim.putService(someService('s', '172.20.0.1', someBackends(5)))
  const [frontend] = sim.listFrontends('one')
  if (frontend === undefined) throw new Error('no frontend')
  const counted = (flows: number, from = 7): Map<string, number> => {
    const steps = sim.flowCounter('one').count([frontend], flows, from)
    let step = steps.next()
    while (step.done !== true) step = steps.next()
    return new Map(step.value?.[0]?.backends.map(({ address, flows }) => [address, flows]))
  }
  const before = sim.getNode('one').memory
  const total = (counts: Map<string, number>): number => [...counts.values()].reduce((sum, count) => sum + count, 0)
  t.equal(total(counted(10_000)), 10_000, 'several chunks')
  t.same(sim.getNode('one').memory, before, 'nothing stays behind')
  const generator = createTrafficGenerator({ seed: 7, targets: [{ address: Uint8Array.of(172, 20, 0, 1), port: 443, protocol: 'TCP' }] })
  const buffer = Buffer.alloc(generator.maximumLength)
  const packets = Array.from({ length: 300 }, () => buffer.toString('hex', 0, generator.next(buffer, 0)))
  const looked = sim.lookup({ nodes: ['one'], packets }).results.map(({ nodes }) => nodes[0]?.backend?.address ?? '')
  const expected = new Map<string, number>()
  for (const address of looked) expected.set(address, (expected.get(address) ?? 0) + 1)
  t.same([...counted(300)].sort(), [...expected].sort(), 'each went where its packet goes')
  const counter = sim.flowCounter('one')
  sim.putService(someService('s', '172.20.0.1', someBackends(4)))
  t.same(counter.count([frontend], 10, 1).next(), { done: true, value: null }, 'a table that was replaced is not counted')
  const [now] = sim.listFrontends('one')
  sim.updateNode('one', { tableSizePolicy: { fixed: 509 } })
  t.same(counter.count([now as typeof frontend], 10, 1).next(), { done: true, value: null }, 'nor a node that was')
})

t.test('forms, more backends than slots, refusals', async (t) => {
  const sim = testSimulator({ nodes: [] })
  const report = balanceOf(sim, { mix: '3x3,1x300', variants: [{ name: 'tiny', tableSizePolicy: { fixed: 251 } }], flows: 500, trials: 3 })
  const text = formatReport(report, 'text')
  t.match(text, /leave up to 49 backends without any/)
  t.match(text, /300 backends share 251 slots: 49 of them get no traffic/)
  t.match(text, /flows follow the slots up to chance in \d of 2 classes/)
  t.same(report.nodes[0]?.rows.map(({ frontends, withoutSlots }) => [frontends, withoutSlots]), [[3, 0], [1, 49]])
  const widths = new Set(formatReport(report, 'csv').trimEnd().split('\r\n').map((line) => line.replace(/"[^"]*"/g, '').split(',').length))
  t.equal(widths.size, 1)
  t.match(formatReport(balanceOf(sim), 'text'), /There is no service with a table/)
  const error = t.throws(() => sim.reportSteps({ kind: 'balance', flows: 100_000, trials: 11 }).next(), SimError) as SimError
  t.equal(error.places[0]?.pointer, '/flows')
})
