// BTF: every kind, what is asked of types, and bytes that lie.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { coreAccess, findTypes, nameOf, parseBtf, parseBtfExt, prototypeOf, sizeOf, skipModifiers, typeOf } from '../../lib/bpf/btf/index.ts'
import type { Btf, TypeId } from '../../lib/bpf/btf/index.ts'
import { parseElf } from '../../lib/bpf/object/elf.ts'
import { BtfWriter, kinds } from './writer.ts'
import type { RawBtfType } from './writer.ts'

const seed = 20201011
const fixtures = join(import.meta.dirname, '..', 'fixtures', 'bpf')

function section (object: string, name: string): Uint8Array {
  const elf = parseElf(new Uint8Array(readFileSync(join(fixtures, `${object}.o`))))
  const found = elf.ok ? elf.value.sections.find((section) => section.name === name) : undefined
  if (found === undefined) throw new Error(`${object}: no section ${name}`)
  return found.bytes
}

function parsed (bytes: Uint8Array): Btf {
  const btf = parseBtf(bytes)
  if (!btf.ok) throw new Error(btf.error.message)
  return btf.value
}

const written = (types: readonly RawBtfType[]): Btf => parsed(new BtfWriter().write(types))
const int: RawBtfType = { name: 'int', kind: kinds.int, word: 4, rest: [1 << 24 | 32] }

t.test('every kind', async (t) => {
  const btf = written([
    int, // 1
    { kind: kinds.ptr, word: 1 },
    { kind: kinds.array, rest: [1, 1, 7] },
    { name: 'pair', kind: kinds.struct, vlen: 2, word: 8, rest: ['a', 1, 0, 'b', 1, 32] },
    { name: 'bits', kind: kinds.union, flag: true, vlen: 1, word: 4, rest: ['low', 1, 3 << 24 | 5] }, // 5
    { name: 'colour', kind: kinds.enum, flag: true, vlen: 2, word: 4, rest: ['red', 0, 'none', 0xffffffff] },
    { name: 'later', kind: kinds.fwd, flag: true },
    { name: 'number', kind: kinds.typedef, word: 1 },
    { kind: kinds.volatile, word: 8 },
    { kind: kinds.const, word: 9 }, // 10
    { kind: kinds.restrict, word: 2 },
    { kind: kinds.func_proto, vlen: 2, word: 8, rest: ['pair', 13, '', 0] },
    { kind: kinds.ptr, word: 4 },
    { name: 'handler', kind: kinds.func, vlen: 1, word: 12 },
    { name: 'shared', kind: kinds.var, word: 10, rest: [0] }, // 15
    { name: '.data', kind: kinds.datasec, vlen: 1, word: 4, rest: [15, 0, 4] },
    { name: 'double', kind: kinds.float, word: 8 },
    { name: 'note', kind: kinds.decl_tag, word: 4, rest: [0xffffffff] },
    { name: 'user', kind: kinds.type_tag, word: 1 },
    { name: 'large', kind: kinds.enum64, vlen: 1, word: 8, rest: ['top', 1, 0x80000000] } // 20
  ])
  t.same(btf.types, [
    { kind: 'void' },
    { kind: 'int', name: 'int', size: 4, bits: 32, bitOffset: 0, encoding: 'signed' },
    { kind: 'ptr', type: 1 },
    { kind: 'array', element: 1, index: 1, length: 7 },
    {
      kind: 'struct',
      name: 'pair',
      size: 8,
      members: [{ name: 'a', type: 1, bitOffset: 0, bitfieldBits: 0 }, { name: 'b', type: 1, bitOffset: 32, bitfieldBits: 0 }]
    },
    { kind: 'union', name: 'bits', size: 4, members: [{ name: 'low', type: 1, bitOffset: 5, bitfieldBits: 3 }] },
    { kind: 'enum', name: 'colour', size: 4, signed: true, values: [{ name: 'red', value: '0' }, { name: 'none', value: '-1' }] },
    { kind: 'fwd', name: 'later', union: true },
    { kind: 'typedef', name: 'number', type: 1 },
    { kind: 'volatile', type: 8 },
    { kind: 'const', type: 9 },
    { kind: 'restrict', type: 2 },
    { kind: 'func_proto', returns: 8, parameters: [{ name: 'pair', type: 13 }, { name: '', type: 0 }] },
    { kind: 'ptr', type: 4 },
    { kind: 'func', name: 'handler', type: 12, linkage: 'global' },
    { kind: 'var', name: 'shared', type: 10, linkage: 'static' },
    { kind: 'datasec', name: '.data', size: 4, variables: [{ type: 15, offset: 0, size: 4 }] },
    { kind: 'float', name: 'double', size: 8 },
    { kind: 'decl_tag', name: 'note', type: 4, component: -1 },
    { kind: 'type_tag', name: 'user', type: 1 },
    { kind: 'enum64', name: 'large', size: 8, signed: false, values: [{ name: 'top', value: '9223372036854775809' }] }
  ])
  const sizes = btf.types.map((_, id) => sizeOf(btf, id))
  t.same(sizes, [undefined, 4, 8, 28, 8, 4, 4, undefined, 4, 4, 4, 8, undefined, 8, undefined, 4, 4, 8, undefined, 4, 8])
  t.equal(skipModifiers(btf, 10), 1)
  t.equal(prototypeOf(btf, 14), 'number handler(struct pair * pair, ...)')
  t.equal(prototypeOf(btf, 12), undefined, 'a prototype alone is no function')
})

