// What maps weigh: figures observed on Linux 6.18 with two possible CPUs, the 5.10 charge, and the same from live maps.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { compileCore, createCore } from '../../lib/bpf/core/index.ts'
import { allocatedBytes, createMap, mapAreas, memlockBytes } from '../../lib/bpf/map/index.ts'
import type { MapAttr, MapShape, WeighedType } from '../../lib/bpf/map/index.ts'
import { kernel510 } from '../../lib/bpf/profile/kernel-5.10.ts'
import { kernel618 } from '../../lib/bpf/profile/kernel-6.18.ts'

const shapeOf = (type: WeighedType, keySize: number, valueSize: number, maxEntries: number, flags = 0, elements = 0): MapShape =>
  ({ type, keySize, valueSize, maxEntries, flags, elements, possibleCpus: 2 })

const golden: ReadonlyArray<readonly [WeighedType, number, number, number, number, number]> = [
  ['array', 4, 4, 1, 0, 320], ['array', 4, 4, 251, 0x1000, 2320], ['array', 4, 4, 16381, 0x1000, 131360], ['array', 4, 65524, 1, 0, 65840],
  ['array', 4, 12, 100, 0, 1912], ['array', 4, 4, 1, 0x400, 8192], ['array', 4, 4, 1021, 0x1400, 12288], ['percpu_array', 4, 20, 7, 0, 704],
  ['array_of_maps', 4, 4, 3, 0, 336], ['prog_array', 4, 4, 5, 0, 352], ['hash', 4, 4, 1, 0, 1120], ['hash', 4, 4, 100, 0, 9488],
  ['hash', 12, 12, 65536, 0, 6292528], ['hash', 16, 8, 512000, 0, 45253664], ['hash', 4, 4, 100, 1, 2944],
  ['lru_hash', 14, 56, 524288, 0, 71304064], ['lru_hash', 4, 4, 102, 2, 9472], ['percpu_hash', 4, 8, 100, 0, 10944],
  ['hash_of_maps', 2, 4, 65536, 0, 5243792], ['hash_of_maps', 2, 4, 65536, 1, 1049472]
]

/** M, then memlock and allocated bytes of an array of M u32, of one value of 4 M bytes, of pairs, fours and sixteens of u32 */
const tables: ReadonlyArray<readonly [number, string]> = [
  [251, '2320/4096 1320/2048 1320/2048 1320/2048 1336/2048'],
  [509, '4384/8192 2352/4096 2352/4096 2360/4096 2360/4096'],
  [1021, '8480/16384 4400/8192 4400/8192 4408/8192 4408/8192'],
  [2039, '16624/32768 8472/16384 8472/16384 8472/16384 8504/16384'],
  [4093, '33056/36864 16688/32768 16688/32768 16696/32768 16696/32768'],
  [8191, '65840/69632 33080/36864 33080/36864 33080/36864 33080/36864'],
  [16381, '131360/135168 65840/69632 65840/69632 65848/69632 65848/69632'],
  [32749, '262304/266240 131312/135168 131312/135168 131320/135168 131320/135168'],
  [65521, '524480/528384 262400/266240 262400/266240 262408/266240 262456/266240'],
  [131071, '1048880/1052672 524600/528384 524600/528384 524600/528384 524600/528384']
]

t.test('memlock on 6.18', async (t) => {
  for (const [type, keySize, valueSize, maxEntries, flags, wanted] of golden) {
    const shape = shapeOf(type, keySize, valueSize, maxEntries, flags)
    t.equal(memlockBytes(kernel618, shape), wanted, JSON.stringify(shape))
  }
  t.equal(memlockBytes(kernel618, shapeOf('hash_of_maps', 2, 4, 65536, 1, 3)) - 1049472, 3 * 72, '72 bytes for each inner map')
  t.equal(memlockBytes(kernel618, shapeOf('lpm_trie', 8, 4, 1000, 1)), 0, 'an empty trie')
  t.equal(memlockBytes(kernel618, shapeOf('lpm_trie', 8, 4, 1000, 1, 10)), 320)
})

