// Map functions as BPF programs call them: one entry for any type of map, and the ones that translated code calls by name.
// `cpu` is the CPU the program runs on.

import { ARRAY, ARRAY_OF_MAPS, EINVAL, ENOTSUPP, HASH, LPM_TRIE, LRU_HASH, MAP_TYPE, PERCPU_ARRAY, pointerAt } from './layout'
import {
  arrayMapLookupElem, arrayMapUpdateElem, arrayOfMapsLookupElem, perCpuArrayLookupElem, perCpuArrayUpdateElem
} from './array'
import { htabMapDeleteElem, htabMapUpdateElem } from './htab-update'
import { htabMapLookupRaw } from './htab-lookup'
import { trieDeleteElem, trieUpdateElem } from './lpm-trie-update'
import { trieLookupElem } from './lpm-trie'
import { lruMapDeleteElem, lruMapLookupElem, lruMapUpdateElem } from './lru'
import { valueOf } from './htab-layout'

export { arrayMapLookupElem } from './array'
export { htabMapLookupRaw } from './htab-lookup'
export { checkMapAccess, isMap } from './access'
export { PERCPU_STRIDE } from './percpu'
export { readerEnter, readerExit } from './epoch'

/** What a program gets: address of the value, of this CPU's copy, or of the inner map; 0 if there is none. */
export function mapLookupElem (map: usize, key: usize, cpu: u32): usize {
  const type = load<u32>(map + MAP_TYPE)
  if (type == ARRAY) return arrayMapLookupElem(map, key)
  if (type == LRU_HASH) return lruMapLookupElem(map, key)
  if (type == PERCPU_ARRAY) return perCpuArrayLookupElem(map, key, cpu)
  if (type == ARRAY_OF_MAPS) return arrayOfMapsLookupElem(map, key)
  if (type == LPM_TRIE) return trieLookupElem(map, key)
  const elem = htabMapLookupRaw(map, key)
  if (elem == 0) return 0
  return type == HASH ? valueOf(map, elem) : pointerAt(valueOf(map, elem))
}

/** @returns 0 or a negative errno */
export function mapUpdateElem (map: usize, key: usize, value: usize, flags: u64, cpu: u32): i64 {
  const type = load<u32>(map + MAP_TYPE)
  if (type == HASH) return htabMapUpdateElem(map, key, value, flags, cpu)
  if (type == LRU_HASH) return lruMapUpdateElem(map, key, value, flags, cpu)
  if (type == ARRAY) return arrayMapUpdateElem(map, key, value, flags)
  if (type == PERCPU_ARRAY) return perCpuArrayUpdateElem(map, key, value, flags, cpu)
  if (type == LPM_TRIE) return trieUpdateElem(map, key, value, flags)
  return -ENOTSUPP
}

/** @returns 0 or a negative errno */
export function mapDeleteElem (map: usize, key: usize, cpu: u32): i64 {
  const type = load<u32>(map + MAP_TYPE)
  if (type == HASH) return htabMapDeleteElem(map, key, 0)
  if (type == LRU_HASH) return lruMapDeleteElem(map, key, 0)
  if (type == LPM_TRIE) return trieDeleteElem(map, key)
  if (type == ARRAY || type == PERCPU_ARRAY) return -EINVAL
  return -ENOTSUPP
}
