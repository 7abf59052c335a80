// What Cilium would have with arrays as one first thinks of them: each table is an array of M elements of one backend id. M is the
// same for all services and a constant of the program, so the lookup of the inner map is inlined; an array rounds its elements up
// to eight bytes: eight per slot.

#pragma once

#include "maps.h"

struct maglev_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, DEFAULT_TABLE_SIZE);
};

#include "maglev-outer.h"
#include "config.h"

static __always_inline int select_in(void *inner, __u32 hash, __u32 *id)
{
	__u32 size = lb_maglev_lut_size;
	__u32 index = read_index(hash % size, size);
	const __u32 *slot;

	if (!inner)
		return DROPPED_NO_TABLE;
	slot = bpf_map_lookup_elem(inner, &index);
	if (!slot)
		return DROPPED_NO_TABLE_ENTRY;
	*id = *slot;
	return 0;
}
