// The .BTF section: header, types one after another, strings.
//
//   header    magic 0xeb9f u16, version u8, flags u8, hdr_len, type_off, type_len, str_off, str_len (u32, offsets from the header's end)
//   type      +----------+-----------------------------------+--------------+
//             | name_off | info: flag 31 | kind 28..24 |     | size or type | then what the kind needs
//             |          |                  vlen 15..0       |              |
//             +----------+-----------------------------------+--------------+
//
// Source: the kernel's documentation of the format (Documentation/bpf/btf.rst).

import { SectionReader } from './format.ts'
import type { FormatResult } from './format.ts'
import { btfLimits } from './types.ts'
import type { Btf, BtfLimits, BtfType, Enumerator, Linkage, Member, TypeId } from './types.ts'

export const BTF_MAGIC = 0xeb9f
const HEADER_BYTES = 24
const TYPE_BYTES = 12

/** Bytes after the fixed 12: for all of a type, and for each of its `vlen` parts. */
const EXTRA: Readonly<Record<number, readonly [fixed: number, perPart: number]>> = {
  1: [4, 0],
  2: [0, 0],
  3: [12, 0],
  4: [0, 12],
  5: [0, 12],
  6: [0, 8],
  7: [0, 0],
  8: [0, 0],
  9: [0, 0],
  10: [0, 0],
  11: [0, 0],
  12: [0, 0],
  13: [0, 8],
  14: [4, 0],
  15: [0, 12],
  16: [0, 0],
  17: [4, 0],
  18: [0, 0],
  19: [0, 12]
}

/** kinds whose `vlen` counts something else, or nothing: FUNC keeps its linkage there */
const KIND_FUNC = 12

interface RawType {
  readonly reader: SectionReader
  /** offset of the fixed part */
  readonly at: number
  readonly kind: number
  readonly flag: boolean
  readonly vlen: number
  readonly name: string
  readonly sizeOrType: number
  readonly text: (offset: number) => string | undefined
}

export function parseBtf (bytes: Uint8Array, limits: BtfLimits = btfLimits): FormatResult<Btf> {
  const reader = new SectionReader('.BTF', bytes)
  if (!reader.holds(0, HEADER_BYTES)) return reader.malformed(0, `${bytes.length} bytes are too few for a header`)
  if (reader.u16(0) !== BTF_MAGIC) return reader.malformed(0, 'no BTF magic of little-endian byte order')
  if (reader.u8(2) !== 1) return reader.malformed(2, `version ${reader.u8(2)} is not 1`, 'EOPNOTSUPP')
  const headerBytes = reader.u32(4)
  const typesAt = headerBytes + reader.u32(8)
  const typesBytes = reader.u32(12)
  const textAt = headerBytes + reader.u32(16)
  const textEnd = textAt + reader.u32(20)
  if (headerBytes < HEADER_BYTES || !reader.holds(typesAt, typesBytes)) return reader.malformed(8, 'types lie outside the section')
  if (!reader.holds(textAt, textEnd - textAt)) return reader.malformed(16, 'strings lie outside the section')

  const known = new Map<number, string | undefined>()
  const text = (offset: number): string | undefined => {
    if (!known.has(offset)) known.set(offset, reader.text(textAt + offset, textEnd))
    return known.get(offset)
  }
  const types = parseTypes(reader, typesAt, typesAt + typesBytes, text, limits)
  if (!types.ok) return types
  return { ok: true, value: { types: types.value, text } }
}

