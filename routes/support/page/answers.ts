// What the page says: reports on the cluster, or on a mix of service sizes where one is given or the cluster is empty. Computed in steps
// beside other requests, and kept: the same question about the same state is answered once.

import type { Report, ReportKind, ReportKinds } from '../../../lib/report/index.ts'
import type { ReportRequest, Simulator } from '../../../lib/sim/types.ts'
import { limits } from '../limits.ts'
import { Problem } from '../problems.ts'
import { inSteps } from '../steps.ts'

export interface PageReports {
  /** normalised; null: the cluster */
  readonly mix: string | null
  readonly of: { readonly [K in PageKind]: ReportKinds[K]['report'] }
}

/** The reports of the page, and what each is asked beside whom it is about: little, so that the first view does not take long. */
export const pageQuestions = {
  memory: {},
  disruption: { trials: 5, changes: 'remove,rolling-restart' },
  'lookup-cost': {}
} as const satisfies { readonly [K in ReportKind]?: ReportKinds[K]['options'] }

export type PageKind = keyof typeof pageQuestions

export const pageKinds = Object.keys(pageQuestions) as readonly PageKind[]

/** A thousand frontends, most of them small, as clusters are. */
export const exampleMix = '700x3,200x10,80x40,20x160'

interface Asking {
  readonly answer: Promise<PageReports>
  /** those who wait for it */
  readonly signals: Set<AbortSignal>
}

/** One after the other is made: who types asks often and waits only for the last. What nobody waits for any more is given up. */
export function createPageReports (sim: Simulator): (mix: string | null, signal: AbortSignal) => Promise<PageReports> {
  const kept = new Map<string, Asking>()
  let last: Promise<unknown> = Promise.resolve()

  function begin (key: string, mix: string | null): Asking {
    const signals = new Set<AbortSignal>()
    const answer = last.then(() => ask(sim, mix, () => [...signals].every(({ aborted }) => aborted)))
    const asking = { answer, signals }
    last = answer.catch(() => { if (kept.get(key) === asking) kept.delete(key) })
    return asking
  }

  return (mix, signal) => {
    const key = mix ?? stateOf(sim)
    const asking = kept.get(key) ?? begin(key, mix)
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

async function ask (sim: Simulator, mix: string | null, isGivenUp: () => boolean): Promise<PageReports> {
  const scope = mix === null ? {} : { mix }
  const reports: Array<readonly [PageKind, Report]> = []
  const goOn = (): void => { if (isGivenUp()) throw new Problem('OVERLOADED', 'Nobody waits for this answer any more.') }
  for (const kind of pageKinds) {
    goOn()
    reports.push([kind, await inSteps(sim.reportSteps({ kind, ...scope, ...pageQuestions[kind] } as ReportRequest), goOn)])
  }
  return { mix, of: Object.fromEntries(reports) as unknown as PageReports['of'] }
}
