// The ELF64 container, little-endian, relocatable, for BPF: sections, symbols, relocations. Nothing here knows what a section means.
//
//   header 64 bytes      section table entry 64 bytes    symbol 24 bytes            relocation 16 bytes
//   16 type, 18 machine  0 name, 4 type, 8 flags          0 name, 4 info, 5 other    0 offset
//   40 section table     24 offset, 32 size, 40 link,     6 section, 8 value,        8 type u32, 12 symbol u32
//   58..62 sizes, count  44 info, 56 entry size           16 size
//
// Source: the System V ABI's ELF chapter; the machine number and relocation types are the kernel's (llvm_reloc.rst).

import { SectionReader } from '../btf/index.ts'
import type { FormatResult } from '../btf/index.ts'

/** Far above what compilers make of C, and low enough that no file of this size keeps us busy for long. */
export const objectLimits = {
  bytesMax: 16 * 1024 * 1024,
  sectionsMax: 4096,
  symbolsMax: 200_000,
  relocationsMax: 200_000,
  mapsMax: 4096,
  btf: { typesMax: 200_000, partsMax: 1_000_000 }
} as const

export const SHT_PROGBITS = 1
export const SHT_SYMTAB = 2
export const SHT_STRTAB = 3
export const SHT_RELA = 4
export const SHT_NOBITS = 8
export const SHT_REL = 9
export const SHF_EXECINSTR = 4
export const STT_OBJECT = 1
export const STT_FUNC = 2
export const STT_SECTION = 3
export const STB_LOCAL = 0

const HEADER_BYTES = 64
const SECTION_BYTES = 64
const SYMBOL_BYTES = 24
const RELOCATION_BYTES = 16
const ET_REL = 1
const EM_NONE = 0
const EM_BPF = 247
const IDENT = [0x7f, 0x45, 0x4c, 0x46]

export interface ElfSection {
  readonly index: number
  readonly name: string
  readonly type: number
  readonly flags: number
  readonly size: number
  readonly link: number
  readonly info: number
  /** empty for SHT_NOBITS, whatever `size` says */
  readonly bytes: Uint8Array
}

export interface ElfSymbol {
  readonly index: number
  readonly name: string
  readonly type: number
  readonly binding: number
  /** STV_*: 1 internal, 2 hidden */
  readonly visibility: number
  /** section index; 0: defined elsewhere; 0xfff1: absolute */
  readonly section: number
  readonly value: number
  readonly size: number
}

export interface ElfRelocation {
  /** byte offset in the section it applies to */
  readonly offset: number
  readonly type: number
  readonly symbol: ElfSymbol
}

export interface ElfFile {
  /** by index; [0] is the empty one */
  readonly sections: readonly ElfSection[]
  readonly symbols: readonly ElfSymbol[]
  /** the symbols of a section by its index */
  readonly symbolsOf: ReadonlyMap<number, readonly ElfSymbol[]>
  /** relocations by the index of the section they apply to, ascending by offset */
  readonly relocations: ReadonlyMap<number, readonly ElfRelocation[]>
}

export function parseElf (bytes: Uint8Array): FormatResult<ElfFile> {
  const reader = new SectionReader('ELF', bytes)
  if (bytes.length > objectLimits.bytesMax) return reader.malformed(0, `${bytes.length} bytes are more than ${objectLimits.bytesMax}`, 'E2BIG')
  if (!reader.holds(0, HEADER_BYTES)) return reader.malformed(0, `${bytes.length} bytes are too few for an object file`)
  if (IDENT.some((byte, index) => bytes[index] !== byte)) return reader.malformed(0, 'no ELF file')
  if (reader.u8(4) !== 2 || reader.u8(5) !== 1) return reader.malformed(4, 'not 64-bit little-endian', 'EOPNOTSUPP')
  if (reader.u16(16) !== ET_REL) return reader.malformed(16, `type ${reader.u16(16)} is no relocatable object file`, 'EOPNOTSUPP')
  const machine = reader.u16(18)
  if (machine !== EM_BPF && machine !== EM_NONE) return reader.malformed(18, `machine ${machine} is not BPF`, 'EOPNOTSUPP')

  const sections = parseSections(reader)
  if (!sections.ok) return sections
  const symbols = parseSymbols(sections.value)
  if (!symbols.ok) return symbols
  const relocations = parseRelocations(sections.value, symbols.value)
  if (!relocations.ok) return relocations
  const symbolsOf = new Map<number, ElfSymbol[]>()
  for (const symbol of symbols.value) {
    const group = symbolsOf.get(symbol.section)
    if (group === undefined) symbolsOf.set(symbol.section, [symbol])
    else group.push(symbol)
  }
  return { ok: true, value: { sections: sections.value, symbols: symbols.value, symbolsOf, relocations: relocations.value } }
}

