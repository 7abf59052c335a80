// Text to instructions, in the syntax the disassembler prints, so that a listing can be pasted back. On top of that:
//
//   loop:                              a label
//   if r1 < 0x5 goto loop              labels wherever a distance may stand: goto, gotol, call, subprog[...]
//   call 1                             a helper by number; `call bpf_map_lookup_elem#1` says the same
//   call pc+2                          a bpf-to-bpf call
//   (18) r1 = 0x123456789              a wide immediate; also `r1 = 0x123456789 ll`
//
// Slot numbers before an instruction, opcodes in brackets (which then must fit), C lines after `;` and function headers of a dump are
// accepted and, but for the opcodes, ignored.

import { failure, success } from '../profile/errno.ts'
import type { Result } from '../profile/errno.ts'
import type { Insn } from './insn.ts'
import { BPF_PSEUDO_CALL, BPF_PSEUDO_KFUNC_CALL, LD_IMM64 } from './op.ts'
import { instructionTable } from './table.ts'
import type { InstructionRow } from './table.ts'

interface Parsed {
  insn: Insn
  /** second slot of a wide immediate */
  readonly high?: number
  /** target to resolve, and the field its distance goes to */
  readonly label?: string
  readonly field?: 'off' | 'imm'
  readonly line: number
}

/** @returns the program, or EINVAL with the line that could not be read */
export function assemble (text: string): Result<Insn[]> {
  const slots: Array<Parsed | null> = []
  const labels = new Map<string, number>()
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.replace(/;.*$/, '').replace(/^\s*\d+:/, '').replace(/\s+/g, ' ').trim()
    if (line === '' || /^[\w *]+\(.*\):$/.test(line)) continue
    const label = /^([A-Za-z_][\w.]*):$/.exec(line)?.[1]
    if (label !== undefined) {
      if (labels.has(label)) return failure('EINVAL', `line ${index + 1}: label ${label} stands twice`)
      labels.set(label, slots.length)
      continue
    }
    const parsed = parseLine(line, index + 1)
    if (!parsed.ok) return parsed
    slots.push(parsed.value)
    if (parsed.value.high !== undefined) slots.push(null)
  }
  return resolve(slots, labels)
}

function resolve (slots: ReadonlyArray<Parsed | null>, labels: ReadonlyMap<string, number>): Result<Insn[]> {
  const insns: Insn[] = []
  for (const [slot, parsed] of slots.entries()) {
    if (parsed === null) {
      insns.push({ code: 0, dst: 0, src: 0, off: 0, imm: slots[slot - 1]?.high ?? 0 })
      continue
    }
    const { insn, label, field, line } = parsed
    const target = label === undefined ? undefined : labels.get(label)
    if (label !== undefined && target === undefined) return failure('EINVAL', `line ${line}: no label ${label}`)
    const placed = target === undefined || field === undefined ? insn : { ...insn, [field]: target - slot - 1 }
    if (placed.off !== placed.off << 16 >> 16) return failure('EINVAL', `line ${line}: offset ${placed.off} does not fit 16 bits`)
    insns.push(placed)
  }
  return success(insns)
}

function parseLine (line: string, number: number): Result<Parsed> {
  const [, opcode, body = line] = /^\(([0-9a-f]{2})\) ?(.*)$/.exec(line) ?? []
  for (const { row, pattern } of patterns) {
    if (opcode !== undefined && row.code !== parseInt(opcode, 16)) continue
    const match = pattern.exec(body)
    if (match === null) continue
    const groups = match.groups ?? {}
    if (row.code === LD_IMM64 && groups['wide'] !== undefined && opcode === undefined && groups['ll'] === undefined) continue
    return fieldsOf(row, groups, number)
  }
  return failure('EINVAL', `line ${number}: no such instruction: ${line}`)
}

