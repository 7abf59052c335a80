// hash and hash_of_maps: insert, replace, delete. New elements go to the head of their bucket's chain; replacing in a hash
// links a new element in front and unlinks the old one, so the key moves to the front. hash_of_maps swaps the inner map
// pointer in place (Linux 6.16 and later), so that a racing reader sees the old or the new map and never misses the key.

import {
  BLOCK_ELEM, BPF_EXIST, BPF_F_NO_PREALLOC, BPF_NOEXIST, E2BIG, EEXIST, EINVAL, ELEM_HASH, ELEM_KEY, ENOENT, ENOMEM,
  HASH_OF_MAPS, HTAB_ELEM_SIZE, HTAB_HASHRND, HTAB_N_BUCKETS, MAP_FLAGS, MAP_KEY_SIZE, MAP_MAX_ENTRIES, MAP_TYPE, MAP_VALUE_SIZE,
  pointerAt, setPointer
} from './layout'
import {
  BUCKET_LOCK, bucketOf, ELEM_FREE_LINK, elemAt, elemCount, elemTotal, endMarker, freeBump, freeHead, freeLock, isEnd,
  spareElems, valueOf
} from './htab-layout'
import { BPF_F_LOCK } from './array'
import { allocateFor } from './allocator'
import { copyBytes } from './bytes'
import { retire } from './epoch'
import { jhash } from './jhash'
import { lock, unlock } from './lock'
import { lookupLocked } from './htab-lookup'

export function htabMapUpdateElem (map: usize, key: usize, value: usize, flags: u64, cpu: u32): i32 {
  if ((flags & ~BPF_F_LOCK) > BPF_EXIST || (flags & BPF_F_LOCK) != 0) return -EINVAL
  const hash = hashOf(map, key)
  const bucket = bucketOf(map, hash)
  lock(bucket + BUCKET_LOCK)
  const old = lookupLocked(map, bucket, key, hash)
  let result = checkFlags(old, flags)
  if (result == 0) result = insert(map, bucket, hash, key, value, old, cpu)
  unlock(bucket + BUCKET_LOCK)
  return result
}

/** Puts an inner map under a key. The inner map that stood there, if any, is stored at `replaced`. */
export function htabOfMapsUpdate (map: usize, key: usize, inner: usize, flags: u64, replaced: usize): i32 {
  if (flags > BPF_EXIST) return -EINVAL
  const hash = hashOf(map, key)
  const bucket = bucketOf(map, hash)
  lock(bucket + BUCKET_LOCK)
  const old = lookupLocked(map, bucket, key, hash)
  let result = checkFlags(old, flags)
  if (result == 0) {
    if (old != 0) store<u32>(replaced, atomic.xchg<u32>(valueOf(map, old), inner as u32))
    else result = insert(map, bucket, hash, key, inner, 0, 0)
  }
  unlock(bucket + BUCKET_LOCK)
  return result
}

/** @returns 0 and, if `taken` is not 0, the value copied to it (an inner map's address for hash_of_maps); or -ENOENT */
export function htabMapDeleteElem (map: usize, key: usize, taken: usize): i32 {
  const hash = hashOf(map, key)
  const bucket = bucketOf(map, hash)
  lock(bucket + BUCKET_LOCK)
  const elem = lookupLocked(map, bucket, key, hash)
  if (elem != 0) {
    if (taken != 0) copyBytes(taken, valueOf(map, elem), load<u32>(map + MAP_VALUE_SIZE))
    unlink(bucket, elem)
  }
  unlock(bucket + BUCKET_LOCK)
  if (elem == 0) return -ENOENT
  freeElem(map, elem)
  return 0
}

export function hashOf (map: usize, key: usize): u32 {
  return jhash(key, load<u32>(map + MAP_KEY_SIZE), load<u32>(map + HTAB_HASHRND))
}

// @ts-ignore: decorator
@inline
export function checkFlags (old: usize, flags: u64): i32 {
  if (old != 0 && flags == BPF_NOEXIST) return -EEXIST
  if (old == 0 && flags == BPF_EXIST) return -ENOENT
  return 0
}

