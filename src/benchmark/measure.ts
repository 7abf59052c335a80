// A benchmark from beginning to end, in steps of at most some 100 ms each.

import { cpus, release } from 'node:os'
import { readFileSync } from 'node:fs'
import { formatMix, parseMix } from '../../lib/report/index.ts'
import type { BenchmarkMachine, BenchmarkResult, MixPart } from '../../lib/report/index.ts'
import type { Bpf } from '../live-kernel/bpf.ts'
import type { RunProgress } from '../runs/types.ts'
import { processAssets } from '../simulator.ts'
import { balancerSteps, measureBalancers } from './balancers.ts'
import { lookupSteps, measureLookups } from './layout-lookups.ts'
import { benchmarkTableSizes } from './limits.ts'
import { scaledParts } from './plan.ts'
import type { BenchmarkPlan } from './plan.ts'
import { measureSteps, stepTimeSteps } from './step-times.ts'

/** @param bpf or why there is none */
export function * measureBenchmark (plan: BenchmarkPlan, bpf: Bpf | string, now: () => Date): Generator<RunProgress, BenchmarkResult> {
  const parsed = parseMix(plan.mix)
  const asked: readonly MixPart[] = parsed.ok ? parsed.parts : []
  const parts = scaledParts(asked)
  const kernel = typeof bpf === 'string' ? null : bpf
  const balancersPlan = { ...plan, parts }
  const total = balancerSteps(balancersPlan) + (kernel === null ? 0 : lookupSteps(plan) + stepTimeSteps(plan.rounds))
  const measuredAt = now().toISOString()
  let done = 0
  function * counted<T> (steps: Generator<undefined, T>): Generator<RunProgress, T> {
    try {
      for (;;) {
        const step = steps.next()
        if (step.done === true) return step.value
        yield { done: ++done, total, unit: 'steps' }
      }
    } finally {
      steps.return(undefined as never)
    }
  }
  const { nodes, emptyNs } = yield * counted(measureBalancers(kernel, balancersPlan))
  return {
    kind: 'benchmark',
    measuredAt,
    machine: thisMachine(),
    mix: formatMix(parts),
    services: { made: sum(parts), of: sum(asked) },
    rounds: plan.rounds,
    withoutKernel: typeof bpf === 'string' ? bpf : null,
    emptyNs,
    nodes,
    lookups: kernel === null ? null : yield * counted(measureLookups(kernel, { ...benchmarkTableSizes, parts, rounds: plan.rounds })),
    steps: kernel === null ? null : yield * counted(measureSteps(kernel, processAssets(), plan.rounds))
  }
}

const sum = (parts: readonly MixPart[]): number => parts.reduce((total, { services }) => total + services, 0)

function thisMachine (): BenchmarkMachine {
  const all = cpus()
  return { cpu: all[0]?.model.trim() ?? 'unknown', cpus: all.length, kernel: release(), spectreV2: spectreV2(), node: process.version }
}

function spectreV2 (): string | null {
  try {
    return readFileSync('/sys/devices/system/cpu/vulnerabilities/spectre_v2', 'latin1').trim()
  } catch {
    return null
  }
}
