// The checksum of SCTP is a CRC over header and data, not over addresses. It is linear: what changes in two bytes changes it by the CRC of
// that difference alone, moved past all bytes behind, and moving past 2^n bytes is a multiplication by a constant. So a port can be
// replaced without reading the data, and a packet that was damaged before stays recognisable as damaged.

#pragma once

#define CRC32C 0x82f63b78		// the polynomial, bits reversed

// @returns all bits set if the bit is. Not a branch: the verifier would walk both ways, in every round
static __always_inline __u32 mask_of(__u32 bit)
{
	forget_range(bit);
	return -bit;
}

// @returns the polynomial times x modulo CRC32C's, bits reversed
static __always_inline __u32 crc_times_x(__u32 polynomial)
{
	return polynomial >> 1 ^ (CRC32C & mask_of(polynomial & 1));
}

// @returns one times the other
static __always_inline __u32 crc_product(__u32 one, __u32 other)
{
	__u32 product = 0;

#pragma clang loop unroll(disable)
	for (int bit = 31; bit >= 0; bit--) {
		product ^= other & mask_of(one >> bit & 1);
		other = crc_times_x(other);
	}
	return product;
}

#define SCTP_BYTES_BITS 12		// XDP packets are shorter

// x^(8 * 2^n): what moving past 2^n bytes multiplies by
static const __u32 crc_shifts[SCTP_BYTES_BITS] = {
	0x00800000, 0x00008000, 0x82f63b78, 0x6ea2d55c, 0x18b8ea18, 0x510ac59a, 0xb82be955, 0xb8fdb1e7, 0x88e56f72, 0x74c360a4,
	0xe4172b16, 0x0d65762a
};

// @param difference of the two bytes, as they lie. @param behind bytes of the packet behind them. @returns difference of the checksum
static __noinline __u32 sctp_difference(__u32 difference, __u32 behind)
{
	__u32 crc = difference;

#pragma clang loop unroll(disable)
	for (int bit = 0; bit < 16; bit++)
		crc = crc_times_x(crc);
#pragma clang loop unroll(disable)
	for (int power = 0; power < SCTP_BYTES_BITS; power++) {
		__u32 moved = crc_product(crc, crc_shifts[power]);
		__u32 moves = mask_of(behind >> power & 1);

		crc = (moved & moves) | (crc & ~moves);
	}
	return crc;
}
