// What can become of a packet, one line each: the index of its counter in cilium_metrics, and the verdict that goes with it.
// reasons.ts says the same for TypeScript, with Cilium's drop codes and words; a test keeps the two equal.
// The order is part of the interface: forwarded first, then what is passed on, then what is dropped.

#pragma once

enum outcome {
	FORWARDED_IPV4,			// to a backend
	FORWARDED_IPV6,
	FORWARDED_ICMP_ERROR,		// about a packet of a service, to the backend that sent it
	FORWARDED_REPLY,		// of a backend, to the client under the service's address
	FORWARDED_ECHO,			// an echo request to a virtual address, answered

	PASSED_NOT_IP,			// neither IPv4 nor IPv6 below at most one VLAN tag
	PASSED_PROTOCOL,		// IP, but nothing that is balanced
	PASSED_NO_FRONTEND,		// nobody's service address
	PASSED_PROXY,			// a service whose packets go to a proxy of this node

	DROPPED_TRUNCATED,		// a header ends beyond the packet
	DROPPED_BAD_HEADER,		// the version or length field contradicts itself
	DROPPED_FRAGMENT,		// fragments are not tracked
	DROPPED_FRAGMENT_UNKNOWN,	// the datagram's first fragment has not been seen
	DROPPED_EXTENSION_HEADER,	// too many or too long, or one that says that nothing follows
	DROPPED_UNKNOWN_PORT,		// a service's address, but none of its ports: the wildcard entry
	DROPPED_SOURCE_RANGE,		// the service is not for this client
	DROPPED_NOT_ROUTABLE,		// a ClusterIP, from outside
	DROPPED_NO_BACKEND,		// a frontend with a count of 0
	DROPPED_NO_TABLE,		// the outer map has no entry for the frontend
	DROPPED_NO_TABLE_ENTRY,		// the inner map has none at the flow's index
	DROPPED_NO_SLOT,		// the services map has none at the slot drawn
	DROPPED_BACKEND_ID_ZERO,
	DROPPED_BACKEND_MISSING,	// the table or slot names a backend which is gone
	DROPPED_CT_FULL,		// the connection cannot be remembered
	DROPPED_OPTIONS_FULL,		// no room in the header to tell the backend whom it answers for
	DROPPED_NO_HEADROOM,		// no room in front of the packet

	OUTCOMES
};

static __always_inline int verdict_of(__u32 outcome)
{
	if (outcome <= FORWARDED_ECHO)
		return XDP_TX;
	if (outcome <= PASSED_PROXY)
		return XDP_PASS;
	return XDP_DROP;
}
