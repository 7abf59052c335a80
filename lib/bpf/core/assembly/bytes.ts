// Copying and comparing keys and values. Multiples of 4 bytes up to a cache line go word by word, so that a reader on
// another thread never sees half a word; the rest goes to the engine's bulk copy.

export function copyBytes (to: usize, from: usize, size: u32): void {
  if ((size & 3) == 0 && size <= 64) {
    let i: u32 = 0
    for (; i + 8 <= size; i += 8) store<u64>(to + (i as usize), load<u64>(from + (i as usize)))
    if (i < size) store<u32>(to + (i as usize), load<u32>(from + (i as usize)))
  } else {
    memory.copy(to, from, size as usize)
  }
}

export function sameBytes (a: usize, b: usize, size: u32): bool {
  let i: u32 = 0
  for (; i + 4 <= size; i += 4) {
    if (load<u32>(a + (i as usize)) != load<u32>(b + (i as usize))) return false
  }
  for (; i < size; i++) {
    if (load<u8>(a + (i as usize)) != load<u8>(b + (i as usize))) return false
  }
  return true
}
