// Creating and destroying maps. Attributes were checked by the caller (lib/bpf/map); here memory is laid out as the
// kernel's structs have it and given back. Inner maps that an outer map still points to are the caller's to release.

import {
  ARRAY, ARRAY_ELEM_SIZE, ARRAY_INDEX_MASK, ARRAY_OF_MAPS, ARRAY_VALUE, BLOCK_ELEMS, BLOCK_MAP, BLOCK_OTHER,
  BPF_F_MMAPABLE, BPF_F_NO_PREALLOC, ELEM_KEY, HASH, HASH_OF_MAPS, HTAB_BUCKETS, HTAB_ELEM_SIZE, HTAB_ELEMS,
  HTAB_HASHRND, HTAB_N_BUCKETS, HTAB_SIZE, LPM_SIZE, LPM_TRIE, LRU_HASH, MAP_FLAGS, MAP_ID, MAP_KEY_SIZE, MAP_MAX_ENTRIES, MAP_TYPE,
  MAP_VALUE_SIZE, PAGE_BYTES, PERCPU_ARRAY, pointerAt, POSSIBLE_CPUS, round8, setPointer
} from './layout'
import { allocateFor, BLOCK_HEADER, release, setOwner } from './allocator'
import { BUCKET_BYTES, elemTotal, isEnd, lruState, spareElems } from './htab-layout'
import { emptyPerCpuArray, fillPerCpuArray } from './array'
import { fillSpares } from './htab-update'
import { emptyTrie, initialiseTrie } from './lpm-trie-update'
import { lruInit } from './lru'
import { retire } from './epoch'

const LARGEST: u64 = 0xf000_0000

/**
 * @param maxEntries as the map shows it (NO_COMMON_LRU: already a multiple of the CPUs)
 * @param arrayEntries elements an array has room for: max_entries, or the next power of two where indexes are masked
 * @returns the map's address; 0 if it does not fit or the type is none of this module's
 */
export function createMap (
  type: u32, keySize: u32, valueSize: u32, maxEntries: u32, flags: u32, id: u32, arrayEntries: u32, seed: u32
): usize {
  let map: usize = 0
  if (type == ARRAY || type == PERCPU_ARRAY || type == ARRAY_OF_MAPS) {
    map = allocateArray(type, valueSize, arrayEntries, flags)
  } else if (type == HASH || type == LRU_HASH || type == HASH_OF_MAPS) {
    map = allocateStruct(HTAB_SIZE)
  } else if (type == LPM_TRIE) {
    map = allocateStruct(LPM_SIZE)
  }
  if (map == 0) return 0
  store<u32>(map + MAP_TYPE, type)
  store<u32>(map + MAP_KEY_SIZE, keySize)
  store<u32>(map + MAP_VALUE_SIZE, valueSize)
  store<u32>(map + MAP_MAX_ENTRIES, maxEntries)
  store<u32>(map + MAP_FLAGS, flags)
  store<u32>(map + MAP_ID, id)
  if (type == ARRAY || type == PERCPU_ARRAY || type == ARRAY_OF_MAPS) {
    store<u32>(map + ARRAY_ELEM_SIZE, type == ARRAY ? round8(valueSize) : 8)
    store<u32>(map + ARRAY_INDEX_MASK, powerOfTwo(maxEntries) - 1)
    if (type != PERCPU_ARRAY || fillPerCpuArray(map)) return map
  } else if (type == LPM_TRIE) {
    initialiseTrie(map)
    return map
  } else if (fillHtab(map, seed)) {
    return map
  }
  destroyMap(map)
  return 0
}

/** Frees a map that nobody can read any more; for one that programs may still read, `retire` its address. */
export function destroyMap (map: usize): void {
  const type = load<u32>(map + MAP_TYPE)
  if (type == PERCPU_ARRAY) emptyPerCpuArray(map)
  if (type == HASH || type == LRU_HASH || type == HASH_OF_MAPS) emptyHtab(map)
  if (type == LPM_TRIE) emptyTrie(map)
  if (type == ARRAY && (load<u32>(map + MAP_FLAGS) & BPF_F_MMAPABLE) != 0) {
    release(map - (PAGE_BYTES - ARRAY_VALUE) + BLOCK_HEADER)
  } else {
    release(map)
  }
}

