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

#define SCOPE_EXTERNAL 0		// of lb4_key.scope, lb6_key.scope
#define SCOPE_INTERNAL 1		// for a node's own pods, where they get other backends than those outside

struct lb4_key {
	be32 address;
	be16 dport;
	__u16 backend_slot;		// 0: the frontend itself
	__u8 proto;			// 0 with dport 0: any, the wildcard entry; 0 before 1.17
	__u8 scope;
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

// Answers to the client are translated back with these two.
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

struct lb4_affinity_key {
	be32 client;
	__u32 client_upper;		// of a cookie, where there is one instead of an address
	__u16 rev_nat_index;		// network order
	__u8 netns_cookie;
	__u8 pad[5];
};

struct lb6_affinity_key {
	union ipv6_address client;
	__u16 rev_nat_index;		// network order
	__u8 netns_cookie;
	__u8 pad[5];
};

struct lb_affinity_value {
	__u64 last_used;		// ns
	__u32 backend_id;
	__u32 pad;
};

// Which backends a service's clients may stay with: the agent's entries
struct lb_affinity_match {
	__u32 backend_id;
	__u16 rev_nat_index;		// network order
	__u16 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct lb4_affinity_key);
	__type(value, struct lb_affinity_value);
	__uint(max_entries, DEFAULT_MAP_SIZE);
} cilium_lb4_affinity SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct lb6_affinity_key);
	__type(value, struct lb_affinity_value);
	__uint(max_entries, DEFAULT_MAP_SIZE);
} cilium_lb6_affinity SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct lb_affinity_match);
	__type(value, __u8);
	__uint(max_entries, DEFAULT_MAP_SIZE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} cilium_lb_affinity_match SEC(".maps");

// A prefix of clients of a service: the bits of everything behind prefix_bits count.
struct lb4_range_key {
	__u32 prefix_bits;
	__u16 rev_nat_index;		// network order
	__u16 pad;
	be32 address;
};

struct lb6_range_key {
	__u32 prefix_bits;
	__u16 rev_nat_index;		// network order
	__u16 pad;
	union ipv6_address address;
} __attribute__((packed, aligned(4)));

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__type(key, struct lb4_range_key);
	__type(value, __u8);
	__uint(max_entries, DEFAULT_MAP_SIZE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} cilium_lb4_source_range SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__type(key, struct lb6_range_key);
	__type(value, __u8);
	__uint(max_entries, DEFAULT_MAP_SIZE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} cilium_lb6_source_range SEC(".maps");

// Connections, as Cilium keys them: addresses as in the packet, and each port under the other's name.
struct ct4_tuple {
	be32 destination;
	be32 source;
	struct ports ports;
	__u8 protocol;
	__u8 flags;
} __attribute__((packed, aligned(2)));

struct ct6_tuple {
	union ipv6_address destination;
	union ipv6_address source;
	struct ports ports;
	__u8 protocol;
	__u8 flags;
} __attribute__((packed, aligned(2)));

#define CT_OUT 0			// to a backend; answers are found under it
#define CT_SERVICE 4			// to a service

struct ct_entry {
	__u64 reserved;
	__u64 backend_id;		// of CT_SERVICE
	__u64 packets;
	__u64 bytes;
	__u32 lifetime;			// seconds of the clock at which it ends
	__u16 flags;
	__u16 rev_nat_index;		// network order
	__u16 nat_port;
	__u8 tx_flags_seen;		// of TCP, both
	__u8 rx_flags_seen;
	__u32 source_identity;
	__u32 last_tx_report;
	__u32 last_rx_report;
};

#define CT_RX_CLOSING 1
#define CT_TX_CLOSING 2
#define CT_SEEN_NON_SYN 16

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct ct4_tuple);
	__type(value, struct ct_entry);
	__uint(max_entries, DEFAULT_MAP_SIZE);
} cilium_ct4_global SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct ct6_tuple);
	__type(value, struct ct_entry);
	__uint(max_entries, DEFAULT_MAP_SIZE);
} cilium_ct6_global SEC(".maps");

// The ports of a datagram whose first fragment has passed, for those that follow
struct fragment4_id {
	be32 destination;
	be32 source;
	be16 id;
	__u8 protocol;
	__u8 pad;
};

struct fragment6_id {
	union ipv6_address destination;
	union ipv6_address source;
	be32 id;
	__u8 protocol;
	__u8 pad[3];
};

#define FRAGMENT_MAP_SIZE 8192

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct fragment4_id);
	__type(value, struct ports);
	__uint(max_entries, FRAGMENT_MAP_SIZE);
} cilium_ipv4_frag_datagrams SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct fragment6_id);
	__type(value, struct ports);
	__uint(max_entries, FRAGMENT_MAP_SIZE);
} cilium_ipv6_frag_datagrams SEC(".maps");

// One packet counter per outcome and CPU. Cilium's map of this name is a per-CPU hash over reason, direction and source
// line; an array over the outcomes keeps one step per index and costs the path less.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, OUTCOMES);
} cilium_metrics SEC(".maps");
