// What the kernel's allocators hand out for a size. Boundaries observed in the slab and vmalloc counters of Linux 6.18.

const pageBytes = 4096
const largestArea = 32768
const smallClasses = [8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192]

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

/** bpf_map_area_alloc: kmalloc up to 32 KiB, above it as many pages as needed. */
export function areaBytes (bytes: number): number {
  return bytes <= largestArea ? kmallocBytes(bytes) : pageAlign(bytes)
}
