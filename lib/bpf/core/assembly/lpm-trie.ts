// lpm_trie: prefixes in a binary trie, found by the longest one that fits. A key is a prefix length (u32, in bits) and the
// data it counts from the highest bit of the first byte on. Nodes are the kernel's:
//
//   0 and 8 children, by the bit that follows the prefix      16 prefix length      20 flags: 1, the node only joins two branches
//   24 data                                                   24 + data size: the value
//
// Readers take no lock: a node is linked when it is complete, and one that was replaced is freed by epochs. A prefix that is
// deleted while both its branches are used stays as a joining node. This module's own node count stands in the place of the
// kernel's allocator, behind the root.

import {
  LPM_DATA, LPM_DATA_SIZE, LPM_FLAGS, LPM_MAX_PREFIX, LPM_PREFIX, LPM_ROOT, MAP_KEY_SIZE, pointerAt
} from './layout'
import { copyBytes } from './bytes'

export const JOINING: u32 = 1

/** @returns the value of the longest prefix that the key begins with, 0 if there is none */
export function trieLookupElem (map: usize, key: usize): usize {
  const all = load<u32>(map + LPM_MAX_PREFIX)
  if (load<u32>(key) > all) return 0
  let found: usize = 0
  let node = pointerAt(map + LPM_ROOT)
  while (node != 0) {
    const length = load<u32>(node + LPM_PREFIX)
    const same = commonPrefix(map, node, key)
    if (same == all) {
      found = node
      break
    }
    if (same < length) break
    if (!isJoining(node)) found = node
    node = pointerAt(childSlot(node, bitAt(key + 4, length)))
  }
  return found == 0 ? 0 : trieValue(map, found)
}

/**
 * Key after `key` in postorder (longer prefixes before those they lie in, 0 before 1); the first after 0, a key that is not there
 * or one that cannot be. The data is as it was inserted, bits behind the prefix included.
 * @returns false after the last
 */
export function trieNextKey (map: usize, key: usize, out: usize): bool {
  const root = pointerAt(map + LPM_ROOT)
  if (root == 0) return false
  const next = key == 0 || load<u32>(key) > load<u32>(map + LPM_MAX_PREFIX) ? firstBelow(root) : nodeAfter(map, root, key)
  if (next == 0) return false
  const size = load<u32>(map + MAP_KEY_SIZE)
  store<u32>(out, load<u32>(next + LPM_PREFIX))
  copyBytes(out + 4, next + LPM_DATA, size - 4)
  return true
}

/** On the way down: what would come after, had the way ended in this child. The last such is what comes after the key's node. */
function nodeAfter (map: usize, root: usize, key: usize): usize {
  const length = load<u32>(key)
  let after: usize = 0
  let node = root
  while (node != 0) {
    const own = load<u32>(node + LPM_PREFIX)
    if (commonPrefix(map, node, key) != own) return firstBelow(root)
    if (own == length) return isJoining(node) ? firstBelow(root) : after
    const bit = bitAt(key + 4, own)
    const sibling: usize = bit == 0 ? pointerAt(childSlot(node, 1)) : 0
    if (sibling != 0) after = firstBelow(sibling)
    else if (!isJoining(node)) after = node
    node = pointerAt(childSlot(node, bit))
  }
  return firstBelow(root)
}

/** The first prefix in postorder of a subtree; a joining node has both children. */
function firstBelow (root: usize): usize {
  let found: usize = 0
  let node = root
  while (node != 0) {
    if (!isJoining(node)) found = node
    const left = pointerAt(node)
    node = left != 0 || isJoining(node) ? left : pointerAt(childSlot(node, 1))
  }
  return found
}

/** @returns how many bits node and key have in common, up to the shorter prefix */
export function commonPrefix (map: usize, node: usize, key: usize): u32 {
  const limit = min<u32>(load<u32>(node + LPM_PREFIX), load<u32>(key))
  const size = load<u32>(map + LPM_DATA_SIZE)
  const a = node + LPM_DATA
  const b = key + 4
  let i: u32 = 0
  for (; i + 4 <= size && i << 3 < limit; i += 4) {
    const differing = bswap<u32>(load<u32>(a + (i as usize)) ^ load<u32>(b + (i as usize)))
    if (differing != 0) return min<u32>(limit, (i << 3) + clz<u32>(differing))
  }
  for (; i < size && i << 3 < limit; i++) {
    const differing = (load<u8>(a + (i as usize)) ^ load<u8>(b + (i as usize))) as u32
    if (differing != 0) return min<u32>(limit, (i << 3) + clz<u32>(differing) - 24)
  }
  return limit
}

// @ts-ignore: decorator
@inline
export function bitAt (data: usize, index: u32): u32 {
  return (load<u8>(data + ((index >> 3) as usize)) as u32) >> (7 - (index & 7)) & 1
}

// @ts-ignore: decorator
@inline
export function childSlot (node: usize, bit: u32): usize {
  return node + ((bit as usize) << 3)
}

// @ts-ignore: decorator
@inline
export function isJoining (node: usize): bool {
  return (load<u32>(node + LPM_FLAGS) & JOINING) != 0
}

// @ts-ignore: decorator
@inline
export function trieValue (map: usize, node: usize): usize {
  return node + LPM_DATA + (load<u32>(map + LPM_DATA_SIZE) as usize)
}
