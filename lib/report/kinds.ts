// The kinds of report, one entry each: how it is built and how it is read. Whoever lists, answers or prints reports goes by this table.

import type { ReportContext, ReportSteps } from './context.ts'
import type { ReportDocument } from './document.ts'
import { presentAdvice } from './advice/present.ts'
import { adviceReport } from './advice/report.ts'
import type { AdviceOptions, AdviceReport } from './advice/report.ts'
import { presentBalance } from './balance/present.ts'
import { balanceReport } from './balance/report.ts'
import type { BalanceOptions, BalanceReport } from './balance/report.ts'
import { presentDisruption } from './disruption/present.ts'
import type { DisruptionOptions } from './disruption/plan.ts'
import { disruptionReport } from './disruption/report.ts'
import type { DisruptionReport } from './disruption/report.ts'
import { presentConvergence } from './convergence/present.ts'
import { convergenceReport } from './convergence/report.ts'
import type { ConvergenceOptions, ConvergenceReport } from './convergence/report.ts'
import { presentLookupCost } from './lookup-cost/present.ts'
import { lookupCostReport } from './lookup-cost/report.ts'
import type { LookupCostOptions, LookupCostReport } from './lookup-cost/report.ts'
import { presentMemory } from './memory/present.ts'
import { memoryReport } from './memory/report.ts'
import type { MemoryOptions, MemoryReport } from './memory/report.ts'

/** What each kind may be asked beside the nodes or the mix it is about, and what it answers. */
export interface ReportKinds {
  readonly memory: { readonly options: MemoryOptions, readonly report: MemoryReport }
  readonly balance: { readonly options: BalanceOptions, readonly report: BalanceReport }
  readonly disruption: { readonly options: DisruptionOptions, readonly report: DisruptionReport }
  readonly 'lookup-cost': { readonly options: LookupCostOptions, readonly report: LookupCostReport }
  readonly convergence: { readonly options: ConvergenceOptions, readonly report: ConvergenceReport }
  readonly advice: { readonly options: AdviceOptions, readonly report: AdviceReport }
}

export type ReportKind = keyof ReportKinds
export type Report = ReportKinds[ReportKind]['report']

interface Definition<K extends ReportKind> {
  /** what the report answers, in a sentence */
  readonly description: string
  readonly build: (context: ReportContext, options: ReportKinds[K]['options']) => ReportSteps<ReportKinds[K]['report']>
  readonly present: (report: ReportKinds[K]['report']) => ReportDocument
}

const definitions: { readonly [K in ReportKind]: Definition<K> } = {
  memory: {
    description: 'Bytes of each service size: its Maglev table, its share of the outer map, its entries; and what moves when a backend leaves.',
    build: memoryReport,
    present: presentMemory
  },
  balance: {
    description: 'How evenly slots and flows are spread over backends, and which weights were wanted and got.',
    build: balanceReport,
    present: presentBalance
  },
  disruption: {
    description: 'What moves when backends are added, removed, drained, weighted or restarted, or M changes: needed, and without need.',
    build: disruptionReport,
    present: presentDisruption
  },
  'lookup-cost': {
    description: 'Instructions, map calls and memory accesses of one packet to a service of each size.',
    build: lookupCostReport,
    present: presentLookupCost
  },
  convergence: {
    description: 'How long until a change is live on a node: tables rebuilt, bytes written, updates of the outer map and the waits after them.',
    build: convergenceReport,
    present: presentConvergence
  },
  advice: {
    description: 'For limits on bytes, collateral, imbalance and convergence the best settings: knobs that Cilium has, and what a patch would bring.',
    build: adviceReport,
    present: presentAdvice
  }
}

export const reportKinds = Object.keys(definitions) as readonly ReportKind[]

export const describeKind = (kind: ReportKind): string => definitions[kind].description

/** @throws ReportRefusal at once, or at any step, for options that cannot be */
export function buildReport<K extends ReportKind> (kind: K, context: ReportContext, options: ReportKinds[K]['options']): ReportSteps<ReportKinds[K]['report']> {
  return definitions[kind].build(context, options)
}

export function presentReport (report: Report): ReportDocument {
  return (definitions[report.kind] as Definition<ReportKind>).present(report as never)
}
