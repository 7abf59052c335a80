// The end of Bob Jenkins' lookup3 hash on three words, which load balancers hash flows with.

const rounds = [['c', 'b', 14], ['a', 'c', 11], ['b', 'a', 25], ['c', 'b', 16], ['a', 'c', 4], ['b', 'a', 14], ['c', 'b', 24]] as const

/** @param words u32 each, at most three. @param seed u32. @returns u32, as the kernel's jhash_2words and jhash_3words */
export function lookup3 (words: readonly number[], seed: number): number {
  const start = 0xdeadbeef + 4 * words.length + seed
  const state = { a: start + (words[0] ?? 0) | 0, b: start + (words[1] ?? 0) | 0, c: start + (words[2] ?? 0) | 0 }
  for (const [x, y, bits] of rounds) state[x] = (state[x] ^ state[y]) - (state[y] << bits | state[y] >>> (32 - bits)) | 0
  return state.c >>> 0
}
