// Which registers and stack slots still matter at an instruction, so that states are compared only in those:
//
//   live     some path from here reads it before writing it
//   precise  it may decide something: a jump that was taken for granted, an offset added to a pointer, the size of an
//            access, a constant key. Numbers that are not precise may differ between an explored state and a new one.
//
// Live registers follow from the instructions alone. The rest is found while walking: whoever relies on a number says so
// (`rely...`), and the need flows backwards through the instructions from there. A state is used for pruning only when
// every path from it has been walked, hence when every need on those paths has been said. The kernel does the same path
// by path (mark_chain_precision); this joins all paths through an instruction, which may keep a few states more apart and
// never fewer.
//
// Slots are those of the function's own frame: bit n is slot n (`fp-8` is slot 0). What a callee does to its caller's
// slots is said at the call.

import type { Insn } from '../isa/insn.ts'
import {
  BPF_ALU, BPF_ALU64, BPF_ATOMIC, BPF_CALL, BPF_CMPXCHG, BPF_DW, BPF_END, BPF_EXIT, BPF_FETCH, BPF_JA, BPF_LD, BPF_LDX, BPF_LOAD_ACQ,
  BPF_MEM, BPF_MOV, BPF_NEG, BPF_REG_FP, BPF_ST, BPF_STX, BPF_X, CALL, LD_IMM64, classOf, isConditionalJump, isJumpClass, modeOf,
  operationOf, sizeOf, sourceOf
} from '../isa/op.ts'
import { isSubprogramCall, successors } from './flow.ts'
import { helperPrototype } from './helpers.ts'

// Words per instruction
const LIVE_REGISTERS = 0
const PRECISE_REGISTERS = 1
const LIVE_SLOTS = 2
const PRECISE_SLOTS = 4
const WIDTH = 6

const CALLER_SAVED = 0x3f
const ARGUMENTS = 0x3e
const bit = (register: number): number => 1 << register

/** Registers as bits. */
export interface RegisterUse {
  readonly uses: number
  readonly defines: number
}

export function registerUse (insn: Insn): RegisterUse {
  const { code, dst, src } = insn
  const [d, s] = [bit(dst), bit(src)]
  switch (classOf(code)) {
    case BPF_ALU: case BPF_ALU64: {
      const reads = sourceOf(code) === BPF_X && operationOf(code) !== BPF_END && operationOf(code) !== BPF_NEG ? s : 0
      return { uses: operationOf(code) === BPF_MOV ? reads : reads | d, defines: d }
    }
    case BPF_LDX: return { uses: s, defines: d }
    case BPF_ST: return { uses: d, defines: 0 }
    case BPF_STX: return modeOf(code) === BPF_ATOMIC ? atomicUse(insn, d, s) : { uses: d | s, defines: 0 }
    case BPF_LD: return code === LD_IMM64 ? { uses: 0, defines: d } : { uses: bit(6) | s, defines: CALLER_SAVED }
    default: return jumpUse(insn, d, s)
  }
}

function atomicUse (insn: Insn, d: number, s: number): RegisterUse {
  if (insn.imm === BPF_LOAD_ACQ) return { uses: s, defines: d }
  if (insn.imm === BPF_CMPXCHG) return { uses: d | s | bit(0), defines: bit(0) }
  return { uses: d | s, defines: (insn.imm & BPF_FETCH) !== 0 ? s : 0 }
}

function jumpUse (insn: Insn, d: number, s: number): RegisterUse {
  switch (operationOf(insn.code)) {
    case BPF_EXIT: return { uses: bit(0), defines: 0 }
    case BPF_JA: return { uses: 0, defines: 0 }
    case BPF_CALL: {
      const prototype = insn.src === 0 ? helperPrototype(insn.imm) : undefined
      const uses = prototype === undefined ? ARGUMENTS : (2 << prototype.arguments.length) - 2
      return { uses, defines: CALLER_SAVED }
    }
    default: return { uses: sourceOf(insn.code) === BPF_X ? d | s : d, defines: 0 }
  }
}

export class Needs {
  private readonly insns: readonly Insn[]
  /** registers as bits, per instruction */
  private readonly uses: Int32Array
  private readonly defines: Int32Array
  /** what matters before each instruction */
  private readonly before: Int32Array
  /** what an instruction itself needs, as said so far */
  private readonly said: Int32Array
  /** slots of its own frame that a load or store touched */
  private readonly touched: Int32Array
  /** registers, and slots, that a jump refined together */
  private readonly linked: Int32Array
  private readonly next: number[][]
  private readonly previous: number[][] = []
  /** of an exit: the instructions its callers go on with */
  private readonly returns: Array<number[] | undefined> = []
  private readonly queue: number[] = []
  private readonly isQueued: Uint8Array
  private readonly after = new Int32Array(WIDTH)

