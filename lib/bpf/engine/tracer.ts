// The tracer: runs a translated program step by step in plain TypeScript, on BigInt registers. It is the oracle of the
// other engines (same result, same bytes, same costs, same faults) and what explains a packet to people. It works on the
// memory of an Execution, as the interpreter does, so that even addresses agree.

import { faultOf } from '../core/fault.ts'
import type { Fault } from '../core/fault.ts'
import { applyOptions, checkPacket } from '../core/execution.ts'
import { readPacket, writePacket } from '../core/execution-memory.ts'
import { FAULT_ACCESS, FAULT_BUDGET, FAULT_CALL, FAULT_TRAP } from '../core/assembly/exec-layout.ts'
import { loadImage, perCpuStride } from '../core/index.ts'
import type { Core, Cost, Execution, MapAddresses, RunOptions, RunResult } from '../core/index.ts'
import {
  accessBytes, BPF_ADDR_PERCPU, BPF_ALU, BPF_ALU64, BPF_JA, BPF_MOV, BPF_NOSPEC, BPF_PSEUDO_CALL, BPF_ST, BPF_X, CALL, classOf, EXIT,
  isJumpClass, JUMP_LONG, LD_IMM64, modeOf, operationOf, sourceOf
} from '../isa/op.ts'
import { success } from '../profile/errno.ts'
import type { Result } from '../profile/errno.ts'
import type { TranslatedInsn, TranslatedProgram } from '../rewrite/translated.ts'
import { access, AccessFault, kindOf } from './accesses.ts'
import type { TracedAccess } from './accesses.ts'
import { arithmetic, compare } from './arithmetic.ts'
import { CostCounter } from './cost-counter.ts'
import { functionReads } from './function-accesses.ts'
import { callFunction } from './functions.ts'

export interface TraceInput extends RunOptions {
  /** whose context, stack, packet frame, clock and random state the program gets */
  readonly execution: Execution
  readonly packet: Uint8Array
  /** steps to keep; 0 unless said */
  readonly stepLimit?: number
  /** told of every access as it happens, those inside map functions too */
  readonly onAccess?: (access: AccessEvent) => void
}

export interface AccessEvent {
  readonly address: number
  readonly size: number
  /** `function`: a map function's own */
  readonly region: TracedAccess['region'] | 'function'
  /** a store, or an atomic that stores */
  readonly isStore: boolean
}

export interface TraceStep {
  /** slot in the translated program */
  readonly insn: number
  /** r0..r10 after the instruction, 0x-hex */
  readonly registers: readonly string[]
  readonly access?: {
    readonly kind: 'load' | 'store' | 'atomic'
    readonly region: TracedAccess['region']
    /** 0x-hex */
    readonly address: string
    /** from the start of the packet or the context, from r10 on the stack; absent for maps and kernel structs */
    readonly offset?: number
    readonly size: number
    /** 0x-hex: what was read or, of stores and atomics, what stands there afterwards */
    readonly value: string
  }
}

export interface TraceResult extends RunResult {
  readonly steps: readonly TraceStep[]
  /** more instructions ran than `stepLimit` */
  readonly truncated: boolean
}

/** @returns the run, or EINVAL for a program that no engine can run */
export function trace (core: Core, translated: TranslatedProgram, maps: readonly MapAddresses[], input: TraceInput): Result<TraceResult> {
  const loaded = loadImage(core, translated, maps)
  if (!loaded.ok) return loaded
  checkPacket(input.packet)
  const { execution } = input
  const budget = applyOptions(core, execution.memory, input)
  writePacket(core, execution.memory, input.packet)
  const tracer = new Tracer(execution, translated.insns, maps, budget, input)
  core.exports.readerEnter(execution.worker)
  try {
    const { retval, fault, cost } = tracer.run()
    const packet = readPacket(core, execution.memory)
    return success({ retval, packet, cost, fault, steps: tracer.steps, truncated: tracer.truncated })
  } finally {
    core.exports.readerExit(execution.worker)
  }
}

interface Frame {
  readonly back: number
  /** r6..r9 of the caller */
  readonly saved: readonly bigint[]
}

