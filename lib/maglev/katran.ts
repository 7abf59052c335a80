// Katran's rings: the same idea with other hashes, another order and two ways to weigh. Endpoints are sorted by their hash; offset and skip
// are MurmurHash3 of that hash with two constants; in version 1 an endpoint places all its weight in its first turn and one entry in every
// later one, in version 2 turns are spread by weight.

import { parseAddress } from './address.ts'
import type { Permutation } from './fill.ts'
import { lookup3 } from './lookup3.ts'
import { murmur3x64128Bytes, remainder64 } from './murmur3.ts'
import { isPrime } from './table-sizes.ts'

export interface KatranEndpoint {
  /** what the ring holds; Katran's own begin with 1, because a 0 of the ring drops the packet */
  readonly num: number
  /** u32; 0 takes the endpoint out */
  readonly weight: number
  /** u64, as katranHash() gives it */
  readonly hash: bigint
}

export type KatranVersion = 1 | 2

export const katranRingSize = 65_537

/** second word and seed of the two hashes */
const ofOffset = [42n, 0] as const
const ofSkip = [2_718_281_828n, 2307] as const

export function katranPermutation (hash: bigint, ringSize: number): Permutation {
  const hashed = ([second, seed]: readonly [bigint, number], divisor: number): number => {
    const words = new DataView(new ArrayBuffer(16))
    words.setBigUint64(0, hash, true)
    words.setBigUint64(8, second, true)
    const { h1High, h1Low } = murmur3x64128Bytes(new Uint8Array(words.buffer), seed)
    return remainder64(h1High, h1Low, divisor)
  }
  return { offset: hashed(ofOffset, ringSize), skip: hashed(ofSkip, ringSize - 1) + 1 }
}

/**
 * @param ringSize a prime
 * @returns `num` of an endpoint for each entry; -1 where there is no endpoint
 */
export function katranRing (endpoints: readonly KatranEndpoint[], version: KatranVersion, ringSize = katranRingSize): Int32Array {
  if (!isPrime(ringSize)) throw new RangeError(`ring size ${ringSize} is not prime`)
  const ring = new Int32Array(ringSize).fill(-1)
  const sorted = endpoints.filter(({ weight }) => weight > 0)
    .sort((one, other) => one.hash < other.hash ? -1 : one.hash > other.hash ? 1 : 0)
  if (sorted.length === 0) return ring
  const permutations = sorted.map(({ hash }) => katranPermutation(hash, ringSize))
  const at = Uint32Array.from(permutations, ({ offset }) => offset)
  const turns = version === 1 ? turnsInRows(sorted) : turnsByWeight(sorted)
  for (let free = ringSize; free > 0; free--) {
    const index = turns.next().value
    const { skip } = permutations[index] as Permutation
    let place = at[index] as number
    while (ring[place] !== -1) place = (place + skip) % ringSize
    ring[place] = (sorted[index] as KatranEndpoint).num
    at[index] = (place + skip) % ringSize
  }
  return ring
}

function * turnsInRows (endpoints: readonly KatranEndpoint[]): Generator<number, never> {
  for (const [index, { weight }] of endpoints.entries()) for (let turn = 0; turn < weight; turn++) yield index
  for (;;) yield * endpoints.keys()
}

/** An endpoint's turn comes when its weights, added up round by round, reach the largest weight. */
function * turnsByWeight (endpoints: readonly KatranEndpoint[]): Generator<number, never> {
  const most = Math.max(...endpoints.map(({ weight }) => weight))
  const reached = endpoints.map(() => 0)
  for (;;) {
    for (const [index, { weight }] of endpoints.entries()) {
      reached[index] = (reached[index] as number) + weight
      if ((reached[index] as number) < most) continue
      reached[index] = (reached[index] as number) - most
      yield index
    }
  }
}

/** most VIPs of one Katran, which seeds the flow hash together with the ring's size */
const VIPS = 512

/**
 * Where in the ring a flow over IPv4 lands: lookup3 of the client's address and both ports as they lie in the packet.
 * @param source 4 bytes. @param vipPort 0 for a VIP of all ports, which hashes none
 */
export function katranEntry (source: Uint8Array, sourcePort: number, vipPort: number, ringSize = katranRingSize): number {
  const swapped = (port: number): number => port >>> 8 | (port & 255) << 8
  const address = new DataView(source.buffer, source.byteOffset, source.byteLength).getUint32(0, true)
  const ports = (swapped(vipPort) << 16 | swapped(sourcePort)) >>> 0
  return lookup3([address, ports], VIPS * ringSize) % ringSize
}

const AF_INET = 2n
const u64 = (value: bigint): bigint => BigInt.asUintN(64, value)

/**
 * Of an IPv4 address: FNV-1 of its bytes, folded together with the address family.
 * @returns null for IPv6, whose hash (SpookyHashV2) is not here, and for what is no address
 */
export function katranHash (address: string): bigint | null {
  const parsed = parseAddress(address)
  if (parsed === null || parsed.family !== 4) return null
  const fnv = parsed.bytes.reduce((hash, byte) => (Math.imul(hash, 16_777_619) ^ byte) >>> 0, 2_166_136_261)
  return fold128(AF_INET, BigInt(fnv))
}

/** 128 bits to 64, as CityHash has it */
function fold128 (upper: bigint, lower: bigint): bigint {
  const multiplier = 0x9ddfea08eb382d69n
  const first = u64((lower ^ upper) * multiplier)
  const second = u64((upper ^ first ^ (first >> 47n)) * multiplier)
  return u64((second ^ (second >> 47n)) * multiplier)
}
