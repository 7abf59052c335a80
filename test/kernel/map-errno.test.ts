// Every errno of creation and of user space's operations, in the order the kernel checks: random requests, wrong in one
// way or in several, on both sides.

import type { MapTypeName } from '../../lib/bpf/profile/index.ts'
import { memlockBytes } from '../../lib/bpf/map/index.ts'
import type { WeighedType } from '../../lib/bpf/map/index.ts'
import { kernel618 } from '../../lib/bpf/profile/kernel-6.18.ts'
import type { Bpf } from '../../src/live-kernel/bpf.ts'
import { loadOperation, operationBytes, packetFor } from './support/programs.ts'
import { kernelSuite } from './support/tally.ts'
import { createTwins, emulatedKeys, errnoNumber, generator, kernelKeys } from './support/twins.ts'
import type { TwinAttr, TwinMap } from './support/twins.ts'

const creations = 1200
const operationsPerMap = 200
const seed = 88
const types: readonly MapTypeName[] = ['array', 'percpu_array', 'hash', 'lru_hash', 'array_of_maps', 'hash_of_maps']
const flagBits = [1, 2, 4, 8, 16, 64, 128, 256, 0x400, 0x800, 0x1000, 0x8000]
/** what either side may be asked for without weighing the machine down */
const largestTrial = 16 * 1024 * 1024

await kernelSuite('map errno: creation', creations, ({ bpf, same }, t) => {
  t.comment(`seed ${seed}`)
  const random = generator(seed)
  const pick = <T>(values: readonly T[]): T => values[random(values.length)] as T
  const twins = createTwins(bpf)
  const inner = twins.create({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 5 })
  const hugeBuckets = 2 ** 28 + 1
  for (let done = 0; done < creations;) {
    const type = pick(types)
    const outer = type.endsWith('_of_maps')
    const attr: TwinAttr = {
      type,
      keySize: pick([4, 4, 4, 4, 0, 1, 3, 8, 20, 513, 4194304]),
      valueSize: pick(outer ? [4, 4, 4, 4, 0, 3, 8] : [4, 4, 8, 1, 0, 12, 32767, 32768, 32769, 4194251, 4194252, 0x7fffffff, 0x80000000]),
      maxEntries: pick([1, 5, 5, 7, 1000, 0, 2 ** 31, 2 ** 31 + 1, hugeBuckets]),
      flags: random(2) === 0 ? 0 : pick(flagBits) | (random(3) === 0 ? pick(flagBits) : 0),
      ...(random(8) === 0 ? { numaNode: random(2) * 5 } : {}),
      ...(random(20) === 0 ? { mapExtra: 1 } : {}),
      ...(random(4) === 0 ? { name: pick(['ok_name.9', 'bad-name', 'bad name', 'fifteen_letters', 'sixteen_letters_']) } : {}),
      ...(outer && random(8) !== 0 ? { inner } : {})
    }
    if (mayBeHuge(attr)) continue
    done++
    const { fd, map } = twins.tryCreate(attr)
    if (fd >= 0) bpf.close(fd)
    if (map.ok) map.value.release()
    same(errnoNumber(map), Math.min(fd, 0), `create ${JSON.stringify({ ...attr, inner: attr.inner !== undefined })}`)
  }
  inner.close()
})

function mayBeHuge ({ type, keySize, valueSize, maxEntries, flags = 0 }: TwinAttr): boolean {
  if (valueSize >= 0x80000000 || maxEntries === 0 || valueSize === 0) return false
  if (type.includes('hash') && maxEntries >= 2 ** 28) return false
  const shape = { type: type as WeighedType, keySize, valueSize, maxEntries, flags: flags & ~1, possibleCpus: 2 }
  return memlockBytes(kernel618, shape) > largestTrial
}

const operated: readonly TwinAttr[] = [
  { type: 'array', keySize: 4, valueSize: 8, maxEntries: 5 },
  { type: 'array', keySize: 4, valueSize: 3, maxEntries: 5, flags: 0x1000 },
  { type: 'array', keySize: 4, valueSize: 8, maxEntries: 5, flags: 8 },
  { type: 'array', keySize: 4, valueSize: 8, maxEntries: 5, flags: 16 | 128 },
  { type: 'percpu_array', keySize: 4, valueSize: 12, maxEntries: 5 },
  { type: 'hash', keySize: 4, valueSize: 8, maxEntries: 5, flags: 64 },
  { type: 'hash', keySize: 4, valueSize: 8, maxEntries: 5, flags: 65 },
  { type: 'hash', keySize: 4, valueSize: 8, maxEntries: 5, flags: 64 | 16 },
  { type: 'lru_hash', keySize: 4, valueSize: 8, maxEntries: 5, flags: 64 },
  { type: 'lru_hash', keySize: 4, valueSize: 8, maxEntries: 6, flags: 66 }
]

