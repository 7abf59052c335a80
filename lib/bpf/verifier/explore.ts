// The walk: depth first over the branches, fall-through first, until every path ends. At prune points states are kept;
// a path whose state is covered by one that was walked to the end needs no further look. When to keep a state follows the
// kernel's rule of thumb, so that both walk about the same instructions.

import {
  BPF_ALU, BPF_ALU64, BPF_CALL, BPF_EXIT, BPF_JA, BPF_JMP32, BPF_LD, BPF_LDX, BPF_PSEUDO_CALL, BPF_PSEUDO_FUNC, BPF_ST, BPF_STX, BPF_X,
  EXIT, JUMP_LONG, LD_IMM64, classOf, operationOf, sourceOf
} from '../isa/op.ts'
import type { Insn } from '../isa/insn.ts'
import { walkAlu } from './alu.ts'
import { walkHelperCall } from './call.ts'
import { covers, identical } from './coverage.ts'
import { isSubprogramCall } from './flow.ts'
import type { Flow } from './flow.ts'
import { walkJump } from './jump.ts'
import { walkLoad, walkStore } from './memory.ts'
import { registerUse } from './needs.ts'
import { frameText } from './print.ts'
import { UNSET, change, ofConstant, pointer } from './register.ts'
import type { Register } from './register.ts'
import { Refusal, refuse } from './refusal.ts'
import { copyFrames, newFrame } from './state.ts'
import type { ExploredState, Frame, State } from './state.ts'
import { jumpTarget } from './structure.ts'
import type { Walk } from './walk.ts'
import { Word } from './word.ts'

/** Branches that wait to be walked. */
const PENDING_MAX = 8192
/**
 * A state is forgotten when it was compared in vain this often, and as often again for each time it helped. The kernel gives up after 3. As
 * needs.ts tells the states of all paths apart by what any of them relies on, more of them are worth keeping here.
 */
const FORGET_FACTOR = 32

interface Pending {
  readonly state: State
  readonly index: number
  readonly from: number
  readonly mark: number
}

/** What one instruction led to: the next one, or the end of the path. */
type Next = number | null

/** At which prune points states are kept: as the kernel does, at all, at none. */
export type Pruning = 'kernel' | 'always' | 'never'

export function explore (walk: Walk, flow: Flow, pruning: Pruning): void {
  new Exploration(walk, flow, pruning).run()
}

class Exploration {
  private readonly walk: Walk
  private readonly flow: Flow
  private readonly pruning: Pruning
  private readonly explored: ExploredState[][]
  private readonly pending: Pending[] = []
  private jumps = 0
  private jumpsAtState = 0
  private processedAtState = 0
  private previous = -1
  private isResumed = false

  constructor (walk: Walk, flow: Flow, pruning: Pruning) {
    this.walk = walk
    this.flow = flow
    this.pruning = pruning
    this.explored = walk.program.insns.map(() => [])
    walk.fork = (state, index) => this.push(state, index)
  }

  run (): void {
    const { walk } = this
    walk.log.whole('0:', walk.state)
    for (let index: Next = 0; ;) {
      index = index === null ? this.resume() : this.step(index)
      if (index === null && this.pending.length === 0) {
        this.closePath()
        return
      }
    }
  }

  private step (index: number): Next {
    const { walk, flow } = this
    walk.index = index
    const { maxInsns } = walk.program.profile.limits
    if (++walk.processed > maxInsns) refuse('E2BIG', `BPF program is too large. Processed ${walk.processed} insn`)
    if (flow.prunePoints[index] === 1 && this.pruning !== 'never' && this.isCovered(index)) {
      this.logSafe(index)
      return null
    }
    if (this.isResumed) walk.log.whole(`\nfrom ${this.previous} to ${index}:`, walk.state)
    this.isResumed = false
    const facts = walk.facts[index] as { reachable: boolean }
    facts.reachable = true
    this.previous = index
    const { insn } = walk
    if (walk.log.level === 0) return this.walkInstruction(insn, index)
    walk.log.instruction(walk.program.insns, index, () => this.mapOperand(index))
    const next = this.walkInstruction(insn, index)
    const { uses, defines } = registerUse(insn)
    if (!isControlTransfer(insn)) walk.log.state(walk.state, uses | defines)
    return next
  }

