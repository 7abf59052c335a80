// The instruction table and what reads it: bytes, text and back, against lists and listings written down independently.

import fc from 'fast-check'
import t from 'tap'
import {
  assemble, decode, disassemble, disassembleInsn, encode, instructionTable, isOpcode, reservedFieldsUsed, rowOf
} from '../../lib/bpf/isa/index.ts'
import type { Field, Insn, InstructionRow } from '../../lib/bpf/isa/index.ts'
import * as build from '../../lib/bpf/isa/build.ts'
import * as op from '../../lib/bpf/isa/op.ts'
import { asm } from './asm.ts'

const seed = 20201009

const insnArbitrary: fc.Arbitrary<Insn> = fc.record({
  code: fc.integer({ min: 0, max: 255 }),
  dst: fc.integer({ min: 0, max: 15 }),
  src: fc.integer({ min: 0, max: 15 }),
  off: fc.integer({ min: -0x8000, max: 0x7fff }),
  imm: fc.integer({ min: -0x80000000, max: 0x7fffffff })
})

t.test('encoding is the inverse of decoding', async (t) => {
  t.same(encode([{ code: 0x63, dst: 10, src: 1, off: -4, imm: 0 }]), new Uint8Array([0x63, 0x1a, 0xfc, 0xff, 0, 0, 0, 0]))
  fc.assert(fc.property(fc.array(insnArbitrary), (insns) => {
    const decoded = decode(encode(insns))
    t.ok(decoded.ok && JSON.stringify(decoded.value) === JSON.stringify(insns))
  }), { seed, numRuns: 200 })
  const cut = decode(new Uint8Array(12))
  t.match(cut, { ok: false, error: { name: 'EINVAL', message: /12 bytes/ } })
})

t.test('the table has every opcode byte of RFC 9669 and of later kernels, and no other', async (t) => {
  const operations = (list: string, ...classes: number[]): number[] =>
    list.split(' ').flatMap((high) => classes.map((low) => parseInt(high, 16) << 4 | low))
  const expected = new Set([
    ...operations('0 1 2 3 4 5 6 7 9 a b c', 0x4, 0x7, 0xc, 0xf), // arithmetic by immediate and register
    0x84, 0x87, 0xd4, 0xdc, 0xd7, // negation, byte order
    ...operations('1 2 3 4 5 6 7 a b c d', 0x5, 0x6, 0xd, 0xe), // comparisons
    0x05, 0x06, 0x85, 0x95, 0xe5, // goto, gotol, call, exit, may_goto
    0x18, 0x20, 0x28, 0x30, 0x40, 0x48, 0x50, // wide immediate, packet access
    0x61, 0x69, 0x71, 0x79, 0x81, 0x89, 0x91, // loads, extending loads
    0x62, 0x6a, 0x72, 0x7a, 0x63, 0x6b, 0x73, 0x7b, // stores
    0xc3, 0xdb, 0xcb, 0xd3, // atomics; the two narrow ones for load_acquire and store_release
    0xc2 // nospec
  ])
  for (let code = 0; code < 256; code++) t.equal(isOpcode(code), expected.has(code), `opcode 0x${code.toString(16)}`)
})

t.test('no two rows can stand for the same instruction', async (t) => {
  const signatures = instructionTable.map(({ code, when }) => `${code}:${when.src ?? ''}:${when.off ?? ''}:${when.imm ?? ''}`)
  t.equal(new Set(signatures).size, instructionTable.length)
  for (const row of instructionTable) t.equal(rowOf(sample(row)), row, row.text)
})

const zero: Insn = { code: 0, dst: 0, src: 0, off: 0, imm: 0 }

function sample (row: InstructionRow): Insn {
  return { ...zero, code: row.code, ...row.when }
}

/** Rows two of which print alike: a wide immediate's meaning is not in its text. */
const isAmbiguous = (row: InstructionRow): boolean => row.text === 'r{dst} = {wide}' && row.when.src !== 0

t.test('what is disassembled assembles to the same bytes', async (t) => {
  for (const row of instructionTable.filter((row) => !isAmbiguous(row))) {
    fc.assert(fc.property(insnArbitrary, fc.integer({ min: -0x80000000, max: 0x7fffffff }), (random, high) => {
      const fields = Object.fromEntries(row.uses.map((field) => [field, random[field]])) as Partial<Record<Field, number>>
      // a kernel function's module index has no place in the text
      const insn = { ...sample(row), ...fields, ...(row.code === op.CALL ? { off: 0 } : {}) }
      // the base row of an opcode whose random fields happen to select another meaning is that other instruction
      fc.pre(rowOf(insn) === row)
      const program = row.code === op.LD_IMM64 ? [insn, { ...zero, imm: hasUpper(row) ? high : 0 }] : [insn]
      const [line = ''] = disassemble(program, { dialect: 'kernel-6.18' })
      const again = assemble(line)
      t.ok(again.ok && JSON.stringify(again.value) === JSON.stringify(program), line)
    }), { seed, numRuns: 25 })
  }
})

