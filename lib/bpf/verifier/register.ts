// What a register holds on one path: a number, or a pointer with its object, a fixed offset and a variable part. Registers
// are immutable and shared between states; every change makes a new one.

import type { MapView } from './facts.ts'
import type { VerifierMap } from './maps.ts'
import * as s from './scalar.ts'
import type { Scalar } from './scalar.ts'
import type { Word } from './word.ts'

/**
 * The kernel's words: `map_ptr` is a map itself, `map_value` bytes of an element, `fp` the stack, `?` nothing yet.
 */
export type RegisterType =
  '?' | 'scalar' | 'ctx' | 'map_ptr' | 'map_value' | 'map_value_or_null' | 'fp' | 'pkt' | 'pkt_end' | 'pkt_meta'

/** A map a pointer leads to; one object per map or template, so that identity tells them apart. */
export interface MapTarget {
  readonly map: VerifierMap
  readonly view: MapView
  /** what a lookup leads to when the map is an outer one */
  readonly template: MapTarget | null
}

/** `range` of a packet pointer on the branch where it lies at the packet's end, or beyond it. */
export const AT_END = -1
export const BEYOND_END = -2

/** A constant that was added, to 64 bits or to the low 32 of a number that fits them. */
export interface Distance {
  readonly amount: number
  readonly bits: 32 | 64
}

export const sameDistance = (a: Distance | null, b: Distance | null): boolean => a?.amount === b?.amount && a?.bits === b?.bits

export class Register {
  readonly type: RegisterType
  /** of a pointer: known part of its offset */
  readonly off: number
  /** of a number: itself; of a pointer: the variable part of its offset */
  readonly scalar: Scalar
  /** equal ids: equal numbers, the same lookup's result, or packet pointers with the same variable part; 0: none */
  readonly id: number
  /** of a number: how far it is from the number of that id; null: it is that number */
  readonly delta: Distance | null
  readonly target: MapTarget | null
  /** of a packet pointer: bytes from the fixed offset 0 known to be inside the packet */
  readonly range: number
  /** of a stack pointer: whose frame */
  readonly frame: number

  constructor (type: RegisterType, off: number, scalar: Scalar, id: number, delta: Distance | null, target: MapTarget | null, range: number,
    frame: number) {
    this.type = type
    this.off = off
    this.scalar = scalar
    this.id = id
    this.delta = delta
    this.target = target
    this.range = range
    this.frame = frame
  }
}

export const UNSET = new Register('?', 0, s.UNKNOWN, 0, null, null, 0, 0)
export const UNKNOWN_NUMBER = ofScalar(s.UNKNOWN)
export const ZERO_NUMBER = ofScalar(s.KNOWN_ZERO)

export function ofScalar (scalar: Scalar, id = 0, delta: Distance | null = null): Register {
  return new Register('scalar', 0, scalar, id, delta, null, 0, 0)
}

export const ofConstant = (value: Word): Register => ofScalar(s.known(value))

export function pointer (type: RegisterType, extra: { off?: number, target?: MapTarget, id?: number, frame?: number } = {}): Register {
  return new Register(type, extra.off ?? 0, s.KNOWN_ZERO, extra.id ?? 0, null, extra.target ?? null, 0, extra.frame ?? 0)
}

export type RegisterChange = Partial<Pick<Register, 'type' | 'off' | 'scalar' | 'id' | 'delta' | 'target' | 'range'>>

export function change (r: Register, to: RegisterChange): Register {
  return new Register(to.type ?? r.type, to.off ?? r.off, to.scalar ?? r.scalar, to.id ?? r.id, to.delta === undefined ? r.delta : to.delta,
    to.target === undefined ? r.target : to.target, to.range ?? r.range, r.frame)
}

export const isScalar = (r: Register): boolean => r.type === 'scalar'
export const isPointer = (r: Register): boolean => r.type !== 'scalar' && r.type !== '?'
export const isNullable = (r: Register): boolean => r.type === 'map_value_or_null'
export const isPacket = (r: Register): boolean => r.type === 'pkt' || r.type === 'pkt_meta'
export const isPacketOrEnd = (r: Register): boolean => isPacket(r) || r.type === 'pkt_end'
/** The kernel holds these to be never 0; the others could be, for all it knows. */
export const isNeverNull = (r: Register): boolean => r.type === 'map_value' || r.type === 'map_ptr'
