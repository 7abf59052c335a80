// Is an address inside a live map value? The slow path for accesses that nobody proved safe: page descriptors lead to the
// block, the block to its map, the map to where in it a value lies.

import {
  ARRAY, ARRAY_ELEM_SIZE, ARRAY_VALUE, BLOCK_ELEM, BLOCK_ELEMS, BLOCK_MAP, ELEM_KEY, HASH, HEADER_FIRST_PAGE,
  HEADER_FRONTIER, HTAB_ELEM_SIZE, LPM_DATA, LPM_DATA_SIZE, LPM_TRIE, LRU_HASH, MAP_KEY_SIZE, MAP_MAX_ENTRIES, MAP_TYPE, MAP_VALUE_SIZE, PAGE_SHIFT, round8
} from './layout'
import { BLOCK_HEADER, blockOf } from './allocator'
import { headOf, PAGE_PERCPU, pageKind } from './pages'
import { perCpuOffset, perCpuOwner } from './percpu'

/** @returns true iff all bytes of [address, address + size) are in one value of one live map */
export function checkMapAccess (address: usize, size: u32): bool {
  const page = (address >> PAGE_SHIFT) as u32
  if (page < load<u32>(HEADER_FIRST_PAGE) || page >= load<u32>(HEADER_FRONTIER)) return false
  if (pageKind(headOf(page)) == PAGE_PERCPU) {
    const map = perCpuOwner(address)
    return map != 0 && fits(map, perCpuOffset(address), size)
  }
  const block = blockOf(address)
  if (block == 0 || address < block + BLOCK_HEADER) return false
  const map = load<u32>(block) as usize
  if (map == 0) return false
  const kind = load<u32>(block, 4)
  if (kind == BLOCK_MAP) return insideArray(map, address, size)
  const type = load<u32>(map + MAP_TYPE)
  const offset = (address - block - BLOCK_HEADER) as u32
  if (type == LPM_TRIE) return kind == BLOCK_ELEM && insideNode(map, offset, size)
  if (type != HASH && type != LRU_HASH) return false
  if (kind == BLOCK_ELEM) return insideElem(map, offset, size)
  return kind == BLOCK_ELEMS && insideElem(map, offset % load<u32>(map + HTAB_ELEM_SIZE), size)
}

/** @returns true iff a live map starts at the address */
export function isMap (address: usize): bool {
  const block = blockOf(address)
  return block != 0 && load<u32>(block) == (address as u32) && load<u32>(block, 4) == BLOCK_MAP
}

function fits (map: usize, offset: u32, size: u32): bool {
  const valueSize = load<u32>(map + MAP_VALUE_SIZE)
  return offset < valueSize && size <= valueSize - offset
}

function insideArray (map: usize, address: usize, size: u32): bool {
  if (load<u32>(map + MAP_TYPE) != ARRAY || address < map + ARRAY_VALUE) return false
  const offset = (address - map - ARRAY_VALUE) as u32
  const elemSize = load<u32>(map + ARRAY_ELEM_SIZE)
  const index = offset / elemSize
  return index < load<u32>(map + MAP_MAX_ENTRIES) && fits(map, offset - index * elemSize, size)
}

function insideNode (map: usize, offset: u32, size: u32): bool {
  const value = (LPM_DATA as u32) + load<u32>(map + LPM_DATA_SIZE)
  return offset >= value && fits(map, offset - value, size)
}

function insideElem (map: usize, offset: u32, size: u32): bool {
  const value = (ELEM_KEY as u32) + round8(load<u32>(map + MAP_KEY_SIZE))
  return offset >= value && fits(map, offset - value, size)
}
