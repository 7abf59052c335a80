// Object files: what our fixtures say, what is refused and how, and bytes that lie.

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { disassemble } from '../../lib/bpf/isa/index.ts'
import { applyCoreRelocations, readObject } from '../../lib/bpf/object/index.ts'
import type { CollectionSpec, CoreRelocation, MapSpec, ProgramSpec } from '../../lib/bpf/object/index.ts'
import { dataMapName, programTypeOf } from '../../lib/bpf/object/section-names.ts'
import { findProfile } from '../../lib/bpf/profile/index.ts'
import type { StructLayout } from '../../lib/bpf/profile/index.ts'
import { asm } from '../isa/asm.ts'

const seed = 20201010
const fixtures = join(import.meta.dirname, '..', 'fixtures', 'bpf')
const bytesOf = (name: string): Uint8Array => new Uint8Array(readFileSync(join(fixtures, `${name}.o`)))

function specOf (name: string): CollectionSpec {
  const spec = readObject(bytesOf(name), { name })
  if (!spec.ok) throw new Error(spec.error.message)
  return spec.value
}

function programOf (name: string, program = name): ProgramSpec {
  const found = specOf(name).programs.find((candidate) => candidate.name === program)
  if (found === undefined) throw new Error(`${name}: no program ${program}`)
  return found
}

function structsOf (profile: string): StructLayout {
  const found = findProfile(profile)
  if (found === undefined) throw new Error(`no profile ${profile}`)
  return found.structs
}

const array = { type: 'array', keySize: 4, valueSize: 4, flags: 0 } as const

t.test('maps, their inner maps, and the program of the mail', async (t) => {
  const spec = specOf('seed_array')
  t.equal(spec.license, 'GPL')
  t.same(spec.maps, [{
    name: 'outer_arr_dyn',
    type: 'array_of_maps',
    keySize: 4,
    valueSize: 4,
    maxEntries: 3,
    flags: 0,
    inner: { ...array, name: 'outer_arr_dyn.inner', maxEntries: 1, flags: 0x1000 }
  }])
  const [program] = spec.programs
  t.match(program, { name: 'handle__sys_enter', section: 'raw_tp/sys_enter', type: 'raw_tracepoint', coreRelocations: [] })
  t.same(program?.maps, [{ insn: 4, map: 'outer_arr_dyn', valueOffset: null }])
  t.same(program?.functions, [{ insn: 0, name: 'handle__sys_enter', prototype: 'int handle__sys_enter(void * ctx)', linkage: 'global' }])
  t.same(program?.lines.map(({ insn, line, text }) => `${insn} ${line} ${text}`), [
    '0 24 int handle__sys_enter(void *ctx)',
    '1 26 int key = 0;',
    '3 0 ',
    '4 30 inner_map = bpf_map_lookup_elem(&outer_arr_dyn, &key);',
    '8 31 if (!inner_map)',
    '10 0 ',
    '11 33 val = bpf_map_lookup_elem(inner_map, &key);',
    '13 34 return val ? *val : -1;',
    '14 34 return val ? *val : -1;',
    '15 35 }'
  ])
  t.same(program?.insns, asm(`
    w1 = 0
    *(u32 *)(r10 -4) = r1
    r2 = r10
    r2 += -4
    r1 = map[id:0]
    call 1
    w6 = -1
    if r0 == 0x0 goto pc+6
    r2 = r10
    r2 += -4
    r1 = r0
    call 1
    if r0 == 0x0 goto pc+1
    r6 = *(u32 *)(r0 +0)
    w0 = w6
    exit`))
})

t.test('several maps in the order of their declaration', async (t) => {
  const inner = (outer: string): MapSpec => ({ ...array, name: `${outer}.inner`, maxEntries: 1, flags: 0x1000 })
  t.same(specOf('selftest_inner').maps, [
    { ...array, name: 'want', maxEntries: 2 },
    { ...array, name: 'outer_array', type: 'array_of_maps', maxEntries: 3, inner: inner('outer_array') },
    { ...array, name: 'outer_hash', type: 'hash_of_maps', maxEntries: 16, inner: inner('outer_hash') },
    { ...array, name: 'seen', maxEntries: 3 }
  ])
})

