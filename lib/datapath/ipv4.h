// IPv4: reading, looking up, rewriting.

static __always_inline void translate_ipv4(struct packet *packet, const struct flow4 *flow, const struct lb4_backend *backend)
{
	struct ipv4_header *ip = packet->network;
	__u64 replaced = replaced_address4(&ip->destination, backend->address);

	ip->check = update_checksum(ip->check, replaced);
	rewrite_transport4(packet, flow, DESTINATION, backend->port, replaced);
}

// An answer of a backend leaves under the service's address.
static __always_inline int reply_ipv4(struct packet *packet, const struct flow4 *flow)
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
static __always_inline int relay_ipv4(struct packet *packet, const struct lb4_backend *backend)
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

// @param flow of the packet, or of the one that it is about
static __always_inline int forward_ipv4(struct xdp_md *ctx, struct packet *packet, const struct flow4 *flow)
{
	struct lb4_key key = {};
	const struct lb_service *service = find_service4(&key, flow);
	const struct lb4_backend *backend;
	int failed;

	if (!service) {
		if (flow->facts->shape == SHAPE_ERROR)
			return PASSED_PROTOCOL;
		if (is_virtual4(&flow->frontend))
			return DROPPED_UNKNOWN_PORT;
		return enable_conntrack ? reply_ipv4(packet, flow) : PASSED_NO_FRONTEND;
	}
	failed = find_backend4(flow, &key, service, &backend);
	if (failed)
		return failed;
	if (!returns_directly(service, flow->facts->protocol)) {
		if (flow->facts->shape == SHAPE_ERROR)
			return relay_ipv4(packet, backend);
		translate_ipv4(packet, flow, backend);
		swap_macs(packet->ethernet);
		return FORWARDED_IPV4;
	}
	if (lb_dispatch == DISPATCH_IPIP)
		return wrap_ipv4(ctx, packet, backend->address);
	if (flow->facts->shape == SHAPE_ERROR)
		return relay_ipv4(packet, backend);
	translate_ipv4(packet, flow, backend);
	if (is_told(flow->facts->protocol, flow->facts->tcp_flags))
		return tell_ipv4(ctx, packet, flow->frontend, flow->ports.destination);
	swap_macs(packet->ethernet);
	return FORWARDED_IPV4;
}

// Routers and receivers report trouble to the address they saw: the service's. The report is about the flow of the packet inside it, and
// goes where that flow goes. @returns 0 with the flow, or the outcome that ends the packet
static __always_inline int read_error_ipv4(struct packet *packet, struct icmp_header *icmp, struct flow4 *flow)
{
	struct ipv4_header *ip = packet->network;
	struct ipv4_header *inside = (void *)(icmp + 1);
	struct ports *ports;
	__u32 words;

	if ((void *)(inside + 1) > packet->end)
		return DROPPED_TRUNCATED;
	words = inside->version_and_words & 0xf;
	if (inside->version_and_words >> 4 != 4 || words < 5)
		return DROPPED_BAD_HEADER;
	if (!is_balanced(inside->protocol) || inside->fragment & IPV4_FRAGMENT_OFFSET || inside->source != ip->destination)
		return PASSED_PROTOCOL;
	ports = (void *)inside + words * 4;
	if ((void *)(ports + 1) > packet->end)
		return DROPPED_TRUNCATED;
	flow->client = inside->destination;
	flow->frontend = inside->source;
	flow->ports.source = ports->destination;
	flow->ports.destination = ports->source;
	note(flow->facts, inside->protocol, TCP_ACK, SHAPE_ERROR);
	return 0;
}

static __always_inline int answer_echo(struct packet *packet, struct icmp_header *icmp)
{
	struct ipv4_header *ip = packet->network;
	be32 source = ip->source;
	__u8 ttl = ip->ttl;

	ip->source = ip->destination;
	ip->destination = source;
	ip->ttl = FRESH_TTL;
	ip->check = update_checksum(ip->check, replaced16(ttl, FRESH_TTL));
	icmp->type = ICMP_ECHO_REPLY;
	icmp->check = update_checksum(icmp->check, replaced16(ICMP_ECHO, ICMP_ECHO_REPLY));
	swap_macs(packet->ethernet);
	return FORWARDED_ECHO;
}

// @returns 0 with the flow of an error, or the outcome that ends the packet
static __always_inline int read_icmp(struct packet *packet, struct icmp_header *icmp, struct flow4 *flow)
{
	struct ipv4_header *ip = packet->network;

	if ((void *)(icmp + 1) > packet->end)
		return DROPPED_TRUNCATED;
	if (icmp->type == ICMP_ECHO && icmp->code == 0 && is_virtual4(&ip->destination))
		return answer_echo(packet, icmp);
	if (icmp->type == ICMP_UNREACHABLE || icmp->type == ICMP_TIME_EXCEEDED || icmp->type == ICMP_PARAMETER_PROBLEM)
		return read_error_ipv4(packet, icmp, flow);
	return PASSED_PROTOCOL;
}

// @param header where the transport header would be. @returns 0, or the outcome that ends the packet
static __always_inline int read_fragment_ipv4(struct packet *packet, void *header, struct ports *ports)
{
	struct ipv4_header *ip = packet->network;
	struct fragment4_id id = {
		.destination = ip->destination, .source = ip->source, .id = ip->id, .protocol = ip->protocol
	};
	int is_first = !(ip->fragment & IPV4_FRAGMENT_OFFSET);

	// A checksum of SCTP covers all fragments, of which only one is at hand.
	if (!enable_fragments4 || packet->protocol == PROTOCOL_SCTP)
		return DROPPED_FRAGMENT;
	if (is_first && !read_transport4(packet, header, ports))
		return DROPPED_TRUNCATED;
	return track_fragment4(&id, ports, is_first);
}

// @returns 0 with the flow, or the outcome that ends the packet
static __always_inline int read_ipv4(struct packet *packet, struct flow4 *flow)
{
	struct ipv4_header *ip = packet->network;
	__u8 shape = SHAPE_WHOLE;
	__u32 words;
	void *header;
	int failed;

	if ((void *)(ip + 1) > packet->end)
		return DROPPED_TRUNCATED;
	words = ip->version_and_words & 0xf;
	if (ip->version_and_words >> 4 != 4 || words < 5)
		return DROPPED_BAD_HEADER;
	packet->protocol = ip->protocol;
	header = (void *)ip + words * 4;
	if (!is_balanced(ip->protocol))
		return ip->protocol != PROTOCOL_ICMP || ip->fragment & IPV4_FRAGMENT_BITS ? PASSED_PROTOCOL : read_icmp(packet, header, flow);
	if (ip->fragment & IPV4_FRAGMENT_BITS) {
		failed = read_fragment_ipv4(packet, header, &flow->ports);
		if (failed)
			return failed;
		shape = ip->fragment & IPV4_FRAGMENT_OFFSET ? SHAPE_WITHOUT_TRANSPORT : SHAPE_WHOLE;
	} else if (!read_transport4(packet, header, &flow->ports)) {
		return DROPPED_TRUNCATED;
	}
	flow->client = ip->source;
	flow->frontend = ip->destination;
	note(flow->facts, packet->protocol, packet->tcp_flags, shape);
	return 0;
}

static __always_inline int balance_ipv4(struct xdp_md *ctx, struct packet *packet)
{
	volatile struct facts facts;
	struct flow4 flow = { .facts = &facts, .packet = packet };
	int outcome = read_ipv4(packet, &flow);

	return outcome ? outcome : forward_ipv4(ctx, packet, &flow);
}
