// Object files as libbpf reads them: the same maps, and after loading the same instructions in every program: subprograms appended,
// calls, map descriptors, offsets of variables and CO-RE accesses filled in. And BTF as bpftool prints it: all of the kernel's own types,
// and the C lines and prototypes of the loaded programs.

import { mapTypeNumbers, programTypeNumbers } from '../../lib/bpf/profile/names.ts'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { findTypes, nameOf, parseBtf, typeOf } from '../../lib/bpf/btf/index.ts'
import type { Btf, BtfType } from '../../lib/bpf/btf/index.ts'
import { decode } from '../../lib/bpf/isa/index.ts'
import type { Insn } from '../../lib/bpf/isa/index.ts'
import { applyCoreRelocations, readObject } from '../../lib/bpf/object/index.ts'
import type { CollectionSpec, LineInfo, MapSpec, ProgramSpec } from '../../lib/bpf/object/index.ts'
import { findProfile } from '../../lib/bpf/profile/index.ts'
import { liveLines } from '../../lib/bpf/rewrite/index.ts'
import type { StructLayout } from '../../lib/bpf/profile/index.ts'
import type { Bpf } from '../../src/live-kernel/bpf.ts'
import { emulatedProgram } from './support/emulated-object.ts'
import { kernelSuite } from './support/tally.ts'

const root = join(import.meta.dirname, '..', '..')
const kernelBtf = '/sys/kernel/btf/vmlinux'
const objects = ['test/fixtures/bpf', 'lib/datapath/objects'].flatMap((folder) =>
  readdirSync(join(root, folder)).filter((file) => file.endsWith('.o')).map((file) => join(root, folder, file)))

type Libbpf = Awaited<ReturnType<typeof openLibbpf>>

/** Only what is compared; every pointer is opaque. */
async function openLibbpf () {
  const koffi = (await import('koffi')).default
  const library = koffi.load('libbpf.so.1')
  const on = (result: string, name: string, args = 'void *'): ((...args: unknown[]) => unknown) => library.func(`${result} ${name}(${args})`)
  return {
    open: on('void *', 'bpf_object__open', 'const char *'),
    load: on('int', 'bpf_object__load'),
    close: on('void', 'bpf_object__close'),
    nextMap: on('void *', 'bpf_object__next_map', 'void *, void *'),
    nextProgram: on('void *', 'bpf_object__next_program', 'void *, void *'),
    innerMap: on('void *', 'bpf_map__inner_map'),
    unpin: on('int', 'bpf_map__set_pin_path', 'void *, const char *'),
    mapName: on('const char *', 'bpf_map__name'),
    mapType: on('int', 'bpf_map__type'),
    keySize: on('uint32', 'bpf_map__key_size'),
    valueSize: on('uint32', 'bpf_map__value_size'),
    maxEntries: on('uint32', 'bpf_map__max_entries'),
    mapFlags: on('uint32', 'bpf_map__map_flags'),
    mapFd: on('int', 'bpf_map__fd'),
    programName: on('const char *', 'bpf_program__name'),
    programSection: on('const char *', 'bpf_program__section_name'),
    programType: on('int', 'bpf_program__type'),
    programFd: on('int', 'bpf_program__fd'),
    insnCount: on('size_t', 'bpf_program__insn_cnt'),
    insns: (program: unknown): Uint8Array => {
      const pointer = on('void *', 'bpf_program__insns')(program)
      return Uint8Array.from(koffi.decode(pointer, 'uint8_t', Number(on('size_t', 'bpf_program__insn_cnt')(program)) * 8) as Iterable<number>)
    }
  }
}

function * each (next: (object: unknown, previous: unknown) => unknown, object: unknown): Generator<unknown> {
  for (let item = next(object, null); item !== null; item = next(object, item)) yield item
}

function mapOf (libbpf: Libbpf, map: unknown): unknown {
  return {
    type: libbpf.mapType(map),
    keySize: libbpf.keySize(map),
    valueSize: libbpf.valueSize(map),
    maxEntries: libbpf.maxEntries(map),
    flags: libbpf.mapFlags(map)
  }
}

function shapeOf ({ type, keySize, valueSize, maxEntries, flags }: MapSpec): unknown {
  return { type: mapTypeNumbers[type as keyof typeof mapTypeNumbers], keySize, valueSize, maxEntries, flags }
}

