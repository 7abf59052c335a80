// A Maglev table: M slots, each holding a backend id. Ids are local to a node, so tables of two nodes compare only after their ids are
// mapped to addresses; the arrangement itself depends on keys, weights, seed and M alone, never on the order in which backends come.

import { createHash } from 'node:crypto'
import { fillWith, permutationOf, weightsCount } from './fill.ts'
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

/**
 * @param room of M slots for the table, which is overwritten: for who builds many and keeps none. A new array unless said
 * @returns null where there is nothing to choose from: Cilium then has no table, not an empty one
 */
export function buildTable (
  m: number, backends: readonly TableBackend[], seed: Seed, release: Release, room?: Int32Array<ArrayBuffer>
): Table | null {
  if (!isPrime(m)) throw new RangeError(`table size ${m} is not prime`)
  if (backends.length === 0) return null
  const keyed = backends.map(backend => ({ backend, key: backendKey(backend, release) }))
  // Keys are ASCII, so comparing UTF-16 units is the bytewise order that every node must share.
  keyed.sort((one, other) => one.key < other.key ? -1 : one.key > other.key ? 1 : 0)
  const permutations = keyed.map(({ key }) => permutationOf(key, seed.murmur, m))
  const weights = keyed.map(({ backend }) => backend.weight)
  const weighted = honoursWeights(release) && weightsCount(weights) && weights.some(weight => weight !== weights[0])
  const slots = room ?? new Int32Array(m)
  const perBackend = fillWith(slots, permutations, keyed.map(({ backend }) => backend.id), weighted ? weights : null)
  const counts = new Map<number, number>()
  keyed.forEach(({ backend: { id } }, index) => counts.set(id, (counts.get(id) ?? 0) + (perBackend[index] ?? 0)))
  return { m, ids: new Uint32Array(slots.buffer), counts }
}

/** SHA-256 of the M ids as little-endian u32, hex: the digest by which tables are compared across implementations */
export function tableDigest (ids: Uint32Array): string {
  const bytes = new Uint8Array(ids.length * 4)
  const view = new DataView(bytes.buffer)
  ids.forEach((id, slot) => view.setUint32(slot * 4, id, true))
  return createHash('sha256').update(bytes).digest('hex')
}
