// Maps in maps: which templates are taken, which inner maps stand where, and user space's operations on outer maps.

import { failure } from '../../lib/bpf/profile/errno.ts'
import { kernelSuite } from './support/tally.ts'
import { createTwins, errnoNumber } from './support/twins.ts'
import type { TwinAttr, TwinMap, Twins } from './support/twins.ts'

const outerTypes = ['array_of_maps', 'hash_of_maps'] as const
const array: TwinAttr = { type: 'array', keySize: 4, valueSize: 4, maxEntries: 5 }
const dynamic = 0x1000
const zeroSeed = 64
const inner: readonly TwinAttr[] = [
  array,
  { ...array, maxEntries: 4 },
  { ...array, flags: dynamic },
  { ...array, maxEntries: 1, flags: dynamic },
  { ...array, maxEntries: 1000, flags: dynamic },
  { ...array, flags: dynamic | 0x400 },
  { ...array, flags: dynamic | 128 },
  { ...array, flags: dynamic | 4 },
  { ...array, flags: dynamic | 8 },
  { ...array, valueSize: 8, flags: dynamic },
  { ...array, valueSize: 3, flags: dynamic },
  { ...array, type: 'percpu_array' },
  { ...array, type: 'percpu_array', maxEntries: 2 },
  { ...array, type: 'hash' },
  { ...array, type: 'hash', maxEntries: 77 },
  { ...array, type: 'hash', flags: 1 },
  { ...array, type: 'lru_hash' },
  { ...array, type: 'lru_hash', maxEntries: 9 }
]
const pairs = inner.length * inner.length * outerTypes.length

await kernelSuite('map in map', pairs, ({ bpf, same }) => {
  const twins = createTwins(bpf)
  const maps = inner.map((attr) => ({ attr, twin: twins.create(attr) }))
  for (const type of outerTypes) {
    for (const template of maps) {
      const outer = twins.create({ type, keySize: 4, valueSize: 4, maxEntries: 2, inner: template.twin })
      for (const candidate of maps) {
        const where = `${type} of ${JSON.stringify(template.attr)} takes ${JSON.stringify(candidate.attr)}`
        const [emulated, kernel] = put(twins, outer, 1, candidate.twin, 0)
        // the one answer that is not the kernel's: it would let inlined lookups leave the map
        if (leavesMap(template.attr, candidate.attr)) same([emulated, kernel], [-22, 0], where)
        else same(emulated, kernel, where)
      }
      outer.close()
    }
    same(...nested(twins, type, maps[0]?.twin as TwinMap), `${type} in ${type}`)
  }
  maps[2]?.twin.map.freeze()
  bpf.freeze(maps[2]?.twin.fd ?? -1)
  for (const type of outerTypes) {
    const outer = twins.create({ type, keySize: 4, valueSize: 4, maxEntries: 2, inner: maps[3]?.twin as TwinMap })
    same(...put(twins, outer, 0, maps[2]?.twin as TwinMap, 0), `${type} takes a frozen map`)
    outer.close()
  }
  for (const { twin } of maps) twin.close()
})

