// Loads, stores and atomics: which object a pointer leads to, and whether all of the access lies inside it.

import type { Insn } from '../isa/insn.ts'
import {
  BPF_ATOMIC, BPF_CMPXCHG, BPF_DW, BPF_FETCH, BPF_LOAD_ACQ, BPF_MEM, BPF_MEMSX, BPF_ST, BPF_STORE_REL, BPF_STX, BPF_W, BPF_XCHG,
  accessBytes, classOf, modeOf, sizeOf
} from '../isa/op.ts'
import { OFFSET_MAX } from './alu.ts'
import { checkContextAccess, loadContext } from './context.ts'
import type { Region } from './facts.ts'
import type { VerifierMap } from './maps.ts'
import { loadMapStruct, structOf } from './map-struct.ts'
import { UNKNOWN_NUMBER, change, isPacket, isPointer, isScalar, ofConstant } from './register.ts'
import type { MapTarget, Register } from './register.ts'
import { unsignedText } from './print.ts'
import { refuse } from './refusal.ts'
import * as s from './scalar.ts'
import { loadStack, storeStack } from './stack.ts'
import * as t from './tnum.ts'
import type { Walk } from './walk.ts'
import * as w from './word.ts'
import { Word } from './word.ts'

const BPF_F_RDONLY_PROG = 1 << 7
const BPF_F_WRONLY_PROG = 1 << 8

export type Direction = 'read' | 'write'

export function walkLoad (walk: Walk): void {
  const { insn } = walk
  const base = walk.read(insn.src)
  walk.checkWritable(insn.dst)
  const size = accessBytes(insn.code)
  const isSigned = modeOf(insn.code) === BPF_MEMSX
  const loaded = loadThrough(walk, insn.src, insn.off, size, isSigned)
  walk.recordAccess(regionOf(base), size, 'load')
  walk.set(insn.dst, narrowed(loaded, size, isSigned))
}

/** Loads of fewer than 8 bytes clear, or fill with the sign, what is above. */
function narrowed (loaded: Register, size: number, isSigned: boolean): Register {
  if (size === 8 || !isScalar(loaded)) return loaded
  return change(loaded, { scalar: isSigned ? s.signExtend64(loaded.scalar, size) : s.truncate(loaded.scalar, size) })
}

export function walkStore (walk: Walk): void {
  const { insn } = walk
  const isImmediate = classOf(insn.code) === BPF_ST
  if (!isImmediate && modeOf(insn.code) === BPF_ATOMIC) return walkAtomic(walk, insn)
  const hasReserved = modeOf(insn.code) !== BPF_MEM || (isImmediate ? insn.src !== 0 : insn.imm !== 0)
  if (hasReserved) refuse('EINVAL', `${isImmediate ? 'BPF_ST' : 'BPF_STX'} uses reserved fields`)
  if (!isImmediate) walk.read(insn.src)
  const base = walk.read(insn.dst)
  const size = accessBytes(insn.code)
  storeThrough(walk, insn.dst, insn.off, size, isImmediate ? null : insn.src, isImmediate ? insn.imm : null)
  walk.recordAccess(regionOf(base), size, 'store')
}

const ATOMIC_OPERATIONS = [0x00, 0x40, 0x50, 0xa0].flatMap((operation) => [operation, operation | BPF_FETCH]).concat(BPF_XCHG, BPF_CMPXCHG)

function walkAtomic (walk: Walk, insn: Insn): void {
  const size = accessBytes(insn.code)
  if (insn.imm === BPF_LOAD_ACQ) {
    const base = walk.read(insn.src)
    walk.checkWritable(insn.dst)
    checkAtomicBase(walk, insn.src)
    walk.set(insn.dst, narrowed(loadThrough(walk, insn.src, insn.off, size, false), size, false))
    return walk.recordAccess(regionOf(base), size, 'atomic')
  }
  if (insn.imm === BPF_STORE_REL) {
    walk.read(insn.src)
    const base = walk.read(insn.dst)
    checkAtomicBase(walk, insn.dst)
    storeThrough(walk, insn.dst, insn.off, size, insn.src, null)
    return walk.recordAccess(regionOf(base), size, 'atomic')
  }
  if (!ATOMIC_OPERATIONS.includes(insn.imm)) refuse('EINVAL', `BPF_ATOMIC uses invalid atomic opcode ${(insn.imm >>> 0).toString(16).padStart(2, '0')}`)
  if (sizeOf(insn.code) !== BPF_W && sizeOf(insn.code) !== BPF_DW) refuse('EINVAL', 'invalid atomic operand size')
  walk.read(insn.src)
  const base = walk.read(insn.dst)
  if (insn.imm === BPF_CMPXCHG) walk.read(0)
  if (!walk.program.isPrivileged && isPointer(walk.register(insn.src))) refuse('EACCES', `R${insn.src} leaks addr into mem`)
  checkAtomicBase(walk, insn.dst)
  const fetched = insn.imm === BPF_CMPXCHG ? 0 : (insn.imm & BPF_FETCH) !== 0 ? insn.src : null
  if (fetched !== null) walk.checkWritable(fetched)
  const old = loadThrough(walk, insn.dst, insn.off, size, false, fetched !== null)
  storeThrough(walk, insn.dst, insn.off, size, null, null)
  if (fetched !== null) walk.set(fetched, narrowed(old, size, false))
  walk.recordAccess(regionOf(base), size, 'atomic')
}

