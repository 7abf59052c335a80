// Maps, their entries and programs in the shapes that `bpftool -j` prints, read from the kernel's objects.

import type { KernelMap } from '../bpf/map/index.ts'
import { formatXlated } from '../bpf/rewrite/index.ts'
import type { LoadedProgram } from '../bpf/syscall/index.ts'
import { SimError } from './errors.ts'
import type { MapView, ProgramView } from './types.ts'

const BYTES_PER_INSN = 8
const ENTRIES_MAX = 500

/** @param fullName the name in the object file, of which the kernel keeps 15 characters */
export function mapView (map: KernelMap, fullName: string): MapView {
  return {
    id: map.id,
    type: map.type,
    name: map.name,
    fullName,
    flags: map.flags,
    bytes_key: map.keySize,
    bytes_value: map.valueSize,
    max_entries: map.maxEntries,
    bytes_memlock: map.memlockBytes(),
    frozen: map.frozen ? 1 : 0,
    allocatedBytes: map.allocatedBytes(),
    entries: map.count()
  }
}

export interface MapEntries {
  readonly items: readonly unknown[]
  /** cursor: the hex of the last key given; null at the end */
  readonly next: string | null
}

/** @param cursor hex of the key to go on behind; one that is gone meanwhile starts over, as bpf(2) does */
export function mapEntries (map: KernelMap, limit: number, cursor?: string): MapEntries {
  const items: unknown[] = []
  let last = cursor === undefined ? null : keyOf(map, cursor)
  for (let key = map.nextKey(last); key.ok; key = map.nextKey(key.value)) {
    if (items.length >= Math.min(limit, ENTRIES_MAX)) return { items, next: last === null ? null : Buffer.from(last).toString('hex') }
    last = key.value
    const value = map.lookup(key.value)
    // empty slots of an array_of_maps have keys but no value
    if (value.ok) items.push(entryView(map, key.value, value.value))
  }
  return { items, next: null }
}

function keyOf (map: KernelMap, cursor: string): Uint8Array {
  const key = Uint8Array.from(Buffer.from(cursor, 'hex'))
  if (key.length !== map.keySize || key.length * 2 !== cursor.length) {
    throw new SimError('INVALID_ARGUMENT', `the cursor is the hex of a key of ${map.keySize} bytes`, { places: [{ pointer: '/cursor', detail: 'no key of this map' }] })
  }
  return key
}

function entryView (map: KernelMap, key: Uint8Array, value: Uint8Array): unknown {
  if (map.type !== 'percpu_array') return { key: hexBytes(key), value: hexBytes(value) }
  const stride = Math.ceil(map.valueSize / 8) * 8
  const values = Array.from({ length: value.length / stride }, (_, cpu) =>
    ({ cpu, value: hexBytes(value.subarray(cpu * stride, cpu * stride + map.valueSize)) }))
  return { key: hexBytes(key), values }
}

function hexBytes (bytes: Uint8Array): string[] {
  return Array.from(bytes, (byte) => `0x${byte.toString(16).padStart(2, '0')}`)
}

export function programView (program: LoadedProgram): ProgramView {
  const { insns } = program.translated
  return {
    id: program.id,
    type: program.type,
    name: program.name,
    tag: program.tag,
    bytes_xlated: insns.length * BYTES_PER_INSN,
    map_ids: program.usedMaps.map(({ id }) => id),
    insnsLoaded: program.insns.length,
    insnsTranslated: insns.length
  }
}

export function xlatedText (program: LoadedProgram): string {
  const { translated, usedMaps, lines, functions } = program
  return formatXlated(translated, { mapIds: usedMaps.map(({ id }) => id), lines, functions })
}
