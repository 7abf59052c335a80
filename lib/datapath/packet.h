// The headers a packet may begin with, as they lie on the wire. Multi-byte fields are in network order (be16, be32) and are
// compared and hashed as they are read.

#pragma once

// What the compiler knows of a value, but the kernel's verifier cannot follow: a bound on `hash % M`, or which header has been read.
// It would leave out the checks that the verifier needs.
#define forget_range(value) asm volatile("" : "+r"(value))

typedef __u16 be16;
typedef __u32 be32;

#define be16_of(value) ((be16)__builtin_bswap16(value))	// every target of this program is little-endian

#define ETHERTYPE_IPV4 be16_of(0x0800)
#define ETHERTYPE_IPV6 be16_of(0x86dd)
#define ETHERTYPE_VLAN be16_of(0x8100)	// 802.1Q
#define ETHERTYPE_SERVICE_VLAN be16_of(0x88a8)	// 802.1ad

#define PROTOCOL_HOP_BY_HOP 0
#define PROTOCOL_ICMP 1
#define PROTOCOL_IPIP 4
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define PROTOCOL_IPV6 41
#define PROTOCOL_ROUTING 43
#define PROTOCOL_FRAGMENT 44
#define PROTOCOL_AUTHENTICATION 51
#define PROTOCOL_ICMPV6 58
#define PROTOCOL_NO_NEXT_HEADER 59
#define PROTOCOL_DESTINATION_OPTIONS 60
#define PROTOCOL_SCTP 132

#define FRESH_TTL 64

struct ethernet_header {
	be16 destination[3];
	be16 source[3];
	be16 type;
};

static __always_inline int is_vlan(be16 type)
{
	return type == ETHERTYPE_VLAN || type == ETHERTYPE_SERVICE_VLAN;
}

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

#define IPV4_MORE_FRAGMENTS be16_of(0x2000)
#define IPV4_FRAGMENT_OFFSET be16_of(0x1fff)
#define IPV4_FRAGMENT_BITS (IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET)

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

struct extension_header {
	__u8 next_header;
	__u8 length;			// beyond the first 8 bytes, in units of 8; of an authentication header less 2, in units of 4
};

struct fragment_header {
	__u8 next_header;
	__u8 reserved;
	be16 offset;			// in 8-byte units, then flags
	be32 id;
};

#define IPV6_MORE_FRAGMENTS be16_of(1)
#define IPV6_FRAGMENT_OFFSET be16_of(0xfff8)

struct ports {
	be16 source;
	be16 destination;
};

struct tcp_header {
	struct ports ports;
	be32 sequence;
	be32 acknowledged;
	__u8 words;
	__u8 flags;
	be16 window;
	__u16 check;
	be16 urgent;
};

#define TCP_FIN 1
#define TCP_SYN 2
#define TCP_RST 4

struct udp_header {
	struct ports ports;
	be16 length;
	__u16 check;			// 0: none
};

struct sctp_header {
	struct ports ports;
	be32 tag;
	__u32 check;			// CRC-32C, the one field here that is little-endian
};

struct icmp_header {
	__u8 type;
	__u8 code;
	__u16 check;
	be32 rest;			// behind it, in an error: the packet it is about
};

#define ICMP_ECHO_REPLY 0
#define ICMP_UNREACHABLE 3
#define ICMP_ECHO 8
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETER_PROBLEM 12
#define ICMPV6_UNREACHABLE 1
#define ICMPV6_PARAMETER_PROBLEM 4	// with packet too big (2) and time exceeded (3) in between
#define ICMPV6_ECHO 128
#define ICMPV6_ECHO_REPLY 129

// Keeps the compiler from moving numbers to a better place
#define keep_in_memory(facts) asm volatile("" : : "r"(facts) : "memory")

// What has been read of a packet. The verifier shall go on once for all packets, not once for each protocol and each length of headers: it
// does so where it does not know the numbers, and it does not know those that lie in the middle of a stack slot (but for 0, which none of
// them is). For the same reason addresses within the packet are worked out anew, and checked, where they are used.
struct facts {
	__u16 followed;			// the beginning of the slot is left free
	__u16 offset;			// of the transport header from the IP header: IPv6 may have extension headers in between
	__u8 protocol;
	__u8 tcp_flags;
	__u8 shape;
} __attribute__((aligned(8)));

enum shape {
	SHAPE_WHOLE = 1,
	SHAPE_WITHOUT_TRANSPORT,	// a later fragment
	SHAPE_ERROR,			// about a packet of the flow: the flow's backend is told, nothing is remembered
};

#define TCP_ACK 16			// as the flags of what has none: it begins nothing and ends nothing

struct packet {
	struct ethernet_header *ethernet;
	void *network;			// IPv4 or IPv6 header
	void *end;
	__u8 protocol;
	__u8 tcp_flags;
};

static __always_inline void note(volatile struct facts *facts, __u8 protocol, __u8 tcp_flags, __u8 shape)
{
	facts->protocol = protocol;
	facts->tcp_flags = tcp_flags;
	facts->shape = shape;
	keep_in_memory(facts);
}
