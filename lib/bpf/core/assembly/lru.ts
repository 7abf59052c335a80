// LRU hash: an insert always finds an element, by evicting one that was not used lately.
//
// Common LRU (the default): one list for the map and, per CPU, a few free elements and the pending ones, that is, those
// this CPU inserted since it last fetched free ones. Fetching moves the pending ones into the list, ages it, and takes
// `target` free elements, shrinking the inactive part where none are free.
// BPF_F_NO_COMMON_LRU: a list per CPU with an equal share of the elements.
//
//   state   0 common list   64 target   68 scans   128 + 128 * cpu: the CPU's own lists
//           (common LRU: 0 free, 16 pending, 32 next CPU to steal from, 36 lock; else a list as in lru-list.ts)
//           Behind a list: 72 its elements that were never used, 76 number of the first of its elements, 80 CPU
//
// The kernel links all elements into free lists when it makes the map, the last one first. Here those that were never used stay out: a new
// map's pages stay untouched. They are taken in the same order, when nothing else is free, because what becomes free is linked before them.
//
// Lock order: CPU's lists, list, bucket.

import {
  BPF_EXIST, BPF_F_NO_COMMON_LRU, EINVAL, ELEM_HASH, ELEM_KEY, ELEM_LRU_REF, ENOENT, ENOMEM, MAP_FLAGS, MAP_KEY_SIZE,
  MAP_VALUE_SIZE, pointerAt, POSSIBLE_CPUS, setPointer
} from './layout'
import {
  ACTIVE, clearReference, cpuOf, FREE, head, INACTIVE, initHead, initList, isEmpty, isReferenced, linkFirst, LIST_LOCK,
  listOf, LOCAL_FREE, LOCAL_PENDING, moveIn, moveToFree, moveWithin, nextOf, NODE_IN_ELEM, previousOf, rotate, setCpuOf,
  setListOf, unlinkNode
} from './lru-list'
import { allocate } from './allocator'
import { BUCKET_LOCK, bucketOf, elemAt, elemTotal, isEnd, lruState, valueOf } from './htab-layout'
import { checkFlags, hashOf, link, unlink } from './htab-update'
import { copyBytes } from './bytes'
import { htabMapLookupRaw, lookupLocked } from './htab-lookup'
import { lock, unlock } from './lock'

const TARGET: usize = 64
const SCANS: usize = 68
const NEVER_USED: usize = 72
const FIRST: usize = 76
const LIST_CPU: usize = 80
const CPUS: usize = 128
const CPU_BYTES: usize = 128
const PENDING: usize = 16
const NEXT_STEAL: usize = 32
const LOCAL_LOCK: usize = 36
const MOST_FREE: u32 = 128
const PERCPU_FREE_TARGET: u32 = 4

export function lruMapLookupElem (map: usize, key: usize): usize {
  const elem = htabMapLookupRaw(map, key)
  if (elem == 0) return 0
  if (load<u8>(elem + ELEM_LRU_REF) == 0) store<u8>(elem + ELEM_LRU_REF, 1)
  return valueOf(map, elem)
}

export function lruMapUpdateElem (map: usize, key: usize, value: usize, flags: u64, cpu: u32): i32 {
  if (flags > BPF_EXIST) return -EINVAL
  const hash = hashOf(map, key)
  const node = popNode(map, hash, cpu)
  if (node == 0) return -ENOMEM
  const elem = node - NODE_IN_ELEM
  copyBytes(elem + ELEM_KEY, key, load<u32>(map + MAP_KEY_SIZE))
  copyBytes(valueOf(map, elem), value, load<u32>(map + MAP_VALUE_SIZE))
  const bucket = bucketOf(map, hash)
  lock(bucket + BUCKET_LOCK)
  const old = lookupLocked(map, bucket, key, hash)
  const result = checkFlags(old, flags)
  if (result == 0) {
    link(map, bucket, elem)
    if (old != 0) {
      store<u8>(elem + ELEM_LRU_REF, 1)
      unlink(bucket, old)
    }
  }
  unlock(bucket + BUCKET_LOCK)
  if (result != 0) pushNode(map, node)
  else if (old != 0) pushNode(map, old + NODE_IN_ELEM)
  return result
}

export function lruMapDeleteElem (map: usize, key: usize, taken: usize): i32 {
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
  pushNode(map, elem + NODE_IN_ELEM)
  return 0
}

