// What was wrong in bytes that came from outside, and where. An object file, its BTF and its line info are hostile until parsed:
// every reader in here and in `object` answers with one of these, never with an exception.

import { errnoNumbers } from '../profile/errno.ts'
import type { Errno, ErrnoName } from '../profile/errno.ts'

export interface FormatError extends Errno {
  /** section of the object file, or `ELF` for its headers */
  readonly section: string
  /** byte offset in that section, or in the file for `ELF` */
  readonly offset: number
}

/** A `Result` of profile/errno.ts with a place. */
export type FormatResult<T> = { readonly ok: true, readonly value: T } | { readonly ok: false, readonly error: FormatError }

/**
 * EINVAL: the bytes contradict themselves; EOPNOTSUPP: they mean something this library does not do; E2BIG: a limit.
 * The message names the place, for callers that pass on nothing else.
 */
export function malformed (section: string, offset: number, what: string, name: ErrnoName = 'EINVAL'): { readonly ok: false, readonly error: FormatError } {
  return { ok: false, error: { name, number: errnoNumbers[name], message: `${section}+${offset}: ${what}`, section, offset } }
}

/** Bytes of one section, read within bounds: the caller asks `holds` first. */
export class SectionReader {
  readonly section: string
  readonly bytes: Uint8Array
  readonly #view: DataView

  constructor (section: string, bytes: Uint8Array) {
    this.section = section
    this.bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get length (): number { return this.bytes.length }

  holds (offset: number, length: number): boolean {
    return offset >= 0 && length >= 0 && offset + length <= this.bytes.length
  }

  u8 (offset: number): number { return this.#view.getUint8(offset) }
  u16 (offset: number): number { return this.#view.getUint16(offset, true) }
  u32 (offset: number): number { return this.#view.getUint32(offset, true) }
  s32 (offset: number): number { return this.#view.getInt32(offset, true) }

  /** As a double: exact below 2^53, and above that still larger than any file, so that bounds checks refuse it. */
  u64 (offset: number): number { return this.u32(offset + 4) * 0x1_0000_0000 + this.u32(offset) }

  /** @returns the NUL-terminated text at `offset`, or undefined where none ends before `end` or within the limit */
  text (offset: number, end = this.bytes.length): string | undefined {
    const room = this.bytes.subarray(offset, Math.min(end, offset + TEXT_BYTES_MAX))
    const length = room.indexOf(0)
    return length < 0 ? undefined : decoder.decode(room.subarray(0, length))
  }

  malformed (offset: number, what: string, name?: ErrnoName): { readonly ok: false, readonly error: FormatError } {
    return malformed(this.section, offset, what, name)
  }
}

/** Names have at most 511 bytes in the kernel; lines of C may be longer. Without a limit a short file could ask for gigabytes. */
const TEXT_BYTES_MAX = 4096
const decoder = new TextDecoder()
