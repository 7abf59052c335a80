// Seeded randomness: xoroshiro128+ (pure-rand). The same seed and stream give the same numbers on every machine; streams of
// one seed are independent, so that work can be cut into pieces whose results do not depend on who does which.

import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

export interface Random {
  /** 0 to 2^32 - 1 */
  u32 (): number
  /** 0 to limit - 1, for limits up to 2^32; off from uniform by less than limit / 2^32 */
  below (limit: number): number
}

const WARM_UP = 8

export function createRandom (seed: number, stream = 0): Random {
  // The generator's first numbers still show its seed's bits: mix the seed, then leave some out.
  const generator = xoroshiro128plus(mix(mix(seed) + stream))
  for (let skipped = 0; skipped < WARM_UP; skipped++) generator.next()
  const u32 = (): number => generator.next() >>> 0
  return { u32, below: (limit) => Math.floor(u32() * limit / 0x100000000) }
}

/** a bijection of u32 that spreads neighbours over the whole range (the finaliser of murmur3) */
function mix (value: number): number {
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}
