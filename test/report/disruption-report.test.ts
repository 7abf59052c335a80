// The disruption report against the simulator it speaks of: a change that is really made moves what the report says, nodes of equal tables
// say the same, options are refused with their place.

import t from 'tap'
import { formatReport } from '../../lib/report/index.ts'
import type { AdviceReport, MemoryReport } from '../../lib/report/index.ts'
import type { DisruptionReport } from '../../lib/report/disruption/report.ts'
import { estimateOf, studentT95 } from '../../lib/report/estimate.ts'
import { SimError } from '../../lib/sim/errors.ts'
import type { BackendSpec, Simulator } from '../../lib/sim/types.ts'
import { createRandom } from '../../lib/traffic/index.ts'
import { someBackends, someService, testSimulator } from '../support/simulator.ts'

const disruptionOf = (sim: Simulator, request: object = {}): DisruptionReport => sim.report({ kind: 'disruption', ...request }) as DisruptionReport

/** owners of the slots of the only frontend, by address */
function ownersOf (sim: Simulator, node: string): string[] {
  const [frontend] = sim.listFrontends(node)
  const addresses = new Map(frontend?.backends.map(({ id, address }) => [id, address]))
  return sim.getTable(node, frontend?.id ?? 0).slots.map((id) => addresses.get(id) ?? '')
}

interface Share { readonly moved: number, readonly collateral: number }

/** share of slots that differ once the service has other backends, and of those the ones of backends that stay */
function reallyMoved (sim: Simulator, node: string, from: readonly BackendSpec[], backends: readonly BackendSpec[]): Share {
  sim.putService(someService('s', '172.20.0.1', from))
  const before = ownersOf(sim, node)
  sim.putService(someService('s', '172.20.0.1', backends))
  const after = ownersOf(sim, node)
  const staying = new Set(backends.filter(({ state, weight }) => state === 'active' && weight > 0).map(({ address }) => address))
  const moved = before.filter((owner, slot) => owner !== after[slot])
  return { moved: moved.length / before.length, collateral: moved.filter((owner) => staying.has(owner)).length / before.length }
}

t.test('a change that is made moves what the report says', async (t) => {
  const sim = testSimulator()
  for (const weights of [[100, 100, 100, 100, 100], [10, 100, 20, 300, 100]]) {
    const backends = someBackends(5, 700).map((backend, index) => ({ ...backend, weight: weights[index] ?? 1 }))
    sim.putService(someService('s', '172.20.0.1', backends))
    const report = disruptionOf(sim, { trials: 5, changes: 'remove,drain,weight', weightFactors: '0.5' })
    t.equal(report.addresses, 'own')
    for (const { node, rows } of report.nodes) {
      const without = backends.map((_, index) => reallyMoved(sim, node, backends, backends.toSpliced(index, 1)))
      const draining = backends.map((backend, index) => reallyMoved(sim, node, backends, backends.with(index, { ...backend, state: 'terminating' })))
      const halved = backends.map((backend, index) =>
        reallyMoved(sim, node, backends, backends.with(index, { ...backend, weight: Math.round(backend.weight / 2) })))
      const row = (detail: RegExp) => rows.find((one) => detail.test(one.detail))
      const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
      t.ok(near(row(/^1 of 5$/)?.moved.mean, mean(without.map(({ moved }) => moved))), `${node} weights ${weights}: remove`)
      t.ok(near(row(/^1 of 5$/)?.collateral.mean, mean(without.map(({ collateral }) => collateral))))
      t.ok(near(row(/terminating/)?.moved.mean, mean(draining.map(({ moved }) => moved))), 'drain')
      t.ok(near(row(/x 0.5/)?.moved.mean, mean(halved.map(({ moved }) => moved))), 'half the weight')
    }
  }
})

t.test('weights that average below 2 move nothing', async (t) => {
  const sim = testSimulator()
  sim.putService(someService('s', '172.20.0.1', someBackends(4).map((backend) => ({ ...backend, weight: 1 }))))
  const [cilium] = disruptionOf(sim, { changes: 'weight', weightFactors: '2' }).nodes
  t.equal(cilium?.rows[0]?.moved.mean, 0)
  t.ok(sim.listFrontends('cilium').every(({ warnings }) => warnings.every(({ code }) => code !== 'weights-ignored')))
})

