// Functions in C, spelled as bpftool heads them in a dump: `int handle__sys_enter(void * ctx)`. Every type word is followed by a blank,
// a star too, which is why there is one on both sides of it.

import { RESOLVE_DEPTH_MAX, typeOf } from './resolve.ts'
import type { Btf, PrototypeType, TypeId } from './types.ts'

/** bpftool's buffer for a prototype */
const PROTOTYPE_CHARS_MAX = 1023

/** @returns the prototype of a `func`, or undefined when `id` is none or its types do not end */
export function prototypeOf (btf: Btf, id: TypeId): string | undefined {
  const func = typeOf(btf, id)
  if (func.kind !== 'func') return undefined
  const text = printType(btf, id, 0)
  return text === undefined || text.length > PROTOTYPE_CHARS_MAX ? undefined : text
}

function printType (btf: Btf, id: TypeId, depth: number): string | undefined {
  if (depth > RESOLVE_DEPTH_MAX) return undefined
  const type = typeOf(btf, id)
  const inner = (reference: TypeId): string | undefined => printType(btf, reference, depth + 1)
  switch (type.kind) {
    case 'void': return 'void '
    case 'int': case 'float': case 'typedef': return `${type.name} `
    case 'struct': case 'union': return `${type.kind} ${type.name} `
    case 'enum': case 'enum64': return `enum ${type.name} `
    case 'fwd': return `${type.union ? 'union' : 'struct'} ${type.name} `
    case 'ptr': return followed(inner(type.type), '* ')
    case 'array': return followed(inner(type.element), `[${type.length}]`)
    case 'volatile': case 'const': case 'restrict': return preceded(`${type.kind} `, inner(type.type))
    case 'type_tag': return inner(type.type)
    case 'func_proto': return printFunction(btf, '', type, depth)
    case 'func': {
      const prototype = typeOf(btf, type.type)
      return prototype.kind === 'func_proto' ? printFunction(btf, type.name, prototype, depth) : undefined
    }
    default: return undefined
  }
}

function printFunction (btf: Btf, name: string, { returns, parameters }: PrototypeType, depth: number): string | undefined {
  const result = printType(btf, returns, depth + 1)
  const printed = parameters.map((parameter) => {
    if (parameter.type === 0) return '...'
    const type = printType(btf, parameter.type, depth + 1)
    return parameter.name === '' ? type?.trimEnd() : followed(type, parameter.name)
  })
  if (result === undefined || printed.includes(undefined)) return undefined
  return `${result}${name}(${printed.join(', ')})`
}

const followed = (text: string | undefined, suffix: string): string | undefined => text === undefined ? undefined : text + suffix
const preceded = (prefix: string, text: string | undefined): string | undefined => text === undefined ? undefined : prefix + text
