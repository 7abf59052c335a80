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

export function parseSeed (base64: string): SeedResult {
  if (base64 === '') return { ok: false, reason: 'the seed is empty, it must be base64 of 12 bytes' }
  if (base64.length > 1024) return { ok: false, reason: `the seed has ${base64.length} characters, it must be base64 of 12 bytes` }
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) {
    return { ok: false, reason: 'the seed is not base64, it must be base64 of 12 bytes' }
  }
  const binary = atob(base64)
  if (binary.length !== 12) return { ok: false, reason: `the seed decodes to ${binary.length} bytes, it must be 12` }
  const word = (at: number): number => [0, 1, 2, 3].reduce((sum, offset) => sum * 256 + binary.charCodeAt(at + offset), 0)
  return { ok: true, seed: { base64, murmur: word(0), jhash4: word(4), jhash6: word(8) } }
}

/** @returns the seed that Cilium uses when none is set */
export function defaultSeed (): Seed {
  return { base64: defaultSeedText, murmur: 0x24b7ef82, jhash4: 0x71dcda46, jhash6: 0x92505688 }
}
