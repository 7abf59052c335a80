// Access strings of CO-RE relocations: `0:3:1` is "of element 0, member 3, of that element 1" in terms of the program's own types.
// In words, which mean the same on every kernel: `member.path[1]`.

import { nameOf, skipModifiers, typeOf } from './resolve.ts'
import type { Btf, TypeId } from './types.ts'

const ACCESS_DEPTH_MAX = 64
const ENUM_KINDS = [10, 11]
const TYPE_KINDS = [6, 7, 8, 9, 12]

export interface CoreAccess {
  /** name of the struct, union, enum or typedef the access starts from */
  readonly type: string
  /** dotted members, without those of anonymous structs; of enumerators their name; empty where the type itself is meant */
  readonly path: string
}

/** @returns undefined when the string does not fit the type */
export function coreAccess (btf: Btf, type: TypeId, access: string, kind: number): CoreAccess | undefined {
  if (!/^\d{1,9}(:\d{1,9})*$/.test(access)) return undefined
  const [first = 0, ...rest] = access.split(':').map(Number)
  if (rest.length > ACCESS_DEPTH_MAX) return undefined
  const name = nameOf(typeOf(btf, type))
  if (TYPE_KINDS.includes(kind)) return { type: name, path: '' }
  if (ENUM_KINDS.includes(kind)) {
    const values = enumeratorsOf(btf, type)
    return values?.[first] === undefined ? undefined : { type: name, path: values[first].name }
  }
  const path = fieldPath(btf, type, rest)
  return path === undefined ? undefined : { type: name, path: first === 0 ? path : `[${first}]${path === '' ? '' : `.${path}`}` }
}

function enumeratorsOf (btf: Btf, id: TypeId): ReadonlyArray<{ readonly name: string }> | undefined {
  const type = typeOf(btf, skipModifiers(btf, id) ?? 0)
  return 'values' in type ? type.values : undefined
}

function fieldPath (btf: Btf, start: TypeId, steps: readonly number[]): string | undefined {
  let path = ''
  let id = start
  for (const step of steps) {
    const type = typeOf(btf, skipModifiers(btf, id) ?? 0)
    if (type.kind === 'array') {
      path += `[${step}]`
      id = type.element
    } else if ('members' in type) {
      const member = type.members[step]
      if (member === undefined) return undefined
      if (member.name !== '') path += `${path === '' ? '' : '.'}${member.name}`
      id = member.type
    } else {
      return undefined
    }
  }
  return path
}
