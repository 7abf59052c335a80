// Cilium's flow hash: Bob Jenkins' lookup3 over client address, ports and protocol. The service's
// address is left out, so that several addresses of one backend set agree on the backend. Addresses and ports go in as the
// raw network bytes, read as little-endian numbers.

#pragma once

#include "packet.h"
#include "config.h"

#define LOOKUP3_START 0xdeadbeef

static __always_inline __u32 rotate_left(__u32 word, __u32 bits)
{
	return word << bits | word >> (32 - bits);
}

#define LOOKUP3_STEP(x, y, z, bits) (x -= z, x ^= rotate_left(z, bits), z += y)

#define LOOKUP3_MIX(a, b, c) do { \
	LOOKUP3_STEP(a, b, c, 4); \
	LOOKUP3_STEP(b, c, a, 6); \
	LOOKUP3_STEP(c, a, b, 8); \
	LOOKUP3_STEP(a, b, c, 16); \
	LOOKUP3_STEP(b, c, a, 19); \
	LOOKUP3_STEP(c, a, b, 4); \
} while (0)

#define LOOKUP3_FINISH(x, y, bits) (x ^= y, x -= rotate_left(y, bits))

static __always_inline __u32 lookup3_final(__u32 a, __u32 b, __u32 c)
{
	LOOKUP3_FINISH(c, b, 14);
	LOOKUP3_FINISH(a, c, 11);
	LOOKUP3_FINISH(b, a, 25);
	LOOKUP3_FINISH(c, b, 16);
	LOOKUP3_FINISH(a, c, 4);
	LOOKUP3_FINISH(b, a, 14);
	LOOKUP3_FINISH(c, b, 24);
	return c;
}

static __always_inline __u32 hash_flow4(const be32 *source, __u32 ports, __u32 protocol)
{
	__u32 start = LOOKUP3_START + 3 * sizeof(__u32) + hash_init4_seed;

	return lookup3_final(start + *source, start + ports, start + protocol);
}

static __always_inline __u32 hash_flow6(const union ipv6_address *source, __u32 ports, __u32 protocol)
{
	__u32 a = source->words[0], b = source->words[1], c = source->words[2];

	LOOKUP3_MIX(a, b, c);
	a += source->words[3];
	b += ports;
	c += protocol;
	LOOKUP3_MIX(a, b, c);
	return lookup3_final(a + hash_init6_seed, b, c);
}
