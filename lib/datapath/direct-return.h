// Direct return: the backend answers the client itself, under the service's address, which it is told in an option of the IP header or by
// getting the client's packet whole inside another one.

#pragma once

#include "translate.h"
#include "rules.h"

#define OPTION4_DIRECT_RETURN 0x9a
#define OPTION6_DIRECT_RETURN 0x1b

struct ipv4_option {
	__u8 type;
	__u8 length;
	be16 port;
	be32 address;
};

struct ipv6_option {			// a destination options header with this option alone
	__u8 next_header;
	__u8 length;
	__u8 type;
	__u8 option_length;
	be32 address[4];
	be16 port;
	be16 pad;
};

// What is in front of the IP header
struct link {
	struct ethernet_header ethernet;
	struct vlan_tag tag;
	__u8 is_tagged;
};

static __always_inline void read_link(struct link *link, const struct packet *packet)
{
	struct vlan_tag *tag = (void *)(packet->ethernet + 1);

	link->ethernet = *packet->ethernet;
	link->is_tagged = is_vlan(link->ethernet.type);
	if (link->is_tagged && (void *)(tag + 1) <= packet->end)
		link->tag = *tag;
}

// Moves the beginning of the packet forward. @returns where its IP header goes with so many bytes behind it, 0: there is no room
static __always_inline void *grow(struct xdp_md *ctx, struct packet *packet, const struct link *link, int bytes, int header_bytes)
{
	void *network;

	if (bpf_xdp_adjust_head(ctx, -bytes))
		return 0;
	packet->ethernet = (void *)(long)ctx->data;
	packet->end = (void *)(long)ctx->data_end;
	network = packet->ethernet + 1;
	if (link->is_tagged)
		network += sizeof(struct vlan_tag);
	if (network + header_bytes > packet->end)
		return 0;
	*packet->ethernet = link->ethernet;
	if (link->is_tagged)
		*(struct vlan_tag *)(packet->ethernet + 1) = link->tag;
	swap_macs(packet->ethernet);
	packet->network = network;
	return network;
}

static __always_inline __u16 ipv4_checksum(const struct ipv4_header *ip)
{
	const __u16 *words = (const void *)ip;
	__u64 sum = 0;

#pragma unroll
	for (int word = 0; word < 10; word++)
		sum += words[word];
	return ~fold(sum);
}

static __always_inline int wrap4(struct xdp_md *ctx, struct packet *packet, const be32 *backend)
{
	struct ipv4_header *ip = packet->network;
	be32 service = ip->destination;
	__u16 length = be16_of(ip->length) + sizeof(*ip);
	struct ipv4_header *outer;
	struct link link = {};

	read_link(&link, packet);
	outer = grow(ctx, packet, &link, sizeof(*outer), sizeof(*outer));
	if (!outer)
		return DROPPED_NO_HEADROOM;
	*outer = (struct ipv4_header) {
		.version_and_words = 0x45,
		.length = be16_of(length),
		.ttl = FRESH_TTL,
		.protocol = PROTOCOL_IPIP,
		.source = direct_routing_ipv4 ? direct_routing_ipv4 : service,
		.destination = *backend
	};
	outer->check = ipv4_checksum(outer);
	return FORWARDED_IPV4;
}

static __always_inline int wrap6(struct xdp_md *ctx, struct packet *packet, const union ipv6_address *backend)
{
	struct ipv6_header *ip = packet->network;
	union ipv6_address source = ip->destination;
	__u16 length = be16_of(ip->payload_length) + sizeof(*ip);
	struct ipv6_header *outer;
	struct link link = {};

	read_link(&link, packet);
	outer = grow(ctx, packet, &link, sizeof(*outer), sizeof(*outer));
	if (!outer)
		return DROPPED_NO_HEADROOM;
	if (direct_routing_ipv6[0] | direct_routing_ipv6[3]) {
#pragma unroll
		for (int word = 0; word < 4; word++)
			source.words[word] = direct_routing_ipv6[word];
	}
	*outer = (struct ipv6_header) {
		.version_and_class = 0x60,
		.payload_length = be16_of(length),
		.next_header = PROTOCOL_IPV6,
		.hop_limit = FRESH_TTL,
		.source = source,
		.destination = *backend
	};
	return FORWARDED_IPV6;
}

// A connection of TCP is told once, at its SYN.
static __always_inline int is_told(__u8 protocol, __u8 tcp_flags)
{
	return protocol != PROTOCOL_TCP || tcp_flags & TCP_SYN;
}

// @param service as the client had it
static __always_inline int tell4(struct xdp_md *ctx, struct packet *packet, const be32 *address, be16 port)
{
	struct ipv4_header *ip = packet->network;
	struct ipv4_header header = *ip;
	struct ipv4_option *option;
	struct link link = {};
	__u64 replaced;

	if ((header.version_and_words & 0xf) + sizeof(*option) / 4 > 0xf)
		return DROPPED_OPTIONS_FULL;
	read_link(&link, packet);
	ip = grow(ctx, packet, &link, sizeof(*option), sizeof(*ip) + sizeof(*option));
	if (!ip)
		return DROPPED_NO_HEADROOM;
	*ip = header;
	option = (void *)(ip + 1);
	*option = (struct ipv4_option) { OPTION4_DIRECT_RETURN, sizeof(*option), port, *address };
	ip->version_and_words += sizeof(*option) / 4;
	ip->length = be16_of(be16_of(header.length) + sizeof(*option));
	replaced = replaced16(header.version_and_words, ip->version_and_words) + replaced16(header.length, ip->length);
	replaced += (__u64)(OPTION4_DIRECT_RETURN | sizeof(*option) << 8) + port + *address;
	ip->check = update_checksum(header.check, replaced);
	return FORWARDED_IPV4;
}

static __always_inline int tell6(struct xdp_md *ctx, struct packet *packet, const union ipv6_address *address, be16 port)
{
	struct ipv6_header *ip = packet->network;
	struct ipv6_header header = *ip;
	struct ipv6_option *option;
	struct link link = {};

	read_link(&link, packet);
	ip = grow(ctx, packet, &link, sizeof(*option), sizeof(*ip) + sizeof(*option));
	if (!ip)
		return DROPPED_NO_HEADROOM;
	*ip = header;
	option = (void *)(ip + 1);
	*option = (struct ipv6_option) {
		.next_header = header.next_header,
		.length = sizeof(*option) / 8 - 1,
		.type = OPTION6_DIRECT_RETURN,
		.option_length = sizeof(*option) - 4,
		.port = port
	};
#pragma unroll
	for (int word = 0; word < 4; word++)
		option->address[word] = address->words[word];
	ip->next_header = PROTOCOL_DESTINATION_OPTIONS;
	ip->payload_length = be16_of(be16_of(header.payload_length) + sizeof(*option));
	return FORWARDED_IPV6;
}
