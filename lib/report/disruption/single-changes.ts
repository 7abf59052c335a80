// The changes after which there is one other table: who leaves, comes or weighs otherwise, and what that does to the service of a trial.

import { chooseTableSize, supportedTableSizes } from '../../maglev/index.ts'
import type { Seed, TableSizePolicy } from '../../maglev/index.ts'
import type { Random } from '../../traffic/index.ts'
import type { ChangeName, DisruptionPlan } from './plan.ts'
import { newcomerOf } from './population.ts'
import type { Population } from './population.ts'
import { resized } from './scene.ts'
import type { Effect, Scene } from './scene.ts'
import { slotCounts, TableMaker } from './tables.ts'

export interface ClassQuestion {
  readonly population: Population
  readonly m: number
  readonly seed: Seed
  readonly policy: TableSizePolicy
}

/** backends that a growing service may need; Cilium's maps hold no more */
const mostBackends = 16_384

export interface SingleChange {
  readonly change: ChangeName
  readonly detail: string
  readonly mAfter?: number
  /** what makes a trial another one: whose turn it is of all backends of all services, the service, or chance each time */
  readonly per: 'backend' | 'service' | 'trial'
  readonly effect: (scene: Scene) => Effect
  readonly effects: Effect[]
}

type Described = Omit<SingleChange, 'change' | 'effects'>

export function singleChanges (question: ClassQuestion, plan: DisruptionPlan, random: Random): SingleChange[] {
  const { backends } = question.population
  const makers: Record<Exclude<ChangeName, 'rolling-restart'>, () => Described[]> = {
    remove: () => [{ detail: `1 of ${backends}`, per: 'backend', effect: (scene) => scene.chosenGone() }],
    drain: () => [
      { detail: `1 of ${backends} terminating`, per: 'backend', effect: terminating },
      { detail: `1 of ${backends} gone then`, per: 'backend', effect: goneThen }
    ],
    add: () => [{ detail: `1 to ${backends}`, per: 'trial', effect: (scene) => joining(scene, random) }],
    weight: () => plan.weightFactors.map((factor) =>
      ({ detail: `1 of ${backends} x ${factor}`, per: 'backend', effect: (scene) => reweighed(scene, factor) })),
    'at-once': () => [...new Set(plan.atOnce.map((amount) => amount.of(backends, 'up')))].filter((count) => count > 1)
      .map((count) => ({ detail: `${count} of ${backends}`, per: 'trial', effect: (scene) => scene.gone(among(scene.pool.original, count, random)) })),
    'table-size': () => resizes(question, plan, random)
  }
  return [...plan.changes].flatMap((change) => change === 'rolling-restart' ? [] : makers[change]().map((made) => ({ ...made, change, effects: [] })))
}

/** A terminating backend leaves the table and keeps its established flows; the only one stays in it, since there is no other to choose. */
function terminating (scene: Scene): Effect {
  if (scene.pool.original.length === 1) return { moved: 0, needed: 0, broken: 0, untracked: 0 }
  return { ...scene.chosenGone(), broken: 0 }
}

/** No table changes any more, unless it was the only one; the flows that outlived the drain, at most its share, lose it. */
function goneThen (scene: Scene): Effect {
  const gone = scene.chosenGone()
  return scene.pool.original.length === 1 ? gone : { moved: 0, needed: 0, broken: gone.broken, untracked: 0 }
}

function joining (scene: Scene, random: Random): Effect {
  const { pool } = scene
  const size = pool.size
  const effect = scene.joins(pool.add(newcomerOf(pool, random)))
  pool.trim(size)
  return effect
}

const largestWeight = 65535

/** Weight 0 is maintenance: no new flows, those established stay. */
function reweighed (scene: Scene, factor: number): Effect {
  const weight = Math.min(largestWeight, Math.round((scene.pool.weights[scene.chosen] as number) * factor))
  return weight === 0 ? { ...scene.chosenGone(), broken: 0 } : scene.weighs(weight)
}

/** Another M for all, or the service that has grown until its policy gives it another M. */
function resizes ({ m, policy, population }: ClassQuestion, plan: DisruptionPlan, random: Random): Described[] {
  const n = population.backends
  if ('fixed' in policy) {
    const mAfter = plan.tableSize ?? supportedTableSizes.find((size) => size > m) ?? supportedTableSizes.at(-2) as number
    const maker = new TableMaker(mAfter)
    const slots = new Int32Array(mAfter)
    const effect = ({ pool, counts }: Scene): Effect =>
      resized(counts, m, slotCounts(maker.make(pool, pool.original, slots), pool.size), mAfter, Infinity)
    return mAfter === m ? [] : [{ detail: `M ${m} to ${mAfter}`, mAfter, per: 'service', effect }]
  }
  let grown = n + 1
  while (grown <= mostBackends && chooseTableSize(policy, m, grown).grownFrom === null) grown++
  if (grown > mostBackends) return []
  const mAfter = chooseTableSize(policy, m, grown).m
  const maker = new TableMaker(mAfter)
  const slots = new Int32Array(mAfter)
  const effect = (scene: Scene): Effect => growing(scene, grown, maker, slots, random)
  return [{ detail: `${grown - 1} to ${grown}: M ${m} to ${mAfter}`, mAfter, per: 'service', effect }]
}

function growing ({ pool, bench, m }: Scene, grown: number, maker: TableMaker, slots: Int32Array, random: Random): Effect {
  const size = pool.size
  const members = [...pool.original]
  while (members.length < grown - 1) pool.insert(members, pool.add(newcomerOf(pool, random)))
  const before = slotCounts(bench.maker.make(pool, members, bench.after), grown)
  const last = pool.add(newcomerOf(pool, random))
  pool.insert(members, last)
  const effect = resized(before, m, slotCounts(maker.make(pool, members, slots), pool.size), maker.m, last)
  pool.trim(size)
  return effect
}

/** @returns `count` different ones */
function among (numbers: readonly number[], count: number, random: Random): number[] {
  const order = [...numbers]
  for (let at = 0; at < count; at++) {
    const other = at + random.below(order.length - at)
    ;[order[at], order[other]] = [order[other] as number, order[at] as number]
  }
  return order.slice(0, count)
}
