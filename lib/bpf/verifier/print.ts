// Registers, stack slots and states as the log of a 6.18 kernel prints them. 16-bit numbers are decimal, larger ones
// hexadecimal; bounds that are equal share one value (`umax=umax32=255`).

import type { Register } from './register.ts'
import { isPacket } from './register.ts'
import * as s from './scalar.ts'
import type { Scalar } from './scalar.ts'
import { INVALID, REGISTERS, SLOT_BYTES, SPILL, isSpill, kindOf } from './state.ts'
import type { Frame, Slot } from './state.ts'
import * as t from './tnum.ts'
import * as w from './word.ts'
import type { Word } from './word.ts'

const U16_MAX = 0xffff
const S16_MIN = -0x8000
const S16_MAX = 0x7fff

export function unsignedText (value: Word): string {
  const number = w.toUnsignedNumber(value)
  return number <= U16_MAX ? String(number) : w.toHex(value)
}

export function signedText (value: Word): string {
  const number = w.toNumber(value)
  return number >= S16_MIN && number <= S16_MAX ? String(number) : w.toHex(value)
}

interface Bound {
  readonly name: string
  readonly value: Word
  readonly isSigned: boolean
  omit: boolean
}

function bound (name: string, value: Word, isSigned: boolean, none: Word): Bound {
  return { name, value, isSigned, omit: w.equal(value, none) }
}

/** A signed 32-bit bound is shown sign-extended where it is small, else by its 32 bits. */
const signed32 = (value: number): Word => value >= S16_MIN && value <= S16_MAX ? w.ofS32(value) : w.ofU32(value)

function boundsOf (a: Scalar): Bound[] {
  const half = (name: string, value: number, none: number): Bound =>
    ({ name, value: signed32(value), isSigned: true, omit: value === none })
  return [
    bound('smin', a.smin, true, w.S64_MIN), bound('smax', a.smax, true, w.S64_MAX),
    bound('umin', a.umin, false, w.ZERO), bound('umax', a.umax, false, w.ALL_ONES),
    half('smin32', a.s32min, s.S32_MIN), half('smax32', a.s32max, s.S32_MAX),
    bound('umin32', w.ofU32(a.u32min), false, w.ZERO), bound('umax32', w.ofU32(a.u32max), false, w.LOW_HALF)
  ]
}

function rangeTexts (a: Scalar): string[] {
  const bounds = boundsOf(a)
  const texts: string[] = []
  for (const [index, first] of bounds.entries()) {
    if (first.omit) continue
    const names = [first.name]
    const isNegative = first.isSigned && w.isNegative(first.value)
    for (let other = index + 2; other < bounds.length; other += 2) {
      const same = bounds[other] as Bound
      if (same.omit || !w.equal(same.value, first.value) || (same.isSigned && w.isNegative(same.value)) !== isNegative) continue
      same.omit = true
      names.push(same.name)
    }
    texts.push(`${names.join('=')}=${first.isSigned ? signedText(first.value) : unsignedText(first.value)}`)
  }
  if (!t.isUnknown(a.bits)) texts.push(`var_off=${t.toString(a.bits)}`)
  return texts
}

/** @param frame number of the frame the register is in: stack pointers into another one name it */
export function registerText (r: Register, frame: number): string {
  const { scalar } = r
  if (r.type === 'scalar' && s.isKnown(scalar)) return signedText(scalar.bits.value)
  let type: string = r.type
  if (r.type === 'fp') {
    if (r.frame !== frame) type += `[${r.frame}]`
    if (s.isKnown(scalar)) return type + signedText(w.add(scalar.bits.value, w.ofNumber(r.off)))
  }
  const parts: string[] = []
  if (r.id !== 0) parts.push(`id=${r.id}${r.delta === null ? '' : (r.delta.amount < 0 ? '' : '+') + r.delta.amount}`)
  if (r.target !== null) {
    const { name, keySize, valueSize } = r.target.map
    if (name !== '' && !r.target.view.inner) parts.push(`map=${name}`)
    parts.push(`ks=${keySize},vs=${valueSize}`)
  }
  if (r.type !== 'scalar' && r.off !== 0) parts.push(`off=${signedText(w.ofNumber(r.off))}`)
  if (isPacket(r)) parts.push(`r=${unsignedText(w.ofNumber(r.range))}`)
  if (s.isKnown(scalar)) {
    if (!s.isKnownZero(scalar)) parts.push(`imm=${signedText(scalar.bits.value)}`)
  } else {
    parts.push(...rangeTexts(scalar))
  }
  return `${type}(${parts.join(',')})`
}

const KIND_LETTERS = '?rm0'

/** @returns such as `fp-8=mmmm????`, or undefined for a slot nothing was written to */
export function slotText (slot: Slot, index: number, frame: number): string | undefined {
  let letters = ''
  for (let byte = 0; byte < SLOT_BYTES; byte++) letters += KIND_LETTERS[kindOf(slot, byte)]
  if (slot.kinds === INVALID) return undefined
  const place = `fp${-(index + 1) * SLOT_BYTES}=`
  if (!isSpill(slot)) return place + letters
  return place + letters.slice(0, letters.indexOf(KIND_LETTERS[SPILL] as string)) + registerText(slot.spilled, frame)
}

/** What an instruction touched: register numbers as bits, slot indices. */
export interface Touched {
  readonly registers: number
  readonly slots: ReadonlySet<number>
}

/** @returns the frame's registers and slots, each with a blank before it; with `touched`, only those */
export function frameText (frame: Frame, number: number, touched?: Touched): string {
  const parts: string[] = []
  for (let r = 0; r < REGISTERS; r++) {
    const register = frame.registers[r] as Register
    const isShown = touched === undefined || (touched.registers & (1 << r)) !== 0
    if (isShown && register.type !== '?') parts.push(`R${r}=${registerText(register, number)}`)
  }
  for (const [index, slot] of frame.stack.entries()) {
    const text = touched === undefined || touched.slots.has(index) ? slotText(slot, index, number) : undefined
    if (text !== undefined) parts.push(text)
  }
  if (parts.length > 0 && number > 0) parts.unshift(`frame${number}:`)
  return parts.map((part) => ` ${part}`).join('')
}
