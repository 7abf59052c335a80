// A simulator made from the files of the package, with this process's clock and randomness.

import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { prepareAssets } from '../lib/sim/assets.ts'
import { createSimulator } from '../lib/sim/create-simulator.ts'
import type { SimulatorOptions } from '../lib/sim/create-simulator.ts'
import type { Simulator } from '../lib/sim/types.ts'
import { packageRoot } from './cli/paths.ts'

/** @param nodes the nodes that exist from the start, where they are others than usual */
export function createProcessSimulator (nodes: Pick<SimulatorOptions, 'nodes'> = {}): Simulator {
  const root = packageRoot()
  // BPF objects are committed beside their sources, the core is built
  const read = (name: string): Uint8Array => readFileSync(name === 'core.wasm' ? join(root, 'build', name) : join(root, 'lib', 'datapath', name))
  return createSimulator({ assets: prepareAssets(read), clock: Date.now, random: () => randomBytes(4).readUInt32LE(), ...nodes })
}