/** Links an element, which has its hash, as the first of its chain; readers see it complete. */
export function link (map: usize, bucket: usize, elem: usize): void {
  const head = load<u32>(bucket)
  setPointer(elem, (head != 0 ? head : endMarker(load<u32>(elem + ELEM_HASH) & (load<u32>(map + HTAB_N_BUCKETS) - 1))) as usize)
  atomic.store<u32>(bucket, elem as u32)
}

/** Unlinks an element; its own link stays for readers that stand on it. */
export function unlink (bucket: usize, elem: usize): void {
  let at = bucket
  for (let next = load<u32>(at); !isEnd(next); next = load<u32>(at)) {
    if (next == (elem as u32)) {
      atomic.store<u32>(at, load<u32>(elem))
      return
    }
    at = next as usize
  }
}

function insert (map: usize, bucket: usize, hash: u32, key: usize, value: usize, old: usize, cpu: u32): i32 {
  const noPrealloc = (load<u32>(map + MAP_FLAGS) & BPF_F_NO_PREALLOC) != 0
  let spare: usize = 0
  let elem: usize
  if (noPrealloc) {
    if (atomic.add<u32>(elemCount(map), 1) >= load<u32>(map + MAP_MAX_ENTRIES) && old == 0) {
      atomic.sub<u32>(elemCount(map), 1)
      return -E2BIG
    }
    elem = allocateFor(load<u32>(map + HTAB_ELEM_SIZE), map, BLOCK_ELEM)
    if (elem == 0) {
      atomic.sub<u32>(elemCount(map), 1)
      return -ENOMEM
    }
  } else if (old != 0) {
    spare = pointerAt(spareElems(map)) + ((cpu as usize) << 2)
    elem = takeSpare(spare)
  } else {
    elem = popFree(map)
    if (elem == 0) return -E2BIG
  }
  fill(map, elem, hash, key, value)
  link(map, bucket, elem)
  if (old != 0) {
    unlink(bucket, old)
    if (noPrealloc) freeElem(map, old)
    else atomic.store<u32>(spare, old as u32)
  }
  return 0
}

/** `value` is the inner map itself where the map holds maps: its value area is the 64-bit pointer. */
function fill (map: usize, elem: usize, hash: u32, key: usize, value: usize): void {
  store<u32>(elem + ELEM_HASH, hash)
  copyBytes(elem + ELEM_KEY, key, load<u32>(map + MAP_KEY_SIZE))
  if (holdsMaps(map)) setPointer(valueOf(map, elem), value)
  else copyBytes(valueOf(map, elem), value, load<u32>(map + MAP_VALUE_SIZE))
}

/** Two threads may claim the same CPU (a worker and a system call); the second waits until the first put its old element back. */
function takeSpare (spare: usize): usize {
  let elem = atomic.xchg<u32>(spare, 0)
  while (elem == 0) elem = atomic.xchg<u32>(spare, 0)
  return elem as usize
}

function popFree (map: usize): usize {
  lock(freeLock(map))
  let elem = load<u32>(freeHead(map)) as usize
  if (elem != 0) {
    store<u32>(freeHead(map), load<u32>(elem, ELEM_FREE_LINK))
  } else {
    const never = load<u32>(freeBump(map))
    if (never < load<u32>(elemTotal(map))) {
      store<u32>(freeBump(map), never + 1)
      elem = elemAt(map, never)
    }
  }
  unlock(freeLock(map))
  return elem
}

/** A preallocated element may be reused at once; any other waits for the readers. */
function freeElem (map: usize, elem: usize): void {
  if ((load<u32>(map + MAP_FLAGS) & BPF_F_NO_PREALLOC) != 0) {
    atomic.sub<u32>(elemCount(map), 1)
    retire(elem)
    return
  }
  lock(freeLock(map))
  store<u32>(elem, load<u32>(freeHead(map)), ELEM_FREE_LINK)
  store<u32>(freeHead(map), elem as u32)
  unlock(freeLock(map))
}

/** Spares come off the never used elements. */
export function fillSpares (map: usize, cpus: u32): void {
  for (let cpu: u32 = 0; cpu < cpus; cpu++) {
    store<u32>(pointerAt(spareElems(map)) + ((cpu as usize) << 2), popFree(map) as u32)
  }
}

// @ts-ignore: decorator
@inline
function holdsMaps (map: usize): bool {
  return load<u32>(map + MAP_TYPE) == HASH_OF_MAPS
}
