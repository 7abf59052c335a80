// lpm_trie in the running kernel and here: creation, the same random inserts, deletions and look-ups from user space and from
// programs, the order of keys, memlock. Prefixes are taken from few bytes, so that they lie in one another and branch.

import type { Bpf } from '../../src/live-kernel/bpf.ts'
import { kernelSuite } from './support/tally.ts'
import { loadOperation, packetFor } from './support/programs.ts'
import { createTwins, emulatedKeys, errnoNumber, generator, kernelKeys } from './support/twins.ts'
import type { TwinMap } from './support/twins.ts'

const creations = 400
const tries = 80
const stepsPerTrie = 150
const stepsInPrograms = 600
const seed = 32
const noPrealloc = 1
const flagBits = [2, 4, 8, 16, 64, 128, 256, 0x400, 0x1000]

await kernelSuite('lpm_trie creation', creations, ({ bpf, same }, t) => {
  t.comment(`seed ${seed}`)
  const random = generator(seed)
  const pick = (values: readonly number[]): number => values[random(values.length)] as number
  const twins = createTwins(bpf)
  for (let i = 0; i < creations; i++) {
    const attr = {
      type: 'lpm_trie' as const,
      keySize: pick([5, 8, 8, 8, 12, 20, 260, 4, 261, 0, 1]),
      valueSize: pick([1, 4, 4, 4, 0, 4000, 4 * 1024 * 1024 - 280, 4 * 1024 * 1024 - 279, 0x7fffffff, 0xffffffff]),
      maxEntries: pick([1, 5, 1000, 0xffffffff, 0]),
      flags: (random(6) === 0 ? 0 : noPrealloc) | (random(2) === 0 ? 0 : pick(flagBits))
    }
    const { fd, map } = twins.tryCreate(attr)
    if (fd >= 0) {
      if (map.ok) same(map.value.memlockBytes(), bpf.memlock(fd), `memlock of an empty trie, ${JSON.stringify(attr)}`)
      bpf.close(fd)
    }
    if (map.ok) map.value.release()
    same(errnoNumber(map), Math.min(fd, 0), `create ${JSON.stringify(attr)}`)
  }
})

await kernelSuite('lpm_trie operations', tries * stepsPerTrie, ({ bpf, same }, t) => {
  t.comment(`seed ${seed}`)
  bpf.pinToCpu(0)
  const random = generator(seed)
  const twins = createTwins(bpf)
  for (let i = 0; i < tries; i++) {
    const dataBytes = [1, 2, 3, 4, 8, 16, 20, 256][i % 8] as number
    const valueSize = [1, 4, 7, 12, 100][i % 5] as number
    const maxEntries = 1 + random(60)
    const twin = twins.create({ type: 'lpm_trie', keySize: 4 + dataBytes, valueSize, maxEntries, flags: noPrealloc })
    const where = `${dataBytes} bytes, value ${valueSize}, max ${maxEntries}`
    for (let step = 0; step < stepsPerTrie; step++) {
      const { kernel, emulator, what } = operate(bpf, twin, randomKey(random, dataBytes), random)
      same(emulator, kernel, `${where}, step ${step}: ${what}`)
    }
    same(emulatedKeys(twin.map), kernelKeys(bpf, twin.fd, 4 + dataBytes), `${where}: key order`)
    same(twin.map.memlockBytes(), bpf.memlock(twin.fd), `${where}: memlock`)
    twin.close()
  }
})

