// The disruption report: the figures of Cilium's own code within the error of their trials, tables that are the node's, properties of moves
// against a naive twin, and what is asked for and refused.

import fc from 'fast-check'
import t from 'tap'
import { readFileSync } from 'node:fs'
import { buildTable, defaultSeed, movedShare, supportedTableSizes } from '../../lib/maglev/index.ts'
import type { Table } from '../../lib/maglev/index.ts'
import { changesOfClass } from '../../lib/report/disruption/class-changes.ts'
import type { ChangeResult } from '../../lib/report/disruption/class-changes.ts'
import { planOf } from '../../lib/report/disruption/plan.ts'
import type { DisruptionOptions } from '../../lib/report/disruption/plan.ts'
import { BackendPool } from '../../lib/report/disruption/pool.ts'
import type { PoolBackend } from '../../lib/report/disruption/pool.ts'
import { drawnPopulation, sequentialPopulation } from '../../lib/report/disruption/population.ts'
import { restart, restartEvents } from '../../lib/report/disruption/rolling-restart.ts'
import { resized, Scene, Workbench } from '../../lib/report/disruption/scene.ts'
import { slotCounts, TableMaker } from '../../lib/report/disruption/tables.ts'
import { createRandom } from '../../lib/traffic/index.ts'

const seed = 20261125
t.comment(`seed of draws and of fast-check: ${seed}`)

function finish<R> (steps: Generator<unknown, R>): R {
  let step = steps.next()
  while (step.done !== true) step = steps.next()
  return step.value
}

/** changes to a service of N backends with sequential addresses */
function changesOf (m: number, backends: number, options: DisruptionOptions, policy: object = { fixed: m }): ChangeResult[] {
  const question = { population: sequentialPopulation(backends, 4), m, seed: defaultSeed(), policy: policy as { fixed: number } }
  return finish(changesOfClass(question, planOf({ seed, ...options })))
}

interface Reference {
  m: number
  n: number
  removed: number
  trials: number
  changedPct: number
  collateralPct: number
  maxCollateralPct: number
}

const { rows: reference } = JSON.parse(readFileSync(new URL('disruption-reference.json', import.meta.url), 'utf8')) as { rows: Reference[] }

t.test('disruption as of Cilium\'s own code', async (t) => {
  t.equal(reference.length, 29)
  t.comment('tolerance: 4 standard errors of the difference of two means, s * sqrt(1/n + 1/n\'), s from our trials, n theirs, n\' ours; ours has none where every ' +
    'backend was tried; and half a unit of their last digit')
  for (const { m, n, removed, trials, changedPct, collateralPct, maxCollateralPct } of reference) {
    const [found] = changesOf(m, n, removed === 1 ? { changes: 'remove', trials } : { changes: 'at-once', atOnce: String(removed), trials })
    if (found === undefined) throw new Error('no result')
    const all = removed === 1 && n <= trials
    const rounding = 0.0005
    const compare = (name: string, ours: ChangeResult['moved'], theirs: number): void => {
      const tolerance = 4 * ours.deviation * 100 * Math.sqrt(1 / trials + (all ? 0 : 1 / ours.trials)) + rounding
      const off = Math.abs(ours.mean * 100 - theirs)
      t.ok(off <= tolerance, `M ${m}, N ${n}, ${removed} removed: ${name} ${(ours.mean * 100).toFixed(3)} %, theirs ${theirs} %, off ${off.toFixed(4)} of at most ${tolerance.toFixed(4)}`)
    }
    compare('changed', found.moved, changedPct)
    compare('collateral', found.collateral, collateralPct)
    if (!all) continue
    t.ok(maxCollateralPct <= found.collateral.max * 100 + rounding, 'the largest of all has no larger one')
    // fifty draws from ten leave one out with probability 5 %, of two or five never
    if (n <= 5) t.ok(Math.abs(maxCollateralPct - found.collateral.max * 100) <= rounding, 'and is the same one')
  }
})

const anyBackend = fc.record({
  address: fc.nat(0xffff).map((value) => `10.9.${value >> 8}.${value & 255}`),
  port: fc.constant(80),
  protocol: fc.constant('TCP' as const),
  weight: fc.oneof(fc.constant(100), fc.constant(1), fc.integer({ min: 1, max: 65535 }))
})
const anyService = fc.uniqueArray(anyBackend, { minLength: 1, maxLength: 24, selector: ({ address }) => address })
const anySize = fc.constantFrom(7, 251, 509, 1021)
const property = { seed, numRuns: 150 }

/** the table as nodes build it, ids counting from 0 in the order given */
const tableOf = (m: number, backends: readonly PoolBackend[]): Table | null =>
  buildTable(m, backends.map((backend, id) => ({ ...backend, id })), defaultSeed(), '1.17+')

