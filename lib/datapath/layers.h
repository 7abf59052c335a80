// Where things are in a packet of the family, worked out from the packet. Included for each family (family.h).

#if FAMILY == 4

static __always_inline void *behind_ipv4(const struct ipv4_header *ip)
{
	return (void *)ip + (*(volatile const __u8 *)&ip->version_and_words & 0xf) * 4;
}

static __always_inline void *transport_header4(const struct packet *packet, const struct flow4 *flow)
{
	return behind_ipv4(packet->network);
}

static __always_inline __u16 ip_bytes4(const struct packet *packet)
{
	const struct ipv4_header *ip = packet->network;

	return be16_of(ip->length);
}

static __always_inline __u32 transport_bytes4(const struct packet *packet, const struct flow4 *flow)
{
	const struct ipv4_header *ip = packet->network;

	return ip_bytes4(packet) - (ip->version_and_words & 0xf) * 4;
}

#else

#define HEADER_BYTES_MAX 0x3ff		// of IPv6 with all extension headers, below a power of two

static __always_inline void *transport_header6(const struct packet *packet, const struct flow6 *flow)
{
	return packet->network + (flow->facts->offset & HEADER_BYTES_MAX);
}

static __always_inline __u16 ip_bytes6(const struct packet *packet)
{
	const struct ipv6_header *ip = packet->network;

	return sizeof(*ip) + be16_of(ip->payload_length);
}

static __always_inline __u32 transport_bytes6(const struct packet *packet, const struct flow6 *flow)
{
	return ip_bytes6(packet) - flow->facts->offset;
}

#endif
