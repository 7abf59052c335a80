// What the kernel's allocators hand out for a size. Boundaries observed in the slab and vmalloc counters of Linux 6.18.

const pageBytes = 4096
const largestArea = 32768
const smallClasses = [8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192]

/** Where memory comes from: a size class under slabinfo's name, 2^n pages from the page allocator, mapped pages, or each CPU's own. */
export type Allocator = `kmalloc-${string}` | `pages-order-${number}` | 'vmalloc' | 'percpu'

export function pageAlign (bytes: number): number {
  return Math.ceil(bytes / pageBytes) * pageBytes
}

export function round8 (bytes: number): number {
  return Math.ceil(bytes / 8) * 8
}

/** @returns smallest power of two that is not below n */
export function powerOfTwo (n: number): number {
  return n <= 1 ? 1 : 2 ** (32 - Math.clz32(n - 1))
}

/** kmalloc: a size class up to 8 KiB, above it a power of two of pages. */
export function kmallocBytes (bytes: number): number {
  return smallClasses.find((size) => bytes <= size) ?? powerOfTwo(pageAlign(bytes))
}

export function kmallocName (bytes: number): Allocator {
  const size = kmallocBytes(bytes)
  if (size > (smallClasses.at(-1) as number)) return `pages-order-${Math.log2(size / pageBytes)}`
  return size < 1024 ? `kmalloc-${size}` : `kmalloc-${size / 1024}k`
}

/** bpf_map_area_alloc: kmalloc up to 32 KiB, above it as many pages as needed. */
export function areaBytes (bytes: number): number {
  return bytes <= largestArea ? kmallocBytes(bytes) : pageAlign(bytes)
}

export function areaAllocator (bytes: number): Allocator {
  return bytes <= largestArea ? kmallocName(bytes) : 'vmalloc'
}
