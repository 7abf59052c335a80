// Runs of kind `traffic`: what they are asked for (plan), one thread's work (share), what comes of it (result). Threads
// are started by src/workers; nothing here knows of them.

import type { Simulator } from './types.ts'

export * from './traffic-plan.ts'
export * from './traffic-result.ts'
export * from './traffic-share.ts'

/** @returns slots of each backend (`address port`) in a frontend's table */
export function slotsPerBackend (sim: Simulator, node: string, frontend: number): Map<string, number> {
  const { counts } = sim.getTable(node, frontend)
  const slots = new Map<string, number>()
  for (const { id, address, port } of sim.getFrontend(node, frontend).backends) {
    const key = `${address} ${port}`
    slots.set(key, (slots.get(key) ?? 0) + (counts[id] ?? 0))
  }
  return slots
}
