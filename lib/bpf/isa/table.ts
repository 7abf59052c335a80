// The one table of instructions. Decoder, assembler, disassembler and the verifier's check of reserved fields all read it;
// an instruction that is not in here does not exist.
//
// A row is an opcode byte, where one byte has several meanings also the field values that tell them apart (`when`), the
// fields it uses, and its text. The text is a template that works both ways:
//   {dst} {src}  register numbers          {imm}  immediate, decimal       {hex}   immediate, unsigned hexadecimal
//   {off}        offset with its sign      {jump} jump distance in `off`   {jumpImm} jump distance in `imm`
//   {wide}       64-bit immediate, hex     {low} {high}  its halves, decimal
//   {name}       what the caller calls the function at this call
// `text` is what a 6.18 kernel writes to its verifier log; `bpftool71`, where given, what bpftool 7.1 prints instead, which
// knows nothing of the instructions that came after it.
//
// Source: RFC 9669, section 3 to 5 and its appendix; the texts were compared with both programs.

import type { Insn } from './insn.ts'
import * as op from './op.ts'

export type Field = 'dst' | 'src' | 'off' | 'imm'

/** RFC 9669's conformance groups; `kernel`: never in an object file, only in what the kernel makes of it or asks of its own compiler. */
export type ConformanceGroup =
  'base32' | 'base64' | 'divmul32' | 'divmul64' | 'atomic32' | 'atomic64' | 'packet' | 'kernel'

export interface InstructionRow {
  readonly code: number
  /** field values that tell rows with the same opcode byte apart */
  readonly when: Partial<Readonly<Record<Field, number>>>
  /** operand fields; the ones neither here nor in `when` are reserved and must be 0 */
  readonly uses: readonly Field[]
  readonly text: string
  readonly bpftool71?: string
  /** first instruction set version (clang's -mcpu) that has it */
  readonly since: 1 | 2 | 3 | 4
  readonly group: ConformanceGroup
}

type Extra = Partial<Pick<InstructionRow, 'when' | 'bpftool71' | 'since' | 'group'>>

function row (code: number, uses: readonly Field[], text: string, extra: Extra = {}): InstructionRow {
  return { code, uses, text, when: {}, since: 1, group: 'base64', ...extra }
}

const BITS = [32, 64] as const
const letterOf = (bits: 32 | 64): string => bits === 32 ? 'w' : 'r'
const aluOf = (bits: 32 | 64): number => bits === 32 ? op.BPF_ALU : op.BPF_ALU64
const baseOf = (bits: 32 | 64): ConformanceGroup => bits === 32 ? 'base32' : 'base64'
const hexByte = (code: number): string => code.toString(16).padStart(2, '0')

const ARITHMETIC: ReadonlyArray<readonly [number, string, 'base' | 'divmul']> = [
  [op.BPF_ADD, '+=', 'base'], [op.BPF_SUB, '-=', 'base'], [op.BPF_MUL, '*=', 'divmul'], [op.BPF_DIV, '/=', 'divmul'],
  [op.BPF_OR, '|=', 'base'], [op.BPF_AND, '&=', 'base'], [op.BPF_LSH, '<<=', 'base'], [op.BPF_RSH, '>>=', 'base'],
  [op.BPF_MOD, '%=', 'divmul'], [op.BPF_XOR, '^=', 'base'], [op.BPF_MOV, '=', 'base'], [op.BPF_ARSH, 's>>=', 'base']
]

function arithmetic (): InstructionRow[] {
  return BITS.flatMap((bits) => ARITHMETIC.flatMap(([operation, operator, family]) => {
    const letter = letterOf(bits)
    const group = family === 'divmul' ? `divmul${bits}` as const : baseOf(bits)
    return [
      row(aluOf(bits) | operation | op.BPF_K, ['dst', 'imm'], `${letter}{dst} ${operator} {imm}`, { group }),
      row(aluOf(bits) | operation | op.BPF_X, ['dst', 'src'], `${letter}{dst} ${operator} ${letter}{src}`, { group })
    ]
  }))
}

