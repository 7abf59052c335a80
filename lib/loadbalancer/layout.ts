// How a backend table lies in an inner map: its attributes, and its ids as the bytes of the elements. The program that reads it is compiled
// for the same layout.

export const tableLayouts = [
  { name: 'blob', built: true, oneSizeForAll: true },
  { name: 'dynamic', built: true, oneSizeForAll: false },
  { name: 'flat', built: false, oneSizeForAll: true },
  { name: 'fixed', built: false, oneSizeForAll: true },
  { name: 'packed', built: false, oneSizeForAll: false },
  { name: 'compact', built: false, oneSizeForAll: false }
] as const

export type TableLayout = typeof tableLayouts[number]['name']

export type BuiltLayout = Extract<typeof tableLayouts[number], { built: true }>['name']

export interface InnerAttributes {
  readonly keySize: 4
  readonly valueSize: number
  readonly maxEntries: number
  readonly flags: number
}

/** lets inner arrays of one outer map differ in their number of entries */
export const BPF_F_INNER_MAP = 0x1000

export function oneTableSizeForAll (layout: TableLayout): boolean {
  return tableLayouts.some(one => one.name === layout && one.oneSizeForAll)
}

/**
 * blob: Cilium's, the whole table is the one value. dynamic: one element per slot, M is the array's own max_entries; the kernel rounds each
 * element up to 8 bytes.
 */
export function innerAttributes (layout: BuiltLayout, m: number): InnerAttributes {
  switch (layout) {
    case 'blob': return { keySize: 4, valueSize: 4 * m, maxEntries: 1, flags: 0 }
    case 'dynamic': return { keySize: 4, valueSize: 4, maxEntries: m, flags: BPF_F_INNER_MAP }
  }
}

/** from one slot's id to the next, counted over the elements of the array as they lie in memory; ids are little-endian u32 */
export const slotStride: Readonly<Record<BuiltLayout, number>> = { blob: 4, dynamic: 8 }
