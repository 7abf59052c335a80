// The core's memory: allocator, per-CPU objects, epochs, the check of stray addresses, and the hash function.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { attachCore, compileCore, createBatch, createCore, perCpuStride } from '../../lib/bpf/core/index.ts'
import type { Core } from '../../lib/bpf/core/index.ts'
import { kernel510 } from '../../lib/bpf/profile/kernel-5.10.ts'
import { kernel618 } from '../../lib/bpf/profile/kernel-6.18.ts'

const module = compileCore(readFileSync(join(import.meta.dirname, '..', '..', 'build', 'core.wasm')))
const newCore = (possibleCpus = 2, maximumPages = 2048): Core => createCore({ module, profile: kernel618, possibleCpus, maximumPages })
const seed = 7
const array = 2
const perCpuArray = 6
const hash = 1

t.test('blocks are zeroed, aligned, apart from each other, and all memory comes back', async (t) => {
  const core = newCore()
  const usedBefore = core.exports.usedBytes()
  const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 300, max: 40000 })), { minLength: 1, maxLength: 60 })
  fc.assert(fc.property(sizes, fc.array(fc.nat(59), { maxLength: 40 }), (allocations, frees) => {
    const live: Array<{ at: number, size: number, mark: number } | undefined> = []
    const free = (i: number): void => {
      const block = live[i]
      if (block === undefined) return
      const bytes = core.bytes().subarray(block.at, block.at + block.size)
      if (!bytes.every((byte) => byte === block.mark)) throw new Error('another block wrote into this one')
      core.free(block.at)
      live[i] = undefined
    }
    allocations.forEach((size, i) => {
      const at = core.alloc(size)
      if (at === 0 || at % 16 !== 0) throw new Error(`address ${at}`)
      if (!core.bytes().subarray(at, at + size).every((byte) => byte === 0)) throw new Error('not zeroed')
      const mark = 1 + i % 255
      core.bytes().fill(mark, at, at + size)
      live.push({ at, size, mark })
      const freed = frees[i]
      if (freed !== undefined) free(freed)
    })
    live.forEach((_, i) => free(i))
    return core.exports.usedBytes() === usedBefore
  }), { seed, numRuns: 150 })
})

t.test('memory grows up to its maximum and then gives none, and an attached instance sees the same bytes', async (t) => {
  const core = newCore(2, 512)
  const other = attachCore({ module, profile: kernel618, possibleCpus: 2, memory: core.memory })
  const size = 1024 * 1024
  const blocks: number[] = []
  for (let at = core.alloc(size); at !== 0; at = core.alloc(size)) {
    core.bytes().fill(0xab, at, at + size)
    blocks.push(at)
  }
  t.equal(core.memory.buffer.byteLength, 512 * 65536)
  t.ok(blocks.length >= 30 && blocks.length <= 32, `${blocks.length} blocks of 1 MiB in 32 MiB`)
  t.equal(other.bytes()[blocks.at(-1) ?? 0], 0xab, 'the other instance refreshes its view')
  t.equal(core.alloc(0xffff_ffff), 0, 'a size that overflows is refused')
  t.same([2 ** 32, 2 ** 32 + 16, 2 ** 40].map((size) => newCore().alloc(size)), [0, 0, 0], 'so is one of more than 32 bits')
  t.match(createBatch(newCore(), { slots: 65536, strideBytes: 65536 }), { ok: false, error: { name: 'ENOMEM' } })
  for (const at of blocks) other.free(at)
  t.not(core.alloc(20 * size), 0, 'freed neighbours merge')
  t.throws(() => createCore({ module, profile: kernel618, possibleCpus: 0 }), RangeError)
  t.throws(() => createCore({ module, profile: kernel618, possibleCpus: 2, maximumPages: 100 }), RangeError)
})

t.test('the garbage collector feels the weight of a memory, which it would not count', async (t) => {
  const before = process.memoryUsage().arrayBuffers
  const cores = Array.from({ length: 40 }, () => newCore())
  const bytes = cores.reduce((sum, { memory }) => sum + memory.buffer.byteLength, 0)
  // half: buffers of the tests before may go meanwhile
  t.ok(process.memoryUsage().arrayBuffers - before > bytes / 2, `of ${cores.length} memories of ${bytes} bytes in all`)
})

t.test('per-CPU objects lie one stride apart per CPU', async (t) => {
  const core = newCore(4)
  const before = core.exports.usedBytes()
  const objects = Array.from({ length: 5000 }, (_, i) => core.exports.allocatePerCpu(24, 16 + 16 * i))
  t.equal(new Set(objects).size, 5000)
  for (const at of objects) for (let cpu = 0; cpu < 4; cpu++) core.view().setUint32(at + cpu * perCpuStride + 20, at ^ cpu, true)
  t.ok(objects.every((at) => [0, 1, 2, 3].every((cpu) => core.view().getInt32(at + cpu * perCpuStride + 20, true) === (at ^ cpu))))
  for (const at of objects) core.exports.releasePerCpu(at)
  t.equal(core.exports.usedBytes(), before)
  t.equal(core.exports.allocatePerCpu(65537, 16), 0, 'an object over the stride is refused')
})

