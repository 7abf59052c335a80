// The transport header: reading it, and replacing a port and the checksum over it. Included for each family (family.h).

// @returns whether the whole header of the packet's protocol is there
static __always_inline int OF(read_transport)(struct packet *packet, void *header, struct ports *into)
{
	const struct ports *ports = header;

	if (packet->protocol == PROTOCOL_TCP) {
		const struct tcp_header *tcp = header;

		if ((void *)(tcp + 1) > packet->end)
			return 0;
		packet->tcp_flags = tcp->flags;
	} else if (packet->protocol == PROTOCOL_UDP) {
		if (header + sizeof(struct udp_header) > packet->end)
			return 0;
	} else if (header + sizeof(struct sctp_header) > packet->end) {
		return 0;
	}
	*into = *ports;
	return 1;
}

// @param replaced what the addresses' change adds to checksums over them
static __always_inline void OF(rewrite_transport)(
	const struct packet *packet, const struct OF(flow) *flow, enum end end, be16 port, __u64 replaced)
{
	be16 before = end == SOURCE ? flow->ports.source : flow->ports.destination;
	__u32 at = end == SOURCE ? offsetof(struct ports, source) : offsetof(struct ports, destination);
	__u8 protocol = flow->facts->protocol;
	void *header;

	if (flow->facts->shape == SHAPE_WITHOUT_TRANSPORT)
		return;
	header = OF(transport_header)(packet, flow);
	replaced += replaced16(before, port);
	if (protocol == PROTOCOL_TCP) {
		struct tcp_header *tcp = header;

		if ((void *)(tcp + 1) > packet->end)
			return;
		*(be16 *)(header + at) = port;
		tcp->check = update_checksum(tcp->check, replaced);
	} else if (protocol == PROTOCOL_UDP) {
		struct udp_header *udp = header;

		if ((void *)(udp + 1) > packet->end)
			return;
		*(be16 *)(header + at) = port;
		update_udp_checksum(&udp->check, replaced);
	} else {
		struct sctp_header *sctp = header;

		if ((void *)(sctp + 1) > packet->end)
			return;
		*(be16 *)(header + at) = port;
		if (before != port)
			sctp->check ^= sctp_difference(before ^ port, OF(transport_bytes)(packet, flow) - at - sizeof(port));
	}
}
