// The order in which get_next_key walks a hash, after random inserts, replacements and deletions: both sides with seed 0.

import type { MapTypeName } from '../../lib/bpf/profile/index.ts'
import { kernelSuite } from './support/tally.ts'
import { createTwins, emulatedKeys, errnoNumber, generator, kernelKeys } from './support/twins.ts'

const maps = 100
const seed = 4711
const zeroSeed = 64
const kinds: ReadonlyArray<readonly [MapTypeName, number]> = [['hash', zeroSeed], ['hash', zeroSeed | 1], ['lru_hash', zeroSeed], ['hash_of_maps', zeroSeed]]

await kernelSuite('map key order', maps, ({ bpf, same }, t) => {
  t.comment(`seed ${seed}`)
  bpf.pinToCpu(0)
  const random = generator(seed)
  const twins = createTwins(bpf)
  const inner = twins.create({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 1 })
  const innerFd = Buffer.alloc(4)
  innerFd.writeUInt32LE(inner.fd)
  for (let i = 0; i < maps; i++) {
    const [type, flags] = kinds[i % kinds.length] as readonly [MapTypeName, number]
    const holdsMaps = type === 'hash_of_maps'
    const keySize = 1 + random(40)
    const maxEntries = 1 + random(300)
    const twin = twins.create({ type, keySize, valueSize: 4, maxEntries, flags, ...(holdsMaps ? { inner } : {}) })
    // every outer update waits for a grace period in the kernel: few of those, many of the others
    const steps = holdsMaps ? 12 : 2 * maxEntries + 20
    const keys = Array.from({ length: holdsMaps ? 8 : maxEntries + 5 }, () => Uint8Array.from({ length: keySize }, () => random(256)))
    for (let step = 0; step < steps; step++) {
      const key = keys[random(keys.length)] as Uint8Array
      const where = `${type} key ${keySize} max ${maxEntries} step ${step}`
      if (random(5) === 0) {
        same(errnoNumber(twin.map.delete(key)), bpf.delete(twin.fd, key), `${where}: delete`)
      } else if (holdsMaps) {
        same(errnoNumber(twin.map.updateInner(key, inner.map)), bpf.update(twin.fd, key, innerFd), `${where}: update`)
      } else {
        const value = Uint8Array.of(step, step >> 8, 0, 0)
        same(errnoNumber(twin.map.update(key, value)), bpf.update(twin.fd, key, value), `${where}: update`)
      }
    }
    same(emulatedKeys(twin.map), kernelKeys(bpf, twin.fd, keySize), `${type} key ${keySize} max ${maxEntries}: order`)
    twin.close()
  }
  inner.close()
})
