// The thread of a traffic run: takes chunks until there are none, counts packets as they are done, stops when told to.
// Control words are shared with the main thread, so that a cancel is seen within one batch.

import { parentPort, workerData } from 'node:worker_threads'
// not all of lib/sim/traffic.ts: what puts results together loads for 200 ms, and a thread needs none of it
import { createShare } from '../../lib/sim/traffic-share.ts'
import { CONTROL_NEXT_CHUNK, CONTROL_PACKETS, CONTROL_STOP } from './traffic-control.ts'
import type { TrafficThreadData } from './traffic-control.ts'

const { job, chunks, control } = workerData as TrafficThreadData
const share = createShare(job, () => performance.now())

const goesOn = (): boolean => Atomics.load(control, CONTROL_STOP) === 0
const takeChunk = (): number => Atomics.add(control, CONTROL_NEXT_CHUNK, 1)
const onBatch = (packets: number): boolean => {
  Atomics.add(control, CONTROL_PACKETS, packets)
  return goesOn()
}

try {
  for (let chunk = takeChunk(); chunk < chunks && goesOn(); chunk = takeChunk()) share.runChunk(chunk, onBatch)
  parentPort?.postMessage(share.finish())
} finally {
  share.dispose()
}
