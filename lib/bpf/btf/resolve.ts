// Questions about types. References may form cycles (a hostile file can point a typedef at itself), so every walk has a depth limit:
// the kernel's own, 32.

import type { Btf, BtfKind, BtfType, TypeId } from './types.ts'

export const RESOLVE_DEPTH_MAX = 32
const POINTER_BYTES = 8

export function typeOf (btf: Btf, id: TypeId): BtfType {
  return btf.types[id] ?? { kind: 'void' }
}

const MODIFIERS: ReadonlySet<BtfKind> = new Set(['typedef', 'volatile', 'const', 'restrict', 'type_tag'])

/** @returns the id behind typedefs and qualifiers, or undefined when they do not end */
export function skipModifiers (btf: Btf, id: TypeId): TypeId | undefined {
  for (let depth = 0; depth <= RESOLVE_DEPTH_MAX; depth++) {
    const type = typeOf(btf, id)
    if (!MODIFIERS.has(type.kind) || !('type' in type)) return id
    id = type.type
  }
  return undefined
}

/** @returns bytes of a value of that type; undefined for what has no size (void, functions, forward declarations) and for cycles */
export function sizeOf (btf: Btf, id: TypeId): number | undefined {
  let elements = 1
  for (let depth = 0; depth <= RESOLVE_DEPTH_MAX; depth++) {
    const type = typeOf(btf, id)
    switch (type.kind) {
      case 'int': case 'float': case 'struct': case 'union': case 'enum': case 'enum64': case 'datasec':
        return bounded(elements * type.size)
      case 'ptr':
        return bounded(elements * POINTER_BYTES)
      case 'array':
        elements *= type.length
        id = type.element
        break
      case 'typedef': case 'volatile': case 'const': case 'restrict': case 'type_tag': case 'var':
        id = type.type
        break
      default:
        return undefined
    }
  }
  return undefined
}

/** Sizes are 32-bit in the format; a product of array lengths that is not has no meaning. */
function bounded (bytes: number): number | undefined {
  return bytes <= 0xffffffff ? bytes : undefined
}

export function nameOf (type: BtfType): string {
  return 'name' in type ? type.name : ''
}

/** @returns ids of all types of that kind and name */
export function findTypes (btf: Btf, kind: BtfKind, name: string): TypeId[] {
  return btf.types.flatMap((type, id) => type.kind === kind && nameOf(type) === name ? [id] : [])
}

/** @returns the ids of variables by the section they lie in, in the order of their declaration */
export function variablesBySection (btf: Btf): Map<string, TypeId[]> {
  const sections = new Map<string, TypeId[]>()
  for (const type of btf.types) {
    if (type.kind !== 'datasec') continue
    const variables = sections.get(type.name) ?? []
    sections.set(type.name, variables)
    for (const variable of type.variables) variables.push(variable.type)
  }
  return sections
}