await kernelSuite('lpm_trie in programs', stepsInPrograms, ({ bpf, same }, t) => {
  t.comment(`seed ${seed}`)
  bpf.pinToCpu(0)
  const random = generator(seed)
  const twins = createTwins(bpf)
  const { core } = twins
  // of the operands the first 8 bytes are the key here, and the value to write begins in the middle of it
  const { fd, map, close } = twins.create({ type: 'lpm_trie', keySize: 8, valueSize: 4, maxEntries: 12, flags: noPrealloc })
  const programs = { lookup: loadOperation(bpf, fd, 'lookup'), update: loadOperation(bpf, fd, 'update'), delete: loadOperation(bpf, fd, 'delete') }
  const operands = core.alloc(16)
  const emulated = {
    lookup: () => core.exports.mapLookupElem(map.address, operands, 0) === 0 ? 0 : 1,
    update: (flags: number) => Number(core.exports.mapUpdateElem(map.address, operands, operands + 4, BigInt(flags), 0)),
    delete: () => Number(core.exports.mapDeleteElem(map.address, operands, 0))
  }
  for (let step = 0; step < stepsInPrograms; step++) {
    const operation = (['lookup', 'update', 'update', 'delete'] as const)[random(4)] ?? 'lookup'
    const key = randomKey(random, 4)
    const flags = random(3) === 0 ? random(4) : 0
    const packet = packetFor(key.readUInt32LE(0), key.readUInt32LE(4), flags)
    core.bytes().set(packet, operands)
    same(emulated[operation](flags), bpf.testRun(programs[operation], packet).retval | 0, `${operation} ${key.toString('hex')} flags ${flags}`)
  }
  same(emulatedKeys(map), kernelKeys(bpf, fd, 8), 'key order')
  same(map.memlockBytes(), bpf.memlock(fd), 'memlock')
  for (const program of Object.values(programs)) bpf.close(program)
  close()
})

function randomKey (random: (below: number) => number, dataBytes: number): Buffer {
  const key = Buffer.alloc(4 + dataBytes)
  for (let i = 0; i < dataBytes; i++) key[4 + i] = [0, 0, 0x80, 0xff, 1][random(5)] ?? 0
  // now and then one bit more than there are, or a number that is negative as 32 bits
  key.writeUInt32LE(random(40) === 0 ? 0xffffffff : random(8 * dataBytes + 2), 0)
  return key
}

interface Compared { readonly kernel: string, readonly emulator: string, readonly what: string }

/** One random operation on both: errno and, where there is one, the value as hex. */
function operate (bpf: Bpf, { fd, map }: TwinMap, key: Buffer, random: (below: number) => number): Compared {
  const flags = [0, 0, 0, 1, 2, 3, 4, 8][random(8)] ?? 0
  const outBytes = (size: number, of: (out: Uint8Array) => number): string => {
    const out = new Uint8Array(size)
    const result = of(out)
    return result === 0 ? Buffer.from(out).toString('hex') : `errno ${result}`
  }
  const bytesOf = (result: ReturnType<typeof map.lookup>): string =>
    result.ok ? Buffer.from(result.value).toString('hex') : `errno ${errnoNumber(result)}`
  const name = key.toString('hex')
  switch (random(8)) {
    case 0:
    case 1:
    case 2: {
      const value = Uint8Array.from({ length: map.valueSize }, () => random(256))
      return { what: `update ${name} flags ${flags}`, kernel: `${bpf.update(fd, key, value, flags)}`, emulator: `${errnoNumber(map.update(key, value, flags))}` }
    }
    case 3:
      return { what: `delete ${name}`, kernel: `${bpf.delete(fd, key)}`, emulator: `${errnoNumber(map.delete(key))}` }
    case 4: {
      return {
        what: `next key of ${name}`, kernel: outBytes(key.length, (out) => bpf.nextKey(fd, key, out)), emulator: bytesOf(map.nextKey(key))
      }
    }
    case 5: {
      return {
        what: `lookup_and_delete ${name}`, kernel: outBytes(map.valueSize, (out) => bpf.lookupAndDelete(fd, key, out)), emulator: bytesOf(map.lookupAndDelete(key))
      }
    }
    default: {
      return {
        what: `lookup ${name}`, kernel: outBytes(map.valueSize, (out) => bpf.lookup(fd, key, out)), emulator: bytesOf(map.lookup(key))
      }
    }
  }
}
