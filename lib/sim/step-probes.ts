// The step probes (lib/datapath/step-probe.c) on an emulated kernel of their own: what a run costs there, and what it comes to.

import { createCore } from '../bpf/core/index.ts'
import type { Cost } from '../bpf/core/index.ts'
import { findProfile } from '../bpf/profile/index.ts'
import type { Result } from '../bpf/profile/errno.ts'
import { createKernel, loadCollection } from '../bpf/syscall/index.ts'
import {
  decodeStepState, encodeStepState, encodeU32, STEP_ENTRIES_READ, stepProbeMaps, stepProbeProgram, stepProbes, stepTableValue
} from '../datapath/index.ts'
import type { StepProbe } from '../datapath/index.ts'
import type { ReportSteps, StepCost } from '../report/index.ts'
import type { SimulatorAssets } from './assets.ts'

export interface StepRun {
  /** of one run, which takes the step STEPS_PER_RUN times */
  readonly cost: Cost
  /** state after that run */
  readonly state: bigint
}

const XDP_DROP = 1
/** 64 KiB each: a table and a program need little */
const MEMORY_PAGES = 1024
/** what a step probe begins with when only its cost matters: any but 0 will do */
const ANY_STATE = 7n
const anyPacket = new Uint8Array(64)

const known = new WeakMap<SimulatorAssets, Map<string, readonly StepCost[]>>()

/** What a run of each costs on a kernel; it is always the same, so it is found out once. */
export function * stepCosts (assets: SimulatorAssets, kernelName: string): ReportSteps<readonly StepCost[]> {
  const byKernel = known.get(assets) ?? new Map<string, readonly StepCost[]>()
  known.set(assets, byKernel)
  const found = byKernel.get(kernelName)
  if (found !== undefined) return found
  const costs: StepCost[] = []
  for (const step of stepProbes) {
    yield { done: costs.length, total: stepProbes.length, unit: 'programs' }
    costs.push({ step, cost: runStepProbe(assets, step, kernelName, ANY_STATE).cost })
  }
  byKernel.set(kernelName, costs)
  return costs
}

/** @param kernelName a kernel profile. @param state to begin with, not 0 */
export function runStepProbe (assets: SimulatorAssets, step: StepProbe, kernelName: string, state: bigint): StepRun {
  const profile = findProfile(kernelName)
  if (profile === undefined) throw new RangeError(`there is no kernel profile ${kernelName}`)
  const core = createCore({ module: assets.core, profile, possibleCpus: 1, maximumPages: MEMORY_PAGES })
  const kernel = createKernel({ core, random: () => 0, translations: assets.translations })
  const spec = assets.stepProbe(step)
  const { maps, programs } = valueOf(loadCollection(kernel, spec))
  const template = spec.maps.find(({ name }) => name === stepProbeMaps.tables)?.inner
  if (template === undefined) throw new Error(`step probe ${step} has no inner map`)
  const table = valueOf(kernel.mapCreate(template))
  for (let index = 0; index < Math.min(template.maxEntries, STEP_ENTRIES_READ); index++) {
    valueOf(kernel.mapUpdate(table, encodeU32(index), encodeU32(stepTableValue(index))))
  }
  valueOf(kernel.mapUpdate(maps.get(stepProbeMaps.tables) ?? -1, encodeU32(0), encodeU32(table)))
  const stateMap = maps.get(stepProbeMaps.state) ?? -1
  valueOf(kernel.mapUpdate(stateMap, encodeU32(0), encodeStepState(state)))
  const program = valueOf(kernel.program(programs.get(stepProbeProgram) ?? -1))
  const { retval, cost } = kernel.execution().run(program.image, anyPacket)
  if (retval !== XDP_DROP) throw new Error(`step probe ${step} ended with ${retval}`)
  return { cost, state: decodeStepState(valueOf(kernel.mapLookup(stateMap, encodeU32(0)))) }
}

function valueOf<T> (result: Result<T>): T {
  if (!result.ok) throw new Error(`a step probe is refused: ${result.error.message}`)
  return result.value
}