t.test('layouts of a Maglev table', async (t) => {
  for (const [m, wanted] of tables) {
    const layouts = [shapeOf('array', 4, 4, m), shapeOf('array', 4, 4 * m, 1),
      ...[8, 16, 64].map((bytes) => shapeOf('array', 4, bytes, Math.ceil(m * 4 / bytes)))]
    t.equal(layouts.map((shape) => `${memlockBytes(kernel618, shape)}/${allocatedBytes(kernel618, shape)}`).join(' '), wanted, `M = ${m}`)
  }
})

t.test('what the allocators hand out', async (t) => {
  const masked = { ...shapeOf('array', 4, 4, 5000), bypassSpecV1: false }
  t.equal(memlockBytes(kernel618, masked), 40312, 'rounding up for masked indexes does not show in memlock')
  t.equal(allocatedBytes(kernel618, masked), 69632)
  t.equal(allocatedBytes(kernel618, shapeOf('array', 4, 4, 5000)), 40960)
  const areas = mapAreas(kernel618, shapeOf('hash', 4, 4, 1000))
  t.same(areas.slice(0, 2).map((area) => area.allocatedBytes), [1024, 16384])
  t.equal(areas.find((area) => area.name === 'elements')?.allocatedBytes, 65536)
  const single = mapAreas(kernel618, shapeOf('hash', 4, 4, 100, 1, 10)).find((area) => area.name === 'elements')
  t.equal(single?.allocatedBytes, 960, '72-byte objects of 96')
  t.equal(allocatedBytes(kernel618, shapeOf('array', 4, 4, 1, 0x400)), 8192)
})

t.test('the charge of 5.10 is in pages, and the same for BPF_F_NO_PREALLOC', async (t) => {
  t.equal(memlockBytes(kernel510, shapeOf('array', 4, 4, 1)), 4096)
  t.equal(memlockBytes(kernel510, shapeOf('array', 4, 4, 16381)), 135168)
  t.equal(memlockBytes(kernel510, { ...shapeOf('array', 4, 4, 5000), bypassSpecV1: false }), 69632, 'the rounded allocation')
  const hash = memlockBytes(kernel510, shapeOf('hash', 4, 4, 100))
  t.equal(hash, 12288)
  t.equal(memlockBytes(kernel510, shapeOf('hash', 4, 4, 100, 1)), hash)
})

t.test('a live map reports what its shape says, and what it holds', async (t) => {
  const module = compileCore(readFileSync(join(import.meta.dirname, '..', '..', 'build', 'core.wasm')))
  for (const profile of [kernel618, kernel510]) {
    const core = createCore({ module, profile, possibleCpus: 2, maximumPages: 1024 })
    const attr: MapAttr = { id: 1, type: 'hash', keySize: 4, valueSize: 4, maxEntries: 100, flags: 1, hashSeed: 9 }
    const map = createMap(core, attr)
    if (!map.ok) throw new Error(map.error.message)
    const weights = [0, 1, 2].map((n) => {
      if (n > 0) map.value.update(Uint8Array.of(n, 0, 0, 0), new Uint8Array(4))
      return map.value.memlockBytes()
    })
    t.same(weights, [0, 1, 2].map((n) => memlockBytes(profile, shapeOf('hash', 4, 4, 100, 1, n))))
    t.equal(map.value.allocatedBytes(), map.value.areas().reduce((sum, area) => sum + area.allocatedBytes, 0))
    const lru = createMap(core, { ...attr, type: 'lru_hash', maxEntries: 101, flags: 2 })
    t.equal(lru.ok && lru.value.maxEntries, 102, 'a multiple of the CPUs')
  }
  const core = createCore({ module, profile: kernel510, possibleCpus: 2, maximumPages: 1024 })
  const huge = createMap(core, { id: 2, type: 'hash', keySize: 4, valueSize: 60000, maxEntries: 100000, flags: 1, hashSeed: 9 })
  t.equal(huge.ok ? 'ok' : huge.error.name, 'E2BIG', 'charged 4 GiB or more before anything is allocated')
})
