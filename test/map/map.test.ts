// Maps of the emulated kernel: key orders and sizes observed on Linux 6.18, a model of a hash map beside the real one,
// templates, references.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { compileCore, createCore } from '../../lib/bpf/core/index.ts'
import type { Core } from '../../lib/bpf/core/index.ts'
import { createMap } from '../../lib/bpf/map/index.ts'
import type { KernelMap, MapAttr } from '../../lib/bpf/map/index.ts'
import { failure } from '../../lib/bpf/profile/errno.ts'
import type { Result } from '../../lib/bpf/profile/errno.ts'
import { kernel618 } from '../../lib/bpf/profile/kernel-6.18.ts'

const module = compileCore(readFileSync(join(import.meta.dirname, '..', '..', 'build', 'core.wasm')))
const seed = 42
const zeroSeed = 64
const noPrealloc = 1
const dynamic = 0x1000
const readOnlyForPrograms = 128

const newCore = (possibleCpus = 2): Core => createCore({ module, profile: kernel618, possibleCpus, maximumPages: 4096 })
let lastId = 0

function create (core: Core, attr: Partial<MapAttr> & Pick<MapAttr, 'type'>): KernelMap {
  const map = createMap(core, { id: ++lastId, keySize: 4, valueSize: 4, maxEntries: 16, flags: 0, hashSeed: 0, ...attr })
  if (!map.ok) throw new Error(map.error.message)
  return map.value
}

const errnoName = (result: Result<unknown>): string => result.ok ? 'ok' : result.error.name
const word = (n: number): Uint8Array => Uint8Array.of(n, n >> 8, n >> 16, n >> 24)
const words = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer)
const firstByteOf = (map: KernelMap): string => Array.from(map.entries(), ([key]) => key[0]).join(' ')

t.test('key order', async (t) => {
  const core = newCore()
  const orders: ReadonlyArray<{ maxEntries: number, keys: Uint8Array[], order: string, types?: ReadonlyArray<'hash' | 'hash_of_maps'> }> = [
    { maxEntries: 16, keys: Array.from({ length: 16 }, (_, i) => word(i)), order: '10 4 15 5 0 14 7 2 13 1 8 12 11 9 6 3' },
    { maxEntries: 64, keys: Array.from({ length: 16 }, (_, i) => word(i)), order: '15 2 8 9 3 7 13 1 10 4 5 0 14 12 11 6' },
    { maxEntries: 16, keys: Array.from({ length: 12 }, (_, i) => Uint8Array.of(i + 1, 0)), order: '12 7 1 11 6 3 10 9 4 2 5 8' },
    { maxEntries: 10, keys: Array.from({ length: 10 }, (_, i) => words(i, 0)), order: '7 4 3 8 9 2 6 5 1 0' },
    { maxEntries: 16, keys: Array.from({ length: 10 }, (_, i) => words(i, i + 1, i + 2)), order: '4 6 2 0 3 1 7 8 9 5' },
    { maxEntries: 16, keys: Array.from({ length: 10 }, (_, i) => words(i, 0, 0, 0)), order: '7 6 4 1 9 3 8 5 0 2' }
  ]
  const inner = create(core, { type: 'array' })
  for (const { maxEntries, keys, order } of orders) {
    const keySize = keys[0]?.length ?? 0
    for (const flags of [zeroSeed, zeroSeed | noPrealloc]) {
      const plain = create(core, { type: 'hash', keySize, maxEntries, flags })
      const outer = create(core, { type: 'hash_of_maps', keySize, maxEntries, flags, inner })
      for (const key of keys) {
        plain.update(key, word(1))
        outer.updateInner(key, inner)
      }
      t.equal(firstByteOf(plain), order)
      t.equal(firstByteOf(outer), order)
    }
  }
})

t.test('replacing moves a key of a hash to the front of its bucket, one of hash_of_maps stays', async (t) => {
  const core = newCore()
  const inner = create(core, { type: 'array' })
  const plain = create(core, { type: 'hash', maxEntries: 2, flags: zeroSeed })
  const outer = create(core, { type: 'hash_of_maps', maxEntries: 2, flags: zeroSeed, inner })
  // of 20 keys two that share a bucket: the first is behind the second, until it is replaced
  const pair = (map: KernelMap, put: (key: Uint8Array) => unknown): string[] => {
    for (let n = 1; n < 20; n++) {
      map.delete(word(n - 1))
      put(word(0))
      put(word(n))
      const before = firstByteOf(map)
      put(word(0))
      if (firstByteOf(map) !== before || map.type === 'hash_of_maps') return [before, firstByteOf(map)]
      map.delete(word(n))
    }
    return []
  }
  const [before, after] = pair(plain, (key) => plain.update(key, key))
  t.match(before, /^\d+ 0$/)
  t.match(after, /^0 \d+$/)
  const [outerBefore, outerAfter] = pair(outer, (key) => outer.updateInner(key, inner))
  t.equal(outerAfter, outerBefore)
})

