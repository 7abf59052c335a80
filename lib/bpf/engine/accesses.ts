// Loads, stores and atomics of the tracer: its own checks and its own bytes, on the same memory as the interpreter's.

import {
  accessBytes, BPF_ADD, BPF_AND, BPF_ATOMIC, BPF_CMPXCHG, BPF_FETCH, BPF_LDX, BPF_LOAD_ACQ, BPF_MEMSX, BPF_OR, BPF_ST, BPF_STORE_REL,
  BPF_XOR, classOf, modeOf
} from '../isa/op.ts'
import type { Core } from '../core/index.ts'
import type { ExecutionMemory } from '../core/execution-memory.ts'
import type { TranslatedInsn } from '../rewrite/translated.ts'
import type { Region } from '../verifier/facts.ts'

/** An access that ends the packet. */
export class AccessFault {
  readonly code: 'access' | 'trap'
  readonly address: bigint
  constructor (code: 'access' | 'trap', address: bigint) {
    this.code = code
    this.address = address
  }
}

/** One access as it happened. */
export interface TracedAccess {
  readonly kind: 'load' | 'store' | 'atomic'
  readonly region: Region
  readonly address: number
  readonly size: number
  /** what was read or, of stores and atomics, what stands there afterwards */
  readonly value: bigint
}

export const kindOf = (insn: TranslatedInsn): 'load' | 'store' | 'atomic' => {
  if (classOf(insn.code) === BPF_LDX) return 'load'
  if (modeOf(insn.code) !== BPF_ATOMIC) return 'store'
  if (insn.imm === BPF_LOAD_ACQ) return 'load'
  return insn.imm === BPF_STORE_REL ? 'store' : 'atomic'
}

/** Executes a memory instruction on `registers`. Throws AccessFault. */
export function access (core: Core, memory: ExecutionMemory, insn: TranslatedInsn, registers: bigint[]): TracedAccess {
  const size = accessBytes(insn.code)
  const kind = kindOf(insn)
  const region = insn.access?.region ?? 'kernel'
  const base = registers[kind === 'load' ? insn.src : insn.dst] ?? 0n
  const address = place(core, memory, insn, BigInt.asUintN(64, base + BigInt(insn.off)), registers[10] ?? 0n)
  const view = core.view()
  if (kind === 'load') {
    const value = read(view, address, size)
    const extended = modeOf(insn.code) === BPF_MEMSX ? BigInt.asUintN(64, BigInt.asIntN(size * 8, value)) : value
    registers[insn.dst] = extended
    return { kind, region, address, size, value: extended }
  }
  if (kind === 'atomic') return { kind, region, address, size, value: atomic(view, address, size, insn, registers) }
  const value = BigInt.asUintN(size * 8, classOf(insn.code) === BPF_ST ? BigInt(insn.imm) : registers[insn.src] ?? 0n)
  write(view, address, size, value)
  return { kind, region, address, size, value }
}

/** Where the access goes; of one that is not proved only if that is inside its object. */
function place (core: Core, memory: ExecutionMemory, insn: TranslatedInsn, address: bigint, framePointer: bigint): number {
  const size = accessBytes(insn.code)
  if (insn.access?.proved === false) {
    if (!inside(core, memory, insn.access.region, address, size, framePointer)) throw new AccessFault('access', address)
    return Number(address)
  }
  const wrapped = Number(BigInt.asUintN(32, address))
  if (wrapped + size > core.view().byteLength) throw new AccessFault('trap', address)
  return wrapped
}

function inside (core: Core, memory: ExecutionMemory, region: Region, address: bigint, size: number, framePointer: bigint): boolean {
  const within = (from: number | bigint, to: number | bigint): boolean => address >= BigInt(from) && address + BigInt(size) <= BigInt(to)
  const { xdpBuff } = core.profile.structs
  switch (region) {
    case 'packet': return within(core.view().getBigUint64(memory.ctx + xdpBuff.dataMeta, true), core.view().getBigUint64(memory.ctx + xdpBuff.dataEnd, true))
    case 'stack': return within(framePointer - 512n, memory.stackTop)
    case 'map': return address < 1n << 32n && core.exports.checkMapAccess(Number(address), size) !== 0
    case 'ctx': return within(memory.ctx, memory.ctxEnd)
    case 'kernel': return within(memory.ctx, memory.structsEnd)
  }
}

function read (view: DataView, address: number, size: number): bigint {
  switch (size) {
    case 1: return BigInt(view.getUint8(address))
    case 2: return BigInt(view.getUint16(address, true))
    case 4: return BigInt(view.getUint32(address, true))
    default: return view.getBigUint64(address, true)
  }
}

function write (view: DataView, address: number, size: number, value: bigint): void {
  switch (size) {
    case 1: view.setUint8(address, Number(value)); break
    case 2: view.setUint16(address, Number(value), true); break
    case 4: view.setUint32(address, Number(value), true); break
    default: view.setBigUint64(address, value, true)
  }
}

/** @returns what stands in memory afterwards */
function atomic (view: DataView, address: number, size: number, insn: TranslatedInsn, registers: bigint[]): bigint {
  const bits = size * 8
  const before = read(view, address, size)
  const operand = BigInt.asUintN(bits, registers[insn.src] ?? 0n)
  const exchange = insn.imm === BPF_CMPXCHG
  const expected = BigInt.asUintN(bits, registers[0] ?? 0n)
  const after = exchange ? (before === expected ? operand : before) : BigInt.asUintN(bits, combine(insn.imm & ~BPF_FETCH, before, operand))
  write(view, address, size, after)
  if (exchange) registers[0] = before
  else if ((insn.imm & BPF_FETCH) !== 0) registers[insn.src] = before
  return after
}

function combine (operation: number, before: bigint, operand: bigint): bigint {
  switch (operation) {
    case BPF_ADD: return before + operand
    case BPF_OR: return before | operand
    case BPF_AND: return before & operand
    case BPF_XOR: return before ^ operand
    default: return operand
  }
}
