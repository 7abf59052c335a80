// All kinds of runs.

import type { Simulator } from '../../lib/sim/types.ts'
import type { ReportSurroundings } from '../../routes/support/report-options.ts'
import { benchmarkExecutor } from './benchmark.ts'
import { reportExecutor } from './report.ts'
import { trafficExecutor } from './traffic.ts'
import type { RunExecutor } from './types.ts'

export function allExecutors (sim: Simulator, surroundings: ReportSurroundings): RunExecutor[] {
  return [trafficExecutor(sim), reportExecutor(sim, surroundings), benchmarkExecutor(sim)]
}
