// Division as BPF defines it (RFC 9669, 4.1): by zero the quotient is 0 and the remainder the dividend; the smallest
// number by -1 does not overflow but gives itself, remainder 0. WebAssembly's own division traps in both cases.

// @ts-ignore: decorator
@inline
export function div64 (a: u64, b: u64): u64 {
  return b == 0 ? 0 : a / b
}

// @ts-ignore: decorator
@inline
export function mod64 (a: u64, b: u64): u64 {
  return b == 0 ? a : a % b
}

// @ts-ignore: decorator
@inline
export function div32 (a: u32, b: u32): u32 {
  return b == 0 ? 0 : a / b
}

// @ts-ignore: decorator
@inline
export function mod32 (a: u32, b: u32): u32 {
  return b == 0 ? a : a % b
}

export function sdiv64 (a: i64, b: i64): u64 {
  if (b == 0) return 0
  return b == -1 ? (0 - a) as u64 : (a / b) as u64
}

export function smod64 (a: i64, b: i64): u64 {
  if (b == 0) return a as u64
  return b == -1 ? 0 : (a % b) as u64
}

export function sdiv32 (a: i32, b: i32): u32 {
  if (b == 0) return 0
  return b == -1 ? (0 - a) as u32 : (a / b) as u32
}

export function smod32 (a: i32, b: i32): u32 {
  if (b == 0) return a as u32
  return b == -1 ? 0 : (a % b) as u32
}
