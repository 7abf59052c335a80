// Runs of kind `benchmark`: times of this machine, in a thread of their own. Reports quote them by the run's id, so that their bytes
// stay the same.

import { Type } from 'typebox'
import type { BenchmarkResult } from '../../lib/report/index.ts'
import type { Simulator } from '../../lib/sim/types.ts'
import { NodeCreation, NodeName } from '../../routes/support/schemas.ts'
import { limits } from '../../routes/support/limits.ts'
import { benchmarkDefaults, benchmarkLimits } from '../benchmark/limits.ts'
import { planBenchmark } from '../benchmark/plan.ts'
import type { BenchmarkBody, BenchmarkPlan } from '../benchmark/plan.ts'
import type { BenchmarkMessage, BenchmarkThreadData } from '../workers/benchmark-control.ts'
import { startThread } from '../workers/start-thread.ts'
import type { RunControl, RunExecutor } from './types.ts'

export function benchmarkExecutor (sim: Simulator): RunExecutor<BenchmarkPlan, BenchmarkResult> {
  return {
    kind: 'benchmark',
    description: 'ns per packet of the interpreter and, where root may call bpf(2), of the running kernel: the same programs and maps in test runs ' +
      '(nothing is attached), lookups in every layout, and single steps of a lookup. Reports of lookup cost quote it by its id.',
    body: benchmarkBody,
    validate: (body) => planBenchmark(sim, body as BenchmarkBody),
    execute: executeBenchmark
  }
}

export async function executeBenchmark (plan: BenchmarkPlan, { onProgress, signal }: RunControl): Promise<BenchmarkResult> {
  signal.throwIfAborted()
  const stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  const workerData: BenchmarkThreadData = { plan, stop }
  const onAbort = (): void => { Atomics.store(stop, 0, 1) }
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  const thread = startThread('benchmark-thread', { workerData, env: {} })
  try {
    return await new Promise((resolve, reject) => {
      let result: BenchmarkResult | null = null
      thread.on('message', (message: BenchmarkMessage) => {
        if ('result' in message) result = message.result
        else onProgress(message.progress)
      })
      thread.once('error', reject)
      thread.once('exit', (code) => result === null ? reject(new Error(`the benchmark's thread ended with code ${code}`)) : resolve(result))
    })
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

const benchmarkBody = Type.Object({
  kind: Type.Literal('benchmark'),
  mix: Type.Optional(Type.String({
    minLength: 3,
    maxLength: limits.mixLength,
    default: benchmarkDefaults.mix,
    description: `Services by their number of backends, at most ${benchmarkLimits.sizes} sizes; of more than ${benchmarkLimits.services} services as many ` +
      'are made, in the same proportions.'
  })),
  nodes: Type.Optional(Type.Array(NodeName, { minItems: 1, maxItems: limits.nodes, uniqueItems: true, description: 'Nodes of the cluster whose settings are measured; not with variants.' })),
  variants: Type.Optional(Type.Array(NodeCreation, { minItems: 1, maxItems: benchmarkLimits.variants, description: 'Nodes to make; one of each layout where neither is given.' })),
  rounds: Type.Optional(Type.Integer({
    minimum: 1, maximum: benchmarkLimits.rounds, default: benchmarkDefaults.rounds, description: 'How often everything is measured, in turn; medians are kept.'
  }))
}, {
  additionalProperties: false,
  title: 'BenchmarkRun',
  description: 'Times of this machine.',
  examples: [{ kind: 'benchmark', mix: '7x3,2x10', rounds: 3 }]
})
