// Threads on one memory: a worker looks inner maps up while the main thread replaces them, memory grows, and elements of
// hashes come and go. A reader sees the old table or the new one, whole.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { compileCore, createCore } from '../../lib/bpf/core/index.ts'
import type { Core } from '../../lib/bpf/core/index.ts'
import { createMap } from '../../lib/bpf/map/index.ts'
import type { KernelMap, MapAttr } from '../../lib/bpf/map/index.ts'
import { kernel618 } from '../../lib/bpf/profile/kernel-6.18.ts'
import type { ReaderReport, ReaderTask } from './support/reader.ts'
import type { WriterTask } from './support/writer.ts'

const module = compileCore(readFileSync(join(import.meta.dirname, '..', '..', 'build', 'core.wasm')))
const swaps = 10_000
const swapsPerTurn = 40
const readerPatienceMs = 60_000
const slots = 16
const key = new Uint8Array(4)
const inner: MapAttr = { id: 1, type: 'array', keySize: 4, valueSize: 4, maxEntries: slots, flags: 0x1000, hashSeed: 0 }

function create (core: Core, attr: MapAttr): KernelMap {
  const map = createMap(core, attr)
  if (!map.ok) throw new Error(map.error.message)
  return map.value
}

/** A table whose slots all hold the same number. */
function table (core: Core, value: number, maxEntries = slots): KernelMap {
  const map = create(core, { ...inner, maxEntries })
  for (let slot = 0; slot < maxEntries; slot++) map.update(Uint8Array.of(slot, slot >> 8, 0, 0), Uint8Array.of(value, value >> 8, 0, 0))
  return map
}

/** Runs `work` while a reader thread looks up; its `turn` waits until the reader began and finished another batch. */
async function whileReading (core: Core, outer: KernelMap, work: (turn: () => void) => void): Promise<ReaderReport> {
  const words = core.alloc(16)
  const addresses = { outer: outer.address, stop: words, batches: words + 8 }
  const task: ReaderTask = { module, memory: core.memory, profile: kernel618, worker: 0, slots, ...addresses }
  const flags = (): Int32Array => new Int32Array(core.bytes().buffer)
  const turn = (): void => {
    for (let batch = 0; batch < 2; batch++) {
      const batches = Atomics.load(flags(), task.batches >> 2)
      if (Atomics.wait(flags(), task.batches >> 2, batches, readerPatienceMs) === 'timed-out') throw new Error('the reader stands still')
    }
  }
  const worker = new Worker(new URL('./support/reader-worker.mjs', import.meta.url), { workerData: task })
  const report = new Promise<ReaderReport>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  const online = new Promise((resolve) => { worker.once('online', resolve) })
  await Promise.race([online, report])
  turn()
  work(turn)
  Atomics.store(flags(), task.stop >> 2, 1)
  return await report
}

for (const type of ['hash_of_maps', 'array_of_maps'] as const) {
  t.test(`${swaps} swaps of an inner map of ${type} under a reader`, async (t) => {
    const core = createCore({ module, profile: kernel618, possibleCpus: 2, maximumPages: 1024 })
    const template = table(core, 1)
    const outer = create(core, { ...inner, id: 2, type, maxEntries: 4, flags: 0, inner: template })
    outer.updateInner(key, template)
    const report = await whileReading(core, outer, (turn) => {
      for (let i = 1; i <= swaps; i++) {
        if (i % swapsPerTurn === 0) turn()
        const next = table(core, i & 0xffff)
        outer.updateInner(key, next)
        next.release()
      }
    })
    t.comment(JSON.stringify(report))
    t.ok(report.tables >= swaps / swapsPerTurn, 'the reader saw tables change')
    t.same([report.missing, report.mixed], [0, 0], 'every look found one whole table')
    outer.release()
    template.release()
    core.exports.reclaim()
    t.ok(core.exports.usedBytes() < 1024 * 1024, 'replaced tables were freed')
  })
}

t.test('the memory grows under a reader', async (t) => {
  const core = createCore({ module, profile: kernel618, possibleCpus: 2, maximumPages: 8192 })
  const template = table(core, 1)
  const outer = create(core, { ...inner, id: 2, type: 'hash_of_maps', maxEntries: 4, flags: 0, inner: template })
  outer.updateInner(key, template)
  const kept: KernelMap[] = []
  const report = await whileReading(core, outer, (turn) => {
    for (let i = 1; i <= 300; i++) {
      // large tables: the newest lies at the newest end of the memory
      const next = create(core, { ...inner, maxEntries: 131071 })
      for (let slot = 0; slot < slots; slot++) next.update(Uint8Array.of(slot, 0, 0, 0), Uint8Array.of(i, i >> 8, 0, 0))
      outer.updateInner(key, next)
      kept.push(next)
      turn()
    }
  })
  t.comment(JSON.stringify(report))
  t.ok(core.memory.buffer.byteLength > 300 * 1024 * 1024)
  t.ok(report.tables >= 300, 'the reader followed into the new memory')
  t.same([report.missing, report.mixed], [0, 0], 'every look found one whole table')
})

