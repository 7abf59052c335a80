// Map types by their number in bpf(2).

import type { MapTypeName } from '../profile/names.ts'

const MAP_TYPES: Readonly<Record<number, MapTypeName>> = {
  1: 'hash',
  2: 'array',
  3: 'prog_array',
  4: 'perf_event_array',
  5: 'percpu_hash',
  6: 'percpu_array',
  7: 'stack_trace',
  8: 'cgroup_array',
  9: 'lru_hash',
  10: 'lru_percpu_hash',
  11: 'lpm_trie',
  12: 'array_of_maps',
  13: 'hash_of_maps',
  14: 'devmap',
  15: 'sockmap',
  16: 'cpumap',
  17: 'xskmap',
  18: 'sockhash',
  22: 'queue',
  23: 'stack',
  25: 'devmap_hash',
  27: 'ringbuf',
  30: 'bloom_filter'
}

export function mapTypeOf (number: number): MapTypeName | undefined {
  return MAP_TYPES[number]
}

export function isOuterMap (type: MapTypeName): boolean {
  return type === 'array_of_maps' || type === 'hash_of_maps'
}
