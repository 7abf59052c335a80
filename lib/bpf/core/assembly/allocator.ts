// Memory for maps, elements, program images and packets: blocks of up to 2 KiB from slabs of equal blocks, larger ones as
// runs of pages. Safe for any number of threads (one lock). A 16-byte header stands before what the caller gets:
//
//   0  owner: address of the map it belongs to, 0: none      4  what it holds (BLOCK_*)
//   8  epoch at which it was retired (epoch.ts)             12  link: next free block, next retired block
//
// Page descriptors lead from any address to its block, so a stray access can be told from a proper one.

import {
  BLOCK_OTHER, DESCRIPTOR_BYTES, DESCRIPTORS, HEADER, HEADER_ALLOC_LOCK, HEADER_EPOCH, HEADER_FIRST_PAGE,
  HEADER_FRONTIER, HEADER_MAGIC, HEADER_PAGE_LIMIT, HEADER_PAGES_USED, HEADER_SLAB_LISTS, MAGIC, PAGE_BYTES, PAGE_SHIFT
} from './layout'
import { lock, unlock } from './lock'
import {
  descriptor, giveRun, headOf, linkPage, PAGE_LARGE, PAGE_SLAB, pageAddress, pageKind, setHead, takeRun, unlinkPage
} from './pages'

export const BLOCK_HEADER: usize = 16
const SLAB_PAGES: u32 = 4
const SLAB_BYTES: u32 = 16384
const LARGEST_SMALL: u32 = 2048
const FRESH: u32 = 1

/** Lays the header out. Called once per memory, before anything else and before another thread attaches. */
export function initialise (maximumPages: u32): void {
  const limit: u32 = maximumPages >= 65536 ? 1 << 20 : maximumPages << 4
  const first = ((DESCRIPTORS + (limit as usize) * DESCRIPTOR_BYTES + PAGE_BYTES - 1) >> PAGE_SHIFT) as u32
  memory.fill(HEADER, 0, DESCRIPTORS - HEADER)
  store<u32>(HEADER_PAGE_LIMIT, limit)
  store<u32>(HEADER_FIRST_PAGE, first)
  store<u32>(HEADER_FRONTIER, first)
  atomic.store<u32>(HEADER_EPOCH, 1)
  atomic.store<u32>(HEADER_MAGIC, MAGIC)
}

export function isInitialised (): bool {
  return atomic.load<u32>(HEADER_MAGIC) == MAGIC
}

/** @returns zeroed memory, or 0 if there is none left */
export function allocate (size: u32): usize {
  return allocateFor(size, 0, BLOCK_OTHER)
}

/** @returns zeroed memory that belongs to a map; 8-aligned, or 0 */
export function allocateFor (size: u32, owner: usize, kind: u32): usize {
  if (size > 0xffff_0000) return 0
  const total = size + (BLOCK_HEADER as u32)
  const block = total <= LARGEST_SMALL ? takeBlock(classOf(total)) : takePages(total)
  if (block == 0) return 0
  store<u32>(block, owner as u32)
  store<u32>(block, kind, 4)
  store<u64>(block, 0, 8)
  return block + BLOCK_HEADER
}

export function release (address: usize): void {
  if (address == 0) return
  const block = address - BLOCK_HEADER
  const page = headOf((block >> PAGE_SHIFT) as u32)
  lock(HEADER_ALLOC_LOCK)
  if (pageKind(page) == PAGE_SLAB) giveBlock(page, block)
  else giveRun(page, load<u32>(descriptor(page), 4))
  unlock(HEADER_ALLOC_LOCK)
}

export function setOwner (address: usize, owner: usize): void {
  store<u32>(address - BLOCK_HEADER, owner as u32)
}

/** @returns the block (header) that holds the address, 0 if none does */
export function blockOf (address: usize): usize {
  let page = (address >> PAGE_SHIFT) as u32
  if (page < load<u32>(HEADER_FIRST_PAGE) || page >= load<u32>(HEADER_FRONTIER)) return 0
  page = headOf(page)
  const kind = pageKind(page)
  const base = pageAddress(page)
  if (kind == PAGE_LARGE) return base
  if (kind != PAGE_SLAB) return 0
  const size = classBytes(load<u8>(descriptor(page), 1))
  const index = ((address - base) as u32) / size
  return index < SLAB_BYTES / size ? base + ((index * size) as usize) : 0
}

/** @returns bytes of pages in use, whoever uses them */
export function usedBytes (): f64 {
  return (load<u32>(HEADER_PAGES_USED) as f64) * 4096
}

/** Size classes: every 16 bytes up to 128, then four to each doubling. */
function classOf (total: u32): u8 {
  if (total <= 128) return ((total + 15) >> 4) as u8
  const log = 31 - clz<u32>(total - 1)
  return (8 + (log - 7) * 4 + ((total - 1) >> (log - 2) & 3) + 1) as u8
}

function classBytes (sizeClass: u8): u32 {
  const c = sizeClass as u32
  if (c <= 8) return c << 4
  const log = 7 + ((c - 9) >> 2)
  return (1 << log) + ((((c - 9) & 3) + 1) << (log - 2))
}

function takePages (total: u32): usize {
  const count = (total + 4095) >> PAGE_SHIFT
  lock(HEADER_ALLOC_LOCK)
  const run = takeRun(count)
  if (run != 0) setHead(run >> 1, PAGE_LARGE, 0, count)
  unlock(HEADER_ALLOC_LOCK)
  if (run == 0) return 0
  const block = pageAddress(run >> 1)
  if ((run & FRESH) == 0) memory.fill(block, 0, (count as usize) << PAGE_SHIFT)
  return block
}

function takeBlock (sizeClass: u8): usize {
  const list = HEADER_SLAB_LISTS + (sizeClass as usize) * 4
  lock(HEADER_ALLOC_LOCK)
  let page = load<u32>(list)
  if (page == 0) page = addSlab(list, sizeClass)
  let block: usize = 0
  if (page != 0) {
    const d = descriptor(page)
    block = load<u32>(d, 4) as usize
    const next = load<u32>(block, 12)
    store<u32>(d, next, 4)
    store<u16>(d, load<u16>(d, 2) + 1, 2)
    if (next == 0) unlinkPage(list, page)
  }
  unlock(HEADER_ALLOC_LOCK)
  if (block != 0) memory.fill(block, 0, classBytes(sizeClass) as usize)
  return block
}

function addSlab (list: usize, sizeClass: u8): u32 {
  const run = takeRun(SLAB_PAGES)
  if (run == 0) return 0
  const page = run >> 1
  const base = pageAddress(page)
  const size = classBytes(sizeClass)
  let next: u32 = 0
  for (let i = SLAB_BYTES / size; i > 0; i--) {
    const block = base + (((i - 1) * size) as usize)
    store<u64>(block, 0)
    store<u32>(block, next, 12)
    next = block as u32
  }
  setHead(page, PAGE_SLAB, sizeClass, next)
  linkPage(list, page)
  return page
}

/** A slab whose last block comes back returns its pages. */
function giveBlock (page: u32, block: usize): void {
  const d = descriptor(page)
  const list = HEADER_SLAB_LISTS + (load<u8>(d, 1) as usize) * 4
  const used = load<u16>(d, 2) - 1
  const free = load<u32>(d, 4)
  store<u64>(block, 0)
  store<u32>(block, free, 12)
  store<u32>(d, block as u32, 4)
  store<u16>(d, used, 2)
  if (free == 0) linkPage(list, page)
  if (used == 0) {
    unlinkPage(list, page)
    giveRun(page, SLAB_PAGES)
  }
}
