// The verifier's log. Level 0 holds why a program was refused, level 1 also the path that led there, level 2 every path,
// with the state after each instruction that changed it. Its length is bounded: the middle of a long log is left out.

import type { Insn } from '../isa/insn.ts'
import { disassembleInsn } from '../isa/disassemble.ts'
import { frameText } from './print.ts'
import type { Printed } from './print.ts'
import type { State } from './state.ts'

export type LogLevel = 0 | 1 | 2

const LINES_MAX = 200_000
const STATE_COLUMN = 40

export class Log {
  readonly level: LogLevel
  readonly lines: string[] = []
  /** registers and slots as they were when last printed */
  private printed: Printed | undefined
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

  instruction (insns: readonly Insn[], index: number, state: State): void {
    if (this.level === 0) return
    this.remember(state)
    this.write(`${index}: ${disassembleInsn(insns[index] as Insn, insns[index + 1], index, { dialect: 'kernel-6.18' })}`)
  }

  /** What the instruction just written changed, on its line. */
  change (state: State): void {
    if (this.level === 0) return
    const text = frameText(state.frame, state.depth, this.printed)
    const line = this.lines.pop() ?? ''
    this.write(text === '' ? line : `${line.padEnd(STATE_COLUMN)};${text}`)
    this.remember(state)
  }

  whole (heading: string, state: State): void {
    if (this.level === 0) return
    this.write(`${heading}${frameText(state.frame, state.depth)}`)
    this.remember(state)
  }

  text (): string {
    const tail = this.dropped === 0 ? [] : [`(${this.dropped} lines left out)`]
    return [...this.lines, ...tail].join('\n') + '\n'
  }

  private remember (state: State): void {
    this.printed = { registers: state.frame.registers.slice(), stack: state.frame.stack.slice() }
  }
}
