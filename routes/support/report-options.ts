// Options of reports that name what only the process knows: a run that has measured, this machine's caches. Both are made into what they
// stand for before the report is asked, so that reports know neither.

import type { BenchmarkResult, CacheLevel } from '../../lib/report/index.ts'
import { SimError } from '../../lib/sim/errors.ts'
import { Problem } from './problems.ts'

export interface ReportSurroundings {
  /** as the job manager's: throws a Problem for a run that has no result */
  result (id: string): unknown
  /** null: this machine does not tell */
  readonly caches: readonly CacheLevel[] | null
}

/** @throws SimError with the place of what stands for nothing */
export function resolveOptions (options: Readonly<Record<string, unknown>>, surroundings: ReportSurroundings): Record<string, unknown> {
  const { benchmark, cache } = options
  return {
    ...options,
    ...(typeof benchmark === 'string' ? { benchmark: { run: benchmark, result: benchmarkOf(benchmark, surroundings) } } : {}),
    ...(cache === 'machine' ? { cache: { levels: machineLevels(surroundings) } } : {})
  }
}

function benchmarkOf (id: string, { result }: ReportSurroundings): BenchmarkResult {
  const found = resultOf(id, result)
  if ((found as { kind?: unknown }).kind !== 'benchmark') throw refusal('/benchmark', `run ${id} is none of kind benchmark`)
  return found as BenchmarkResult
}

function resultOf (id: string, result: ReportSurroundings['result']): unknown {
  try {
    return result(id)
  } catch (error) {
    if (error instanceof Problem) throw refusal('/benchmark', error.message)
    throw error
  }
}

function machineLevels ({ caches }: ReportSurroundings): readonly CacheLevel[] {
  if (caches === null) throw refusal('/cache', 'this machine does not tell its caches: give their levels, or leave it out for those of a usual server')
  return caches
}

const refusal = (pointer: string, detail: string): SimError => new SimError('INVALID_ARGUMENT', detail, { places: [{ pointer, detail }] })