function negation (): InstructionRow[] {
  return BITS.map((bits) => row(aluOf(bits) | op.BPF_NEG, ['dst'], `${letterOf(bits)}{dst} = -${letterOf(bits)}{dst}`, { group: baseOf(bits) }))
}

/** Signed division and remainder: the unsigned opcode with off = 1. */
function signedDivision (): InstructionRow[] {
  return BITS.flatMap((bits) => ([[op.BPF_DIV, '/='], [op.BPF_MOD, '%=']] as const).flatMap(([operation, operator]) => {
    const letter = letterOf(bits)
    const extra = { when: { off: 1 }, since: 4, group: `divmul${bits}` } as const
    return [
      row(aluOf(bits) | operation | op.BPF_K, ['dst', 'imm'], `${letter}{dst} s${operator} {imm}`,
        { ...extra, bpftool71: `${letter}{dst} ${operator} {imm}` }),
      row(aluOf(bits) | operation | op.BPF_X, ['dst', 'src'], `${letter}{dst} s${operator} ${letter}{src}`,
        { ...extra, bpftool71: `${letter}{dst} ${operator} ${letter}{src}` })
    ]
  }))
}

/** Moves with a meaning in `off`: the width to extend from, or one of the kernel's own. */
function specialMoves (): InstructionRow[] {
  const move64 = op.BPF_ALU64 | op.BPF_MOV | op.BPF_X
  const extending = BITS.flatMap((bits) => [8, 16, 32].filter((width) => width < bits).map((width) => {
    const letter = letterOf(bits)
    return row(aluOf(bits) | op.BPF_MOV | op.BPF_X, ['dst', 'src'], `${letter}{dst} = (s${width})${letter}{src}`,
      { when: { off: width }, since: 4, group: baseOf(bits), bpftool71: `${letter}{dst} = ${letter}{src}` })
  }))
  return [
    ...extending,
    row(move64, ['dst', 'src'], 'r{dst} = &(void __percpu *)(r{src})',
      { when: { off: op.BPF_ADDR_PERCPU }, since: 4, group: 'kernel', bpftool71: 'r{dst} = r{src}' }),
    row(move64, ['dst', 'src', 'imm'], 'r{dst} = addr_space_cast(r{src}, {high}, {low})',
      { when: { off: op.BPF_ADDR_SPACE_CAST }, since: 4, group: 'kernel', bpftool71: 'r{dst} = r{src}' })
  ]
}

function byteOrder (): InstructionRow[] {
  return [16, 32, 64].flatMap((width) => {
    const when = { imm: width }
    const group = width === 64 ? 'base64' : 'base32'
    const swap = op.BPF_ALU64 | op.BPF_END
    return [
      row(op.BPF_ALU | op.BPF_END | op.BPF_TO_LE, ['dst'], `r{dst} = le${width} r{dst}`, { when, group }),
      row(op.BPF_ALU | op.BPF_END | op.BPF_TO_BE, ['dst'], `r{dst} = be${width} r{dst}`, { when, group }),
      row(swap, ['dst'], `r{dst} = bswap${width} r{dst}`, { when, since: 4, group, bpftool71: `BUG_alu64_${hexByte(swap)}` })
    ]
  })
}

const SIZES: ReadonlyArray<readonly [number, number]> = [[op.BPF_B, 8], [op.BPF_H, 16], [op.BPF_W, 32], [op.BPF_DW, 64]]

function memory (): InstructionRow[] {
  return SIZES.flatMap(([size, bits]) => {
    const group = bits === 64 ? 'base64' : 'base32'
    const extending = op.BPF_LDX | op.BPF_MEMSX | size
    return [
      row(op.BPF_LDX | op.BPF_MEM | size, ['dst', 'src', 'off'], `r{dst} = *(u${bits} *)(r{src} {off})`, { group }),
      row(op.BPF_STX | op.BPF_MEM | size, ['dst', 'src', 'off'], `*(u${bits} *)(r{dst} {off}) = r{src}`, { group }),
      row(op.BPF_ST | op.BPF_MEM | size, ['dst', 'off', 'imm'], `*(u${bits} *)(r{dst} {off}) = {imm}`, { group }),
      ...(bits === 64
        ? []
        : [row(extending, ['dst', 'src', 'off'], `r{dst} = *(s${bits} *)(r{src} {off})`,
            { since: 4, group: 'base64', bpftool71: `BUG_ldx_${hexByte(extending)}` })])
    ]
  })
}

