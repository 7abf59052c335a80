// The program's own counters, one per outcome and CPU, read where they lie. The elements of a per-CPU array never move, so
// their addresses are found once; a packet's outcome is the counter that it raised.

import { perCpuStride } from '../bpf/core/index.ts'
import type { Core } from '../bpf/core/index.ts'
import { reasons } from '../datapath/index.ts'
import type { Reason } from '../datapath/index.ts'

export interface OutcomeCounters {
  /** packets so far, by the index of the outcome */
  read (): Float64Array
  /** remembers the counters for `raised` */
  mark (): void
  /** @returns the outcome whose counter went up since `mark`; null when none did: the program never got to count */
  raised (): Reason | null
}

/** @param metrics address of the per-CPU array */
export function outcomeCounters (core: Core, metrics: number, cpu: number): OutcomeCounters {
  const pointers = metrics + core.profile.structs.bpfArray.value
  const addresses = reasons.map(({ index }) => core.view().getUint32(pointers + index * 8, true) + cpu * perCpuStride)
  // one packet raises one counter by one, which the low words show
  const marked = new Uint32Array(addresses.length)
  return {
    read () {
      const view = core.view()
      return Float64Array.from(addresses, (address) => view.getUint32(address, true) + view.getUint32(address + 4, true) * 2 ** 32)
    },
    mark () {
      const view = core.view()
      for (let index = 0; index < marked.length; index++) marked[index] = view.getUint32(addresses[index] as number, true)
    },
    raised () {
      const view = core.view()
      for (let index = 0; index < marked.length; index++) {
        if (view.getUint32(addresses[index] as number, true) !== marked[index]) return reasons[index] ?? null
      }
      return null
    }
  }
}
