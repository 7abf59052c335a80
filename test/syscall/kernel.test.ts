// bpf(2) of the emulated kernel: descriptors and ids, references, refusals, and the story of the patch series.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readObject } from '../../lib/bpf/object/index.ts'
import { kernelProfiles } from '../../lib/bpf/profile/index.ts'
import type { ErrnoName, Result } from '../../lib/bpf/profile/errno.ts'
import { DescriptorTable } from '../../lib/bpf/syscall/descriptors.ts'
import { loadCollection } from '../../lib/bpf/syscall/index.ts'
import type { Insn } from '../../lib/bpf/isa/insn.ts'
import type { VerifierRefusal } from '../../lib/bpf/syscall/index.ts'
import { emulatedKernel, emulatedStory, loadFixture, u32 } from '../support/emulated-story.ts'
import { BPF_F_INNER_MAP, tellInnerMapStory } from '../support/inner-map-story.ts'
import { BPF_F_NUMA_NODE } from '../../lib/bpf/map/index.ts'
import { asm } from '../isa/asm.ts'

const [profile] = kernelProfiles as [typeof kernelProfiles[number]]

function value<T> (result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.error.name}: ${result.error.message}`)
  return result.value
}

function errno (result: Result<unknown>): ErrnoName | null {
  return result.ok ? null : result.error.name
}

for (const story of kernelProfiles) {
  t.test(`inner arrays of 1, 3 and 5 behind an array and a hash, kernel ${story.name}`, async (t) => {
    const lines = tellInnerMapStory(emulatedStory(story))
    const told = new Map(lines.map((line) => line.split(': ').slice(-2) as [string, string]))
    t.equal(lines[0], 'nothing there: -1 -1')
    t.same(['slot 0 index 0', 'slot 0 index 2', 'slot 1 index 2', 'slot 1 index 4', 'slot 2 index 4', 'slot 2 index 5'].map((line) => told.get(line)),
      ['100 100', '-2 -2', '302 302', '-2 -2', '504 504', '-2 -2'])
    t.equal(told.get('seen at once'), '777 777')
    t.equal(told.get('index 4 is there now'), '504 504')
    t.equal(lines.filter((line) => /without the flag: -22$/.test(line)).length, 4, 'EINVAL without the flag, whatever the size')
    t.equal(told.get('kept by the outer maps'), '301 301')
  })
}

t.test('descriptors and ids', async (t) => {
  const kernel = emulatedKernel(profile)
  const first = value(kernel.mapCreate({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 1, flags: 0 }))
  t.equal(first, 3, 'the lowest free descriptor')
  const { id } = value(kernel.map(first))
  const second = value(kernel.mapFdById(id))
  value(kernel.close(first))
  t.equal(errno(kernel.mapLookup(first, u32(0))), 'EBADF')
  t.equal(errno(kernel.mapLookup(second, u32(0))), null, 'the other descriptor keeps the map')
  value(kernel.close(second))
  t.equal(errno(kernel.mapFdById(id)), 'ENOENT', 'the last reference takes the map along')
  t.equal(kernel.maps().length, 0)
  t.equal(value(kernel.mapCreate({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 1, flags: 0 })), first, 'descriptors are used again, ids are not')
  t.not(kernel.maps()[0]?.id, id)
  const [third, fourth] = [value(kernel.mapFdById(id + 1)), value(kernel.mapFdById(id + 1))]
  value(kernel.close(third))
  value(kernel.close(fourth))
  t.equal(value(kernel.mapFdById(id + 1)), third, 'the lowest free one, whichever was closed last')
})

t.test('an object that gets no descriptor is released', async (t) => {
  let references = 0
  const counted = { retain: () => { references++ }, release: () => { references-- } }
  const table = new DescriptorTable(2)
  for (let i = 0; i < 3; i++) {
    counted.retain()
    t.equal(errno(table.install(counted)), i < 2 ? null : 'EMFILE')
  }
  t.equal(references, 2)
})

t.test('an outer map holds its inner maps, a program its maps', async (t) => {
  const kernel = emulatedKernel(profile)
  const { maps, programs } = loadFixture(kernel, 'selftest_inner')
  const inner = value(kernel.mapCreate({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 9, flags: BPF_F_INNER_MAP }))
  const { id } = value(kernel.map(inner))
  const outer = maps.get('outer_array') ?? -1
  value(kernel.mapUpdate(outer, u32(0), u32(inner)))
  value(kernel.close(inner))
  t.same([...value(kernel.mapLookup(outer, u32(0)))], [...u32(id)], 'user space reads the id')
  value(kernel.mapDelete(outer, u32(0)))
  t.equal(errno(kernel.mapFdById(id)), 'ENOENT')
  for (const fd of maps.values()) kernel.close(fd)
  t.equal(kernel.maps().length, maps.size, 'the loaded program keeps them')
  for (const fd of programs.values()) kernel.close(fd)
  t.equal(kernel.maps().length, 0)
  t.equal(kernel.programs().length, 0)
})

t.test('what the kernel refuses at creation and load', async (t) => {
  const kernel = emulatedKernel(profile)
  const array = value(kernel.mapCreate({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 1, flags: BPF_F_INNER_MAP }))
  const outer = { type: 'hash_of_maps', keySize: 4, valueSize: 4, maxEntries: 4, flags: 0 } as const
  t.equal(errno(kernel.mapCreate({ ...outer, innerMapFd: 999 })), 'EBADF')
  const nested = value(kernel.mapCreate({ ...outer, innerMapFd: array }))
  t.equal(errno(kernel.mapCreate({ ...outer, innerMapFd: nested })), 'EINVAL', 'one level of nesting')
  t.equal(errno(kernel.mapCreate({ ...outer, type: 'hash', flags: BPF_F_INNER_MAP })), 'EINVAL', 'the flag is for arrays')
  const load = (text: string): Result<number> => kernel.progLoad({ name: 'p', type: 'xdp', license: 'GPL', insns: asm(text) })
  t.equal(errno(kernel.progLoad({ name: 'p', type: 'xdp', license: 'GPL', insns: [] })), 'E2BIG')
  t.equal(errno(load('r0 = r2\nexit')), 'EACCES')
  const named = (name: string): Result<number> => kernel.progLoad({ name, type: 'xdp', license: 'GPL', insns: asm('r0 = 2\nexit') })
  t.same(['bad name', 'sixteen_letters_'].map((name) => errno(named(name))), ['EINVAL', 'EINVAL'])
  const wild = asm('r1 = 999 ll\nr0 = 0\nexit').map((insn, index) => index === 0 ? { ...insn, src: 1 } : insn)
  const refused = kernel.progLoad({ name: 'p', type: 'xdp', license: 'GPL', insns: wild })
  t.match(refused, { ok: false, error: { name: 'EBADF', message: 'fd 999 is not pointing to valid bpf_map' } })
  t.equal(kernel.programs().length, 0)
})

t.test('wide immediates that name a map: errno as Linux 6.18 has them', async (t) => {
  const kernel = emulatedKernel(profile)
  const array = value(kernel.mapCreate({ type: 'array', keySize: 4, valueSize: 8, maxEntries: 2, flags: 0 }))
  const load = (fd: number, src: number, upper: Partial<Insn> = {}): Result<number> => kernel.progLoad({
    name: 'p',
    type: 'xdp',
    license: 'GPL',
    insns: asm('r1 = 5 ll\nr0 = 0\nexit').map((insn, slot) => slot === 0 ? { ...insn, src, imm: fd } : slot === 1 ? { ...insn, ...upper } : insn)
  })
  const program = value(load(array, 1))
  t.same([load(program, 1), load(999, 1), load(array, 1, { imm: 4 }), load(999, 1, { imm: 4 }), load(999, 1, { dst: 3 })].map(errno),
    ['EINVAL', 'EBADF', 'EINVAL', 'EINVAL', 'EINVAL'])
  t.same([load(array, 2), load(array, 2, { imm: 2 ** 29 - 1 }), load(array, 2, { imm: 2 ** 29 }), load(array, 2, { imm: -1 })].map(errno),
    ['ENOTSUPP', 'ENOTSUPP', 'EINVAL', 'EINVAL'])
})

t.test('equal programs over equal maps are told apart by the ids of their maps', async (t) => {
  const kernel = emulatedKernel(profile)
  const ids = [1, 2].map(() => {
    const map = value(kernel.mapCreate({ type: 'array', keySize: 4, valueSize: 8, maxEntries: 2, flags: 0 }))
    const insns = asm('r1 = 5 ll\nr0 = 0\nexit').map((insn, slot) => slot === 0 ? { ...insn, src: 1, imm: map } : insn)
    return value(kernel.program(value(kernel.progLoad({ name: 'p', type: 'xdp', license: 'GPL', insns })))).translated.insns[0]?.imm
  })
  t.same(ids, [1, 2])
})

t.test('a refusal by the verifier carries its log and the instruction', async (t) => {
  const kernel = emulatedKernel(profile)
  const refused = kernel.progLoad({ name: 'p', type: 'xdp', license: 'GPL', insns: asm('r0 = r2\nexit') })
  if (refused.ok) throw new Error('accepted')
  const error = refused.error as VerifierRefusal
  t.match(error, { name: 'EACCES', message: 'R2 !read_ok', insn: 0 })
  t.match(error.log, /R2 !read_ok/)
})

t.test('the tag of a program is what the kernel of that profile makes of it', async (t) => {
  const tags = kernelProfiles.map((profile) => {
    const kernel = emulatedKernel(profile)
    const program = value(kernel.program(value(kernel.progLoad({ name: 'p', type: 'xdp', license: 'GPL', insns: asm('r0 = 2\nexit') }))))
    return [profile.name, program.tag]
  })
  t.same(tags, [['6.18', '614b434cd8324ecc'], ['5.10', '3b185187f1855c4c']])
})

t.test('a collection is loaded whole or not at all', async (t) => {
  const kernel = emulatedKernel(profile)
  const spec = readObject(readFileSync(join(import.meta.dirname, '../fixtures/bpf/selftest_inner.o')), { name: 'selftest' })
  if (!spec.ok) throw new Error(spec.error.message)
  const broken = loadCollection(kernel, spec.value, { editMap: (map) => map.name === 'seen' ? { ...map, keySize: 5 } : map })
  t.match(broken, { ok: false, error: { name: 'EINVAL', message: /^map seen: / } })
  const elsewhere = loadCollection(kernel, spec.value, { editMap: (map) => map.name === 'seen' ? { ...map, flags: BPF_F_NUMA_NODE, numaNode: 5 } : map })
  t.match(elsewhere, { ok: false, error: { name: 'EINVAL', message: /^map seen: there is no NUMA node 5/ } })
  t.equal(kernel.maps().length, 0)
})
