// The mission's: each table is an array of M elements of one backend id, and BPF_F_INNER_MAP lets M differ from one service to
// the next. The array's own max_entries is M, so table and size are replaced together. An array rounds its elements up to
// eight bytes: eight per slot; the lookup of the inner map is a call.

#pragma once

#include "maps.h"

struct maglev_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_INNER_MAP);
};

#include "maglev-outer.h"
#include "inner-size.h"
#include "config.h"

static __always_inline int select_in(void *inner, __u32 hash, __u32 *id)
{
	__u32 size, index;
	const __u32 *slot;

	if (!inner)
		return DROPPED_NO_TABLE;
	size = inner_size(inner);
	index = read_index(hash % size, size);
	slot = bpf_map_lookup_elem(inner, &index);
	if (!slot)
		return DROPPED_NO_TABLE_ENTRY;
	*id = *slot;
	return 0;
}
