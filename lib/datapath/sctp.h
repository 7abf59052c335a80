// The checksum of SCTP is a CRC over header and data, not over addresses. It is linear: what changes in two bytes changes it by the CRC of
// that difference alone, moved past all bytes behind, and moving past n bytes is a multiplication by x^8n. So a port can be
// replaced without reading the data, and a packet that was damaged before stays recognisable as damaged.

#pragma once

#define CRC32C 0x82f63b78		// the polynomial, bits reversed

// A product instead of a branch: the verifier would walk both ways, in every round.
static __always_inline __u32 if_set(__u32 bit, __u32 value)
{
	bit &= 1;
	forget_range(bit);
	return bit * value;
}

// @returns the polynomial times x modulo CRC32C's, bits reversed
static __always_inline __u32 crc_times_x(__u32 polynomial)
{
	return polynomial >> 1 ^ if_set(polynomial, CRC32C);
}

// @param bits that the one has. @returns one times the other
static __always_inline __u32 crc_product(__u32 one, __u32 bits, __u32 other)
{
	__u32 product = 0;

#pragma clang loop unroll(disable)
	for (int bit = bits - 1; bit >= 0; bit--) {
		product ^= if_set(one >> bit, other);
		other = crc_times_x(other);
	}
	return product;
}

// x^(8n + 32), for what two bytes have to do with the CRC by themselves besides n bytes behind
static const __u32 crc_past_bytes[64] = {
	0x82f63b78, 0xfbc3faf9, 0x8b277743, 0x52a0c93f, 0x6ea2d55c, 0x1c08b7d6, 0xf56e0ef4, 0x34019664, 0xa66805eb, 0x7a1f6b24,
	0xe75d06aa, 0xc94ec098, 0x18b8ea18, 0x9a9f274a, 0x2a03aaa3, 0xb13145f8, 0x790606ff, 0xad045557, 0x8542ba6d, 0xde6b9d0b,
	0x9957c0a6, 0x8473058e, 0x2e0af75a, 0x3ae9f81c, 0x5d27e147, 0x95ec5eb6, 0x9421797f, 0x2f1f4950, 0x510ac59a, 0xf91bdeea,
	0x882b9bfc, 0xbea58b3e, 0x9c25531d, 0xafeaaeef, 0xbd8c7e90, 0x92157069, 0x19e65dde, 0x7fb2b8d1, 0x21c7d010, 0x107f00bf,
	0xec1631ed, 0x5cf4f2f8, 0x79ebc348, 0xcbdbaeb0, 0xb2dea967, 0xb5be2920, 0x200830f7, 0x278403ae, 0x0e148e82, 0x63c35f01,
	0xf208405c, 0x1c941d43, 0x52377a55, 0x6486f9b5, 0x8780e02c, 0x6d79c1ee, 0x4f256efc, 0xbe6285cb, 0x5abaef7a, 0x1a20c6da,
	0xb82be955, 0x646ce526, 0x067805d3, 0xc0856a5a
};

// x^(8 * 64n)
static const __u32 crc_past_blocks[64] = {
	0x80000000, 0xb82be955, 0xb8fdb1e7, 0x18e4a304, 0x88e56f72, 0x9030a49c, 0x67db2c4a, 0xe744dcb2, 0x74c360a4, 0x8e9906a7,
	0xb469724f, 0x24d84074, 0x631bb273, 0xee2a2d56, 0x654f84e7, 0x629069c6, 0xe4172b16, 0xd3cb2137, 0x4f47bf52, 0x35202632,
	0x71892b1b, 0xd27285db, 0x69c2af09, 0xd271158e, 0x835305c9, 0xeaa500ac, 0x0e36a726, 0x46951631, 0x196b1eae, 0x584ea70d,
	0x15e8653c, 0xb5a65826, 0x0d65762a, 0xebfcce28, 0xe6aef08f, 0x013ee85b, 0xafc81338, 0x61c30b85, 0xe31e7f5b, 0x5e3750cd,
	0xb5a50ab7, 0x1977c75d, 0x46bf959e, 0xe78cd046, 0xf373c3ac, 0x950979dd, 0xe31b4008, 0xc726c863, 0x5f60970f, 0xf977f383,
	0x9e7b1c10, 0xea2110f8, 0xd46d3063, 0xe2220529, 0xebd59d26, 0xedbe69a1, 0x3a5275ea, 0x1a2bbe21, 0xd597ad7e, 0xcb8c45a6,
	0x02331c01, 0xe8639712, 0xa957c550, 0xbcfda51c
};

// @param difference of the two bytes, as they lie. @param behind bytes of the packet behind them, fewer than 4096, as in any that XDP sees.
// @returns difference of the checksum
static __noinline __u32 sctp_difference(__u32 difference, __u32 behind)
{
	__u32 crc = crc_product(difference, 16, crc_past_bytes[behind & 63]);

	return crc_product(crc, 32, crc_past_blocks[behind >> 6 & 63]);
}