  constructor (insns: readonly Insn[], subprograms: readonly number[]) {
    this.insns = insns
    this.uses = new Int32Array(insns.length)
    this.defines = new Int32Array(insns.length)
    for (const [index, insn] of insns.entries()) {
      const { uses, defines } = registerUse(insn)
      this.uses[index] = uses
      this.defines[index] = defines
    }
    this.isQueued = new Uint8Array(insns.length)
    this.before = new Int32Array(insns.length * WIDTH)
    this.said = new Int32Array(insns.length * WIDTH)
    this.touched = new Int32Array(insns.length * 2)
    this.linked = new Int32Array(insns.length * 3)
    this.next = insns.map((insn, index) => isUpperHalf(insns, index) ? [] : successors(insns, index))
    this.connect(subprograms)
    for (let index = 0; index < insns.length; index++) this.enqueue(index)
    this.propagate()
  }

  liveRegisters (index: number): number { return this.before[index * WIDTH + LIVE_REGISTERS] as number }
  isPreciseRegister (index: number, register: number): boolean {
    return ((this.before[index * WIDTH + PRECISE_REGISTERS] as number) & bit(register)) !== 0
  }

  isLiveSlot (index: number, slot: number): boolean { return this.hasSlot(this.before, index * WIDTH + LIVE_SLOTS, slot) }
  isPreciseSlot (index: number, slot: number): boolean { return this.hasSlot(this.before, index * WIDTH + PRECISE_SLOTS, slot) }

  relyOnRegister (index: number, register: number): void {
    this.say(index, this.said, index * WIDTH + PRECISE_REGISTERS, bit(register))
  }

  /** The bytes of slots first..last are read. */
  readSlots (index: number, first: number, last: number, isPrecise: boolean): void {
    for (let slot = first; slot <= last; slot++) {
      this.say(index, this.said, index * WIDTH + LIVE_SLOTS + (slot >> 5), 1 << (slot & 31))
      if (isPrecise) this.say(index, this.said, index * WIDTH + PRECISE_SLOTS + (slot >> 5), 1 << (slot & 31))
    }
  }

  /** A load or store moves a register from or to the slots first..last. */
  touchSlots (index: number, first: number, last: number): void {
    for (let slot = first; slot <= last; slot++) this.say(index, this.touched, index * 2 + (slot >> 5), 1 << (slot & 31))
  }

  /** A jump refined these registers and slots of the frame together: one is as good as the others. */
  link (index: number, registers: number, lowSlots: number, highSlots: number): void {
    this.say(index, this.linked, index * 3, registers)
    this.say(index, this.linked, index * 3 + 1, lowSlots)
    this.say(index, this.linked, index * 3 + 2, highSlots)
  }

  /** Carries what was said since backwards; to be called before states are compared. */
  propagate (): void {
    for (let index = this.queue.pop(); index !== undefined; index = this.queue.pop()) {
      this.isQueued[index] = 0
      this.gather(index)
      if (!this.transfer(index)) continue
      for (const before of this.previous[index] as number[]) this.enqueue(before)
    }
  }

  private enqueue (index: number): void {
    if (this.isQueued[index] === 1) return
    this.isQueued[index] = 1
    this.queue.push(index)
  }

  private hasSlot (words: Int32Array, at: number, slot: number): boolean {
    return ((words[at + (slot >> 5)] as number) & (1 << (slot & 31))) !== 0
  }

  private say (index: number, words: Int32Array, at: number, bits: number): void {
    const old = words[at] as number
    if ((old | bits) === old) return
    words[at] = old | bits
    this.enqueue(index)
  }

  private connect (subprograms: readonly number[]): void {
    for (let index = 0; index < this.insns.length; index++) this.previous.push([])
    const exits = new Map<number, number[]>()
    const functionOf = (index: number): number => subprograms.findLast((start) => start <= index) as number
    for (const [index, insn] of this.insns.entries()) {
      for (const target of this.next[index] as number[]) this.previous[target]?.push(index)
      if (classOf(insn.code) === classOf(CALL) && operationOf(insn.code) === BPF_EXIT) {
        exits.set(functionOf(index), [...exits.get(functionOf(index)) ?? [], index])
      }
    }
    for (const [index, insn] of this.insns.entries()) {
      if (!isSubprogramCall(insn)) continue
      const entry = index + insn.imm + 1
      this.previous[entry]?.push(index)
      for (const exit of exits.get(entry) ?? []) {
        (this.returns[exit] ??= []).push(index + 1)
        this.previous[index + 1]?.push(exit)
      }
    }
  }

  /** `after` = what matters behind the instruction. */
  private gather (index: number): void {
    this.after.fill(0)
    for (const target of this.next[index] as number[]) {
      for (let word = 0; word < WIDTH; word++) {
        this.after[word] = (this.after[word] as number) | (this.before[target * WIDTH + word] as number)
      }
    }
    const returns = this.returns[index]
    if (returns === undefined) return
    for (const target of returns) {
      const precise = (this.before[target * WIDTH + PRECISE_REGISTERS] as number) & bit(0)
      this.after[PRECISE_REGISTERS] = (this.after[PRECISE_REGISTERS] as number) | precise
    }
  }

