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
while (Atomics.load(stop, 0) === 0) {
  const step = steps.next()
  if (step.done === true) {
    tell({ result: step.value })
    break
  }
  tell({ progress: step.value })
}
// where it was stopped, what lies in the kernel is closed
steps.return(undefined as never)
