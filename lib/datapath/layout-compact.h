// Each table holds its N backend ids once, and M indices into that list of only as many bits as N needs: 1, 2, 4, 8 or 16. What is
// picked is what a table of M ids would pick, in an eighth of a byte to two bytes per slot.
//
//   0       4    6      7       8                8 + 4 N
//   +-------+----+------+-------+----+----+-----+------------------------------------------------+
//   | M u32 | N  | bits | pad   | id | id | ... | 16-bit units; index of slot 0 in the lowest bits |
//   +-------+----+------+-------+----+----+-----+------------------------------------------------+
//
// These bytes are cut into the elements of an array, of which BPF_F_INNER_MAP lets one table have more than the next. Every lookup
// of an element is a call, so an element is as long as a table of two bits per slot and 64 bytes more: tables of up to four backends
// are one element, one lookup; others are looked up once more if the slot lies behind the first element, and the list of ids only
// where it is longer than an element. The header lies beside the fields of the array that its lookup reads anyway.

#pragma once

#include "maps.h"
#include "config.h"

#define COMPACT_ELEMENT_SIZE(slots) (((slots) / 4 + 72) & ~7u)

struct compact_header {
	__u32 slots;			// M, for whoever reads a dump; the program has it as a constant and divides before it gets here
	__u16 count;			// N
	__u8 bits;			// of an index
	__u8 pad;
};

struct maglev_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, COMPACT_ELEMENT_SIZE(DEFAULT_TABLE_SIZE));
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_INNER_MAP);
};

#include "maglev-outer.h"

// @param first element of the table, where the bytes mostly are
// @returns where the `size` bytes from `at` lie, or null
static __always_inline const void *table_bytes(void *inner, const void *first, __u32 at, __u32 size)
{
	__u32 element_size = COMPACT_ELEMENT_SIZE(lb_maglev_lut_size);

	if (at >= element_size) {
		__u32 key = at / element_size;

		at %= element_size;
		first = bpf_map_lookup_elem(inner, &key);
		if (!first)
			return NULL;
	}
	forget_range(at);
	return at > element_size - size ? NULL : first + at;
}

static __always_inline int select_in(void *inner, __u32 hash, __u32 *id)
{
	wide_key first = 0;
	__u32 bit, index;
	const struct compact_header *header;
	const __u16 *unit;
	const __u32 *listed;

	if (!inner)
		return DROPPED_NO_TABLE;
	header = bpf_map_lookup_elem(inner, &first);
	if (!header)
		return DROPPED_NO_TABLE_ENTRY;
	bit = hash % lb_maglev_lut_size * header->bits;
	unit = table_bytes(inner, header, sizeof(*header) + header->count * sizeof(__u32) + bit / 16 * sizeof(__u16), sizeof(__u16));
	if (!unit)
		return DROPPED_NO_TABLE_ENTRY;
	index = *unit >> bit % 16 & ((1 << header->bits) - 1);
	listed = table_bytes(inner, header, sizeof(*header) + index * sizeof(__u32), sizeof(__u32));
	if (!listed)
		return DROPPED_NO_TABLE_ENTRY;
	*id = *listed;
	return 0;
}
