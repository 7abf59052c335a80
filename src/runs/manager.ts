// The job manager: a bounded queue, so many runs at a time, progress, cancel, a time limit, and results that are kept for a
// while. What a run does is its executor's affair (types.ts).

import type { RunService, RunState, RunView } from '../../routes/support/runs.ts'
import { terminalStates } from '../../routes/support/runs.ts'
import { Problem, problemBody, type ProblemBody } from '../../routes/support/problems.ts'
import { SimError } from '../../lib/sim/errors.ts'
import { EventLog } from './event-log.ts'
import { mayFollow } from './states.ts'
import type { RunExecutor, RunProgress } from './types.ts'

export interface RunLimits {
  readonly running: number
  readonly queued: number
  readonly kept: number
  readonly retentionMs: number
  readonly runMs: number
  readonly eventsKept: number
}

export interface RunManagerOptions {
  readonly executors: readonly RunExecutor[]
  readonly limits: RunLimits
  readonly revision: () => number
  readonly newId: () => string
  /** ms since the epoch */
  readonly clock: () => number
  readonly log: { info (facts: object, message: string): void, error (facts: object, message: string): void }
}

export interface RunManager extends RunService {
  counts (): Record<RunState, number>
  /** cancels what runs and waits for its end */
  close (): Promise<void>
}

interface Run {
  readonly id: string
  readonly executor: RunExecutor
  readonly plan: unknown
  readonly revision: number
  readonly createdAt: number
  readonly events: EventLog
  readonly abort: AbortController
  /** resolves when the run is terminal */
  readonly ended: Promise<void>
  readonly end: () => void
  state: RunState
  startedAt: number | null
  finishedAt: number | null
  progress: RunProgress | null
  lastProgressEvent: number
  result: unknown
  error: ProblemBody | null
}

/** At most so often does a run tell its progress to event streams. */
const progressEveryMs = 200

