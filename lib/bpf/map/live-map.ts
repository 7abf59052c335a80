// A live map: system-call semantics around the core's operations. The data path is the core's alone; here are the checks
// that need no map memory (sizes, who may read or write), references, and what the map weighs.

import type { Core } from '../core/index.ts'
import { errnoOf, failure, success } from '../profile/errno.ts'
import type { Refused, Result } from '../profile/errno.ts'
import { BPF_ANY, BPF_F_LOCK, BPF_F_NO_PREALLOC, BPF_F_RDONLY, BPF_F_RDONLY_PROG, BPF_F_WRONLY } from './flags.ts'
import type { MapKind } from './kind.ts'
import { mapAreas, memlockBytes } from './memory.ts'
import type { MapArea, MapShape } from './memory.ts'
import { registryOf } from './registry.ts'
import { scratchFor } from './scratch.ts'
import type { Scratch } from './scratch.ts'
import { round8 } from './size-classes.ts'
import { compareWithTemplate } from './template.ts'
import type { KernelMap, MapTraits } from './types.ts'

export interface LiveMapParts {
  readonly address: number
  readonly traits: MapTraits
  /** BPF_F_RDONLY or BPF_F_WRONLY: what the creator's descriptor may do */
  readonly userFlags: number
  readonly onFree: (() => void) | undefined
}

const dumpBytes = 65536
const largestDump = 1024
const withoutSpinLock = failure('EINVAL', 'BPF_F_LOCK needs a spin lock in the value')

export class LiveMap implements KernelMap {
  readonly address: number
  readonly #core: Core
  readonly #kind: MapKind
  readonly #traits: MapTraits
  readonly #userFlags: number
  readonly #onFree: (() => void) | undefined
  #frozen = false
  #references = 1

  constructor (core: Core, kind: MapKind, { address, traits, userFlags, onFree }: LiveMapParts) {
    this.#core = core
    this.#kind = kind
    this.address = address
    this.#traits = traits
    this.#userFlags = userFlags
    this.#onFree = onFree
    registryOf(core).set(address, this)
  }

