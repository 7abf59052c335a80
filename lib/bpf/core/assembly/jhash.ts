// Bob Jenkins' lookup3 hash as the kernel uses it for hash maps: 12-byte blocks are mixed while more than 12 bytes
// remain, then the tail and the final mix. On little-endian the word and the byte version give the same value.

const INIT: u32 = 0xdeadbeef

export function jhash (key: usize, length: u32, seed: u32): u32 {
  let a: u32 = INIT + length + seed
  let b = a
  let c = a
  let p = key
  let left = length
  while (left > 12) {
    a += load<u32>(p)
    b += load<u32>(p, 4)
    c += load<u32>(p, 8)
    a -= c; a ^= rotl<u32>(c, 4); c += b
    b -= a; b ^= rotl<u32>(a, 6); a += c
    c -= b; c ^= rotl<u32>(b, 8); b += a
    a -= c; a ^= rotl<u32>(c, 16); c += b
    b -= a; b ^= rotl<u32>(a, 19); a += c
    c -= b; c ^= rotl<u32>(b, 4); b += a
    p += 12
    left -= 12
  }
  if (left == 0) return c
  if (left > 8) {
    c += tail(p + 8, left - 8)
    b += load<u32>(p, 4)
    a += load<u32>(p)
  } else if (left > 4) {
    b += tail(p + 4, left - 4)
    a += load<u32>(p)
  } else {
    a += tail(p, left)
  }
  c ^= b; c -= rotl<u32>(b, 14)
  a ^= c; a -= rotl<u32>(c, 11)
  b ^= a; b -= rotl<u32>(a, 25)
  c ^= b; c -= rotl<u32>(b, 16)
  a ^= c; a -= rotl<u32>(c, 4)
  b ^= a; b -= rotl<u32>(a, 14)
  c ^= b; c -= rotl<u32>(b, 24)
  return c
}

/** 1 to 4 bytes, little-endian. */
// @ts-ignore: decorator
@inline
function tail (p: usize, bytes: u32): u32 {
  if (bytes == 4) return load<u32>(p)
  let word: u32 = load<u8>(p)
  if (bytes > 1) word |= (load<u8>(p, 1) as u32) << 8
  if (bytes > 2) word |= (load<u8>(p, 2) as u32) << 16
  return word
}
