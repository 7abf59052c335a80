// The step probes (lib/datapath/step-probe.c) in the running kernel.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readObject } from '../../lib/bpf/object/index.ts'
import {
  decodeStepState, encodeStepState, encodeU32, STEP_ENTRIES_READ, stepProbeFile, stepProbeMaps, stepProbeObject, stepTableValue
} from '../../lib/datapath/index.ts'
import type { StepProbe } from '../../lib/datapath/index.ts'
import { packageRoot } from '../cli/paths.ts'
import type { Bpf } from '../live-kernel/bpf.ts'
import { createMap, loadObject } from '../live-kernel/load.ts'

export interface KernelStepProbe {
  readonly step: StepProbe
  /** @returns ns per run, which takes the step STEPS_PER_RUN times, and the state after the last run */
  run (state: bigint, runs: number): { readonly ns: number, readonly state: bigint }
  close (): void
}

const XDP_DROP = 1
const anyPacket = new Uint8Array(64)
const firstKey = encodeU32(0)

export function loadStepProbe (bpf: Bpf, step: StepProbe): KernelStepProbe {
  const spec = readObject(readFileSync(join(packageRoot(), 'lib/datapath', stepProbeFile(step))), { name: stepProbeObject })
  if (!spec.ok) throw new Error(spec.error.message)
  const object = loadObject(bpf, spec.value)
  const tables = object.maps.get(stepProbeMaps.tables)
  const stateFd = object.maps.get(stepProbeMaps.state)?.fd ?? -1
  if (tables?.spec.inner === undefined) throw new Error(`step probe ${step} has no tables`)
  const table = createMap(bpf, tables.spec.inner)
  const entries = Math.min(tables.spec.inner.maxEntries, STEP_ENTRIES_READ)
  for (let index = 0; index < entries; index++) bpf.update(table, encodeU32(index), encodeU32(stepTableValue(index)))
  const set = bpf.update(tables.fd, firstKey, encodeU32(table))
  bpf.close(table)
  if (set !== 0) throw new Error(`step probe ${step}: its table is refused, errno ${-set}`)
  return {
    step,
    run (state, runs) {
      bpf.update(stateFd, firstKey, encodeStepState(state))
      const { retval, durationNs } = bpf.testRun(object.program, anyPacket, runs)
      if (retval !== XDP_DROP) throw new Error(`step probe ${step} ended with ${retval}`)
      const after = encodeStepState(0n)
      bpf.lookup(stateFd, firstKey, after)
      return { ns: durationNs, state: decodeStepState(after) }
    },
    close: () => { object.close() }
  }
}
