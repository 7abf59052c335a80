// Cilium's load-balancer maps, 1.17 and later: names, kinds, keys and values (the layouts are drawn in structs.ts).
// Sizes here are those an object loads with by itself; the loader writes each node's own max_entries, flags and table size
// into the specs before it creates the maps.

#pragma once

#include "packet.h"

#define DEFAULT_MAP_SIZE 65536
#define DEFAULT_TABLE_SIZE 16381

// The key of an array, in a variable wider than the four bytes the kernel reads (the low ones). Since 6.14 its verifier
// sees from a constant of exactly four bytes that the element exists, and removes the check for its absence. It sees less in
// a wider one, so the program keeps its shape on every kernel and its cost can be compared between them.
typedef __u64 wide_key;

struct lb4_key {
	be32 address;
	be16 dport;
	__u16 backend_slot;		// 0: the frontend itself
	__u8 proto;			// 0 with dport 0: any, the wildcard entry
	__u8 scope;			// 0: external
	__u8 pad[2];
};

struct lb6_key {
	union ipv6_address address;
	be16 dport;
	__u16 backend_slot;
	__u8 proto;
	__u8 scope;
	__u8 pad[2];
};

struct lb_service {
	__u32 backend_id;		// of the frontend: algorithm and affinity timeout
	__u16 count;
	__u16 rev_nat_index;		// network order
	__u8 flags;
	__u8 flags2;
	__u16 qcount;
};

struct lb4_backend {
	be32 address;
	be16 port;
	__u8 proto;
	__u8 flags;
	__u16 cluster_id;
	__u8 zone;
	__u8 pad;
};

struct lb6_backend {
	union ipv6_address address;
	be16 port;
	__u8 proto;
	__u8 flags;
	__u16 cluster_id;
	__u8 zone;
	__u8 pad;
};

struct lb4_reverse_nat {
	be32 address;
	be16 port;
} __attribute__((packed));

struct lb6_reverse_nat {
	union ipv6_address address;
	be16 port;
} __attribute__((packed));

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct lb4_key);
	__type(value, struct lb_service);
	__uint(max_entries, DEFAULT_MAP_SIZE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} cilium_lb4_services_v2 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct lb6_key);
	__type(value, struct lb_service);
	__uint(max_entries, DEFAULT_MAP_SIZE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} cilium_lb6_services_v2 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, struct lb4_backend);
	__uint(max_entries, DEFAULT_MAP_SIZE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} cilium_lb4_backends_v3 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, struct lb6_backend);
	__uint(max_entries, DEFAULT_MAP_SIZE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} cilium_lb6_backends_v3 SEC(".maps");

// Answers to the client would be translated back with these two; this program sees requests only, and the maps belong to
// what a node holds.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u16);
	__type(value, struct lb4_reverse_nat);
	__uint(max_entries, DEFAULT_MAP_SIZE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} cilium_lb4_reverse_nat SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u16);
	__type(value, struct lb6_reverse_nat);
	__uint(max_entries, DEFAULT_MAP_SIZE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} cilium_lb6_reverse_nat SEC(".maps");

// One packet counter per outcome and CPU. Cilium's map of this name is a per-CPU hash over reason, direction and source
// line; an array over the outcomes keeps one step per index and costs the path less.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, OUTCOMES);
} cilium_metrics SEC(".maps");
