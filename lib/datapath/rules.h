// What the entries of the services map say, and how connections age: rules that know no address family.

#pragma once

#include "maps.h"
#include "config.h"

static __always_inline int is_balanced(__u8 protocol)
{
	return protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP || protocol == PROTOCOL_SCTP;
}

#define SERVICE_AFFINITY 16		// of lb_service.flags (flags.ts has them all)
#define SERVICE_ROUTABLE 64
#define SERVICE_SOURCE_RANGE 128
#define SERVICE2_L7 4			// of lb_service.flags2
#define SERVICE2_TWO_SCOPES 32
#define SERVICE2_RANGES_DENY 64
#define SERVICE2_DIRECT_RETURN 128

// The first word of a frontend
#define ALGORITHM_SHIFT 24
#define ALGORITHM_RANDOM 1
#define AFFINITY_SECONDS 0xffffff

#define BACKEND_ACTIVE 0

#define NANOSECONDS 1000000000

static __always_inline int is_random(const struct lb_service *service)
{
	__u32 selection = lb_selection;
	__u32 said;

	if (selection == SELECT_MAGLEV)
		return 0;
	if (selection == SELECT_RANDOM)
		return 1;
	said = service->backend_id >> ALGORITHM_SHIFT;
	return said ? said == ALGORITHM_RANDOM : selection == SELECT_RANDOM_OR_SAID;
}

// Whether backends answer clients by themselves
static __always_inline int returns_directly(const struct lb_service *service, __u8 protocol)
{
	__u32 forwarding = lb_forwarding;

	if (forwarding == FORWARD_TRANSLATED)
		return 0;
	if (forwarding == FORWARD_HYBRID)
		return protocol == PROTOCOL_TCP;
	return forwarding == FORWARD_DIRECT_RETURN || service->flags2 & SERVICE2_DIRECT_RETURN;
}

static __always_inline __u32 clock_seconds(void)
{
	return bpf_ktime_get_ns() / NANOSECONDS;
}

// A packet of a connection: counted, and its end put off. A connection that closes is not kept alive by what comes after.
static __always_inline void connection_seen(struct ct_entry *entry, __u8 protocol, __u8 tcp_flags, __u16 bytes, __u16 closing)
{
	__u32 timeout = ct_timeout_any;

	entry->packets++;
	entry->bytes += bytes;
	if (protocol == PROTOCOL_TCP) {
		if (closing == CT_TX_CLOSING)
			entry->tx_flags_seen |= tcp_flags;
		else
			entry->rx_flags_seen |= tcp_flags;
		if (!(tcp_flags & TCP_SYN))
			entry->flags |= CT_SEEN_NON_SYN;
		if (tcp_flags & (TCP_FIN | TCP_RST))
			entry->flags |= closing;
		else if (entry->flags & (CT_RX_CLOSING | CT_TX_CLOSING))
			return;
		if (entry->flags & (CT_RX_CLOSING | CT_TX_CLOSING))
			timeout = ct_timeout_closing;
		else
			timeout = entry->flags & CT_SEEN_NON_SYN ? ct_timeout_tcp : ct_timeout_syn;
	}
	entry->lifetime = clock_seconds() + timeout;
}