export function createRunManager ({ executors, limits, revision, newId, clock, log }: RunManagerOptions): RunManager {
  const runs = new Map<string, Run>()
  const byKind = new Map(executors.map((executor) => [executor.kind, executor]))
  const queue: Run[] = []
  let running = 0
  let closed = false

  const forgetting = setInterval(forgetOld, Math.min(limits.retentionMs, 60_000))
  forgetting.unref()

  function planOf (body: unknown): { executor: RunExecutor, plan: unknown } {
    const kind = (body as { kind?: unknown }).kind
    const executor = typeof kind === 'string' ? byKind.get(kind) : undefined
    if (executor === undefined) {
      throw new SimError('INVALID_ARGUMENT', `There are runs of kind ${[...byKind.keys()].join(', ') || '(none)'}.`, { places: [{ pointer: '/kind', detail: 'is no kind of run' }] })
    }
    return { executor, plan: executor.validate(body) }
  }

  function create (body: unknown): RunView {
    if (closed) throw new Problem('SHUTTING_DOWN', 'The server is stopping.')
    const { executor, plan } = planOf(body)
    if (queue.length >= limits.queued) {
      throw new Problem('TOO_MANY_RUNS', `${limits.queued} runs are waiting already. Wait for one to start, or cancel one.`, { headers: { 'retry-after': '10' } })
    }
    let end = (): void => {}
    const ended = new Promise<void>((resolve) => { end = resolve })
    const run: Run = {
      id: newId(),
      executor,
      plan,
      revision: revision(),
      createdAt: clock(),
      events: new EventLog(limits.eventsKept),
      abort: new AbortController(),
      ended,
      end,
      state: 'queued',
      startedAt: null,
      finishedAt: null,
      progress: null,
      lastProgressEvent: -Infinity,
      result: undefined,
      error: null
    }
    runs.set(run.id, run)
    run.events.push('state', viewOf(run))
    queue.push(run)
    forgetOld()
    startNext()
    return viewOf(run)
  }

  function startNext (): void {
    while (running < limits.running) {
      const run = queue.shift()
      if (run === undefined) return
      running++
      execute(run).finally(() => {
        running--
        startNext()
      })
    }
  }

  async function execute (run: Run): Promise<void> {
    run.startedAt = clock()
    enter(run, 'running')
    let outOfTime = false
    const timeLimit = setTimeout(() => {
      outOfTime = true
      run.abort.abort()
    }, limits.runMs)
    try {
      const onProgress = (progress: RunProgress): void => tellProgress(run, progress)
      const result = await run.executor.execute(run.plan, { signal: run.abort.signal, onProgress })
      if (run.state === 'cancelling') return finish(run, 'cancelled')
      run.result = result
      finish(run, 'succeeded')
    } catch (error) {
      if (run.state === 'cancelling') return finish(run, 'cancelled')
      run.error = problemOf(run, error, outOfTime)
      finish(run, outOfTime ? 'expired' : 'failed')
    } finally {
      clearTimeout(timeLimit)
    }
  }

  function problemOf (run: Run, error: unknown, outOfTime: boolean): ProblemBody {
    if (outOfTime) return problemBody(new Problem('RUN_TIME_EXCEEDED', `The run was stopped after ${limits.runMs / 1000} s. Ask for less at a time.`), run.id)
    if (error instanceof SimError || error instanceof Problem) return problemBody(error, run.id)
    log.error({ err: error, run: run.id }, 'a run failed')
    return problemBody(new Problem('INTERNAL_ERROR', `The server's log has the reason under the id ${run.id}.`), run.id)
  }

  function enter (run: Run, state: RunState): void {
    if (!mayFollow(run.state, state)) throw new Error(`a run cannot go from ${run.state} to ${state}`)
    run.state = state
    run.events.push('state', viewOf(run))
  }

  function finish (run: Run, state: RunState): void {
    run.finishedAt = clock()
    enter(run, state)
    run.events.push('end', viewOf(run))
    log.info({ run: run.id, kind: run.executor.kind, state, durationMs: run.finishedAt - (run.startedAt ?? run.finishedAt) }, 'a run ended')
    run.end()
  }

  function tellProgress (run: Run, progress: RunProgress): void {
    if (run.state !== 'running' && run.state !== 'cancelling') return
    run.progress = progress
    const now = clock()
    if (now - run.lastProgressEvent < progressEveryMs) return
    run.lastProgressEvent = now
    run.events.push('progress', viewOf(run).progress)
  }

  function cancel (id: string): RunView {
    const run = find(id)
    if (run.state === 'queued') {
      queue.splice(queue.indexOf(run), 1)
      finish(run, 'cancelled')
    } else if (run.state === 'running') {
      enter(run, 'cancelling')
      run.abort.abort()
    } else if (run.state !== 'cancelling' && run.state !== 'cancelled') {
      throw new Problem('RUN_FINISHED', `The run has ${run.state}; there is nothing to cancel.`, { facts: { state: run.state } })
    }
    return viewOf(run)
  }

  function remove (id: string): void {
    const run = find(id)
    if (!terminalStates.has(run.state)) throw new Problem('RUN_NOT_FINISHED', `The run is ${run.state}. Cancel it first.`, { facts: { state: run.state } })
    runs.delete(id)
  }

  function result (id: string): unknown {
    const run = find(id)
    if (run.state === 'succeeded') return run.result
    if (terminalStates.has(run.state)) throw new Problem('RUN_HAS_NO_RESULT', `The run is ${run.state}.`, { facts: { state: run.state } })
    throw new Problem('RUN_NOT_FINISHED', `The run is ${run.state}. Ask again later, or watch its events.`, { facts: { state: run.state }, headers: { 'retry-after': '1' } })
  }

  function find (id: string): Run {
    const run = runs.get(id)
    if (run === undefined) throw new Problem('RUN_NOT_FOUND', `There is no run ${id}; finished runs are forgotten after ${limits.retentionMs / 1000} s.`)
    return run
  }

  async function wait (id: string, durationMs: number): Promise<RunView> {
    const run = find(id)
    let timer: NodeJS.Timeout | undefined
    const timeUp = new Promise<void>((resolve) => { timer = setTimeout(resolve, durationMs) })
    await Promise.race([run.ended, timeUp])
    clearTimeout(timer)
    return viewOf(run)
  }

  function forgetOld (): void {
    const finished = [...runs.values()].filter(({ finishedAt }) => finishedAt !== null)
    const surplus = finished.length - limits.kept
    for (const [index, run] of finished.entries()) {
      if (index < surplus || clock() - (run.finishedAt ?? 0) > limits.retentionMs) runs.delete(run.id)
    }
  }

  function viewOf (run: Run): RunView {
    const self = `/v1/runs/${run.id}`
    return {
      id: run.id,
      kind: run.executor.kind,
      state: run.state,
      spec: run.plan,
      revision: run.revision,
      createdAt: timestamp(run.createdAt),
      startedAt: run.startedAt === null ? null : timestamp(run.startedAt),
      finishedAt: run.finishedAt === null ? null : timestamp(run.finishedAt),
      expiresAt: run.finishedAt === null ? null : timestamp(run.finishedAt + limits.retentionMs),
      progress: progressOf(run),
      error: run.error,
      links: { self, events: `${self}/events`, results: `${self}/results`, cancel: `${self}/cancel` }
    }
  }

  function progressOf ({ progress, startedAt, finishedAt }: Run): RunView['progress'] {
    if (progress === null || startedAt === null) return null
    const { done, total, unit } = progress
    const elapsed = (finishedAt ?? clock()) - startedAt
    const etaMs = finishedAt !== null || done === 0 ? null : Math.round(elapsed * (total - done) / done)
    return { done, total, unit, percent: total === 0 ? 100 : Math.round(1000 * done / total) / 10, etaMs }
  }

  return {
    kinds: executors.map(({ kind, description, body }) => ({ kind, description, body })),
    plan (body) {
      const { executor, plan } = planOf(body)
      return { kind: executor.kind, spec: plan }
    },
    create,
    list: () => [...runs.values()].map(viewOf),
    get: (id) => viewOf(find(id)),
    cancel,
    remove,
    result,
    wait,
    events: (id, lastEventId, signal) => find(id).events.read(lastEventId, signal),
    counts () {
      const counts = { queued: 0, running: 0, cancelling: 0, succeeded: 0, failed: 0, cancelled: 0, expired: 0 }
      for (const { state } of runs.values()) counts[state]++
      return counts
    },
    async close () {
      closed = true
      clearInterval(forgetting)
      const open = [...runs.values()].filter(({ state }) => !terminalStates.has(state))
      for (const { id } of open) cancel(id)
      await Promise.all(open.map(({ ended }) => ended))
    }
  }
}

const timestamp = (ms: number): string => new Date(ms).toISOString()
