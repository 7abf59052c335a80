// The outer maps of every layout that has them: revNAT id in network order -> table. A layout defines `struct maglev_inner`,
// the template of its tables, before it includes this.

#pragma once

#include "maps.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__type(key, __u16);
	__type(value, __u32);
	__uint(max_entries, DEFAULT_MAP_SIZE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__array(values, struct maglev_inner);
} cilium_lb4_maglev SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__type(key, __u16);
	__type(value, __u32);
	__uint(max_entries, DEFAULT_MAP_SIZE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__array(values, struct maglev_inner);
} cilium_lb6_maglev SEC(".maps");

#define select_backend(family, rev_nat_index, hash, id) \
	select_in(bpf_map_lookup_elem(&cilium_lb##family##_maglev, rev_nat_index), hash, id)
