// The headers a packet may begin with, as they lie on the wire. Multi-byte fields are in network order (be16, be32) and are
// compared and hashed as they are read.

#pragma once

typedef __u16 be16;
typedef __u32 be32;

#define be16_of(value) ((be16)__builtin_bswap16(value))	// every target of this program is little-endian

#define ETHERTYPE_IPV4 be16_of(0x0800)
#define ETHERTYPE_IPV6 be16_of(0x86dd)
#define ETHERTYPE_VLAN be16_of(0x8100)	// 802.1Q
#define ETHERTYPE_SERVICE_VLAN be16_of(0x88a8)	// 802.1ad

#define PROTOCOL_HOP_BY_HOP 0
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define PROTOCOL_ROUTING 43
#define PROTOCOL_FRAGMENT 44
#define PROTOCOL_AUTHENTICATION 51
#define PROTOCOL_NO_NEXT_HEADER 59
#define PROTOCOL_DESTINATION_OPTIONS 60

struct ethernet_header {
	be16 destination[3];
	be16 source[3];
	be16 type;
};

struct vlan_tag {
	be16 control;
	be16 type;
};

struct ipv4_header {
	__u8 version_and_words;		// 4, then the header's length in 32-bit words
	__u8 service;
	be16 length;
	be16 id;
	be16 fragment;			// flags, then the offset in 8-byte units
	__u8 ttl;
	__u8 protocol;
	__u16 check;
	be32 source;
	be32 destination;
};

#define IPV4_FRAGMENT_BITS be16_of(0x3fff)	// more fragments, or an offset

union ipv6_address {
	be32 words[4];
	__u64 halves[2];		// quicker to copy
};

struct ipv6_header {
	__u8 version_and_class;
	__u8 class_and_flow[3];
	be16 payload_length;
	__u8 next_header;
	__u8 hop_limit;
	union ipv6_address source;
	union ipv6_address destination;
};

struct ports {
	be16 source;
	be16 destination;
};

struct tcp_header {
	struct ports ports;
	be32 sequence;
	be32 acknowledged;
	be16 flags;
	be16 window;
	__u16 check;
	be16 urgent;
};

struct udp_header {
	struct ports ports;
	be16 length;
	__u16 check;			// 0: none
};
