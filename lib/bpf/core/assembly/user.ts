// Map operations as system calls make them: values are copied, per-CPU maps give and take the copies of all CPUs, outer
// maps give the inner map's id, and no lookup counts as a use for LRU. Flags and errno as bpf(2) has them; checks that
// need no map memory (frozen, map flags, sizes) are the caller's. Every operation is a reader of its own.

import {
  ARRAY, ARRAY_OF_MAPS, ARRAY_VALUE, BPF_EXIST, BPF_F_NO_PREALLOC, BPF_NOEXIST, E2BIG, EEXIST, EINVAL, ELEM_KEY, ENOENT,
  ENOTSUPP, HASH, HASH_OF_MAPS, HTAB_BUCKETS, HTAB_N_BUCKETS, LPM_ENTRIES, LPM_TRIE, LRU_HASH, MAP_FLAGS, MAP_ID, MAP_KEY_SIZE,
  MAP_MAX_ENTRIES, MAP_TYPE, MAP_VALUE_SIZE, PERCPU_ARRAY, pointerAt, round8
} from './layout'
import {
  arrayMapLookupElem, arrayMapUpdateElem, arrayOfMapsLookupElem, arrayOfMapsSwap, copyFromPerCpu, copyToPerCpu,
  pointerSlot
} from './array'
import { BUCKET_BYTES, elemCount, isEnd, valueOf } from './htab-layout'
import { copyBytes } from './bytes'
import { hashOf, htabMapDeleteElem, htabMapUpdateElem, htabOfMapsUpdate } from './htab-update'
import { htabMapLookupRaw } from './htab-lookup'
import { lruMapDeleteElem, lruMapUpdateElem } from './lru'
import { trieDeleteElem, trieUpdateElem } from './lpm-trie-update'
import { trieLookupElem, trieNextKey } from './lpm-trie'
import { reclaim, syscallEnter, syscallExit } from './epoch'

/** Copies the value to `out`. @returns 0 or a negative errno */
export function userLookup (map: usize, key: usize, out: usize): i32 {
  const reader = syscallEnter()
  const result = lookup(map, key, out)
  syscallExit(reader)
  return result
}

/** @returns 0 or a negative errno */
export function userUpdate (map: usize, key: usize, value: usize, flags: u32, cpu: u32): i32 {
  const reader = syscallEnter()
  const result = update(map, key, value, flags, cpu)
  syscallExit(reader)
  reclaim()
  return result
}

/** Stores the inner map that was replaced, or 0, at `replaced`. @returns 0 or a negative errno */
export function userUpdateInner (map: usize, key: usize, inner: usize, flags: u32, replaced: usize): i32 {
  store<u32>(replaced, 0)
  const type = load<u32>(map + MAP_TYPE)
  if (type == HASH_OF_MAPS) return htabOfMapsUpdate(map, key, inner, flags as u64, replaced)
  if (type != ARRAY_OF_MAPS) return -EINVAL
  return flags != 0 ? -EINVAL : arrayOfMapsSwap(map, key, inner, replaced)
}

/** For outer maps the inner map that was removed is stored at `removed`. @returns 0 or a negative errno */
export function userDelete (map: usize, key: usize, removed: usize): i32 {
  store<u32>(removed, 0)
  const type = load<u32>(map + MAP_TYPE)
  if (type == ARRAY || type == PERCPU_ARRAY) return -EINVAL
  if (type == ARRAY_OF_MAPS) {
    const result = arrayOfMapsSwap(map, key, 0, removed)
    return result == 0 && load<u32>(removed) == 0 ? -ENOENT : result
  }
  const reader = syscallEnter()
  let result: i32
  if (type == LRU_HASH) result = lruMapDeleteElem(map, key, 0)
  else if (type == LPM_TRIE) result = trieDeleteElem(map, key)
  else result = htabMapDeleteElem(map, key, type == HASH_OF_MAPS ? removed : 0)
  syscallExit(reader)
  reclaim()
  return result
}

/** hash and lru_hash only. @returns 0 or a negative errno */
export function userLookupAndDelete (map: usize, key: usize, out: usize): i32 {
  const type = load<u32>(map + MAP_TYPE)
  if (type != HASH && type != LRU_HASH) return -ENOTSUPP
  const reader = syscallEnter()
  const result = type == HASH ? htabMapDeleteElem(map, key, out) : lruMapDeleteElem(map, key, out)
  syscallExit(reader)
  reclaim()
  return result
}

/** Key after `key` (0: the first one) to `out`; a key that is not there starts over. @returns 0 or -ENOENT */
export function userNextKey (map: usize, key: usize, out: usize): i32 {
  const type = load<u32>(map + MAP_TYPE)
  if (type == ARRAY || type == PERCPU_ARRAY || type == ARRAY_OF_MAPS) return nextIndex(map, key, out)
  const reader = syscallEnter()
  const found = type == LPM_TRIE ? trieNextKey(map, key, out) : htabNextKey(map, key, out)
  syscallExit(reader)
  return found ? 0 : -ENOENT
}

/**
 * Copies keys and values of a whole map, or what fits, in key order; `cursor` (key_size bytes) holds the last key copied.
 * @param first nonzero: from the beginning, else after the key at `cursor`
 * @returns how many entries were copied; fewer than `count` means the end
 */
