// What the page says: reports on the cluster, or on a mix of service sizes where one is given or the cluster is empty. Computed in steps
// beside other requests, and kept: the same question about the same state is answered once.

import type { Report, ReportKind, ReportKinds } from '../../../lib/report/index.ts'
import type { ReportRequest, Simulator } from '../../../lib/sim/types.ts'
import { limits } from '../limits.ts'
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

export function createPageReports (sim: Simulator): (mix: string | null) => Promise<PageReports> {
  const kept = new Map<string, Promise<PageReports>>()

  return (mix) => {
    const key = mix ?? stateOf(sim)
    const known = kept.get(key)
    kept.delete(key)
    const asked = known ?? ask(sim, mix)
    // the one asked for longest ago is the first
    kept.set(key, asked)
    for (const oldest of kept.keys()) {
      if (kept.size <= limits.pagesKept) break
      kept.delete(oldest)
    }
    asked.catch(() => { if (kept.get(key) === asked) kept.delete(key) })
    return asked
  }
}

/** Everything that reports on the cluster depend on. */
const stateOf = (sim: Simulator): string =>
  JSON.stringify([sim.revision(), sim.changedAt(), sim.listNodes().map(({ tableSizeChanges, counts, memory, ...settings }) => settings)])

async function ask (sim: Simulator, mix: string | null): Promise<PageReports> {
  const scope = mix === null ? {} : { mix }
  const reports: Array<readonly [PageKind, Report]> = []
  for (const kind of pageKinds) {
    reports.push([kind, await inSteps(sim.reportSteps({ kind, ...scope, ...pageQuestions[kind] } as ReportRequest))])
  }
  return { mix, of: Object.fromEntries(reports) as unknown as PageReports['of'] }
}