await kernelSuite('map errno: operations', operated.length * operationsPerMap, ({ bpf, same }, t) => {
  t.comment(`seed ${seed}`)
  bpf.pinToCpu(0)
  const random = generator(seed)
  const twins = createTwins(bpf)
  for (const attr of operated) {
    const twin = twins.create(attr)
    for (let i = 0; i < operationsPerMap; i++) {
      if (i === operationsPerMap - 30) same(errnoNumber(twin.map.freeze()), bpf.freeze(twin.fd), `${attr.type}: freeze`)
      if (i === operationsPerMap - 20) same(errnoNumber(twin.map.freeze()), bpf.freeze(twin.fd), `${attr.type}: second freeze`)
      const { kernel, emulator, what } = operate(bpf, twin, random)
      same(emulator, kernel, `${attr.type} flags ${attr.flags ?? 0}, operation ${i}: ${what}`)
    }
    same(emulatedKeys(twin.map), (attr.flags ?? 0) & 16 ? emulatedKeys(twin.map) : kernelKeys(bpf, twin.fd, 4), `${attr.type}: keys at the end`)
    twin.close()
  }
})

const programmed: readonly TwinAttr[] = [
  { type: 'array', keySize: 4, valueSize: 8, maxEntries: 5 },
  { type: 'percpu_array', keySize: 4, valueSize: 8, maxEntries: 5 },
  { type: 'hash', keySize: 4, valueSize: 8, maxEntries: 5, flags: 64 },
  { type: 'hash', keySize: 4, valueSize: 8, maxEntries: 5, flags: 65 },
  { type: 'lru_hash', keySize: 4, valueSize: 8, maxEntries: 5, flags: 64 },
  { type: 'lru_hash', keySize: 4, valueSize: 8, maxEntries: 6, flags: 66 }
]

await kernelSuite('map errno: helpers in programs', programmed.length * operationsPerMap, ({ bpf, same }, t) => {
  t.comment(`seed ${seed}`)
  bpf.pinToCpu(0)
  const random = generator(seed)
  const twins = createTwins(bpf)
  const { core } = twins
  const operands = core.alloc(operationBytes)
  for (const attr of programmed) {
    const { fd, map, close } = twins.create(attr)
    const kernel = { lookup: loadOperation(bpf, fd, 'lookup'), update: loadOperation(bpf, fd, 'update'), delete: loadOperation(bpf, fd, 'delete') }
    const emulated = {
      lookup: () => core.exports.mapLookupElem(map.address, operands, 0) === 0 ? 0 : 1,
      update: (flags: number) => Number(core.exports.mapUpdateElem(map.address, operands, operands + 4, BigInt(flags), 0)),
      delete: () => Number(core.exports.mapDeleteElem(map.address, operands, 0))
    }
    for (let i = 0; i < operationsPerMap; i++) {
      const key = random(8)
      const flags = random(3) === 0 ? random(10) : 0
      const operation = (['lookup', 'update', 'update', 'delete'] as const)[random(4)] ?? 'lookup'
      const packet = packetFor(key, i, flags)
      core.bytes().set(packet, operands)
      same(emulated[operation](flags), bpf.testRun(kernel[operation], packet).retval | 0, `${attr.type}: ${operation} ${key} flags ${flags}`)
    }
    for (const program of Object.values(kernel)) bpf.close(program)
    same(emulatedKeys(map), kernelKeys(bpf, fd, 4), `${attr.type}: keys at the end`)
    close()
  }
})

/** One random operation on both: errno and, where there is one, the value as hex. */
function operate (bpf: Bpf, { fd, map }: TwinMap, random: (below: number) => number): { kernel: string, emulator: string, what: string } {
  const pick = (values: readonly number[]): number => values[random(values.length)] as number
  const n = pick([0, 1, 2, 3, 4, 5, 6, 7, 0xffffffff])
  const key = Uint8Array.of(n, n >> 8, n >> 16, n >> 24)
  const bytes = map.type === 'percpu_array' ? 16 * bpf.possibleCpus : map.valueSize
  const value = Uint8Array.from({ length: bytes }, () => random(256))
  // what stands in the padding behind each CPU's value is nobody's business
  if (map.type === 'percpu_array') value.forEach((_, i) => { if (i % 16 >= map.valueSize) value[i] = 0 })
  const out = new Uint8Array(bytes)
  const shown = (result: number, shownBytes: Uint8Array): string => result === 0 ? Buffer.from(shownBytes).toString('hex') : `errno ${result}`
  const flags = pick([0, 0, 0, 1, 2, 3, 4, 5, 6, 8])
  switch (random(6)) {
    case 0:
    case 1: {
      return { what: `update ${n} flags ${flags}`, kernel: `${bpf.update(fd, key, value, flags)}`, emulator: `${errnoNumber(map.update(key, value, flags))}` }
    }
    case 2: {
      const found = map.lookup(key, flags)
      const result = bpf.lookup(fd, key, out, flags)
      return { what: `lookup ${n} flags ${flags}`, kernel: shown(result, out), emulator: shown(errnoNumber(found), found.ok ? found.value : out) }
    }
    case 3:
      return { what: `delete ${n}`, kernel: `${bpf.delete(fd, key)}`, emulator: `${errnoNumber(map.delete(key))}` }
    case 4: {
      const found = map.lookupAndDelete(key, flags)
      const result = bpf.lookupAndDelete(fd, key, out, flags)
      return { what: `lookup_and_delete ${n} flags ${flags}`, kernel: shown(result, out), emulator: shown(errnoNumber(found), found.ok ? found.value : out) }
    }
    default: {
      const next = map.nextKey(key)
      const nextOut = new Uint8Array(4)
      const result = bpf.nextKey(fd, key, nextOut)
      return { what: `next key of ${n}`, kernel: shown(result, nextOut), emulator: shown(errnoNumber(next), next.ok ? next.value : nextOut) }
    }
  }
}
