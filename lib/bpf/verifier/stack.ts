// Loads and stores on the stack. An aligned spill keeps what the register was; anything else becomes bytes of some
// number, or of 0. With CAP_PERFMON bytes nobody wrote may be read.

import { UNKNOWN_NUMBER, UNSET, ZERO_NUMBER, change, isPointer, isScalar, ofConstant } from './register.ts'
import type { Register } from './register.ts'
import { refuse } from './refusal.ts'
import * as s from './scalar.ts'
import { EMPTY_SLOT, INVALID, MISC, SLOT_BYTES, SPILL, Slot, ZERO, growStack, isSpill, kindOf, spillSize, withKind } from './state.ts'
import type { ByteKind, Frame } from './state.ts'
import * as t from './tnum.ts'
import type { Walk } from './walk.ts'
import { OFFSET_MAX } from './alu.ts'
import * as w from './word.ts'

/** Where on a stack an access goes: frame, and lowest and highest byte offset it may start at, both negative. */
export interface StackSpan {
  readonly frame: Frame
  readonly frameNumber: number
  readonly min: number
  readonly max: number
  readonly isFixed: boolean
}

const slotAt = (offset: number): number => (-offset - 1) >> 3
const byteAt = (offset: number): number => (-offset - 1) & 7

type Purpose = 'read from' | 'write to'

/** Refuses what may lie outside of the stack, and grows the frame to hold the rest. */
export function checkStackSpan (walk: Walk, number: number, off: number, size: number, purpose: Purpose): StackSpan {
  const register = walk.register(number)
  const { scalar } = register
  const isFixed = s.isKnown(scalar)
  const total = register.off + off
  if (!isFixed && (w.toNumber(scalar.smax) >= OFFSET_MAX || w.toNumber(scalar.smin) <= -OFFSET_MAX)) {
    refuse('EACCES', `invalid unbounded variable-offset ${purpose} stack R${number}`)
  }
  const min = w.toNumber(isFixed ? scalar.bits.value : scalar.smin) + total
  const max = w.toNumber(isFixed ? scalar.bits.value : scalar.smax) + total
  const frame = walk.state.frames[register.frame] as Frame
  const { stackBytes } = walk.program.profile.limits
  const isBelow = min < (purpose === 'write to' || walk.program.isPrivileged ? -stackBytes : -frame.stack.length * SLOT_BYTES) || min > -1
  if (isBelow || max + size > 0) {
    refuse(isBelow ? 'EACCES' : 'EINVAL', isFixed
      ? `invalid ${purpose} stack R${number} off=${min} size=${size}`
      : `invalid variable-offset ${purpose} stack R${number} var_off=${t.toString(scalar.bits)} off=${total} size=${size}`)
  }
  growStack(frame, -min)
  walk.stackDepths.set(frame.entry, Math.max(walk.stackDepths.get(frame.entry) ?? 0, -min))
  return { frame, frameNumber: register.frame, min, max, isFixed }
}

function logSlots (walk: Walk, { frameNumber, min, max }: StackSpan, size: number): void {
  if (frameNumber === walk.state.depth) walk.log.touchSlots(slotAt(max + size - 1), slotAt(min))
}

/** The bytes of a span are read: by an instruction of the function itself, or by a callee, which its caller sees at the call. */
export function noteStackRead (walk: Walk, { frameNumber, min, max }: StackSpan, size: number, isPrecise = false): void {
  const isOwn = frameNumber === walk.state.depth
  const at = isOwn ? walk.index : walk.state.frames[frameNumber + 1]?.callSite ?? walk.index
  walk.needs.readSlots(at, slotAt(max + size - 1), slotAt(min), isPrecise || !isOwn)
}

/** @returns what the load leaves in a register, before it is narrowed to the access size */
export function loadStack (walk: Walk, number: number, off: number, size: number, wantsValue = true): Register {
  const span = checkStackSpan(walk, number, off, size, 'read from')
  logSlots(walk, span, size)
  noteStackRead(walk, span, size)
  if (!span.isFixed) return loadVariable(walk, number, span, size)
  if (span.frameNumber === walk.state.depth) walk.needs.touchSlots(walk.index, slotAt(span.min + size - 1), slotAt(span.min))
  return loadFixed(walk, span, size, wantsValue)
}