const FRAMES = 8
const FRAME_BYTES = 512n

class Tracer {
  readonly steps: TraceStep[] = []
  truncated = false
  readonly #execution: Execution
  readonly #insns: readonly TranslatedInsn[]
  readonly #maps: readonly MapAddresses[]
  readonly #budget: number
  readonly #stepLimit: number
  readonly #onAccess: TraceInput['onAccess']
  readonly #counter = new CostCounter()
  readonly #frames: Frame[] = []
  readonly #registers: bigint[] = new Array<bigint>(12).fill(0n)
  #pc = 0

  constructor (
    execution: Execution, insns: readonly TranslatedInsn[], maps: readonly MapAddresses[], budget: number,
    { stepLimit = 0, onAccess }: Pick<TraceInput, 'stepLimit' | 'onAccess'>
  ) {
    this.#execution = execution
    this.#insns = insns
    this.#maps = maps
    this.#budget = budget
    this.#stepLimit = stepLimit
    this.#onAccess = onAccess
    this.#registers[1] = BigInt(execution.memory.ctx)
    this.#registers[10] = BigInt(execution.memory.stackTop)
    this.#clearFrame()
  }

  run (): { readonly retval: number, readonly fault: Fault | null, readonly cost: Cost } {
    for (;;) {
      const at = this.#pc
      const insn = this.#insns[at] as TranslatedInsn
      this.#counter.count(insn)
      try {
        const next = this.#step(insn)
        if (next === 'done') return this.#finish(null)
        if (next !== null) return this.#finish(faultOf(next, at, this.#budget))
      } catch (error) {
        if (!(error instanceof AccessFault)) throw error
        return this.#finish(this.#accessFault(error, insn, at))
      }
    }
  }

  /** Executes one instruction and moves on. @returns a fault number, or 'done' after the last exit */
  #step (insn: TranslatedInsn): number | 'done' | null {
    if (isJumpClass(insn.code)) return this.#jump(insn)
    const at = this.#pc
    let traced: TracedAccess | undefined
    if (insn.code === LD_IMM64) this.#registers[insn.dst] = this.#wide(insn, at)
    else if (classOf(insn.code) === BPF_ALU || classOf(insn.code) === BPF_ALU64) this.#registers[insn.dst] = this.#arithmetic(insn)
    else if (classOf(insn.code) !== BPF_ST || modeOf(insn.code) !== BPF_NOSPEC) {
      traced = access(this.#execution.core, this.#execution.memory, insn, this.#registers)
      this.#onAccess?.({ address: traced.address, size: traced.size, region: traced.region, isStore: traced.kind !== 'load' })
    }
    this.#record(at, traced)
    this.#pc += insn.code === LD_IMM64 ? 2 : 1
    return null
  }

