// Load-time constants, in .rodata: the loader writes a node's own values over these defaults. Their offsets are those of
// structs.ts, in this order. What is switched off here, the verifier takes out of the program: only the reading of the switch
// stays, two instructions.

#pragma once

#include "maps.h"

volatile const __u32 hash_init4_seed = 1910299206;
volatile const __u32 hash_init6_seed = 2454738568;
volatile const __u32 lb_maglev_lut_size = DEFAULT_TABLE_SIZE;	// M, where one M is for all services

enum selection {
	SELECT_MAGLEV,
	SELECT_RANDOM,
	SELECT_MAGLEV_OR_SAID,		// a service's own algorithm goes first
	SELECT_RANDOM_OR_SAID,
};

volatile const __u32 lb_selection = SELECT_MAGLEV;

enum release {
	RELEASE_SINCE_1_17,
	RELEASE_UP_TO_1_16,		// keys of services without protocol; flows hashed with the source port first, with affinity too
};

volatile const __u32 lb_release = RELEASE_SINCE_1_17;
volatile const __u32 lb_half_table = 0;		// the reader of 1.9.0 to 1.9.6 (half-table.h)

volatile const __u32 enable_fragments4 = 1;
volatile const __u32 enable_fragments6 = 1;
volatile const __u32 enable_conntrack = 0;

enum forwarding {
	FORWARD_TRANSLATED,		// the destination is replaced, answers come back this way
	FORWARD_DIRECT_RETURN,		// the backend is told whom it answers for
	FORWARD_HYBRID,			// TCP with direct return
	FORWARD_AS_SAID,		// the service's own flag decides
};

volatile const __u32 lb_forwarding = FORWARD_TRANSLATED;

enum dispatch {
	DISPATCH_OPTION,		// how a backend is told: an IPv4 option, an IPv6 destination option
	DISPATCH_IPIP,			// the packet inside another one
};

volatile const __u32 lb_dispatch = DISPATCH_OPTION;

// Whose packets these are: 0: they come from outside the cluster, 1: from a pod of this node. As in Cilium pods have a program of their
// own, whose selection is random, as most of what they use are ClusterIPs without a table, and which never asks for direct return.
volatile const __u32 lb_east_west = 0;

// Seconds that a connection is remembered after its last packet
volatile const __u32 ct_timeout_tcp = 8000;
volatile const __u32 ct_timeout_syn = 60;	// nothing but SYN seen yet
volatile const __u32 ct_timeout_closing = 60;	// after FIN or RST
volatile const __u32 ct_timeout_any = 60;	// other than TCP

// Source of what DISPATCH_IPIP puts around; 0: the service's address
volatile const be32 direct_routing_ipv4 = 0;
volatile const be32 direct_routing_ipv6[4] = {};
