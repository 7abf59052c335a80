// What can become of a packet, one line each: the index of its counter in cilium_metrics, and the verdict that goes with it.
// reasons.ts says the same for TypeScript, with Cilium's drop codes and words; a test keeps the two equal.
// The order is part of the interface: forwarded first, then what is passed on, then what is dropped.

#pragma once

enum outcome {
	FORWARDED_IPV4,
	FORWARDED_IPV6,

	PASSED_NOT_IP,			// neither IPv4 nor IPv6 below at most one VLAN tag
	PASSED_PROTOCOL,	// IP, but neither TCP nor UDP
	PASSED_NO_FRONTEND,		// nobody's service address

	DROPPED_TRUNCATED,		// a header ends beyond the packet
	DROPPED_BAD_HEADER,		// the version or length field contradicts itself
	DROPPED_FRAGMENT,
	DROPPED_EXTENSION_HEADER,	// IPv6 extension headers are not walked
	DROPPED_UNKNOWN_PORT,		// a service's address, but none of its ports: the wildcard entry
	DROPPED_NO_BACKEND,		// a frontend with a count of 0
	DROPPED_NO_TABLE,		// the outer map has no entry for the frontend
	DROPPED_NO_TABLE_ENTRY,		// the inner map has none at the flow's index
	DROPPED_BACKEND_ID_ZERO,
	DROPPED_BACKEND_MISSING,	// the table names a backend which is gone

	OUTCOMES
};

static __always_inline int verdict_of(__u32 outcome)
{
	if (outcome <= FORWARDED_IPV6)
		return XDP_TX;
	if (outcome <= PASSED_NO_FRONTEND)
		return XDP_PASS;
	return XDP_DROP;
}
