// The verifier's log. Level 0 holds why a program was refused, level 1 also the path that led there, level 2 every path,
// with the registers and slots that each instruction touched as they are after it. Its length is bounded: what comes
// after too many lines is counted only.

import type { Insn } from '../isa/insn.ts'
import { disassembleInsn } from '../isa/disassemble.ts'
import type { MapOperand } from '../isa/disassemble.ts'
import { helperPrototype } from './helpers.ts'
import { frameText } from './print.ts'
import type { State } from './state.ts'

export type LogLevel = 0 | 1 | 2

const LINES_MAX = 200_000
const STATE_COLUMN = 40

export class Log {
  readonly level: LogLevel
  readonly lines: string[] = []
  private readonly slots = new Set<number>()
  private pending: { readonly state: State, readonly registers: number } | null = null
  private dropped = 0

  constructor (level: LogLevel) {
    this.level = level
  }

  write (line: string): void {
    if (this.lines.length < LINES_MAX) this.lines.push(line)
    else this.dropped++
  }

  /** @returns where a path branches off, to come back to with `rewind` */
  mark (): number { return this.lines.length }

  /** At level 1 a path that proved safe is forgotten. */
  rewind (mark: number): void {
    if (this.level === 1) this.lines.length = Math.min(this.lines.length, mark)
  }

  instruction (insns: readonly Insn[], index: number, mapOperand: () => MapOperand | undefined): void {
    if (this.level === 0) return
    this.flush()
    this.slots.clear()
    const callName = (insn: Insn): string | undefined => insn.src === 0 ? helperPrototype(insn.imm)?.name : undefined
    const text = disassembleInsn(insns[index] as Insn, insns[index + 1], index, { dialect: 'kernel-6.18', callName, mapOperand })
    this.write(`${index}: ${text}`)
  }

  /** The instruction just written touches these slots. */
  touchSlots (first: number, last: number): void {
    if (this.level > 0) for (let slot = first; slot <= last; slot++) this.slots.add(slot)
  }

  /**
   * What the instruction just written left, on its line. As in the kernel that shows once the next one is walked.
   * @param registers touched by the instruction, as bits
   */
  state (state: State, registers: number): void {
    if (this.level > 0) this.pending = { state, registers }
  }

  private flush (): void {
    if (this.pending === null) return
    const { state, registers } = this.pending
    this.pending = null
    const text = frameText(state.frame, state.depth, { registers, slots: this.slots })
    const line = this.lines.pop() ?? ''
    this.write(text === '' ? line : `${line.padEnd(STATE_COLUMN)};${text}`)
  }

  /** The path ends before an instruction. */
  pathEnds (line: string): void {
    this.pending = null
    this.write(line)
  }

  whole (heading: string, state: State): void {
    if (this.level === 0) return
    this.pending = null
    this.write(`${heading}${frameText(state.frame, state.depth)}`)
  }

  text (): string {
    const tail = this.dropped === 0 ? [] : [`(${this.dropped} lines left out)`]
    return [...this.lines, ...tail].join('\n') + '\n'
  }
}
