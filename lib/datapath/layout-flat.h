// No outer maps: the tables of all services of a family lie one after the other in one array of services x M elements, the table of
// revNAT id 1 first. M is the same for all services and a constant of the program; the lookup is inlined; an array rounds its
// elements up to eight bytes: eight per slot, for every service that there could be. The agent gives no revNAT id above the number
// of services. A service without a table cannot be told from one whose table holds zeros.

#pragma once

#include "maps.h"
#include "config.h"

#define DEFAULT_FLAT_SERVICES 256

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, DEFAULT_FLAT_SERVICES * DEFAULT_TABLE_SIZE);
} cilium_lb4_maglev SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, DEFAULT_FLAT_SERVICES * DEFAULT_TABLE_SIZE);
} cilium_lb6_maglev SEC(".maps");

static __always_inline int select_at(void *tables, __u16 rev_nat_index, __u32 hash, __u32 *id)
{
	__u16 position = __builtin_bswap16(rev_nat_index) - 1;
	__u32 size = lb_maglev_lut_size;
	__u64 index = (__u64)position * size + read_index(hash % size, size);
	const __u32 *slot;

	// Keys are of 32 bits: an id beyond the array must not come out inside it.
	if (index >> 32)
		return DROPPED_NO_TABLE;
	slot = bpf_map_lookup_elem(tables, &index);
	if (!slot)
		return DROPPED_NO_TABLE;
	*id = *slot;
	return 0;
}

#define select_backend(family, rev_nat_index, hash, id) \
	select_at(&cilium_lb##family##_maglev, *(rev_nat_index), hash, id)
