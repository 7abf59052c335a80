// A worker thread that runs a program many times on a memory and an image it was handed.

import { parentPort, workerData } from 'node:worker_threads'
import { attachCore, createExecution } from '../../../lib/bpf/core/index.ts'
import type { ProgramImage } from '../../../lib/bpf/core/index.ts'
import { findProfile } from '../../../lib/bpf/profile/index.ts'

const { module, memory, image, worker, runs } = workerData as {
  module: WebAssembly.Module, memory: WebAssembly.Memory, image: ProgramImage, worker: number, runs: number
}
const profile = findProfile('6.18')
if (profile === undefined) throw new Error('no profile 6.18')
const core = attachCore({ module, profile, possibleCpus: 2, memory })
const execution = createExecution(core, { cpu: worker, worker })
let instructions = 0
for (let i = 0; i < runs; i++) instructions += execution.run(image, new Uint8Array(14)).cost.instructions
execution.dispose()
parentPort?.postMessage(instructions)
