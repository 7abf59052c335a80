// What all steps of the walk share: the program, the state of the path being walked, and what was found so far.

import type { Insn } from '../isa/insn.ts'
import type { ProgramTypeName } from '../profile/names.ts'
import type { KernelProfile } from '../profile/types.ts'
import type { Access, InsnFacts, MapView, Region } from './facts.ts'
import type { Log } from './log.ts'
import type { Needs } from './needs.ts'
import { change, isScalar, ofConstant } from './register.ts'
import type { MapTarget, Register } from './register.ts'
import { refuse } from './refusal.ts'
import { isKnown } from './scalar.ts'
import type { Frame, State } from './state.ts'
import { ofS32 } from './word.ts'

export interface Program {
  readonly insns: readonly Insn[]
  readonly type: ProgramTypeName
  readonly profile: KernelProfile
  readonly subprograms: readonly number[]
  /** the map a wide immediate names, and the offset of a direct value */
  readonly mapAt: (insn: number) => { readonly target: MapTarget, readonly valueOffset: number | null } | undefined
  /** CAP_PERFMON: uninitialised stack may be read, pointers may leak, nothing is masked */
  readonly isPrivileged: boolean
  readonly isGplCompatible: boolean
  /** bound of what bpf_get_smp_processor_id returns; undefined: any */
  readonly possibleCpus: number | undefined
}

type Draft<T> = { -readonly [K in keyof T]: T[K] }

export class Walk {
  readonly program: Program
  readonly log: Log
  readonly needs: Needs
  readonly facts: Array<Draft<InsnFacts>>
  /** deepest stack use of each function, in bytes, by first instruction */
  readonly stackDepths = new Map<number, number>()
  state: State
  /** the instruction being walked */
  index = 0
  processed = 0
  /** Leaves a second path to be walked, which starts at an instruction with a state of its own. */
  fork: (state: State, index: number) => void = () => {}
  private lastId = 0
  private readonly immediates = new Map<number, Register>()

  constructor (program: Program, log: Log, needs: Needs, state: State) {
    this.program = program
    this.log = log
    this.needs = needs
    this.state = state
    this.facts = program.insns.map(() => ({ reachable: false }))
  }

  get frame (): Frame { return this.state.frame }
  get insn (): Insn { return this.program.insns[this.index] as Insn }

  newId (): number { return ++this.lastId }

  /** @returns what the register holds, without a look at whether it may be read */
  register (number: number): Register { return this.frame.registers[number] as Register }

  set (number: number, register: Register): void { this.frame.registers[number] = register }

  /** @returns the register for reading; refused when nothing was written to it */
  read (number: number): Register {
    if (number > 10) refuse('EINVAL', `R${number} is invalid`)
    const register = this.register(number)
    if (register.type === '?') refuse('EACCES', `R${number} !read_ok`)
    return register
  }

  /** @returns the number an instruction carries, sign-extended; the same object every time */
  immediate (imm: number): Register {
    let register = this.immediates.get(imm)
    if (register === undefined) {
      register = ofConstant(ofS32(imm))
      this.immediates.set(imm, register)
    }
    return register
  }

  /** Refuses registers that programs may not write. */
  checkWritable (number: number): void {
    if (number > 10) refuse('EINVAL', `R${number} is invalid`)
    if (number === 10) refuse('EACCES', 'frame pointer is read only')
  }

  /** The walk goes on as it does because of this number: states that differ in it differ. */
  rely (number: number): void {
    if (isScalar(this.register(number))) this.needs.relyOnRegister(this.index, number)
  }

  /** A copy of a number and its origin stay equal: both get an id, unless the number is known anyway. */
  identify (number: number): Register {
    const register = this.register(number)
    const identified = this.identified(register)
    if (identified !== register) this.set(number, identified)
    return identified
  }

  identified (register: Register): Register {
    if (!isScalar(register)) return register
    const kept = register.delta === null ? register.id : 0
    const id = kept === 0 && !isKnown(register.scalar) ? this.newId() : kept
    return id === register.id && register.delta === null ? register : change(register, { id, delta: null })
  }

  /** Where one instruction reaches several regions on different paths, the first one seen stands in the facts. */
  recordAccess (region: Region, size: number, kind: Access['kind']): void {
    const facts = this.facts[this.index] as Draft<InsnFacts>
    facts.access ??= { region, size, kind, proved: true }
    if (facts.access.region !== region && (facts.access.region === 'ctx') !== (region === 'ctx')) {
      refuse('EINVAL', 'same insn cannot be used with different pointers')
    }
  }

  recordContextField (offset: number, size: number): void {
    (this.facts[this.index] as Draft<InsnFacts>).contextField = { offset, size }
  }

  recordKey (region: Region): void {
    (this.facts[this.index] as Draft<InsnFacts>).keyRegion ??= region
  }

  /** @param target the map the helper works on here and now */
  recordMapAtCall ({ view }: MapTarget): void {
    const facts = this.facts[this.index] as Draft<InsnFacts>
    if (facts.mapAtCall === undefined) facts.mapAtCall = view
    else if (facts.mapAtCall !== 'poisoned' && !sameMap(facts.mapAtCall, view)) facts.mapAtCall = 'poisoned'
  }
}

const sameMap = (a: MapView, b: MapView): boolean => a.usedMap === b.usedMap && a.inner === b.inner
