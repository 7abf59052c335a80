// The emulated kernel as the machine of the inner-map story.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileCore, createCore } from '../../lib/bpf/core/index.ts'
import { readObject } from '../../lib/bpf/object/index.ts'
import type { KernelProfile } from '../../lib/bpf/profile/index.ts'
import type { Result } from '../../lib/bpf/profile/errno.ts'
import { createKernel, loadCollection } from '../../lib/bpf/syscall/index.ts'
import type { Collection, Kernel } from '../../lib/bpf/syscall/index.ts'
import { readAsset } from './assets.ts'
import type { StoryMachine } from './inner-map-story.ts'

export function emulatedKernel (profile: KernelProfile): Kernel {
  const core = createCore({ module: compileCore(readAsset('core.wasm')), profile, possibleCpus: 2, maximumPages: 1024 })
  return createKernel({ core, random: () => 1 })
}

/** @param name of a fixture in test/fixtures/bpf, without its ending */
export function loadFixture (kernel: Kernel, name: string): Collection {
  const spec = readObject(readFileSync(join(import.meta.dirname, '../fixtures/bpf', `${name}.o`)), { name })
  if (!spec.ok) throw new Error(spec.error.message)
  const collection = loadCollection(kernel, spec.value)
  if (!collection.ok) throw new Error(collection.error.message)
  return collection.value
}

export function emulatedStory (profile: KernelProfile): StoryMachine {
  const kernel = emulatedKernel(profile)
  const { maps, programs } = loadFixture(kernel, 'selftest_inner')
  const fd = (name: string): number => maps.get(name) ?? -1
  const program = kernel.program(programs.get('selftest_inner') ?? -1)
  if (!program.ok) throw new Error(program.error.message)
  const errno = <T>(result: Result<T>, value: (value: T) => number): number => result.ok ? value(result.value) : -result.error.number
  const lookup = (map: number, key: number): number => errno(kernel.mapLookup(map, u32(key)), toI32)
  const update = (map: number, key: number, value: number, flags?: number): number =>
    errno(kernel.mapUpdate(map, u32(key), u32(value), flags), () => 0)
  return {
    createArray: (maxEntries, flags) =>
      errno(kernel.mapCreate({ type: 'array', keySize: 4, valueSize: 4, maxEntries, flags }), (created) => created),
    outer: fd,
    update,
    delete: (map, key) => errno(kernel.mapDelete(map, u32(key)), () => 0),
    lookup,
    see (slot, index) {
      update(fd('want'), 0, slot)
      update(fd('want'), 1, index)
      const run = kernel.execution().run(program.value.image, new Uint8Array(64))
      if (run.fault !== null) throw new Error(run.fault.message)
      return [lookup(fd('seen'), 0), lookup(fd('seen'), 1)]
    },
    close: (descriptor) => { kernel.close(descriptor) }
  }
}

export function u32 (value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer)
}

export function toI32 (bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true)
}
