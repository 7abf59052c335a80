// The run-time check of an access that the verifier has not proved: inside its object, or the packet ends there.

import {
  BINDING_CODE, BINDING_INFO, EXEC_CTX, EXEC_CTX_DATA_END, EXEC_CTX_DATA_META, EXEC_CTX_END, EXEC_FAULT_ADDRESS, EXEC_R10, EXEC_STACK,
  EXEC_STRUCTS_END, RECORD_OFF, REGION_CTX, REGION_KERNEL, REGION_MAP, REGION_PACKET, REGION_STACK, STACK_FRAMES, STACK_FRAME_BYTES
} from './exec-layout'
import { dst64, src64 } from './exec-record'
import { checkMapAccess } from './map-ops'

/** @returns whether the load of the record at `pc` stays inside its region; if not, its address is kept for the fault */
export function mayLoad (exec: usize, binding: usize, pc: usize): bool {
  return permitted(exec, binding, pc, src64(pc))
}

/** The same of a store or an atomic. */
export function mayStore (exec: usize, binding: usize, pc: usize): bool {
  return permitted(exec, binding, pc, dst64(pc))
}

/** @param base value of the base register, all 64 bits: an address above 4 GiB lies in no object */
function permitted (exec: usize, binding: usize, pc: usize, base: u64): bool {
  const code: usize = load<u32>(binding, BINDING_CODE)
  const access = load<u8>((load<u32>(binding, BINDING_INFO) as usize) + ((pc - code) >> 3), 1)
  const address = base + (load<i16>(pc, RECORD_OFF) as i64 as u64)
  if (address >> 32 == 0 && inside(exec, access & 15, address, 1 << (access >> 4))) return true
  store<u64>(exec, address, EXEC_FAULT_ADDRESS)
  return false
}

function inside (exec: usize, region: u32, address: u64, size: u32): bool {
  switch (region) {
    case REGION_PACKET:
      return between(address, size, load<u64>(load<u32>(exec, EXEC_CTX_DATA_META)), load<u64>(load<u32>(exec, EXEC_CTX_DATA_END)))
    case REGION_STACK: {
      const top = load<u32>(exec, EXEC_STACK) + STACK_FRAMES * STACK_FRAME_BYTES
      return between(address, size, load<u64>(exec, EXEC_R10) - STACK_FRAME_BYTES, top as u64)
    }
    case REGION_MAP: return checkMapAccess(address as usize, size)
    case REGION_CTX: return between(address, size, load<u32>(exec, EXEC_CTX), load<u32>(exec, EXEC_CTX_END))
    case REGION_KERNEL: return between(address, size, load<u32>(exec, EXEC_CTX), load<u32>(exec, EXEC_STRUCTS_END))
    default: return false
  }
}

// @ts-ignore: decorator
@inline
function between (address: u64, size: u32, from: u64, to: u64): bool {
  return address >= from && address + size <= to
}
