// Functions of the kernel that a program calls: arguments from r1..r5, result to r0. Key and value pointers are those
// the verifier has proved. The map functions themselves are map-ops.ts, the only implementation there is.

import { EXEC_CPU, EXEC_R0, EXEC_R1, EXEC_R2, EXEC_R3, EXEC_R4, EXEC_RANDOM } from './exec-layout'
import { arrayMapLookupElem, htabMapLookupRaw, mapDeleteElem, mapLookupElem, mapUpdateElem } from './map-ops'

// @ts-ignore: decorator
@inline
function pointer (exec: usize, register: usize): usize {
  return load<u32>(exec + register)
}

export function arrayLookup (exec: usize): void {
  store<u64>(exec, arrayMapLookupElem(pointer(exec, EXEC_R1), pointer(exec, EXEC_R2)) as u64, EXEC_R0)
}

export function htabLookup (exec: usize): void {
  store<u64>(exec, htabMapLookupRaw(pointer(exec, EXEC_R1), pointer(exec, EXEC_R2)) as u64, EXEC_R0)
}

export function mapLookup (exec: usize): void {
  store<u64>(exec, mapLookupElem(pointer(exec, EXEC_R1), pointer(exec, EXEC_R2), load<u32>(exec, EXEC_CPU)) as u64, EXEC_R0)
}

export function mapUpdate (exec: usize): void {
  const map = pointer(exec, EXEC_R1)
  const key = pointer(exec, EXEC_R2)
  const value = pointer(exec, EXEC_R3)
  store<i64>(exec, mapUpdateElem(map, key, value, load<u64>(exec, EXEC_R4), load<u32>(exec, EXEC_CPU)), EXEC_R0)
}

export function mapDelete (exec: usize): void {
  store<i64>(exec, mapDeleteElem(pointer(exec, EXEC_R1), pointer(exec, EXEC_R2), load<u32>(exec, EXEC_CPU)), EXEC_R0)
}

/** bpf_get_prandom_u32 as xorshift32, so that a run can be repeated: the kernel's own sequence is nobody's contract. */
export function prandom (exec: usize): void {
  let state = load<u32>(exec, EXEC_RANDOM)
  state ^= state << 13
  state ^= state >> 17
  state ^= state << 5
  store<u32>(exec, state, EXEC_RANDOM)
  store<u64>(exec, state as u64, EXEC_R0)
}
