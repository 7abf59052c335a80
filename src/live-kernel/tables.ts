// Maglev tables in maps of the running kernel, in every layout.

import { encodeTable, FLAT_ELEMENT_BYTES, innerAttributes } from '../../lib/loadbalancer/index.ts'
import type { InnerLayout } from '../../lib/loadbalancer/index.ts'
import { distinctIds } from '../../lib/loadbalancer/layout-compact.ts'
import type { Bpf } from './bpf.ts'
import { mapTypeNumbers } from '../../lib/bpf/profile/names.ts'

const ARRAY_ELEMENT_ALIGNMENT = 8

/** @returns descriptor of a filled inner map. @throws Error with the errno */
export function createTable (bpf: Bpf, layout: InnerLayout, ids: Uint32Array, name: string): number {
  const attributes = innerAttributes(layout, ids.length, layout === 'compact' ? distinctIds(ids).length : 0)
  const fd = bpf.mapCreate({ type: mapTypeNumbers.array, name: name.slice(0, 15), ...attributes })
  if (fd < 0) throw new Error(`a table of ${ids.length} slots: errno ${-fd}`)
  writeElements(bpf, fd, 0, attributes.valueSize, encodeTable(layout, ids))
  return fd
}

/** @param position of the table in the array, counted from 0 */
export function writeFlatTable (bpf: Bpf, array: number, position: number, ids: Uint32Array): void {
  writeElements(bpf, array, position * ids.length, FLAT_ELEMENT_BYTES / 2, encodeTable('flat', ids))
}

/** @param bytes of the elements as they lie in memory, which bpf(2) takes without the padding between them */
function writeElements (bpf: Bpf, fd: number, firstKey: number, valueSize: number, bytes: Uint8Array): void {
  const stride = Math.ceil(valueSize / ARRAY_ELEMENT_ALIGNMENT) * ARRAY_ELEMENT_ALIGNMENT
  const count = bytes.length / stride
  const values = new Uint8Array(count * valueSize)
  for (let index = 0; index < count; index++) values.set(bytes.subarray(index * stride, index * stride + valueSize), index * valueSize)
  const keys = Uint32Array.from({ length: count }, (_, index) => firstKey + index)
  const updated = bpf.updateBatch(fd, new Uint8Array(keys.buffer), values, count)
  if (updated !== count) throw new Error(`batch update: ${updated} of ${count}`)
}