t.test('an LRU hash keeps the newest, and what a program used', async (t) => {
  for (const maxEntries of [4, 8, 64, 200]) {
    const core = newCore()
    const map = create(core, { type: 'lru_hash', maxEntries, flags: zeroSeed })
    for (let n = 0; n < 3 * maxEntries; n++) map.update(word(n), word(n))
    const kept = Array.from(map.entries(), ([key]) => new DataView(key.buffer, key.byteOffset).getUint32(0, true)).sort((a, b) => a - b)
    t.same(kept, Array.from({ length: maxEntries }, (_, i) => 2 * maxEntries + i))
  }
  const core = newCore()
  const map = create(core, { type: 'lru_hash', maxEntries: 200, flags: zeroSeed })
  const key = core.alloc(4)
  for (let n = 0; n < 200; n++) map.update(word(n), word(n))
  for (let n = 200; n < 350; n++) {
    core.bytes().set(word(7), key)
    core.exports.mapLookupElem(map.address, key, 0)
    map.lookup(word(8))
    map.update(word(n), word(n))
  }
  t.equal(errnoName(map.lookup(word(7))), 'ok', 'used by a program')
  t.equal(errnoName(map.lookup(word(8))), 'ENOENT', 'looked up by user space only')
})

interface Model { readonly entries: Map<string, string>, readonly maxEntries: number }
interface Operation {
  readonly kind: 'update' | 'delete' | 'lookup' | 'take'
  readonly key: number
  readonly value: number
  readonly flags: number
}

const operation: fc.Arbitrary<Operation> = fc.record({
  kind: fc.constantFrom('update', 'update', 'update', 'delete', 'lookup', 'take'),
  key: fc.nat(30),
  value: fc.nat(),
  flags: fc.constantFrom(0, 0, 0, 1, 2, 3)
})

/** What a hash of bpf(2) does, said with a Map. */
function inModel ({ entries, maxEntries }: Model, { kind, key, value, flags }: Operation): string {
  const name = `${key}`
  const present = entries.get(name)
  if (kind !== 'update') {
    if (kind !== 'lookup') entries.delete(name)
    return present === undefined ? 'ENOENT' : kind === 'delete' ? 'ok' : present
  }
  if (flags > 2) return 'EINVAL'
  if (flags === 1 && present !== undefined) return 'EEXIST'
  if (flags === 2 && present === undefined) return 'ENOENT'
  if (present === undefined && entries.size === maxEntries) return 'E2BIG'
  entries.set(name, `${value}`)
  return 'ok'
}

function inMap (map: KernelMap, { kind, key, value, flags }: Operation): string {
  const keyBytes = Uint8Array.from({ length: map.keySize }, (_, i) => i === map.keySize - 1 ? key : 3)
  const valueBytes = new Uint8Array(map.valueSize)
  new DataView(valueBytes.buffer).setUint32(map.valueSize - 4, value, true)
  const read = (result: Result<Uint8Array>): string =>
    result.ok ? `${new DataView(result.value.buffer, result.value.byteOffset).getUint32(map.valueSize - 4, true)}` : result.error.name
  if (kind === 'update') return errnoName(map.update(keyBytes, valueBytes, flags))
  if (kind === 'delete') return errnoName(map.delete(keyBytes))
  return read(kind === 'lookup' ? map.lookup(keyBytes) : map.lookupAndDelete(keyBytes))
}

t.test('a hash behaves as its model', async (t) => {
  const core = newCore()
  const shape = fc.record({
    keySize: fc.constantFrom(1, 4, 6, 12, 13, 40),
    valueSize: fc.constantFrom(4, 7, 8, 100),
    maxEntries: fc.integer({ min: 1, max: 24 }),
    flags: fc.constantFrom(0, noPrealloc),
    hashSeed: fc.nat()
  })
  fc.assert(fc.property(shape, fc.array(operation, { maxLength: 120 }), (attr, operations) => {
    const map = create(core, { type: 'hash', ...attr })
    const model: Model = { entries: new Map(), maxEntries: attr.maxEntries }
    for (const step of operations) {
      const wanted = inModel(model, step)
      const found = inMap(map, step)
      if (found !== wanted) throw new Error(`${step.kind}: ${found}, not ${wanted}`)
    }
    const keys = Array.from(map.entries(), ([key]) => `${key.at(-1)}`)
    const same = keys.length === model.entries.size && keys.every((key) => model.entries.has(key)) && map.count() === keys.length
    map.release()
    return same
  }), { seed, numRuns: 200 })
  t.pass(`seed ${seed}`)
})