function parseTypes (reader: SectionReader, start: number, end: number, text: Btf['text'], limits: BtfLimits): FormatResult<BtfType[]> {
  const types: BtfType[] = [{ kind: 'void' }]
  const places = [start]
  let parts = 0
  for (let at = start; at < end;) {
    if (at + TYPE_BYTES > end) return reader.malformed(at, `type [${types.length}] is cut off`)
    const info = reader.u32(at + 4)
    const kind = info >>> 24 & 0x1f
    const vlen = info & 0xffff
    const [fixed, perPart] = EXTRA[kind] ?? [-1, 0]
    if (fixed < 0) return reader.malformed(at + 4, `type [${types.length}] has unknown kind ${kind}`)
    const next = at + TYPE_BYTES + fixed + perPart * vlen
    if (next > end) return reader.malformed(at, `type [${types.length}] with ${vlen} parts is cut off`)
    parts += perPart === 0 ? 0 : vlen
    if (types.length > limits.typesMax || parts > limits.partsMax) {
      return reader.malformed(at, `more than ${limits.typesMax} types or ${limits.partsMax} parts`, 'E2BIG')
    }
    const name = text(reader.u32(at))
    if (name === undefined) return reader.malformed(at, `name of type [${types.length}] lies outside the strings`)
    const raw = { reader, at, kind, flag: info >>> 31 === 1, vlen, name, sizeOrType: reader.u32(at + 8), text }
    const type = parseType(raw, types.length)
    if (!type.ok) return type
    places.push(at)
    types.push(type.value)
    at = next
  }
  return checkReferences(reader, types, places)
}

/** So that nobody who follows a reference has to ask whether it exists. */
function checkReferences (reader: SectionReader, types: BtfType[], places: readonly number[]): FormatResult<BtfType[]> {
  for (const [id, type] of types.entries()) {
    const wrong = references(type).find((reference) => reference >= types.length)
    if (wrong !== undefined) return reader.malformed(places[id] ?? 0, `type [${id}] refers to type [${wrong}] of ${types.length}`)
  }
  return { ok: true, value: types }
}

function references (type: BtfType): readonly TypeId[] {
  switch (type.kind) {
    case 'array': return [type.element, type.index]
    case 'struct': case 'union': return type.members.map((member) => member.type)
    case 'func_proto': return [type.returns, ...type.parameters.map((parameter) => parameter.type)]
    case 'datasec': return type.variables.map((variable) => variable.type)
    default: return 'type' in type ? [type.type] : []
  }
}

/** One kind per case; the cases are the kinds' numbers in the format. */
function parseType (raw: RawType, id: TypeId): FormatResult<BtfType> {
  const { reader, at, kind, flag, name, sizeOrType } = raw
  const extra = at + TYPE_BYTES
  switch (kind) {
    case 1: return parseInt32(raw, id)
    case 2: return typed({ kind: 'ptr', type: sizeOrType })
    case 3: return typed({ kind: 'array', element: reader.u32(extra), index: reader.u32(extra + 4), length: reader.u32(extra + 8) })
    case 4: return parseMembers(raw, 'struct')
    case 5: return parseMembers(raw, 'union')
    case 6: return parseEnum(raw, 'enum')
    case 7: return typed({ kind: 'fwd', name, union: flag })
    case 8: return typed({ kind: 'typedef', name, type: sizeOrType })
    case 9: return typed({ kind: 'volatile', type: sizeOrType })
    case 10: return typed({ kind: 'const', type: sizeOrType })
    case 11: return typed({ kind: 'restrict', type: sizeOrType })
    case KIND_FUNC: return withLinkage(raw, raw.vlen, (linkage) => ({ kind: 'func', name, type: sizeOrType, linkage }))
    case 13: return parsePrototype(raw)
    case 14: return withLinkage(raw, reader.u32(extra), (linkage) => ({ kind: 'var', name, type: sizeOrType, linkage }))
    case 15: return parseVariables(raw)
    case 16: return typed({ kind: 'float', name, size: sizeOrType })
    case 17: return typed({ kind: 'decl_tag', name, type: sizeOrType, component: reader.s32(extra) })
    case 18: return typed({ kind: 'type_tag', name, type: sizeOrType })
    default: return parseEnum(raw, 'enum64')
  }
}

function typed (type: BtfType): FormatResult<BtfType> {
  return { ok: true, value: type }
}

