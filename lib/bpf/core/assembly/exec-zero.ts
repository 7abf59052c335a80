// Clearing registers and stack frames, once or more per packet: plain vector stores take half of what the call behind
// `memory.fill` takes for blocks this small.

/** Clears `bytes`, a multiple of 32. */
export function zero (address: usize, bytes: usize): void {
  const end = address + bytes
  for (let at = address; at < end; at += 32) {
    v128.store(at, v128.splat<u64>(0))
    v128.store(at, v128.splat<u64>(0), 16)
  }
}
