// Runs of 4096-byte pages: the lower half of the allocator. Callers hold HEADER_ALLOC_LOCK.
//
// Descriptor of a page, 16 bytes:
//   0  u8 kind | u8 size class | u16 blocks in use (slabs)
//   4  free run: its length (first and last page) · large block: its length · tail of anything: its first page ·
//      slab: first free block · per-CPU chunk: address of its metadata
//   8  next page in a list, 12 previous (0: none)
//
// Free runs stand in bins by length (exact up to 32 pages, then by powers of two) and merge with free neighbours.

import {
  DESCRIPTOR_BYTES, DESCRIPTORS, HEADER_FIRST_PAGE, HEADER_FRONTIER, HEADER_PAGE_LIMIT, HEADER_PAGES_USED,
  HEADER_RUN_BINS, PAGE_SHIFT
} from './layout'

export const PAGE_FREE: u8 = 1
export const PAGE_LARGE: u8 = 2
export const PAGE_SLAB: u8 = 3
export const PAGE_PERCPU: u8 = 4
export const PAGE_TAIL: u8 = 5

const EXACT_BINS: u32 = 32
const BINS: u32 = 48
/** WebAssembly pages by which the memory grows at least: growing stops every thread for a moment */
const GROWTH: i32 = 256

// @ts-ignore: decorator
@inline
export function descriptor (page: u32): usize {
  return DESCRIPTORS + (page as usize) * DESCRIPTOR_BYTES
}

// @ts-ignore: decorator
@inline
export function pageKind (page: u32): u8 {
  return load<u8>(descriptor(page))
}

/** First page of what the page belongs to. */
export function headOf (page: u32): u32 {
  return pageKind(page) == PAGE_TAIL ? load<u32>(descriptor(page), 4) : page
}

/**
 * Takes `count` pages off the free runs, or off the never used end of the memory.
 * @returns first page << 1, with bit 0 set if the pages were never used and are zero; 0 if there is no memory left
 */
export function takeRun (count: u32): u32 {
  let page = takeFreeRun(count)
  if (page != 0) {
    markRun(page, count)
    return page << 1
  }
  page = takeFrontier(count)
  if (page == 0) return 0
  markRun(page, count)
  return page << 1 | 1
}

export function giveRun (page: u32, count: u32): void {
  store<u32>(HEADER_PAGES_USED, load<u32>(HEADER_PAGES_USED) - count)
  let first = page
  let length = count
  if (first > load<u32>(HEADER_FIRST_PAGE) && pageKind(first - 1) == PAGE_FREE) {
    const before = load<u32>(descriptor(first - 1), 4)
    first -= before
    length += before
    unlinkRun(first)
  }
  const after = page + count
  if (after < load<u32>(HEADER_FRONTIER) && pageKind(after) == PAGE_FREE) {
    length += load<u32>(descriptor(after), 4)
    unlinkRun(after)
  }
  for (let p = page; p < page + count; p++) store<u32>(descriptor(p), PAGE_FREE)
  linkRun(first, length)
}

/** Links a page into a doubly linked list of first pages whose head word is at `list`. */
export function linkPage (list: usize, page: u32): void {
  const head = load<u32>(list)
  const d = descriptor(page)
  store<u32>(d, head, 8)
  store<u32>(d, 0, 12)
  if (head != 0) store<u32>(descriptor(head), page, 12)
  store<u32>(list, page)
}

export function unlinkPage (list: usize, page: u32): void {
  const d = descriptor(page)
  const next = load<u32>(d, 8)
  const previous = load<u32>(d, 12)
  if (next != 0) store<u32>(descriptor(next), previous, 12)
  if (previous != 0) store<u32>(descriptor(previous), next, 8)
  else store<u32>(list, next)
}

function binOf (length: u32): u32 {
  return length <= EXACT_BINS ? length - 1 : EXACT_BINS + (26 - clz<u32>(length))
}

function binList (bin: u32): usize {
  return HEADER_RUN_BINS + (bin as usize) * 4
}

function linkRun (page: u32, length: u32): void {
  store<u32>(descriptor(page), length, 4)
  store<u32>(descriptor(page + length - 1), length, 4)
  linkPage(binList(binOf(length)), page)
}

function unlinkRun (page: u32): void {
  unlinkPage(binList(binOf(load<u32>(descriptor(page), 4))), page)
}

function takeFreeRun (count: u32): u32 {
  for (let bin = binOf(count); bin < BINS; bin++) {
    for (let page = load<u32>(binList(bin)); page != 0; page = load<u32>(descriptor(page), 8)) {
      const length = load<u32>(descriptor(page), 4)
      if (length < count) continue
      unlinkRun(page)
      if (length > count) linkRun(page + count, length - count)
      return page
    }
  }
  return 0
}

function takeFrontier (count: u32): u32 {
  const first = load<u32>(HEADER_FRONTIER)
  const end = first + count
  if (end < first || end > load<u32>(HEADER_PAGE_LIMIT)) return 0
  const missing = ((end + 15) >> 4) as i32 - memory.size()
  if (missing > 0 && memory.grow(max(missing, GROWTH)) < 0 && memory.grow(missing) < 0) return 0
  store<u32>(HEADER_FRONTIER, end)
  return first
}

/** Gives the pages of a run that was just taken a first page; kinds follow by `setHead`. */
function markRun (page: u32, count: u32): void {
  store<u32>(HEADER_PAGES_USED, load<u32>(HEADER_PAGES_USED) + count)
  for (let p = page + 1; p < page + count; p++) {
    const d = descriptor(p)
    store<u32>(d, PAGE_TAIL)
    store<u32>(d, page, 4)
  }
}

export function setHead (page: u32, kind: u8, sizeClass: u8, word: u32): void {
  const d = descriptor(page)
  store<u32>(d, (kind as u32) | (sizeClass as u32) << 8)
  store<u32>(d, word, 4)
}

// @ts-ignore: decorator
@inline
export function pageAddress (page: u32): usize {
  return (page as usize) << PAGE_SHIFT
}