function checkAtomicBase (walk: Walk, number: number): void {
  const { type } = walk.register(number)
  if (type === 'ctx' || type === 'pkt' || type === 'pkt_meta') refuse('EACCES', `BPF_ATOMIC stores into R${number} ${type} is not allowed`)
}

/** @returns what the facts call the object a pointer leads to */
export function regionOf ({ type }: Register): Region {
  switch (type) {
    case 'fp': return 'stack'
    case 'pkt': case 'pkt_meta': return 'packet'
    case 'ctx': return 'ctx'
    case 'map_ptr': return 'kernel'
    default: return 'map'
  }
}

function loadThrough (walk: Walk, number: number, off: number, size: number, isSigned: boolean, wantsValue = true): Register {
  const base = walk.register(number)
  checkAlignment(walk, number, off, size)
  switch (base.type) {
    case 'fp': return loadStack(walk, number, off, size, wantsValue)
    case 'map_value': return loadMapValue(walk, number, off, size, isSigned)
    case 'pkt': case 'pkt_meta':
      checkPacketAccess(walk, number, off, size)
      return UNKNOWN_NUMBER
    case 'ctx':
      checkPlainPointer(base, number)
      return loadContext(walk, off, size, isSigned)
    case 'map_ptr': return loadMapStruct(walk, base, number, off, size)
    default: return refuse('EACCES', `R${number} invalid mem access '${base.type}'`)
  }
}

function storeThrough (walk: Walk, number: number, off: number, size: number, value: number | null, constant: number | null): void {
  const base = walk.register(number)
  const leaks = value !== null && !walk.program.isPrivileged && isPointer(walk.register(value))
  checkAlignment(walk, number, off, size)
  switch (base.type) {
    case 'fp': return storeStack(walk, number, off, size, value, constant)
    case 'map_value':
      if (leaks) refuse('EACCES', `R${value} leaks addr into map`)
      return checkMapAccess(walk, number, off, size, 'write')
    case 'pkt': case 'pkt_meta':
      if (leaks) refuse('EACCES', `R${value} leaks addr into packet`)
      return checkPacketAccess(walk, number, off, size)
    case 'ctx':
      if (leaks) refuse('EACCES', `R${value} leaks addr into ctx`)
      checkPlainPointer(base, number)
      return checkContextAccess(walk, off, size, 'write')
    case 'map_ptr': return refuse('EACCES', `only read from ${structOf((base.target as MapTarget).map)} is supported`)
    default: refuse('EACCES', `R${number} invalid mem access '${base.type}'`)
  }
}

/** The stack keeps its spills in 8-byte slots: what goes to it must be aligned, as must atomics. The rest need not be on x86. */
function checkAlignment (walk: Walk, number: number, off: number, size: number): void {
  const base = walk.register(number)
  const isAtomic = modeOf(walk.insn.code) === BPF_ATOMIC && classOf(walk.insn.code) === BPF_STX
  if (base.type !== 'fp' && !isAtomic) return
  if (s.isKnownZero(base.scalar) && ((base.off + off) & (size - 1)) === 0) return
  const kind = base.type === 'fp' ? 'stack ' : base.type === 'map_value' ? 'value ' : ''
  if (t.isAligned(t.add(base.scalar.bits, t.known(w.ofNumber(base.off + off))), size)) return
  refuse('EACCES', `misaligned ${kind}access off ${variableText(base)}+${base.off}+${off} size ${size}`)
}