t.test('classes, nodes, progress', async (t) => {
  const sim = testSimulator()
  for (const [index, size] of [3, 3, 3, 10, 0].entries()) sim.putService(someService(`s${index}`, `172.20.0.${index}`, someBackends(size, index << 8)))
  sim.putService(someService('six', 'fd00:20::1', [{ ...someBackends(1)[0], address: 'fd00:10::1' }, { ...someBackends(1)[0], address: 'fd00:10::2' }] as never))
  sim.createNode({ name: 'compact', layout: 'compact' })
  const report = disruptionOf(sim, { trials: 9 })
  const classes = report.nodes.map(({ rows }) => rows.filter(({ change }) => change === 'remove')
    .map(({ family, backends, m, frontends, moved }) => [family, backends, m, frontends, moved.trials]))
  t.same(classes, [
    [[4, 3, 16381, 3, 9], [4, 10, 16381, 1, 9], [6, 2, 16381, 1, 2]], [[4, 3, 509, 3, 9], [4, 10, 1021, 1, 9], [6, 2, 251, 1, 2]],
    [[4, 3, 16381, 3, 9], [4, 10, 16381, 1, 9], [6, 2, 16381, 1, 2]]
  ])
  t.same(report.nodes[2]?.rows, report.nodes[0]?.rows, 'the same tables, the same figures')
  t.equal(report.ruleOfThumb.length, 10)
  t.ok(report.ruleOfThumb.every(({ imbalance }) => imbalance <= 0.01), 'balance within 1 %')
  const steps = sim.reportSteps({ kind: 'disruption', trials: 9 })
  let [last, count] = [-1, 0]
  for (let step = steps.next(); step.done !== true; step = steps.next(), count++) {
    t.ok(step.value.done >= last && step.value.done <= step.value.total)
    last = step.value.done
  }
  t.ok(count > 100, `${count} steps`)
  const half = sim.reportSteps({ kind: 'disruption', trials: 9 })
  half.next()
  sim.deleteService('default', 's3')
  let step = half.next()
  while (step.done !== true) step = half.next()
  t.same(step.value, report, 'a report speaks of the revision of its first step')
})

