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
  let instructions = 0
  let mapLookups = 0
  let mapCalls = 0
  const loads = new Array<number>(regions.length).fill(0)
  const stores = new Array<number>(regions.length).fill(0)
  for (let costClass = 0; costClass < COST_CLASSES; costClass++) {
    const ran = times[costClass] ?? 0
    if (ran === 0) continue
    instructions += ran
    if ((costClass & COST_MAP_LOOKUP) !== 0) mapLookups += ran
    if ((costClass & COST_MAP_CALL) !== 0) mapCalls += ran
    addAccesses(costClass & COST_ACCESS_MASK, ran, loads, stores)
  }
  return { instructions, mapLookups, mapCalls, loads: byRegion(loads), stores: byRegion(stores) }
}

function addAccesses (access: number, ran: number, loads: number[], stores: number[]): void {
  if (access === 0) return
  const base = access >= COST_ATOMIC ? COST_ATOMIC : access >= COST_STORE ? COST_STORE : COST_LOAD
  const region = access - base
  if (base !== COST_STORE) loads[region] = (loads[region] ?? 0) + ran
  if (base !== COST_LOAD) stores[region] = (stores[region] ?? 0) + ran
}

function byRegion ([stack = 0, packet = 0, ctx = 0, map = 0, kernel = 0]: readonly number[]): RegionCounts {
  return { stack, packet, ctx, map, kernel }
}
