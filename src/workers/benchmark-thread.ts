// The thread of a benchmark: the kernel's test runs keep a thread busy for up to 100 ms at a time, and the server has others to answer.

import { parentPort, workerData } from 'node:worker_threads'
import { measureBenchmark } from '../benchmark/measure.ts'
import { openBpf } from '../live-kernel/bpf.ts'
import type { BenchmarkMessage, BenchmarkThreadData } from './benchmark-control.ts'

const { plan, stop } = workerData as BenchmarkThreadData
const port = parentPort
if (port === null) throw new Error('runs as a worker thread only')
const tell = (message: BenchmarkMessage): void => port.postMessage(message)

const steps = measureBenchmark(plan, await openBpf(), () => new Date())
let step = steps.next()
while (step.done !== true && Atomics.load(stop, 0) === 0) {
  tell({ progress: step.value })
  step = steps.next()
}
if (step.done === true) tell({ result: step.value })
else steps.return(undefined as never)
