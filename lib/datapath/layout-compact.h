// Each table holds its N backend ids once or a few times, and M indices into that list as digits of numbers: d of them in base B are one
// 32-bit word. What is picked is what a table of M ids would pick, in a fifth of a byte to two bytes per slot.
//
// BPF_F_INNER_MAP lets one table have more elements than the next, and nothing else may differ, so the number of elements, which is the
// array's own max_entries, says all that there is to know of a table:
//
//   elements  a word holds            slot s is
//   1         20 digits of N <= 3     in element s % elements, at position p = s / elements:
//   2          9 digits of N <= 11    digit p % d of word p / d
//   4          5 digits of N <= 84
//   8          3 digits of N <= 1625
//   9 and up   2 indices              the same, and the list of ids is dealt out to the elements as the slots are
//
//   0                                                               last 4 bytes
//   +----+----+-----+-----------------------------+--------+--------+
//   | id | id | ... |                             | word 1 | word 0 |
//   +----+----+-----+-----------------------------+--------+--------+
//
// Up to eight elements each have the whole list, so that one lookup of an element, which is a call, finds all that a slot needs. They are
// powers of two, as the kernel's size classes are: at M = 16381 an element and the array's own fields fill the 4096 bytes that the kernel
// takes for them. No branch depends on what the table is like (short of nine elements): it would be mispredicted as services alternate,
// and hold up the loads of the next packet, which otherwise overlap with this one's.

#pragma once

#include "maps.h"
#include "config.h"

// Nine digits in two elements take M * 2/9 words of a byte; the rest is for ids. Shifts and products only: the verifier must follow it.
#define COMPACT_WORD_BYTES(slots) (((slots) * 57 >> 8) & ~3u)
#define COMPACT_ELEMENT_SIZE(slots) (COMPACT_WORD_BYTES(slots) + 136)
#define COMPACT_WHOLE_ELEMENTS 8

struct maglev_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, COMPACT_ELEMENT_SIZE(DEFAULT_TABLE_SIZE));
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_INNER_MAP);
};

#include "maglev-outer.h"
#include "inner-size.h"

// A word w is the fraction of 2^32 that its digits are after the point, rounded up: w * B^i drops the first i digits at the top, and
// times B lifts the next one over the top. p / d is found by its reciprocal in 32.32 bits, whose fraction tells p % d in the upper five.
struct compact_digits {
	__u32 reciprocal;		// of slots per word in all elements, 2^32 / (d * elements) rounded up
	__u32 base;
	__u32 powers[32];		// B^i at 32 * i / d
	__u32 pad[30];			// to a power of two, for a cheaper address
};

static const struct compact_digits compact_digits[COMPACT_WHOLE_ELEMENTS + 1] = {
	[1] = { 214748365, 3, {
		[0] = 1, [1] = 3, [3] = 9, [4] = 27, [6] = 81, [8] = 243, [9] = 729, [11] = 2187, [12] = 6561, [14] = 19683,
		[16] = 59049, [17] = 177147, [19] = 531441, [20] = 1594323, [22] = 4782969, [24] = 14348907, [25] = 43046721,
		[27] = 129140163, [28] = 387420489, [30] = 1162261467 } },
	[2] = { 238609295, 11, {
		[0] = 1, [3] = 11, [7] = 121, [10] = 1331, [14] = 14641, [17] = 161051, [21] = 1771561, [24] = 19487171,
		[28] = 214358881 } },
	[4] = { 214748365, 84, { [0] = 1, [6] = 84, [12] = 7056, [19] = 592704, [25] = 49787136 } },
	[8] = { 178956971, 1625, { [0] = 1, [10] = 1625, [21] = 2640625 } },
};

// Two indices a word, which are 16 bits each, and the ids dealt out. @param last of the bytes where four can be read
static __always_inline int select_dealt(void *inner, __u32 elements, __u32 slot, __u64 last, __u32 *id)
{
	__u32 key = slot % elements;
	__u32 position = slot / elements;
	__u32 index;
	__u64 at = last - position / 2 * sizeof(__u32);
	const void *element = bpf_map_lookup_elem(inner, &key);

	forget_range(at);
	if (!element || at > last)
		return DROPPED_NO_TABLE_ENTRY;
	index = *(const __u32 *)(element + at) >> (~position & 1) * 16 & 0xffff;
	key = index % elements;
	element = bpf_map_lookup_elem(inner, &key);
	at = index / elements * sizeof(__u32);
	forget_range(at);
	if (!element || at > last)
		return DROPPED_NO_TABLE_ENTRY;
	*id = *(const __u32 *)(element + at);
	return 0;
}

static __always_inline int select_in(void *inner, __u32 hash, __u32 *id)
{
	__u64 slots = lb_maglev_lut_size;
	__u64 last = COMPACT_ELEMENT_SIZE(slots) - sizeof(__u32);
	__u64 slot = read_index(hash % (__u32)slots, slots);
	__u64 elements, offset, quotient, at;
	__u32 key, word;
	const struct compact_digits *digits;
	const void *element;

	if (!inner)
		return DROPPED_NO_TABLE;
	elements = inner_size(inner);
	if (elements > COMPACT_WHOLE_ELEMENTS)
		return select_dealt(inner, elements, slot, last, id);
	offset = slot & (elements - 1);
	key = offset;
	forget_range(offset);
	element = bpf_map_lookup_elem(inner, &key);
	if (!element)
		return DROPPED_NO_TABLE_ENTRY;
	digits = &compact_digits[elements];
	forget_range(digits);
	quotient = (slot - offset) * digits->reciprocal;
	at = last - (quotient >> 32) * sizeof(__u32);
	forget_range(at);
	if (at > last)
		return DROPPED_NO_TABLE_ENTRY;
	word = *(const __u32 *)(element + at);
	word *= digits->powers[(__u32)quotient >> 27];
	at = ((__u64)word * digits->base >> 32) * sizeof(__u32);
	forget_range(at);
	if (at > last)
		return DROPPED_NO_TABLE_ENTRY;
	*id = *(const __u32 *)(element + at);
	return 0;
}
