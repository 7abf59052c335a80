// How an engine ends a packet that may not go on. A fault is a value: nothing is thrown, and other packets run on.

import type { Access, Region } from '../verifier/facts.ts'
import { FAULT_ACCESS, FAULT_BUDGET, FAULT_CALL } from './assembly/exec-layout.ts'

/** `budget`: too many instructions; `access`: outside its object; `call`: too many frames; `trap`: an access outside all memory */
export type FaultCode = 'budget' | 'access' | 'call' | 'trap'

export interface Fault {
  readonly code: FaultCode
  /** what happened, for people */
  readonly message: string
  /** slot in the translated program; -1: not known, after a trap */
  readonly insn: number
}

/** The access of an instruction with the address it went to. */
export interface FaultingAccess {
  readonly region: Region
  readonly size: number
  readonly kind: Access['kind']
  /** hex, without 0x */
  readonly address: string
}

const places: Record<Region, string> = {
  stack: 'the stack', packet: 'the packet', ctx: 'the context', map: 'any map value', kernel: 'the kernel structs of the context'
}

/** @param number FAULT_* of assembly/exec-layout.ts; @param budget instructions that were allowed */
export function faultOf (number: number, insn: number, budget: number, access?: FaultingAccess): Fault {
  switch (number) {
    case FAULT_BUDGET: return { code: 'budget', message: `the program ran more than ${budget} instructions`, insn }
    case FAULT_CALL: return { code: 'call', message: 'the call would need more than 8 stack frames', insn }
    case FAULT_ACCESS: return { code: 'access', message: accessMessage(access), insn }
    default: return { code: 'trap', message: 'an access that was taken for proved left the memory', insn: -1 }
  }
}

function accessMessage (access: FaultingAccess | undefined): string {
  if (access === undefined) return 'an access outside its object'
  return `${access.kind} of ${access.size} bytes at 0x${access.address} is not inside ${places[access.region]}`
}
