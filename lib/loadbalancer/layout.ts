// How a backend table lies in BPF maps: the shape of the array that holds it, and its ids as the bytes of the elements, and back. The
// program that reads it is compiled for the same layout (lib/datapath/layout-*.h says the same in C).

import type { DatapathLayout } from '../datapath/index.ts'
import { compactShape, decodeCompact, encodeCompact } from './layout-compact.ts'

export type TableLayout = DatapathLayout

/** layouts whose tables are inner maps of their own; `flat` keeps those of a family in one array */
export type InnerLayout = Exclude<TableLayout, 'flat'>

/**
 * M is a constant of the program where one is for all; else each table brings its own. The length of compact's elements follows
 * from M; it is for those who want the picks of Cilium's M in less memory.
 */
const oneSizeForAll: Readonly<Record<TableLayout, boolean>> = {
  flat: true, fixed: true, blob: true, dynamic: false, packed: false, compact: true
}

export interface InnerAttributes {
  readonly keySize: 4
  readonly valueSize: number
  readonly maxEntries: number
  readonly flags: number
}

/** lets inner arrays of one outer map differ in their number of entries */
export const BPF_F_INNER_MAP = 0x1000

export function oneTableSizeForAll (layout: TableLayout): boolean {
  return oneSizeForAll[layout]
}

/**
 * fixed, dynamic: one element per slot, which the kernel rounds up to 8 bytes. blob: Cilium's, the whole table is the one value.
 * packed: two slots share an element; M is odd, so M = 2 x maxEntries - 1. compact: the ids, and indices
 * that take as little as N needs.
 * @param n distinct ids in the table
 */
export function innerAttributes (layout: InnerLayout, m: number, n: number): InnerAttributes {
  switch (layout) {
    case 'fixed': return { keySize: 4, valueSize: 4, maxEntries: m, flags: 0 }
    case 'blob': return { keySize: 4, valueSize: 4 * m, maxEntries: 1, flags: 0 }
    case 'dynamic': return { keySize: 4, valueSize: 4, maxEntries: m, flags: BPF_F_INNER_MAP }
    case 'packed': return { keySize: 4, valueSize: 8, maxEntries: (m + 1) / 2, flags: BPF_F_INNER_MAP }
    case 'compact': return { keySize: 4, ...compactShape(m, n), flags: BPF_F_INNER_MAP }
  }
}

/** the template of an outer map: its number of elements is that of the inner maps where these may not differ, else nothing reads it */
export function templateAttributes (layout: InnerLayout, m: number): InnerAttributes {
  const attributes = innerAttributes(layout, m, 1)
  return (attributes.flags & BPF_F_INNER_MAP) === 0 ? attributes : { ...attributes, maxEntries: 1 }
}

/** bytes of an id's place, and so of the way to the next, in layouts that hold the ids in the order of their slots */
const slotStride: Readonly<Record<Exclude<TableLayout, 'compact'>, number>> = { flat: 8, fixed: 8, blob: 4, dynamic: 8, packed: 4 }

/** @returns all elements one after the other as they lie in the array's memory; compact: at most 65535 distinct ids */
export function encodeTable (layout: TableLayout, ids: Uint32Array): Uint8Array {
  if (layout === 'compact') return encodeCompact(ids)
  // an array's elements take whole 8 bytes
  const bytes = new Uint8Array(Math.ceil(ids.length * slotStride[layout] / 8) * 8)
  putTable(layout, ids, bytes)
  return bytes
}

/** The same where the bytes are to be. @param target zeros, as long as encodeTable's are, on a boundary of 4 bytes */
export function putTable (layout: TableLayout, ids: Uint32Array, target: Uint8Array): void {
  if (layout === 'compact') return target.set(encodeCompact(ids))
  const stride = slotStride[layout] / 4
  const words = new Uint32Array(target.buffer, target.byteOffset, target.length / 4)
  if (!littleEndian) {
    const view = new DataView(target.buffer, target.byteOffset)
    for (let slot = 0; slot < ids.length; slot++) view.setUint32(slot * stride * 4, ids[slot] as number, true)
  } else if (stride === 1) words.set(ids)
  else for (let slot = 0; slot < ids.length; slot++) words[slot * stride] = ids[slot] as number
}

const littleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1

/** @param bytes of all elements, as encodeTable gives them. @param m of the table */
export function decodeTable (layout: TableLayout, m: number, bytes: Uint8Array): Uint32Array {
  if (layout === 'compact') return decodeCompact(m, bytes)
  const stride = slotStride[layout]
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const ids = new Uint32Array(m)
  for (let slot = 0; slot < m; slot++) ids[slot] = view.getUint32(slot * stride, true)
  return ids
}
