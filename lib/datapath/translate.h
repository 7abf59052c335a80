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
