// Internet checksums (RFC 1071): the ones' complement of the ones' complement sum of 16-bit words. Sums are plain numbers,
// folded at the end; they stay exact for anything shorter than 2^37 bytes. SCTP's is a CRC32c (RFC 9260, appendix A).

/** @returns sum plus the big-endian 16-bit words of bytes[from, to); an odd last byte counts as the upper half of a word */
export function addWords (sum: number, bytes: Uint8Array, from = 0, to = bytes.length): number {
  for (let at = from; at < to; at += 2) sum += ((bytes[at] ?? 0) << 8) | (at + 1 < to ? bytes[at + 1] ?? 0 : 0)
  return sum
}

/** @returns the checksum that goes with a sum, 0 to 0xffff */
export function finishChecksum (sum: number): number {
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000)
  return ~sum & 0xffff
}

/** Sum of the pseudo header that TCP and UDP checksums cover (RFC 9293, RFC 8200): addresses, protocol, length. */
export function pseudoHeaderSum (source: Uint8Array, destination: Uint8Array, protocol: number, length: number): number {
  return addWords(addWords(protocol + (length >>> 16) + (length & 0xffff), source), destination)
}

export function crc32c (bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  return ~crc >>> 0
}
