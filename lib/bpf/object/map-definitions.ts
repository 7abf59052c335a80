// Maps declared in C as variables of section `.maps`. Their BTF type is the declaration; the variable's bytes say nothing:
//
//   __uint(max_entries, 3)              int (*max_entries)[3]             pointer to an array whose length is the number
//   __type(key, __u32)                  __u32 *key                        pointer to the type
//   __array(values, struct inner)       struct inner *values[]            array of pointers to the inner map's declaration
//
// Source: libbpf's documentation of BTF-defined maps.

import { malformed, nameOf, sizeOf, skipModifiers, typeOf, variablesBySection } from '../btf/index.ts'
import type { Btf, FormatResult, Member, TypeId } from '../btf/index.ts'
import type { ElfFile, ElfSection, ElfSymbol } from './elf.ts'
import { STT_OBJECT, objectLimits } from './elf.ts'
import { isOuterMap, mapTypeOf } from './map-types.ts'
import type { MapSpec } from './spec.ts'

export const MAPS_SECTION = '.maps'
const LEGACY_MAPS_SECTION = 'maps'
/** The template of an outer map's values is a file descriptor, later an id. */
const OUTER_VALUE_BYTES = 4

export interface DefinedMap {
  readonly spec: MapSpec
  /** byte offset of the variable in `.maps`, which relocations refer to */
  readonly offset: number
}

/** @returns the maps in the order in which the types list them, libbpf's order of creation */
export function readMapDefinitions (elf: ElfFile, btf: Btf | undefined): FormatResult<DefinedMap[]> {
  if (elf.sections.some((section) => section.name === LEGACY_MAPS_SECTION || section.name.startsWith(`${LEGACY_MAPS_SECTION}/`))) {
    return malformed(LEGACY_MAPS_SECTION, 0, 'map definitions without BTF, which libbpf dropped in 1.0', 'EOPNOTSUPP')
  }
  const section = elf.sections.find(({ name }) => name === MAPS_SECTION)
  if (section === undefined) return { ok: true, value: [] }
  if (btf === undefined) return malformed(MAPS_SECTION, 0, 'map definitions need the object\'s BTF')
  const initialised = elf.relocations.get(section.index)?.[0]
  if (initialised !== undefined) {
    const what = `slot initialised with ${initialised.symbol.name}; initial values of maps of maps and program arrays are not supported`
    return malformed(MAPS_SECTION, initialised.offset, what, 'EOPNOTSUPP')
  }
  const variables = variablesBySection(btf).get(MAPS_SECTION) ?? []
  if (variables.length > objectLimits.mapsMax) return malformed(MAPS_SECTION, 0, `${variables.length} maps`, 'E2BIG')
  const objects = (elf.symbolsOf.get(section.index) ?? []).filter(({ type }) => type === STT_OBJECT)
  const symbols = new Map(objects.map((symbol) => [symbol.name, symbol]))
  const maps = new Map<number, DefinedMap>()
  for (const id of variables) {
    const map = readMap(symbols, btf, section, id)
    if (!map.ok) return map
    const { offset, spec } = map.value
    if (maps.has(offset)) return malformed(MAPS_SECTION, offset, `map ${spec.name} stands twice`)
    maps.set(offset, map.value)
  }
  return { ok: true, value: [...maps.values()] }
}

function readMap (symbols: ReadonlyMap<string, ElfSymbol>, btf: Btf, section: ElfSection, id: TypeId): FormatResult<DefinedMap> {
  const variable = typeOf(btf, id)
  if (variable.kind !== 'var') return malformed(MAPS_SECTION, 0, `type [${id}] of a map is no variable`)
  const symbol = symbols.get(variable.name)
  if (symbol === undefined) return malformed(MAPS_SECTION, 0, `map ${variable.name} has no symbol`)
  if (symbol.value + symbol.size > section.size) return malformed(MAPS_SECTION, symbol.value, `map ${variable.name} lies outside the section`)
  const spec = readDefinition(btf, variable.name, variable.type, symbol.value, 'outer')
  return spec.ok ? { ok: true, value: { spec: spec.value, offset: symbol.value } } : spec
}

interface Definition {
  type?: number
  keySize?: number
  valueSize?: number
  maxEntries?: number
  flags?: number
  pinning?: number
  numaNode?: number
  inner?: MapSpec
}