t.test('all memory of deleted maps comes back', async (t) => {
  const core = newCore()
  const inner = create(core, { type: 'array', flags: dynamic })
  inner.lookup(word(0))
  const used = core.exports.usedBytes()
  const kinds: ReadonlyArray<Partial<MapAttr> & Pick<MapAttr, 'type'>> = [
    { type: 'array' }, { type: 'array', flags: 0x400, maxEntries: 3000 }, { type: 'percpu_array', maxEntries: 9000, valueSize: 24 },
    { type: 'hash' }, { type: 'hash', flags: noPrealloc }, { type: 'lru_hash' }, { type: 'lru_hash', flags: 2 },
    { type: 'hash_of_maps', inner }, { type: 'hash_of_maps', inner, flags: noPrealloc }, { type: 'array_of_maps', inner },
    { type: 'array', maxEntries: 5000, bypassSpecV1: false }
  ]
  for (const attr of kinds) {
    const map = create(core, attr)
    for (let n = 0; n < 16; n++) {
      if (attr.inner === undefined) map.update(word(n), new Uint8Array(attr.type === 'percpu_array' ? 48 : 4))
      else map.updateInner(word(n), inner)
    }
    map.release()
    t.equal(core.exports.usedBytes(), used, attr.type)
  }
})

t.test('an outer map holds its inner maps, and the last reference frees them', async (t) => {
  const core = newCore()
  const freed: number[] = []
  const table = (maxEntries: number): KernelMap => {
    const id = ++lastId
    return create(core, { id, type: 'array', maxEntries, flags: dynamic, onFree: () => { freed.push(id) } })
  }
  const [first, second, third] = [table(251), table(16381), table(7)] as const
  const outer = create(core, { type: 'hash_of_maps', keySize: 2, inner: first })
  const key = Uint8Array.of(1, 0)
  t.equal(errnoName(outer.updateInner(key, first)), 'ok')
  first.release()
  t.same(freed, [], 'the outer map holds it')
  t.same(outer.lookup(key), { ok: true, value: word(first.id) }, 'a lookup gives the id')
  t.equal(outer.innerMap(key), first)
  t.equal(errnoName(outer.updateInner(key, second)), 'ok', 'another size, because of BPF_F_INNER_MAP')
  t.same(freed, [first.id], 'replaced and gone')
  core.exports.readerEnter(3)
  const second16381 = second.address
  second.release()
  t.equal(errnoName(outer.delete(key)), 'ok')
  t.same(freed, [first.id, second.id], 'the id is free at once')
  t.equal(core.exports.isMap(second16381), 1, 'the memory stays while a worker may read it')
  core.exports.readerExit(3)
  t.equal(core.exports.isMap(second16381), 0)
  t.equal(errnoName(outer.updateInner(key, third)), 'ok')
  third.release()
  outer.release()
  t.same(freed, [first.id, second.id, third.id], 'an outer map takes its inner maps along')
})

t.test('maps refuse what belongs to another kind', async (t) => {
  const core = newCore()
  const plain = create(core, { type: 'array', maxEntries: 5 })
  const fixed = create(core, { type: 'array_of_maps', maxEntries: 2, inner: plain })
  const attr: MapAttr = { id: 1, type: 'array', keySize: 4, valueSize: 4, maxEntries: 5, flags: 0, hashSeed: 0 }
  t.equal(errnoName(createMap(core, { ...attr, type: 'hash_of_maps', inner: fixed })), 'EINVAL', 'one level of nesting')
  t.equal(errnoName(createMap(core, { ...attr, type: 'array_of_maps' })), 'EINVAL', 'no template')
  t.equal(errnoName(createMap(core, { ...attr, type: 'ringbuf' })), 'EOPNOTSUPP', 'not emulated')
  t.equal(errnoName(createMap(core, { ...attr, maxEntries: 200_000_000 })), 'ENOMEM')
  t.equal(errnoName(createMap(core, { ...attr, type: 'hash', flags: zeroSeed, sysAdmin: false })), 'EPERM')
  t.equal(errnoName(fixed.update(word(0), word(3))), 'EINVAL')
  t.equal(errnoName(plain.updateInner(word(0), plain)), 'EINVAL')
  t.equal(errnoName(plain.update(Uint8Array.of(1), word(3))), 'EINVAL', 'key of one byte')
  const view = fixed.verifierView()
  t.same([view.inner?.type, view.inner?.maxEntries, view.inner?.name], ['array', 5, ''])
  const single = create(core, { type: 'array', maxEntries: 1, flags: readOnlyForPrograms })
  single.update(word(0), word(77))
  t.equal(single.verifierView().contents, undefined, 'what may change is no constant')
  single.freeze()
  t.same(single.verifierView().contents, word(77), 'the verifier sees the one value')
})

