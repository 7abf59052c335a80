// Atomic read-modify-write instructions. Programs on several workers share maps, so these are real atomics; what is not
// naturally aligned (a map value may be packed) is done in two steps, as no WebAssembly atomic takes it.

import { EXEC_R0, RECORD_IMM, RECORD_SRC } from './exec-layout'

const FETCH: u32 = 0x01
const ADD: u32 = 0x00
const OR: u32 = 0x40
const AND: u32 = 0x50
const XOR: u32 = 0xa0
const XCHG: u32 = 0xe1
const CMPXCHG: u32 = 0xf1

/** A 64-bit atomic at `address`; the old value goes to the source register, of CMPXCHG to r0. */
export function atomic64 (exec: usize, pc: usize, address: usize): void {
  const operation = load<u32>(pc, RECORD_IMM)
  const register: usize = load<u32>(pc, RECORD_SRC)
  if (operation == CMPXCHG) {
    store<u64>(exec, exchangeIf64(address, load<u64>(exec, EXEC_R0), load<u64>(register)), EXEC_R0)
    return
  }
  const before = (address & 7) == 0 ? aligned64(operation, address, load<u64>(register)) : split64(operation, address, load<u64>(register))
  if ((operation & FETCH) != 0) store<u64>(register, before)
}

/** The same on 32 bits; old values are zero-extended. */
export function atomic32 (exec: usize, pc: usize, address: usize): void {
  const operation = load<u32>(pc, RECORD_IMM)
  const register: usize = load<u32>(pc, RECORD_SRC)
  if (operation == CMPXCHG) {
    store<u64>(exec, exchangeIf32(address, load<u32>(exec, EXEC_R0), load<u32>(register)) as u64, EXEC_R0)
    return
  }
  const before = (address & 3) == 0 ? aligned32(operation, address, load<u32>(register)) : split32(operation, address, load<u32>(register))
  if ((operation & FETCH) != 0) store<u64>(register, before as u64)
}

function aligned64 (operation: u32, address: usize, value: u64): u64 {
  switch (operation & ~FETCH) {
    case ADD: return atomic.add<u64>(address, value)
    case OR: return atomic.or<u64>(address, value)
    case AND: return atomic.and<u64>(address, value)
    case XOR: return atomic.xor<u64>(address, value)
    default: return atomic.xchg<u64>(address, value)
  }
}

function aligned32 (operation: u32, address: usize, value: u32): u32 {
  switch (operation & ~FETCH) {
    case ADD: return atomic.add<u32>(address, value)
    case OR: return atomic.or<u32>(address, value)
    case AND: return atomic.and<u32>(address, value)
    case XOR: return atomic.xor<u32>(address, value)
    default: return atomic.xchg<u32>(address, value)
  }
}

function split64 (operation: u32, address: usize, value: u64): u64 {
  const before = load<u64>(address)
  store<u64>(address, combine(operation, before, value))
  return before
}

function split32 (operation: u32, address: usize, value: u32): u32 {
  const before = load<u32>(address)
  store<u32>(address, combine(operation, before, value) as u32)
  return before
}

function combine (operation: u32, before: u64, value: u64): u64 {
  switch (operation & ~FETCH) {
    case ADD: return before + value
    case OR: return before | value
    case AND: return before & value
    case XOR: return before ^ value
    default: return value
  }
}

function exchangeIf64 (address: usize, expected: u64, value: u64): u64 {
  if ((address & 7) == 0) return atomic.cmpxchg<u64>(address, expected, value)
  const before = load<u64>(address)
  if (before == expected) store<u64>(address, value)
  return before
}

function exchangeIf32 (address: usize, expected: u32, value: u32): u32 {
  if ((address & 3) == 0) return atomic.cmpxchg<u32>(address, expected, value)
  const before = load<u32>(address)
  if (before == expected) store<u32>(address, value)
  return before
}

export function add64 (address: usize, value: u64): void {
  if ((address & 7) == 0) atomic.add<u64>(address, value)
  else store<u64>(address, load<u64>(address) + value)
}

export function add32 (address: usize, value: u32): void {
  if ((address & 3) == 0) atomic.add<u32>(address, value)
  else store<u32>(address, load<u32>(address) + value)
}

/** Load-acquire; `sizeLog` is log2 of the bytes. */
export function loadAcquire (address: usize, sizeLog: u32): u64 {
  const aligned = (address & ((1 << sizeLog) - 1)) == 0
  switch (sizeLog) {
    case 0: return atomic.load<u8>(address) as u64
    case 1: return (aligned ? atomic.load<u16>(address) : load<u16>(address)) as u64
    case 2: return (aligned ? atomic.load<u32>(address) : load<u32>(address)) as u64
    default: return aligned ? atomic.load<u64>(address) : load<u64>(address)
  }
}

export function storeRelease (address: usize, sizeLog: u32, value: u64): void {
  const aligned = (address & ((1 << sizeLog) - 1)) == 0
  switch (sizeLog) {
    case 0: atomic.store<u8>(address, value as u8); break
    case 1: if (aligned) atomic.store<u16>(address, value as u16); else store<u16>(address, value as u16); break
    case 2: if (aligned) atomic.store<u32>(address, value as u32); else store<u32>(address, value as u32); break
    default: if (aligned) atomic.store<u64>(address, value); else store<u64>(address, value)
  }
}
