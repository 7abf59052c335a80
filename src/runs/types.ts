// What a kind of run has to provide, and what the job manager makes of it. A run is a job that takes time: it is
// validated before it is accepted, reports its progress, ends by itself or is cancelled, and leaves a result.
// A kind (traffic, ...) knows no HTTP and no queue; the manager knows nothing of what a kind does.

import type { TSchema } from 'typebox'

export interface RunProgress {
  readonly done: number
  readonly total: number
  /** what is counted, in the plural: `packets` */
  readonly unit: string
}

export interface RunControl {
  /** may be called as often as one likes; the manager thins it out */
  readonly onProgress: (progress: RunProgress) => void
  /** aborted when the run is cancelled or the process stops; `execute` then rejects soon (any reason) and frees what it holds */
  readonly signal: AbortSignal
}

export interface RunExecutor<Plan = unknown, Result = unknown> {
  /** the value of `kind` in `POST /v1/runs` */
  readonly kind: string
  /** one or two sentences, for the API document */
  readonly description: string
  /** schema of the request body: a typebox object with `kind: Type.Literal(...)`, limits, defaults, no other members, `examples` */
  readonly body: TSchema
  /**
   * Everything that can be refused is refused here, by a SimError whose pointers lead into the body; `body` has passed the schema.
   * The plan is plain JSON and complete (defaults and seed filled in): it is stored, shown as the run's `spec`, and the same plan on
   * the same revision gives the same result.
   */
  validate (body: unknown): Plan
  /** the result is plain JSON (u64 as strings) and is shown under `/v1/runs/{id}/results` */
  execute (plan: Plan, control: RunControl): Promise<Result>
}
