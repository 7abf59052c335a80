// Whether an earlier state covers a new one: everything the new one may hold, the earlier one could hold as well, so that
// the paths walked from there prove those from here. Only what still matters (needs.ts) is compared.

import type { Needs } from './needs.ts'
import { UNKNOWN_NUMBER, isScalar, sameDistance } from './register.ts'
import type { Register } from './register.ts'
import * as s from './scalar.ts'
import { EMPTY_SLOT, INVALID, MISC, REGISTERS, SLOT_BYTES, ZERO, isSpill, kindOf, spillSize } from './state.ts'
import type { Frame, Slot } from './state.ts'

/** Ids are names: what counts is that the same registers share one. */
class Correspondence {
  private readonly old: number[] = []
  private readonly now: number[] = []

  /** @returns whether the old id stands for this new one, and for no other */
  agrees (old: number, now: number): boolean {
    if (old === 0 || now === 0) return old === now
    for (let i = 0; i < this.old.length; i++) {
      if (this.old[i] === old) return this.now[i] === now
      if (this.now[i] === now) return false
    }
    this.old.push(old)
    this.now.push(now)
    return true
  }

  private fresh = 0

  /** A number without partners is covered by one with the same bounds; one whose partners matter needs partners of its own. */
  agreesForNumber (old: number, now: number): boolean {
    return old === 0 || this.agrees(old, now === 0 ? --this.fresh : now)
  }
}

/** @param privileged uninitialised stack may be read */
export function covers (old: readonly Frame[], now: readonly Frame[], index: number, needs: Needs, privileged: boolean): boolean {
  if (!samePlace(old, now)) return false
  const ids = new Correspondence()
  for (let number = 0; number < old.length; number++) {
    const at = now[number + 1]?.callSite ?? index
    if (!frameCovers(old[number] as Frame, now[number] as Frame, at, number === now.length - 1, needs, ids, privileged)) return false
  }
  return true
}

function samePlace (old: readonly Frame[], now: readonly Frame[]): boolean {
  return old.length === now.length && old.every(({ callSite, entry }, i) => callSite === now[i]?.callSite && entry === now[i]?.entry)
}

/** Of a caller's frame only what outlives the call matters. */
const CALLEE_SAVED = 0x3c0

function frameCovers (
  old: Frame, now: Frame, at: number, isInnermost: boolean, needs: Needs, ids: Correspondence, privileged: boolean
): boolean {
  const live = needs.liveRegisters(at) & (isInnermost ? 0x3ff : CALLEE_SAVED)
  for (let r = 0; r < REGISTERS - 1; r++) {
    if ((live & (1 << r)) === 0) continue
    if (!registerCovers(old.registers[r] as Register, now.registers[r] as Register, needs.isPreciseRegister(at, r), ids)) return false
  }
  for (let index = 0; index < old.stack.length; index++) {
    if (!needs.isLiveSlot(at, index)) continue
    if (!slotCovers(old.stack[index] as Slot, now.stack[index] ?? EMPTY_SLOT, needs.isPreciseSlot(at, index), ids, privileged)) return false
  }
  return true
}

function registerCovers (old: Register, now: Register, isPrecise: boolean, ids: Correspondence): boolean {
  if (old.type === '?' || (old === now && old.id === 0)) return true
  if (old.type !== now.type) return false
  switch (old.type) {
    case 'scalar':
      if (!isPrecise) return true
      return (old.id === 0 || sameDistance(old.delta, now.delta)) && ids.agreesForNumber(old.id, now.id) &&
        s.contains(old.scalar, now.scalar)
    case 'map_value': case 'map_value_or_null': case 'map_ptr':
      return old.off === now.off && old.target === now.target && s.contains(old.scalar, now.scalar) && ids.agrees(old.id, now.id)
    case 'pkt': case 'pkt_meta':
      return old.range <= now.range && old.off === now.off && s.contains(old.scalar, now.scalar) && ids.agrees(old.id, now.id)
    default:
      return old.off === now.off && old.frame === now.frame && s.equal(old.scalar, now.scalar)
  }
}

/** 8 bytes of some number, spilled or written piece by piece, load alike. */
function asNumber (slot: Slot, privileged: boolean): Register | null {
  if (isSpill(slot)) return spillSize(slot) === SLOT_BYTES && isScalar(slot.spilled) ? slot.spilled : null
  for (let byte = 0; byte < SLOT_BYTES; byte++) {
    const kind = kindOf(slot, byte)
    if (kind !== MISC && !(kind === INVALID && privileged)) return null
  }
  return UNKNOWN_NUMBER
}

function slotCovers (old: Slot, now: Slot, isPrecise: boolean, ids: Correspondence, privileged: boolean): boolean {
  if (old === now && (!isSpill(old) || old.spilled.id === 0)) return true
  const oldNumber = asNumber(old, privileged)
  const nowNumber = oldNumber === null ? null : asNumber(now, privileged)
  if (oldNumber !== null && nowNumber !== null) return registerCovers(oldNumber, nowNumber, isPrecise, ids)
  for (let byte = 0; byte < SLOT_BYTES; byte++) {
    const kind = kindOf(old, byte)
    if (kind === INVALID || (kind === MISC && privileged)) continue
    const other = kindOf(now, byte)
    if (kind !== other && !(kind === MISC && other === ZERO)) return false
  }
  return !isSpill(old) || registerCovers(old.spilled, now.spilled, isPrecise, ids)
}

/** @returns whether nothing at all has changed: a loop that came back to such a state never ends */
export function identical (old: readonly Frame[], now: readonly Frame[]): boolean {
  if (!samePlace(old, now)) return false
  const ids = new Correspondence()
  return old.every((frame, number) => {
    const { registers, stack } = now[number] as Frame
    return frame.registers.every((register, r) => sameRegister(register, registers[r] as Register, ids)) &&
      frame.stack.length === stack.length && frame.stack.every((slot, i) => {
      const other = stack[i] as Slot
      return slot.kinds === other.kinds && (!isSpill(slot) || sameRegister(slot.spilled, other.spilled, ids))
    })
  })
}

function sameRegister (a: Register, b: Register, ids: Correspondence): boolean {
  return a === b || (a.type === b.type && a.off === b.off && sameDistance(a.delta, b.delta) && a.target === b.target &&
    a.range === b.range && a.frame === b.frame && s.equal(a.scalar, b.scalar) && ids.agrees(a.id, b.id))
}