export function userDump (map: usize, cursor: usize, first: bool, keys: usize, values: usize, valueBytes: u32, count: u32): u32 {
  const keySize = load<u32>(map + MAP_KEY_SIZE)
  const reader = syscallEnter()
  let from: usize = first ? 0 : cursor
  let copied: u32 = 0
  while (copied < count && userNextKey(map, from, cursor) == 0) {
    from = cursor
    if (lookup(map, cursor, values + (copied * valueBytes as usize)) != 0) continue
    memory.copy(keys + (copied * keySize as usize), cursor, keySize as usize)
    copied++
  }
  syscallExit(reader)
  return copied
}

/** Elements present; for arrays max_entries, for array_of_maps the slots in use. */
export function userCount (map: usize): u32 {
  const type = load<u32>(map + MAP_TYPE)
  const maxEntries = load<u32>(map + MAP_MAX_ENTRIES)
  if (type == ARRAY || type == PERCPU_ARRAY) return maxEntries
  if (type == ARRAY_OF_MAPS) {
    let used: u32 = 0
    for (let i: u32 = 0; i < maxEntries; i++) used += u32(pointerAt(map + ARRAY_VALUE + ((i as usize) << 3)) != 0)
    return used
  }
  if (type == LPM_TRIE) return load<u32>(map + LPM_ENTRIES)
  if ((load<u32>(map + MAP_FLAGS) & BPF_F_NO_PREALLOC) != 0) return atomic.load<u32>(elemCount(map))
  const reader = syscallEnter()
  const present = countElems(map)
  syscallExit(reader)
  return present
}

function countElems (map: usize): u32 {
  const table = pointerAt(map + HTAB_BUCKETS)
  const buckets = load<u32>(map + HTAB_N_BUCKETS)
  let present: u32 = 0
  for (let i: u32 = 0; i < buckets; i++) {
    for (let next = load<u32>(table + (i as usize) * BUCKET_BYTES); !isEnd(next); next = load<u32>(next as usize)) present++
  }
  return present
}

function lookup (map: usize, key: usize, out: usize): i32 {
  const type = load<u32>(map + MAP_TYPE)
  if (type == ARRAY) return copyValue(map, arrayMapLookupElem(map, key), out)
  if (type == PERCPU_ARRAY) {
    const slot = pointerSlot(map, key)
    if (slot == 0) return -ENOENT
    copyFromPerCpu(out, pointerAt(slot), round8(load<u32>(map + MAP_VALUE_SIZE)))
    return 0
  }
  if (type == ARRAY_OF_MAPS) return copyId(arrayOfMapsLookupElem(map, key), out)
  if (type == LPM_TRIE) return copyValue(map, trieLookupElem(map, key), out)
  const elem = htabMapLookupRaw(map, key)
  if (elem == 0) return -ENOENT
  if (type == HASH_OF_MAPS) return copyId(pointerAt(valueOf(map, elem)), out)
  return copyValue(map, valueOf(map, elem), out)
}

function copyValue (map: usize, value: usize, out: usize): i32 {
  if (value == 0) return -ENOENT
  copyBytes(out, value, load<u32>(map + MAP_VALUE_SIZE))
  return 0
}

function copyId (inner: usize, out: usize): i32 {
  if (inner == 0) return -ENOENT
  store<u32>(out, load<u32>(inner + MAP_ID))
  return 0
}

function update (map: usize, key: usize, value: usize, flags: u32, cpu: u32): i32 {
  const type = load<u32>(map + MAP_TYPE)
  if (type == HASH) return htabMapUpdateElem(map, key, value, flags as u64, cpu)
  if (type == LRU_HASH) return lruMapUpdateElem(map, key, value, flags as u64, cpu)
  if (type == ARRAY) return arrayMapUpdateElem(map, key, value, flags as u64)
  if (type == LPM_TRIE) return trieUpdateElem(map, key, value, flags as u64)
  if (type != PERCPU_ARRAY) return -EINVAL
  if (flags > BPF_EXIST as u32) return -EINVAL
  const slot = pointerSlot(map, key)
  if (slot == 0) return -E2BIG
  if (flags == BPF_NOEXIST as u32) return -EEXIST
  copyToPerCpu(pointerAt(slot), value, round8(load<u32>(map + MAP_VALUE_SIZE)))
  return 0
}

function nextIndex (map: usize, key: usize, out: usize): i32 {
  const maxEntries = load<u32>(map + MAP_MAX_ENTRIES)
  const index: u32 = key == 0 ? 0xffff_ffff : load<u32>(key)
  if (index >= maxEntries) store<u32>(out, 0)
  else if (index == maxEntries - 1) return -ENOENT
  else store<u32>(out, index + 1)
  return 0
}

function htabNextKey (map: usize, key: usize, out: usize): bool {
  const elem = nextElem(map, key)
  if (elem != 0) copyBytes(out, elem + ELEM_KEY, load<u32>(map + MAP_KEY_SIZE))
  return elem != 0
}

/** Element after the key's in its chain, else the first of the next bucket that has one. */
function nextElem (map: usize, key: usize): usize {
  let bucket: u32 = 0
  if (key != 0) {
    const elem = htabMapLookupRaw(map, key)
    if (elem != 0) {
      const next = load<u32>(elem)
      if (!isEnd(next)) return next as usize
      bucket = (hashOf(map, key) & (load<u32>(map + HTAB_N_BUCKETS) - 1)) + 1
    }
  }
  const table = pointerAt(map + HTAB_BUCKETS)
  const buckets = load<u32>(map + HTAB_N_BUCKETS)
  for (; bucket < buckets; bucket++) {
    const next = load<u32>(table + (bucket as usize) * BUCKET_BYTES)
    if (!isEnd(next)) return next as usize
  }
  return 0
}
