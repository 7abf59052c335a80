// Notes of memory accesses, for whoever wants to know which cache lines a packet touches. Records NOTE_* stand before the record whose
// accesses they note; of the map functions they note what the kernel's functions of that name read, in the order in which they do.

import { EXEC_NOTES, EXEC_R1, EXEC_R2, NOTE_BYTES, NOTE_FUNCTION, NOTE_REGION_SHIFT, NOTES_CAPACITY, NOTES_HEADER_BYTES } from './exec-layout'
import { BUCKET_BYTES, isEnd } from './htab-layout'
import { jhash } from './jhash'
import {
  ARRAY, ARRAY_ELEM_SIZE, ARRAY_INDEX_MASK, ARRAY_OF_MAPS, ARRAY_VALUE, ELEM_HASH, ELEM_KEY, ELEM_LRU_REF, HASH, HTAB_BUCKETS, HTAB_HASHRND,
  HTAB_N_BUCKETS, LPM_DATA, LPM_DATA_SIZE, LPM_FLAGS, LPM_MAX_PREFIX, LPM_PREFIX, LPM_ROOT, LPM_TRIE, LRU_HASH, MAP_KEY_SIZE, MAP_MAX_ENTRIES, MAP_TYPE, PERCPU_ARRAY, pointerAt, round8
} from './layout'
import { bitAt, childSlot, commonPrefix } from './lpm-trie'
import { sameBytes } from './bytes'

const WORD: u32 = 4
const POINTER: u32 = 8
const BYTE: u32 = 1

export function note (exec: usize, address: usize, what: u32): void {
  const notes: usize = load<u32>(exec, EXEC_NOTES)
  if (notes == 0) return
  const count = load<u32>(notes)
  store<u32>(notes, count + 1)
  if (count >= load<u32>(notes, NOTES_CAPACITY)) return
  const at = notes + NOTES_HEADER_BYTES + (count as usize) * NOTE_BYTES
  store<u32>(at, address as u32)
  store<u32>(at, what, 4)
}

// @ts-ignore: decorator
@inline
function read (exec: usize, address: usize, bytes: u32): void {
  note(exec, address, bytes | (NOTE_FUNCTION << NOTE_REGION_SHIFT))
}

export function noteArrayLookup (exec: usize): void {
  arrayLookup(exec, load<u32>(exec, EXEC_R1), load<u32>(exec, EXEC_R2))
}

export function noteHtabLookup (exec: usize): void {
  htabLookup(exec, load<u32>(exec, EXEC_R1), load<u32>(exec, EXEC_R2))
}

/** @param generic the helper, which finds the map's own function through the map first */
export function noteMapLookup (exec: usize, generic: bool): void {
  const map: usize = load<u32>(exec, EXEC_R1)
  const key: usize = load<u32>(exec, EXEC_R2)
  const type = load<u32>(map + MAP_TYPE)
  if (generic) read(exec, map, POINTER)
  if (type == ARRAY) arrayLookup(exec, map, key)
  else if (type == ARRAY_OF_MAPS || type == PERCPU_ARRAY) pointerLookup(exec, map, key)
  else if (type == LPM_TRIE) trieLookup(exec, map, key)
  else hashLookup(exec, map, key, type)
}

/** @returns index of the element, or max_entries and more */
function arrayLookup (exec: usize, map: usize, key: usize): u32 {
  const index = load<u32>(key)
  read(exec, key, WORD)
  read(exec, map + MAP_MAX_ENTRIES, WORD)
  if (index >= load<u32>(map + MAP_MAX_ENTRIES)) return index
  read(exec, map + ARRAY_ELEM_SIZE, WORD)
  read(exec, map + ARRAY_INDEX_MASK, WORD)
  return index & load<u32>(map + ARRAY_INDEX_MASK)
}

function pointerLookup (exec: usize, map: usize, key: usize): void {
  const index = arrayLookup(exec, map, key)
  if (index < load<u32>(map + MAP_MAX_ENTRIES)) read(exec, map + ARRAY_VALUE + ((index as usize) << 3), POINTER)
}

/** Of each node on the way its prefix length, its data, its flags where the key goes on behind it, and the child taken. */
function trieLookup (exec: usize, map: usize, key: usize): void {
  const all = load<u32>(map + LPM_MAX_PREFIX)
  const size = load<u32>(map + LPM_DATA_SIZE)
  read(exec, key, WORD)
  read(exec, map + LPM_MAX_PREFIX, POINTER)
  if (load<u32>(key) > all) return
  readKey(exec, key + 4, size)
  read(exec, map + LPM_ROOT, POINTER)
  for (let node = pointerAt(map + LPM_ROOT); node != 0;) {
    const length = load<u32>(node + LPM_PREFIX)
    read(exec, node + LPM_PREFIX, WORD)
    readKey(exec, node + LPM_DATA, size)
    const same = commonPrefix(map, node, key)
    if (same == all || same < length) return
    read(exec, node + LPM_FLAGS, WORD)
    const slot = childSlot(node, bitAt(key + 4, length))
    read(exec, slot, POINTER)
    node = pointerAt(slot)
  }
}

function hashLookup (exec: usize, map: usize, key: usize, type: u32): void {
  const element = htabLookup(exec, map, key)
  if (element == 0) return
  if (type == LRU_HASH) read(exec, element + ELEM_LRU_REF, BYTE)
  else if (type != HASH) read(exec, element + ELEM_KEY + (round8(load<u32>(map + MAP_KEY_SIZE)) as usize), POINTER)
}

/** @returns address of the element, 0 without */
function htabLookup (exec: usize, map: usize, key: usize): usize {
  const keySize = load<u32>(map + MAP_KEY_SIZE)
  read(exec, map + MAP_KEY_SIZE, WORD)
  read(exec, map + HTAB_HASHRND, WORD)
  readKey(exec, key, keySize)
  read(exec, map + HTAB_N_BUCKETS, WORD)
  read(exec, map + HTAB_BUCKETS, POINTER)
  const hash = jhash(key, keySize, load<u32>(map + HTAB_HASHRND))
  const bucket = pointerAt(map + HTAB_BUCKETS) + ((hash & (load<u32>(map + HTAB_N_BUCKETS) - 1)) as usize) * BUCKET_BYTES
  read(exec, bucket, POINTER)
  for (let next = load<u32>(bucket); !isEnd(next); next = load<u32>(next as usize)) {
    const element = next as usize
    read(exec, element + ELEM_HASH, WORD)
    if (load<u32>(element + ELEM_HASH) == hash) {
      readKey(exec, element + ELEM_KEY, keySize)
      if (sameBytes(element + ELEM_KEY, key, keySize)) return element
    }
    read(exec, element, POINTER)
  }
  return 0
}

/** in notes of as many bytes as one can hold */
function readKey (exec: usize, key: usize, size: u32): void {
  for (let from: u32 = 0; from < size; from += 128) {
    const left = size - from
    read(exec, key + (from as usize), left < 128 ? left : 128)
  }
}
