// Global variables: each non-empty .rodata, .data and .bss section becomes an array map of one element, as libbpf makes it.

import { malformed, typeOf, variablesBySection } from '../btf/index.ts'
import type { Btf, FormatResult, TypeId } from '../btf/index.ts'
import { objectLimits } from './elf.ts'
import type { ElfFile } from './elf.ts'
import { dataKindOf, dataMapName } from './section-names.ts'
import type { MapSpec } from './spec.ts'

const BPF_F_RDONLY_PROG = 0x80
const BPF_F_MMAPABLE = 0x400
const KEY_BYTES = 4

export interface DataMap {
  readonly spec: MapSpec
  /** index of the section its variables lie in */
  readonly section: number
}

/** @returns the maps in the order of the sections */
export function readDataMaps (elf: ElfFile, btf: Btf | undefined, objectName: string): FormatResult<DataMap[]> {
  const maps: DataMap[] = []
  const names = new Set<string>()
  const variables = btf === undefined ? new Map<string, TypeId[]>() : variablesBySection(btf)
  let total = 0
  for (const section of elf.sections) {
    const kind = dataKindOf(section.name)
    if (kind === undefined || section.size === 0) continue
    const pointer = elf.relocations.get(section.index)?.[0]
    if (pointer !== undefined) {
      const what = `variable initialised with the address of ${pointer.symbol.name}, which is only known at run time`
      return malformed(section.name, pointer.offset, what, 'EOPNOTSUPP')
    }
    total += section.size
    if (total > objectLimits.bytesMax) return malformed(section.name, 0, `${total} bytes of global variables`, 'E2BIG')
    const contents = new Uint8Array(section.size)
    contents.set(section.bytes)
    const spec: MapSpec = {
      name: dataMapName(objectName, section.name),
      type: 'array',
      keySize: KEY_BYTES,
      valueSize: section.size,
      maxEntries: 1,
      flags: (kind === 'rodata' ? BPF_F_RDONLY_PROG : 0) | (isMmapable(btf, variables.get(section.name) ?? []) ? BPF_F_MMAPABLE : 0),
      contents,
      ...(kind === 'rodata' ? { freeze: true } : {})
    }
    if (names.has(spec.name)) return malformed(section.name, 0, `a second map named ${spec.name}`)
    names.add(spec.name)
    maps.push({ spec, section: section.index })
  }
  return { ok: true, value: maps }
}

/** libbpf (1.1 and later) makes only what a user-space program can name mappable: sections with a variable that is not static. */
function isMmapable (btf: Btf | undefined, variables: readonly TypeId[]): boolean {
  if (btf === undefined) return false
  return variables.map((id) => typeOf(btf, id)).some((type) => type.kind === 'var' && type.linkage !== 'static')
}