/** slot by slot, owners by address: who moved, and whether one of the two owners was there only once */
function naiveMoves (m: number, before: readonly PoolBackend[], after: readonly PoolBackend[]): { moved: number, needed: number } {
  const owners = (backends: readonly PoolBackend[]): string[] => [...tableOf(m, backends)?.ids ?? []].map((id) => backends[id]?.address ?? '')
  const [old, fresh] = [owners(before), owners(after)]
  const count = { moved: 0, needed: 0 }
  for (let slot = 0; slot < m; slot++) {
    if (old[slot] === fresh[slot]) continue
    count.moved++
    const stays = after.some(({ address }) => address === old[slot]) && before.some(({ address }) => address === fresh[slot])
    if (!stays) count.needed++
  }
  return count
}

t.test('moves are those that a naive twin counts', async (t) => {
  fc.assert(fc.property(anySize, anyService, anyBackend, fc.nat(), (m, service, newcomer, which) => {
    const pool = new BackendPool(service, defaultSeed())
    const scene = new Scene(pool, new Workbench(m))
    const leaver = which % service.length
    scene.choose(leaver)
    const gone = scene.chosenGone()
    const naive = naiveMoves(m, service, service.filter((_, index) => index !== leaver))
    const share = scene.shareOf(leaver)
    const removed = close(gone.moved * m, naive.moved) && close(gone.needed * m, naive.needed) && gone.moved >= gone.needed &&
      close(gone.needed, share) && close(gone.broken, share)
    if (!pool.lacks(newcomer)) return removed
    const size = pool.size
    const came = scene.joins(pool.add(newcomer))
    pool.trim(size)
    const joined = naiveMoves(m, service, [...service, newcomer])
    return removed && close(came.moved * m, joined.moved) && close(came.needed * m, joined.needed) && came.broken === 0 &&
      pool.lacks(newcomer)
  }), property)
})

t.test('a weight moves at least what wanted shares differ by, or what the naive twin says', async (t) => {
  fc.assert(fc.property(anySize, anyService, fc.integer({ min: 1, max: 65535 }), fc.nat(), (m, service, weight, which) => {
    const pool = new BackendPool(service, defaultSeed())
    const scene = new Scene(pool, new Workbench(m))
    scene.choose(which % service.length)
    const effect = scene.weighs(weight)
    const after = service.map((backend, index) => index === which % service.length ? { ...backend, weight } : backend)
    return close(effect.moved * m, naiveMoves(m, service, after).moved) && effect.needed <= effect.moved && effect.broken === 0
  }), property)
  const [halved, doubled, none] = changesOf(1021, 10, { changes: 'weight' })
  const [removed] = changesOf(1021, 10, { changes: 'remove' })
  t.ok(Math.abs((halved?.needed.mean ?? 0) - (0.1 - 0.5 / 9.5)) < 1e-9, 'a tenth becomes a nineteenth')
  t.ok(Math.abs((doubled?.needed.mean ?? 0) - (2 / 11 - 0.1)) < 1e-9, 'a tenth becomes two elevenths')
  t.same([none?.moved, none?.collateral, none?.broken.mean], [removed?.moved, removed?.collateral, 0], 'weight 0 is out of the table, established flows stay')
})

t.test('equal weights are no weights', async (t) => {
  fc.assert(fc.property(anySize, anyService, fc.integer({ min: 1, max: 65535 }), (m, service, weight) => {
    const slots = [1, weight].map((one) => {
      const pool = new BackendPool(service.map((backend) => ({ ...backend, weight: one })), defaultSeed())
      return new Scene(pool, new Workbench(m)).before?.join()
    })
    return slots[0] === slots[1]
  }), property)
})

t.test('another M: the share that lib/maglev says, needed only by who came', async (t) => {
  fc.assert(fc.property(fc.constantFrom(251, 509), fc.constantFrom(1021, 2039), anyService, (m, mAfter, service) => {
    const pool = new BackendPool(service, defaultSeed())
    const countsOf = (size: number): Int32Array =>
      slotCounts(new TableMaker(size).make(pool, pool.original, new Int32Array(size)), pool.size)
    const effect = resized(countsOf(m), m, countsOf(mAfter), mAfter, Infinity)
    return close(effect.moved, movedShare(tableOf(m, service), tableOf(mAfter, service))) && effect.needed === 0
  }), property)
  const [grown] = changesOf(1021, 10, { changes: 'table-size' }, { perService: { perBackend: 100 } })
  t.equal(grown?.detail, '20 to 21: M 1021 to 4093')
  t.equal(grown?.mAfter, 4093, '21 backends ask for 2100 slots')
  t.ok(Math.abs((grown?.needed.mean ?? 0) - 1 / 21) < 1e-3, 'the newcomer has its share')
  t.ok((grown?.collateral.mean ?? 0) > 0.9, 'nearly all others move')
  t.same(changesOf(131071, 10, { changes: 'table-size' }, { perService: { perBackend: 100 } }), [], 'the largest grows no more')
})

