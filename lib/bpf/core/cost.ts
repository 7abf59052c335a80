// What an execution did, counted on the translated program: the numbers behind every cost a report prints.
//
// instructions  executed; a wide immediate is one, a call is one, what a helper does inside is none; instructions of
//               bpf-to-bpf callees count; one that faults counts
// mapLookups    lookup sites passed, inlined or called
// mapCalls      calls into a map function
// loads, stores by region, the program's own and inlined code's; an atomic read-modify-write is one load and one store,
//               a load-acquire a load, a store-release a store

import { COST_ACCESS_MASK, COST_ATOMIC, COST_CLASSES, COST_LOAD, COST_MAP_CALL, COST_MAP_LOOKUP, COST_STORE } from './assembly/exec-layout.ts'

/** Accesses by region. */
export interface RegionCounts {
  readonly stack: number
  readonly packet: number
  readonly ctx: number
  readonly map: number
  readonly kernel: number
}

export interface Cost {
  readonly instructions: number
  readonly mapLookups: number
  readonly mapCalls: number
  readonly loads: RegionCounts
  readonly stores: RegionCounts
}

/** Regions in the order of REGION_* in assembly/exec-layout.ts. */
export const regions = ['stack', 'packet', 'ctx', 'map', 'kernel'] as const

/** @param times how often instructions of each cost class ran */
export function costOf (times: ArrayLike<number>): Cost {
  const sum = (accept: (costClass: number) => boolean): number => {
    let total = 0
    for (let costClass = 0; costClass < COST_CLASSES; costClass++) if (accept(costClass)) total += times[costClass] ?? 0
    return total
  }
  const accesses = (base: number): RegionCounts => {
    const of = (region: number): number => sum((costClass) => {
      const access = costClass & COST_ACCESS_MASK
      return access === base + region || access === COST_ATOMIC + region
    })
    return { stack: of(0), packet: of(1), ctx: of(2), map: of(3), kernel: of(4) }
  }
  return {
    instructions: sum(() => true),
    mapLookups: sum((costClass) => (costClass & COST_MAP_LOOKUP) !== 0),
    mapCalls: sum((costClass) => (costClass & COST_MAP_CALL) !== 0),
    loads: accesses(COST_LOAD),
    stores: accesses(COST_STORE)
  }
}
