// What the routes need of the job manager, and how a run looks from outside.

import type { TSchema } from 'typebox'
import type { ProblemBody } from './problems.ts'

export const runStates = ['queued', 'running', 'cancelling', 'succeeded', 'failed', 'cancelled', 'expired'] as const
export type RunState = typeof runStates[number]

export const terminalStates: ReadonlySet<RunState> = new Set(['succeeded', 'failed', 'cancelled', 'expired'])

export interface RunProgressView {
  readonly done: number
  readonly total: number
  readonly unit: string
  readonly percent: number
  readonly etaMs: number | null
}

export interface RunView {
  readonly id: string
  readonly kind: string
  readonly state: RunState
  /** the plan: the request with every default filled in; posting it again repeats the run */
  readonly spec: unknown
  /** revision of the desired state when the run was accepted */
  readonly revision: number
  readonly createdAt: string
  readonly startedAt: string | null
  readonly finishedAt: string | null
  /** when a finished run is forgotten */
  readonly expiresAt: string | null
  readonly progress: RunProgressView | null
  readonly error: ProblemBody | null
  readonly links: { readonly self: string, readonly events: string, readonly results: string, readonly cancel: string }
}

export interface RunEvent {
  readonly id: number
  readonly event: 'state' | 'progress' | 'gap' | 'end'
  readonly data: unknown
}

export interface RunService {
  /** kinds that exist, with the schema of their request body */
  readonly kinds: ReadonlyArray<{ readonly kind: string, readonly description: string, readonly body: TSchema }>
  /** what would run; throws what `create` would throw about the body */
  plan (body: unknown): { kind: string, spec: unknown }
  /** throws Problem TOO_MANY_RUNS when the queue is full */
  create (body: unknown): RunView
  list (): RunView[]
  /** throws Problem RUN_NOT_FOUND */
  get (id: string): RunView
  cancel (id: string): RunView
  remove (id: string): void
  result (id: string): unknown
  /** the run once it is terminal, or as it is when the time is up */
  wait (id: string, durationMs: number): Promise<RunView>
  /** the events after `lastEventId`, then new ones as they come; ends after `end`, or when `signal` aborts */
  events (id: string, lastEventId: number | null, signal: AbortSignal): AsyncIterable<RunEvent>
}
