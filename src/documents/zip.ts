// The directory of a zip archive, and single files of it: nothing is inflated that nobody asks for, and nothing beyond a limit.

import { promisify } from 'node:util'
import { inflateRaw } from 'node:zlib'
import { ArchiveFault } from './tar.ts'

const inflate = promisify(inflateRaw)

export interface ZipFile {
  readonly path: string
  /** as the directory has it; what comes out may be held against it */
  readonly size: number
  /** @throws ArchiveFault where it is damaged, or larger than it says or than `limit` */
  read (limit: number): Promise<Uint8Array>
}

const END_OF_DIRECTORY = 0x06054b50
const DIRECTORY_ENTRY = 0x02014b50
const LOCAL_HEADER = 0x04034b50
const STORED = 0
const DEFLATED = 8
const utf8 = new TextDecoder()

export function isZip (bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 3 || bytes[2] === 5)
}

/** Files, no folders. @param most entries. @throws ArchiveFault */
export function zipFiles (bytes: Uint8Array, most: number): ZipFile[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = endOfDirectory(view)
  const count = view.getUint16(end + 10, true)
  let at = view.getUint32(end + 16, true)
  if (count === 0xffff || at === 0xffffffff) throw new ArchiveFault('a zip64 archive is larger than anything that is read here')
  if (count > most) throw new ArchiveFault(`${count} files are more than the ${most} that are read`)
  const files: ZipFile[] = []
  for (let index = 0; index < count; index++) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== DIRECTORY_ENTRY) throw new ArchiveFault(`entry ${index + 1} of the zip directory is damaged`)
    const nameLength = view.getUint16(at + 28, true)
    const path = utf8.decode(bytes.subarray(at + 46, at + 46 + nameLength))
    const entry = {
      path,
      flags: view.getUint16(at + 8, true),
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      packed: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true),
      local: view.getUint32(at + 42, true)
    }
    if (!path.endsWith('/')) files.push({ path, size: entry.size, read: limit => readEntry(bytes, view, entry, limit) })
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true)
  }
  return files
}

function endOfDirectory (view: DataView): number {
  // behind it stands a comment of at most 65535 bytes
  for (let at = view.byteLength - 22; at >= 0 && at >= view.byteLength - 22 - 0xffff; at--) {
    if (view.getUint32(at, true) === END_OF_DIRECTORY) return at
  }
  throw new ArchiveFault('the zip archive has no directory: its end is missing')
}

interface Entry {
  readonly path: string
  readonly flags: number
  readonly method: number
  readonly crc: number
  readonly packed: number
  readonly size: number
  readonly local: number
}

async function readEntry (
  bytes: Uint8Array, view: DataView, { path, flags, method, crc, packed, size, local }: Entry, limit: number
): Promise<Uint8Array> {
  if (size > limit) throw new ArchiveFault(`${path} has ${size} bytes, more than the ${limit} that are read`)
  if ((flags & 1) !== 0) throw new ArchiveFault(`${path} is encrypted`)
  if (local + 30 > bytes.length || view.getUint32(local, true) !== LOCAL_HEADER) throw new ArchiveFault(`${path} is damaged: it does not start where the directory says`)
  const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true)
  const contents = bytes.subarray(start, start + packed)
  if (contents.length < packed) throw new ArchiveFault(`the archive ends within ${path}`)
  if (method !== STORED && method !== DEFLATED) throw new ArchiveFault(`${path} is compressed in a way (${method}) that is not read here`)
  // one byte more than it says shows that it is not what it says
  const unpacked = method === STORED ? contents : await inflate(contents, { maxOutputLength: size + 1 }).catch(() => null)
  if (unpacked === null || unpacked.length !== size || crc32(unpacked) !== crc) throw new ArchiveFault(`${path} is damaged: its contents do not have the length or the checksum that they should`)
  return unpacked
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = (value & 1) !== 0 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value
})

export function crc32 (bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = (crcTable[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}
