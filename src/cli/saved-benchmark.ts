// A benchmark's result as `maglev-sim benchmark --save` wrote it.

import { readFileSync } from 'node:fs'
import type { BenchmarkResult } from '../../lib/report/index.ts'
import { BadInput } from './failures.ts'
import { callerPath } from './paths.ts'

export function readBenchmark (file: string): BenchmarkResult {
  const value = parse(file)
  const { kind, nodes, machine } = (value ?? {}) as Partial<BenchmarkResult>
  if (kind !== 'benchmark' || !Array.isArray(nodes) || typeof machine !== 'object') throw new BadInput(`${file} holds no result of maglev-sim benchmark`)
  return value as BenchmarkResult
}

function parse (file: string): unknown {
  try {
    return JSON.parse(readFileSync(callerPath(file), 'utf8'))
  } catch (error) {
    throw new BadInput(`cannot read ${file}: ${(error as Error).message}`)
  }
}
