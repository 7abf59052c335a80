// Each table holds its N backend ids once, and M indices into that list of only as many bits as N needs: 1, 2, 4, 8 or 16. What is
// picked is what a table of M ids would pick, in an eighth of a byte to two bytes per slot. BPF_F_INNER_MAP lets the number of
// elements differ from one service to the next.
//
//   words of 4 bytes, 16 to an element          16-bit units, 32 to an element, from the next whole element on
//   +---+----------+------+------+-----+-----+  +--------------------------------------------+
//   | M | N | bits | id 0 | id 1 | ... | pad |  | index of slot 0 in the lowest bits, slot 1 |  ...
//   +---+----------+------+------+-----+-----+  +--------------------------------------------+
//
// Elements are of 64 bytes, so that the header brings the first 14 ids along: two lookups where N is at most that, else three. The
// header lies beside the fields of the array that its lookup reads anyway.

#pragma once

#include "maps.h"

#ifndef COMPACT_ELEMENT
#define COMPACT_ELEMENT 64
#endif
#define COMPACT_WORDS (COMPACT_ELEMENT / sizeof(__u32))
#define COMPACT_UNITS (COMPACT_ELEMENT / sizeof(__u16))
#define COMPACT_HEADER_WORDS 2

union compact_element {
	struct {
		__u32 slots;		// M
		__u16 count;		// N
		__u8 bits;		// of an index
		__u8 pad;
	} header;
	__u32 words[COMPACT_WORDS];
	__u16 units[COMPACT_UNITS];
};

struct maglev_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(union compact_element));
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_INNER_MAP);
};

#include "maglev-outer.h"
#include "config.h"

static __always_inline int select_in(void *inner, __u32 hash, __u32 *id)
{
	wide_key first = 0;
	__u32 bit, word, key, index, bits;
	const union compact_element *head, *element;

	if (!inner)
		return DROPPED_NO_TABLE;
	head = bpf_map_lookup_elem(inner, &first);
	if (!head)
		return DROPPED_NO_TABLE_ENTRY;
	bits = head->header.bits;
	bit = hash % head->header.slots * bits;
	key = (head->header.count + COMPACT_HEADER_WORDS + COMPACT_WORDS - 1) / COMPACT_WORDS + bit / (8 * COMPACT_ELEMENT);
	element = bpf_map_lookup_elem(inner, &key);
	if (!element)
		return DROPPED_NO_TABLE_ENTRY;
	index = element->units[bit / 16 % COMPACT_UNITS] >> bit % 16 & ((1 << bits) - 1);
	word = index + COMPACT_HEADER_WORDS;
	element = head;
	if (word >= COMPACT_WORDS) {
		key = word / COMPACT_WORDS;
		element = bpf_map_lookup_elem(inner, &key);
		if (!element)
			return DROPPED_NO_TABLE_ENTRY;
	}
	*id = element->words[word % COMPACT_WORDS];
	return 0;
}