t.test('prototypes as bpftool heads functions', async (t) => {
  const btf = written([
    int,
    { name: 'char', kind: kinds.int, word: 1, rest: [8] },
    { kind: kinds.const, word: 2 },
    { kind: kinds.ptr, word: 3 },
    { kind: kinds.ptr, word: 6 }, // 5: int (*)(char)
    { kind: kinds.func_proto, vlen: 1, word: 1, rest: ['', 2] },
    { name: 'colour', kind: kinds.enum, word: 4 },
    { name: 'later', kind: kinds.fwd },
    { kind: kinds.ptr, word: 8 },
    { kind: kinds.array, rest: [1, 1, 3] }, // 10
    { kind: kinds.func_proto, vlen: 5, rest: ['text', 4, 'callback', 5, 'shade', 7, 'it', 9, 'list', 10] },
    { name: 'all', kind: kinds.func, vlen: 0, word: 11 }
  ])
  t.equal(prototypeOf(btf, 12), 'void all(const char * text, int (char)* callback, enum colour shade, struct later * it, int [3]list)')
})

t.test('references that never end', async (t) => {
  const btf = written([
    { name: 'self', kind: kinds.typedef, word: 1 },
    { kind: kinds.const, word: 3 },
    { kind: kinds.volatile, word: 2 },
    { kind: kinds.array, rest: [4, 4, 2] },
    { kind: kinds.func_proto, vlen: 1, word: 0, rest: ['x', 6] },
    { kind: kinds.ptr, word: 5 },
    { name: 'f', kind: kinds.func, word: 5 },
    int,
    ...Array.from({ length: 6 }, (_, index) => ({ kind: kinds.array, rest: [8 + index, 8, 0x10000] }))
  ])
  t.same([1, 2, 3].map((id) => skipModifiers(btf, id)), [undefined, undefined, undefined])
  t.same([1, 2, 4].map((id) => sizeOf(btf, id)), [undefined, undefined, undefined])
  t.equal(prototypeOf(btf, 7), undefined)
  t.equal(sizeOf(btf, 9), 0x40000)
  const nested = written(Array.from({ length: 30 }, (_, index): RawBtfType =>
    ({ kind: kinds.func_proto, vlen: 50, word: 0, rest: Array.from({ length: 100 }, (_, part) => part % 2 === 0 ? '' : index + 2) }))
    .concat({ name: 'int', kind: kinds.int, word: 4, rest: [32] }, { name: 'f', kind: kinds.func, word: 1 }))
  t.equal(prototypeOf(nested, 32), undefined, '50 to the power of 30 parameters')
  t.equal(sizeOf(btf, 14), undefined, 'more than 32 bits')
})

t.test('bytes that are no BTF', async (t) => {
  const good = new BtfWriter().write([int])
  const changed = (offset: number, value: number): Uint8Array => {
    const bytes = good.slice()
    new DataView(bytes.buffer).setUint32(offset, value, true)
    return bytes
  }
  const cases: ReadonlyArray<readonly [string, Uint8Array, string, RegExp]> = [
    ['empty', new Uint8Array(0), 'EINVAL', /too few for a header/],
    ['big-endian', changed(0, 0x00019feb), 'EINVAL', /magic/],
    ['version', changed(0, 0x0002eb9f), 'EOPNOTSUPP', /version 2/],
    ['types outside', changed(12, 0xffffffff), 'EINVAL', /types lie outside/],
    ['strings outside', changed(20, 0xfffffff0), 'EINVAL', /strings lie outside/],
    ['kind', changed(28, 31 << 24), 'EINVAL', /unknown kind 31/],
    ['many parts', changed(28, kinds.struct << 24 | 0xffff), 'EINVAL', /65535 parts is cut off/],
    ['name', changed(24, 0x1000), 'EINVAL', /name of type \[1\] lies outside/],
    ['encoding', changed(36, 3 << 24), 'EINVAL', /encoding 3/],
    ['reference', new BtfWriter().write([{ kind: kinds.ptr, word: 2 }]), 'EINVAL', /type \[1\] refers to type \[2\] of 2/],
    ['linkage', new BtfWriter().write([{ name: 'f', kind: kinds.func, vlen: 3, word: 0 }]), 'EINVAL', /f has linkage 3/],
    ['cut off', new BtfWriter().write([{ kind: kinds.array, rest: [] }]), 'EINVAL', /cut off/]
  ]
  for (const [what, bytes, name, message] of cases) {
    t.match(parseBtf(bytes), { ok: false, error: { name, message, section: '.BTF', offset: Number } }, what)
  }
  t.match(parseBtf(good, { typesMax: 0, partsMax: 10 }), { ok: false, error: { name: 'E2BIG' } })
})

