// Reads what stands behind the IP header.

#pragma once

#include "packet.h"

static __always_inline int is_balanced(__u8 protocol)
{
	return protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP || protocol == PROTOCOL_SCTP;
}

// @returns whether the whole header of the packet's protocol is there
static __always_inline int read_transport(struct packet *packet, void *header, struct ports *into)
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
