// What the main thread and the threads of a traffic run share: the job, and words that both read and write.

import type { ShareJob } from '../../lib/sim/traffic.ts'

/** not 0: stop after the batch under way */
export const CONTROL_STOP = 0
export const CONTROL_NEXT_CHUNK = 1
/** packets done, for the progress */
export const CONTROL_PACKETS = 2
export const CONTROL_WORDS = 3

export interface TrafficThreadData {
  readonly job: ShareJob
  readonly chunks: number
  readonly control: Int32Array
}
