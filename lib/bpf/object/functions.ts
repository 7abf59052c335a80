// The functions of an object: code cut out of its section by symbol, and what its relocations say each instruction refers to.

import { malformed } from '../btf/index.ts'
import type { FormatResult } from '../btf/index.ts'
import { INSN_BYTES, decode } from '../isa/index.ts'
import type { Insn } from '../isa/index.ts'
import { BPF_PSEUDO_CALL, CALL, LD_IMM64 } from '../isa/op.ts'
import type { DataMap } from './data-maps.ts'
import { SHF_EXECINSTR, SHT_PROGBITS, STB_LOCAL, STT_FUNC, STT_SECTION } from './elf.ts'
import type { ElfFile, ElfRelocation, ElfSection, ElfSymbol } from './elf.ts'
import { MAPS_SECTION } from './map-definitions.ts'
import type { DefinedMap } from './map-definitions.ts'

/** Functions in here are not programs: programs call them. */
export const SUBPROGRAM_SECTION = '.text'

// Relocation types. The ones for data (R_BPF_64_ABS64 2, R_BPF_64_ABS32 3, R_BPF_64_NODYLD32 4) stand in debug sections and
// in variables; in code they mean nothing.
const R_BPF_64_64 = 1
const R_BPF_64_32 = 10

/** What an instruction refers to; `target` is a slot of `.text`. */
export type Reference =
  | { readonly kind: 'map', readonly map: string, readonly valueOffset: number | null }
  | { readonly kind: 'call' | 'address', readonly target: number }

export interface FunctionCode {
  readonly name: string
  readonly section: string
  /** first slot in its section */
  readonly start: number
  readonly insns: readonly Insn[]
  /** by slot in `insns` */
  readonly references: ReadonlyMap<number, Reference>
  /** not visible to other objects: verified in the context of its callers */
  readonly hidden: boolean
}

export interface ObjectMaps {
  /** by offset in `.maps` */
  readonly defined: ReadonlyMap<number, DefinedMap>
  /** by section */
  readonly data: ReadonlyMap<number, DataMap>
}

/** @returns all functions, in the order of sections and of slots in them */
export function readFunctions (elf: ElfFile, maps: ObjectMaps): FormatResult<FunctionCode[]> {
  const functions: FunctionCode[] = []
  for (const section of elf.sections) {
    if (section.type !== SHT_PROGBITS || (section.flags & SHF_EXECINSTR) === 0 || section.size === 0) continue
    const found = readSection(elf, section, maps)
    if (!found.ok) return found
    functions.push(...found.value)
  }
  return { ok: true, value: functions }
}

function readSection (elf: ElfFile, section: ElfSection, maps: ObjectMaps): FormatResult<FunctionCode[]> {
  const code = decode(section.bytes)
  if (!code.ok) return malformed(section.name, 0, code.error.message)
  const symbols = (elf.symbolsOf.get(section.index) ?? []).filter(({ type }) => type === STT_FUNC).sort((a, b) => a.value - b.value)
  const functions: FunctionCode[] = []
  let end = 0
  for (const symbol of symbols) {
    const { name, value, size } = symbol
    if (value % INSN_BYTES !== 0 || size % INSN_BYTES !== 0 || size === 0) {
      return malformed(section.name, value, `function ${name} of ${size} bytes is no whole instructions`)
    }
    if (value + size > section.bytes.length) return malformed(section.name, value, `function ${name} lies outside the section`)
    if (value < end) return malformed(section.name, value, `function ${name} overlaps the one before`)
    if (symbol.binding === STB_LOCAL && section.name !== SUBPROGRAM_SECTION) {
      return malformed(section.name, value, `program ${name} is static`, 'EOPNOTSUPP')
    }
    end = value + size
    const start = value / INSN_BYTES
    functions.push({
      name,
      section: section.name,
      start,
      insns: code.value.slice(start, end / INSN_BYTES),
      references: new Map(),
      hidden: symbol.binding === STB_LOCAL || symbol.visibility === 1 || symbol.visibility === 2
    })
  }
  return withReferences(elf, section, functions, maps)
}

