// Each table holds its N backend ids once or a few times, and M indices into that list of only as many bits as N needs: 1, 2, 4, 8 or
// 16. What is picked is what a table of M ids would pick, in an eighth of a byte to two bytes per slot.
//
// BPF_F_INNER_MAP lets one table have more elements than the next. Every lookup of an element is a call, and branches that depend on
// the slot are mispredicted, so that one element has all that a slot needs: of E elements, which is the array's own max_entries, element
// slot % E has the index of the slot at position slot / E, and every element has the whole list of ids. Only a list that would take more
// than half of an element is dealt out as the slots are: id k is in element k % E at position k / E, and takes a second lookup.
//
//   0        4        6      7      8
//   +--------+--------+------+------+----+-----+----------------------------------------------+
//   | M u32  | listed | bits |dealt | id | ... | 16-bit units; the first index in the lowest bits |
//   +--------+--------+------+------+----+-----+----------------------------------------------+
//
// An element is as long as a table of two bits per slot and some 40 ids, so tables of up to four backends are one element. The header lies
// beside the fields of the array that its lookup reads anyway.

#pragma once

#include "maps.h"
#include "config.h"

#define COMPACT_ELEMENT_SIZE(slots) (((slots) / 4 + 176) & ~7u)

struct compact_header {
	__u32 slots;			// M, for whoever reads a dump; the program has it as a constant
	__u16 listed;			// ids in every element
	__u8 bits;			// of an index
	__u8 dealt;			// whether the list is dealt out
};

struct maglev_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, COMPACT_ELEMENT_SIZE(DEFAULT_TABLE_SIZE));
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_INNER_MAP);
};

#include "maglev-outer.h"
#include "inner-size.h"

// @returns where the `size` bytes from `at` lie in an element, or null beyond it
static __always_inline const void *element_bytes(const void *element, __u32 at, __u32 size)
{
	forget_range(at);
	return at > COMPACT_ELEMENT_SIZE(lb_maglev_lut_size) - size ? NULL : element + at;
}

static __always_inline int select_in(void *inner, __u32 hash, __u32 *id)
{
	__u32 slot = hash % lb_maglev_lut_size;
	__u32 elements, key, bit, index;
	const struct compact_header *header;
	const __u16 *unit;
	const __u32 *listed;

	if (!inner)
		return DROPPED_NO_TABLE;
	elements = inner_size(inner);
	key = slot % elements;
	header = bpf_map_lookup_elem(inner, &key);
	if (!header)
		return DROPPED_NO_TABLE_ENTRY;
	bit = slot / elements * header->bits;
	unit = element_bytes(header, sizeof(*header) + header->listed * sizeof(__u32) + bit / 16 * sizeof(__u16), sizeof(__u16));
	if (!unit)
		return DROPPED_NO_TABLE_ENTRY;
	index = *unit >> bit % 16 & ((1 << header->bits) - 1);
	if (header->dealt) {
		key = index % elements;
		index /= elements;
		header = bpf_map_lookup_elem(inner, &key);
		if (!header)
			return DROPPED_NO_TABLE_ENTRY;
	}
	listed = element_bytes(header, sizeof(*header) + index * sizeof(__u32), sizeof(__u32));
	if (!listed)
		return DROPPED_NO_TABLE_ENTRY;
	*id = *listed;
	return 0;
}
