// The program's own counters, one per outcome and CPU, read where they lie. The elements of a per-CPU array never move, so
// their addresses are found once; a packet's outcome is the counter that it raised.

import { perCpuStride } from '../bpf/core/index.ts'
import type { Core } from '../bpf/core/index.ts'
import { reasons } from '../datapath/index.ts'
import type { Reason } from '../datapath/index.ts'

export interface OutcomeCounters {
  /** packets so far, by the index of the outcome */
  read (): Float64Array
  /** @returns the outcome whose counter went up since `before`; null when none did: the program never got to count */
  since (before: Float64Array): Reason | null
}

/** @param metrics address of the per-CPU array */
export function outcomeCounters (core: Core, metrics: number, cpu: number): OutcomeCounters {
  const pointers = metrics + core.profile.structs.bpfArray.value
  const addresses = reasons.map(({ index }) => core.view().getUint32(pointers + index * 8, true) + cpu * perCpuStride)
  function read (): Float64Array {
    const view = core.view()
    return Float64Array.from(addresses, (address) => view.getUint32(address, true) + view.getUint32(address + 4, true) * 2 ** 32)
  }
  return {
    read,
    since (before) {
      const now = read()
      return reasons.find(({ index }) => now[index] !== before[index]) ?? null
    }
  }
}
