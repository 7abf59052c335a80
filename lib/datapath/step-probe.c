// Single steps of a lookup, each many times in a row, for measuring what one costs: the lookup in an inner array, as the kernel may emit
// it, and the remainder of a hash, by where M comes from. Every step begins with what the one before gave, as the steps of a packet do.
// -DSTEP_* chooses one (scripts/build-datapath.sh); those called NO_ are the same program without the step. Never part of a node.

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "inner-size.h"

#define STEPS 16
#define ENTRIES_BITS 10
#define M 16381

struct table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
#if defined(STEP_MAX_ENTRIES)
	__uint(max_entries, M);
#else
	__uint(max_entries, 1 << ENTRIES_BITS);
#endif
#if defined(STEP_CALLED)
	__uint(map_flags, BPF_F_INNER_MAP);
#endif
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 1);
	__array(values, struct table);
} tables SEC(".maps");

#if defined(STEP_INDIRECT)
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 1);
	__array(values, struct table);
} other_tables SEC(".maps");
#else
#define other_tables tables
#endif

// In .bss, for whoever measures to set and read: step-probe.ts has the offsets.
struct {
	__u64 state;
	__u32 other;			// 1: take the table from other_tables, which nobody does
} probe;

volatile const __u32 lut_size = M;

// The state after one step; 0 where a table has no such element.
static __always_inline __u64 step(void *table, __u64 state)
{
	__u32 high;

	// constants of 31 bits: an instruction holds them, and no register has to live through the calls
	state = state * 0x5851f42d + 0x14057b7f;
	high = state >> 32;
#if defined(STEP_NO_MODULO)
	return state ^ (high & 0x3fff);
#elif defined(STEP_IMMEDIATE)
	return state ^ (high % M);
#elif defined(STEP_RODATA)
	return state ^ (high % lut_size);
#elif defined(STEP_MAX_ENTRIES)
	asm volatile("" ::: "memory");	// read it every time
	return state ^ (high % inner_size(table));
#else
	__u32 key = high >> (32 - ENTRIES_BITS);
#if defined(STEP_NO_LOOKUP)
	asm volatile("" :: "r"(&key) : "memory");
	return state ^ key;
#else
	const __u32 *value = bpf_map_lookup_elem(table, &key);

	return value ? state ^ *value : 0;
#endif
#endif
}

SEC("xdp")
int step_probe(struct xdp_md *ctx)
{
	__u64 state = probe.state;
	__u32 first = 0;
	void *table;

	// Call sites that may see a table of either outer map keep the general function; with one outer map they see one, as this kernel
	// tells maps apart. An instruction between keeps clang from making one call of these two.
	if (probe.other) {
		table = bpf_map_lookup_elem(&other_tables, &first);
		asm volatile("%0 = %0" : "+r"(table));
	} else {
		table = bpf_map_lookup_elem(&tables, &first);
	}
	if (!table)
		return XDP_ABORTED;
#pragma unroll
	for (int i = 0; i < STEPS; i++) {
		state = step(table, state);
		if (!state)
			return XDP_ABORTED;
	}
	probe.state = state;
	return XDP_DROP;
}

char program_license[] SEC("license") = "Apache-2.0";
