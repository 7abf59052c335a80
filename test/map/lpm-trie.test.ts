// lpm_trie beside a model of it: a list of prefixes, searched one by one.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { compileCore, createCore } from '../../lib/bpf/core/index.ts'
import type { Core } from '../../lib/bpf/core/index.ts'
import { BPF_ANY, BPF_EXIST, BPF_F_NO_PREALLOC, BPF_NOEXIST, createMap } from '../../lib/bpf/map/index.ts'
import type { KernelMap, MapAttr } from '../../lib/bpf/map/index.ts'
import type { Result } from '../../lib/bpf/profile/errno.ts'
import { kernel618 } from '../../lib/bpf/profile/kernel-6.18.ts'

const module = compileCore(readFileSync(join(import.meta.dirname, '..', '..', 'build', 'core.wasm')))
const seed = 1971

const newCore = (): Core => createCore({ module, profile: kernel618, possibleCpus: 2, maximumPages: 4096 })
let lastId = 0

function create (core: Core, attr: Partial<MapAttr>): Result<KernelMap> {
  return createMap(core, {
    id: ++lastId, type: 'lpm_trie', keySize: 8, valueSize: 4, maxEntries: 16, flags: BPF_F_NO_PREALLOC, hashSeed: 0, ...attr
  })
}

function created (core: Core, attr: Partial<MapAttr> = {}): KernelMap {
  const map = create(core, attr)
  if (!map.ok) throw new Error(map.error.message)
  return map.value
}

const shown = (result: Result<unknown>): string => {
  if (!result.ok) return result.error.name
  return result.value instanceof Uint8Array ? Buffer.from(result.value).toString('hex') : 'ok'
}

function keyOf (length: number, data: Uint8Array): Uint8Array {
  const key = new Uint8Array(4 + data.length)
  new DataView(key.buffer).setUint32(0, length, true)
  key.set(data, 4)
  return key
}

const bitsOf = (key: Uint8Array): string => Array.from(key.subarray(4), (byte) => byte.toString(2).padStart(8, '0')).join('')
const lengthOf = (key: Uint8Array): number => new DataView(key.buffer, key.byteOffset).getUint32(0, true)
const prefixOf = (key: Uint8Array): string => bitsOf(key).slice(0, lengthOf(key))
const valueOf = (n: number, size: number): Uint8Array => Uint8Array.from({ length: size }, (_, i) => n >> (8 * (i & 3)))

/** What an lpm_trie of bpf(2) does: prefixes as strings of bits. */
class Model {
  readonly #entries = new Map<string, { key: Uint8Array, value: Uint8Array }>()
  readonly #bits: number
  readonly #maxEntries: number

  constructor (dataBytes: number, maxEntries: number) {
    this.#bits = 8 * dataBytes
    this.#maxEntries = maxEntries
  }

