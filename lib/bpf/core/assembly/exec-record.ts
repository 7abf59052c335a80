// Reading a pre-decoded record and the registers it names. Everything inlines: after -O3 an operand is two loads.

import { RECORD_DST, RECORD_IMM, RECORD_OFF, RECORD_SRC } from './exec-layout'

/** Address of the destination register. */
// @ts-ignore: decorator
@inline
export function dst (pc: usize): usize {
  return load<u32>(pc, RECORD_DST)
}

/** Address of the source register; of K jumps and calls the target. */
// @ts-ignore: decorator
@inline
export function src (pc: usize): usize {
  return load<u32>(pc, RECORD_SRC)
}

/** Target of an X jump. */
// @ts-ignore: decorator
@inline
export function third (pc: usize): usize {
  return load<u32>(pc, RECORD_IMM)
}

// @ts-ignore: decorator
@inline
export function imm64 (pc: usize): u64 {
  return load<i32>(pc, RECORD_IMM) as i64 as u64
}

// @ts-ignore: decorator
@inline
export function imm32 (pc: usize): u32 {
  return load<u32>(pc, RECORD_IMM)
}

// @ts-ignore: decorator
@inline
export function dst64 (pc: usize): u64 {
  return load<u64>(dst(pc))
}

// @ts-ignore: decorator
@inline
function dst32 (pc: usize): u32 {
  return load<u32>(dst(pc))
}

// @ts-ignore: decorator
@inline
export function src64 (pc: usize): u64 {
  return load<u64>(src(pc))
}

// @ts-ignore: decorator
@inline
export function src32 (pc: usize): u32 {
  return load<u32>(src(pc))
}

// @ts-ignore: decorator
@inline
export function setDst (pc: usize, value: u64): void {
  store<u64>(dst(pc), value)
}

/**
 * Writes a 32-bit result, which clears the upper half. A function, because AssemblyScript widens a bare load to the type
 * that its surroundings want: `(load<u32>(a) + load<u32>(b)) as u64` is a 64-bit sum, as an argument of type u32 it is not.
 */
// @ts-ignore: decorator
@inline
export function put32 (register: usize, value: u32): void {
  store<u64>(register, value as u64)
}

// @ts-ignore: decorator
@inline
export function setDst32 (pc: usize, value: u32): void {
  store<u64>(dst(pc), value as u64)
}

/** Address a load goes to. */
// @ts-ignore: decorator
@inline
export function source (pc: usize): usize {
  return (src32(pc) as usize) + (load<i16>(pc, RECORD_OFF) as usize)
}

/** Address a store or an atomic goes to. */
// @ts-ignore: decorator
@inline
export function destination (pc: usize): usize {
  return (dst32(pc) as usize) + (load<i16>(pc, RECORD_OFF) as usize)
}
