// lpm_trie: insert, replace, delete. One lock for the whole trie, as in the kernel.

import {
  BLOCK_ELEM, BPF_EXIST, BPF_NOEXIST, EEXIST, EINVAL, ENOENT, ENOMEM, ENOSPC, LPM_DATA, LPM_DATA_SIZE, LPM_ENTRIES, LPM_FLAGS, LPM_LOCK,
  LPM_MAX_PREFIX, LPM_PREFIX, LPM_ROOT, MAP_KEY_SIZE, MAP_MAX_ENTRIES, MAP_VALUE_SIZE, pointerAt, setPointer
} from './layout'
import { allocateFor, release } from './allocator'
import { bitAt, childSlot, commonPrefix, isJoining, JOINING, trieValue } from './lpm-trie'
import { copyBytes } from './bytes'
import { lock, unlock } from './lock'
import { retire } from './epoch'

const NODE_COUNT: usize = 8

export function initialiseTrie (map: usize): void {
  const size = load<u32>(map + MAP_KEY_SIZE) - 4
  store<u32>(map + LPM_DATA_SIZE, size)
  store<u32>(map + LPM_MAX_PREFIX, size << 3)
}

/** @returns nodes of a trie, those that only join two branches included */
export function trieNodes (map: usize): u32 {
  return atomic.load<u32>(map + LPM_ROOT + NODE_COUNT)
}

export function trieUpdateElem (map: usize, key: usize, value: usize, flags: u64): i32 {
  if (flags > BPF_EXIST || load<u32>(key) > load<u32>(map + LPM_MAX_PREFIX)) return -EINVAL
  const fresh = newNode(map, load<u32>(key), key + 4)
  if (fresh == 0) return -ENOMEM
  copyBytes(trieValue(map, fresh), value, load<u32>(map + MAP_VALUE_SIZE))
  lock(map + LPM_LOCK)
  const result = insert(map, key, fresh, flags)
  if (result != 0) dropNode(map, fresh)
  unlock(map + LPM_LOCK)
  return result
}

function insert (map: usize, key: usize, fresh: usize, flags: u64): i32 {
  const slot = slotFor(map, key)
  const node = pointerAt(slot)
  if (node == 0) {
    const refused = claimEntry(map, flags)
    if (refused == 0) link(slot, fresh)
    return refused
  }
  const same = commonPrefix(map, node, key)
  if (same == load<u32>(node + LPM_PREFIX)) return replace(map, slot, node, fresh, flags)
  const refused = claimEntry(map, flags)
  if (refused != 0) return refused
  if (same == load<u32>(key)) {
    setPointer(childSlot(fresh, bitAt(node + LPM_DATA, same)), node)
    link(slot, fresh)
    return 0
  }
  return join(map, slot, node, fresh, same)
}

/** @returns the slot of the node where the way of a key ends: the key's own node, the first that it leaves, or none */
function slotFor (map: usize, key: usize): usize {
  const length = load<u32>(key)
  let slot = map + LPM_ROOT
  for (let node = pointerAt(slot); node != 0; node = pointerAt(slot)) {
    const own = load<u32>(node + LPM_PREFIX)
    if (own == length || commonPrefix(map, node, key) != own) break
    slot = childSlot(node, bitAt(key + 4, own))
  }
  return slot
}

function claimEntry (map: usize, flags: u64): i32 {
  if (flags == BPF_EXIST) return -ENOENT
  const entries = load<u32>(map + LPM_ENTRIES)
  if (entries == load<u32>(map + MAP_MAX_ENTRIES)) return -ENOSPC
  store<u32>(map + LPM_ENTRIES, entries + 1)
  return 0
}

/** In the place of the same prefix, or of a node that joined two branches just there. */
function replace (map: usize, slot: usize, node: usize, fresh: usize, flags: u64): i32 {
  if (isJoining(node)) {
    const refused = claimEntry(map, flags)
    if (refused != 0) return refused
  } else if (flags == BPF_NOEXIST) {
    return -EEXIST
  }
  setPointer(childSlot(fresh, 0), pointerAt(childSlot(node, 0)))
  setPointer(childSlot(fresh, 1), pointerAt(childSlot(node, 1)))
  link(slot, fresh)
  retireNode(map, node)
  return 0
}