t.test('the same bytes for the same seed, others for another', async (t) => {
  const sim = testSimulator({ nodes: [] })
  const mixed = (options: object): DisruptionReport => disruptionOf(sim, { mix: '7x3,2x60', variants: [{ name: 'cilium' }], trials: 4, ...options })
  const first = mixed({ seed: 1, addresses: 'drawn' })
  t.same(mixed({ seed: 1, addresses: 'drawn' }), first)
  t.notSame(mixed({ seed: 2, addresses: 'drawn' }).nodes, first.nodes)
  const text = formatReport(first, 'text')
  t.match(text, /When one backend leaves, \d\.\d+ % of the new flows of a service move without need on average on cilium \(\d\.\d+ % with \d+ backends and M = 16381, the worst size\)/)
  t.match(text, /"M at least 100 N means at most 1 %" is about balance/)
  const widths = new Set(formatReport(first, 'csv').trimEnd().split('\r\n').map((line) => line.replace(/"[^"]*"/g, '').split(',').length))
  t.equal(widths.size, 1)
  t.match(formatReport(disruptionOf(sim), 'text'), /There is no service with a table/)
  t.match(formatReport(mixed({ changes: 'add' }), 'text'), /change "add 1 to 3" moves/)
})

t.test('one question, one answer: memory, advice and disruption', async (t) => {
  const cluster = testSimulator()
  for (const [index, size] of [3, 3, 10, 40].entries()) {
    const weightOf = (number: number): number => index === 1 ? 50 + 100 * number : 100
    const backends = someBackends(size, index << 8).map((backend, number) => ({ ...backend, weight: weightOf(number) }))
    cluster.putService(someService(`s${index}`, `172.20.0.${index}`, backends))
  }
  for (const [sim, request] of [[testSimulator(), { mix: '7x3,2x10,1x60' }], [cluster, {}]] as const) {
    const { nodes } = disruptionOf(sim, { ...request, changes: 'remove,add' })
    const memory = sim.report({ kind: 'memory', ...request }) as MemoryReport
    const advice = sim.report({ kind: 'advice', ...request }) as AdviceReport
    for (const [index, { node, rows }] of nodes.entries()) {
      const leaving = rows.filter(({ change }) => change === 'remove')
      t.same(memory.nodes[index]?.rows.map(({ disruption }) => disruption), leaving.map(({ moved, collateral }) => ({
        movedShare: moved.mean,
        collateralShare: collateral.mean,
        collateralShareLow: collateral.low,
        collateralShareHigh: collateral.high,
        collateralShareMax: collateral.max,
        trials: collateral.trials,
        complete: collateral.complete
      })), node)
      t.equal(advice.nodes[index]?.collateralShare, Math.max(...leaving.map(({ collateral }) => collateral.mean)))
    }
    const fixed = advice.today.find(({ tableSize }) => JSON.stringify(tableSize) === '{"fixed":16381}')
    t.equal(fixed?.collateralShare, advice.nodes[0]?.collateralShare, 'a setting that there is already')
  }
  const [three] = disruptionOf(cluster, { nodes: ['cilium'], changes: 'remove' }).nodes[0]?.rows ?? []
  t.same([three?.backends, three?.collateral.trials, three?.collateral.complete], [3, 6, true], 'both services of a cluster, with their weights')
})

t.test('what cannot be asked is refused', async (t) => {
  const sim = testSimulator({ nodes: [] })
  const refused = (request: object, pointer: string): void => {
    const error = t.throws(() => sim.reportSteps({ kind: 'disruption', ...request }).next(), SimError) as SimError
    t.equal(error.places[0]?.pointer, pointer, JSON.stringify(request))
  }
  refused({ changes: 'remove,explode' }, '/changes')
  refused({ atOnce: '0' }, '/atOnce')
  refused({ atOnce: '101%' }, '/atOnce')
  refused({ atOnce: '2,,3' }, '/atOnce')
  refused({ weightFactors: '-1' }, '/weightFactors')
  refused({ weightFactors: Array(17).fill('2').join() }, '/weightFactors')
  refused({ maxSurge: 'many' }, '/maxSurge')
  refused({ maxUnavailable: '200%' }, '/maxUnavailable')
  refused({ maxSurge: '0', maxUnavailable: '0%' }, '/maxUnavailable')
  refused({ tableSize: 1000 }, '/tableSize')
  refused({ addresses: 'drawn' }, '/addresses')
})

t.test('intervals hold the mean in 95 of 100 cases', async (t) => {
  const seed = 20261125
  t.comment(`seed ${seed}; 4000 samples each: 4 standard errors of a share of 95 % are 1.4 %`)
  const random = createRandom(seed)
  const uniform = (): number => random.u32() / 2 ** 32
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
  const coverage = (trials: number, draw: () => number[], mean: number, population = Infinity): number => {
    let held = 0
    for (let sample = 0; sample < 4000; sample++) {
      const { low, high } = estimateOf(draw().slice(0, trials), { population, range: [-Infinity, Infinity] })
      if (low <= mean && mean <= high) held++
    }
    return held / 4000
  }
  for (const trials of [2, 3, 5, 20]) {
    const held = coverage(trials, () => Array.from({ length: trials }, normal), 0)
    t.ok(Math.abs(held - 0.95) < 0.014, `${trials} trials of a normal distribution: ${held}`)
  }
  const members = Array.from({ length: 30 }, normal)
  const sampled = (): number[] => {
    const left = [...members]
    return Array.from({ length: 20 }, () => left.splice(random.below(left.length), 1)[0] as number)
  }
  const held = coverage(20, sampled, members.reduce((sum, value) => sum + value, 0) / 30, 30)
  t.ok(held > 0.93 && held < 0.98, `20 of 30 members: ${held}`)
  t.same(estimateOf([1, 2, 3], { population: 3, range: [0, 9] }),
    { mean: 2, low: 2, high: 2, max: 3, deviation: 1, trials: 3, complete: true })
  t.same(estimateOf([0.2]),
    { mean: 0.2, low: 0, high: 1, max: 0.2, deviation: 0, trials: 1, complete: false }, 'one trial says nothing')
  for (const [degrees, value] of [[1, 12.706], [2, 4.303], [3, 3.182], [9, 2.262], [49, 2.010]] as const) {
    t.ok(Math.abs(studentT95(degrees) - value) < 0.005)
  }
})

function near (one: number | undefined, other: number): boolean {
  return Math.abs((one ?? NaN) - other) < 1e-9
}
