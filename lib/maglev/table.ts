// A Maglev table: M slots, each holding a backend id. Ids are local to a node, so tables of two nodes compare only after their ids are
// mapped to addresses; the arrangement itself depends on keys, weights, seed and M alone, never on the order in which backends come.

import { createHash } from 'node:crypto'
import { fillEvenly, fillWeighted, permutationOf, weightsCount } from './fill.ts'
import { backendKey, honoursWeights } from './release.ts'
import type { KeyedBackend, Release } from './release.ts'
import type { Seed } from './seed.ts'
import { isPrime } from './table-sizes.ts'

export interface TableBackend extends KeyedBackend {
  /** u32 */
  readonly id: number
  /** u16 */
  readonly weight: number
}

export interface Table {
  readonly m: number
  readonly ids: Uint32Array
  /** slots per backend id, backends without a slot included */
  readonly counts: ReadonlyMap<number, number>
}

/** @returns null where there is nothing to choose from: Cilium then has no table, not an empty one */
export function buildTable (m: number, backends: readonly TableBackend[], seed: Seed, release: Release): Table | null {
  if (!isPrime(m)) throw new RangeError(`table size ${m} is not prime`)
  if (backends.length === 0) return null
  const keyed = backends.map(backend => ({ backend, key: backendKey(backend, release) }))
  // Keys are ASCII, so comparing UTF-16 units is the bytewise order that every node must share.
  keyed.sort((one, other) => one.key < other.key ? -1 : one.key > other.key ? 1 : 0)
  const permutations = keyed.map(({ key }) => permutationOf(key, seed.murmur, m))
  const weights = keyed.map(({ backend }) => backend.weight)
  const weighted = honoursWeights(release) && weightsCount(weights) && weights.some(weight => weight !== weights[0])
  const slots = weighted ? fillWeighted(m, permutations, weights) : fillEvenly(m, permutations)
  return toTable(slots, keyed.map(({ backend }) => backend.id))
}

/** SHA-256 of the M ids as little-endian u32, hex: the digest by which tables are compared across implementations */
export function tableDigest (ids: Uint32Array): string {
  const bytes = new Uint8Array(ids.length * 4)
  const view = new DataView(bytes.buffer)
  ids.forEach((id, slot) => view.setUint32(slot * 4, id, true))
  return createHash('sha256').update(bytes).digest('hex')
}

function toTable (slots: Int32Array<ArrayBuffer>, idOf: readonly number[]): Table {
  // An id takes the place of its index: the table is the largest thing here, once is enough.
  const ids = new Uint32Array(slots.buffer)
  const perBackend = new Uint32Array(idOf.length)
  slots.forEach((index, slot) => {
    ids[slot] = idOf[index] ?? 0
    perBackend[index] = (perBackend[index] ?? 0) + 1
  })
  const counts = new Map<number, number>()
  idOf.forEach((id, index) => counts.set(id, (counts.get(id) ?? 0) + (perBackend[index] ?? 0)))
  return { m: slots.length, ids, counts }
}