function fieldsOf (row: InstructionRow, groups: Record<string, string | undefined>, line: number): Result<Parsed> {
  const number = (name: string): number => parseNumber(groups[name] ?? '0')
  const dst = row.when.dst ?? number('dst')
  const src = row.when.src ?? number('src')
  const off = row.when.off ?? (number('off') || number('jump'))
  let imm = row.when.imm ?? (number('imm') || number('jumpImm'))
  if (dst > 15 || src > 15) return failure('EINVAL', `line ${line}: no register ${Math.max(dst, src)}`)
  let high: number | undefined
  if (row.code === LD_IMM64) {
    const wide = BigInt.asUintN(64, parseWide(groups['wide'] ?? '0'))
    high = number('high') | 0 || Number(BigInt.asIntN(32, wide >> 32n))
    imm = number('low') | 0 || Number(BigInt.asIntN(32, wide)) || imm
  } else if (groups['low'] !== undefined) {
    imm = number('high') << 16 | number('low')
  }
  if (imm < -0x80000000 || imm > 0xffffffff) return failure('EINVAL', `line ${line}: ${imm} does not fit 32 bits`)
  const insn = { code: row.code, dst, src, off, imm: imm | 0 }
  const label = groups['label']
  return success({ insn, line, ...(high === undefined ? {} : { high }), ...(label === undefined ? {} : { label, field: labelField(row) }) })
}

/** Long jumps, calls and function references hold their distance in `imm`, other jumps in `off`. */
function labelField (row: InstructionRow): 'off' | 'imm' {
  return row.text.includes('{jump}') ? 'off' : 'imm'
}

const parseNumber = (text: string): number => text.startsWith('-') ? -Number(text.slice(1)) : Number(text.replace('+', ''))
const parseWide = (text: string): bigint => text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text)

const NUMBER = '-? ?(?:0x[0-9a-f]{1,8}|\\d{1,10})'
const TARGET = '(?:pc)?(?<$>[+-]\\d{1,10})|(?<label>[A-Za-z_][\\w.]*)'
const TOKENS: Readonly<Record<string, string>> = {
  dst: '(?<dst>\\d{1,2})',
  src: '(?<src>\\d{1,2})',
  imm: `(?<imm>${NUMBER})`,
  hex: `(?<imm>${NUMBER})`,
  off: '(?<off>[+-] ?(?:0x[0-9a-f]{1,4}|\\d{1,5}))?',
  jump: `(?:${TARGET.replace('$', 'jump')})`,
  jumpImm: `(?:${TARGET.replace('$', 'jumpImm')})`,
  wide: '(?<wide>-?(?:0x[0-9a-f]{1,16}|\\d{1,20}))(?<ll> ll)?',
  low: '(?<low>\\d{1,10})',
  high: '(?<high>\\d{1,10})'
}

/** Calls are written in more ways than they are printed. */
const CALLS: Readonly<Record<number, string>> = {
  0: `call (?:(?!kernel-function)[\\w.]+#)?(?<imm>${NUMBER})`,
  [BPF_PSEUDO_CALL]: `call (?:${TARGET.replace('$', 'imm')})(?:#\\S+)?`,
  [BPF_PSEUDO_KFUNC_CALL]: `call kernel-function#(?<imm>${NUMBER})`
}

const patterns = instructionTable.map((row) => ({ row, pattern: new RegExp(`^${patternOf(row)}$`) }))

function patternOf (row: InstructionRow): string {
  if (row.text.includes('{name}')) return CALLS[row.when.src ?? 0] ?? ''
  const seen = new Set<string>()
  return row.text.split(/((?:pc)?\{\w+\})/).map((part, index) => {
    if (index % 2 === 0) return part.replace(/[\\^$.*+?()[\]{}|&/]/g, '\\$&').replaceAll(' ', ' ?')
    const token = /\{(\w+)\}/.exec(part)?.[1] ?? ''
    if (seen.has(token)) return `\\k<${token}>`
    seen.add(token)
    return TOKENS[token] ?? ''
  }).join('')
}
