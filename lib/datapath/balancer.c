// A layer-4 load balancer as an XDP program: what Cilium's does with a new flow to a service, on Cilium's maps.
//
//   Ethernet, at most one VLAN tag -> IPv4 or IPv6 -> TCP or UDP
//   -> frontend (address, port, protocol) -> Maglev table of its revNAT id -> table[hash % M] -> backend
//   -> destination address and port rewritten, checksums updated, MAC addresses swapped, sent back out (XDP_TX)
//
// Every packet ends in exactly one outcome (outcomes.h), which is counted and decides the verdict. As in Cilium, what is
// nobody's service passes on to the host, also protocols other than TCP and UDP; what is a service but has no backend to
// offer is dropped; TCP and UDP fragments are dropped, since only the first carries ports.
//
// Chosen here, where a whole Cilium does more: the MAC addresses are swapped, because there is no route lookup and the
// next hop known to work is the one that sent the packet; TTL and hop limit stay for the same reason. IPv6 extension
// headers are not walked: a packet with one is dropped under Cilium's code for them. The whole TCP or UDP header must be
// there, not only the ports.

#include <stddef.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "outcomes.h"
#include "packet.h"
#include "maps.h"
#include "config.h"
#include "hash.h"
#include "checksum.h"
#include "layout.h"

struct frame {
	struct ethernet_header *ethernet;
	void *network;			// IPv4 or IPv6 header
	void *end;
};

struct transport {
	__u8 protocol;
	struct ports *ports;		// what a TCP and a UDP header begin with
	__u16 *check;
};

// @returns whether the whole TCP or UDP header is there
static __always_inline int find_transport(struct transport *transport, void *header, void *end, __u8 protocol)
{
	int is_tcp = protocol == PROTOCOL_TCP;

	if (header + (is_tcp ? sizeof(struct tcp_header) : sizeof(struct udp_header)) > end)
		return 0;
	transport->protocol = protocol;
	transport->ports = header;
	transport->check = header + (is_tcp ? offsetof(struct tcp_header, check) : offsetof(struct udp_header, check));
	return 1;
}

// A UDP checksum of 0 means that there is none: it stays so, and none that is computed may become 0.
static __always_inline void rewrite_transport(struct transport *transport, be16 port, __u64 replaced)
{
	__u16 check = *transport->check;

	replaced += replaced16(transport->ports->destination, port);
	transport->ports->destination = port;
	if (transport->protocol == PROTOCOL_UDP) {
		if (!check)
			return;
		check = update_checksum(check, replaced);
		*transport->check = check ? check : 0xffff;
	} else {
		*transport->check = update_checksum(check, replaced);
	}
}

static __always_inline void swap_addresses(struct ethernet_header *ethernet)
{
#pragma unroll
	for (int word = 0; word < 3; word++) {
		be16 destination = ethernet->destination[word];

		ethernet->destination[word] = ethernet->source[word];
		ethernet->source[word] = destination;
	}
}

static __always_inline int balance_ipv4(struct frame *frame)
{
	struct ipv4_header *ip = frame->network;
	struct transport transport;
	struct lb4_key key = {};
	struct lb_service *service;
	struct lb4_backend *backend;
	__u16 table;
	__u32 words, hash, id;
	__u64 replaced;
	int failed;

	if ((void *)(ip + 1) > frame->end)
		return DROPPED_TRUNCATED;
	words = ip->version_and_words & 0xf;
	if (ip->version_and_words >> 4 != 4 || words < 5)
		return DROPPED_BAD_HEADER;
	if (ip->protocol != PROTOCOL_TCP && ip->protocol != PROTOCOL_UDP)
		return PASSED_PROTOCOL;
	if (ip->fragment & IPV4_FRAGMENT_BITS)
		return DROPPED_FRAGMENT;
	if (!find_transport(&transport, (void *)ip + words * 4, frame->end, ip->protocol))
		return DROPPED_TRUNCATED;

	key.address = ip->destination;
	key.dport = transport.ports->destination;
	key.proto = transport.protocol;
	service = bpf_map_lookup_elem(&cilium_lb4_services_v2, &key);
	if (!service) {
		key.dport = 0;
		key.proto = 0;
		return bpf_map_lookup_elem(&cilium_lb4_services_v2, &key) ? DROPPED_UNKNOWN_PORT : PASSED_NO_FRONTEND;
	}
	if (!service->count)
		return DROPPED_NO_BACKEND;

	hash = hash_ipv4_flow(ip->source, ports_word(transport.ports), transport.protocol, hash_init4_seed);
	table = service->rev_nat_index;
	failed = select_backend(4, &table, hash, &id);
	if (failed)
		return failed;
	if (!id)
		return DROPPED_BACKEND_ID_ZERO;
	backend = bpf_map_lookup_elem(&cilium_lb4_backends_v3, &id);
	if (!backend)
		return DROPPED_BACKEND_MISSING;

	replaced = replaced32(ip->destination, backend->address);
	ip->destination = backend->address;
	ip->check = update_checksum(ip->check, replaced);
	rewrite_transport(&transport, backend->port, replaced);
	swap_addresses(frame->ethernet);
	return FORWARDED_IPV4;
}