/** Node and new node part after `same` bits. */
function join (map: usize, slot: usize, node: usize, fresh: usize, same: u32): i32 {
  const joining = newNode(map, same, node + LPM_DATA)
  if (joining == 0) {
    store<u32>(map + LPM_ENTRIES, load<u32>(map + LPM_ENTRIES) - 1)
    return -ENOMEM
  }
  store<u32>(joining + LPM_FLAGS, JOINING)
  const bit = bitAt(fresh + LPM_DATA, same)
  setPointer(childSlot(joining, bit), fresh)
  setPointer(childSlot(joining, bit ^ 1), node)
  link(slot, joining)
  return 0
}

/** @returns 0, -EINVAL for a prefix that is too long, or -ENOENT */
export function trieDeleteElem (map: usize, key: usize): i32 {
  if (load<u32>(key) > load<u32>(map + LPM_MAX_PREFIX)) return -EINVAL
  lock(map + LPM_LOCK)
  const found = remove(map, key)
  unlock(map + LPM_LOCK)
  return found ? 0 : -ENOENT
}

function remove (map: usize, key: usize): bool {
  const length = load<u32>(key)
  let above: usize = 0
  let parent: usize = 0
  let slot = map + LPM_ROOT
  let node = pointerAt(slot)
  while (node != 0) {
    const own = load<u32>(node + LPM_PREFIX)
    if (commonPrefix(map, node, key) != own) return false
    if (own == length) break
    above = slot
    parent = node
    slot = childSlot(node, bitAt(key + 4, own))
    node = pointerAt(slot)
  }
  if (node == 0 || isJoining(node)) return false
  store<u32>(map + LPM_ENTRIES, load<u32>(map + LPM_ENTRIES) - 1)
  const left = pointerAt(childSlot(node, 0))
  const right = pointerAt(childSlot(node, 1))
  if (left != 0 && right != 0) {
    store<u32>(node + LPM_FLAGS, JOINING)
  } else if (parent != 0 && isJoining(parent) && left == 0 && right == 0) {
    // a joining node with one branch joins nothing: the other branch takes its place
    link(above, pointerAt(childSlot(parent, u32(pointerAt(parent) == node))))
    retireNode(map, parent)
    retireNode(map, node)
  } else {
    link(slot, left != 0 ? left : right)
    retireNode(map, node)
  }
  return true
}

/** Frees the nodes of a trie that nobody reads any more: left branches are turned to the right, so that no way back is needed. */
export function emptyTrie (map: usize): void {
  let node = pointerAt(map + LPM_ROOT)
  while (node != 0) {
    const left = pointerAt(childSlot(node, 0))
    if (left == 0) {
      const next = pointerAt(childSlot(node, 1))
      release(node)
      node = next
    } else {
      setPointer(childSlot(node, 0), pointerAt(childSlot(left, 1)))
      setPointer(childSlot(left, 1), node)
      node = left
    }
  }
}

function newNode (map: usize, length: u32, data: usize): usize {
  const size = load<u32>(map + LPM_DATA_SIZE)
  const node = allocateFor((LPM_DATA as u32) + size + load<u32>(map + MAP_VALUE_SIZE), map, BLOCK_ELEM)
  if (node == 0) return 0
  store<u32>(node + LPM_PREFIX, length)
  copyBytes(node + LPM_DATA, data, size)
  atomic.add<u32>(map + LPM_ROOT + NODE_COUNT, 1)
  return node
}

/** Readers see the node complete. */
// @ts-ignore: decorator
@inline
function link (slot: usize, node: usize): void {
  atomic.store<u32>(slot, node as u32)
}

/** Never linked: nobody reads it. */
function dropNode (map: usize, node: usize): void {
  atomic.sub<u32>(map + LPM_ROOT + NODE_COUNT, 1)
  release(node)
}

function retireNode (map: usize, node: usize): void {
  atomic.sub<u32>(map + LPM_ROOT + NODE_COUNT, 1)
  retire(node)
}