t.test('checkMapAccess accepts exactly the bytes of live values', async (t) => {
  const core = newCore()
  const { exports } = core
  const valueOffset = kernel618.structs.bpfArray.value
  const ok = (at: number, size: number): boolean => exports.checkMapAccess(at, size) !== 0
  for (const flags of [0, 0x400]) {
    const map = exports.createMap(array, 4, 12, 10, flags, 1, 10, 0)
    const values = map + valueOffset
    t.equal(ok(values, 12), true)
    t.equal(ok(values, 13), false, 'the padding to 16 is nobody’s')
    t.equal(ok(values + 9 * 16 + 4, 8), true)
    t.equal(ok(values + 10 * 16, 1), false)
    t.equal(ok(values - 1, 1), false)
    t.equal(ok(map + 76, 4), false, 'the struct is not a value')
    t.equal(exports.isMap(map), 1)
    t.equal(exports.isMap(map + 8), 0)
    exports.destroyMap(map)
    t.equal(ok(values, 4), false, 'freed')
    t.equal(exports.isMap(map), 0)
  }
  const scratch = core.alloc(64)
  for (const flags of [0, 1]) {
    const map = exports.createMap(hash, 4, 12, 10, flags, 1, 10, 0)
    exports.userUpdate(map, scratch, scratch, 0, 0)
    const value = exports.mapLookupElem(map, scratch, 0)
    t.same([ok(value, 12), ok(value, 13), ok(value - 8, 4), ok(value + 12, 1)], [true, false, false, false])
    exports.destroyMap(map)
    t.equal(ok(value, 4), false)
  }
  const perCpu = exports.createMap(perCpuArray, 4, 12, 10, 0, 1, 10, 0)
  for (const cpu of [0, 1]) {
    const value = exports.mapLookupElem(perCpu, scratch, cpu)
    t.same([ok(value, 12), ok(value, 13), ok(value + 12, 1)], [true, false, false])
  }
  t.same([ok(0, 1), ok(4096, 4), ok(65536, 4), ok(scratch, 4), ok(0xffff_fff0, 4)], [false, false, false, false, false])
})

t.test('a retired block waits for the readers that could know it, and for no others', async (t) => {
  const core = newCore()
  const { exports } = core
  const retire = (): void => exports.retire(core.alloc(100))
  exports.readerEnter(0)
  retire()
  exports.readerEnter(63)
  retire()
  t.equal(exports.reclaim(), 0, 'reader 0 may hold both')
  exports.readerExit(0)
  t.equal(exports.reclaim(), 0, 'leaving freed the first; reader 63 entered before the second was retired')
  const used = exports.usedBytes()
  exports.readerExit(63)
  t.equal(exports.reclaim(), 0)
  t.ok(exports.usedBytes() < used, 'the last one to leave freed the second')
  retire()
  t.equal(exports.reclaim(), 1)
})

t.test('jhash', async (t) => {
  const core = newCore()
  const at = core.alloc(64)
  const hashOf = (bytes: Uint8Array, initial: number): string => {
    core.bytes().set(bytes, at)
    return (core.exports.jhash(at, bytes.length, initial) >>> 0).toString(16)
  }
  const text = (s: string): Uint8Array => new TextEncoder().encode(s)
  const words = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer)
  const vectors: ReadonlyArray<readonly [Uint8Array, number, string]> = [
    [text(''), 0, 'deadbeef'], [Uint8Array.of(0), 0, '8ba9414b'], [text('abc'), 0, 'e397631'], [text('abcde'), 1, '88a42a42'],
    [text('hello world!!'), 5, 'a0a1b920'], [Uint8Array.from({ length: 25 }, (_, i) => i), 0xdeadbeef, '674e6813'],
    [words(0), 0, '49396b8'], [words(1), 0, '72a82a9b'], [words(1, 2), 0, '8b4c7979'], [words(1, 2, 3), 7, 'fbd612ad'],
    [words(1, 2, 3, 4), 0, '66491246'], [words(0, 1, 2, 3, 4, 5, 6, 7, 8, 9), 0x12345678, 'a099c472']
  ]
  for (const [bytes, initial, wanted] of vectors) t.equal(hashOf(bytes, initial), wanted)
})

t.test('the profile decides where an array’s values lie', async (t) => {
  const core = createCore({ module, profile: kernel510, possibleCpus: 1, maximumPages: 512 })
  const map = core.exports.createMap(array, 4, 8, 3, 0, 1, 3, 0)
  const key = core.alloc(8)
  t.equal(core.exports.arrayMapLookupElem(map, key), map + 272)
  core.view().setUint32(key, 2, true)
  t.equal(core.exports.arrayMapLookupElem(map, key), map + 272 + 16)
  core.view().setUint32(key, 3, true)
  t.equal(core.exports.arrayMapLookupElem(map, key), 0)
})
