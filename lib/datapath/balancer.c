// A layer-4 load balancer as an XDP program: what Cilium's does with packets to services, from outside or from the
// node's own pods (config.h), on Cilium's maps.
//
//   Ethernet, at most one VLAN tag -> IPv4 or IPv6 -> TCP, UDP, SCTP or an ICMP error about one of them
//   -> frontend (address, port, protocol) -> source range, connection, session affinity
//   -> Maglev table of its revNAT id -> table[hash % M], or a random slot -> backend
//   -> destination address and port rewritten, or the packet wrapped for the backend; MAC addresses swapped, sent back out (XDP_TX)
//
// and the answers of backends, if connections are remembered: source address and port rewritten to the service's.
//
// Every packet ends in exactly one outcome (outcomes.h), which is counted and decides the verdict. As in Cilium, what is
// nobody's service passes on to the host; what is a service but has no backend to offer is dropped.
//
// Chosen here, where a whole Cilium does more: the MAC addresses are swapped, because there is no route lookup and the
// next hop known to work is the one that sent the packet; TTL and hop limit stay for the same reason. The client's address stays
// too, also where Cilium would put the node's: answers come back because they are routed through here. The whole TCP, UDP or
// SCTP header must be there, not only the ports.

#include <stddef.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "outcomes.h"
#include "packet.h"
#include "maps.h"
#include "config.h"
#include "rules.h"
#include "hash.h"
#include "checksum.h"
#include "layout.h"
#include "translate.h"
#include "direct-return.h"

#define FAMILY 4
#include "family.h"
#include "service.h"
#include "fragments.h"
#include "ipv4-rewrite.h"
#include "forward.h"
#include "ipv4.h"
#undef FAMILY

#define FAMILY 6
#include "family.h"
#include "service.h"
#include "fragments.h"
#include "ipv6-rewrite.h"
#include "forward.h"
#include "ipv6.h"
#undef FAMILY

static __always_inline int balance(struct xdp_md *ctx)
{
	struct packet packet = {
		.ethernet = (void *)(long)ctx->data, .end = (void *)(long)ctx->data_end, .tcp_flags = TCP_ACK
	};
	be16 type;

	packet.network = packet.ethernet + 1;
	if (packet.network > packet.end)
		return DROPPED_TRUNCATED;
	type = packet.ethernet->type;
	if (is_vlan(type)) {
		struct vlan_tag *tag = packet.network;

		packet.network = tag + 1;
		if (packet.network > packet.end)
			return DROPPED_TRUNCATED;
		type = tag->type;
	}
	if (type == ETHERTYPE_IPV4)
		return balance_ipv4(ctx, &packet);
	if (type == ETHERTYPE_IPV6)
		return balance_ipv6(ctx, &packet);
	return PASSED_NOT_IP;
}

static __always_inline void count(wide_key outcome)
{
	__u64 *packets = bpf_map_lookup_elem(&cilium_metrics, &outcome);

	if (packets)
		(*packets)++;
}

SEC("xdp")
int balancer_xdp(struct xdp_md *ctx)
{
	__u32 outcome = balance(ctx);

	count(outcome);
	return verdict_of(outcome);
}

char program_license[] SEC("license") = "Apache-2.0";