function parseInt32 ({ reader, at, name, sizeOrType }: RawType, id: TypeId): FormatResult<BtfType> {
  const word = reader.u32(at + TYPE_BYTES)
  const encoding = ({ 0: 'unsigned', 1: 'signed', 2: 'char', 4: 'bool' } as const)[word >>> 24 & 0x0f]
  if (encoding === undefined) return reader.malformed(at + TYPE_BYTES, `integer type [${id}] has encoding ${word >>> 24 & 0x0f}`)
  return typed({ kind: 'int', name, size: sizeOrType, bits: word & 0xff, bitOffset: word >>> 16 & 0xff, encoding })
}

/** With the flag, a member's offset word holds the bit field's width in its upper byte. */
function parseMembers ({ reader, at, flag, vlen, name, sizeOrType, text }: RawType, kind: 'struct' | 'union'): FormatResult<BtfType> {
  const members: Member[] = []
  for (let place = at + TYPE_BYTES; members.length < vlen; place += 12) {
    const memberName = text(reader.u32(place))
    if (memberName === undefined) return reader.malformed(place, `name of member ${members.length} of ${kind} ${name} lies outside the strings`)
    const word = reader.u32(place + 8)
    const [bitOffset, bitfieldBits] = flag ? [word & 0xffffff, word >>> 24] : [word, 0]
    members.push({ name: memberName, type: reader.u32(place + 4), bitOffset, bitfieldBits })
  }
  return typed({ kind, name, size: sizeOrType, members })
}

/** Enumerators of 32 bits take two words, those of 64 bits three. */
function parseEnum (raw: RawType, kind: 'enum' | 'enum64'): FormatResult<BtfType> {
  const { reader, at, flag: signed, vlen, name, sizeOrType: size, text } = raw
  const values: Enumerator[] = []
  for (let place = at + TYPE_BYTES; values.length < vlen; place += kind === 'enum' ? 8 : 12) {
    const valueName = text(reader.u32(place))
    if (valueName === undefined) return reader.malformed(place, `name of enumerator ${values.length} of ${name} lies outside the strings`)
    values.push({ name: valueName, value: kind === 'enum' ? String(signed ? reader.s32(place + 4) : reader.u32(place + 4)) : enumerator64(raw, place) })
  }
  return typed({ kind, name, size, signed, values })
}

function enumerator64 ({ reader, flag }: RawType, place: number): string {
  const value = BigInt(reader.u32(place + 8)) << 32n | BigInt(reader.u32(place + 4))
  return String(flag ? BigInt.asIntN(64, value) : value)
}

function parsePrototype ({ reader, at, vlen, sizeOrType, text }: RawType): FormatResult<BtfType> {
  const parameters: Array<{ name: string, type: TypeId }> = []
  for (let place = at + TYPE_BYTES; parameters.length < vlen; place += 8) {
    const name = text(reader.u32(place))
    if (name === undefined) return reader.malformed(place, `name of parameter ${parameters.length} lies outside the strings`)
    parameters.push({ name, type: reader.u32(place + 4) })
  }
  return typed({ kind: 'func_proto', returns: sizeOrType, parameters })
}

function parseVariables ({ reader, at, vlen, name, sizeOrType }: RawType): FormatResult<BtfType> {
  const variables = Array.from({ length: vlen }, (_, index) => {
    const place = at + TYPE_BYTES + 12 * index
    return { type: reader.u32(place), offset: reader.u32(place + 4), size: reader.u32(place + 8) }
  })
  return typed({ kind: 'datasec', name, size: sizeOrType, variables })
}

function withLinkage ({ reader, at, name }: RawType, number: number, make: (linkage: Linkage) => BtfType): FormatResult<BtfType> {
  const linkage = (['static', 'global', 'extern'] as const)[number]
  return linkage === undefined ? reader.malformed(at, `${name} has linkage ${number}`) : typed(make(linkage))
}