function withReferences (elf: ElfFile, section: ElfSection, functions: FunctionCode[], maps: ObjectMaps): FormatResult<FunctionCode[]> {
  const references = functions.map(() => new Map<number, Reference>())
  let current = 0
  for (const relocation of elf.relocations.get(section.index) ?? []) {
    const slot = relocation.offset / INSN_BYTES
    while (slot >= endOf(functions[current])) current++
    const owner = functions[current]
    if (owner === undefined || slot < owner.start || !Number.isInteger(slot)) {
      return malformed(section.name, relocation.offset, `relocation against ${nameOfSymbol(elf, relocation.symbol)} outside any function`)
    }
    const reference = readReference(elf, section, owner, relocation, maps)
    if (!reference.ok) return reference
    if (references[current]?.has(slot - owner.start) === true) return malformed(section.name, relocation.offset, 'a second relocation of the instruction')
    references[current]?.set(slot - owner.start, reference.value)
  }
  return { ok: true, value: functions.map((code, index) => ({ ...code, references: references[index] ?? new Map() })) }
}

const endOf = (code: FunctionCode | undefined): number => code === undefined ? Infinity : code.start + code.insns.length

function readReference (
  elf: ElfFile, section: ElfSection, owner: FunctionCode, relocation: ElfRelocation, maps: ObjectMaps
): FormatResult<Reference> {
  const { symbol, type, offset } = relocation
  const slot = offset / INSN_BYTES - owner.start
  const insn = owner.insns[slot]
  const target = nameOfSymbol(elf, symbol)
  const refuse = (what: string, errno?: 'EOPNOTSUPP'): FormatResult<never> => malformed(section.name, offset, `${owner.name}: ${what}`, errno)
  if (symbol.section === 0) return refuse(`${target} is defined elsewhere; extern variables and kernel functions are not supported`, 'EOPNOTSUPP')
  if (insn?.code === CALL && insn.src === BPF_PSEUDO_CALL) {
    if (type !== R_BPF_64_32) return refuse(`relocation type ${type} of a call to ${target}`)
    if (!isSubprogram(elf, symbol)) return refuse(`call of ${target}, which does not lie in ${SUBPROGRAM_SECTION}`)
    if (symbol.value % INSN_BYTES !== 0) return refuse(`call of ${target} into the middle of an instruction`)
    return { ok: true, value: { kind: 'call', target: symbol.value / INSN_BYTES + insn.imm + 1 } }
  }
  if (insn?.code !== LD_IMM64 || owner.insns[slot + 1] === undefined) {
    return refuse(`relocation against ${target} of an instruction that cannot hold an address`)
  }
  if (type !== R_BPF_64_64) return refuse(`relocation type ${type} of an address of ${target}`)
  if (isSubprogram(elf, symbol)) return addressOf(symbol, insn, target, refuse)
  const map = mapAt(elf, symbol, insn.imm, maps)
  return map === undefined ? refuse(`${target} is neither a map nor a variable`) : { ok: true, value: map }
}

function isSubprogram (elf: ElfFile, symbol: ElfSymbol): boolean {
  return elf.sections[symbol.section]?.name === SUBPROGRAM_SECTION && (symbol.type === STT_FUNC || symbol.type === STT_SECTION)
}

function addressOf (symbol: ElfSymbol, insn: Insn, target: string, refuse: (what: string) => FormatResult<never>): FormatResult<Reference> {
  const slot = (symbol.value + insn.imm) / INSN_BYTES
  return Number.isInteger(slot) ? { ok: true, value: { kind: 'address', target: slot } } : refuse(`address of ${target} in the middle of an instruction`)
}

/** A variable's place is the symbol's plus what the instruction holds: clang refers to static variables by their section. */
function mapAt (elf: ElfFile, symbol: ElfSymbol, addend: number, { defined, data }: ObjectMaps): Reference | undefined {
  if (elf.sections[symbol.section]?.name === MAPS_SECTION) {
    const map = defined.get(symbol.value + (symbol.type === STT_SECTION ? addend : 0))
    return map === undefined ? undefined : { kind: 'map', map: map.spec.name, valueOffset: null }
  }
  const map = data.get(symbol.section)
  const valueOffset = symbol.value + addend
  const inside = map !== undefined && valueOffset >= 0 && valueOffset <= 0xffffffff
  return inside ? { kind: 'map', map: map.spec.name, valueOffset } : undefined
}

function nameOfSymbol (elf: ElfFile, symbol: ElfSymbol): string {
  return symbol.name !== '' ? symbol.name : `section ${elf.sections[symbol.section]?.name ?? symbol.section}`
}
