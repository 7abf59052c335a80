// Which map starts at which address of a core's memory: an outer map's slots hold addresses.

import type { Core } from '../core/index.ts'
import type { KernelMap } from './types.ts'

const registries = new WeakMap<Core, Map<number, KernelMap>>()

export function registryOf (core: Core): Map<number, KernelMap> {
  let registry = registries.get(core)
  if (registry === undefined) {
    registry = new Map()
    registries.set(core, registry)
  }
  return registry
}