static __always_inline int is_extension(__u8 header)
{
	return header == PROTOCOL_HOP_BY_HOP || header == PROTOCOL_ROUTING || header == PROTOCOL_AUTHENTICATION ||
	       header == PROTOCOL_NO_NEXT_HEADER || header == PROTOCOL_DESTINATION_OPTIONS;
}

static __always_inline int balance_ipv6(struct frame *frame)
{
	struct ipv6_header *ip = frame->network;
	struct transport transport;
	struct lb6_key key = {};
	struct lb_service *service;
	struct lb6_backend *backend;
	__u16 table;
	__u32 hash, id;
	__u64 replaced = 0;
	int failed;

	if ((void *)(ip + 1) > frame->end)
		return DROPPED_TRUNCATED;
	if (ip->version_and_class >> 4 != 6)
		return DROPPED_BAD_HEADER;
	if (ip->next_header != PROTOCOL_TCP && ip->next_header != PROTOCOL_UDP) {
		if (ip->next_header == PROTOCOL_FRAGMENT)
			return DROPPED_FRAGMENT;
		return is_extension(ip->next_header) ? DROPPED_EXTENSION_HEADER : PASSED_PROTOCOL;
	}
	if (!find_transport(&transport, ip + 1, frame->end, ip->next_header))
		return DROPPED_TRUNCATED;

	key.address = ip->destination;
	key.dport = transport.ports->destination;
	key.proto = transport.protocol;
	service = bpf_map_lookup_elem(&cilium_lb6_services_v2, &key);
	if (!service) {
		key.dport = 0;
		key.proto = 0;
		return bpf_map_lookup_elem(&cilium_lb6_services_v2, &key) ? DROPPED_UNKNOWN_PORT : PASSED_NO_FRONTEND;
	}
	if (!service->count)
		return DROPPED_NO_BACKEND;

	hash = hash_ipv6_flow(&ip->source, ports_word(transport.ports), transport.protocol, hash_init6_seed);
	table = service->rev_nat_index;
	failed = select_backend(6, &table, hash, &id);
	if (failed)
		return failed;
	if (!id)
		return DROPPED_BACKEND_ID_ZERO;
	backend = bpf_map_lookup_elem(&cilium_lb6_backends_v3, &id);
	if (!backend)
		return DROPPED_BACKEND_MISSING;

#pragma unroll
	for (int word = 0; word < 4; word++)
		replaced += replaced32(ip->destination.words[word], backend->address.words[word]);
	ip->destination = backend->address;
	rewrite_transport(&transport, backend->port, replaced);
	swap_addresses(frame->ethernet);
	return FORWARDED_IPV6;
}

static __always_inline int balance(void *data, void *end)
{
	struct frame frame = { .ethernet = data, .network = data + sizeof(struct ethernet_header), .end = end };
	be16 type;

	if (frame.network > end)
		return DROPPED_TRUNCATED;
	type = frame.ethernet->type;
	if (type == ETHERTYPE_VLAN || type == ETHERTYPE_SERVICE_VLAN) {
		struct vlan_tag *tag = frame.network;

		frame.network = tag + 1;
		if (frame.network > end)
			return DROPPED_TRUNCATED;
		type = tag->type;
	}
	if (type == ETHERTYPE_IPV4)
		return balance_ipv4(&frame);
	if (type == ETHERTYPE_IPV6)
		return balance_ipv6(&frame);
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
	__u32 outcome = balance((void *)(long)ctx->data, (void *)(long)ctx->data_end);

	count(outcome);
	return verdict_of(outcome);
}

char program_license[] SEC("license") = "Apache-2.0";