t.test('global variables become maps with contents', async (t) => {
  const { license, maps } = specOf('rodata_calls')
  t.equal(license, 'Dual BSD/GPL')
  const bytes = (...words: number[]): Uint8Array => new Uint8Array(new Uint32Array(words).buffer)
  t.same(maps, [
    { ...array, name: 'rodata_c.rodata', valueSize: 12, maxEntries: 1, flags: 0x480, contents: bytes(3, 0x05030201, 0x22150d08), freeze: true },
    { ...array, name: '.rodata.limits', valueSize: 2, maxEntries: 1, flags: 0x80, contents: new Uint8Array([0, 2]), freeze: true },
    { ...array, name: 'rodata_c.bss', valueSize: 8, maxEntries: 1, flags: 0x400, contents: new Uint8Array(8) },
    { ...array, name: 'rodata_c.data', valueSize: 20, maxEntries: 1, flags: 0x400, contents: bytes(7, 10, 20, 30, 40) }
  ])
})

t.test('called functions follow their program in the order of calls', async (t) => {
  const program = programOf('rodata_calls', 'count_bytes')
  t.same(program.functions.map(({ insn, prototype, linkage }) => `${insn} ${linkage} ${prototype}`), [
    '0 global int count_bytes(struct xdp_md * ctx)',
    '22 static __u32 weigh(__u32 length)',
    '31 static __u32 scale(__u32 value)',
    '36 global int remember(__u32 value)'
  ])
  t.same(disassemble(program.insns).filter((line) => line.includes('call')), ['  13: (85) call pc+8', '  19: (85) call pc+16', '  27: (85) call pc+3'])
  t.same(program.maps, [
    { insn: 2, map: 'rodata_c.bss', valueOffset: 0 },
    { insn: 9, map: '.rodata.limits', valueOffset: 0 },
    { insn: 14, map: 'rodata_c.data', valueOffset: 0 },
    { insn: 24, map: 'rodata_c.rodata', valueOffset: 4 },
    { insn: 31, map: 'rodata_c.rodata', valueOffset: 0 },
    { insn: 39, map: 'rodata_c.data', valueOffset: 4 },
    { insn: 41, map: 'rodata_c.data', valueOffset: 4 }
  ])
  for (const { insn, valueOffset } of program.maps) {
    t.match([program.insns[insn], program.insns[insn + 1]], [{ src: 2, imm: 0 }, { imm: valueOffset }])
  }
  t.same(program.lines.map(({ insn }) => insn), program.lines.map(({ insn }) => insn).toSorted((a, b) => a - b))
  t.ok(program.lines.some(({ insn, text }) => insn === 31 && text === 'return value * factor;'))

  const other = programOf('rodata_calls', 'count_scaled')
  t.match(other, { section: 'xdp.frags', type: 'xdp' })
  t.same(other.functions.map(({ insn, name }) => [insn, name]), [[0, 'count_scaled'], [7, 'scale']], 'and only what is called')
})

t.test('the address of a function', async (t) => {
  const program = programOf('callback')
  t.same(disassemble(program.insns).filter((line) => /subprog|pc\+1?\d$/.test(line) && !line.includes('if')),
    ['   5: (18) r2 = subprog[+12]', '  12: (85) call pc+16', '  21: (85) call pc+7'])
  t.same(program.functions.map(({ insn, name }) => [insn, name]), [[0, 'callback'], [18, 'add'], [29, 'half']])
})

t.test('the size of an inner map is read where the kernel keeps it', async (t) => {
  const program = programOf('core_max_entries')
  t.same(program.coreRelocations, [{ insn: 10, type: 'bpf_map', path: 'max_entries', kind: 0 }])
  for (const profile of ['6.18', '5.10']) {
    const structs = structsOf(profile)
    const applied = applyCoreRelocations(program.insns, program.coreRelocations, structs)
    t.match(applied, { ok: true })
    if (applied.ok) {
      t.equal(applied.value[10]?.off, structs.bpfMap.maxEntries)
      t.same(applied.value.toSpliced(10, 1), program.insns.toSpliced(10, 1))
    }
  }
})

