// Which keys an LRU hash keeps: the same inserts, replacements, deletions and look-ups from one CPU. System calls' look-ups
// do not count as a use; a program's do, so the kernel's side runs one that looks a key up (never attached, only test runs).

import type { Suite } from './support/tally.ts'
import { kernelSuite } from './support/tally.ts'
import { createTwins, emulatedKeys, errnoNumber, generator, kernelKeys } from './support/twins.ts'
import type { TwinMap, Twins } from './support/twins.ts'
import { loadOperation, packetFor } from './support/programs.ts'

const sequences = 60
const seed = 1999
const zeroSeed = 64
const noCommonLru = 2
const sizes = [3, 20, 200, 600]

await kernelSuite('map LRU eviction', sequences, (suite, t) => {
  t.comment(`seed ${seed}`)
  suite.bpf.pinToCpu(0)
  const random = generator(seed)
  const twins = createTwins(suite.bpf)
  for (let i = 0; i < sequences; i++) {
    const maxEntries = 1 + random(sizes[i % sizes.length] ?? 3)
    const flags = zeroSeed | (i % 3 === 2 ? noCommonLru : 0)
    const map = twins.create({ type: 'lru_hash', keySize: 4, valueSize: 4, maxEntries, flags })
    if (i % 5 === 0) insertNew(suite, map)
    else churn(suite, twins, map, random, `sequence ${i}, max ${maxEntries}, flags ${flags}`)
    map.close()
  }
})

/** 3N inserts leave the newest N of a common LRU; of CPU 0's share of the others. */
function insertNew ({ bpf, same }: Suite, { fd, map }: TwinMap): void {
  for (let n = 0; n < 3 * map.maxEntries; n++) {
    bpf.update(fd, key(n), key(n))
    map.update(key(n), key(n))
  }
  same(emulatedKeys(map), kernelKeys(bpf, fd, 4), `new keys into ${map.maxEntries}`)
}

function churn ({ bpf, same }: Suite, { core }: Twins, { fd, map }: TwinMap, random: (below: number) => number, where: string): void {
  const program = loadOperation(bpf, fd, 'lookup')
  const keyAt = core.alloc(4)
  for (let step = 0; step < 4 * map.maxEntries + 40; step++) {
    const n = random(map.maxEntries * 2)
    const action = random(10)
    if (action < 5) {
      const flags = action === 0 ? 2 : 0
      same(errnoNumber(map.update(key(n), key(step), flags)), bpf.update(fd, key(n), key(step), flags), `${where}, step ${step}: update`)
    } else if (action < 9) {
      core.view().setUint32(keyAt, n, true)
      const found = core.exports.mapLookupElem(map.address, keyAt, 0) !== 0
      same(found ? 1 : 0, bpf.testRun(program, packetFor(n)).retval, `${where}, step ${step}: look-up`)
    } else {
      same(errnoNumber(map.delete(key(n))), bpf.delete(fd, key(n)), `${where}, step ${step}: delete`)
    }
  }
  same(emulatedKeys(map), kernelKeys(bpf, fd, 4), `${where}: keys left`)
  core.free(keyAt)
  bpf.close(program)
}

function key (n: number): Uint8Array {
  return Uint8Array.of(n, n >> 8, n >> 16, n >> 24)
}
