// The way from a flow's hash to a backend id alone, for measuring it in each layout (`npm run bench -- --layouts`): every run draws
// a service and a hash, so that repetitions of one test run go to as many tables as wanted. Never part of a node.

#include <stddef.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "outcomes.h"
#include "maps.h"
#include "config.h"
#include "layout.h"

// In .bss, for whoever measures to set and read: structs.ts has the offsets.
struct {
	__u64 random;			// state of a linear congruential generator
	__u64 sum;			// of the ids found, to compare what layouts pick
	__u32 services;			// drawn from: revNAT ids from `first` on
	__u32 first;
} probe;

SEC("xdp")
int lookup_probe(struct xdp_md *ctx)
{
	__u64 random = probe.random * 6364136223846793005ull + 1442695040888963407ull;
	__u16 rev_nat_index = __builtin_bswap16(probe.first + ((random >> 48) * probe.services >> 16));
	__u32 id = 0;

	probe.random = random;
	if (select_backend(4, &rev_nat_index, random >> 16, &id))
		return XDP_ABORTED;
	probe.sum += id;
	return XDP_DROP;
}

char program_license[] SEC("license") = "Apache-2.0";