const ATOMIC_ARITHMETIC: ReadonlyArray<readonly [number, string, string]> = [
  [op.BPF_ADD, '+=', 'add'], [op.BPF_OR, '|=', 'or'], [op.BPF_AND, '&=', 'and'], [op.BPF_XOR, '^=', 'xor']
]

function atomics (): InstructionRow[] {
  return BITS.flatMap((bits) => {
    const code = op.BPF_STX | op.BPF_ATOMIC | (bits === 32 ? op.BPF_W : op.BPF_DW)
    const name = bits === 32 ? 'atomic' : 'atomic64'
    const place = `(u${bits} *)(r{dst} {off})`
    const group = `atomic${bits}` as const
    const uses: Field[] = ['dst', 'src', 'off']
    return [
      ...ATOMIC_ARITHMETIC.flatMap(([operation, operator, word]) => [
        row(code, uses, `lock *${place} ${operator} r{src}`, { when: { imm: operation }, since: operation === op.BPF_ADD ? 1 : 3, group }),
        row(code, uses, `r{src} = ${name}_fetch_${word}(${place}, r{src})`, { when: { imm: operation | op.BPF_FETCH }, since: 3, group })
      ]),
      row(code, uses, `r{src} = ${name}_xchg(${place}, r{src})`, { when: { imm: op.BPF_XCHG }, since: 3, group }),
      row(code, uses, `r0 = ${name}_cmpxchg(${place}, r0, r{src})`, { when: { imm: op.BPF_CMPXCHG }, since: 3, group })
    ]
  })
}

function orderedAccess (): InstructionRow[] {
  return SIZES.flatMap(([size, bits]) => {
    const code = op.BPF_STX | op.BPF_ATOMIC | size
    const extra = { since: 4, group: bits === 64 ? 'atomic64' : 'atomic32', bpftool71: `BUG_${hexByte(code)}` } as const
    return [
      row(code, ['dst', 'src', 'off'], `r{dst} = load_acquire((u${bits} *)(r{src} {off}))`, { ...extra, when: { imm: op.BPF_LOAD_ACQ } }),
      row(code, ['dst', 'src', 'off'], `store_release((u${bits} *)(r{dst} {off}), r{src})`, { ...extra, when: { imm: op.BPF_STORE_REL } })
    ]
  })
}

/** ld_imm64: 16 bytes; the upper half lies in `imm` of the second slot, whose other fields are 0. */
function wideImmediates (): InstructionRow[] {
  const wide = (src: number, operand: string): InstructionRow =>
    row(op.LD_IMM64, ['dst', 'imm'], `r{dst} = ${operand}`, { when: { src } })
  return [
    wide(0, '{wide}'),
    wide(op.BPF_PSEUDO_MAP_FD, 'map[id:{low}]'),
    wide(op.BPF_PSEUDO_MAP_VALUE, 'map[id:{low}][0]+{high}'),
    wide(op.BPF_PSEUDO_BTF_ID, '{wide}'),
    wide(op.BPF_PSEUDO_FUNC, 'subprog[{jumpImm}]'),
    wide(op.BPF_PSEUDO_MAP_IDX, '{wide}'),
    wide(op.BPF_PSEUDO_MAP_IDX_VALUE, 'map[idx:{low}]+{high}')
  ]
}

/** Loads from a packet as classic BPF had them; the packet is register 6, the result register 0. */
function packetAccess (): InstructionRow[] {
  return SIZES.filter(([, bits]) => bits !== 64).flatMap(([size, bits]) => [
    row(op.BPF_LD | op.BPF_ABS | size, ['imm'], `r0 = *(u${bits} *)skb[{imm}]`, { group: 'packet' }),
    row(op.BPF_LD | op.BPF_IND | size, ['src', 'imm'], `r0 = *(u${bits} *)skb[r{src} + {imm}]`, { group: 'packet' })
  ])
}

