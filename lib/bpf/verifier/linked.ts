// Numbers that are copies of one another, or a constant apart: what a comparison tells of one it tells of all. Which
// registers take part, and that they are at most six, follows the kernel: live registers, then spilled numbers, from the
// innermost frame outwards; one too many loses its link.

import { BPF_ADD } from '../isa/op.ts'
import { compute } from './arithmetic.ts'
import { change, isScalar } from './register.ts'
import type { Register } from './register.ts'
import * as s from './scalar.ts'
import { Slot, isSpill } from './state.ts'
import type { Frame, State } from './state.ts'
import type { Walk } from './walk.ts'
import * as w from './word.ts'

const PLACES_MAX = 6
const REGISTERS = 10

/** A register, or a slot, of a frame. */
interface Place {
  readonly frame: number
  readonly index: number
  readonly isSlot: boolean
}

function at ({ frames }: State, { frame, index, isSlot }: Place): Register {
  const { registers, stack } = frames[frame] as Frame
  return isSlot ? (stack[index] as Slot).spilled : registers[index] as Register
}

function put ({ frames }: State, { frame, index, isSlot }: Place, register: Register): void {
  const { registers, stack } = frames[frame] as Frame
  if (isSlot) stack[index] = new Slot((stack[index] as Slot).kinds, register)
  else registers[index] = register
}

export class LinkedNumbers {
  private readonly places: Place[] = []
  private readonly walk: Walk
  private readonly state: State

  constructor (walk: Walk, state: State) {
    this.walk = walk
    this.state = state
  }

  /** @param other the second state of the jump, which loses the same links */
  collect (id: number, other: State): void {
    for (let frame = this.state.depth; frame >= 0; frame--) {
      const { registers, stack } = this.state.frames[frame] as Frame
      const live = this.walk.needs.liveRegisters(this.placeOf(frame))
      for (let index = 0; index < REGISTERS; index++) {
        if ((live & (1 << index)) !== 0 && isNumberOf(id, registers[index] as Register)) this.take({ frame, index, isSlot: false }, other)
      }
      for (let index = 0; index < stack.length; index++) {
        const slot = stack[index] as Slot
        if (isSpill(slot) && isNumberOf(id, slot.spilled)) this.take({ frame, index, isSlot: true }, other)
      }
    }
  }

  /** What is relied on in one place is relied on in all. */
  note (): void {
    if (this.places.length < 2) return
    const { needs, index, state } = this.walk
    let [registers, low, high] = [0, 0, 0]
    let reachesOut = false
    for (const place of this.places) {
      if (place.frame !== state.depth) {
        reachesOut = true
        if (place.isSlot) needs.readSlots(this.placeOf(place.frame), place.index, place.index, true)
        else needs.relyOnRegister(this.placeOf(place.frame), place.index)
      } else if (!place.isSlot) registers |= 1 << place.index
      else if (place.index < 32) low |= 1 << place.index
      else high |= 1 << (place.index - 32)
    }
    needs.link(index, registers, low, high)
    if (!reachesOut) return
    for (const { frame, isSlot, index: number } of this.places) if (frame === state.depth && !isSlot) needs.relyOnRegister(index, number)
  }

  /** Register `number` of the innermost frame was refined: so are those linked to it. */
  spread (state: State, number: number): void {
    const found = state.frame.registers[number] as Register
    if (found.id === 0) return
    for (const place of this.places) {
      const register = at(state, place)
      if (!isScalar(register) || register.id !== found.id || register === found) continue
      if (register.delta !== null && found.delta !== null && register.delta.bits !== found.delta.bits) continue
      const distance = (register.delta?.amount ?? 0) - (found.delta?.amount ?? 0)
      put(state, place, distance === 0 ? found : shifted(register, found, distance))
    }
  }

  private take (place: Place, other: State): void {
    if (this.places.length < PLACES_MAX) {
      this.places.push(place)
      return
    }
    for (const state of [this.state, other]) put(state, place, change(at(state, place), { id: 0, delta: null }))
  }

  /** @returns the instruction a frame is at: a caller at its call */
  private placeOf (frame: number): number {
    return this.state.frames[frame + 1]?.callSite ?? this.walk.index
  }
}

const isNumberOf = (id: number, register: Register): boolean => register.id === id && isScalar(register)

function shifted (register: Register, found: Register, distance: number): Register {
  const bits = register.delta?.bits ?? found.delta?.bits ?? 64
  return change(register, { scalar: compute(BPF_ADD, bits, found.scalar, s.known(w.ofNumber(distance))) })
}
