// Functions in C, spelled as bpftool heads them in a dump: `int handle__sys_enter(void * ctx)`. Every type word is followed by a blank,
// a star too, which is why there is one on both sides of it.

import { RESOLVE_DEPTH_MAX, typeOf } from './resolve.ts'
import type { Btf, PrototypeType, TypeId } from './types.ts'

/** bpftool's buffer for a prototype; a limit while printing, for nested function types of a hostile file grow without end */
const PROTOTYPE_CHARS_MAX = 1023

/** @returns the prototype of a `func`, or undefined when `id` is none or its types do not end */
export function prototypeOf (btf: Btf, id: TypeId): string | undefined {
  if (typeOf(btf, id).kind !== 'func') return undefined
  const printer = new Printer(btf)
  return printer.type(id, 0) ? printer.text : undefined
}

/** Every method answers whether what it was to print could be printed. */
class Printer {
  text = ''
  readonly #btf: Btf

  constructor (btf: Btf) {
    this.#btf = btf
  }

  type (id: TypeId, depth: number): boolean {
    if (depth > RESOLVE_DEPTH_MAX) return false
    const type = typeOf(this.#btf, id)
    switch (type.kind) {
      case 'void': return this.#put('void ')
      case 'int': case 'float': case 'typedef': return this.#put(`${type.name} `)
      case 'struct': case 'union': return this.#put(`${type.kind} ${type.name} `)
      case 'enum': case 'enum64': return this.#put(`enum ${type.name} `)
      case 'fwd': return this.#put(`${type.union ? 'union' : 'struct'} ${type.name} `)
      case 'ptr': return this.type(type.type, depth + 1) && this.#put('* ')
      case 'array': return this.type(type.element, depth + 1) && this.#put(`[${type.length}]`)
      case 'volatile': case 'const': case 'restrict': return this.#put(`${type.kind} `) && this.type(type.type, depth + 1)
      case 'type_tag': return this.type(type.type, depth + 1)
      case 'func_proto': return this.#function('', type, depth)
      case 'func': {
        const prototype = typeOf(this.#btf, type.type)
        return prototype.kind === 'func_proto' && this.#function(type.name, prototype, depth)
      }
      default: return false
    }
  }

  #function (name: string, { returns, parameters }: PrototypeType, depth: number): boolean {
    const isPrinted = this.type(returns, depth + 1) && this.#put(`${name}(`) && parameters.every((parameter, index) =>
      (index === 0 || this.#put(', ')) && this.#parameter(parameter, depth))
    return isPrinted && this.#put(')')
  }

  #parameter ({ name, type }: PrototypeType['parameters'][number], depth: number): boolean {
    if (type === 0) return this.#put('...')
    if (!this.type(type, depth + 1)) return false
    if (name === '') this.text = this.text.trimEnd()
    return this.#put(name)
  }

  #put (text: string): boolean {
    this.text += text
    return this.text.length <= PROTOTYPE_CHARS_MAX
  }
}
