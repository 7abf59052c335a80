// The .BTF.ext section: per section of code which function starts where, which C line an instruction stems from, and which field
// accesses depend on the kernel.
//
//   header    magic u16, version u8, flags u8, hdr_len u32, then offset and length of three tables, from the header's end
//   table     record size u32, then blocks: section name u32, record count u32, records
//   records   function {insn_off, type_id}; line {insn_off, file, text, line << 10 | column}; relocation {insn_off, type_id, access, kind}
//
// Offsets of instructions are bytes from the start of the section of code.

import { SectionReader } from './format.ts'
import type { FormatResult } from './format.ts'
import { BTF_MAGIC } from './parse.ts'
import type { Btf, TypeId } from './types.ts'

const HEADER_BYTES = 24
const HEADER_BYTES_WITH_RELOCATIONS = 32
/** in one table */
const RECORDS_MAX = 400_000

export interface FunctionRecord { readonly offset: number, readonly type: TypeId }

export interface LineRecord {
  readonly offset: number
  readonly file: string
  readonly text: string
  readonly line: number
  readonly column: number
}

export interface CoreRecord { readonly offset: number, readonly type: TypeId, readonly access: string, readonly kind: number }

/** By section of code. */
export interface BtfExt {
  readonly functions: ReadonlyMap<string, readonly FunctionRecord[]>
  readonly lines: ReadonlyMap<string, readonly LineRecord[]>
  readonly coreRelocations: ReadonlyMap<string, readonly CoreRecord[]>
}

export const emptyBtfExt: BtfExt = { functions: new Map(), lines: new Map(), coreRelocations: new Map() }

interface Table { readonly name: string, readonly at: number, readonly length: number, readonly recordBytes: number }

export function parseBtfExt (bytes: Uint8Array, btf: Btf): FormatResult<BtfExt> {
  const reader = new SectionReader('.BTF.ext', bytes)
  if (!reader.holds(0, HEADER_BYTES)) return reader.malformed(0, `${bytes.length} bytes are too few for a header`)
  if (reader.u16(0) !== BTF_MAGIC) return reader.malformed(0, 'no BTF magic of little-endian byte order')
  if (reader.u8(2) !== 1) return reader.malformed(2, `version ${reader.u8(2)} is not 1`, 'EOPNOTSUPP')
  const start = reader.u32(4)
  if (start < HEADER_BYTES || !reader.holds(0, start)) return reader.malformed(4, `header of ${start} bytes`)
  const table = (name: string, field: number, recordBytes: number): Table =>
    ({ name, at: start + reader.u32(field), length: reader.u32(field + 4), recordBytes })

  const functions = parseTable(reader, btf, table('function info', 8, 8), (at) => functionRecord(reader, btf, at))
  if (!functions.ok) return functions
  const lines = parseTable(reader, btf, table('line info', 16, 16), (at) => lineRecord(reader, btf, at))
  if (!lines.ok) return lines
  if (start < HEADER_BYTES_WITH_RELOCATIONS) {
    return { ok: true, value: { functions: functions.value, lines: lines.value, coreRelocations: new Map() } }
  }
  const coreRelocations = parseTable(reader, btf, table('CO-RE relocations', 24, 16), (at) => coreRecord(reader, btf, at))
  if (!coreRelocations.ok) return coreRelocations
  return { ok: true, value: { functions: functions.value, lines: lines.value, coreRelocations: coreRelocations.value } }
}

function parseTable<T> (reader: SectionReader, btf: Btf, table: Table, parse: (at: number) => T | string): FormatResult<Map<string, T[]>> {
  const blocks = new Map<string, T[]>()
  let total = 0
  const { name, at, length, recordBytes } = table
  if (length === 0) return { ok: true, value: blocks }
  if (length < 4 || !reader.holds(at, length)) return reader.malformed(at, `${name} lies outside the section`)
  const stride = reader.u32(at)
  if (stride < recordBytes || stride % 4 !== 0) return reader.malformed(at, `${name} has records of ${stride} bytes`)
  const end = at + length
  for (let place = at + 4; place < end;) {
    if (place + 8 > end) return reader.malformed(place, `${name} is cut off`)
    const section = btf.text(reader.u32(place))
    const count = reader.u32(place + 4)
    if (section === undefined || section === '') return reader.malformed(place, `${name} names no section`)
    place += 8
    total += count
    if (count === 0 || place + count * stride > end) return reader.malformed(place - 4, `${name} has ${count} records here`)
    if (total > RECORDS_MAX) return reader.malformed(place - 4, `${name} has more than ${RECORDS_MAX} records`, 'E2BIG')
    const records = blocks.get(section) ?? []
    blocks.set(section, records)
    for (let index = 0; index < count; index++, place += stride) {
      const record = parse(place)
      if (typeof record === 'string') return reader.malformed(place, `${name}: ${record}`)
      records.push(record)
    }
  }
  return { ok: true, value: blocks }
}

function functionRecord (reader: SectionReader, btf: Btf, at: number): FunctionRecord | string {
  const type = reader.u32(at + 4)
  if (btf.types[type]?.kind !== 'func') return `type [${type}] is no function`
  return { offset: reader.u32(at), type }
}

function lineRecord (reader: SectionReader, btf: Btf, at: number): LineRecord | string {
  const file = btf.text(reader.u32(at + 4))
  const text = btf.text(reader.u32(at + 8))
  if (file === undefined || text === undefined) return 'text lies outside the strings'
  const position = reader.u32(at + 12)
  return { offset: reader.u32(at), file, text, line: position >>> 10, column: position & 0x3ff }
}

function coreRecord (reader: SectionReader, btf: Btf, at: number): CoreRecord | string {
  const type = reader.u32(at + 4)
  const access = btf.text(reader.u32(at + 8))
  if (btf.types[type] === undefined || access === undefined) return 'type or access string does not exist'
  return { offset: reader.u32(at), type, access, kind: reader.u32(at + 12) }
}
