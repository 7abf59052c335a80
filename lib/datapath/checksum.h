// Internet checksums, changed with the fields they cover (RFC 1624, equation 3) instead of computed anew, so that a packet
// that was damaged before stays recognisable as damaged. Sums are of 16-bit words modulo 65535: a 32-bit word may be added
// whole, and the byte order does not matter.

#pragma once

static __always_inline __u64 replaced16(__u16 old, __u16 new)
{
	return (__u64)(__u16)~old + new;
}

static __always_inline __u64 replaced32(__u32 old, __u32 new)
{
	return (__u64)(__u32)~old + new;
}

// Enough for sums below 2^36
static __always_inline __u16 fold(__u64 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static __always_inline __u16 update_checksum(__u16 check, __u64 replaced)
{
	return ~fold((__u16)~check + replaced);
}
