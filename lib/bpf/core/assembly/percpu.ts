// Per-CPU memory: CPU c's copy of an object at p lies at p + c * PERCPU_STRIDE, so that the translated `r0 = percpu(r0)`
// is one multiply-add. A chunk is one unit of PERCPU_STRIDE bytes per possible CPU, cut into objects of one power-of-two
// size; its metadata stands apart:
//
//   0 base   4 log2 of the object size   8 objects in use   12 objects in all   16 free list (index + 1)   20 never used from
//   24 ..    u32 per object: owner (a map address, even), or next free index << 1 | 1

import { HEADER_ALLOC_LOCK, HEADER_PERCPU_LISTS, HEADER_PERCPU_LOCK, PAGE_SHIFT, POSSIBLE_CPUS } from './layout'
import { allocate, release } from './allocator'
import { lock, unlock } from './lock'
import { descriptor, giveRun, headOf, linkPage, PAGE_PERCPU, pageAddress, pageKind, setHead, takeRun, unlinkPage } from './pages'

export const PERCPU_STRIDE: usize = 65536
const STRIDE: u32 = 65536
const STRIDE_PAGES: u32 = 16
const OWNERS: usize = 24
const SMALLEST_LOG: u32 = 3

/** @returns address of CPU 0's copy, all copies zeroed; 0 if there is no memory left or the size is over PERCPU_STRIDE */
export function allocatePerCpu (size: u32, owner: usize): usize {
  if (size == 0 || size > STRIDE) return 0
  const log = max<u32>(SMALLEST_LOG, 32 - clz<u32>(size - 1))
  const list = HEADER_PERCPU_LISTS + (log as usize) * 4
  lock(HEADER_PERCPU_LOCK)
  let page = load<u32>(list)
  if (page == 0) page = addChunk(list, log)
  const address: usize = page == 0 ? 0 : takeObject(list, page, owner)
  unlock(HEADER_PERCPU_LOCK)
  if (address != 0) {
    for (let cpu: u32 = 0; cpu < POSSIBLE_CPUS; cpu++) memory.fill(address + (cpu as usize) * PERCPU_STRIDE, 0, size as usize)
  }
  return address
}

export function releasePerCpu (address: usize): void {
  if (address == 0) return
  const page = headOf((address >> PAGE_SHIFT) as u32)
  const meta = load<u32>(descriptor(page), 4) as usize
  const log = load<u32>(meta, 4)
  const list = HEADER_PERCPU_LISTS + (log as usize) * 4
  const index = ((address - pageAddress(page)) >> (log as usize)) as u32
  lock(HEADER_PERCPU_LOCK)
  store<u32>(meta + ((index as usize) << 2), load<u32>(meta, 16) << 1 | 1, OWNERS)
  store<u32>(meta, index + 1, 16)
  const used = load<u32>(meta, 8) - 1
  store<u32>(meta, used, 8)
  if (used + 1 == load<u32>(meta, 12)) linkPage(list, page)
  if (used == 0) dropChunk(list, page, meta)
  unlock(HEADER_PERCPU_LOCK)
}

/** @returns the map that owns the per-CPU object around the address (any CPU's copy), 0 if none does */
export function perCpuOwner (address: usize): usize {
  const page = headOf((address >> PAGE_SHIFT) as u32)
  if (pageKind(page) != PAGE_PERCPU) return 0
  const meta = load<u32>(descriptor(page), 4) as usize
  const offset = (address - pageAddress(page)) & (PERCPU_STRIDE - 1)
  const owner = load<u32>(meta + ((offset >> (load<u32>(meta, 4) as usize)) << 2), OWNERS)
  return (owner & 1) != 0 ? 0 : owner as usize
}

/** @returns how far into its object the address of a per-CPU object points */
export function perCpuOffset (address: usize): u32 {
  const page = headOf((address >> PAGE_SHIFT) as u32)
  const log = load<u32>(load<u32>(descriptor(page), 4) as usize, 4)
  return ((address - pageAddress(page)) as u32) & ((1 << log) - 1)
}

function addChunk (list: usize, log: u32): u32 {
  const count = STRIDE >> log
  const meta = allocate((OWNERS as u32) + count * 4)
  if (meta == 0) return 0
  lock(HEADER_ALLOC_LOCK)
  const run = takeRun(STRIDE_PAGES * POSSIBLE_CPUS)
  if (run != 0) setHead(run >> 1, PAGE_PERCPU, 0, meta as u32)
  unlock(HEADER_ALLOC_LOCK)
  if (run == 0) {
    release(meta)
    return 0
  }
  const page = run >> 1
  store<u32>(meta, pageAddress(page) as u32)
  store<u32>(meta, log, 4)
  store<u32>(meta, count, 12)
  for (let i: u32 = 0; i < count; i++) store<u32>(meta + ((i as usize) << 2), 1, OWNERS)
  linkPage(list, page)
  return page
}

function takeObject (list: usize, page: u32, owner: usize): usize {
  const meta = load<u32>(descriptor(page), 4) as usize
  const free = load<u32>(meta, 16)
  let index = free - 1
  if (free != 0) {
    store<u32>(meta, load<u32>(meta + ((index as usize) << 2), OWNERS) >> 1, 16)
  } else {
    index = load<u32>(meta, 20)
    store<u32>(meta, index + 1, 20)
  }
  store<u32>(meta + ((index as usize) << 2), owner as u32, OWNERS)
  const used = load<u32>(meta, 8) + 1
  store<u32>(meta, used, 8)
  if (used == load<u32>(meta, 12)) unlinkPage(list, page)
  return pageAddress(page) + ((index as usize) << (load<u32>(meta, 4) as usize))
}

function dropChunk (list: usize, page: u32, meta: usize): void {
  unlinkPage(list, page)
  lock(HEADER_ALLOC_LOCK)
  giveRun(page, STRIDE_PAGES * POSSIBLE_CPUS)
  unlock(HEADER_ALLOC_LOCK)
  release(meta)
}
