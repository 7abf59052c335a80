// All changes to services of one class: so many trials of each, and what they say about the mean.

import { createRandom } from '../../traffic/index.ts'
import { estimateOf } from '../estimate.ts'
import type { Estimate, EstimateOptions } from '../estimate.ts'
import { picksOf } from './picks.ts'
import { trialsOf } from './plan.ts'
import type { ChangeName, DisruptionPlan } from './plan.ts'
import { poolOf } from './population.ts'
import { restart, restartEvents } from './rolling-restart.ts'
import type { RestartStep } from './rolling-restart.ts'
import { Scene, Workbench } from './scene.ts'
import type { Effect } from './scene.ts'
import { singleChanges } from './single-changes.ts'
import type { ClassQuestion, SingleChange } from './single-changes.ts'

/** What one kind of change does to a service of the class; shares of all flows to it. */
export interface ChangeResult {
  readonly change: ChangeName
  /** which exactly: `2 of 40`, `weight x 0.5` */
  readonly detail: string
  /** M afterwards */
  readonly mAfter: number
  /** new flows that go to another backend than they would have before */
  readonly moved: Estimate
  /** of these the ones that no table could have spared */
  readonly needed: Estimate
  /** the others: moved between backends that stay */
  readonly collateral: Estimate
  /** established flows that lose their backend although they are tracked: it is gone */
  readonly broken: Estimate
  /** established flows that go elsewhere where nobody tracks them: without conntrack, or on another node with the same table */
  readonly untracked: Estimate
  /** of a rolling restart, means over the trials; at most 64, evenly chosen */
  readonly steps: readonly RestartStep[] | null
}

/** tables that the restarts of one class may take, whatever the trials: a mean over so many steps varies little */
const restartTables = 40
/** services of which the effect of another M is looked at */
const resizedServices = 5
const stepsShown = 64

/**
 * @yields after every table or two; `trial` counts from 0
 * @returns nothing for a class without backends
 */
export function * changesOfClass (question: ClassQuestion, plan: DisruptionPlan): Generator<{ trial: number }, ChangeResult[]> {
  const { population, m, seed } = question
  const { backends, services } = population
  const random = createRandom(plan.seed, backends)
  const trials = trialsOf(plan, m)
  const picks = picksOf(population, trials, random)
  const bench = new Workbench(m)
  const single = singleChanges(question, plan, random)
  const events = plan.changes.has('rolling-restart') ? restartEvents(backends, plan.maxSurge, plan.maxUnavailable) : []
  const restarts = events.length === 0 ? 0 : Math.min(trials, Math.max(2, Math.floor(restartTables / events.length)))
  const restarted: RestartStep[][] = []
  let scene: Scene | null = null
  let [service, served] = [-1, 0]
  for (const [trial, pick] of picks.entries()) {
    if (scene === null || pick.service !== service) {
      scene = new Scene(poolOf(population, pick.service, seed), bench)
      service = pick.service
      served++
      yield { trial }
    }
    scene.choose(pick.backend)
    for (const change of single) {
      if (!isDue(change, pick.isNew, served)) continue
      change.effects.push(change.effect(scene))
      yield { trial }
    }
    if (trial < restarts) {
      const restarting = restart(scene, events, random)
      let step = restarting.next()
      for (; step.done !== true; step = restarting.next()) yield { trial }
      restarted.push(step.value)
    }
  }
  const populations = { backend: services * backends, service: services, trial: Infinity }
  const results = single.map(({ change, detail, mAfter = m, per, effects }) =>
    resultOf({ change, detail, mAfter, steps: null }, effects, { population: populations[per] }))
  return restarted.length === 0 ? results : [...results, restartResult(restarted, plan, m)]
}

/** A backend or a service that was looked at already has nothing new to say. */
function isDue ({ per, effects }: SingleChange, isNew: boolean, served: number): boolean {
  if (per === 'backend') return isNew
  return per === 'trial' || (effects.length < served && served <= resizedServices)
}

type About = Omit<ChangeResult, 'moved' | 'needed' | 'collateral' | 'broken' | 'untracked'>

function resultOf (about: About, effects: readonly Effect[], options: EstimateOptions): ChangeResult {
  const estimate = (of: (effect: Effect) => number): Estimate => estimateOf(effects.map(of), options)
  return {
    ...about,
    moved: estimate(({ moved }) => moved),
    needed: estimate(({ needed }) => needed),
    collateral: estimate(({ moved, needed }) => moved - needed),
    broken: estimate(({ broken }) => broken),
    untracked: estimate(({ untracked }) => untracked)
  }
}

/** Every backend is replaced, so every flow has to move once and no more. */
function restartResult (trials: ReadonlyArray<readonly RestartStep[]>, plan: DisruptionPlan, m: number): ChangeResult {
  const last = trials.map((steps) => steps.at(-1) as RestartStep)
  const effects = last.map(({ moved, movedOnce, broken }) => ({ moved, needed: Math.min(1, moved), broken, untracked: movedOnce }))
  const detail = `surge ${plan.maxSurge.text}, unavailable ${plan.maxUnavailable.text}`
  return resultOf({ change: 'rolling-restart', detail, mAfter: m, steps: meanSteps(trials) }, effects, { range: [0, Infinity] })
}

function meanSteps (trials: ReadonlyArray<readonly RestartStep[]>): RestartStep[] {
  const steps = trials[0]?.length ?? 0
  const shown = Math.min(steps, stepsShown)
  return Array.from({ length: shown }, (_, index) => {
    const at = Math.ceil((index + 1) * steps / shown) - 1
    const mean = (of: keyof RestartStep): number => trials.reduce((sum, trial) => sum + (trial[at] as RestartStep)[of], 0) / trials.length
    return { left: mean('left'), came: mean('came'), moved: mean('moved'), movedOnce: mean('movedOnce'), broken: mean('broken') }
  })
}