/** @param level an inner map's declaration may not hold another's, nor be pinned */
function readDefinition (btf: Btf, name: string, id: TypeId, offset: number, level: 'outer' | 'inner'): FormatResult<MapSpec> {
  const refuse: Refuse = (what, errno) => malformed(MAPS_SECTION, offset, `map ${name}: ${what}`, errno)
  const struct = typeOf(btf, skipModifiers(btf, id) ?? 0)
  if (struct.kind !== 'struct') return refuse(`declared as ${struct.kind}, not as a struct`)
  const definition: Definition = {}
  for (const member of struct.members) {
    const problem = readMember(btf, definition, member)
    if (problem !== undefined) return refuse(`${member.name}: ${problem}`)
    if (member.name !== 'values') continue
    if (level === 'inner') return refuse('an inner map cannot hold maps')
    const inner = readInner(btf, name, member, offset)
    if (!inner.ok) return inner
    definition.inner = inner.value
    if ((definition.valueSize ?? OUTER_VALUE_BYTES) !== OUTER_VALUE_BYTES) return refuse(`values of ${definition.valueSize} bytes, not ${OUTER_VALUE_BYTES}`)
    definition.valueSize = OUTER_VALUE_BYTES
  }
  return specOf(definition, name, level, refuse)
}

type Refuse = (what: string, errno?: 'EOPNOTSUPP') => FormatResult<never>

function specOf (definition: Definition, name: string, level: 'outer' | 'inner', refuse: Refuse): FormatResult<MapSpec> {
  const { keySize = 0, valueSize = 0, maxEntries = 0, flags = 0, pinning = 0, inner } = definition
  if (definition.type === undefined) return refuse('no map type')
  const type = mapTypeOf(definition.type)
  if (type === undefined) return refuse(`map type ${definition.type} is not known`, 'EOPNOTSUPP')
  if (isOuterMap(type) && inner === undefined) return refuse(`${type} without a declaration of its inner maps`)
  if (!isOuterMap(type) && inner !== undefined) return refuse(`${type} cannot hold maps`)
  if (pinning > 1 || (pinning !== 0 && level === 'inner')) return refuse(`pinning ${pinning}`)
  return {
    ok: true,
    value: {
      name,
      type,
      keySize,
      valueSize,
      maxEntries,
      flags,
      ...(inner === undefined ? {} : { inner }),
      ...(definition.numaNode === undefined ? {} : { numaNode: definition.numaNode }),
      ...(pinning === 1 ? { pinByName: true } : {})
    }
  }
}

/** @returns what is wrong with the member, or undefined */
function readMember (btf: Btf, definition: Definition, { name, type }: Member): string | undefined {
  switch (name) {
    case 'type': return assign(definition, 'type', numberOf(btf, type))
    case 'max_entries': return assign(definition, 'maxEntries', numberOf(btf, type))
    case 'map_flags': return assign(definition, 'flags', numberOf(btf, type))
    case 'pinning': return assign(definition, 'pinning', numberOf(btf, type))
    case 'key_size': return assign(definition, 'keySize', numberOf(btf, type))
    case 'value_size': return assign(definition, 'valueSize', numberOf(btf, type))
    case 'key': return assign(definition, 'keySize', pointedSize(btf, type))
    case 'value': return assign(definition, 'valueSize', pointedSize(btf, type))
    case 'numa_node': return assign(definition, 'numaNode', numberOf(btf, type))
    case 'map_extra': return numberOf(btf, type) === 0 ? undefined : 'parameters of single map types are not supported'
    case 'values': return undefined
    default: return 'no such member of a map definition'
  }
}

function assign (definition: Definition, field: Exclude<keyof Definition, 'inner'>, value: number | undefined): string | undefined {
  if (value === undefined) return 'cannot be read from its type'
  const before = definition[field]
  if (before !== undefined && before !== value) return `${value} contradicts ${before} given before`
  definition[field] = value
  return undefined
}

function pointed (btf: Btf, id: TypeId): TypeId | undefined {
  const type = typeOf(btf, skipModifiers(btf, id) ?? 0)
  return type.kind === 'ptr' ? type.type : undefined
}

function numberOf (btf: Btf, id: TypeId): number | undefined {
  const array = typeOf(btf, skipModifiers(btf, pointed(btf, id) ?? 0) ?? 0)
  return array.kind === 'array' ? array.length : undefined
}

function pointedSize (btf: Btf, id: TypeId): number | undefined {
  const target = pointed(btf, id)
  return target === undefined ? undefined : sizeOf(btf, target)
}

function readInner (btf: Btf, outer: string, { type }: Member, offset: number): FormatResult<MapSpec> {
  const array = typeOf(btf, skipModifiers(btf, type) ?? 0)
  const target = array.kind === 'array' ? pointed(btf, array.element) : undefined
  const inner = typeOf(btf, skipModifiers(btf, target ?? 0) ?? 0)
  if (target === undefined || inner.kind !== 'struct') {
    return malformed(MAPS_SECTION, offset, `map ${outer}: values of ${inner.kind}${nameOf(inner) === '' ? '' : ` ${nameOf(inner)}`} are no maps`, 'EOPNOTSUPP')
  }
  return readDefinition(btf, `${outer}.inner`, target, offset, 'inner')
}
