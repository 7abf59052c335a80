// The seed of `bpf-lb-maglev-hash-seed`: base64 of exactly 12 bytes = three big-endian u32. All nodes of a cluster must share it, or they
// pick different backends for one flow.

export const defaultSeedText = 'JLfvgnHc2kaSUFaI'

export interface Seed {
  readonly base64: string
  /** seed of the table's murmur3 */
  readonly murmur: number
  /** seeds of the datapath's flow hash */
  readonly jhash4: number
  readonly jhash6: number
}

export type SeedResult = { readonly ok: true, readonly seed: Seed } | { readonly ok: false, readonly reason: string }

const SEED_BYTES = 12
const longestText = 1024

/** Refusals say what a seed is and what was given instead. */
export function parseSeed (base64: string): SeedResult {
  const refuse = (given: string): SeedResult => ({ ok: false, reason: `a seed is ${SEED_BYTES} bytes in base64 (16 characters), such as ${defaultSeedText}; ${given}` })
  if (base64.length > longestText) return refuse(`${base64.length} characters were given`)
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) {
    return refuse(`the ${base64.length} character${base64.length === 1 ? '' : 's'} given are not base64`)
  }
  const binary = atob(base64)
  if (binary.length !== SEED_BYTES) return refuse(`${binary.length} bytes were given`)
  const word = (at: number): number => [0, 1, 2, 3].reduce((sum, offset) => sum * 256 + binary.charCodeAt(at + offset), 0)
  return { ok: true, seed: { base64, murmur: word(0), jhash4: word(4), jhash6: word(8) } }
}

/** @returns the seed that Cilium uses when none is set */
export function defaultSeed (): Seed {
  return { base64: defaultSeedText, murmur: 0x24b7ef82, jhash4: 0x71dcda46, jhash6: 0x92505688 }
}