const variableText = ({ scalar }: Register): string => s.isKnown(scalar) ? unsignedText(scalar.bits.value) : t.toString(scalar.bits)

/** Some pointers may only be used as they were given. */
export function checkPlainPointer (base: Register, number: number): void {
  const { type, off, scalar } = base
  if (off < 0) refuse('EACCES', `negative offset ${type} ptr R${number} off=${off} disallowed`)
  if (off !== 0) refuse('EACCES', `dereference of modified ${type} ptr R${number} off=${off} disallowed`)
  if (!s.isKnownZero(scalar)) refuse('EACCES', `variable ${type} access var_off=${t.toString(scalar.bits)} disallowed`)
}

function loadMapValue (walk: Walk, number: number, off: number, size: number, isSigned: boolean): Register {
  checkMapAccess(walk, number, off, size, 'read')
  const base = walk.register(number)
  const { map } = base.target as MapTarget
  if (map.contents === undefined || !map.frozen || (map.flags & BPF_F_RDONLY_PROG) === 0 || !s.isKnown(base.scalar)) return UNKNOWN_NUMBER
  return ofConstant(readWord(map.contents, base.off + off + w.toNumber(base.scalar.bits.value), size, isSigned))
}

function readWord (bytes: Uint8Array, at: number, size: number, isSigned: boolean): Word {
  let [lo, hi] = [0, 0]
  for (let i = 0; i < size; i++) {
    const byte = bytes[at + i] ?? 0
    if (i < 4) lo |= byte << (i * 8)
    else hi |= byte << ((i - 4) * 8)
  }
  const shift = 64 - size * 8
  const value = new Word(hi, lo)
  return isSigned ? w.sar(w.shl(value, shift), shift) : value
}

export function checkMapAccess (walk: Walk, number: number, off: number, size: number, direction: Direction): void {
  const base = walk.register(number)
  const { map } = base.target as MapTarget
  checkMapPermission(map, `, value_size=${map.valueSize} off=${w.toNumber(base.scalar.smin) + base.off + off} size=${size}`, direction)
  const total = base.off + off
  checkRegion(base, number, total, size, map.valueSize,
    (at) => `invalid access to map value, value_size=${map.valueSize} off=${at} size=${size}`)
}

export function checkMapPermission (map: VerifierMap, where: string, direction: Direction): void {
  const forbidden = direction === 'write' ? BPF_F_RDONLY_PROG : BPF_F_WRONLY_PROG
  if ((map.flags & forbidden) === 0) return
  refuse('EACCES', `${direction === 'write' ? 'write into' : 'read from'} map forbidden${where}`)
}

/** Lowest and highest place the access may go to, both against the object's size. */
function checkRegion (base: Register, number: number, off: number, size: number, limit: number, message: (at: number) => string): void {
  const { smin, umax } = base.scalar
  const lowest = w.toNumber(smin) + off
  if (w.isNegative(smin) && (w.equal(smin, w.S64_MIN) || lowest !== (lowest | 0) || lowest < 0)) {
    refuse('EACCES', `R${number} min value is negative, either use unsigned index or do a if (index >=0) check.`)
  }
  if (lowest < 0 || lowest + size > limit) refuse('EACCES', message(lowest), `R${number} min value is outside of the allowed memory range`)
  if (w.toUnsignedNumber(umax) >= OFFSET_MAX) refuse('EACCES', `R${number} unbounded memory access, make sure to bounds check any such access`)
  const highest = w.toUnsignedNumber(umax) + off
  if (highest < 0 || highest + size > limit) refuse('EACCES', message(highest), `R${number} max value is outside of the allowed memory range`)
}

export function checkPacketAccess (walk: Walk, number: number, off: number, size: number): void {
  const base = walk.register(number)
  if (!isPacket(base)) return
  if (w.isNegative(base.scalar.smin)) {
    refuse('EACCES', `R${number} min value is negative, either use unsigned index or do a if (index >=0) check.`)
  }
  const total = base.off + off
  if (base.range >= 0 && total >= 0 && total + size <= base.range) return
  refuse(base.range < 0 ? 'EINVAL' : 'EACCES',
    ...(base.range < 0 ? [] : [`invalid access to packet, off=${total} size=${size}, R${number}(id=${base.id},off=${total},r=${base.range})`]),
    `R${number} offset is outside of the packet`)
}
