// IPv6: addresses and ports rewritten.

static __always_inline void translate6(struct packet *packet, const struct flow6 *flow, const struct lb6_backend *backend)
{
	struct ipv6_header *ip = packet->network;
	__u64 replaced = replaced_address6(&ip->destination, &backend->address);

	rewrite_transport6(packet, flow, DESTINATION, backend->port, replaced);
}

static __always_inline int reply6(struct packet *packet, const struct flow6 *flow)
{
	struct ipv6_header *ip = packet->network;
	struct ct6_tuple key = {
		.destination = flow->client,
		.source = flow->frontend,
		.ports = { flow->ports.destination, flow->ports.source },
		.protocol = flow->facts->protocol,
		.flags = CT_OUT
	};
	struct ct_entry *entry = find_connection6(&key, 0);
	const struct lb6_reverse_nat *service;
	union ipv6_address address;
	__u16 rev_nat_index;
	__u64 replaced;

	if (!entry)
		return PASSED_NO_FRONTEND;
	rev_nat_index = entry->rev_nat_index;
	service = bpf_map_lookup_elem(&cilium_lb6_reverse_nat, &rev_nat_index);
	if (!service)
		return PASSED_NO_FRONTEND;
	connection_seen6(entry, flow, CT_RX_CLOSING);
	address = service->address;
	replaced = replaced_address6(&ip->source, &address);
	rewrite_transport6(packet, flow, SOURCE, service->port, replaced);
	swap_macs(packet->ethernet);
	return FORWARDED_REPLY;
}

// As for IPv4; the checksum of ICMPv6 covers the outer addresses too.
static __always_inline int relay6(struct packet *packet, const struct flow6 *flow, const struct lb6_backend *backend)
{
	struct ipv6_header *ip = packet->network;
	struct icmp_header *icmp = transport_header6(packet, flow);
	struct ipv6_header *inside = (void *)(icmp + 1);
	struct ports *ports = (void *)(inside + 1);
	__u64 replaced;

	if ((void *)(ports + 1) > packet->end)
		return DROPPED_TRUNCATED;
	replaced = replaced16(ports->source, backend->port);
	ports->source = backend->port;
	replaced += replaced_address6(&inside->source, &backend->address);
	replaced += replaced_address6(&ip->destination, &backend->address);
	icmp->check = update_checksum(icmp->check, replaced);
	swap_macs(packet->ethernet);
	return FORWARDED_ICMP_ERROR;
}