  /** @returns whether more matters before the instruction than was known */
  private transfer (index: number): boolean {
    const insn = this.insns[index] as Insn
    const [uses, defines] = [this.uses[index] as number, this.defines[index] as number]
    const after = this.after
    after[LIVE_REGISTERS] = ((after[LIVE_REGISTERS] as number) & ~defines) | uses
    if (classOf(insn.code) === BPF_ALU || classOf(insn.code) === BPF_ALU64) this.throughArithmetic(insn, defines)
    else if (isConditionalJump(insn.code)) this.throughJump(insn, index)
    else if (isJumpClass(insn.code)) this.throughCall(insn, index, defines)
    else this.throughMemory(insn, index, defines)
    let grew = false
    for (let word = 0; word < WIDTH; word++) {
      const at = index * WIDTH + word
      const now = (after[word] as number) | (this.said[at] as number)
      if ((now & ~(this.before[at] as number)) !== 0) grew = true
      this.before[at] = now | (this.before[at] as number)
    }
    return grew
  }

  private throughArithmetic (insn: Insn, defines: number): void {
    const precise = this.after[PRECISE_REGISTERS] as number
    if ((precise & defines) === 0) return
    const source = sourceOf(insn.code) === BPF_X && operationOf(insn.code) !== BPF_END ? bit(insn.src) : 0
    const kept = operationOf(insn.code) === BPF_MOV ? precise & ~defines : precise
    this.after[PRECISE_REGISTERS] = kept | source
  }

  private throughJump (insn: Insn, index: number): void {
    const after = this.after
    if (sourceOf(insn.code) === BPF_X) {
      const both = bit(insn.dst) | bit(insn.src)
      if (((after[PRECISE_REGISTERS] as number) & both) !== 0) after[PRECISE_REGISTERS] = (after[PRECISE_REGISTERS] as number) | both
    }
    const at = index * 3
    const [registers, low, high] = [this.linked[at] as number, this.linked[at + 1] as number, this.linked[at + 2] as number]
    const hit = ((after[PRECISE_REGISTERS] as number) & registers) | ((after[PRECISE_SLOTS] as number) & low) |
      ((after[PRECISE_SLOTS + 1] as number) & high)
    if (hit === 0) return
    after[PRECISE_REGISTERS] = (after[PRECISE_REGISTERS] as number) | registers
    after[PRECISE_SLOTS] = (after[PRECISE_SLOTS] as number) | low
    after[PRECISE_SLOTS + 1] = (after[PRECISE_SLOTS + 1] as number) | high
  }

  private throughCall (insn: Insn, index: number, defines: number): void {
    this.after[PRECISE_REGISTERS] = (this.after[PRECISE_REGISTERS] as number) & ~defines
    if (!isSubprogramCall(insn)) return
    const entry = (index + insn.imm + 1) * WIDTH
    const passed = (this.before[entry + PRECISE_REGISTERS] as number) & ARGUMENTS
    this.after[PRECISE_REGISTERS] = (this.after[PRECISE_REGISTERS] as number) | passed
  }

  private throughMemory (insn: Insn, index: number, defines: number): void {
    const after = this.after
    const precise = after[PRECISE_REGISTERS] as number
    const low = this.touched[index * 2] as number
    const high = this.touched[index * 2 + 1] as number
    const isStore = classOf(insn.code) === BPF_ST || classOf(insn.code) === BPF_STX
    const stored = ((after[PRECISE_SLOTS] as number) & low) | ((after[PRECISE_SLOTS + 1] as number) & high)
    if (isStore && stored !== 0) after[PRECISE_REGISTERS] = precise | bit(insn.src) | (modeOf(insn.code) === BPF_ATOMIC ? bit(0) : 0)
    if ((precise & defines) !== 0) {
      after[PRECISE_SLOTS] = (after[PRECISE_SLOTS] as number) | low
      after[PRECISE_SLOTS + 1] = (after[PRECISE_SLOTS + 1] as number) | high
    }
    if (!isStore) after[PRECISE_REGISTERS] = precise & ~defines
    if (!overwritesSlot(insn)) return
    const slot = -insn.off / 8 - 1
    after[LIVE_SLOTS + (slot >> 5)] = (after[LIVE_SLOTS + (slot >> 5)] as number) & ~(1 << (slot & 31))
    after[PRECISE_SLOTS + (slot >> 5)] = (after[PRECISE_SLOTS + (slot >> 5)] as number) & ~(1 << (slot & 31))
  }
}

/** Whatever path leads here, all 8 bytes of one slot are written. */
function overwritesSlot (insn: Insn): boolean {
  return (classOf(insn.code) === BPF_ST || classOf(insn.code) === BPF_STX) && modeOf(insn.code) === BPF_MEM && insn.dst === BPF_REG_FP &&
    sizeOf(insn.code) === BPF_DW && insn.off % 8 === 0 && insn.off < 0 && insn.off >= -512
}

function isUpperHalf (insns: readonly Insn[], index: number): boolean {
  return insns[index - 1]?.code === LD_IMM64 && insns[index]?.code === 0
}
