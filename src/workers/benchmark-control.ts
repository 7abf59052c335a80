// What the main thread and the thread of a benchmark share.

import type { BenchmarkResult } from '../../lib/report/index.ts'
import type { BenchmarkPlan } from '../benchmark/plan.ts'
import type { RunProgress } from '../runs/types.ts'

export interface BenchmarkThreadData {
  readonly plan: BenchmarkPlan
  /** one word; not 0: stop after the step under way. A thread that is cut off would leave its descriptors in the process. */
  readonly stop: Int32Array
}

export type BenchmarkMessage = { readonly progress: RunProgress } | { readonly result: BenchmarkResult }
