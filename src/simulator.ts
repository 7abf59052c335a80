// A simulator made from the files of the package, with this process's clock and randomness.

import { randomFillSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { prepareAssets } from '../lib/sim/assets.ts'
import type { SimulatorAssets } from '../lib/sim/assets.ts'
import { createSimulator } from '../lib/sim/create-simulator.ts'
import type { SimulatorOptions } from '../lib/sim/create-simulator.ts'
import type { Simulator } from '../lib/sim/types.ts'
import { packageRoot } from './cli/paths.ts'

/** @param nodes the nodes that exist from the start, where they are others than usual */
export function createProcessSimulator (nodes: Pick<SimulatorOptions, 'nodes' | 'programs'> = {}): Simulator {
  return createSimulator({ assets: processAssets(), clock: Date.now, random: processRandom(), ...nodes })
}

/** 32 bits at a time of those that were fetched many at a time: every map that is made takes some */
function processRandom (): () => number {
  const words = new Uint32Array(1024)
  let left = 0
  return () => {
    if (left === 0) left = randomFillSync(words).length
    return words[--left] as number
  }
}

let assets: SimulatorAssets | undefined

/** read once: a process has one set, whose parts do not change */
export function processAssets (): SimulatorAssets {
  const root = packageRoot()
  // BPF objects are committed beside their sources, the core is built
  const read = (name: string): Uint8Array => readFileSync(name === 'core.wasm' ? join(root, 'build', name) : join(root, 'lib', 'datapath', name))
  return (assets ??= prepareAssets(read))
}
