// A simulator made from the files of the package, with this process's clock and randomness.

import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { prepareAssets } from '../lib/sim/assets.ts'
import { createSimulator } from '../lib/sim/create-simulator.ts'
import type { Simulator } from '../lib/sim/types.ts'
import { packageRoot } from './cli/paths.ts'

export function createProcessSimulator (): Simulator {
  const root = packageRoot()
  // BPF objects are committed beside their sources, the core is built
  const read = (name: string): Uint8Array => readFileSync(name === 'core.wasm' ? join(root, 'build', name) : join(root, 'lib', 'datapath', name))
  return createSimulator({ assets: prepareAssets(read), clock: Date.now, random: () => randomBytes(4).readUInt32LE() })
}