function parseSections (reader: SectionReader): FormatResult<ElfSection[]> {
  const at = reader.u64(40)
  const count = reader.u16(60)
  const namesIndex = reader.u16(62)
  if (reader.u16(58) !== SECTION_BYTES) return reader.malformed(58, `section table entries of ${reader.u16(58)} bytes`)
  if (count === 0 || count > objectLimits.sectionsMax) return reader.malformed(60, `${count} sections`, 'E2BIG')
  if (!reader.holds(at, count * SECTION_BYTES)) return reader.malformed(40, 'section table lies outside the file')
  if (namesIndex >= count) return reader.malformed(62, `section names in section ${namesIndex} of ${count}`)

  const names = sectionBytes(reader, at + namesIndex * SECTION_BYTES)
  if (names === undefined) return reader.malformed(at + namesIndex * SECTION_BYTES, 'section names lie outside the file')
  const nameReader = new SectionReader('.strtab', names)
  const sections: ElfSection[] = []
  for (let index = 0; index < count; index++) {
    const place = at + index * SECTION_BYTES
    const name = index === 0 ? '' : nameReader.text(reader.u32(place))
    if (name === undefined) return reader.malformed(place, `section ${index} has no readable name`)
    const bytes = sectionBytes(reader, place)
    if (bytes === undefined) return reader.malformed(place, `section ${index} (${name}) lies outside the file`)
    const size = reader.u64(place + 32)
    if (size > objectLimits.bytesMax) return reader.malformed(place + 32, `section ${name} of ${size} bytes`, 'E2BIG')
    sections.push({
      index,
      name,
      type: reader.u32(place + 4),
      flags: reader.u32(place + 8),
      size,
      link: reader.u32(place + 40),
      info: reader.u32(place + 44),
      bytes
    })
  }
  return { ok: true, value: sections }
}

function sectionBytes (reader: SectionReader, place: number): Uint8Array | undefined {
  const type = reader.u32(place + 4)
  if (type === SHT_NOBITS || type === 0) return new Uint8Array(0)
  const offset = reader.u64(place + 24)
  const size = reader.u64(place + 32)
  return reader.holds(offset, size) ? reader.bytes.subarray(offset, offset + size) : undefined
}

function parseSymbols (sections: readonly ElfSection[]): FormatResult<ElfSymbol[]> {
  const tables = sections.filter((section) => section.type === SHT_SYMTAB)
  const [table] = tables
  if (table === undefined) return { ok: true, value: [] }
  const reader = new SectionReader(table.name, table.bytes)
  if (tables.length > 1) return reader.malformed(0, 'a second symbol table')
  const names = sections[table.link]
  if (names?.type !== SHT_STRTAB) return reader.malformed(0, `section ${table.link} holds no symbol names`)
  const count = Math.floor(table.bytes.length / SYMBOL_BYTES)
  if (count > objectLimits.symbolsMax) return reader.malformed(0, `${count} symbols`, 'E2BIG')
  const nameReader = new SectionReader(names.name, names.bytes)
  const symbols: ElfSymbol[] = []
  for (let index = 0; index < count; index++) {
    const at = index * SYMBOL_BYTES
    const name = nameReader.text(reader.u32(at))
    if (name === undefined) return reader.malformed(at, `symbol ${index} has no readable name`)
    const section = reader.u16(at + 6)
    if (section < 0xff00 && section >= sections.length) return reader.malformed(at + 6, `symbol ${name} lies in section ${section} of ${sections.length}`)
    const info = reader.u8(at + 4)
    symbols.push({
      index,
      name,
      type: info & 0x0f,
      binding: info >> 4,
      visibility: reader.u8(at + 5) & 0x03,
      section,
      value: reader.u64(at + 8),
      size: reader.u64(at + 16)
    })
  }
  return { ok: true, value: symbols }
}

function parseRelocations (sections: readonly ElfSection[], symbols: readonly ElfSymbol[]): FormatResult<Map<number, ElfRelocation[]>> {
  const bySection = new Map<number, ElfRelocation[]>()
  let total = 0
  for (const table of sections) {
    const reader = new SectionReader(table.name, table.bytes)
    if (table.type === SHT_RELA) return reader.malformed(0, 'relocations with addends', 'EOPNOTSUPP')
    if (table.type !== SHT_REL) continue
    if (sections[table.info] === undefined || table.info === 0) return reader.malformed(0, `relocations of section ${table.info}`)
    if (bySection.has(table.info)) return reader.malformed(0, `a second table of relocations of section ${table.info}`)
    const count = Math.floor(table.bytes.length / RELOCATION_BYTES)
    total += count
    if (total > objectLimits.relocationsMax) return reader.malformed(0, `${total} relocations`, 'E2BIG')
    const relocations: ElfRelocation[] = []
    for (let at = 0; at < count * RELOCATION_BYTES; at += RELOCATION_BYTES) {
      const symbol = symbols[reader.u32(at + 12)]
      if (symbol === undefined) return reader.malformed(at + 12, `relocation against symbol ${reader.u32(at + 12)} of ${symbols.length}`)
      relocations.push({ offset: reader.u64(at), type: reader.u32(at + 8), symbol })
    }
    bySection.set(table.info, relocations.sort((a, b) => a.offset - b.offset))
  }
  return { ok: true, value: bySection }
}