/** The instructions as they go to the kernel: descriptors of libbpf's maps, fields of this kernel's structs. */
function resolved (program: ProgramSpec, fds: ReadonlyMap<string, number>, structs: StructLayout): Insn[] {
  const applied = applyCoreRelocations(program.insns, program.coreRelocations, structs)
  const insns = applied.ok ? applied.value : []
  for (const { insn, map } of program.maps) insns[insn] = { ...insns[insn] as Insn, imm: fds.get(map) ?? -1 }
  return insns
}

/** The profile's layout with struct bpf_map as the running kernel has it. */
function runningLayout (btf: Btf): StructLayout {
  const profile = findProfile('6.18')
  if (profile === undefined) throw new Error('no profile 6.18')
  const struct = findTypes(btf, 'struct', 'bpf_map').map((id) => typeOf(btf, id))[0]
  const members = struct !== undefined && 'members' in struct ? struct.members : []
  const at = (name: string): number => (members.find((member) => member.name === name)?.bitOffset ?? -8) / 8
  return {
    ...profile.structs,
    bpfMap: {
      size: struct !== undefined && 'size' in struct ? struct.size : 0,
      mapType: at('map_type'),
      keySize: at('key_size'),
      valueSize: at('value_size'),
      maxEntries: at('max_entries'),
      mapFlags: at('map_flags'),
      id: at('id')
    }
  }
}

interface Printed { readonly id: number, readonly kind: string, readonly name: string, readonly [field: string]: unknown }

/** bpftool 7.1 extends the sign of enumerators that have none. */
function enumerator (kind: string, value: string): string {
  return kind === 'enum' ? String(BigInt.asUintN(32, BigInt(value))) : value
}

/** The fields in which bpftool's JSON and our types say the same thing. */
function ofBpftool (type: Printed): unknown[] {
  const list = (type['members'] ?? type['params'] ?? type['values'] ?? type['vars'] ?? []) as Array<Record<string, unknown>>
  return [
    type.kind.toLowerCase(), type.name === '(anon)' ? '' : type.name, type['size'] ?? null,
    type['type_id'] ?? type['ret_type_id'] ?? null, type['nr_elems'] ?? null, type['linkage'] ?? null,
    list.map((item) => [item['name'] === '(anon)' ? '' : item['name'] ?? '', item['type_id'] ?? null, item['bits_offset'] ?? item['offset'] ?? null,
      item['bitfield_size'] ?? 0, item['val'] === undefined ? null : enumerator(type.kind.toLowerCase(), String(item['val']))])
  ]
}

function ofOurs (type: BtfType): unknown[] {
  const parts = 'members' in type
    ? type.members.map((member) => [member.name, member.type, member.bitOffset, member.bitfieldBits, null])
    : 'parameters' in type
      ? type.parameters.map((parameter) => [parameter.name, parameter.type, null, 0, null])
      : 'variables' in type ? type.variables.map((variable) => ['', variable.type, variable.offset, 0, null]) : []
  return [
    type.kind, nameOf(type), 'size' in type ? type.size : null,
    type.kind === 'array' ? type.element : 'type' in type ? type.type : 'returns' in type ? type.returns : null,
    type.kind === 'array' ? type.length : null, 'linkage' in type ? type.linkage : null,
    'values' in type ? type.values.map(({ name, value }) => [name, null, null, 0, enumerator(type.kind, value)]) : parts
  ]
}

interface PrintedLine { readonly proto?: string, readonly src?: string, readonly line_num?: number, readonly line_col?: number }

function printedLines (bpf: Bpf, fd: number): PrintedLine[] | undefined {
  const { stdout, status } = spawnSync('bpftool', ['-j', 'prog', 'dump', 'xlated', 'id', String(bpf.xlated(fd).id), 'linum'], { encoding: 'utf8' })
  if (status !== 0) return undefined
  const dump = JSON.parse(stdout) as PrintedLine[] | Array<{ readonly insns: PrintedLine[] }>
  return dump.flatMap((item) => 'insns' in item ? item.insns : [item])
}

const libbpf = await openLibbpf().catch(() => undefined)
if (libbpf === undefined) console.log('# libbpf.so.1 is not installed: objects are not compared')
if (!existsSync(kernelBtf)) console.log('# the kernel has no BTF: CO-RE and its types are not compared')

