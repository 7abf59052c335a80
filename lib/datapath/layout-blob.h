// Cilium's own: each table is one value of M x 4 bytes in an array of one element. M is the same for all services and is a
// constant of the program; four bytes per slot; the lookup of the inner map is inlined.

#pragma once

#include "maps.h"

struct maglev_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, DEFAULT_TABLE_SIZE * sizeof(__u32));
	__uint(max_entries, 1);
};

#include "maglev-outer.h"
#include "config.h"

static __always_inline int select_in(void *inner, __u32 hash, __u32 *id)
{
	wide_key first = 0;
	__u32 size = lb_maglev_lut_size;
	__u32 index;
	const __u32 *table;

	if (!inner)
		return DROPPED_NO_TABLE;
	table = bpf_map_lookup_elem(inner, &first);
	if (!table)
		return DROPPED_NO_TABLE_ENTRY;
	index = read_index(hash % size, size);
	forget_range(index);
	if (index >= size)
		return DROPPED_NO_TABLE_ENTRY;
	*id = table[index];
	return 0;
}
