// Names of map and program types as bpftool prints them; one spelling for specs, profiles, maps and reports.

export type MapTypeName =
  'hash' | 'array' | 'percpu_array' | 'lru_hash' | 'array_of_maps' | 'hash_of_maps' | 'percpu_hash' | 'lru_percpu_hash' |
  'lpm_trie' | 'prog_array' | 'perf_event_array' | 'stack_trace' | 'cgroup_array' | 'devmap' | 'devmap_hash' | 'sockmap' |
  'sockhash' | 'cpumap' | 'xskmap' | 'queue' | 'stack' | 'ringbuf' | 'bloom_filter'

export type ProgramTypeName = 'xdp' | 'raw_tracepoint' | 'sched_cls' | 'socket_filter'