await kernelSuite('object: as libbpf reads it', libbpf === undefined || !existsSync(kernelBtf) ? 0 : 100, ({ bpf, same }) => {
  if (libbpf === undefined || !existsSync(kernelBtf)) return
  const vmlinux = parseBtf(new Uint8Array(readFileSync(kernelBtf)))
  if (!vmlinux.ok) throw new Error(vmlinux.error.message)
  const structs = runningLayout(vmlinux.value)
  for (const path of objects) {
    const name = basename(path, '.o')
    const spec = readObject(new Uint8Array(readFileSync(path)), { name })
    if (!same(spec.ok, true, `${name} is read`) || !spec.ok) continue
    const object = libbpf.open(path)
    const maps = [...each(libbpf.nextMap, object)]
    for (const map of maps) libbpf.unpin(map, null)
    same(spec.value.maps.map(({ name }) => name), maps.map(libbpf.mapName), `maps of ${name}`)
    for (const [index, map] of maps.entries()) {
      const ours = spec.value.maps[index] as MapSpec
      same(shapeOf(ours), mapOf(libbpf, map), `${name}: map ${ours.name}`)
      const inner = libbpf.innerMap(map)
      same(ours.inner === undefined ? null : [ours.inner.name, shapeOf(ours.inner)],
        inner === null ? null : [libbpf.mapName(inner), mapOf(libbpf, inner)], `${name}: inner map of ${ours.name}`)
    }
    if (same(libbpf.load(object), 0, `${name} is loaded`)) {
      const fds = new Map(maps.map((map) => [String(libbpf.mapName(map)), Number(libbpf.mapFd(map))]))
      comparePrograms(libbpf, bpf, same, object, spec.value, fds, structs)
    }
    libbpf.close(object)
  }
})

function comparePrograms (
  libbpf: Libbpf, bpf: Bpf, same: (found: unknown, wanted: unknown, where: string) => boolean,
  object: unknown, spec: CollectionSpec, fds: ReadonlyMap<string, number>, structs: StructLayout
): void {
  const { programs } = spec
  const loaded = [...each(libbpf.nextProgram, object)].filter((program) => libbpf.programSection(program) !== '.text')
  same(programs.map(({ name, section, type }) => [name, section, programTypeNumbers[type]]),
    loaded.map((program) => [libbpf.programName(program), libbpf.programSection(program), libbpf.programType(program)]), 'programs')
  for (const [index, program] of loaded.entries()) {
    const ours = programs[index] as ProgramSpec
    const theirs = decode(libbpf.insns(program))
    same(resolved(ours, fds, structs), theirs.ok ? theirs.value : [], `instructions of ${ours.name}`)
    const printed = printedLines(bpf, Number(libbpf.programFd(program)))
    if (printed === undefined) continue
    same(ours.functions.map(({ prototype }) => prototype), printed.flatMap(({ proto }) => proto === undefined ? [] : [proto]), `prototypes of ${ours.name}`)
    const lines = printed.flatMap(({ src, line_num: line, line_col: column }) => src === undefined ? [] : [[src, line ?? 0, column ?? 0]])
    same(linesLeft(spec, ours).map(({ text, line, column }) => [text, line, column]), lines, `C lines of ${ours.name}`)
  }
}

/** Without those of code that is taken out; of a program that the verifier here does not take, which has no such code, all of them. */
function linesLeft (spec: CollectionSpec, program: ProgramSpec): readonly LineInfo[] {
  try {
    return [...liveLines(emulatedProgram({ ...spec, programs: [program] }), program.lines).values()]
  } catch {
    return program.lines
  }
}

const kernelTypes = spawnSync('bpftool', ['-j', 'btf', 'dump', 'file', kernelBtf], { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 })
if (kernelTypes.status !== 0) console.log('# bpftool cannot print the kernel\'s types: they are not compared')

await kernelSuite('btf: the kernel\'s own types as bpftool prints them', kernelTypes.status === 0 ? 50000 : 0, ({ same }) => {
  if (kernelTypes.status !== 0) return
  const btf = parseBtf(new Uint8Array(readFileSync(kernelBtf)))
  if (!btf.ok) throw new Error(btf.error.message)
  // numbers above 2^53 stay text
  const { types } = JSON.parse(kernelTypes.stdout.replace(/"val":(-?\d+)/g, '"val":"$1"')) as { readonly types: Printed[] }
  same(btf.value.types.length, types.length + 1, 'number of types')
  for (const type of types) same(ofOurs(typeOf(btf.value, type.id)), ofBpftool(type), `type [${type.id}]`)
})
