// The backends that tables of one service are made of, before and after whatever changes. Each is known by its number in the pool, in every
// table of the service, and is hashed once: that takes longer than its turns in a table.

import { backendKey, murmur3x64128, permutationOfHash } from '../../maglev/index.ts'
import type { KeyedBackend, Seed } from '../../maglev/index.ts'

export interface PoolBackend extends KeyedBackend {
  /** u16 */
  readonly weight: number
}

interface Permutations {
  readonly offset: number[]
  readonly skip: number[]
}

export class BackendPool {
  readonly keys: string[] = []
  readonly weights: number[] = []
  /** numbers of the backends there were from the start, in the order of their keys: those of the table before a change */
  readonly original: readonly number[]
  readonly #backends: PoolBackend[] = []
  readonly #known = new Set<string>()
  readonly #hashes: Array<ReturnType<typeof murmur3x64128>> = []
  readonly #permutations = new Map<number, Permutations>()
  readonly #seed: Seed

  constructor (backends: readonly PoolBackend[], seed: Seed) {
    this.#seed = seed
    for (const backend of backends) this.add(backend)
    this.original = this.keys.map((_, number) => number).sort((one, other) => this.#compare(one, other))
  }

  get size (): number {
    return this.keys.length
  }

  /** @returns whether no backend of the pool has its key */
  lacks (backend: KeyedBackend): boolean {
    return !this.#known.has(backendKey(backend, '1.17+'))
  }

  /** @returns its number */
  add (backend: PoolBackend): number {
    const key = backendKey(backend, '1.17+')
    this.#known.add(key)
    this.#backends.push(backend)
    this.weights.push(backend.weight)
    this.#hashes.push(murmur3x64128(key, this.#seed.murmur))
    return this.keys.push(key) - 1
  }

  /** Forgets the backends that were added since there were `size`. */
  trim (size: number): void {
    for (const key of this.keys.splice(size)) this.#known.delete(key)
    for (const { offset, skip } of this.#permutations.values()) offset.length = skip.length = Math.min(offset.length, size)
    this.weights.length = this.#hashes.length = this.#backends.length = size
  }

  backend (number: number): PoolBackend {
    return this.#backends[number] as PoolBackend
  }

  /** of every backend, by number */
  permutations (m: number): Permutations {
    const known = this.#permutations.get(m) ?? { offset: [], skip: [] }
    this.#permutations.set(m, known)
    for (let number = known.offset.length; number < this.size; number++) {
      const { offset, skip } = permutationOfHash(this.#hashes[number] as ReturnType<typeof murmur3x64128>, m)
      known.offset.push(offset)
      known.skip.push(skip)
    }
    return known
  }

  /** Puts a backend where its key belongs among others that are in order. */
  insert (members: number[], number: number): void {
    let low = 0
    let high = members.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#compare(members[middle] as number, number) < 0) low = middle + 1
      else high = middle
    }
    members.splice(low, 0, number)
  }

  /** Keys are ASCII, so comparing UTF-16 units is the bytewise order that every node must share. */
  #compare (one: number, other: number): number {
    const [a, b] = [this.keys[one] as string, this.keys[other] as string]
    return a < b ? -1 : a > b ? 1 : 0
  }
}
