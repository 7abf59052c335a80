// Runs of kind `report`: any report, in steps beside the requests of others, with its progress. What it says is of the revision at its
// first step.

import { PREPARATION_UNIT, reportKinds } from '../../lib/report/index.ts'
import type { Report, ReportKind } from '../../lib/report/index.ts'
import { SimError } from '../../lib/sim/errors.ts'
import type { ReportRequest, Simulator } from '../../lib/sim/types.ts'
import { resolveOptions } from '../../routes/support/report-options.ts'
import type { ReportSurroundings } from '../../routes/support/report-options.ts'
import { optionsOf, reportRunBody } from '../../routes/support/report-schemas.ts'
import { inSteps } from '../../routes/support/steps.ts'
import type { RunExecutor } from './types.ts'

type ReportBody = { readonly kind: 'report', readonly report: ReportKind } & Readonly<Record<string, unknown>>
type ReportPlan = ReportBody & { readonly seed: number }

/** @param surroundings what options may name */
export function reportExecutor (sim: Simulator, surroundings: ReportSurroundings): RunExecutor<ReportPlan, Report> {
  const requestOf = ({ kind, report, ...rest }: ReportPlan): ReportRequest =>
    ({ ...resolveOptions(rest, surroundings), kind: report }) as ReportRequest
  return {
    kind: 'report',
    description: 'A report that takes its time: the same as under /v1/reports, with progress and cancel; the result is the report.',
    body: reportRunBody(reportKinds),
    validate (body) {
      const plan: ReportPlan = { seed: 1, ...body as ReportBody }
      refuseForeignOptions(plan)
      const steps = sim.reportSteps(requestOf(plan))
      // what a report refuses, it refuses before its own first step
      let step = steps.next()
      while (step.done !== true && step.value.unit === PREPARATION_UNIT) step = steps.next()
      return plan
    },
    async execute (plan, { onProgress, signal }) {
      return await inSteps(sim.reportSteps(requestOf(plan)), (progress) => {
        signal.throwIfAborted()
        onProgress(progress)
      })
    }
  }
}

function refuseForeignOptions ({ kind, report, mix, nodes, variants, ...options }: ReportPlan): void {
  const own = optionsOf(report)
  const places = Object.keys(options).filter((name) => !own.includes(name) && name !== 'seed').map((name) => ({ pointer: `/${name}`, detail: `is no option of report ${report}` }))
  if (places.length === 0) return
  throw new SimError('INVALID_ARGUMENT', `report ${report} takes ${own.join(', ')}`, { places })
}