function loadFixed (walk: Walk, { frame, min }: StackSpan, size: number, wantsValue: boolean): Register {
  const index = slotAt(min)
  const slot = frame.stack[index] as Slot
  if (!isSpill(slot)) return loadBytes(walk, slot, min, size)
  const spilled = spillSize(slot)
  if (size === SLOT_BYTES && spilled === SLOT_BYTES) {
    const identified = walk.identified(slot.spilled)
    if (identified !== slot.spilled) frame.stack[index] = new Slot(slot.kinds, identified)
    return identified
  }
  if (!isScalar(slot.spilled)) refuse('EACCES', 'invalid size of register fill')
  if (!wantsValue) return UNKNOWN_NUMBER
  if (size > spilled || min % SLOT_BYTES !== 0) return loadParts(walk, slot, min, size)
  let { spilled: register } = slot
  if (size === 4 && spilled === 4 && s.fits32(register.scalar)) {
    register = walk.identified(register)
    frame.stack[index] = new Slot(slot.kinds, register)
  }
  return widthOf(register) > size * 8 ? change(register, { id: 0, delta: null }) : register
}

/** @returns bits that may be set, counted from the lowest */
const widthOf = (register: Register): number => w.bitLength(register.scalar.umax)

/** Part of a spilled number, or a spill and its neighbours: 0 stays 0, else some number. */
function loadParts (walk: Walk, slot: Slot, min: number, size: number): Register {
  let spills = 0
  let zeros = 0
  for (let i = 0; i < size; i++) {
    const kind = kindOf(slot, byteAt(min + i))
    if (kind === SPILL) spills++
    else if (kind === ZERO) zeros++
    else if (kind === INVALID) checkUninitialised(walk, min, i, size)
  }
  if (spills === size && s.isKnownZero(slot.spilled.scalar)) return ZERO_NUMBER
  return zeros === size ? ZERO_NUMBER : UNKNOWN_NUMBER
}

function loadBytes (walk: Walk, slot: Slot, min: number, size: number): Register {
  let zeros = 0
  for (let i = 0; i < size; i++) {
    const kind = kindOf(slot, byteAt(min + i))
    if (kind === ZERO) zeros++
    else if (kind === INVALID) checkUninitialised(walk, min, i, size)
  }
  return zeros === size ? ZERO_NUMBER : UNKNOWN_NUMBER
}

function checkUninitialised (walk: Walk, min: number, byte: number, size: number): void {
  if (!walk.program.isPrivileged) refuse('EACCES', `invalid read from stack off ${min}+${byte} size ${size}`)
}

function loadVariable (walk: Walk, number: number, span: StackSpan, size: number): Register {
  if (!walk.program.isPrivileged) {
    const { off, scalar } = walk.register(number)
    refuse('EACCES', `R${number} variable stack access prohibited for !root, var_off=${t.toString(scalar.bits)} off=${off}`)
  }
  let isZero = true
  for (let offset = span.min; offset < span.max + size; offset++) {
    if (kindOf(span.frame.stack[slotAt(offset)] ?? EMPTY_SLOT, byteAt(offset)) !== ZERO) isZero = false
  }
  return isZero ? ZERO_NUMBER : UNKNOWN_NUMBER
}

/** @param value the register stored, or null: no register; `constant` then holds what a store of an immediate wrote */
export function storeStack (walk: Walk, number: number, off: number, size: number, value: number | null, constant: number | null): void {
  const span = checkStackSpan(walk, number, off, size, 'write to')
  logSlots(walk, span, size)
  const isOwn = span.frameNumber === walk.state.depth
  if (isOwn) walk.needs.touchSlots(walk.index, slotAt(span.max + size - 1), slotAt(span.min))
  else if (value !== null) walk.rely(value)
  if (span.isFixed) storeFixed(walk, span, size, value, constant)
  else storeVariable(walk, number, span, size, value)
}

function storeFixed (walk: Walk, span: StackSpan, size: number, value: number | null, constant: number | null): void {
  const { frame, frameNumber, min } = span
  const index = slotAt(min)
  const slot = frame.stack[index] as Slot
  if (!walk.program.isPrivileged && isSpill(slot) && !isScalar(slot.spilled) && size !== SLOT_BYTES) {
    refuse('EACCES', 'attempt to corrupt spilled pointer on stack')
  }
  const isAligned = min % SLOT_BYTES === 0
  if (value !== null && isAligned && isScalar(walk.register(value))) {
    const fits = widthOf(walk.register(value)) <= size * 8
    const register = fits ? walk.identify(value) : change(walk.register(value), { id: 0, delta: null })
    frame.stack[index] = spillInto(walk, slot, register, size)
  } else if (constant !== null && isAligned) {
    frame.stack[index] = spillInto(walk, slot, ofConstant(w.ofS32(constant)), size)
  } else if (value !== null && isPointer(walk.register(value))) {
    if (size !== SLOT_BYTES) refuse('EACCES', 'invalid size of register spill')
    const register = walk.register(value)
    if (frameNumber !== walk.state.depth && register.type === 'fp') refuse('EINVAL', 'cannot spill pointers to stack into stack frame of the caller')
    frame.stack[index] = spillInto(walk, slot, register, size)
  } else {
    frame.stack[index] = scribble(walk, slot, min, size, value, constant)
  }
}