/** Frees the map once no reader can hold it. */
export function retireMap (map: usize): void {
  const mmapable = load<u32>(map + MAP_TYPE) == ARRAY && (load<u32>(map + MAP_FLAGS) & BPF_F_MMAPABLE) != 0
  retire(mmapable ? map - (PAGE_BYTES - ARRAY_VALUE) + BLOCK_HEADER : map)
}

function powerOfTwo (n: u32): u32 {
  return n <= 1 ? 1 : 1 << (32 - clz<u32>(n - 1))
}

/** A BPF_F_MMAPABLE array ends its struct at the end of a page, so that the values start the next one. */
function allocateArray (type: u32, valueSize: u32, entries: u32, flags: u32): usize {
  const bytes = (type == ARRAY ? round8(valueSize) as u64 : 8) * (entries as u64)
  if (bytes > LARGEST) return 0
  if (type == ARRAY && (flags & BPF_F_MMAPABLE) != 0) {
    const block = allocateFor((PAGE_BYTES as u32) - (BLOCK_HEADER as u32) + (((bytes as u32) + 4095) & ~4095), 0, BLOCK_MAP)
    if (block == 0) return 0
    const map = block - BLOCK_HEADER + PAGE_BYTES - ARRAY_VALUE
    setOwner(block, map)
    return map
  }
  return allocateStruct(ARRAY_VALUE + (bytes as usize))
}

function allocateStruct (bytes: usize): usize {
  const map = allocateFor(bytes as u32, 0, BLOCK_MAP)
  if (map != 0) setOwner(map, map)
  return map
}

function fillHtab (map: usize, seed: u32): bool {
  const type = load<u32>(map + MAP_TYPE)
  const maxEntries = load<u32>(map + MAP_MAX_ENTRIES)
  const buckets = powerOfTwo(maxEntries)
  const valueBytes = type == HASH_OF_MAPS ? 8 : round8(load<u32>(map + MAP_VALUE_SIZE))
  const elemSize = (ELEM_KEY as u32) + round8(load<u32>(map + MAP_KEY_SIZE)) + valueBytes
  if ((buckets as u64) * BUCKET_BYTES > LARGEST) return false
  store<u32>(map + HTAB_N_BUCKETS, buckets)
  store<u32>(map + HTAB_ELEM_SIZE, elemSize)
  store<u32>(map + HTAB_HASHRND, seed)
  const table = allocateFor(buckets * (BUCKET_BYTES as u32), map, BLOCK_OTHER)
  if (table == 0) return false
  setPointer(map + HTAB_BUCKETS, table)
  if ((load<u32>(map + MAP_FLAGS) & BPF_F_NO_PREALLOC) != 0) return true
  return fillElems(map, type, maxEntries + (type == HASH ? POSSIBLE_CPUS : 0), elemSize)
}

/** Preallocated elements: one area; a plain hash has one spare per CPU more than it may hold. */
function fillElems (map: usize, type: u32, total: u32, elemSize: u32): bool {
  if ((total as u64) * (elemSize as u64) > LARGEST) return false
  const elems = allocateFor(total * elemSize, map, BLOCK_ELEMS)
  if (elems == 0) return false
  setPointer(map + HTAB_ELEMS, elems)
  store<u32>(elemTotal(map), total)
  if (type == LRU_HASH) return lruInit(map)
  if (type == HASH) {
    const spares = allocateFor(POSSIBLE_CPUS * 4, map, BLOCK_OTHER)
    if (spares == 0) return false
    setPointer(spareElems(map), spares)
    fillSpares(map, POSSIBLE_CPUS)
  }
  return true
}

function emptyHtab (map: usize): void {
  const table = pointerAt(map + HTAB_BUCKETS)
  if (table != 0 && (load<u32>(map + MAP_FLAGS) & BPF_F_NO_PREALLOC) != 0) {
    const buckets = load<u32>(map + HTAB_N_BUCKETS)
    for (let i: u32 = 0; i < buckets; i++) {
      let next = load<u32>(table + (i as usize) * BUCKET_BYTES)
      while (!isEnd(next)) {
        const elem = next as usize
        next = load<u32>(elem)
        release(elem)
      }
    }
  }
  release(pointerAt(spareElems(map)))
  release(pointerAt(map + HTAB_ELEMS))
  release(pointerAt(lruState(map)))
  release(table)
}
