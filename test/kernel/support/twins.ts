// The same map twice: in the running kernel and in the emulator, with the same operations applied to both.

import { mapTypeNumbers } from '../../../lib/bpf/profile/names.ts'
import { readFileSync } from 'node:fs'
import { compileCore, createCore } from '../../../lib/bpf/core/index.ts'
import type { Core } from '../../../lib/bpf/core/index.ts'
import { createMap } from '../../../lib/bpf/map/index.ts'
import type { KernelMap, MapAttr } from '../../../lib/bpf/map/index.ts'
import { kernel618 } from '../../../lib/bpf/profile/kernel-6.18.ts'
import type { MapTypeName } from '../../../lib/bpf/profile/index.ts'
import type { Result } from '../../../lib/bpf/profile/errno.ts'
import type { Bpf } from '../../../src/live-kernel/bpf.ts'

export interface TwinAttr {
  readonly type: MapTypeName
  readonly keySize: number
  readonly valueSize: number
  readonly maxEntries: number
  readonly flags?: number
  readonly inner?: TwinMap
  readonly name?: string
  readonly mapExtra?: number
  readonly numaNode?: number
}

export interface TwinMap {
  readonly fd: number
  readonly map: KernelMap
  close (): void
}

export interface Twins {
  readonly core: Core
  readonly bpf: Bpf
  /** both results: descriptor or -errno, map or failure */
  tryCreate (attr: TwinAttr): { readonly fd: number, readonly map: Result<KernelMap> }
  create (attr: TwinAttr): TwinMap
}

export function createTwins (bpf: Bpf): Twins {
  const module = compileCore(readFileSync(new URL('../../../build/core.wasm', import.meta.url)))
  const core = createCore({ module, profile: kernel618, possibleCpus: bpf.possibleCpus })
  let id = 0

  function tryCreate ({ inner, ...attr }: TwinAttr): { fd: number, map: Result<KernelMap> } {
    const type = mapTypeNumbers[attr.type]
    const fd = bpf.mapCreate({ ...attr, type, ...(inner === undefined ? {} : { innerFd: inner.fd }) })
    const template = inner === undefined ? {} : { inner: inner.map }
    const emulated: MapAttr = { ...attr, flags: attr.flags ?? 0, id: ++id, hashSeed: 0, ...template }
    return { fd, map: createMap(core, emulated) }
  }

  return {
    core,
    bpf,
    tryCreate,
    create (attr) {
      const { fd, map } = tryCreate(attr)
      if (fd < 0 || !map.ok) {
        throw new Error(`cannot create ${attr.type}: kernel ${fd}, emulator ${map.ok ? 'ok' : map.error.message}`)
      }
      return {
        fd,
        map: map.value,
        close () {
          bpf.close(fd)
          map.value.release()
        }
      }
    }
  }
}

/** @returns 0 or the negative errno, as the kernel gives it */
export function errnoNumber (result: Result<unknown>): number {
  return result.ok ? 0 : -result.error.number
}

/** Keys of a map in the running kernel, in get_next_key's order. */
export function kernelKeys (bpf: Bpf, fd: number, keySize: number): string[] {
  const keys: string[] = []
  const key = new Uint8Array(keySize)
  for (let result = bpf.nextKey(fd, null, key); result === 0; result = bpf.nextKey(fd, key, key)) {
    keys.push(Buffer.from(key).toString('hex'))
  }
  return keys
}

export function emulatedKeys (map: KernelMap): string[] {
  return Array.from(map.entries(), ([key]) => Buffer.from(key).toString('hex'))
}

/** A small seeded generator (mulberry32): the same comparisons on every run. */
export function generator (seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return Math.floor(((t ^ (t >>> 14)) >>> 0) / 2 ** 32 * below)
  }
}
