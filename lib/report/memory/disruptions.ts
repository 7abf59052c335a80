// What moves when one backend leaves, for every table whose bytes the report tells: asked for first, answered in steps, then looked up.

import { leavingKey, oneLeaves } from '../disruption/leaving.ts'
import type { Leaving, LeavingQuestion } from '../disruption/leaving.ts'
import { trialsOf } from '../disruption/plan.ts'
import type { DisruptionPlan } from '../disruption/plan.ts'
import type { ReportProgress, ReportSteps } from '../context.ts'

export class Disruptions {
  readonly #plan: DisruptionPlan
  readonly #questions = new Map<string, { readonly question: LeavingQuestion, readonly plan: DisruptionPlan }>()
  readonly #answers = new Map<string, Leaving | null>()

  constructor (plan: DisruptionPlan) {
    this.#plan = plan
  }

  /** @param atMost trials, of a table that takes long to fill or that nobody has */
  ask (question: LeavingQuestion, atMost = Infinity): void {
    const key = leavingKey(question)
    if (this.#questions.has(key)) return
    this.#questions.set(key, { question, plan: { ...this.#plan, trials: Math.min(trialsOf(this.#plan, question.m), atMost) } })
  }

  * answer (): ReportSteps<void> {
    const total = this.#questions.size
    const progress = (done: number): ReportProgress => ({ done, total, unit: 'table sizes' })
    for (const [key, { question, plan }] of this.#questions) {
      const steps = oneLeaves(question, plan)
      let step = steps.next()
      for (; step.done !== true; step = steps.next()) yield progress(this.#answers.size)
      this.#answers.set(key, step.value)
      yield progress(this.#answers.size)
    }
  }

  /** @returns null for a table without backends, and for what was not asked */
  of (question: LeavingQuestion): Leaving | null {
    return this.#answers.get(leavingKey(question)) ?? null
  }
}
