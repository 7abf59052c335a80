// Reads a BPF object file: ELF bytes in, a `CollectionSpec` out. The same bytes and name give the same spec; nothing is loaded.

import { emptyBtfExt, parseBtf, parseBtfExt } from '../btf/index.ts'
import type { Btf, BtfExt, FormatResult } from '../btf/index.ts'
import { readDataMaps } from './data-maps.ts'
import { SHT_NOBITS, objectLimits, parseElf } from './elf.ts'
import type { ElfFile, ElfSection } from './elf.ts'
import { readFunctions } from './functions.ts'
import { readMapDefinitions } from './map-definitions.ts'
import { linkPrograms } from './programs.ts'
import type { CollectionSpec } from './spec.ts'

export { applyCoreRelocations } from './core-relocations.ts'
export { objectLimits } from './elf.ts'
export type * from './spec.ts'

export interface ReadOptions {
  /** name of the object, such as its file name up to the first dot: maps of global variables carry it in front */
  readonly name: string
}

const OBJECT_NAME_CHARS_MAX = 15

export function readObject (bytes: Uint8Array, { name }: ReadOptions): FormatResult<CollectionSpec> {
  const elf = parseElf(bytes)
  if (!elf.ok) return elf
  const types = readTypes(elf.value)
  if (!types.ok) return types
  const { btf, ext } = types.value
  const defined = readMapDefinitions(elf.value, btf)
  if (!defined.ok) return defined
  const data = readDataMaps(elf.value, btf, name.slice(0, OBJECT_NAME_CHARS_MAX))
  if (!data.ok) return data
  const functions = readFunctions(elf.value, {
    defined: new Map(defined.value.map((map) => [map.offset, map])),
    data: new Map(data.value.map((map) => [map.section, map]))
  })
  if (!functions.ok) return functions
  const programs = linkPrograms(functions.value, btf, ext)
  if (!programs.ok) return programs
  return {
    ok: true,
    value: {
      license: readLicense(elf.value),
      maps: [...defined.value, ...data.value].map(({ spec }) => spec),
      programs: programs.value
    }
  }
}

function sectionNamed (elf: ElfFile, name: string): ElfSection | undefined {
  return elf.sections.find((section) => section.name === name && section.type !== SHT_NOBITS)
}

function readTypes (elf: ElfFile): FormatResult<{ btf: Btf | undefined, ext: BtfExt }> {
  const btfSection = sectionNamed(elf, '.BTF')
  if (btfSection === undefined) return { ok: true, value: { btf: undefined, ext: emptyBtfExt } }
  const btf = parseBtf(btfSection.bytes, objectLimits.btf)
  if (!btf.ok) return btf
  const extSection = sectionNamed(elf, '.BTF.ext')
  const ext = extSection === undefined ? { ok: true as const, value: emptyBtfExt } : parseBtfExt(extSection.bytes, btf.value)
  return ext.ok ? { ok: true, value: { btf: btf.value, ext: ext.value } } : ext
}

function readLicense (elf: ElfFile): string {
  const bytes = sectionNamed(elf, 'license')?.bytes ?? new Uint8Array(0)
  const nul = bytes.indexOf(0)
  return new TextDecoder().decode(nul < 0 ? bytes : bytes.subarray(0, nul))
}
