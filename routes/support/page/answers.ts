// What the page says: reports on the cluster, or on a mix of service sizes where one is given or the cluster is empty. Computed in steps
// beside other requests, and kept: the same question about the same state is answered once.

import type { Report, ReportKinds } from '../../../lib/report/index.ts'
import type { ReportRequest, Simulator } from '../../../lib/sim/types.ts'
import { limits } from '../limits.ts'
import { Problem } from '../problems.ts'
import { resolveOptions } from '../report-options.ts'
import type { ReportSurroundings } from '../report-options.ts'
import type { RunService } from '../runs.ts'
import { inSteps } from '../steps.ts'

export const pageKinds = ['memory', 'disruption', 'lookup-cost', 'convergence'] as const
export type PageKind = typeof pageKinds[number]

/** What each report is asked beside whom it is about. */
export type PageQuestions = Readonly<Record<PageKind, Readonly<Record<string, string | number>>>>

export interface PageReports {
  /** normalised; null: the cluster */
  readonly mix: string | null
  readonly questions: PageQuestions
  readonly of: { readonly [K in PageKind]: ReportKinds[K]['report'] }
}

/** Little, so that the first view does not take long. @param benchmark run whose times are quoted */
const questionsQuoting = (benchmark: string | null): PageQuestions => ({
  memory: {},
  disruption: { changes: 'remove,rolling-restart' },
  'lookup-cost': { cacheLookups: 0, ...(benchmark === null ? {} : { benchmark }) },
  convergence: { ports: 10, services: 1 }
})

/** A thousand frontends, most of them small, as clusters are. */
export const exampleMix = '700x3,200x10,80x40,20x160'

interface Asking {
  readonly answer: Promise<PageReports>
  /** those who wait for it */
  readonly signals: Set<AbortSignal>
}

/** One after the other is made: who types asks often and waits only for the last. What nobody waits for any more is given up. */
export function createPageReports (sim: Simulator, runs: Pick<RunService, 'list' | 'result'>): (mix: string | null, signal: AbortSignal) => Promise<PageReports> {
  const surroundings: ReportSurroundings = { result: (id) => runs.result(id), caches: null }
  const kept = new Map<string, Asking>()
  let last: Promise<unknown> = Promise.resolve()

  function begin (key: string, mix: string | null, questions: PageQuestions): Asking {
    const signals = new Set<AbortSignal>()
    const answer = last.then(() => ask({ sim, surroundings, mix, questions }, () => [...signals].every(({ aborted }) => aborted)))
    const asking = { answer, signals }
    last = answer.catch(() => { if (kept.get(key) === asking) kept.delete(key) })
    return asking
  }

  return (mix, signal) => {
    const benchmark = runs.list().findLast(({ kind, state }) => kind === 'benchmark' && state === 'succeeded')?.id ?? null
    const key = `${mix ?? stateOf(sim)} ${benchmark}`
    const asking = kept.get(key) ?? begin(key, mix, questionsQuoting(benchmark))
    asking.signals.add(signal)
    // the one asked for longest ago is the first
    kept.delete(key)
    kept.set(key, asking)
    for (const oldest of kept.keys()) {
      if (kept.size <= limits.pagesKept) break
      kept.delete(oldest)
    }
    return asking.answer.finally(() => asking.signals.delete(signal))
  }
}

/** Everything that reports on the cluster depend on. */
const stateOf = (sim: Simulator): string =>
  JSON.stringify([sim.revision(), sim.changedAt(), sim.listNodes().map(({ tableSizeChanges, counts, memory, ...settings }) => settings)])

interface Asked {
  readonly sim: Simulator
  readonly surroundings: ReportSurroundings
  readonly mix: string | null
  readonly questions: PageQuestions
}

async function ask ({ sim, surroundings, mix, questions }: Asked, isGivenUp: () => boolean): Promise<PageReports> {
  const scope = mix === null ? {} : { mix }
  const reports: Array<readonly [PageKind, Report]> = []
  const goOn = (): void => { if (isGivenUp()) throw new Problem('OVERLOADED', 'Nobody waits for this answer any more.') }
  for (const kind of pageKinds) {
    goOn()
    const options = resolveOptions(questions[kind], surroundings)
    reports.push([kind, await inSteps(sim.reportSteps({ kind, ...scope, ...options } as ReportRequest), goOn)])
  }
  return { mix, questions, of: Object.fromEntries(reports) as unknown as PageReports['of'] }
}