  update (key: Uint8Array, value: Uint8Array, flags: number): string {
    const prefix = prefixOf(key)
    if (flags > BPF_EXIST || lengthOf(key) > this.#bits) return 'EINVAL'
    if (flags === BPF_NOEXIST && this.#entries.has(prefix)) return 'EEXIST'
    if (flags === BPF_EXIST && !this.#entries.has(prefix)) return 'ENOENT'
    if (!this.#entries.has(prefix) && this.#entries.size === this.#maxEntries) return 'ENOSPC'
    this.#entries.set(prefix, { key, value })
    return 'ok'
  }

  delete (key: Uint8Array): string {
    if (lengthOf(key) > this.#bits) return 'EINVAL'
    return this.#entries.delete(prefixOf(key)) ? 'ok' : 'ENOENT'
  }

  lookup (key: Uint8Array): string {
    const wanted = prefixOf(key)
    if (lengthOf(key) > this.#bits) return 'ENOENT'
    const found = [...this.#entries].filter(([prefix]) => wanted.startsWith(prefix)).sort(([a], [b]) => b.length - a.length)[0]
    return found === undefined ? 'ENOENT' : Buffer.from(found[1].value).toString('hex')
  }

  /** postorder: a prefix after those that lie in it, 0 before 1 */
  keys (): string[] {
    const after = (a: string, b: string): number => b.startsWith(a) ? 1 : a.startsWith(b) ? -1 : a < b ? -1 : 1
    return [...this.#entries].sort(([a], [b]) => after(a, b)).map(([, { key }]) => Buffer.from(key).toString('hex'))
  }

  /** where two branches part and no prefix ends */
  joiningNodes (): number {
    const prefixes = [...this.#entries.keys()].sort()
    const partings = prefixes.slice(1).map((prefix, i) => commonPrefix(prefixes[i] ?? '', prefix))
    return new Set(partings.filter((parting) => !this.#entries.has(parting))).size
  }

  get size (): number { return this.#entries.size }
}

function commonPrefix (a: string, b: string): string {
  let length = 0
  while (length < a.length && a[length] === b[length]) length++
  return a.slice(0, length)
}

interface Step {
  readonly kind: 'update' | 'delete' | 'lookup' | 'next'
  readonly length: number
  readonly bytes: readonly number[]
  readonly flags: number
  readonly value: number
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('update', 'update', 'update', 'delete', 'lookup', 'next'),
  length: fc.nat(),
  // few values, so that prefixes meet
  bytes: fc.array(fc.constantFrom(0, 1, 0x80, 0xff, 0xc0), { minLength: 17, maxLength: 17 }),
  flags: fc.constantFrom<number>(BPF_ANY, BPF_ANY, BPF_ANY, BPF_NOEXIST, BPF_EXIST, 3),
  value: fc.nat()
})

const shape = fc.record({
  dataBytes: fc.constantFrom(1, 2, 4, 7, 8, 17),
  valueSize: fc.constantFrom(1, 4, 13),
  maxEntries: fc.integer({ min: 1, max: 30 })
})

t.test('an lpm_trie behaves as its model', async (t) => {
  const core = newCore()
  fc.assert(fc.property(shape, fc.array(step, { maxLength: 120 }), ({ dataBytes, valueSize, maxEntries }, steps) => {
    const map = created(core, { keySize: 4 + dataBytes, valueSize, maxEntries })
    const model = new Model(dataBytes, maxEntries)
    for (const [index, { kind, length, bytes, flags, value }] of steps.entries()) {
      const key = keyOf(length % (8 * dataBytes + 2), Uint8Array.from(bytes.slice(0, dataBytes)))
      const bytesOfValue = valueOf(value, valueSize)
      const [found, wanted] = kind === 'update'
        ? [shown(map.update(key, bytesOfValue, flags)), model.update(key, bytesOfValue, flags)]
        : kind === 'delete'
          ? [shown(map.delete(key)), model.delete(key)]
          : kind === 'lookup'
            ? [shown(map.lookup(key)), model.lookup(key)]
            : [shown(map.nextKey(key)), nextIn(model, key)]
      if (found !== wanted) throw new Error(`step ${index}, ${kind} ${prefixOf(key)}: ${found}, not ${wanted}`)
    }
    const keys = Array.from(map.entries(), ([key]) => Buffer.from(key).toString('hex'))
    const nodes = core.exports.trieNodes(map.address)
    if (keys.join() !== model.keys().join()) throw new Error(`keys ${keys.join()}, not ${model.keys().join()}`)
    if (nodes !== model.size + model.joiningNodes()) throw new Error(`${nodes} nodes`)
    const nodeBytes = 24 + dataBytes + valueSize
    const same = map.count() === model.size && map.memlockBytes() === nodeBytes * model.size
    map.release()
    return same
  }), { seed, numRuns: 300 })
  t.pass(`seed ${seed}`)
})

/** A key that is not there, or cannot be, starts over. */
function nextIn (model: Model, key: Uint8Array): string {
  const keys = model.keys()
  const at = keys.findIndex((one) => lengthOf(key) === lengthOf(Buffer.from(one, 'hex')) && prefixOf(Buffer.from(one, 'hex')) === prefixOf(key))
  return keys[at + 1] ?? 'ENOENT'
}

t.test('all memory of a trie comes back', async (t) => {
  const core = newCore()
  created(core).nextKey(null)
  const used = core.exports.usedBytes()
  const map = created(core, { maxEntries: 70_000 })
  for (let n = 0; n < 65_536; n++) map.update(keyOf(n % 7 === 0 ? 12 : 32, Uint8Array.of(10, n >> 8, n, 0)), valueOf(n, 4))
  t.equal(Array.from(map.entries()).length, map.count())
  const asc = Array.from({ length: 2000 }, (_, n) => keyOf(n % 33, Uint8Array.of(1, 0, 0, 0)))
  for (const key of asc) map.update(key, valueOf(1, 4))
  map.release()
  t.equal(core.exports.usedBytes(), used)
})

t.test('a value that a worker may read stays until it is done', async (t) => {
  const core = newCore()
  const map = created(core)
  const key = keyOf(8, Uint8Array.of(10, 0, 0, 0))
  map.update(key, valueOf(77, 4))
  const at = core.alloc(8)
  core.bytes().set(keyOf(32, Uint8Array.of(10, 1, 2, 3)), at)
  core.exports.readerEnter(3)
  const value = core.exports.mapLookupElem(map.address, at, 0) >>> 0
  map.delete(key)
  t.equal(core.exports.mapLookupElem(map.address, at, 0), 0)
  t.equal(core.view().getUint32(value, true), 77)
  t.equal(core.exports.checkMapAccess(value, 4), 1)
  core.exports.readerExit(3)
  t.equal(core.exports.checkMapAccess(value, 4), 0)
})

t.test('what an lpm_trie refuses to be', async (t) => {
  const core = newCore()
  const refused: ReadonlyArray<Partial<MapAttr>> = [
    { flags: 0 }, { keySize: 4 }, { keySize: 261 }, { valueSize: 0 }, { valueSize: 4 * 1024 * 1024 }, { maxEntries: 0 },
    { flags: BPF_F_NO_PREALLOC | 2 }
  ]
  for (const attr of refused) t.equal(shown(create(core, attr)), 'EINVAL', JSON.stringify(attr))
  t.ok(create(core, { keySize: 5 }).ok)
  t.ok(create(core, { keySize: 260 }).ok)
  t.equal(shown(created(core).lookupAndDelete(new Uint8Array(8))), 'ENOTSUPP')
})
