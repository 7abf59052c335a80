// XXH64 (Yann Collet's algorithm) of short keys.

const [P1, P2, P3, P4, P5] = [
  0x9e3779b185ebca87n, 0xc2b2ae3d27d4eb4fn, 0x165667b19e3779f9n, 0x85ebca77c2b2ae63n, 0x27d4eb2f165667c5n
] as const

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value)
const rotate = (value: bigint, bits: bigint): bigint => u64(value << bits) | (value >> (64n - bits))
const round = (lane: bigint, word: bigint): bigint => u64(rotate(u64(lane + word * P2), 31n) * P1)

/** @returns u64 */
export function xxh64 (text: string, seed: bigint): bigint {
  const bytes = new TextEncoder().encode(text)
  const view = new DataView(bytes.buffer)
  let at = 0
  let hash = u64(seed + P5)
  if (bytes.length >= 32) {
    const lanes = [u64(seed + P1 + P2), u64(seed + P2), seed, u64(seed - P1)]
    for (; at + 32 <= bytes.length; at += 32) {
      for (const [index, lane] of lanes.entries()) lanes[index] = round(lane, view.getBigUint64(at + 8 * index, true))
    }
    hash = u64(lanes.reduce((sum, lane, index) => sum + rotate(lane, [1n, 7n, 12n, 18n][index] as bigint), 0n))
    for (const lane of lanes) hash = u64((hash ^ round(0n, lane)) * P1 + P4)
  }
  hash = u64(hash + BigInt(bytes.length))
  for (; at + 8 <= bytes.length; at += 8) hash = u64(rotate(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * P1 + P4)
  for (; at + 4 <= bytes.length; at += 4) hash = u64(rotate(hash ^ u64(BigInt(view.getUint32(at, true)) * P1), 23n) * P2 + P3)
  for (; at < bytes.length; at++) hash = u64(rotate(hash ^ u64(BigInt(view.getUint8(at)) * P5), 11n) * P1)
  return avalanche(hash)
}

function avalanche (hash: bigint): bigint {
  const first = u64((hash ^ (hash >> 33n)) * P2)
  const second = u64((first ^ (first >> 29n)) * P3)
  return second ^ (second >> 32n)
}
