// Translated programs byte for byte as the running kernel has them, but for map ids; calls by the function's address, where
// the symbol table can be read. Objects compiled from C, every kind of map with every operation and both Spectre
// privileges, contexts, divisions, functions, dead code.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decode } from '../../lib/bpf/isa/index.ts'
import type { Insn } from '../../lib/bpf/isa/index.ts'
import { CALL, LD_IMM64 } from '../../lib/bpf/isa/op.ts'
import { readObject } from '../../lib/bpf/object/index.ts'
import type { CollectionSpec } from '../../lib/bpf/object/index.ts'
import { datapathLayouts, objectFile } from '../../lib/datapath/index.ts'
import { encodeXlated } from '../../lib/bpf/rewrite/index.ts'
import type { TranslatedProgram } from '../../lib/bpf/rewrite/index.ts'
import type { Bpf } from '../../src/live-kernel/bpf.ts'
import { nestedLookup, singleLookup } from '../rewrite/listings.ts'
import { branchingPrograms, verifierStatePrograms } from '../verifier/random-programs.ts'
import { INNER_MAP, RDONLY_PROG, array, assembled, check, hash, translate } from '../verifier/support.ts'
import type { TestMap, TestProgram } from '../verifier/support.ts'
import { verifierCases } from '../verifier/cases.ts'
import { loadObject } from '../../src/live-kernel/load.ts'
import { emulatedProgram } from './support/emulated-object.ts'
import { openPrivilege } from './support/privilege.ts'
import { kernelSuite } from './support/tally.ts'
import type { Suite } from './support/tally.ts'
import { createTestMap, withProgram } from './support/verifier.ts'

/** Address of a kernel function less that of the one calls are counted from; undefined: not to be seen. */
const callNumbers = readCallNumbers()

function readCallNumbers (): ReadonlyMap<string, number> {
  if (!existsSync('/proc/kallsyms')) return new Map()
  const symbols = new Map(readFileSync('/proc/kallsyms', 'latin1').trim().split('\n').map((line) => {
    const [address = '0', , name = ''] = line.split(/\s/)
    return [name, BigInt(`0x${address}`)] as const
  }))
  const base = symbols.get('__bpf_call_base') ?? 0n
  return new Map(base === 0n ? [] : [...symbols].map(([name, address]) => [name, Number(address - base)]))
}

const seed = 11
const randomPrograms = 300

const balancers = datapathLayouts.map((layout) => `../../lib/datapath/${objectFile(layout)}`)
const objects = [
  ...balancers, '../fixtures/bpf/seed_array.o',
  '../fixtures/bpf/seed_hash.o', '../fixtures/bpf/selftest_inner.o', '../fixtures/bpf/core_max_entries.o', '../fixtures/bpf/rodata_calls.o',
  ...['extension_headers', 'stateful', 'wide'].map((name) => `../fixtures/bpf/corpus/${name}.o`)
]

await kernelSuite('rewrite xlated: objects', objects.length, async ({ bpf, same }, t) => {
  for (const file of objects) {
    const object = readFixture(file)
    const loaded = loadObject(bpf, object)
    same(comparable(emulatedProgram(object)), comparable(xlatedBytes(bpf, loaded.program)), file)
    loaded.close()
  }
  const privilege = await openPrivilege()
  if (typeof privilege === 'string') {
    t.pass('masked balancers', { skip: privilege })
    return
  }
  for (const file of balancers) {
    const object = readFixture(file)
    // the program asks for CAP_PERFMON itself, where it reads an inner map's max_entries
    const loaded = loadObject(bpf, object, (spec) => spec, (create) => privilege.without(create))
    same(comparable(emulatedProgram(object, false)), comparable(xlatedBytes(bpf, loaded.program)), `masked ${file}`)
    loaded.close()
  }
})

function readFixture (file: string): CollectionSpec {
  const object = readObject(readFileSync(join(import.meta.dirname, file)), { name: 'x' })
  if (!object.ok) throw new Error(object.error.message)
  return object.value
}

const maps: readonly TestMap[] = [
  array(1), array(100), array(7, 20), array(100, 12), array(5, 8, INNER_MAP), array(3, 8, RDONLY_PROG), { type: 'percpu_array', maxEntries: 100 },
  hash(4), hash(12, 16), hash(16, 40), { type: 'lru_hash', keySize: 8 }, { type: 'percpu_hash' }, { type: 'lru_percpu_hash', keySize: 12 },
  { type: 'lpm_trie', keySize: 8, flags: 1 }
]
const outers: readonly TestMap[] = (['array_of_maps', 'hash_of_maps'] as const).flatMap((type) =>
  [array(1), array(1, 4, INNER_MAP), hash(4), { type: 'lru_hash' } as const].map((inner) => ({ type, maxEntries: 3, inner })))

const UPDATE = 'r1 = 0\n*(u64 *)(r10 -64) = r1\nr2 = r10\nr2 += -64\nr3 = r2\nr4 = 0\nr1 = map[id:0]\ncall 2\nr0 = 0\nexit'
const DELETE = 'r1 = 0\n*(u64 *)(r10 -64) = r1\nr2 = r10\nr2 += -64\nr1 = map[id:0]\ncall 3\nr0 = 0\nexit'
const UNKNOWN_KEY = 'r6 = *(u64 *)(r1 +0)\n*(u32 *)(r10 -16) = r6\n*(u32 *)(r10 -12) = r6\nr2 = r10\nr2 += -16\nr1 = map[id:0]\n' +
  'call 1\nif r0 == 0 goto +1\nr0 = 1\nexit'
