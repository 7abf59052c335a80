// Names of map and program types as bpftool prints them, with their numbers in bpf(2): one spelling for specs, profiles, maps and
// reports.

export const mapTypeNumbers = {
  hash: 1,
  array: 2,
  prog_array: 3,
  perf_event_array: 4,
  percpu_hash: 5,
  percpu_array: 6,
  stack_trace: 7,
  cgroup_array: 8,
  lru_hash: 9,
  lru_percpu_hash: 10,
  lpm_trie: 11,
  array_of_maps: 12,
  hash_of_maps: 13,
  devmap: 14,
  sockmap: 15,
  cpumap: 16,
  xskmap: 17,
  sockhash: 18,
  queue: 22,
  stack: 23,
  devmap_hash: 25,
  ringbuf: 27,
  bloom_filter: 30
} as const

export type MapTypeName = keyof typeof mapTypeNumbers

export const programTypeNumbers = { socket_filter: 1, sched_cls: 3, xdp: 6, raw_tracepoint: 17 } as const

export type ProgramTypeName = keyof typeof programTypeNumbers