  private mapOperand (index: number): { id: number, valueOffset: number | null } | undefined {
    const named = this.walk.program.mapAt(index)
    return named === undefined ? undefined : { id: named.target.map.id, valueOffset: named.valueOffset }
  }

  private logSafe (index: number): void {
    if (this.walk.log.level === 0) return
    this.walk.log.pathEnds(this.isResumed ? `\nfrom ${this.previous} to ${index}: safe` : `${index}: safe`)
  }

  private resume (): Next {
    this.closePath()
    const { state, index, from, mark } = this.pending.pop() as Pending
    this.walk.log.rewind(mark)
    this.walk.state = state
    this.previous = from
    this.isResumed = true
    return index
  }

  /** The path has ended; states all of whose paths have are safe to prune with. */
  private closePath (): void {
    let explored = this.walk.state.parent
    while (explored !== null && --explored.openPaths === 0) explored = explored.parent
  }

  private push (state: State, index: number): void {
    if (this.pending.length >= PENDING_MAX) refuse('E2BIG', `The sequence of ${this.pending.length} jumps is too complex.`)
    if (state.parent !== null) state.parent.openPaths++
    this.pending.push({ state, index, from: this.walk.index, mark: this.walk.log.mark() })
  }

  private walkInstruction (insn: Insn, index: number): Next {
    const { walk } = this
    switch (classOf(insn.code)) {
      case BPF_ALU: case BPF_ALU64:
        walkAlu(walk)
        return index + 1
      case BPF_LDX:
        walkLoad(walk)
        return index + 1
      case BPF_ST: case BPF_STX:
        walkStore(walk)
        return index + 1
      case BPF_LD:
        if (insn.code !== LD_IMM64) return this.refusePacketLoad()
        walkWide(walk, insn, index)
        return index + 2
      default: return this.walkControl(insn, index)
    }
  }

  /** BPF_LD_ABS and BPF_LD_IND read a socket buffer, which is not emulated. */
  private refusePacketLoad (): never {
    const { type } = this.walk.program
    return refuse('EINVAL', type === 'socket_filter' || type === 'sched_cls'
      ? `the packet of ${type} programs (struct __sk_buff) is not emulated`
      : 'BPF_LD_[ABS|IND] instructions not allowed for this program type')
  }

  private walkControl (insn: Insn, index: number): Next {
    const { walk } = this
    const { code } = insn
    const is32 = classOf(code) === BPF_JMP32
    const isRegister = sourceOf(code) === BPF_X
    this.jumps++
    switch (operationOf(code)) {
      case BPF_CALL: {
        const isSubprogram = insn.src === BPF_PSEUDO_CALL
        if (is32 || isRegister || insn.off !== 0 || insn.dst !== 0 || (insn.src !== 0 && !isSubprogram)) refuse('EINVAL', 'BPF_CALL uses reserved fields')
        if (isSubprogram) return this.enter(index, index + insn.imm + 1)
        walkHelperCall(walk)
        return index + 1
      }
      case BPF_JA: {
        const isReserved = code === JUMP_LONG ? insn.off !== 0 : insn.imm !== 0
        if (isRegister || insn.src !== 0 || insn.dst !== 0 || isReserved) refuse('EINVAL', 'BPF_JA uses reserved fields')
        return jumpTarget(insn, index)
      }
      case BPF_EXIT:
        if (is32 || isRegister || insn.src !== 0 || insn.dst !== 0 || insn.imm !== 0) refuse('EINVAL', 'BPF_EXIT uses reserved fields')
        return this.leave()
      default: {
        const { fallThrough, taken } = walkJump(walk)
        const target = jumpTarget(insn, index)
        if (fallThrough === null) return target
        if (taken !== null) this.push(taken, target)
        return index + 1
      }
    }
  }

