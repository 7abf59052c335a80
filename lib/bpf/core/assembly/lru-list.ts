// The lists an LRU hash keeps its elements on. A list is active, inactive and free nodes, newest first, with a mark for
// the rotation of the inactive ones:
//
//   0 active   16 inactive   32 free   48 nodes on active   52 nodes on inactive   56 rotation mark   60 lock
//
// A head or node is two words, next at 0 and previous at 8; a node is 16 bytes into its element, where the kernel has it:
// next 16, previous 24, cpu 32, list 34, reference 35.
// A lookup from a program sets the reference byte; a node with it gets a second chance when room is made.

import { ELEM_LRU_REF } from './layout'

export const ACTIVE: u8 = 0
export const INACTIVE: u8 = 1
export const FREE: u8 = 2
export const LOCAL_FREE: u8 = 3
export const LOCAL_PENDING: u8 = 4

export const NODE_IN_ELEM: usize = 16
const PREVIOUS: usize = 8
const NODE_CPU: usize = 16
const NODE_LIST: usize = 18
const COUNTS: usize = 48
const ROTATION: usize = 56
export const LIST_LOCK: usize = 60

// @ts-ignore: decorator
@inline
export function head (list: usize, kind: u8): usize { return list + ((kind as usize) << 4) }
// @ts-ignore: decorator
@inline
export function nextOf (node: usize): usize { return load<u32>(node) as usize }
// @ts-ignore: decorator
@inline
export function previousOf (node: usize): usize { return load<u32>(node, PREVIOUS) as usize }
// @ts-ignore: decorator
@inline
export function isEmpty (listHead: usize): bool { return nextOf(listHead) == listHead }
// @ts-ignore: decorator
@inline
export function listOf (node: usize): u8 { return load<u8>(node, NODE_LIST) }
// @ts-ignore: decorator
@inline
export function setListOf (node: usize, kind: u8): void { store<u8>(node, kind, NODE_LIST) }
// @ts-ignore: decorator
@inline
export function cpuOf (node: usize): u32 { return load<u16>(node, NODE_CPU) }
// @ts-ignore: decorator
@inline
export function setCpuOf (node: usize, cpu: u32): void { store<u16>(node, cpu as u16, NODE_CPU) }
// @ts-ignore: decorator
@inline
export function isReferenced (node: usize): bool { return load<u8>(node + ELEM_LRU_REF - NODE_IN_ELEM) != 0 }
// @ts-ignore: decorator
@inline
export function clearReference (node: usize): void { store<u8>(node + ELEM_LRU_REF - NODE_IN_ELEM, 0) }

export function initHead (listHead: usize): void {
  store<u32>(listHead, listHead as u32)
  store<u32>(listHead, listHead as u32, PREVIOUS)
}

export function initList (list: usize): void {
  initHead(head(list, ACTIVE))
  initHead(head(list, INACTIVE))
  initHead(head(list, FREE))
  store<u32>(list, head(list, INACTIVE) as u32, ROTATION)
}

export function linkFirst (listHead: usize, node: usize): void {
  const first = nextOf(listHead)
  store<u32>(node, first as u32)
  store<u32>(node, listHead as u32, PREVIOUS)
  store<u32>(first, node as u32, PREVIOUS)
  store<u32>(listHead, node as u32)
}

export function unlinkNode (node: usize): void {
  const next = nextOf(node)
  const previous = previousOf(node)
  store<u32>(previous, next as u32)
  store<u32>(next, previous as u32, PREVIOUS)
}

/** Moves a node to the front of one of its list's three; the reference is used up. */
export function moveWithin (list: usize, node: usize, to: u8): void {
  leaveRotation(list, node)
  const from = listOf(node)
  if (from != to) {
    uncount(list, from)
    count(list, to)
    setListOf(node, to)
  }
  clearReference(node)
  unlinkNode(node)
  linkFirst(head(list, to), node)
}

/** Brings a node in from a CPU's own list. */
export function moveIn (list: usize, node: usize, to: u8): void {
  count(list, to)
  setListOf(node, to)
  clearReference(node)
  unlinkNode(node)
  linkFirst(head(list, to), node)
}

/** Takes a node out to a list of free ones, this list's or a CPU's. */
export function moveToFree (list: usize, node: usize, freeHead: usize, kind: u8): void {
  leaveRotation(list, node)
  uncount(list, listOf(node))
  setListOf(node, kind)
  unlinkNode(node)
  linkFirst(freeHead, node)
}

/** Ages the list: too few inactive nodes are topped up with unused active ones, and inactive ones in use go to active. */
export function rotate (list: usize, scans: u32): void {
  if (load<u32>(list, COUNTS + 4) < load<u32>(list, COUNTS)) rotateActive(list, scans)
  rotateInactive(list, scans)
}

function rotateActive (list: usize, scans: u32): void {
  const active = head(list, ACTIVE)
  const first = nextOf(active)
  let node = previousOf(active)
  for (let i: u32 = 1; node != active; i++) {
    const before = previousOf(node)
    moveWithin(list, node, isReferenced(node) ? ACTIVE : INACTIVE)
    if (i == scans || node == first) return
    node = before
  }
}

function rotateInactive (list: usize, scans: u32): void {
  const inactive = head(list, INACTIVE)
  if (isEmpty(inactive)) return
  const mark = load<u32>(list, ROTATION) as usize
  let last = nextOf(mark)
  if (last == inactive) last = nextOf(last)
  let node = mark
  let next = mark
  for (let i: u32 = 0; i < scans;) {
    if (node == inactive) {
      node = previousOf(node)
      continue
    }
    next = previousOf(node)
    const wasLast = node == last
    if (isReferenced(node)) moveWithin(list, node, ACTIVE)
    if (wasLast) break
    node = next
    i++
  }
  store<u32>(list, next as u32, ROTATION)
}

// @ts-ignore: decorator
@inline
function leaveRotation (list: usize, node: usize): void {
  if (load<u32>(list, ROTATION) == (node as u32)) store<u32>(list, previousOf(node) as u32, ROTATION)
}

// @ts-ignore: decorator
@inline
function count (list: usize, kind: u8): void {
  if (kind > INACTIVE) return
  const at = list + COUNTS + ((kind as usize) << 2)
  store<u32>(at, load<u32>(at) + 1)
}

// @ts-ignore: decorator
@inline
function uncount (list: usize, kind: u8): void {
  if (kind > INACTIVE) return
  const at = list + COUNTS + ((kind as usize) << 2)
  store<u32>(at, load<u32>(at) - 1)
}
