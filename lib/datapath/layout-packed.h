// Each table is an array of (M + 1) / 2 elements of two backend ids, which fill the eight bytes that an array rounds its elements
// up to: four bytes per slot. BPF_F_INNER_MAP lets M differ from one service to the next. Table sizes are odd (all ten are primes
// above 2), so the number of elements gives M back: twice as many, less one. The last half is never read.

#pragma once

#include "maps.h"

struct table_pair {
	__u32 ids[2];
};

struct maglev_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct table_pair));
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_INNER_MAP);
};

#include "maglev-outer.h"
#include "inner-size.h"
#include "config.h"

static __always_inline int select_in(void *inner, __u32 hash, __u32 *id)
{
	__u32 size, index, key;
	const struct table_pair *pair;

	if (!inner)
		return DROPPED_NO_TABLE;
	size = 2 * inner_size(inner) - 1;
	index = read_index(hash % size, size);
	forget_range(index);
	key = index >> 1;
	pair = bpf_map_lookup_elem(inner, &key);
	if (!pair)
		return DROPPED_NO_TABLE_ENTRY;
	*id = pair->ids[index & 1];
	return 0;
}
