// The kernel functions a program calls, for the tracer: the map functions are the core's own, called one at a time.

import { EXEC_CLOCK, EXEC_RANDOM } from '../core/assembly/exec-layout.ts'
import type { Execution } from '../core/index.ts'

/** @returns r0 */
export function callFunction (execution: Execution, symbol: string, registers: readonly bigint[]): bigint {
  const { core, cpu, memory } = execution
  const pointer = (register: number): number => Number(BigInt.asUintN(32, registers[register] ?? 0n))
  switch (symbol) {
    case 'bpf_map_lookup_elem': return address(core.exports.mapLookupElem(pointer(1), pointer(2), cpu))
    case 'array_map_lookup_elem': return address(core.exports.arrayMapLookupElem(pointer(1), pointer(2)))
    case '__htab_map_lookup_elem': return address(core.exports.htabMapLookupRaw(pointer(1), pointer(2)))
    case 'bpf_map_update_elem':
    case 'array_map_update_elem':
    case 'htab_map_update_elem':
    case 'htab_lru_map_update_elem':
      return BigInt.asUintN(64, core.exports.mapUpdateElem(pointer(1), pointer(2), pointer(3), registers[4] ?? 0n, cpu))
    case 'bpf_map_delete_elem':
    case 'array_map_delete_elem':
    case 'htab_map_delete_elem':
    case 'htab_lru_map_delete_elem':
      return BigInt.asUintN(64, core.exports.mapDeleteElem(pointer(1), pointer(2), cpu))
    case 'bpf_get_smp_processor_id':
    case 'get_smp_processor_id': return BigInt(cpu)
    case 'bpf_ktime_get_ns': return core.view().getBigUint64(memory.address + EXEC_CLOCK, true)
    case 'bpf_get_prandom_u32':
    case 'bpf_user_rnd_u32': return random(core.view(), memory.address + EXEC_RANDOM)
    default: throw new Error(`kernel function ${symbol} was let through`)
  }
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