/** Lays the lists out, every element free. @returns false if the memory did not suffice */
export function lruInit (map: usize): bool {
  const state = allocate((CPUS + (POSSIBLE_CPUS as usize) * CPU_BYTES) as u32)
  if (state == 0) return false
  setPointer(lruState(map), state)
  const total = load<u32>(elemTotal(map))
  initList(state)
  if (isCommon(map)) {
    store<u32>(state, min<u32>(MOST_FREE, max<u32>(1, total / POSSIBLE_CPUS / 2)), TARGET)
    store<u32>(state, MOST_FREE, SCANS)
    for (let cpu: u32 = 0; cpu < POSSIBLE_CPUS; cpu++) {
      initHead(ownLists(state, cpu))
      initHead(ownLists(state, cpu) + PENDING)
      store<u32>(ownLists(state, cpu), cpu, NEXT_STEAL)
    }
    giveElements(state, 0, total, 0)
    return true
  }
  store<u32>(state, PERCPU_FREE_TARGET, TARGET)
  store<u32>(state, PERCPU_FREE_TARGET, SCANS)
  const share = total / POSSIBLE_CPUS
  for (let cpu: u32 = 0; cpu < POSSIBLE_CPUS; cpu++) {
    initList(ownLists(state, cpu))
    giveElements(ownLists(state, cpu), cpu * share, share, cpu)
  }
  return true
}

function giveElements (list: usize, first: u32, total: u32, cpu: u32): void {
  store<u32>(list, total, NEVER_USED)
  store<u32>(list, first, FIRST)
  store<u32>(list, cpu, LIST_CPU)
}

/** Whether the list has a free node now; one that was never used is linked when there is no other. */
function hasFree (map: usize, list: usize): bool {
  const free = head(list, FREE)
  if (!isEmpty(free)) return true
  const left = load<u32>(list, NEVER_USED)
  if (left == 0) return false
  store<u32>(list, left - 1, NEVER_USED)
  const node = elemAt(map, load<u32>(list, FIRST) + left - 1) + NODE_IN_ELEM
  setCpuOf(node, load<u32>(list, LIST_CPU))
  setListOf(node, FREE)
  linkFirst(free, node)
  return true
}

// @ts-ignore: decorator
@inline
function isCommon (map: usize): bool {
  return (load<u32>(map + MAP_FLAGS) & BPF_F_NO_COMMON_LRU) == 0
}

// @ts-ignore: decorator
@inline
function ownLists (state: usize, cpu: u32): usize {
  return state + CPUS + (cpu as usize) * CPU_BYTES
}

function popNode (map: usize, hash: u32, cpu: u32): usize {
  const state = pointerAt(lruState(map))
  return isCommon(map) ? popCommon(map, state, hash, cpu) : popOwn(map, state, hash, cpu)
}

/** BPF_F_NO_COMMON_LRU: from this CPU's share. */
function popOwn (map: usize, state: usize, hash: u32, cpu: u32): usize {
  const list = ownLists(state, cpu)
  const free = head(list, FREE)
  let node: usize = 0
  lock(list + LIST_LOCK)
  rotate(list, load<u32>(state, SCANS))
  if (!hasFree(map, list)) shrink(map, list, load<u32>(state, SCANS), PERCPU_FREE_TARGET, free, FREE)
  if (!isEmpty(free)) {
    node = nextOf(free)
    store<u32>(node - NODE_IN_ELEM + ELEM_HASH, hash)
    clearReference(node)
    moveWithin(list, node, INACTIVE)
  }
  unlock(list + LIST_LOCK)
  return node
}

function popCommon (map: usize, state: usize, hash: u32, cpu: u32): usize {
  const own = ownLists(state, cpu)
  lock(own + LOCAL_LOCK)
  let node = popLocalFree(own)
  if (node == 0) {
    fetchFree(map, state, own)
    node = popLocalFree(own)
  }
  if (node != 0) addPending(own, node, hash, cpu)
  unlock(own + LOCAL_LOCK)
  return node != 0 ? node : steal(map, state, own, hash, cpu)
}

function popLocalFree (own: usize): usize {
  if (isEmpty(own)) return 0
  const node = nextOf(own)
  unlinkNode(node)
  return node
}

function addPending (own: usize, node: usize, hash: u32, cpu: u32): void {
  store<u32>(node - NODE_IN_ELEM + ELEM_HASH, hash)
  setCpuOf(node, cpu)
  setListOf(node, LOCAL_PENDING)
  clearReference(node)
  linkFirst(own + PENDING, node)
}

