// Fields of struct bpf_htab and its elements, and this module's own state in between.
//
// bpf_htab   buckets, elems (addresses), n_buckets, elem_size, hashrnd: at the kernel's offsets.
//            Free list and LRU state of the kernel start 16 bytes behind `elems`; ours stand there too.
// bucket     0 head (u64), 8 lock. A head or next word with bit 0 set ends the chain; the rest of that word is the bucket's
//            number, so that a reader carried off to another chain by a reused element notices and starts again. The head of
//            a bucket that never had an element is 0: a new table's pages stay untouched, most of them for ever.
// element    0 next, 8 free-list link, 16 LRU node: next 16, previous 24, cpu u16 32, list u8 34, ref u8 35;
//            40 hash, 48 key, value at 48 + round8(key_size).

import { ELEM_KEY, HTAB_BUCKETS, HTAB_ELEM_SIZE, HTAB_ELEMS, HTAB_N_BUCKETS, MAP_KEY_SIZE, pointerAt, round8 } from './layout'

export const BUCKET_BYTES: usize = 16
export const BUCKET_LOCK: usize = 8
export const ELEM_FREE_LINK: usize = 8

// Private state, as distances from HTAB_ELEMS.
const FREE_LOCK: usize = 16
const FREE_HEAD: usize = 20
const FREE_BUMP: usize = 24
const ELEM_COUNT: usize = 28
const LRU_STATE: usize = 32

// @ts-ignore: decorator
@inline
export function freeLock (map: usize): usize { return map + HTAB_ELEMS + FREE_LOCK }
// @ts-ignore: decorator
@inline
export function freeHead (map: usize): usize { return map + HTAB_ELEMS + FREE_HEAD }
// @ts-ignore: decorator
@inline
export function freeBump (map: usize): usize { return map + HTAB_ELEMS + FREE_BUMP }
/** elements of a preallocated map, spares included */
// @ts-ignore: decorator
@inline
export function elemTotal (map: usize): usize { return map + HTAB_ELEMS + ELEM_COUNT }
// @ts-ignore: decorator
@inline
export function lruState (map: usize): usize { return map + HTAB_ELEMS + LRU_STATE }
/** address of one u32 per possible CPU: the spare element that the next replacement takes */
// @ts-ignore: decorator
@inline
export function spareElems (map: usize): usize { return map + HTAB_N_BUCKETS - 56 }
// @ts-ignore: decorator
@inline
export function elemCount (map: usize): usize { return map + HTAB_N_BUCKETS - 8 }

// @ts-ignore: decorator
@inline
export function bucketOf (map: usize, hash: u32): usize {
  return pointerAt(map + HTAB_BUCKETS) + ((hash & (load<u32>(map + HTAB_N_BUCKETS) - 1)) as usize) * BUCKET_BYTES
}

// @ts-ignore: decorator
@inline
export function valueOf (map: usize, elem: usize): usize {
  return elem + ELEM_KEY + (round8(load<u32>(map + MAP_KEY_SIZE)) as usize)
}

// @ts-ignore: decorator
@inline
export function isEnd (next: u32): bool {
  return (next & 1) != 0 || next == 0
}

// @ts-ignore: decorator
@inline
export function endMarker (bucket: u32): u32 {
  return bucket << 1 | 1
}

export function elemAt (map: usize, index: u32): usize {
  return pointerAt(map + HTAB_ELEMS) + (index as usize) * (load<u32>(map + HTAB_ELEM_SIZE) as usize)
}