await kernelSuite('outer map operations', 96, ({ bpf, same }) => {
  const twins = createTwins(bpf)
  const first = twins.create(array)
  const second = twins.create(array)
  const wrong = twins.create({ ...array, maxEntries: 6 })
  for (const type of outerTypes) {
    const flags = type === 'hash_of_maps' ? zeroSeed : 0
    const outer = twins.create({ type, keySize: 4, valueSize: 4, maxEntries: 2, flags, inner: first })
    const check = (result: readonly [unknown, unknown], where: string): boolean => same(...result, `${type}: ${where}`)
    check(look(twins, outer, 0, [first, second]), 'lookup in the empty map')
    check(next(twins, outer, null), 'first key of the empty map')
    check(remove(twins, outer, 0), 'delete what is not there')
    for (const flags of [0, 1, 2, 3, 4, 8]) {
      check(put(twins, outer, 1, first, flags), `update with flags ${flags}`)
      check(put(twins, outer, 1, second, flags), `replace with flags ${flags}`)
      check(look(twins, outer, 1, [first, second]), `lookup after flags ${flags}`)
    }
    check(put(twins, outer, 1, outer, 0), 'the outer map itself')
    check(put(twins, outer, 1, wrong, 0), 'a map of another size')
    check(put(twins, outer, 2, first, 0), 'key 2')
    check(put(twins, outer, 3, wrong, 0), 'key 3 and a map of another size')
    check(put(twins, outer, 3, wrong, 1), 'key 3, NOEXIST and a map of another size')
    check(put(twins, outer, 0, first, 0), 'key 0')
    check(put(twins, outer, 3, first, 0), 'key 3')
    for (const key of [0, 1, 2]) {
      for (const flags of [0, 1, 3, 4, 5, 8]) check(putClosed(twins, outer, key, flags), `closed descriptor under key ${key} with flags ${flags}`)
    }
    for (const key of [null, 0, 1, 2, 3, 9]) check(next(twins, outer, key), `key after ${key}`)
    check(look(twins, outer, 9, [first, second]), 'lookup of key 9')
    check([errnoNumber(outer.map.lookupAndDelete(keyOf(1))), bpf.lookupAndDelete(outer.fd, keyOf(1), new Uint8Array(4))], 'lookup_and_delete')
    for (const key of [1, 1, 9]) check(remove(twins, outer, key), `delete ${key}`)
    check(look(twins, outer, 1, [first, second]), 'lookup of what was deleted')
    outer.close()
  }
  for (const twin of [first, second, wrong]) twin.close()
})

type Both = [emulator: number | string, kernel: number | string]

function keyOf (n: number): Uint8Array {
  return Uint8Array.of(n, 0, 0, 0)
}

function put ({ bpf }: Twins, outer: TwinMap, key: number, inner: TwinMap, flags: number): Both {
  const fd = new Uint8Array(Uint32Array.of(inner.fd).buffer)
  return [errnoNumber(outer.map.updateInner(keyOf(key), inner.map, flags)), bpf.update(outer.fd, keyOf(key), fd, flags)]
}

function putClosed ({ bpf }: Twins, outer: TwinMap, key: number, flags: number): Both {
  const fd = new Uint8Array(Uint32Array.of(99999).buffer)
  const closed = failure('EBADF', 'descriptor 99999 is not open')
  return [errnoNumber(outer.map.updateInner(keyOf(key), closed, flags)), bpf.update(outer.fd, keyOf(key), fd, flags)]
}

function leavesMap (template: TwinAttr, candidate: TwinAttr): boolean {
  return template.type === 'percpu_array' && candidate.type === 'percpu_array' && candidate.maxEntries < template.maxEntries
}

/** Ids differ between the two sides: which of the known maps it is. */
function look ({ bpf }: Twins, outer: TwinMap, key: number, known: readonly TwinMap[]): Both {
  const found = outer.map.lookup(keyOf(key))
  const out = new Uint8Array(4)
  const result = bpf.lookup(outer.fd, keyOf(key), out)
  const id = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true)
  return [
    found.ok ? `map ${known.findIndex(({ map }) => map.id === id(found.value))}` : errnoNumber(found),
    result === 0 ? `map ${known.findIndex(({ fd }) => bpf.mapInfo(fd).id === id(out))}` : result
  ]
}

function next ({ bpf }: Twins, outer: TwinMap, key: number | null): Both {
  const found = outer.map.nextKey(key === null ? null : keyOf(key))
  const out = new Uint8Array(4)
  const result = bpf.nextKey(outer.fd, key === null ? null : keyOf(key), out)
  return [found.ok ? `key ${found.value[0]}` : errnoNumber(found), result === 0 ? `key ${out[0]}` : result]
}

function remove ({ bpf }: Twins, outer: TwinMap, key: number): Both {
  return [errnoNumber(outer.map.delete(keyOf(key))), bpf.delete(outer.fd, keyOf(key))]
}

function nested (twins: Twins, type: 'array_of_maps' | 'hash_of_maps', inner: TwinMap): Both {
  const once = twins.create({ type, keySize: 4, valueSize: 4, maxEntries: 2, inner })
  const twice = twins.tryCreate({ type, keySize: 4, valueSize: 4, maxEntries: 2, inner: once })
  once.close()
  return [errnoNumber(twice.map), Math.min(twice.fd, 0)]
}