t.test('what of CO-RE is resolved and what is refused by name', async (t) => {
  const structs = structsOf('6.18')
  const insns = asm('r1 = *(u32 *)(r2 +0)\nr1 = 0\nr1 = 0x9900000000 ll\nr1 += r2\nr1 = *(u64 *)(r2 +0)\nexit')
  const apply = (insn: number, path: string, kind: number, type = 'bpf_map'): ReturnType<typeof applyCoreRelocations> =>
    applyCoreRelocations(insns, [{ insn, type, path, kind }] satisfies CoreRelocation[], structs)
  const changed = (...relocation: Parameters<typeof apply>): string | undefined => {
    const applied = apply(...relocation)
    return applied.ok ? disassemble(applied.value)[relocation[0]]?.slice(6) : applied.error.message
  }
  t.equal(changed(0, 'key_size', 0), '(61) r1 = *(u32 *)(r2 +68)')
  t.equal(changed(0, 'id', 0, 'bpf_map___flavour'), '(61) r1 = *(u32 *)(r2 +92)')
  t.equal(changed(1, 'value_size', 0), '(b7) r1 = 72')
  t.equal(changed(1, 'value_size', 1), '(b7) r1 = 4')
  t.equal(changed(1, 'map_flags', 2), '(b7) r1 = 1')
  t.equal(changed(1, 'map_flags', 3), '(b7) r1 = 0')
  t.equal(changed(1, 'ifindex', 3, 'net_device'), '(b7) r1 = 1')
  t.equal(changed(1, '', 8), '(b7) r1 = 1')
  t.equal(changed(1, '', 9), `(b7) r1 = ${structs.bpfMap.size}`)
  t.equal(changed(2, 'map_type', 0), '(18) r1 = 0x40')
  const refusals: ReadonlyArray<readonly [Parameters<typeof apply>, string, RegExp]> = [
    [[0, 'ops', 0], 'EOPNOTSUPP', /instruction 0: byte offset of bpf_map\.ops: this kernel's layout is not known/],
    [[1, 'ops', 2], 'EOPNOTSUPP', /existence of bpf_map\.ops/],
    [[0, 'pid', 0, 'task_struct'], 'EOPNOTSUPP', /byte offset of task_struct\.pid/],
    [[1, '', 9, 'net_device'], 'EOPNOTSUPP', /size of net_device/],
    [[1, 'map_type', 4], 'EOPNOTSUPP', /left shift of bpf_map\.map_type/],
    [[1, 'x', 99], 'EOPNOTSUPP', /CO-RE relocation 99 of bpf_map\.x/],
    [[1, 'constructor', 0, 'constructor'], 'EOPNOTSUPP', /constructor/],
    [[4, 'map_type', 0], 'EINVAL', /takes no immediate/],
    [[5, 'map_type', 0], 'EINVAL', /the field has 4 bytes, the access 8/],
    [[0, 'map_type', 1], 'EINVAL', /takes an offset only/],
    [[6, 'map_type', 0], 'EINVAL', /neither an immediate nor an offset/],
    [[99, 'map_type', 0], 'EINVAL', /the program has 7 slots/]
  ]
  for (const [relocation, name, message] of refusals) {
    t.match(apply(...relocation), { ok: false, error: { name, message } }, String(message))
  }
})

t.test('what libbpf refuses or we do not support is refused with its place', async (t) => {
  const refusals: ReadonlyArray<readonly [string, string, string, RegExp]> = [
    ['initialised_slots', 'EOPNOTSUPP', '.maps', /slot initialised with first/],
    ['extern_function', 'EOPNOTSUPP', 'xdp', /bpf_session_ready is defined elsewhere/],
    ['static_program', 'EOPNOTSUPP', 'xdp', /program static_program is static/],
    ['unknown_section', 'EOPNOTSUPP', 'kprobe/do_exit', /no program type for this section/],
    ['pointer_data', 'EOPNOTSUPP', '.data', /address of value/],
    ['legacy_maps', 'EOPNOTSUPP', 'maps', /map definitions without BTF/],
    ['call_between_programs', 'EINVAL', 'xdp', /call of inner, which does not lie in \.text/]
  ]
  t.same(readdirSync(join(fixtures, 'refused')).filter((file) => file.endsWith('.o')).length, refusals.length)
  for (const [name, errno, section, message] of refusals) {
    t.match(readObject(bytesOf(`refused/${name}`), { name }), { ok: false, error: { name: errno, section, message, offset: Number } }, name)
  }
})

t.test('names of sections', async (t) => {
  t.same(['xdp', 'xdp/eth0', 'xdp.frags'].map(programTypeOf), ['xdp', 'xdp', 'xdp'])
  t.same(['raw_tp/sys_enter', 'raw_tracepoint/x'].map(programTypeOf), ['raw_tracepoint', 'raw_tracepoint'])
  t.same(['tc', 'classifier/in', 'socket'].map(programTypeOf), ['sched_cls', 'sched_cls', 'socket_filter'])
  t.same(['socket1', 'xdp_devmap', ''].map(programTypeOf), [undefined, undefined, undefined])
  t.equal(dataMapName('balancer', '.rodata'), 'balancer.rodata')
  t.equal(dataMapName('selftest_inner', '.bss'), 'selftest.bss')
  t.equal(dataMapName('a', '.data'), 'a.data')
  t.equal(dataMapName('my-prog', '.bss'), 'my_prog.bss')
  t.equal(dataMapName('x', '.rodata.str1.1'), '.rodata.str1.1')
  t.equal(dataMapName('x', '.data.of_a_long_name'), '.data.of_a_long')
})

t.test('bytes that are no object', async (t) => {
  const good = bytesOf('seed_array')
  const changed = (offset: number, ...values: number[]): Uint8Array => {
    const bytes = good.slice()
    bytes.set(values, offset)
    return bytes
  }
  const cases: ReadonlyArray<readonly [string, Uint8Array, string, RegExp]> = [
    ['nothing', new Uint8Array(0), 'EINVAL', /0 bytes are too few/],
    ['text', new Uint8Array(64).fill(0x41), 'EINVAL', /no ELF file/],
    ['32 bits', changed(4, 1), 'EOPNOTSUPP', /not 64-bit little-endian/],
    ['big-endian', changed(5, 2), 'EOPNOTSUPP', /not 64-bit little-endian/],
    ['an executable', changed(16, 2), 'EOPNOTSUPP', /type 2 is no relocatable/],
    ['another machine', changed(18, 62, 0), 'EOPNOTSUPP', /machine 62 is not BPF/],
    ['sections beyond the end', changed(40, 0xff, 0xff, 0xff), 'EINVAL', /section table lies outside/],
    ['sections beyond any file', changed(46, 0xff, 0xff), 'EINVAL', /section table lies outside/],
    ['no sections', changed(60, 0, 0), 'E2BIG', /0 sections/],
    ['names of sections', changed(62, 0xff, 0x00), 'EINVAL', /section names in section 255/],
    ['half the file', good.subarray(0, good.length >> 1), 'EINVAL', /outside/]
  ]
  for (const [what, bytes, name, message] of cases) t.match(readObject(bytes, { name: 'x' }), { ok: false, error: { name, message, section: 'ELF' } }, what)
})

t.test('the same bytes give the same spec, from any place in memory', async (t) => {
  const bytes = bytesOf('rodata_calls')
  const shifted = new Uint8Array(bytes.length + 3)
  shifted.set(bytes, 3)
  t.same(readObject(shifted.subarray(3), { name: 'rodata_calls' }), { ok: true, value: specOf('rodata_calls') })
})

t.test('hostile bytes end in an error with a place or in a spec whose references hold', async (t) => {
  let read = 0
  let refused = 0
  for (const name of ['rodata_calls', 'selftest_inner', 'callback', 'core_max_entries']) {
    const bytes = bytesOf(name)
    const edit = fc.tuple(fc.nat({ max: bytes.length - 1 }), fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff)))
    const edits = fc.array(edit, { minLength: 1, maxLength: 6 })
    const length = fc.oneof({ arbitrary: fc.constant(bytes.length), weight: 9 }, { arbitrary: fc.nat({ max: bytes.length }), weight: 1 })
    fc.assert(fc.property(edits, length, (edits, length) => {
      const mutated = bytes.slice(0, length)
      for (const [place, value] of edits) if (place < mutated.length) mutated[place] = value
      const spec = readObject(mutated, { name })
      if (!spec.ok) {
        refused++
        return spec.error.number > 0 && spec.error.section !== undefined && Number.isFinite(spec.error.offset)
      }
      read++
      return isConsistent(spec.value)
    }), { seed, numRuns: 150 })
  }
  t.ok(read > 50 && refused > 100, `seed ${seed}: ${read} read, ${refused} refused`)
})

function isConsistent ({ maps, programs }: CollectionSpec): boolean {
  const names = new Set(maps.map(({ name }) => name))
  return programs.every(({ insns, maps, lines, functions, coreRelocations }) =>
    maps.every(({ insn, map }) => names.has(map) && insns[insn]?.code === 0x18 && insns[insn + 1] !== undefined) &&
    [...lines, ...functions, ...coreRelocations].every(({ insn }) => insn >= 0 && insn < insns.length))
}

t.test('the committed objects are what the sources compile to', async (t) => {
  const version = /version (\d+)/.exec(spawnSync('clang', ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1]
  if (version !== '14') {
    t.pass('skipped', { skip: `the objects are clang 14's, here is ${version ?? 'none'}` })
    return
  }
  const folder = mkdtempSync(join(tmpdir(), 'maglev-fixtures-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  execFileSync(join(fixtures, 'build.sh'), [folder])
  const objects = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.o'))
  t.ok(objects.length >= 13)
  for (const object of objects) t.ok(readFileSync(join(folder, object)).equals(readFileSync(join(fixtures, object))), object)
})
