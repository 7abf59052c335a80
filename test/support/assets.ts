// The files a simulator is made from, read once per test file.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { prepareAssets } from '../../lib/sim/assets.ts'
import type { SimulatorAssets } from '../../lib/sim/assets.ts'

const root = join(import.meta.dirname, '..', '..')

export function readAsset (name: string): Uint8Array {
  return readFileSync(name === 'core.wasm' ? join(root, 'build', name) : join(root, 'lib', 'datapath', name))
}

let assets: SimulatorAssets | undefined

export function testAssets (): SimulatorAssets {
  return (assets ??= prepareAssets(readAsset))
}
