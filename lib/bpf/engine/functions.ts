// The kernel functions a program calls, for the tracer: the map functions are the core's own, called one at a time.

import { EXEC_CLOCK, EXEC_RANDOM } from '../core/assembly/exec-layout.ts'
import {
  CALL_ARRAY_LOOKUP, CALL_HTAB_LOOKUP, CALL_KTIME_GET_NS, CALL_MAP_DELETE, CALL_MAP_LOOKUP, CALL_MAP_UPDATE, CALL_PRANDOM_U32,
  CALL_SMP_PROCESSOR_ID
} from '../core/assembly/exec-opcodes.ts'
import type { Execution } from '../core/index.ts'
import { functionOperation } from '../core/kernel-functions.ts'
import { callPacketFunction } from './packet-functions.ts'

/** @returns r0 */
export function callFunction (execution: Execution, symbol: string, registers: readonly bigint[]): bigint {
  const { core, cpu, memory } = execution
  const pointer = (register: number): number => Number(BigInt.asUintN(32, registers[register] ?? 0n))
  const operation = functionOperation(symbol)
  switch (operation) {
    case CALL_MAP_LOOKUP: return address(core.exports.mapLookupElem(pointer(1), pointer(2), cpu))
    case CALL_ARRAY_LOOKUP: return address(core.exports.arrayMapLookupElem(pointer(1), pointer(2)))
    case CALL_HTAB_LOOKUP: return address(core.exports.htabMapLookupRaw(pointer(1), pointer(2)))
    case CALL_MAP_UPDATE: return BigInt.asUintN(64, core.exports.mapUpdateElem(pointer(1), pointer(2), pointer(3), registers[4] ?? 0n, cpu))
    case CALL_MAP_DELETE: return BigInt.asUintN(64, core.exports.mapDeleteElem(pointer(1), pointer(2), cpu))
    case CALL_SMP_PROCESSOR_ID: return BigInt(cpu)
    case CALL_KTIME_GET_NS: return core.view().getBigUint64(memory.address + EXEC_CLOCK, true)
    case CALL_PRANDOM_U32: return random(core.view(), memory.address + EXEC_RANDOM)
    default: return callPacketFunction(execution, operation, registers) ?? unknown(symbol)
  }
}

function unknown (symbol: string): never {
  throw new Error(`kernel function ${symbol} was let through`)
}

const address = (pointer: number): bigint => BigInt(pointer >>> 0)

/** xorshift32, on the state that the interpreter uses too. */
function random (view: DataView, at: number): bigint {
  let state = view.getUint32(at, true)
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  view.setUint32(at, state, true)
  return BigInt(state >>> 0)
}
