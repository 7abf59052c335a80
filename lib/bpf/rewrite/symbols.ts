// Kernel functions that translated programs call: which one a map type has for a helper, and the number after `#` in
// listings, the function's distance from a base address, constant for a kernel build.
//
// The numbers are those of the 6.18.44 build the emulator was compared with first; packet functions' were seen on another. Of 5.10
// one is known, from the listing in the mail that introduced BPF_F_INNER_MAP; the others are given 6.18's, so that listings are stable.

import type { MapTypeName } from '../profile/names.ts'
import type { KernelProfile } from '../profile/types.ts'
import { MAP_DELETE_ELEM, MAP_LOOKUP_ELEM, MAP_UPDATE_ELEM } from '../verifier/helpers.ts'
import type { KernelSymbol } from './translated.ts'

const numbers618: Readonly<Record<KernelSymbol, number>> = {
  bpf_map_lookup_elem: 268192,
  bpf_map_update_elem: 268240,
  bpf_map_delete_elem: 268288,
  bpf_get_smp_processor_id: 268528,
  bpf_ktime_get_ns: 269488,
  bpf_user_rnd_u32: 22592,
  array_map_lookup_elem: 350240,
  array_of_map_lookup_elem: 350320,
  percpu_array_map_lookup_elem: 350512,
  __htab_map_lookup_elem: 330864,
  htab_map_lookup_elem: 337200,
  htab_lru_map_lookup_elem: 337776,
  htab_percpu_map_lookup_elem: 337488,
  htab_lru_percpu_map_lookup_elem: 337936,
  htab_of_map_lookup_elem: 337632,
  trie_lookup_elem: 367264,
  array_map_update_elem: 353184,
  htab_map_update_elem: 343552,
  htab_lru_map_update_elem: 341984,
  htab_percpu_map_update_elem: 341248,
  htab_lru_percpu_map_update_elem: 341952,
  trie_update_elem: 369760,
  array_map_delete_elem: 349536,
  htab_map_delete_elem: 339904,
  htab_lru_map_delete_elem: 340256,
  trie_delete_elem: 369040,
  bpf_csum_diff: 10510608,
  bpf_xdp_adjust_head: 10511632,
  bpf_xdp_adjust_tail: 10527984,
  bpf_xdp_adjust_meta: 10505744
}

const numbersByProfile: Readonly<Record<string, Readonly<Record<KernelSymbol, number>>>> = {
  '5.10': { array_map_lookup_elem: 149280 }
}

export function symbolNumber (profile: KernelProfile, symbol: KernelSymbol): number {
  return numbersByProfile[profile.name]?.[symbol] ?? numbers618[symbol] ?? 0
}

interface MapFunctions {
  readonly lookup: KernelSymbol
  readonly update: KernelSymbol
  readonly delete: KernelSymbol
}

function functions (lookup: KernelSymbol, update: KernelSymbol, remove: KernelSymbol): MapFunctions {
  return { lookup, update, delete: remove }
}

const mapFunctions: Partial<Readonly<Record<MapTypeName, MapFunctions>>> = {
  array: functions('array_map_lookup_elem', 'array_map_update_elem', 'array_map_delete_elem'),
  percpu_array: functions('percpu_array_map_lookup_elem', 'array_map_update_elem', 'array_map_delete_elem'),
  array_of_maps: functions('array_of_map_lookup_elem', 'bpf_map_update_elem', 'bpf_map_delete_elem'),
  hash: functions('htab_map_lookup_elem', 'htab_map_update_elem', 'htab_map_delete_elem'),
  lru_hash: functions('htab_lru_map_lookup_elem', 'htab_lru_map_update_elem', 'htab_lru_map_delete_elem'),
  percpu_hash: functions('htab_percpu_map_lookup_elem', 'htab_percpu_map_update_elem', 'htab_map_delete_elem'),
  lru_percpu_hash: functions('htab_lru_percpu_map_lookup_elem', 'htab_lru_percpu_map_update_elem', 'htab_lru_map_delete_elem'),
  hash_of_maps: functions('htab_of_map_lookup_elem', 'bpf_map_update_elem', 'bpf_map_delete_elem'),
  lpm_trie: functions('trie_lookup_elem', 'trie_update_elem', 'trie_delete_elem')
}

/** @returns the map type's own function for a helper, or undefined: the helper itself is called */
export function mapFunction (type: MapTypeName, helper: number): KernelSymbol | undefined {
  const own = mapFunctions[type]
  switch (helper) {
    case MAP_LOOKUP_ELEM: return own?.lookup
    case MAP_UPDATE_ELEM: return own?.update
    case MAP_DELETE_ELEM: return own?.delete
    default: return undefined
  }
}