  /** A bpf-to-bpf call is walked in its caller's state. */
  private enter (index: number, target: number): Next {
    const { walk } = this
    const { callFrames } = walk.program.profile.limits
    if (walk.state.frames.length >= callFrames) refuse('E2BIG', `the call stack of ${walk.state.frames.length + 1} frames is too deep`)
    const caller = walk.frame
    const callee = newFrame(index, target)
    for (let r = 1; r <= 5; r++) callee.registers[r] = caller.registers[r] as Register
    for (let r = 0; r <= 5; r++) caller.registers[r] = UNSET
    callee.registers[10] = pointer('fp', { frame: walk.state.frames.length })
    walk.state.frames.push(callee)
    walk.log.whole('callee:', walk.state)
    return target
  }

  private leave (): Next {
    const { walk } = this
    if (walk.state.depth === 0) {
      const result = walk.read(0)
      if (!walk.program.isPrivileged && result.type !== 'scalar') refuse('EACCES', 'R0 leaks addr as return value')
      return null
    }
    const callee = walk.state.frames.pop() as Frame
    const result = callee.registers[0] as Register
    if (result.type === 'fp') refuse('EINVAL', 'cannot return stack pointer to the caller')
    walk.frame.registers[0] = result
    walk.log.whole(`to caller at ${callee.callSite + 1}:`, walk.state)
    return callee.callSite + 1
  }

  /** @returns whether the path may end here; if not, its state may be kept for later paths */
  private isCovered (index: number): boolean {
    const { walk } = this
    const states = this.explored[index] as ExploredState[]
    const jumpsSince = this.jumps - this.jumpsAtState
    const processedSince = walk.processed - this.processedAtState
    let keep = this.pruning === 'always' || (jumpsSince >= 2 && processedSince >= 8)
    walk.needs.propagate()
    for (let i = 0; i < states.length; i++) {
      const explored = states[i] as ExploredState
      if (explored.openPaths > 0) {
        if (identical(explored.frames, walk.state.frames)) this.refuseLoop(index, explored)
        // still in a loop: a state of every iteration would help nobody
        if (this.pruning === 'kernel' && jumpsSince < 20 && processedSince < 100) keep = false
      } else if (covers(explored.frames, walk.state.frames, index, walk.needs, walk.program.isPrivileged)) {
        explored.hits++
        return true
      }
      if (keep) explored.misses++
      if (explored.misses > explored.hits * FORGET_FACTOR + FORGET_FACTOR) states.splice(i--, 1)
    }
    if (keep) this.remember(states)
    return false
  }

  private remember (states: ExploredState[]): void {
    const { walk } = this
    this.jumpsAtState = this.jumps
    this.processedAtState = walk.processed
    const kept: ExploredState = { frames: copyFrames(walk.state.frames), parent: walk.state.parent, openPaths: 1, hits: 0, misses: 0 }
    states.push(kept)
    walk.state.parent = kept
  }

  private refuseLoop (index: number, { frames }: ExploredState): never {
    const text = (list: readonly Frame[]): string => frameText(list[list.length - 1] as Frame, list.length - 1)
    const cause = `infinite loop detected at insn ${index}`
    throw new Refusal('EINVAL', [cause, `cur state:${text(this.walk.state.frames)}`, `old state:${text(frames)}`], cause)
  }
}

/** Calls and exits print whole frames. */
const isControlTransfer = (insn: Insn): boolean => isSubprogramCall(insn) || insn.code === EXIT

/** ld_imm64: a constant, a map, or a place inside the value of a map. */
function walkWide (walk: Walk, insn: Insn, index: number): void {
  if (insn.off !== 0) refuse('EINVAL', 'BPF_LD_IMM64 uses reserved fields')
  walk.checkWritable(insn.dst)
  const upper = walk.program.insns[index + 1] as Insn
  const upperFacts = walk.facts[index + 1] as { reachable: boolean }
  upperFacts.reachable = true
  if (insn.src === BPF_PSEUDO_FUNC) refuse('EINVAL', 'callbacks are not emulated')
  const named = walk.program.mapAt(index)
  if (insn.src === 0 || named === undefined) return walk.set(insn.dst, ofConstant(new Word(upper.imm, insn.imm)))
  const { target, valueOffset } = named
  walk.set(insn.dst, valueOffset === null ? pointer('map_ptr', { target }) : change(pointer('map_value', { target }), { off: valueOffset }))
}
