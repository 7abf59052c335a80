// How many elements an inner map has, read from the map itself: table and size are replaced together.

#pragma once

#include <linux/types.h>

// The kernel's struct, of which only one field is read; where that field lies is found at load time (CO-RE).
struct bpf_map {
	__u32 max_entries;
} __attribute__((preserve_access_index));

static __always_inline __u32 inner_size(void *inner)
{
	return ((struct bpf_map *)inner)->max_entries;
}