/** The register's bytes at the low end of the slot; what stands above them is no longer part of a spill. */
function spillInto (walk: Walk, slot: Slot, register: Register, size: number): Slot {
  let { kinds } = slot
  for (let byte = 7; byte >= 0; byte--) {
    if (byte >= SLOT_BYTES - size) kinds = withKind(kinds, byte, SPILL)
    else kinds = withKind(kinds, byte, demoted(walk, kindOf(slot, byte)))
  }
  return new Slot(kinds, register)
}

const demoted = (walk: Walk, kind: ByteKind): ByteKind => kind === ZERO || (walk.program.isPrivileged && kind === INVALID) ? kind : MISC

/** What a slot holds once its spill is broken up: bytes of some number, known zeros among them forgotten. */
function brokenUp (slot: Slot): number {
  let { kinds } = slot
  if (isSpill(slot)) for (let byte = 0; byte < SLOT_BYTES; byte++) if (kindOf(slot, byte) !== INVALID) kinds = withKind(kinds, byte, MISC)
  return kinds
}

function scribble (walk: Walk, slot: Slot, min: number, size: number, value: number | null, constant: number | null): Slot {
  let kinds = brokenUp(slot)
  const isZero = value === null ? constant === 0 : isScalar(walk.register(value)) && s.isKnownZero(walk.register(value).scalar)
  if (isZero && value !== null) walk.rely(value)
  for (let i = 0; i < size; i++) kinds = withKind(kinds, byteAt(min + i), isZero ? ZERO : MISC)
  return new Slot(kinds, UNSET)
}

/** Every byte the store may reach becomes some number, 0 where 0 was and is stored. */
function storeVariable (walk: Walk, number: number, { frame, min, max }: StackSpan, size: number, value: number | null): void {
  if (!walk.program.isPrivileged) {
    const { off, scalar } = walk.register(number)
    refuse('EACCES', `R${number} variable stack access prohibited for !root, var_off=${t.toString(scalar.bits)} off=${off}`)
  }
  const isZero = value !== null && isScalar(walk.register(value)) && s.isKnownZero(walk.register(value).scalar)
  for (let offset = min; offset < max + size; offset++) {
    const index = slotAt(offset)
    const slot = frame.stack[index] as Slot
    if (isZero && kindOf(slot, byteAt(offset)) === ZERO) {
      walk.rely(value)
      continue
    }
    if (isSpill(slot) && isZero && s.isKnownZero(slot.spilled.scalar) && isScalar(slot.spilled)) continue
    frame.stack[index] = new Slot(withKind(brokenUp(slot), byteAt(offset), MISC), UNSET)
  }
}

/** What a helper is handed: every byte must hold something; one that may be written loses what it held. */
export function checkStackArgument (walk: Walk, number: number, size: number, isWritten: boolean): StackSpan {
  const span = checkStackSpan(walk, number, 0, size, isWritten ? 'write to' : 'read from')
  const { frame, min, max, isFixed } = span
  for (let offset = min; offset < max + size; offset++) {
    const index = slotAt(offset)
    const slot = frame.stack[index] as Slot
    const kind = kindOf(slot, byteAt(offset))
    const isReadable = kind === MISC || kind === ZERO || (kind === SPILL && (isScalar(slot.spilled) || walk.program.isPrivileged)) ||
      (kind === INVALID && walk.program.isPrivileged)
    if (!isReadable) {
      refuse('EACCES', isFixed
        ? `invalid read from stack R${number} off ${min}+${offset - min} size ${size}`
        : `invalid read from stack R${number} var_off ${t.toString(walk.register(number).scalar.bits)}+${offset - min} size ${size}`)
    }
  }
  noteStackRead(walk, span, size)
  return span
}

/**
 * A key the verifier knows, which lets it drop the NULL case of a lookup: all its bytes are known zeros, or it was spilled
 * with exactly the key's size. Where and how wide it was stored decides.
 */
export function constantKey (walk: Walk, key: Register, keySize: number): number | null {
  if (key.type !== 'fp' || !s.isKnown(key.scalar)) return null
  const offset = key.off + w.toNumber(key.scalar.bits.value)
  const slot = walk.state.frames[key.frame]?.stack[slotAt(offset)]
  if (slot === undefined) return null
  const run = (kind: ByteKind): number => {
    let length = 0
    for (let byte = byteAt(offset); byte >= 0 && kindOf(slot, byte) === kind; byte--) length++
    return length
  }
  if (run(ZERO) >= keySize) return 0
  if (!isSpill(slot) || !isScalar(slot.spilled) || run(SPILL) !== keySize || !s.isKnown(slot.spilled.scalar)) return null
  return w.toUnsignedNumber(slot.spilled.scalar.bits.value)
}
