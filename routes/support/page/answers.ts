// What the page says: reports on the cluster, or on a mix of service sizes where one is given or the cluster is empty. Computed in steps
// beside other requests, and kept: the same question about the same state is answered once.

import type { LookupCostReport, MemoryReport, ReportKind, ReportKinds } from '../../../lib/report/index.ts'
import type { ReportRequest, Simulator } from '../../../lib/sim/types.ts'
import { limits } from '../limits.ts'
import { inSteps } from '../steps.ts'

export interface PageReports {
  /** normalised; null: the cluster */
  readonly mix: string | null
  readonly memory: MemoryReport
  readonly lookupCost: LookupCostReport
}

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
  const report = <K extends ReportKind>(kind: K): Promise<ReportKinds[K]['report']> => inSteps(sim.reportSteps({ kind, ...scope } as ReportRequest<K>))
  const memory = await report('memory')
  return { mix: memory.subject.mix, memory, lookupCost: await report('lookup-cost') }
}
