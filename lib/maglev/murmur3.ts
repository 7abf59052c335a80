// MurmurHash3 x64 128 (Austin Appleby, public domain algorithm): the two 64-bit halves give a backend's offset and skip. Words are pairs of
// u32 and products are made of 16-bit pieces, because BigInt is several times slower and a cluster hashes a hundred thousand keys.

export interface Hash128 {
  readonly h1High: number
  readonly h1Low: number
  readonly h2High: number
  readonly h2Low: number
}

/** a u64 that wraps around */
class Word64 {
  high = 0
  low = 0

  constructor (high: number, low: number) {
    this.high = high
    this.low = low
  }

  add (high: number, low: number): void {
    const sum = (this.low >>> 0) + (low >>> 0)
    this.high = (this.high + high + (sum > 0xffffffff ? 1 : 0)) | 0
    this.low = sum | 0
  }

  xor (high: number, low: number): void {
    this.high ^= high
    this.low ^= low
  }

  multiply (high: number, low: number): void {
    const a0 = this.low & 0xffff
    const a1 = this.low >>> 16
    const b0 = low & 0xffff
    const b1 = low >>> 16
    // a0*b1 + a1*b0 + carry stays below 2^53, so the middle is exact as a double
    const middle = a0 * b1 + a1 * b0 + ((Math.imul(a0, b0) >>> 0) >>> 16)
    const carried = a1 * b1 + Math.floor(middle / 0x10000)
    this.high = (Math.imul(this.high, low) + Math.imul(this.low, high) + (carried | 0)) | 0
    this.low = Math.imul(this.low, low)
  }

  rotateLeft (bits: number): void {
    const high = bits < 32 ? this.high : this.low
    const low = bits < 32 ? this.low : this.high
    const by = bits & 31
    this.high = (high << by) | (low >>> (32 - by))
    this.low = (low << by) | (high >>> (32 - by))
  }

  xorShiftRight33 (): void {
    this.low ^= this.high >>> 1
  }

  finalize (): void {
    this.xorShiftRight33()
    this.multiply(0xff51afd7 | 0, 0xed558ccd | 0)
    this.xorShiftRight33()
    this.multiply(0xc4ceb9fe | 0, 0x1a85ec53)
    this.xorShiftRight33()
  }
}

const encoder = new TextEncoder()

/** @param seed u32, the start of both halves */
export function murmur3x64128 (text: string, seed: number): Hash128 {
  return murmur3x64128Bytes(encoder.encode(text), seed)
}

export function murmur3x64128Bytes (bytes: Uint8Array, seed: number): Hash128 {
  const h1 = new Word64(0, seed | 0)
  const h2 = new Word64(0, seed | 0)
  const k = new Word64(0, 0)
  const blocksEnd = bytes.length & ~15
  for (let at = 0; at < blocksEnd; at += 16) {
    mixFirst(h1, k, wordAt(bytes, at + 4), wordAt(bytes, at))
    h1.rotateLeft(27)
    h1.add(h2.high, h2.low)
    times5Plus(h1, 0x52dce729)
    mixSecond(h2, k, wordAt(bytes, at + 12), wordAt(bytes, at + 8))
    h2.rotateLeft(31)
    h2.add(h1.high, h1.low)
    times5Plus(h2, 0x38495ab5)
  }
  // A tail of missing bytes reads as zeros, and a zero word changes nothing.
  mixSecond(h2, k, wordAt(bytes, blocksEnd + 12), wordAt(bytes, blocksEnd + 8))
  mixFirst(h1, k, wordAt(bytes, blocksEnd + 4), wordAt(bytes, blocksEnd))

  h1.xor(0, bytes.length)
  h2.xor(0, bytes.length)
  h1.add(h2.high, h2.low)
  h2.add(h1.high, h1.low)
  h1.finalize()
  h2.finalize()
  h1.add(h2.high, h2.low)
  h2.add(h1.high, h1.low)
  return { h1High: h1.high >>> 0, h1Low: h1.low >>> 0, h2High: h2.high >>> 0, h2Low: h2.low >>> 0 }
}

/** @returns the u64 `high:low` mod `divisor`, exact for divisors below 2^37 */
export function remainder64 (high: number, low: number, divisor: number): number {
  let rest = high % divisor
  rest = (rest * 0x10000 + (low >>> 16)) % divisor
  return (rest * 0x10000 + (low & 0xffff)) % divisor
}

function mixFirst (h1: Word64, k: Word64, high: number, low: number): void {
  k.high = high
  k.low = low
  k.multiply(0x87c37b91 | 0, 0x114253d5)
  k.rotateLeft(31)
  k.multiply(0x4cf5ad43, 0x2745937f)
  h1.xor(k.high, k.low)
}

function mixSecond (h2: Word64, k: Word64, high: number, low: number): void {
  k.high = high
  k.low = low
  k.multiply(0x4cf5ad43, 0x2745937f)
  k.rotateLeft(33)
  k.multiply(0x87c37b91 | 0, 0x114253d5)
  h2.xor(k.high, k.low)
}

function times5Plus (word: Word64, constant: number): void {
  word.multiply(0, 5)
  word.add(0, constant)
}

/** little-endian, bytes past the end are 0 */
function wordAt (bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)
}
