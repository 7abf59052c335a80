// Functions a translated program may call, by the kernel's symbol, and what the engines run for each. A map's own
// function and the generic one do the same work here, as in the kernel: only the dispatch is saved.

import {
  CALL_ADJUST_HEAD, CALL_ADJUST_META, CALL_ADJUST_TAIL, CALL_ARRAY_LOOKUP, CALL_CSUM_DIFF, CALL_HTAB_LOOKUP, CALL_KTIME_GET_NS,
  CALL_MAP_DELETE, CALL_MAP_LOOKUP, CALL_MAP_UPDATE, CALL_PRANDOM_U32, CALL_SMP_PROCESSOR_ID
} from './assembly/exec-opcodes.ts'

const operations: ReadonlyMap<string, number> = new Map([
  ['bpf_map_lookup_elem', CALL_MAP_LOOKUP],
  ['array_map_lookup_elem', CALL_ARRAY_LOOKUP],
  ['__htab_map_lookup_elem', CALL_HTAB_LOOKUP],
  ['percpu_array_map_lookup_elem', CALL_MAP_LOOKUP],
  ['array_of_map_lookup_elem', CALL_MAP_LOOKUP],
  ['htab_map_lookup_elem', CALL_MAP_LOOKUP],
  ['htab_lru_map_lookup_elem', CALL_MAP_LOOKUP],
  ['htab_of_map_lookup_elem', CALL_MAP_LOOKUP],
  ['trie_lookup_elem', CALL_MAP_LOOKUP],
  ['bpf_map_update_elem', CALL_MAP_UPDATE],
  ['array_map_update_elem', CALL_MAP_UPDATE],
  ['htab_map_update_elem', CALL_MAP_UPDATE],
  ['htab_lru_map_update_elem', CALL_MAP_UPDATE],
  ['trie_update_elem', CALL_MAP_UPDATE],
  ['bpf_map_delete_elem', CALL_MAP_DELETE],
  ['array_map_delete_elem', CALL_MAP_DELETE],
  ['htab_map_delete_elem', CALL_MAP_DELETE],
  ['htab_lru_map_delete_elem', CALL_MAP_DELETE],
  ['trie_delete_elem', CALL_MAP_DELETE],
  ['bpf_get_smp_processor_id', CALL_SMP_PROCESSOR_ID],
  ['get_smp_processor_id', CALL_SMP_PROCESSOR_ID],
  ['bpf_ktime_get_ns', CALL_KTIME_GET_NS],
  ['bpf_get_prandom_u32', CALL_PRANDOM_U32],
  // the name under which the kernel's symbol table has it
  ['bpf_user_rnd_u32', CALL_PRANDOM_U32],
  ['bpf_csum_diff', CALL_CSUM_DIFF],
  ['bpf_xdp_adjust_head', CALL_ADJUST_HEAD],
  ['bpf_xdp_adjust_tail', CALL_ADJUST_TAIL],
  ['bpf_xdp_adjust_meta', CALL_ADJUST_META]
])

/** @returns the record operation (assembly/exec-opcodes.ts) of a symbol; undefined: no engine has the function */
export function functionOperation (symbol: string): number | undefined {
  return operations.get(symbol)
}

/** Symbols the engines know. */
export function kernelFunctions (): readonly string[] {
  return [...operations.keys()]
}
