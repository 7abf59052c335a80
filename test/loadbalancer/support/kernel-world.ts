// The load balancer's maps on an emulated kernel, made as the balancer's object asks for them, without the program.

import { readFileSync } from 'node:fs'
import { compileCore, createCore } from '../../../lib/bpf/core/index.ts'
import type { KernelMap } from '../../../lib/bpf/map/index.ts'
import type { Result } from '../../../lib/bpf/profile/errno.ts'
import { findProfile } from '../../../lib/bpf/profile/index.ts'
import { createKernel } from '../../../lib/bpf/syscall/index.ts'
import type { Kernel } from '../../../lib/bpf/syscall/index.ts'
import { affinityMatchMapName, mapNames } from '../../../lib/datapath/index.ts'
import { kernelLbMaps, sharedTableSize, templateAttributes } from '../../../lib/loadbalancer/index.ts'
import type { LbMaps, NodeSettings } from '../../../lib/loadbalancer/index.ts'

const module = compileCore(readFileSync(new URL('../../../build/core.wasm', import.meta.url)))
const BPF_F_NO_PREALLOC = 1

export function kernelMaps (settings: NodeSettings): { kernel: Kernel, maps: LbMaps } {
  const profile = findProfile(settings.kernel)
  if (profile === undefined) throw new Error('no such profile')
  let random = 12345
  const next = (): number => (random = (random * 1103515245 + 12345) >>> 0)
  const kernel = createKernel({ core: createCore({ module, profile, possibleCpus: 2 }), random: next })
  const made = new Map<string, KernelMap>()
  const make = (name: string, keySize: number, valueSize: number, maxEntries: number, type: 'hash' | 'lpm_trie' = 'hash'): void => {
    const attributes = { type, name: name.slice(0, 15), keySize, valueSize, maxEntries, flags: BPF_F_NO_PREALLOC }
    made.set(name, mapOf(kernel, kernel.mapCreate(attributes)))
  }
  const { services, backends, revNat, maglev } = settings.mapSizes
  make(mapNames.services[4], 12, 12, services)
  make(mapNames.services[6], 24, 12, services)
  make(mapNames.backends[4], 4, 12, backends)
  make(mapNames.backends[6], 4, 24, backends)
  make(mapNames.reverseNat[4], 2, 6, revNat)
  make(mapNames.reverseNat[6], 2, 18, revNat)
  make(affinityMatchMapName, 8, 1, settings.mapSizes.affinity)
  for (const [name, keySize] of [[mapNames.sourceRange[4], 12], [mapNames.sourceRange[6], 24]] as const) {
    make(name, keySize, 1, settings.mapSizes.sourceRange, 'lpm_trie')
  }
  const { layout } = settings
  if (layout === 'flat') {
    for (const name of Object.values(mapNames.maglev)) {
      made.set(name, mapOf(kernel, kernel.mapCreate({ type: 'array', keySize: 4, valueSize: 4, maxEntries: maglev * sharedTableSize(settings), flags: 0 })))
    }
  } else {
    const template = must(kernel.mapCreate({ type: 'array', ...templateAttributes(layout, sharedTableSize(settings)) }))
    for (const name of Object.values(mapNames.maglev)) {
      const attributes = { type: 'hash_of_maps', name: name.slice(0, 15), keySize: 2, valueSize: 4, maxEntries: maglev, flags: BPF_F_NO_PREALLOC, innerMapFd: template } as const
      made.set(name, mapOf(kernel, kernel.mapCreate(attributes)))
    }
  }
  return { kernel, maps: kernelLbMaps(kernel, name => made.get(name) as KernelMap, settings) }
}

function mapOf (kernel: Kernel, descriptor: Result<number>): KernelMap {
  return must(kernel.map(must(descriptor)))
}

function must<T> (result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.error.name}: ${result.error.message}`)
  return result.value
}
