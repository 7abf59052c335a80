// What the kernel's map functions read inside, for the tracer: written from the kernel's structs, with nothing in common with the core's
// own notes (core/assembly/exec-notes.ts) but that they must agree.

import type { Core } from '../core/index.ts'
import { functionOperation } from '../core/kernel-functions.ts'
import { CALL_ARRAY_LOOKUP, CALL_HTAB_LOOKUP, CALL_MAP_LOOKUP } from '../core/assembly/exec-opcodes.ts'

export interface FunctionRead {
  readonly address: number
  readonly size: number
}

const mapTypes = { hash: 1, array: 2, percpuArray: 6, lruHash: 9, lpmTrie: 11, arrayOfMaps: 12 } as const
const BUCKET_BYTES = 16
const POINTER = 8
/** a longer piece is several reads */
const NOTE_BYTES_MAX = 128
const TRIE_NODE = { prefixLength: 16, flags: 20, data: 24 }

/** @param symbol of the function called, with the map in r1 and the key in r2; functions that are no lookups read nothing here */
export function functionReads (core: Core, symbol: string, registers: readonly bigint[]): FunctionRead[] {
  const reader = new Reader(core)
  const [map, key] = [Number(registers[1]), Number(registers[2])]
  switch (functionOperation(symbol)) {
    case CALL_ARRAY_LOOKUP: reader.array(map, key); break
    case CALL_HTAB_LOOKUP: reader.hash(map, key); break
    case CALL_MAP_LOOKUP:
      // the helper goes through map->ops, the first member
      if (symbol === 'bpf_map_lookup_elem') reader.pointer(map)
      reader.any(map, key)
  }
  return reader.reads
}

class Reader {
  readonly reads: FunctionRead[] = []
  readonly #core: Core

  constructor (core: Core) {
    this.#core = core
  }

  any (map: number, key: number): void {
    const { bpfMap, bpfArray, htabElem } = this.#core.profile.structs
    const type = this.#peek(map + bpfMap.mapType)
    switch (type) {
      case mapTypes.array: this.array(map, key); return
      case mapTypes.percpuArray:
      case mapTypes.arrayOfMaps: {
        const index = this.array(map, key)
        if (index !== null) this.pointer(map + bpfArray.value + POINTER * index)
        return
      }
      case mapTypes.lpmTrie: this.trie(map, key); return
    }
    const element = this.hash(map, key)
    if (element === null || type === mapTypes.hash) return
    if (type === mapTypes.lruHash) this.#note(element + htabElem.lruRef, 1)
    else this.pointer(element + htabElem.key + Math.ceil(this.#peek(map + bpfMap.keySize) / 8) * 8)
  }

  /** @returns the index as masked, or null where the array has none such */
  array (map: number, key: number): number | null {
    const { bpfMap, bpfArray } = this.#core.profile.structs
    const index = this.word(key)
    if (index >= this.word(map + bpfMap.maxEntries)) return null
    this.word(map + bpfArray.elemSize)
    return (index & this.word(map + bpfArray.indexMask)) >>> 0
  }

  /** @returns address of the element, or null */
  hash (map: number, key: number): number | null {
    const { bpfMap, bpfHtab, htabElem } = this.#core.profile.structs
    const keySize = this.word(map + bpfMap.keySize)
    const hash = this.#core.exports.jhash(key, keySize, this.word(map + bpfHtab.hashrnd)) >>> 0
    this.#bytes(key, keySize)
    const buckets = this.word(map + bpfHtab.nBuckets)
    const bucket = this.pointer(map + bpfHtab.buckets) + (hash & (buckets - 1)) * BUCKET_BYTES
    // a link with its lowest bit set is no element but the end of the chain; the head of a bucket that never had one is 0
    for (let next = this.pointer(bucket); next !== 0 && (next & 1) === 0; next = this.pointer(next)) {
      if (this.word(next + htabElem.hash) === hash && this.#equal(next + htabElem.key, key, keySize)) return next
    }
    return null
  }

  trie (map: number, key: number): void {
    const { lpmTrie, bpfMap } = this.#core.profile.structs
    const size = this.#peek(map + bpfMap.keySize) - 4
    const length = this.word(key)
    const most = this.pointer(map + lpmTrie.maxPrefixLength)
    if (length > most) return
    const bits = bitsOf(this.#bytes(key + 4, size))
    for (let node = this.pointer(map + lpmTrie.root); node !== 0;) {
      const own = this.word(node + TRIE_NODE.prefixLength)
      const prefix = bitsOf(this.#bytes(node + TRIE_NODE.data, size)).slice(0, own)
      if (own > length || !bits.startsWith(prefix) || own === most) return
      this.word(node + TRIE_NODE.flags)
      node = this.pointer(node + POINTER * Number(bits[own]))
    }
  }

  word (address: number): number {
    this.#note(address, 4)
    return this.#peek(address)
  }

  pointer (address: number): number {
    this.#note(address, POINTER)
    return this.#peek(address)
  }

  #equal (one: number, other: number, size: number): boolean {
    const bytes = this.#bytes(one, size)
    return bytes.every((byte, index) => byte === this.#core.bytes()[other + index])
  }

  #bytes (address: number, size: number): Uint8Array {
    for (let from = 0; from < size; from += NOTE_BYTES_MAX) this.#note(address + from, Math.min(NOTE_BYTES_MAX, size - from))
    return this.#core.bytes().subarray(address, address + size)
  }

  #peek (address: number): number {
    return this.#core.view().getUint32(address, true)
  }

  #note (address: number, size: number): void {
    this.reads.push({ address, size })
  }
}

const bitsOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('')
