// Read-copy-update in small: what was unlinked (a replaced inner map, a deleted element) is freed only when every reader
// that could have seen it has left. A reader notes the epoch at which it entered; retiring an object starts a new epoch
// and tags the object with the one before. The object may go when no reader noted its tag or an older epoch.
// Epochs are odd, so that 0 can say "reads nothing".

import {
  BLOCK_MAP, HEADER_EPOCH, HEADER_LIMBO_HEAD, HEADER_LIMBO_LOCK, HEADER_LIMBO_TAIL, HEADER_READERS, MAX_WORKERS
} from './layout'
import { BLOCK_HEADER, release } from './allocator'
import { lock, unlock } from './lock'
import { destroyMap } from './lifecycle'

const READER_BYTES: usize = 64
/** readers beside the workers: system calls in progress */
const SYSCALL_READERS: u32 = 16

/** Worker 0..63 begins a batch of runs. Not nested; what it looked up before the matching exit stays valid until then. */
export function readerEnter (worker: u32): void {
  atomic.store<u32>(readerSlot(worker), atomic.load<u32>(HEADER_EPOCH))
  settle()
}

export function readerExit (worker: u32): void {
  atomic.store<u32>(readerSlot(worker), 0)
  reclaim()
}

/** @returns the slot to give to `syscallExit` */
export function syscallEnter (): usize {
  let slot = readerSlot(MAX_WORKERS)
  for (let i: u32 = 1; atomic.cmpxchg<u32>(slot, 0, atomic.load<u32>(HEADER_EPOCH)) != 0; i++) {
    slot = readerSlot(MAX_WORKERS + i % SYSCALL_READERS)
  }
  settle()
  return slot
}

/**
 * The reads that follow are plain loads, which some machines move ahead of the store that announces the reader: then whoever
 * retires would not see it. They do not move ahead of an atomic load, nor that one ahead of the store.
 */
// @ts-ignore: decorator
@inline
function settle (): void {
  atomic.load<u32>(HEADER_EPOCH)
}

export function syscallExit (slot: usize): void {
  atomic.store<u32>(slot, 0)
}

/** Hands over a block that readers may still hold; it is freed by a later `reclaim`. */
export function retire (address: usize): void {
  const block = address - BLOCK_HEADER
  lock(HEADER_LIMBO_LOCK)
  store<u32>(block, atomic.add<u32>(HEADER_EPOCH, 2), 8)
  store<u32>(block, 0, 12)
  const tail = load<u32>(HEADER_LIMBO_TAIL) as usize
  if (tail == 0) store<u32>(HEADER_LIMBO_HEAD, block as u32)
  else store<u32>(tail, block as u32, 12)
  store<u32>(HEADER_LIMBO_TAIL, block as u32)
  unlock(HEADER_LIMBO_LOCK)
}

/** Frees what no reader can hold any more. @returns how many blocks and maps */
export function reclaim (): u32 {
  if (atomic.load<u32>(HEADER_LIMBO_HEAD) == 0) return 0
  let freed: u32 = 0
  for (let block = takeSafe(); block != 0; block = takeSafe()) {
    const address = block + BLOCK_HEADER
    if (load<u32>(block, 4) == BLOCK_MAP) destroyMap(load<u32>(block) as usize)
    else release(address)
    freed++
  }
  return freed
}

function takeSafe (): usize {
  lock(HEADER_LIMBO_LOCK)
  const block = load<u32>(HEADER_LIMBO_HEAD) as usize
  let taken: usize = 0
  if (block != 0 && nobodyReads(load<u32>(block, 8))) {
    const next = load<u32>(block, 12)
    store<u32>(HEADER_LIMBO_HEAD, next)
    if (next == 0) store<u32>(HEADER_LIMBO_TAIL, 0)
    taken = block
  }
  unlock(HEADER_LIMBO_LOCK)
  return taken
}

function nobodyReads (tag: u32): bool {
  for (let i: u32 = 0; i < MAX_WORKERS + SYSCALL_READERS; i++) {
    const entered = atomic.load<u32>(readerSlot(i))
    if (entered != 0 && (entered - tag) as i32 <= 0) return false
  }
  return true
}

// @ts-ignore: decorator
@inline
function readerSlot (reader: u32): usize {
  return HEADER_READERS + (reader as usize) * READER_BYTES
}
