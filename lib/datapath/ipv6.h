// IPv6: reading past extension headers.

#define EXTENSIONS_MAX 4		// headers that are walked, as in Cilium

static __always_inline int is_same(const union ipv6_address *one, const union ipv6_address *other)
{
	return one->halves[0] == other->halves[0] && one->halves[1] == other->halves[1];
}

// @returns 0 with the flow, or the outcome that ends the packet
static __always_inline int read_error_ipv6(struct packet *packet, struct icmp_header *icmp, struct flow6 *flow)
{
	struct ipv6_header *ip = packet->network;
	struct ipv6_header *inside = (void *)(icmp + 1);
	struct ports *ports = (void *)(inside + 1);

	if ((void *)(ports + 1) > packet->end)
		return DROPPED_TRUNCATED;
	if (inside->version_and_class >> 4 != 6)
		return DROPPED_BAD_HEADER;
	if (!is_balanced(inside->next_header) || !is_same(&inside->source, &ip->destination))
		return PASSED_PROTOCOL;
	flow->client = inside->destination;
	flow->frontend = inside->source;
	flow->ports.source = ports->destination;
	flow->ports.destination = ports->source;
	note(flow->facts, inside->next_header, TCP_ACK, SHAPE_ERROR);
	return 0;
}

static __always_inline int answer_echo_ipv6(struct packet *packet, struct icmp_header *icmp)
{
	struct ipv6_header *ip = packet->network;
	union ipv6_address source = ip->source;

	ip->source = ip->destination;
	ip->destination = source;
	ip->hop_limit = FRESH_TTL;
	icmp->type = ICMPV6_ECHO_REPLY;
	icmp->check = update_checksum(icmp->check, replaced16(ICMPV6_ECHO, ICMPV6_ECHO_REPLY));
	swap_macs(packet->ethernet);
	return FORWARDED_ECHO;
}

// @returns 0 with the flow of an error, or the outcome that ends the packet
static __always_inline int read_icmpv6(struct packet *packet, struct icmp_header *icmp, struct flow6 *flow)
{
	struct ipv6_header *ip = packet->network;

	if ((void *)(icmp + 1) > packet->end)
		return DROPPED_TRUNCATED;
	if (icmp->type == ICMPV6_ECHO && icmp->code == 0 && is_virtual6(&ip->destination))
		return answer_echo_ipv6(packet, icmp);
	if (icmp->type >= ICMPV6_UNREACHABLE && icmp->type <= ICMPV6_PARAMETER_PROBLEM)
		return read_error_ipv6(packet, icmp, flow);
	return PASSED_PROTOCOL;
}

static __always_inline int is_extension(__u8 header)
{
	return header == PROTOCOL_HOP_BY_HOP || header == PROTOCOL_ROUTING || header == PROTOCOL_AUTHENTICATION ||
	       header == PROTOCOL_FRAGMENT || header == PROTOCOL_NO_NEXT_HEADER || header == PROTOCOL_DESTINATION_OPTIONS;
}

struct fragment {
	be32 id;
	be16 offset;			// and the flag of more to come; 0: the packet is whole
	__u8 protocol;
};

// Sets the packet's protocol and where its header is. @returns 0, or the outcome that ends the packet
static __always_inline int walk_extensions(struct packet *packet, struct flow6 *flow, struct fragment *fragment)
{
#pragma unroll
	for (int walked = 0; walked < EXTENSIONS_MAX; walked++) {
		const struct extension_header *header = transport_header6(packet, flow);
		__u32 bytes;

		if (packet->protocol == PROTOCOL_NO_NEXT_HEADER)
			return DROPPED_EXTENSION_HEADER;
		if ((void *)header + 8 > packet->end)
			return DROPPED_TRUNCATED;
		bytes = (header->length + 1) * 8;
		if (packet->protocol == PROTOCOL_AUTHENTICATION)
			bytes = (header->length + 2) * 4;
		if (packet->protocol == PROTOCOL_FRAGMENT) {
			const struct fragment_header *part = (const void *)header;

			bytes = sizeof(*part);
			fragment->id = part->id;
			fragment->offset = part->offset & (IPV6_FRAGMENT_OFFSET | IPV6_MORE_FRAGMENTS);
			fragment->protocol = part->next_header;
		}
		packet->protocol = header->next_header;
		bytes += flow->facts->offset;
		if (bytes > HEADER_BYTES_MAX)
			return DROPPED_EXTENSION_HEADER;
		flow->facts->offset = bytes;
		if (!is_extension(packet->protocol) || fragment->offset & IPV6_FRAGMENT_OFFSET)
			return 0;
	}
	return DROPPED_EXTENSION_HEADER;
}

// @returns 0, or the outcome that ends the packet
static __always_inline int read_fragment_ipv6(struct packet *packet, struct flow6 *flow, const struct fragment *fragment)
{
	struct ipv6_header *ip = packet->network;
	struct fragment6_id id = {
		.destination = ip->destination, .source = ip->source, .id = fragment->id, .protocol = fragment->protocol
	};
	int is_first = !(fragment->offset & IPV6_FRAGMENT_OFFSET);

	// A checksum of SCTP covers all fragments, of which only one is at hand.
	if (!enable_fragments6 || packet->protocol == PROTOCOL_SCTP)
		return DROPPED_FRAGMENT;
	if (is_first && !read_transport6(packet, transport_header6(packet, flow), &flow->ports))
		return DROPPED_TRUNCATED;
	return track_fragment6(&id, &flow->ports, is_first);
}

// @returns 0 with the flow, or the outcome that ends the packet
static __always_inline int read_ipv6(struct packet *packet, struct flow6 *flow)
{
	struct ipv6_header *ip = packet->network;
	struct fragment fragment = {};
	__u8 shape = SHAPE_WHOLE;
	int failed;

	if ((void *)(ip + 1) > packet->end)
		return DROPPED_TRUNCATED;
	if (ip->version_and_class >> 4 != 6)
		return DROPPED_BAD_HEADER;
	packet->protocol = ip->next_header;
	flow->facts->offset = sizeof(*ip);
	keep_in_memory(flow->facts);
	if (is_extension(packet->protocol)) {
		failed = walk_extensions(packet, flow, &fragment);
		if (failed)
			return failed;
	}
	if (!is_balanced(packet->protocol)) {
		if (packet->protocol != PROTOCOL_ICMPV6 || fragment.offset)
			return PASSED_PROTOCOL;
		return read_icmpv6(packet, transport_header6(packet, flow), flow);
	}
	if (fragment.offset) {
		failed = read_fragment_ipv6(packet, flow, &fragment);
		if (failed)
			return failed;
		shape = fragment.offset & IPV6_FRAGMENT_OFFSET ? SHAPE_WITHOUT_TRANSPORT : SHAPE_WHOLE;
	} else if (!read_transport6(packet, transport_header6(packet, flow), &flow->ports)) {
		return DROPPED_TRUNCATED;
	}
	flow->client = ip->source;
	flow->frontend = ip->destination;
	note(flow->facts, packet->protocol, packet->tcp_flags, shape);
	return 0;
}

static __always_inline int balance_ipv6(struct xdp_md *ctx, struct packet *packet)
{
	volatile struct facts facts;
	struct flow6 flow = { .facts = &facts, .packet = packet };
	int outcome = read_ipv6(packet, &flow);

	return outcome ? outcome : forward6(ctx, packet, &flow);
}
