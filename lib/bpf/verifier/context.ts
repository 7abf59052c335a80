// What a program may do with its context, per program type, as data: which fields may be loaded, how wide, and what a
// load gives. Loads of struct xdp_md become loads of the kernel's struct xdp_buff later (rewrite); the arguments of a raw
// tracepoint are read as they are.
//
// `struct __sk_buff` (socket_filter, sched_cls) is not emulated: such programs may run, but not look at their context.

import type { ProgramTypeName } from '../profile/names.ts'
import { UNKNOWN_NUMBER, pointer } from './register.ts'
import type { Register, RegisterType } from './register.ts'
import { refuse } from './refusal.ts'
import type { Walk } from './walk.ts'

interface Field {
  readonly offset: number
  readonly size: number
  readonly gives: RegisterType
}

const field = (offset: number, gives: RegisterType = 'scalar'): Field => ({ offset, size: 4, gives })

/** struct xdp_md; egress_ifindex at 20 is only for programs attached to a devmap. */
const XDP_FIELDS: readonly Field[] = [
  field(0, 'pkt'), field(4, 'pkt_end'), field(8, 'pkt_meta'), field(12), field(16)
]

const TRACEPOINT_ARGUMENTS = 12

/** @returns the field at exactly this place, or undefined */
function fieldOf (type: ProgramTypeName, offset: number, size: number): Field | undefined {
  switch (type) {
    case 'xdp': return XDP_FIELDS.find((candidate) => candidate.offset === offset && candidate.size === size)
    case 'raw_tracepoint': {
      const isInside = offset >= 0 && offset < TRACEPOINT_ARGUMENTS * 8 && offset % size === 0
      return isInside ? { offset, size, gives: 'scalar' } : undefined
    }
    default: return undefined
  }
}

export function checkContextAccess (walk: Walk, offset: number, size: number, direction: 'read' | 'write'): void {
  const { type } = walk.program
  if (type === 'socket_filter' || type === 'sched_cls') {
    refuse('EACCES', `the context of ${type} programs (struct __sk_buff) is not emulated`, `invalid bpf_context access off=${offset} size=${size}`)
  }
  if (direction === 'write' || fieldOf(type, offset, size) === undefined) refuse('EACCES', `invalid bpf_context access off=${offset} size=${size}`)
}

export function loadContext (walk: Walk, offset: number, size: number, isSigned: boolean): Register {
  checkContextAccess(walk, offset, size, 'read')
  const found = fieldOf(walk.program.type, offset, size) as Field
  if (found.gives !== 'scalar' && isSigned) refuse('EACCES', `invalid bpf_context access off=${offset} size=${size}`)
  if (walk.program.type === 'xdp') walk.recordContextField(offset, size)
  return found.gives === 'scalar' ? UNKNOWN_NUMBER : pointer(found.gives)
}
