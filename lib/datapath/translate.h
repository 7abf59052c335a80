// Rewrites: addresses, ports and the checksums over them, and the way out.

#pragma once

#include "packet.h"
#include "checksum.h"
#include "sctp.h"

static __always_inline void swap_macs(struct ethernet_header *ethernet)
{
#pragma unroll
	for (int word = 0; word < 3; word++) {
		be16 destination = ethernet->destination[word];

		ethernet->destination[word] = ethernet->source[word];
		ethernet->source[word] = destination;
	}
}

static __always_inline __u64 replaced_address4(be32 *address, be32 by)
{
	__u64 replaced = replaced32(*address, by);

	*address = by;
	return replaced;
}

static __always_inline __u64 replaced_address6(union ipv6_address *address, const union ipv6_address *by)
{
	__u64 replaced = 0;

#pragma unroll
	for (int word = 0; word < 4; word++)
		replaced += replaced32(address->words[word], by->words[word]);
	*address = *by;
	return replaced;
}

// A UDP checksum of 0 means that there is none: it stays so, and none that is computed may become 0.
static __always_inline void update_udp_checksum(__u16 *check, __u64 replaced)
{
	__u16 updated;

	if (!*check)
		return;
	updated = update_checksum(*check, replaced);
	*check = updated ? updated : 0xffff;
}

enum end { SOURCE, DESTINATION };

// @param before the port that is replaced. @param replaced what the addresses' change adds to checksums over them
static __always_inline void rewrite_transport(
	const struct packet *packet, void *header, __u8 protocol, enum end end, be16 before, be16 port, __u64 replaced)
{
	__u32 at = end == SOURCE ? offsetof(struct ports, source) : offsetof(struct ports, destination);

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
			sctp->check ^= sctp_difference(before ^ port, packet->transport_bytes - at - sizeof(port));
	}
}
