// Archives as sysdumps are: made here, so that any byte of them can be spoiled.

import { deflateRawSync, gzipSync } from 'node:zlib'
import { crc32 } from '../../../src/documents/zip.ts'

export type Files = ReadonlyArray<readonly [path: string, contents: string | Uint8Array]>

/** @param sizes what the directory says of a file's length, where it lies */
export function zip (files: Files, sizes: Readonly<Record<string, number>> = {}): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const [index, [path, contents]] of files.entries()) {
    const name = Buffer.from(path)
    const bytes = Buffer.from(contents)
    // both ways in which zip keeps files
    const packed = index % 2 === 0 ? deflateRawSync(bytes) : bytes
    const about = Buffer.alloc(26)
    about.writeUInt16LE(20, 0)
    about.writeUInt16LE(index % 2 === 0 ? 8 : 0, 4)
    about.writeUInt32LE(crc32(bytes), 10)
    about.writeUInt32LE(packed.length, 14)
    about.writeUInt32LE(sizes[path] ?? bytes.length, 18)
    about.writeUInt16LE(name.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), about, name, packed])
    const offset = Buffer.alloc(14)
    offset.writeUInt32LE(at, 10)
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), about, offset, name]))
    parts.push(local)
    at += local.length
  }
  const entries = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(files.length, 8)
  end.writeUInt16LE(files.length, 10)
  end.writeUInt32LE(entries.length, 12)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...parts, entries, end])
}

export function tar (files: Files): Buffer {
  return Buffer.concat([...files.flatMap(([path, contents]) => {
    const bytes = Buffer.from(contents)
    const long = path.length > 100
    return [...(long ? [header('././@LongLink', path.length, 'L'), padded(Buffer.from(path))] : []), header(path.slice(0, 100), bytes.length, '0'), padded(bytes)]
  }), Buffer.alloc(1024)])
}

export const tarGz = (files: Files): Buffer => gzipSync(tar(files))

function header (name: string, size: number, type: string): Buffer {
  const block = Buffer.alloc(512)
  block.write(name, 0)
  block.write('0000644\0', 100)
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  block.write('        ', 148)
  block.write(type, 156)
  block.write('ustar\x0000', 257)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((512 - bytes.length % 512) % 512)])