t.test('functions, lines and accesses of a program', async (t) => {
  const btf = parsed(section('core_max_entries', '.BTF'))
  const ext = parseBtfExt(section('core_max_entries', '.BTF.ext'), btf)
  if (!ext.ok) throw new Error(ext.error.message)
  const [func] = ext.value.functions.get('xdp') ?? []
  t.match(func, { offset: 0 })
  t.equal(prototypeOf(btf, func?.type ?? 0), 'int core_max_entries(struct xdp_md * ctx)')
  const lines = ext.value.lines.get('xdp') ?? []
  t.same(lines[0], { offset: 0, file: './core_max_entries.c', text: 'int core_max_entries(struct xdp_md *ctx)', line: 36, column: 0 })
  t.same(lines.map(({ offset }) => offset), lines.map(({ offset }) => offset).toSorted((a, b) => a - b))
  const [relocation] = ext.value.coreRelocations.get('xdp') ?? []
  t.match(relocation, { offset: 80, access: '0:0', kind: 0 })
  t.same(coreAccess(btf, relocation?.type ?? 0, '0:0', 0), { type: 'bpf_map', path: 'max_entries' })
})

t.test('accesses in words', async (t) => {
  const btf = written([
    int,
    { kind: kinds.array, rest: [4, 1, 3] },
    { name: 'outer', kind: kinds.struct, vlen: 3, word: 40, rest: ['first', 1, 0, '', 5, 32, 'list', 2, 96] },
    { name: 'item', kind: kinds.struct, vlen: 2, word: 8, rest: ['a', 1, 0, 'b', 6, 32] },
    { kind: kinds.union, vlen: 2, word: 4, rest: ['x', 1, 0, 'y', 1, 0] },
    { kind: kinds.const, word: 1 },
    { name: 'colour', kind: kinds.enum, vlen: 2, word: 4, rest: ['red', 0, 'green', 1] },
    { name: 'alias', kind: kinds.typedef, word: 3 }
  ])
  const words = (type: TypeId, access: string, kind = 0): unknown => coreAccess(btf, type, access, kind)
  t.same(words(3, '0:0'), { type: 'outer', path: 'first' })
  t.same(words(3, '0:1:1'), { type: 'outer', path: 'y' }, 'members of an anonymous union are the struct\'s own')
  t.same(words(8, '0:2:1:1', 2), { type: 'alias', path: 'list[1].b' })
  t.same(words(3, '2:0'), { type: 'outer', path: '[2].first' })
  t.same(words(7, '1', 10), { type: 'colour', path: 'green' })
  t.same(words(3, '0', 8), { type: 'outer', path: '' })
  for (const access of ['', '0:', '0:3', '0:0:0', '-1', '0:x', '9999999999']) t.equal(words(3, access), undefined, access)
  t.equal(words(7, '2', 10), undefined)
})

t.test('hostile bytes end in an error or in types that can be asked anything', async (t) => {
  const bytes = section('rodata_calls', '.BTF')
  const extBytes = section('rodata_calls', '.BTF.ext')
  const whole = parsed(bytes)
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 })
  let read = 0
  let refused = 0
  fc.assert(fc.property(changes, fc.option(fc.nat({ max: bytes.length })), (edits, cut) => {
    const mutated = mutate(bytes, edits).subarray(0, cut ?? bytes.length)
    const btf = parseBtf(mutated)
    if (!btf.ok) {
      refused++
      return btf.error.message !== '' && btf.error.offset >= 0
    }
    read++
    for (const [id, type] of btf.value.types.entries()) {
      sizeOf(btf.value, id)
      skipModifiers(btf.value, id)
      prototypeOf(btf.value, id)
      nameOf(typeOf(btf.value, id))
      coreAccess(btf.value, id, '0:0:1', 0)
      findTypes(btf.value, type.kind, 'x')
    }
    const ext = parseBtfExt(extBytes, btf.value)
    return ext.ok || ext.error.section === '.BTF.ext'
  }), { seed, numRuns: 300 })
  fc.assert(fc.property(changes, (edits) => {
    const ext = parseBtfExt(mutate(extBytes, edits), whole)
    if (ext.ok) read++
    else refused++
    return ext.ok || ext.error.section === '.BTF.ext'
  }), { seed, numRuns: 300 })
  t.ok(read > 20 && refused > 100, `seed ${seed}: ${read} read, ${refused} refused`)
})

function mutate (bytes: Uint8Array, edits: ReadonlyArray<readonly [number, number]>): Uint8Array {
  const copy = bytes.slice()
  for (const [place, value] of edits) copy[place % copy.length] = value
  return copy
}
