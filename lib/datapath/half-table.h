// Cilium 1.9.0 to 1.9.6 compared the byte offset of an entry of two bytes with the number of entries: from the middle of the table on,
// every index read slot 0, and its backend got half of all flows besides its own share (cilium #15683). Switched on, a program
// makes the same mistake on tables of any layout.

#pragma once

#include "config.h"

static __always_inline __u32 read_index(__u32 index, __u32 size)
{
	if (lb_half_table) {
		forget_range(index);	// else the compiler prepares for it, also when it is off
		if (index * 2 >= size)
			return 0;
	}
	return index;
}