/** whether the second slot of a wide immediate means something */
function hasUpper (row: InstructionRow): boolean {
  return row.text.includes('{wide}') || row.text.includes('{high}')
}

// The listing of the mail that introduced BPF_F_INNER_MAP, without the C lines.
const listing = `
   0: (b4) w1 = 0
   1: (63) *(u32 *)(r10 -4) = r1
   2: (bf) r2 = r10
   3: (07) r2 += -4
   4: (18) r1 = map[id:468]
   6: (07) r1 += 272
   7: (61) r0 = *(u32 *)(r2 +0)
   8: (35) if r0 >= 0x3 goto pc+5
   9: (67) r0 <<= 3
  10: (0f) r0 += r1
  11: (79) r0 = *(u64 *)(r0 +0)
  12: (15) if r0 == 0x0 goto pc+1
  13: (05) goto pc+1
  14: (b7) r0 = 0
  15: (b4) w6 = -1
  16: (15) if r0 == 0x0 goto pc+6
  17: (bf) r2 = r10
  18: (07) r2 += -4
  19: (bf) r1 = r0
  20: (85) call array_map_lookup_elem#149280
  21: (15) if r0 == 0x0 goto pc+1
  22: (61) r6 = *(u32 *)(r0 +0)
  23: (bc) w0 = w6
  24: (95) exit`.slice(1)

t.test('a listing pasted in comes out again', async (t) => {
  const insns = asm(`int handle__sys_enter(void * ctx):\n; int handle__sys_enter(void *ctx)\n${listing}`)
  t.equal(insns.length, 25)
  t.same(disassemble(insns, { callName: () => 'array_map_lookup_elem' }).join('\n'), listing)
  t.same(encode(insns).subarray(8, 16), new Uint8Array([0x63, 0x1a, 0xfc, 0xff, 0, 0, 0, 0]))
})

t.test('names of functions and maps come from the caller', async (t) => {
  const insns = asm('r1 = map[id:7]\nr2 = map[id:8][0]+4\ncall 1\ncall pc+2\ncall kernel-function#77')
  t.same(disassemble(insns).map((line) => line.slice(6)), [
    '(18) r1 = map[id:7]', '(18) r2 = map[id:8][0]+4', '(85) call unknown#1', '(85) call pc+2', '(85) call kernel-function#77'
  ])
  const named = disassemble(insns, {
    callName: ({ src }, slot) => src === 1 ? '+2#bpf_prog_4f38580019f015fd_weigh' : `function_${slot}`,
    mapOperand: ({ src }) => ({ id: 99, valueOffset: src === 2 ? 12 : null })
  })
  t.same(named.map((line) => line.slice(6)), [
    '(18) r1 = map[id:99]', '(18) r2 = map[id:99][0]+12', '(85) call function_4#1', '(85) call pc+2#bpf_prog_4f38580019f015fd_weigh',
    '(85) call function_6#77'
  ])
})

t.test('bpftool 7.1 has no words for what came after it', async (t) => {
  const texts = (line: string): string[] => (['bpftool-7.1', 'kernel-6.18'] as const)
    .map((dialect) => disassembleInsn(asm(line)[0] ?? zero, undefined, 0, { dialect }))
  t.same(texts('r1 = *(s8 *)(r2 +3)'), ['BUG_ldx_91', '(91) r1 = *(s8 *)(r2 +3)'])
  t.same(texts('r1 = bswap16 r1'), ['BUG_alu64_d7', '(d7) r1 = bswap16 r1'])
  t.same(texts('w1 s%= w2'), ['(9c) w1 %= w2', '(9c) w1 s%= w2'])
  t.same(texts('r3 = (s32)r4'), ['(bf) r3 = r4', '(bf) r3 = (s32)r4'])
  t.same(texts('r0 = load_acquire((u16 *)(r1 +8))'), ['BUG_cb', '(cb) r0 = load_acquire((u16 *)(r1 +8))'])
  t.same(texts('r0 = &(void __percpu *)(r0)'), ['(bf) r0 = r0', '(bf) r0 = &(void __percpu *)(r0)'])
})

t.test('opcodes that do not exist print as faults', async (t) => {
  const text = (code: number, imm = 0): string => disassembleInsn({ ...zero, code, imm }, undefined, 0)
  t.same([text(0x99), text(0x00), text(0x42), text(0xdb, 0x33), text(0xff)], ['BUG_ldx_99', 'BUG_ld_00', 'BUG_st_42', 'BUG_db', 'BUG_ff'])
})

