// The tracer's own count of a packet's cost, instruction by instruction, with nothing in common with the interpreter's
// difference array but the definition in core/cost.ts. What ran since the last taken branch is kept apart: a trap
// discards it.

import { BPF_ATOMIC, BPF_LDX, BPF_LOAD_ACQ, BPF_STORE_REL, BPF_STX, classOf, modeOf } from '../isa/op.ts'
import type { Cost } from '../core/index.ts'
import type { TranslatedInsn } from '../rewrite/translated.ts'

export class CostCounter {
  readonly #open: TranslatedInsn[] = []
  #instructions = 0
  #mapLookups = 0
  #mapCalls = 0
  readonly #loads = { stack: 0, packet: 0, ctx: 0, map: 0, kernel: 0 }
  readonly #stores = { stack: 0, packet: 0, ctx: 0, map: 0, kernel: 0 }

  /** executed so far, the open part too */
  get instructions (): number {
    return this.#instructions + this.#open.length
  }

  count (insn: TranslatedInsn): void {
    this.#open.push(insn)
  }

  /** The open part did run. */
  settle (): void {
    for (const insn of this.#open) this.#add(insn)
    this.#open.length = 0
  }

  cost (): Cost {
    return {
      instructions: this.#instructions,
      mapLookups: this.#mapLookups,
      mapCalls: this.#mapCalls,
      loads: { ...this.#loads },
      stores: { ...this.#stores }
    }
  }

  #add (insn: TranslatedInsn): void {
    this.#instructions++
    if (insn.mapLookup === true) this.#mapLookups++
    if (insn.mapCall === true) this.#mapCalls++
    if (insn.access === undefined) return
    const isAtomic = classOf(insn.code) === BPF_STX && modeOf(insn.code) === BPF_ATOMIC
    const isLoad = isAtomic ? insn.imm !== BPF_STORE_REL : classOf(insn.code) === BPF_LDX
    const isStore = isAtomic ? insn.imm !== BPF_LOAD_ACQ : classOf(insn.code) !== BPF_LDX
    if (isLoad) this.#loads[insn.access.region]++
    if (isStore) this.#stores[insn.access.region]++
  }
}