const COMPARISONS: ReadonlyArray<readonly [number, string, 1 | 2]> = [
  [op.BPF_JEQ, '==', 1], [op.BPF_JGT, '>', 1], [op.BPF_JGE, '>=', 1], [op.BPF_JSET, '&', 1], [op.BPF_JNE, '!=', 1],
  [op.BPF_JSGT, 's>', 1], [op.BPF_JSGE, 's>=', 1], [op.BPF_JLT, '<', 2], [op.BPF_JLE, '<=', 2], [op.BPF_JSLT, 's<', 2],
  [op.BPF_JSLE, 's<=', 2]
]

function branches (): InstructionRow[] {
  return BITS.flatMap((bits) => COMPARISONS.flatMap(([operation, operator, since]) => {
    const letter = letterOf(bits)
    const code = (bits === 32 ? op.BPF_JMP32 : op.BPF_JMP) | operation
    const extra = { since: bits === 32 ? 3 : since, group: baseOf(bits) } as const
    return [
      row(code | op.BPF_K, ['dst', 'off', 'imm'], `if ${letter}{dst} ${operator} {hex} goto pc{jump}`, extra),
      row(code | op.BPF_X, ['dst', 'src', 'off'], `if ${letter}{dst} ${operator} ${letter}{src} goto pc{jump}`, extra)
    ]
  }))
}

function control (): InstructionRow[] {
  const mayGoto = op.BPF_JMP | op.BPF_JCOND
  return [
    row(op.JUMP, ['off'], 'goto pc{jump}'),
    row(op.JUMP_LONG, ['imm'], 'gotol pc{jumpImm}', { since: 4, group: 'base32', bpftool71: 'if w{dst} jmp {hex} goto pc{jump}' }),
    row(mayGoto, ['off'], 'may_goto pc{jump}', { since: 4, group: 'kernel', bpftool71: 'if r{dst} (null) {hex} goto pc{jump}' }),
    row(op.CALL, ['imm'], 'call {name}#{imm}', { when: { src: 0 } }),
    row(op.CALL, ['off', 'imm'], 'call pc{name}', { when: { src: op.BPF_PSEUDO_CALL } }),
    row(op.CALL, ['off', 'imm'], 'call {name}#{imm}', { when: { src: op.BPF_PSEUDO_KFUNC_CALL } }),
    row(op.EXIT, [], 'exit'),
    row(op.BPF_ST | op.BPF_NOSPEC, [], 'nospec', { group: 'kernel' })
  ]
}

export const instructionTable: readonly InstructionRow[] = [
  ...arithmetic(), ...negation(), ...signedDivision(), ...specialMoves(), ...byteOrder(), ...memory(), ...atomics(), ...orderedAccess(),
  ...wideImmediates(), ...packetAccess(), ...branches(), ...control()
]

/** Rows by opcode byte, the ones with a condition first. */
const byCode: ReadonlyArray<readonly InstructionRow[]> = Array.from({ length: 256 }, (_, code) =>
  instructionTable.filter((row) => row.code === code).sort((a, b) => Object.keys(b.when).length - Object.keys(a.when).length))

/**
 * @returns the row an instruction belongs to, whatever its reserved fields hold; undefined when the opcode, or the meaning that `off`,
 *   `imm` or `src` select, does not exist. Of a wide immediate only the first slot has a row.
 */
export function rowOf (insn: Insn): InstructionRow | undefined {
  return byCode[insn.code & 0xff]?.find(({ when }) =>
    (when.off === undefined || when.off === insn.off) && (when.imm === undefined || when.imm === insn.imm) &&
    (when.src === undefined || when.src === insn.src))
}

/** @returns whether any instruction has this opcode byte */
export function isOpcode (code: number): boolean {
  return (byCode[code & 0xff] ?? []).length > 0
}

/** @returns the fields that should be 0 and are not */
export function reservedFieldsUsed (insn: Insn, row: InstructionRow): Field[] {
  return (['dst', 'src', 'off', 'imm'] as const)
    .filter((field) => insn[field] !== 0 && row.when[field] === undefined && !row.uses.includes(field))
}
