// IPv4: reading.

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

	return outcome ? outcome : forward4(ctx, packet, &flow);
}
