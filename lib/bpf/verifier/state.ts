// The state of one path: frames of registers and stack. A state is copied at every branch, so everything in it that can
// be shared is immutable: registers, stack slots; only the arrays that hold them are copied.
//
// A slot is 8 bytes of stack, `fp-8` is slot 0, `fp-16` slot 1. Each byte has a kind; byte 7 of a slot is the one at the
// lowest address (the kernel's numbering, and that of its log):
//
//   address   fp-8  fp-7  fp-6  fp-5  fp-4  fp-3  fp-2  fp-1
//   byte        7     6     5     4     3     2     1     0

import type { Register } from './register.ts'
import { UNSET } from './register.ts'

export const REGISTERS = 11
export const SLOT_BYTES = 8

/** What a byte of stack holds: nothing yet, part of a spilled register, some number, 0. */
export const INVALID = 0
export const SPILL = 1
export const MISC = 2
export const ZERO = 3
export type ByteKind = typeof INVALID | typeof SPILL | typeof MISC | typeof ZERO

export class Slot {
  /** two bits per byte */
  readonly kinds: number
  readonly spilled: Register

  constructor (kinds: number, spilled: Register) {
    this.kinds = kinds
    this.spilled = spilled
  }
}

export const EMPTY_SLOT = new Slot(0, UNSET)

export const kindOf = (slot: Slot, byte: number): ByteKind => ((slot.kinds >>> (byte * 2)) & 3) as ByteKind
export const withKind = (kinds: number, byte: number, kind: ByteKind): number => (kinds & ~(3 << (byte * 2))) | (kind << (byte * 2))
/** A spill always covers the lowest address of its slot. */
export const isSpill = (slot: Slot): boolean => kindOf(slot, 7) === SPILL

/** @returns bytes of the spilled register, counted from the lowest address */
export function spillSize (slot: Slot): number {
  let size = 0
  while (size < SLOT_BYTES && kindOf(slot, 7 - size) === SPILL) size++
  return size
}

export interface Frame {
  readonly registers: Register[]
  /** slots that were touched; `fp-8` first */
  readonly stack: Slot[]
  /** the call that made this frame; -1: none */
  readonly callSite: number
  /** first instruction of the function */
  readonly entry: number
}

export class State {
  frames: Frame[]
  /** the explored state this path passed last, for loop detection */
  parent: ExploredState | null

  constructor (frames: Frame[], parent: ExploredState | null) {
    this.frames = frames
    this.parent = parent
  }

  get depth (): number { return this.frames.length - 1 }
  get frame (): Frame { return this.frames[this.frames.length - 1] as Frame }
}

/** A state seen at a prune point. While `openPaths` is above 0, paths from it are still being walked. */
export interface ExploredState {
  readonly frames: readonly Frame[]
  readonly parent: ExploredState | null
  openPaths: number
  hits: number
  misses: number
}

export function newFrame (callSite: number, entry: number): Frame {
  return { registers: new Array<Register>(REGISTERS).fill(UNSET), stack: [], callSite, entry }
}

export function copyFrames (frames: readonly Frame[]): Frame[] {
  return frames.map(({ registers, stack, callSite, entry }) => ({ registers: registers.slice(), stack: stack.slice(), callSite, entry }))
}

export function copyState (state: State): State {
  return new State(copyFrames(state.frames), state.parent)
}

/** Applies `f` to every register, also the spilled ones. `f` returns its argument where nothing changes. */
export function mapRegisters (state: State, f: (register: Register) => Register): void {
  for (const { registers, stack } of state.frames) {
    for (let r = 0; r < REGISTERS; r++) registers[r] = f(registers[r] as Register)
    for (let i = 0; i < stack.length; i++) {
      const slot = stack[i] as Slot
      if (!isSpill(slot)) continue
      const spilled = f(slot.spilled)
      if (spilled !== slot.spilled) stack[i] = new Slot(slot.kinds, spilled)
    }
  }
}

/** Grows a frame's stack so that `bytes` below its top exist. */
export function growStack (frame: Frame, bytes: number): void {
  while (frame.stack.length * SLOT_BYTES < bytes) frame.stack.push(EMPTY_SLOT)
}
