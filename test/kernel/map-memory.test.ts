// `memlock` of random shapes, empty and filled, against /proc/self/fdinfo of the running kernel.

import type { MapTypeName } from '../../lib/bpf/profile/index.ts'
import { kernelSuite } from './support/tally.ts'
import { createTwins, generator } from './support/twins.ts'
import type { TwinMap, Twins } from './support/twins.ts'

const shapes = 300
const seed = 20251

const flagSets: Partial<Record<MapTypeName, readonly number[]>> = {
  array: [0, 0x1000, 0x400, 0x1400, 128, 4],
  percpu_array: [0],
  array_of_maps: [0, 4],
  hash: [0, 1, 65],
  lru_hash: [0, 2],
  hash_of_maps: [0, 1]
}
const types = Object.keys(flagSets) as MapTypeName[]

await kernelSuite('map memory', 2 * shapes, ({ bpf, same }, t) => {
  t.comment(`seed ${seed}`)
  const random = generator(seed)
  const twins = createTwins(bpf)
  const inner = twins.create({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 1 })
  for (let i = 0; i < shapes; i++) {
    const type = types[i % types.length] as MapTypeName
    const flags = flagSets[type]?.[random(flagSets[type]?.length ?? 0)] ?? 0
    const holdsMaps = type.endsWith('_of_maps')
    const keySize = type.includes('array') ? 4 : 1 + random(40)
    const valueSize = holdsMaps ? 4 : 1 + random(type === 'percpu_array' ? 64 : 2 ** random(12))
    const maxEntries = 1 + random(2 ** (1 + random(12)))
    const map = twins.create({ type, keySize, valueSize, maxEntries, flags, ...(holdsMaps ? { inner } : {}) })
    const where = `${type} key ${keySize} value ${valueSize} max ${maxEntries} flags ${flags}`
    same(map.map.maxEntries, bpf.mapInfo(map.fd).maxEntries, `${where}: max_entries`)
    same(map.map.memlockBytes(), bpf.memlock(map.fd), `${where}: memlock`)
    if ((flags & 1) !== 0) {
      fill(twins, map, Math.min(maxEntries, 40, 2 ** (8 * Math.min(keySize, 2)) - 1), inner)
      same(map.map.memlockBytes(), bpf.memlock(map.fd), `${where}: memlock when filled`)
    }
    map.close()
  }
  inner.close()
})

function fill ({ bpf }: Twins, { fd, map }: TwinMap, count: number, inner: TwinMap): void {
  const innerFd = Buffer.alloc(4)
  innerFd.writeUInt32LE(inner.fd)
  for (let i = 0; i < count; i++) {
    const key = new Uint8Array(map.keySize)
    key[0] = i
    if (map.inner === undefined) {
      const value = new Uint8Array(map.valueSize)
      bpf.update(fd, key, value)
      map.update(key, value)
    } else {
      bpf.update(fd, key, innerFd)
      map.updateInner(key, inner.map)
    }
  }
}