t.test('rolling restarts', async (t) => {
  const plan = (maxSurge: string, maxUnavailable: string) => planOf({ maxSurge, maxUnavailable })
  const events = (backends: number, surge: string, unavailable: string): number[] => {
    const { maxSurge, maxUnavailable } = plan(surge, unavailable)
    return restartEvents(backends, maxSurge, maxUnavailable).map(({ leave, come }) => come - leave)
  }
  t.same(events(4, '25%', '25%'), [-1, 2, -2, 2, -1])
  t.same(events(3, '1', '0'), [1, -1, 1, -1, 1, -1])
  t.same(events(3, '0', '1'), [-1, 1, -1, 1, -1, 1])
  t.same(events(3, '0', '25%'), events(3, '0', '1'), 'neither after rounding: one may be missing')
  t.same(events(5, '100%', '0'), [5, -5])
  t.same(events(5, '0', '100%'), [-5, 5])
  const upTo60 = fc.integer({ min: 0, max: 60 })
  fc.assert(fc.property(fc.integer({ min: 1, max: 60 }), upTo60, upTo60, (backends, surge, unavailable) => {
    if (surge === 0 && unavailable === 0) return true
    let [ready, left, came] = [backends, 0, 0]
    for (const change of events(backends, String(surge), String(unavailable))) {
      ready += change
      if (change < 0) left -= change
      else came += change
      if (ready > backends + Math.min(backends, surge) || ready < backends - Math.max(1, Math.min(backends, unavailable))) return false
    }
    return ready === backends && left === backends && came === backends
  }), property)

  const pool = new BackendPool(sequentialPopulation(12, 4).backendsOf(0), defaultSeed())
  const scene = new Scene(pool, new Workbench(1021))
  const { maxSurge, maxUnavailable } = plan('25%', '25%')
  const steps = finish(restart(scene, restartEvents(12, maxSurge, maxUnavailable), createRandom(seed)))
  const last = steps.at(-1)
  t.same([last?.left, last?.came, last?.movedOnce], [12, 12, 1])
  t.ok(close(last?.broken ?? 0, 1), 'every established flow is broken once')
  t.ok(steps.every((step, index) => step.movedOnce <= step.moved && step.broken <= step.movedOnce + 1e-12 &&
    step.moved >= (steps[index - 1]?.moved ?? 0)))
  t.equal(pool.size, 12, 'the pool is as before')
  t.same(finish(restart(scene, restartEvents(12, maxSurge, maxUnavailable), createRandom(seed))), steps, 'the same again')
  const [whole] = changesOf(1021, 12, { changes: 'rolling-restart', maxSurge: '0', maxUnavailable: '100%', trials: 2 })
  t.same([whole?.moved.mean, whole?.collateral.mean], [1, 0], 'all at once moves each flow once')
})

t.test('trials: all backends are exact, drawn addresses are not', async (t) => {
  const [exact] = changesOf(1021, 10, { changes: 'remove', trials: 50 })
  t.same([exact?.moved.trials, exact?.collateral.complete, exact?.collateral.low], [10, true, exact?.collateral.mean], 'no interval')
  const question = { population: drawnPopulation(10, 4, seed), m: 1021, seed: defaultSeed(), policy: { fixed: 1021 } }
  const [drawn] = finish(changesOfClass(question, planOf({ seed, changes: 'remove', trials: 50 })))
  t.same([drawn?.moved.trials, drawn?.collateral.complete], [50, false])
  t.ok((drawn?.collateral.low ?? 1) < (drawn?.collateral.mean ?? 0) && (drawn?.collateral.mean ?? 0) < (drawn?.collateral.high ?? 0))
  const width = (drawn?.collateral.high ?? 0) - (drawn?.collateral.low ?? 0)
  t.ok(Math.abs((drawn?.collateral.mean ?? 0) - (exact?.collateral.mean ?? 0)) < 3 * width, 'of the same size all the same')
})

t.test('the only backend: drained it still serves, gone it leaves nobody', async (t) => {
  const effects = changesOf(251, 1, { changes: 'remove,drain,at-once' })
  const means = effects.map(({ change, moved, needed, broken }) => [change, moved.mean, needed.mean, broken.mean])
  t.same(means, [['remove', 1, 1, 1], ['drain', 0, 0, 0], ['drain', 1, 1, 1]])
})

t.test('more than 100 slots per backend are balance, not calm', async (t) => {
  for (const m of supportedTableSizes) {
    const backends = Math.floor(m / 100)
    const [found] = changesOf(m, backends, { changes: 'remove', trials: 3 })
    const scene = new Scene(new BackendPool(sequentialPopulation(backends, 4).backendsOf(0), defaultSeed()), new Workbench(m))
    t.ok(Math.max(...scene.counts) * backends / m <= 1.01, `${m}: no backend has 1 % above its share`)
    if (m > 251 && m <= 32749) t.ok((found?.collateral.mean ?? 0) > 0.01, `${m}: more than 1 % moves without need`)
  }
})

function close (one: number, other: number): boolean {
  return Math.abs(one - other) < 1e-9
}