/** Pending elements into the list, the list aged, then up to `target` free elements to this CPU. */
function fetchFree (map: usize, list: usize, own: usize): void {
  const target = load<u32>(list, TARGET)
  const scans = load<u32>(list, SCANS)
  const pending = own + PENDING
  lock(list + LIST_LOCK)
  for (let node = previousOf(pending); node != pending;) {
    const before = previousOf(node)
    moveIn(list, node, isReferenced(node) ? ACTIVE : INACTIVE)
    node = before
  }
  rotate(list, scans)
  const free = head(list, FREE)
  let fetched: u32 = 0
  while (fetched < target && hasFree(map, list)) {
    moveToFree(list, nextOf(free), own, LOCAL_FREE)
    fetched++
  }
  if (fetched < target) shrink(map, list, scans, target - fetched, own, LOCAL_FREE)
  unlock(list + LIST_LOCK)
}

/** No element left in the list: from another CPU's free, else its oldest pending ones. */
function steal (map: usize, state: usize, own: usize, hash: u32, cpu: u32): usize {
  const first = load<u32>(own, NEXT_STEAL)
  let victim = first
  let node: usize = 0
  do {
    const lists = ownLists(state, victim)
    lock(lists + LOCAL_LOCK)
    node = popLocalFree(lists)
    if (node == 0) node = popLocalPending(map, lists)
    unlock(lists + LOCAL_LOCK)
    victim = victim + 1 == POSSIBLE_CPUS ? 0 : victim + 1
  } while (node == 0 && victim != first)
  store<u32>(own, victim, NEXT_STEAL)
  if (node == 0) return 0
  lock(own + LOCAL_LOCK)
  addPending(own, node, hash, cpu)
  unlock(own + LOCAL_LOCK)
  return node
}

/** The oldest pending element without a reference, else the oldest at all. */
function popLocalPending (map: usize, lists: usize): usize {
  const pending = lists + PENDING
  for (let force = 0; force < 2; force++) {
    for (let node = previousOf(pending); node != pending; node = previousOf(node)) {
      if ((force == 1 || !isReferenced(node)) && evict(map, node)) {
        unlinkNode(node)
        return node
      }
    }
  }
  return 0
}

/** Frees up to `wanted` inactive elements that are not in use; if there are none, one that is. */
function shrink (map: usize, list: usize, scans: u32, wanted: u32, freeHead: usize, kind: u8): void {
  const inactive = head(list, INACTIVE)
  let freed: u32 = 0
  let node = previousOf(inactive)
  for (let i: u32 = 0; node != inactive && i < scans && freed < wanted; i++) {
    const before = previousOf(node)
    if (isReferenced(node)) {
      moveWithin(list, node, ACTIVE)
    } else if (evict(map, node)) {
      moveToFree(list, node, freeHead, kind)
      freed++
    }
    node = before
  }
  if (freed == 0) shrinkByForce(map, list, freeHead, kind)
}

function shrinkByForce (map: usize, list: usize, freeHead: usize, kind: u8): void {
  const from = head(list, isEmpty(head(list, INACTIVE)) ? ACTIVE : INACTIVE)
  for (let node = previousOf(from); node != from; node = previousOf(node)) {
    if (evict(map, node)) {
      moveToFree(list, node, freeHead, kind)
      return
    }
  }
}

/** Unlinks a node's element from its chain. @returns false if it stood in none (it was deleted and is on its way to a free list) */
function evict (map: usize, node: usize): bool {
  const elem = node - NODE_IN_ELEM
  const bucket = bucketOf(map, load<u32>(elem + ELEM_HASH))
  lock(bucket + BUCKET_LOCK)
  let next = load<u32>(bucket)
  while (!isEnd(next) && next != (elem as u32)) next = load<u32>(next as usize)
  const found = next == (elem as u32)
  if (found) unlink(bucket, elem)
  unlock(bucket + BUCKET_LOCK)
  return found
}

/** A deleted, replaced or unused element becomes free where it is: on its CPU's list while pending, else on the list it is on. */
function pushNode (map: usize, node: usize): void {
  const state = pointerAt(lruState(map))
  const common = isCommon(map)
  if (common && listOf(node) == LOCAL_PENDING && pushPending(ownLists(state, cpuOf(node)), node)) return
  const list = common ? state : ownLists(state, cpuOf(node))
  lock(list + LIST_LOCK)
  moveWithin(list, node, FREE)
  unlock(list + LIST_LOCK)
}

function pushPending (own: usize, node: usize): bool {
  lock(own + LOCAL_LOCK)
  const pending = listOf(node) == LOCAL_PENDING
  if (pending) {
    setListOf(node, LOCAL_FREE)
    clearReference(node)
    unlinkNode(node)
    linkFirst(own, node)
  }
  unlock(own + LOCAL_LOCK)
  return pending
}