  get id (): number { return this.#traits.id }
  get name (): string { return this.#traits.name }
  get type (): MapTraits['type'] { return this.#traits.type }
  get keySize (): number { return this.#traits.keySize }
  get valueSize (): number { return this.#traits.valueSize }
  get maxEntries (): number { return this.#traits.maxEntries }
  get flags (): number { return this.#traits.flags }
  get bypassSpecV1 (): boolean { return this.#traits.bypassSpecV1 }
  get inner (): MapTraits | undefined { return this.#traits.inner }
  get frozen (): boolean { return this.#frozen }

  lookup (key: Uint8Array, flags = 0): Result<Uint8Array> {
    if ((flags & ~BPF_F_LOCK) !== 0) return failure('EINVAL', `lookup does not know the flags ${flags}`)
    const scratch = this.#prepare(key, 'read')
    if (!scratch.ok) return scratch
    if (flags !== 0) return withoutSpinLock
    const { key: keyAt, value } = scratch.value
    return this.#valueOr(this.#core.exports.userLookup(this.address, keyAt, value), value, 'lookup')
  }

  update (key: Uint8Array, value: Uint8Array, flags = 0): Result<void> {
    if (this.#kind.holdsMaps) return failure('EINVAL', `${this.type} takes maps as values`)
    const scratch = this.#prepare(key, 'write')
    if (!scratch.ok) return scratch
    if (value.length !== this.#userValueBytes) return failure('EINVAL', `value of ${value.length} bytes, not ${this.#userValueBytes}`)
    if (!isU32(flags)) return failure('EINVAL', `update does not know the flags ${flags}`)
    if ((flags & BPF_F_LOCK) !== 0) return withoutSpinLock
    this.#core.bytes().set(value, scratch.value.value)
    return this.#done(this.#core.exports.userUpdate(this.address, scratch.value.key, scratch.value.value, flags, 0), 'update')
  }

  updateInner (key: Uint8Array, inner: KernelMap | Refused, flags = 0): Result<void> {
    const template = this.#traits.inner
    if (template === undefined) return failure('EINVAL', `${this.type} takes no maps as values`)
    const scratch = this.#prepare(key, 'write')
    if (!scratch.ok) return scratch
    if ((flags & BPF_F_LOCK) !== 0) return withoutSpinLock
    if (this.type === 'array_of_maps') {
      if (flags !== BPF_ANY) return failure('EINVAL', `update of array_of_maps takes no flags, not ${flags}`)
      if (indexOf(key) >= this.maxEntries) return failure('E2BIG', `index ${indexOf(key)} is not below ${this.maxEntries}`)
    }
    if ('ok' in inner) return inner
    const refused = compareWithTemplate(template, inner)
    if (refused !== null) return refused
    if (!isU32(flags)) return failure('EINVAL', `update does not know the flags ${flags}`)
    const { key: keyAt, value: replacedAt } = scratch.value
    inner.retain()
    const result = this.#core.exports.userUpdateInner(this.address, keyAt, inner.address, flags, replacedAt)
    if (result !== 0) inner.release()
    this.#releaseInner(this.#core.view().getUint32(replacedAt, true))
    return this.#done(result, 'update')
  }

  delete (key: Uint8Array): Result<void> {
    const scratch = this.#prepare(key, 'write')
    if (!scratch.ok) return scratch
    const { key: keyAt, value: removedAt } = scratch.value
    const result = this.#core.exports.userDelete(this.address, keyAt, removedAt)
    if (this.#kind.holdsMaps) this.#releaseInner(this.#core.view().getUint32(removedAt, true))
    return this.#done(result, 'delete')
  }

  lookupAndDelete (key: Uint8Array, flags = 0): Result<Uint8Array> {
    if ((flags & ~BPF_F_LOCK) !== 0) return failure('EINVAL', `lookup_and_delete does not know the flags ${flags}`)
    const readable = this.#permit('read')
    if (readable !== null) return readable
    const scratch = this.#prepare(key, 'write')
    if (!scratch.ok) return scratch
    if (flags !== 0) return withoutSpinLock
    if (!this.#kind.canLookupAndDelete) return failure('ENOTSUPP', `${this.type} knows no lookup_and_delete`)
    const { key: keyAt, value } = scratch.value
    return this.#valueOr(this.#core.exports.userLookupAndDelete(this.address, keyAt, value), value, 'lookup_and_delete')
  }

  nextKey (key: Uint8Array | null): Result<Uint8Array> {
    const scratch = this.#prepare(key, 'read')
    if (!scratch.ok) return scratch
    const { key: keyAt, nextKey } = scratch.value
    const result = this.#core.exports.userNextKey(this.address, key === null ? 0 : keyAt, nextKey)
    if (result !== 0) return { ok: false, error: errnoOf(result, 'that was the last key') }
    return success(this.#core.bytes().slice(nextKey, nextKey + this.keySize))
  }

  * entries (): IterableIterator<[Uint8Array, Uint8Array]> {
    const valueBytes = this.#userValueBytes
    const count = Math.max(1, Math.min(largestDump, Math.floor(dumpBytes / (this.keySize + valueBytes))))
    let cursor: Uint8Array | null = null
    // a key deleted meanwhile starts the walk over, so the map's size bounds it
    for (let copied = count, yielded = 0; copied === count && yielded < this.maxEntries;) {
      const page = this.#dump(cursor, count)
      yield * page.entries
      copied = page.entries.length
      yielded += copied
      cursor = page.cursor
    }
  }

  innerMap (key: Uint8Array): KernelMap | undefined {
    const scratch = this.#kind.holdsMaps ? this.#prepare(key, 'kernel') : null
    if (scratch === null || !scratch.ok) return undefined
    return registryOf(this.#core).get(this.#core.exports.mapLookupElem(this.address, scratch.value.key, 0) >>> 0)
  }

  freeze (): Result<void> {
    const refused = this.#permit('write')
    if (refused !== null) return refused
    this.#frozen = true
    return success(undefined)
  }

  count (): number {
    return this.#core.exports.userCount(this.address) >>> 0
  }

  memlockBytes (): number {
    return memlockBytes(this.#core.profile, this.#shape())
  }

  allocatedBytes (): number {
    return this.areas().reduce((sum, area) => sum + area.allocatedBytes, 0)
  }

  areas (): MapArea[] {
    return mapAreas(this.#core.profile, this.#shape())
  }

  verifierView (): MapTraits {
    const traits = { ...this.#traits, frozen: this.#frozen }
    const isConstant = this.#frozen && (this.flags & BPF_F_RDONLY_PROG) !== 0
    if (!isConstant || this.type !== 'array' || this.maxEntries !== 1) return traits
    const at = this.address + this.#core.profile.structs.bpfArray.value
    return { ...traits, contents: this.#core.bytes().slice(at, at + this.valueSize) }
  }

  retain (): void {
    this.#references++
  }

  release (): void {
    if (--this.#references > 0) return
    if (this.#references < 0) throw new Error(`map ${this.id} was released too often`)
    const inner = this.#kind.holdsMaps ? this.#innerAddresses() : []
    registryOf(this.#core).delete(this.address)
    this.#onFree?.()
    this.#core.exports.retireMap(this.address)
    for (const address of inner) this.#releaseInner(address)
    this.#core.exports.reclaim()
  }

  /** Live figures where the map's state decides, creation attributes else. */
  #shape (): MapShape {
    const { keySize, valueSize, maxEntries, flags, bypassSpecV1 } = this.#traits
    const elements = (flags & BPF_F_NO_PREALLOC) !== 0 ? this.count() : 0
    const joiningNodes = this.type === 'lpm_trie' ? this.#core.exports.trieNodes(this.address) - elements : 0
    const { possibleCpus } = this.#core
    return { type: this.#kind.name, keySize, valueSize, maxEntries, flags, bypassSpecV1, possibleCpus, elements, joiningNodes }
  }

  get #userValueBytes (): number {
    return this.#kind.perCpu ? round8(this.valueSize) * this.#core.possibleCpus : this.valueSize
  }

  /** Checks permission (of user space; the kernel itself needs none) and key, and puts the key in the scratch. */
  #prepare (key: Uint8Array | null, access: 'read' | 'write' | 'kernel'): Result<Scratch> {
    const refused = access === 'kernel' ? null : this.#permit(access)
    if (refused !== null) return refused
    if (key !== null && key.length !== this.keySize) return failure('EINVAL', `key of ${key.length} bytes, not ${this.keySize}`)
    const scratch = scratchFor(this.#core, this.keySize, this.#userValueBytes)
    if (scratch === null) return failure('ENOMEM', 'no memory left for key and value')
    if (key !== null) this.#core.bytes().set(key, scratch.key)
    return success(scratch)
  }

  #permit (access: 'read' | 'write'): Refused | null {
    if (access === 'read') return (this.#userFlags & BPF_F_WRONLY) !== 0 ? failure('EPERM', 'the map is write-only for user space') : null
    if ((this.#userFlags & BPF_F_RDONLY) !== 0) return failure('EPERM', 'the map is read-only for user space')
    return this.#frozen ? failure('EPERM', 'the map is frozen') : null
  }

  #done (result: number, operation: string): Result<void> {
    return result === 0 ? success(undefined) : { ok: false, error: errnoOf(result, `${operation} in ${this.type} ${this.name}`) }
  }

  #valueOr (result: number, value: number, operation: string): Result<Uint8Array> {
    if (result !== 0) return { ok: false, error: errnoOf(result, `${operation} in ${this.type} ${this.name}`) }
    return success(this.#core.bytes().slice(value, value + this.#userValueBytes))
  }

  /** Up to `count` entries after a key. */
  #dump (after: Uint8Array | null, count: number): { entries: Array<[Uint8Array, Uint8Array]>, cursor: Uint8Array } {
    const { keySize } = this
    const valueBytes = this.#userValueBytes
    const stride = round8(keySize)
    const room = this.#core.alloc(stride + count * (keySize + valueBytes))
    if (room === 0) throw new Error('no memory left to read the map')
    const keys = room + stride
    const values = keys + count * keySize
    if (after !== null) this.#core.bytes().set(after, room)
    const copied = this.#core.exports.userDump(this.address, room, after === null ? 1 : 0, keys, values, valueBytes, count)
    const bytes = this.#core.bytes().slice(room, values + count * valueBytes)
    this.#core.free(room)
    const part = (at: number, size: number): Uint8Array => bytes.subarray(at - room, at - room + size)
    const entries = Array.from({ length: copied }, (_, i): [Uint8Array, Uint8Array] =>
      [part(keys + i * keySize, keySize), part(values + i * valueBytes, valueBytes)])
    return { entries, cursor: part(room, keySize) }
  }

  /** Takes no memory, so that an outer map can be freed when there is none. */
  #innerAddresses (): number[] {
    const addresses: number[] = []
    const scratch = scratchFor(this.#core, this.keySize, this.#userValueBytes)
    if (scratch === null) return addresses
    const { key, nextKey } = scratch
    const { userNextKey, mapLookupElem } = this.#core.exports
    for (let after = 0; userNextKey(this.address, after, nextKey) === 0; after = key) {
      this.#core.bytes().copyWithin(key, nextKey, nextKey + this.keySize)
      const inner = mapLookupElem(this.address, key, 0) >>> 0
      if (inner !== 0) addresses.push(inner)
    }
    return addresses
  }

  #releaseInner (address: number): void {
    if (address !== 0) registryOf(this.#core).get(address)?.release()
  }
}

function isU32 (flags: number): boolean {
  return Number.isInteger(flags) && flags >= 0 && flags <= 0xffff_ffff
}

function indexOf (key: Uint8Array): number {
  return new DataView(key.buffer, key.byteOffset, 4).getUint32(0, true)
}
