// A core with one execution, and runs of one program by both engines on it.

import { readFileSync } from 'node:fs'
import { compileCore, createCore, createExecution, freeImage, loadImage } from '../../../lib/bpf/core/index.ts'
import type { Core, Execution, MapAddresses, RunOptions, RunResult } from '../../../lib/bpf/core/index.ts'
import { trace } from '../../../lib/bpf/engine/index.ts'
import type { TraceResult } from '../../../lib/bpf/engine/index.ts'
import { findProfile } from '../../../lib/bpf/profile/index.ts'
import type { TranslatedProgram } from '../../../lib/bpf/rewrite/translated.ts'

export interface Harness {
  readonly core: Core
  readonly execution: Execution
  interpret (program: TranslatedProgram, packet: Uint8Array, options?: RunOptions, maps?: readonly MapAddresses[]): RunResult
  trace (
    program: TranslatedProgram, packet: Uint8Array, options?: RunOptions & { stepLimit?: number }, maps?: readonly MapAddresses[]
  ): TraceResult
}

const moduleFile = new URL('../../../build/core.wasm', import.meta.url)

export function createHarness (cpu = 0): Harness {
  const profile = findProfile('6.18')
  if (profile === undefined) throw new Error('no profile 6.18')
  const core = createCore({ module: compileCore(readFileSync(moduleFile)), profile, possibleCpus: 2 })
  const execution = createExecution(core, { cpu, worker: 0 })
  return {
    core,
    execution,
    interpret (program, packet, options = {}, maps = []) {
      const image = loadImage(core, program, maps)
      if (!image.ok) throw new Error(image.error.message)
      const result = execution.run(image.value, packet, options)
      freeImage(core, image.value)
      return result
    },
    trace (program, packet, options = {}, maps = []) {
      const result = trace(core, program, maps, { ...options, execution, packet })
      if (!result.ok) throw new Error(result.error.message)
      return result.value
    }
  }
}

/** What both engines must agree on. */
export function outcome ({ retval, packet, cost, fault }: RunResult): unknown {
  return { retval, packet: Buffer.from(packet).toString('hex'), cost, fault }
}
