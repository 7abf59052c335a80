// IPv4: addresses and ports rewritten.

static __always_inline void translate4(struct packet *packet, const struct flow4 *flow, const struct lb4_backend *backend)
{
	struct ipv4_header *ip = packet->network;
	__u64 replaced = replaced_address4(&ip->destination, backend->address);

	ip->check = update_checksum(ip->check, replaced);
	rewrite_transport4(packet, flow, DESTINATION, backend->port, replaced);
}

// An answer of a backend leaves under the service's address.
static __always_inline int reply4(struct packet *packet, const struct flow4 *flow)
{
	struct ipv4_header *ip = packet->network;
	struct ct4_tuple key = {
		.destination = flow->client,
		.source = flow->frontend,
		.ports = { flow->ports.destination, flow->ports.source },
		.protocol = flow->facts->protocol,
		.flags = CT_OUT
	};
	struct ct_entry *entry = find_connection4(&key, 0);
	const struct lb4_reverse_nat *service;
	__u16 rev_nat_index;
	__u64 replaced;

	if (!entry)
		return PASSED_NO_FRONTEND;
	rev_nat_index = entry->rev_nat_index;
	service = bpf_map_lookup_elem(&cilium_lb4_reverse_nat, &rev_nat_index);
	if (!service)
		return PASSED_NO_FRONTEND;
	connection_seen4(entry, flow, CT_RX_CLOSING);
	replaced = replaced_address4(&ip->source, service->address);
	ip->check = update_checksum(ip->check, replaced);
	rewrite_transport4(packet, flow, SOURCE, service->port, replaced);
	swap_macs(packet->ethernet);
	return FORWARDED_REPLY;
}

// The checksum of the packet inside is left alone: often it is cut off, and nobody checks it.
static __always_inline int relay4(struct packet *packet, const struct flow4 *flow, const struct lb4_backend *backend)
{
	struct ipv4_header *ip = packet->network;
	struct icmp_header *icmp = behind_ipv4(ip);
	struct ipv4_header *inside = (void *)(icmp + 1);
	struct ports *ports;
	__u64 replaced;

	if ((void *)(inside + 1) > packet->end)
		return DROPPED_TRUNCATED;
	ports = behind_ipv4(inside);
	if ((void *)(ports + 1) > packet->end)
		return DROPPED_TRUNCATED;
	// Inside, the address and the checksum of its header even out in the sum over all of it.
	icmp->check = update_checksum(icmp->check, replaced16(ports->source, backend->port));
	ports->source = backend->port;
	replaced = replaced_address4(&inside->source, backend->address);
	inside->check = update_checksum(inside->check, replaced);
	ip->destination = backend->address;
	ip->check = update_checksum(ip->check, replaced);
	swap_macs(packet->ethernet);
	return FORWARDED_ICMP_ERROR;
}
