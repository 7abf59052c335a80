// Envoy's Maglev tables: XXH64 of a host's key gives offset and skip, hosts take turns in the order of their keys, and one whose weight is
// small sits out rounds.

import type { Permutation } from './fill.ts'
import { isPrime } from './table-sizes.ts'
import { xxh64 } from './xxh64.ts'

export interface EnvoyHost {
  /** what is hashed: address and port as text, a host name, or the metadata `hash_key` */
  readonly key: string
  /** 1 or more, u32 */
  readonly weight: number
}

export const envoyTableSize = 65_537

export function envoyPermutation (key: string, m: number): Permutation {
  return { offset: Number(xxh64(key, 0n) % BigInt(m)), skip: Number(xxh64(key, 1n) % BigInt(m - 1)) + 1 }
}

/**
 * @param m a prime
 * @returns for each slot the index of its host in `hosts`; -1 where there is no host
 */
export function envoyTable (hosts: readonly EnvoyHost[], m = envoyTableSize): Int32Array {
  if (!isPrime(m)) throw new RangeError(`table size ${m} is not prime`)
  const table = new Int32Array(m).fill(-1)
  const order = [...hosts.keys()].sort((one, other) => (hosts[one] as EnvoyHost).key < (hosts[other] as EnvoyHost).key ? -1 : 1)
  const most = Math.max(...hosts.map(({ weight }) => weight))
  const turns = order.map((index) => {
    const { key, weight } = hosts[index] as EnvoyHost
    const { offset, skip } = envoyPermutation(key, m)
    return { index, weight, at: offset, skip, target: 0 }
  })
  let free = turns.length === 0 ? 0 : m
  for (let round = 1; free > 0; round++) {
    for (const turn of turns) {
      if (round * turn.weight < turn.target) continue
      turn.target += most
      while (table[turn.at] !== -1) turn.at = (turn.at + turn.skip) % m
      table[turn.at] = turn.index
      if (--free === 0) break
    }
  }
  return table
}