for (const flags of [0, 1]) {
  t.test(`elements of a hash_of_maps (flags ${flags}) come and go around a reader's key`, async (t) => {
    const core = createCore({ module, profile: kernel618, possibleCpus: 2, maximumPages: 1024 })
    const template = table(core, 1)
    const outer = create(core, { ...inner, id: 2, type: 'hash_of_maps', maxEntries: 8, flags, inner: template })
    outer.updateInner(key, template)
    const used = core.exports.usedBytes()
    const report = await whileReading(core, outer, (turn) => {
      for (let i = 0; i < 20_000; i++) {
        if (i % 100 === 0) turn()
        // neighbours of the reader's key in eight buckets, reusing each other's elements
        const other = Uint8Array.of(1 + i % 23, 0, 0, 0)
        if (!outer.updateInner(other, template).ok) outer.delete(Uint8Array.of(1 + (i * 7) % 23, 0, 0, 0))
        if (i % 3 === 0) outer.delete(other)
      }
    })
    t.comment(JSON.stringify(report))
    t.ok(report.looks > 0)
    t.same([report.missing, report.mixed], [0, 0], 'the key that stayed was always found')
    core.exports.reclaim()
    t.ok(core.exports.usedBytes() <= used + 65536, 'deleted elements were freed')
  })
}

t.test('three threads insert, replace and delete in the same hashes', async (t) => {
  const possibleCpus = 3
  const maxEntries = 64
  const core = createCore({ module, profile: kernel618, possibleCpus, maximumPages: 1024 })
  const shape: MapAttr = { id: 3, type: 'hash', keySize: 4, valueSize: 8, maxEntries, flags: 0, hashSeed: 5 }
  const maps = [create(core, shape), create(core, { ...shape, flags: 1 }), create(core, { ...shape, type: 'lru_hash' }),
    create(core, { ...shape, type: 'lru_hash', flags: 2 })]
  const steps = 60_000
  const addresses = maps.map((map) => map.address)
  const common = { module, memory: core.memory, profile: kernel618, possibleCpus, maps: addresses, steps, keys: 100 }
  const done = await Promise.all([0, 1, 2].map(async (worker) => {
    const task: WriterTask = { ...common, worker }
    const thread = new Worker(new URL('./support/writer-worker.mjs', import.meta.url), { workerData: task })
    return await new Promise<number>((resolve, reject) => {
      thread.once('message', resolve)
      thread.once('error', reject)
    })
  }))
  t.ok(done.every((count) => count > steps / 3), `operations that succeeded: ${done.join(', ')}`)
  for (const map of maps) {
    const entries = Array.from(map.entries())
    t.ok(entries.length > 0 && entries.length <= map.maxEntries, `${map.type} holds ${entries.length} of ${map.maxEntries}`)
    const distinct = new Set(entries.map(([key]) => Buffer.from(key).toString('hex')))
    t.equal(distinct.size, entries.length, 'no key twice')
    t.equal(map.count(), entries.length)
    t.ok(entries.every(([key, value]) => {
      const [low, high] = new Uint32Array(value.slice().buffer)
      const number = new DataView(key.buffer, key.byteOffset).getUint32(0, true)
      return low === number && high === ~number >>> 0
    }), 'every value belongs to its key')
    // no element was lost on the way: the map still takes as many keys as it should
    for (const [key] of entries) map.delete(key)
    let taken = 0
    for (let n = 0; n < 3 * maxEntries; n++) taken += map.update(Uint8Array.of(n, 1, 0, 0), new Uint8Array(8)).ok ? 1 : 0
    t.equal(taken, map.type === 'lru_hash' ? 3 * maxEntries : maxEntries)
    // of an LRU hash, elements that other CPUs keep on their own free lists stay there
    if (map.type === 'hash') t.equal(map.count(), maxEntries)
  }
  for (const map of maps) map.release()
  core.exports.reclaim()
  t.ok(core.exports.usedBytes() < 65536, 'nothing leaked')
})