  #wide (insn: TranslatedInsn, at: number): bigint {
    const high = this.#insns[at + 1]?.imm ?? 0
    const map = insn.mapRef === undefined ? undefined : this.#maps[insn.mapRef.usedMap]
    const offset = insn.mapRef?.valueOffset ?? null
    if (map === undefined) return BigInt.asUintN(32, BigInt(insn.imm)) | BigInt.asUintN(32, BigInt(high)) << 32n
    return BigInt(offset === null ? map.address : map.valueAddress + offset)
  }

  #arithmetic (insn: TranslatedInsn): bigint {
    const perCpu = classOf(insn.code) === BPF_ALU64 && operationOf(insn.code) === BPF_MOV && insn.off === BPF_ADDR_PERCPU
    if (perCpu) return BigInt.asUintN(64, this.#operand(insn) + BigInt(this.#execution.cpu * perCpuStride))
    return arithmetic(insn, this.#register(insn.dst), this.#operand(insn))
  }

  #jump (insn: TranslatedInsn): number | 'done' | null {
    const at = this.#pc
    if (insn.code === EXIT) return this.#exit(at)
    if (insn.code === CALL && insn.src === BPF_PSEUDO_CALL) return this.#call(insn, at)
    if (insn.code === CALL) {
      if (this.#onAccess !== undefined) this.#tellFunctionReads(insn.call ?? '')
      this.#registers[0] = callFunction(this.#execution, insn.call ?? '', this.#registers)
      this.#pc++
      this.#record(at)
      return null
    }
    const always = operationOf(insn.code) === BPF_JA
    const taken = always || compare(insn, this.#register(insn.dst), this.#operand(insn))
    this.#record(at)
    if (taken) return this.#branch(at, at + 1 + (insn.code === JUMP_LONG ? insn.imm : insn.off))
    this.#pc++
    return null
  }

  /** The budget is compared at steps back and at calls: nothing else can make a program long. */
  #branch (at: number, target: number): number | null {
    if (target <= at && this.#counter.instructions > this.#budget) return FAULT_BUDGET
    this.#counter.settle()
    this.#pc = target
    return null
  }

  #call (insn: TranslatedInsn, at: number): number | null {
    if (this.#frames.length === FRAMES - 1) return FAULT_CALL
    if (this.#counter.instructions > this.#budget) return FAULT_BUDGET
    this.#frames.push({ back: at + 1, saved: this.#registers.slice(6, 10) })
    this.#registers[10] = this.#register(10) - FRAME_BYTES
    this.#clearFrame()
    this.#record(at)
    return this.#branch(at, at + 1 + insn.imm)
  }

  #exit (at: number): number | 'done' | null {
    const frame = this.#frames.pop()
    if (frame === undefined) {
      this.#record(at)
      return 'done'
    }
    frame.saved.forEach((value, index) => { this.#registers[6 + index] = value })
    this.#registers[10] = this.#register(10) + FRAME_BYTES
    this.#record(at)
    return this.#branch(at, frame.back)
  }

  #finish (fault: Fault | null): { retval: number, fault: Fault | null, cost: Cost } {
    // after a trap nobody knows how far the interpreter got since the last taken branch: that part counts as not run
    if (fault?.code !== 'trap') this.#counter.settle()
    return { retval: fault === null ? Number(BigInt.asUintN(32, this.#register(0))) : 0, fault, cost: this.#counter.cost() }
  }

  #accessFault (fault: AccessFault, insn: TranslatedInsn, at: number): Fault {
    if (fault.code === 'trap') return faultOf(FAULT_TRAP, at, this.#budget)
    const region = insn.access?.region ?? 'kernel'
    const where = { region, size: accessBytes(insn.code), kind: kindOf(insn), address: fault.address.toString(16) }
    return faultOf(FAULT_ACCESS, at, this.#budget, where)
  }

  #tellFunctionReads (symbol: string): void {
    for (const read of functionReads(this.#execution.core, symbol, this.#registers)) {
      this.#onAccess?.({ ...read, region: 'function', isStore: false })
    }
  }

  /** A function's stack begins as zeros, so that runs repeat to the bit. */
  #clearFrame (): void {
    const top = Number(this.#register(10))
    this.#execution.core.bytes().fill(0, top - Number(FRAME_BYTES), top)
  }

  #register (index: number): bigint {
    return this.#registers[index] ?? 0n
  }

  #operand (insn: TranslatedInsn): bigint {
    return sourceOf(insn.code) === BPF_X ? this.#register(insn.src) : BigInt.asUintN(64, BigInt(insn.imm))
  }

  #record (insn: number, traced?: TracedAccess): void {
    if (this.steps.length >= this.#stepLimit) {
      this.truncated = true
      return
    }
    const registers = this.#registers.slice(0, 11).map(hex)
    this.steps.push(traced === undefined ? { insn, registers } : { insn, registers, access: this.#describe(traced) })
  }

  #describe ({ kind, region, address, size, value }: TracedAccess): NonNullable<TraceStep['access']> {
    const { core, memory } = this.#execution
    const origins: Partial<Record<TracedAccess['region'], number>> = {
      packet: core.view().getUint32(memory.ctx + core.profile.structs.xdpBuff.data, true),
      ctx: memory.ctx,
      stack: Number(this.#register(10))
    }
    const origin = origins[region]
    const access = { kind, region, address: hex(BigInt(address)), size, value: hex(value) }
    return origin === undefined ? access : { ...access, offset: address - origin }
  }
}

const hex = (value: bigint): string => `0x${value.toString(16)}`
