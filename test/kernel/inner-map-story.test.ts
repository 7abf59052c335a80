// The story of the patch series, told to the running kernel and to the emulated one: the same answers line by line.

import { mapTypeNumbers } from '../../lib/bpf/profile/names.ts'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readObject } from '../../lib/bpf/object/index.ts'
import { findProfile, kernelProfiles } from '../../lib/bpf/profile/index.ts'
import { emulatedStory, toI32, u32 } from '../support/emulated-story.ts'
import { tellInnerMapStory } from '../support/inner-map-story.ts'
import type { StoryMachine } from '../support/inner-map-story.ts'
import type { Bpf } from '../../src/live-kernel/bpf.ts'
import { loadObject } from '../../src/live-kernel/load.ts'
import { kernelSuite } from './support/tally.ts'

await kernelSuite('inner map story', 40, ({ bpf, same }) => {
  const wanted = tellInnerMapStory(kernelStory(bpf))
  const found = tellInnerMapStory(emulatedStory(findProfile('6.18') ?? kernelProfiles[0] as never))
  same(found.length, wanted.length, 'lines of the story')
  wanted.forEach((line, index) => same(found[index], line, `line ${index}`))
})

function kernelStory (bpf: Bpf): StoryMachine {
  const spec = readObject(readFileSync(join(import.meta.dirname, '../fixtures/bpf/selftest_inner.o')), { name: 'selftest' })
  if (!spec.ok) throw new Error(spec.error.message)
  const object = loadObject(bpf, spec.value)
  const fd = (name: string): number => object.maps.get(name)?.fd ?? -1
  const value = new Uint8Array(4)
  const lookup = (map: number, key: number): number => {
    const result = bpf.lookup(map, u32(key), value)
    return result === 0 ? toI32(value) : result
  }
  return {
    createArray: (maxEntries, flags) => bpf.mapCreate({ type: mapTypeNumbers.array, keySize: 4, valueSize: 4, maxEntries, flags, name: 'inner' }),
    outer: fd,
    update: (map, key, newValue, flags) => bpf.update(map, u32(key), u32(newValue), flags),
    delete: (map, key) => bpf.delete(map, u32(key)),
    lookup,
    see (slot, index) {
      bpf.update(fd('want'), u32(0), u32(slot))
      bpf.update(fd('want'), u32(1), u32(index))
      bpf.testRun(object.program, new Uint8Array(64))
      return [lookup(fd('seen'), 0), lookup(fd('seen'), 1)]
    },
    close: (descriptor) => bpf.close(descriptor)
  }
}