t.test('labels stand for distances', async (t) => {
  const insns = asm(`
    again:
      r1 += 1
      r2 = 0x1122334455667788 ll
      if r1 < 0x5 goto again
      if w1 s> w2 goto out
      gotol out
      call helper
      r3 = subprog[helper]
      goto again
    out:
      exit
    helper:
      exit`)
  t.same(insns.map(({ off, imm }) => [off, imm]), [
    [0, 1], [0, 0x55667788], [0, 0x11223344], [-4, 5], [5, 0], [0, 4], [0, 4], [0, 3], [0, 0], [-10, 0], [0, 0], [0, 0]
  ])
})

t.test('text that is no program is refused with its line', async (t) => {
  const cases: ReadonlyArray<readonly [string, RegExp]> = [
    ['exit\nr1 = = 2', /line 2: no such instruction: r1 = = 2/],
    ['goto nowhere', /line 1: no label nowhere/],
    ['a:\nexit\na:', /line 3: label a stands twice/],
    ['r1 = 5000000000', /line 1: 5000000000 does not fit 32 bits/],
    ['*(u32 *)(r16 +0) = r1', /line 1: no register 16/],
    ['r1 = *(u32 *)(r2 +40000)', /line 1: offset 40000 does not fit 16 bits/],
    ['(b7) r1 = r2', /line 1: no such instruction/],
    ['far:\nexit\n' + 'r0 = 0\n'.repeat(40000) + 'goto far', /offset -40002 does not fit 16 bits/]
  ]
  for (const [text, message] of cases) t.match(assemble(text), { ok: false, error: { name: 'EINVAL', message } }, text.slice(0, 40))
})

t.test('reserved fields are the ones without a use', async (t) => {
  const reserved = (insn: Insn): Field[] => {
    const row = rowOf(insn)
    return row === undefined ? [] : reservedFieldsUsed(insn, row)
  }
  t.same(reserved({ ...build.mov64Imm(1, 5), src: 2, off: 3 }), ['src', 'off'])
  t.same(reserved({ ...build.exit(), dst: 1, src: 2, off: 3, imm: 4 }), ['dst', 'src', 'off', 'imm'])
  t.same(reserved({ ...build.mov64Reg(1, 2), off: 8 }), [], 'a sign extension')
  t.same(reserved({ ...build.mov64Reg(1, 2), off: 9 }), ['off'])
  for (const row of instructionTable) t.same(reserved(sample(row)), [], row.text)
})

t.test('constructors and text agree', async (t) => {
  const { BPF_ADD, BPF_AND, BPF_B, BPF_DW, BPF_H, BPF_JGE, BPF_JSGT, BPF_LSH, BPF_PSEUDO_MAP_VALUE, BPF_W } = op
  t.same([
    build.alu64Imm(BPF_ADD, 1, 312), build.alu64Reg(BPF_ADD, 0, 1), build.alu32Imm(BPF_AND, 0, 127), build.alu32Reg(BPF_LSH, 3, 4),
    build.mov64Imm(0, -1), build.mov64Reg(2, 10), build.mov32Imm(1, 0), build.mov32Reg(0, 6),
    build.load(BPF_DW, 0, 0, 8), build.store(BPF_W, 10, 1, -4), build.storeImm(BPF_B, 0, 35, 1), build.load(BPF_H, 4, 5, -2),
    build.goto(1), build.jumpImm(BPF_JGE, 0, 100, 5), build.jumpReg(BPF_JGE, 1, 2, -3), build.jump32Imm(BPF_JSGT, 7, -1, 2),
    build.jump32Reg(BPF_JSGT, 7, 8, 2), ...build.wide(1, BPF_PSEUDO_MAP_VALUE, 3, 16), build.call(1), build.exit()
  ], asm(`
    r1 += 312
    r0 += r1
    w0 &= 127
    w3 <<= w4
    r0 = -1
    r2 = r10
    w1 = 0
    w0 = w6
    r0 = *(u64 *)(r0 +8)
    *(u32 *)(r10 -4) = r1
    *(u8 *)(r0 +35) = 1
    r4 = *(u16 *)(r5 -2)
    goto pc+1
    if r0 >= 0x64 goto pc+5
    if r1 >= r2 goto pc-3
    if w7 s> 0xffffffff goto pc+2
    if w7 s> w8 goto pc+2
    r1 = map[id:3][0]+16
    call 1
    exit`))
})

t.test('opcode bits', async (t) => {
  t.same([0x71, 0x69, 0x61, 0x79].map(op.accessBytes), [1, 2, 4, 8])
  t.same([op.JUMP, op.JUMP_LONG, op.CALL, op.EXIT, 0x15, 0x26, 0xe5, 0x07].map(op.isConditionalJump),
    [false, false, false, false, true, true, true, false])
  t.ok(op.isWide({ code: 0x18 }))
})
