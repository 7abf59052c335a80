// Entries of a tar archive (POSIX ustar, with pax and GNU long names), without unpacking anything to disk.

export interface ArchiveEntry {
  readonly path: string
  readonly bytes: Uint8Array
}

export class ArchiveFault extends Error {
  override readonly name = 'ArchiveFault'
}

const BLOCK = 512
const ascii = new TextDecoder('latin1')
const utf8 = new TextDecoder()

export function isTar (bytes: Uint8Array): boolean {
  return bytes.length >= BLOCK && ascii.decode(bytes.subarray(257, 262)) === 'ustar'
}

/** Files only. @throws ArchiveFault where the archive ends too soon, or a header is none */
export function * tarEntries (bytes: Uint8Array): Generator<ArchiveEntry> {
  let longName: string | null = null
  for (let at = 0; at + BLOCK <= bytes.length;) {
    const header = bytes.subarray(at, at + BLOCK)
    if (header.every(byte => byte === 0)) return
    if (!checksumFits(header)) throw new ArchiveFault(`the tar header at byte ${at} is damaged`)
    const size = sizeOf(header, at)
    const type = String.fromCharCode(header[156] ?? 0)
    const contents = bytes.subarray(at + BLOCK, at + BLOCK + size)
    const path = longName ?? nameOf(header)
    if (contents.length < size) throw new ArchiveFault(`the archive ends within ${path}`)
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK
    longName = null
    if (type === 'L') longName = untilNul(contents)
    else if (type === 'x') longName = paxPath(contents)
    else if (type === '0' || type === '\0') yield { path, bytes: contents }
  }
}

function checksumFits (header: Uint8Array): boolean {
  const told = parseInt(ascii.decode(header.subarray(148, 156)).replaceAll('\0', ' ').trim(), 8)
  // the checksum's own place counts as spaces
  const sum = header.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 0x20 : byte), 0)
  return told === sum
}

function sizeOf (header: Uint8Array, at: number): number {
  const text = untilNul(header.subarray(124, 136)).trim()
  if (!/^[0-7]{1,12}$/.test(text)) throw new ArchiveFault(`the tar header at byte ${at} has no size`)
  return parseInt(text, 8)
}

function nameOf (header: Uint8Array): string {
  const prefix = untilNul(header.subarray(345, 500))
  const name = untilNul(header.subarray(0, 100))
  return prefix === '' ? name : `${prefix}/${name}`
}

/** of records `LENGTH NAME=VALUE\n` */
function paxPath (contents: Uint8Array): string | null {
  return /(?:^|\n)\d+ path=([^\n]*)/.exec(utf8.decode(contents))?.[1] ?? null
}

function untilNul (bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return utf8.decode(end < 0 ? bytes : bytes.subarray(0, end))
}