const operations = [singleLookup, UNKNOWN_KEY, UPDATE, DELETE]

await kernelSuite('rewrite xlated: maps', 2 * (maps.length * operations.length + outers.length) - maps.length, async (suite, t) => {
  const programs = [
    ...maps.flatMap((map) => operations.map((text): TestProgram => ({ insns: assembled(text), maps: [map], type: 'raw_tracepoint' }))),
    ...outers.map((map): TestProgram => ({ insns: assembled(nestedLookup), maps: [map], type: 'raw_tracepoint' }))
  ].filter((program) => check(program).ok)
  for (const program of programs) compare(suite, program, JSON.stringify(program.maps))
  const privilege = await openPrivilege()
  if (typeof privilege === 'string') {
    t.pass('masked lookups', { skip: privilege })
    return
  }
  for (const program of programs) {
    const fds = privilege.without(() => (program.maps ?? []).map((map) => createTestMap(suite.bpf, map)))
    compare(suite, { ...program, maps: (program.maps ?? []).map(masked) }, `masked ${JSON.stringify(program.maps)}`, fds)
  }
})

function masked (map: TestMap): TestMap {
  return { ...map, bypassSpecV1: false, ...(map.inner === undefined ? {} : { inner: masked(map.inner) }) }
}

const corpus: readonly TestProgram[] = [
  ...[0, 4, 8, 12, 16].map((offset): TestProgram => ({ insns: assembled(`r7 = *(u32 *)(r1 +${offset})\nr0 = 1\nexit`) })),
  ...[12, 16].map((offset): TestProgram => ({ insns: assembled(`r1 = *(u32 *)(r1 +${offset})\nr0 = r1\nexit`) })),
  ...['/=', '%=', 's/=', 's%='].flatMap((operator) => ['r', 'w'].flatMap((letter) => [
    `${letter}0 ${operator} ${letter}2`, `${letter}0 ${operator} 7`, `${letter}0 ${operator} -1`
  ])).map((operation): TestProgram =>
    ({ insns: assembled(`r0 = *(u64 *)(r1 +0)\nr2 = *(u64 *)(r1 +8)\nif r0 == 5 goto +1\n${operation}\nexit`), type: 'raw_tracepoint' })),
  { insns: assembled('r1 = 1\ncall first\nexit\nfirst:\nr0 = r1\nr0 /= r1\ncall second\nexit\nsecond:\nr0 = 2\nexit') },
  {
    insns: assembled(`r6 = *(u32 *)(r1 +16)\nif r6 > 5 goto +1\ncall used\nr0 = 0\nif r0 == 0 goto +1\ncall unused\nexit
      unused:\nr0 = 3\nexit\nused:\nr0 = 1\nexit`)
  },
  { insns: assembled('r0 = 1\nif r0 == 1 goto +2\nr0 = 2\nr0 = 3\ngoto +0\nexit') },
  { insns: assembled('r0 = 0\ngoto +0\ngoto +0\nexit') },
  { insns: assembled('r6 = *(u32 *)(r1 +16)\nr0 = 1\nif r0 != 1 goto +3\nif r6 == 3 goto +1\nr0 = 2\nexit\nr0 = 4\nexit') },
  { insns: assembled('r0 = 0\nr0 += 1\nif r0 < 10 goto -2\nif r0 == 10 goto +1\nr0 = 7\nexit') }
]

await kernelSuite('rewrite xlated: programs', corpus.length + 2 * randomPrograms, (suite, t) => {
  t.comment(`seed ${seed}`)
  const accepted = verifierCases.filter(({ refusal }) => refusal === null).map(({ refusal, ...program }) => program)
  for (const program of [...corpus, ...accepted]) if (!callsPerCpu(program)) compare(suite, program, JSON.stringify(program.insns))
  for (const [index, program] of verifierStatePrograms(seed, randomPrograms).entries()) compare(suite, program, `random ${index}`)
  for (const [index, program] of branchingPrograms(seed, randomPrograms).entries()) compare(suite, program, `branching ${index}`)
})

/** bpf_get_smp_processor_id stays a call here */
function callsPerCpu ({ insns }: TestProgram): boolean {
  return insns.some(({ code, src, imm }) => code === CALL && src === 0 && imm === 8)
}

function compare ({ bpf, same }: Suite, program: TestProgram, where: string, fds?: number[]): void {
  const kernel = withProgram(bpf, program, ({ fd, log }) => fd < 0 ? `refused: ${log.slice(-300)}` : comparable(xlatedBytes(bpf, fd)), fds)
  same(comparable(translate(program)), kernel, where)
}

function xlatedBytes (bpf: Bpf, fd: number): Uint8Array {
  return bpf.xlated(fd).insns
}

/** One line per instruction; maps by kind of reference only. */
function comparable (program: Uint8Array | TranslatedProgram): string {
  const decoded = decode(program instanceof Uint8Array ? program : encodeXlated(program))
  if (!decoded.ok) throw new Error(decoded.error.message)
  return decoded.value.map((insn: Insn, slot) => {
    const { code, dst, src, off, imm } = insn
    const symbol = program instanceof Uint8Array ? undefined : program.insns[slot]?.call
    const isCall = code === CALL && src === 0
    const number = isCall && callNumbers.size === 0 ? 'x' : symbol === undefined ? imm : callNumbers.get(symbol) ?? `no symbol ${symbol}`
    return [code.toString(16), dst, src, off, code === LD_IMM64 && src !== 0 ? 'x' : number].join(' ')
  }).join('\n')
}
