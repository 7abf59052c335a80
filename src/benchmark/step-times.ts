// Single steps of a lookup in the running kernel: the same chain of them in every program, and what it comes to held against the emulator.
// Rounds are interleaved.

import { STEPS_PER_RUN, stepProbes } from '../../lib/datapath/index.ts'
import type { BenchmarkSteps } from '../../lib/report/index.ts'
import type { SimulatorAssets } from '../../lib/sim/assets.ts'
import { runStepProbe } from '../../lib/sim/step-probes.ts'
import type { Bpf } from '../live-kernel/bpf.ts'
import { median } from './median.ts'
import { loadStepProbe } from './step-probe.ts'
import type { KernelStepProbe } from './step-probe.ts'

const RUNS = 200_000
const START = 7n
const PROFILE = '6.18'

export const stepTimeSteps = (rounds: number): number => stepProbes.length * (rounds + 1)

export function * measureSteps (bpf: Bpf, assets: SimulatorAssets, rounds: number): Generator<undefined, BenchmarkSteps> {
  const probes: KernelStepProbe[] = []
  let sameAsEmulator = true
  try {
    for (const step of stepProbes) {
      const probe = loadStepProbe(bpf, step)
      probes.push(probe)
      sameAsEmulator &&= probe.run(START, 1).state === runStepProbe(assets, step, PROFILE, START).state
      yield
    }
    const ns = probes.map((): number[] => [])
    for (let round = 0; round < rounds; round++) {
      for (const [index, probe] of probes.entries()) {
        ns[index]?.push(probe.run(START, RUNS).ns)
        yield
      }
    }
    return { rows: probes.map(({ step }, index) => ({ step, ns: median(ns[index] ?? []) })), perRun: STEPS_PER_RUN, sameAsEmulator }
  } finally {
    for (const probe of probes) probe.close()
  }
}
