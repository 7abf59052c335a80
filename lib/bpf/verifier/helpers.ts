// Prototypes of the helper functions a program may call, as data: number, the kernel's name and symbol, what each
// argument must be and what comes back. A helper that is not in here is refused.

import type { ProgramTypeName } from '../profile/names.ts'

/** `memory_or_null`: bytes to read, as many as the argument behind it says, a `size_or_zero`; none of them may be at NULL */
export type ArgumentType =
  'map' | 'map_key' | 'map_value' | 'anything' | 'context' | 'memory_or_null' | 'size_or_zero'

export type ReturnType = 'integer' | 'map_value_or_null'

export interface HelperPrototype {
  readonly id: number
  readonly name: string
  /** the function in the kernel's symbol table, where it is not the helper's name */
  readonly symbol: string
  readonly arguments: readonly ArgumentType[]
  readonly returns: ReturnType
  /** only for programs under a GPL-compatible license */
  readonly gplOnly: boolean
  /** null: every type */
  readonly programTypes: readonly ProgramTypeName[] | null
  /** the packet may be elsewhere afterwards, or shorter: what was known of pointers into it is no more */
  readonly movesPacket: boolean
}

function helper (
  id: number, name: string, args: readonly ArgumentType[], returns: ReturnType, extra: Partial<HelperPrototype> = {}
): HelperPrototype {
  return { id, name, symbol: name, arguments: args, returns, gplOnly: false, programTypes: null, movesPacket: false, ...extra }
}

export const MAP_LOOKUP_ELEM = 1
export const MAP_UPDATE_ELEM = 2
export const MAP_DELETE_ELEM = 3
export const GET_SMP_PROCESSOR_ID = 8

const ofPackets = { programTypes: ['xdp', 'sched_cls'] } as const
const ofXdp = { programTypes: ['xdp'], movesPacket: true } as const

export const helperPrototypes: readonly HelperPrototype[] = [
  helper(MAP_LOOKUP_ELEM, 'bpf_map_lookup_elem', ['map', 'map_key'], 'map_value_or_null'),
  helper(MAP_UPDATE_ELEM, 'bpf_map_update_elem', ['map', 'map_key', 'map_value', 'anything'], 'integer'),
  helper(MAP_DELETE_ELEM, 'bpf_map_delete_elem', ['map', 'map_key'], 'integer'),
  helper(5, 'bpf_ktime_get_ns', [], 'integer'),
  helper(7, 'bpf_get_prandom_u32', [], 'integer', { symbol: 'bpf_user_rnd_u32' }),
  helper(GET_SMP_PROCESSOR_ID, 'bpf_get_smp_processor_id', [], 'integer'),
  helper(28, 'bpf_csum_diff', ['memory_or_null', 'size_or_zero', 'memory_or_null', 'size_or_zero', 'anything'], 'integer', ofPackets),
  helper(44, 'bpf_xdp_adjust_head', ['context', 'anything'], 'integer', ofXdp),
  helper(54, 'bpf_xdp_adjust_meta', ['context', 'anything'], 'integer', ofXdp),
  helper(65, 'bpf_xdp_adjust_tail', ['context', 'anything'], 'integer', ofXdp)
]

/** The last helper number of Linux 6.18: above it there is none on any kernel. */
export const LAST_HELPER = 211

const byId = new Map(helperPrototypes.map((prototype) => [prototype.id, prototype]))

export const helperPrototype = (id: number): HelperPrototype | undefined => byId.get(id)
