// Looking keys up in hash tables. Readers take no lock: a writer may unlink or reuse an element under a reader's feet.
// Links of unlinked elements stay readable (elements are reused in place, or freed by epochs), and a reader that ends in
// another bucket's chain sees that chain's end marker and starts again.

import { ELEM_HASH, ELEM_KEY, HTAB_BUCKETS, HTAB_HASHRND, HTAB_N_BUCKETS, MAP_KEY_SIZE, pointerAt } from './layout'
import { BUCKET_BYTES, endMarker, isEnd } from './htab-layout'
import { jhash } from './jhash'
import { sameBytes } from './bytes'

/** What the translated program calls as __htab_map_lookup_elem. @returns element address, 0 if the key is absent */
export function htabMapLookupRaw (map: usize, key: usize): usize {
  const keySize = load<u32>(map + MAP_KEY_SIZE)
  return lookupHashed(map, key, keySize, jhash(key, keySize, load<u32>(map + HTAB_HASHRND)))
}

function lookupHashed (map: usize, key: usize, keySize: u32, hash: u32): usize {
  const index = hash & (load<u32>(map + HTAB_N_BUCKETS) - 1)
  const bucket = pointerAt(map + HTAB_BUCKETS) + (index as usize) * BUCKET_BYTES
  let next = load<u32>(bucket)
  if (next == 0) return 0
  // only heads are ever 0, and not again: from here on bit 0 says where a chain ends
  while (true) {
    while ((next & 1) == 0) {
      const elem = next as usize
      if (load<u32>(elem + ELEM_HASH) == hash && sameKey(elem + ELEM_KEY, key, keySize)) return elem
      next = load<u32>(elem)
    }
    if (next == endMarker(index)) return 0
    next = atomic.load<u32>(bucket)
  }
}

/** For writers that hold the bucket's lock: nothing moves. */
export function lookupLocked (map: usize, bucket: usize, key: usize, hash: u32): usize {
  const keySize = load<u32>(map + MAP_KEY_SIZE)
  for (let next = atomic.load<u32>(bucket); !isEnd(next); next = load<u32>(next as usize)) {
    if (load<u32>((next as usize) + ELEM_HASH) == hash && sameKey((next as usize) + ELEM_KEY, key, keySize)) return next as usize
  }
  return 0
}

// @ts-ignore: decorator
@inline
function sameKey (a: usize, b: usize, size: u32): bool {
  if (size == 4) return load<u32>(a) == load<u32>(b)
  return sameBytes(a, b, size)
}