t.test('an outer map finds a wrong index before a wrong descriptor', async (t) => {
  const core = newCore()
  const inner = create(core, { type: 'array' })
  const closed = failure('EBADF', 'descriptor 9 is not open')
  const array = create(core, { type: 'array_of_maps', maxEntries: 2, inner })
  t.same([array.updateInner(word(2), closed), array.updateInner(word(0), closed, 1), array.updateInner(word(0), closed)].map(errnoName),
    ['E2BIG', 'EINVAL', 'EBADF'])
  const hash = create(core, { type: 'hash_of_maps', maxEntries: 2, inner })
  t.same([hash.updateInner(word(2), closed, 3), hash.updateInner(word(2), closed, 4)].map(errnoName), ['EBADF', 'EINVAL'])
  const readOnly = create(core, { type: 'hash_of_maps', maxEntries: 2, inner, flags: 8 })
  t.equal(errnoName(readOnly.updateInner(word(2), closed)), 'EPERM')
})

t.test('an inner percpu_array smaller than its template is refused: lookups inlined for the template would leave it', async (t) => {
  const core = newCore()
  const sized = (maxEntries: number): KernelMap => create(core, { type: 'percpu_array', maxEntries })
  const outer = create(core, { type: 'hash_of_maps', inner: sized(5) })
  t.same([4, 5, 6].map((n) => errnoName(outer.updateInner(word(n), sized(n)))), ['EINVAL', 'ok', 'ok'])
})

t.test('an outer map can be freed when there is no memory left', async (t) => {
  const core = newCore()
  const inner = create(core, { type: 'array' })
  const outer = create(core, { type: 'hash_of_maps', inner })
  outer.updateInner(word(1), inner)
  inner.release()
  for (const size of [1 << 20, 4096, 16]) while (core.alloc(size) !== 0);
  outer.release()
  t.same([core.exports.isMap(outer.address), core.exports.isMap(inner.address)], [0, 0])
})

t.test('per-CPU values come and go as C copies', async (t) => {
  const core = newCore(3)
  const map = create(core, { type: 'percpu_array', valueSize: 12, maxEntries: 4 })
  const copies = Uint8Array.from({ length: 3 * 16 }, (_, i) => i)
  t.equal(errnoName(map.update(word(2), copies)), 'ok')
  t.same(map.lookup(word(2)), { ok: true, value: copies })
  const key = core.alloc(4)
  core.bytes().set(word(2), key)
  const addresses = [0, 1, 2].map((cpu) => core.exports.mapLookupElem(map.address, key, cpu) >>> 0)
  t.same(addresses.map((at) => core.bytes()[at]), [0, 16, 32])
  t.equal(errnoName(map.update(word(2), word(1))), 'EINVAL', 'one value is not three')
})

t.test('ten thousand maps on one node', async (t) => {
  const core = createCore({ module, profile: kernel618, possibleCpus: 2 })
  const template = create(core, { type: 'array', flags: dynamic, maxEntries: 1 })
  const outer = create(core, { type: 'hash_of_maps', maxEntries: 10_000, inner: template })
  for (let n = 0; n < 10_000; n++) {
    const table = create(core, { type: 'array', flags: dynamic, maxEntries: 251 })
    outer.updateInner(word(n), table)
    table.release()
  }
  t.equal(outer.count(), 10_000)
  t.equal(Array.from(outer.entries()).length, 10_000)
  const used = core.exports.usedBytes()
  t.ok(used > 23_200_000 && used < 45_000_000, `${used} bytes for 23 MB of tables`)
  outer.release()
  t.ok(core.exports.usedBytes() < 100_000, 'all gone with their outer map')
})
