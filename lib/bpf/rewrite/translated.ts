// The translated ("xlated") program: what the kernel's verifier would emit, what `bpftool prog dump xlated` prints,
// and what the engines run.

import type { Insn } from '../isa/insn.ts'
import type { Access } from '../verifier/facts.ts'

/** Functions a translated program may call, by the kernel's symbol name (`bpf_map_lookup_elem`, `array_map_lookup_elem`, ...). */
export type KernelSymbol = string

export interface TranslatedInsn extends Insn {
  /** slot in the loaded program that this instruction stems from; -1: none */
  readonly origin: number
  /** of a helper or direct call (code 0x85, src 0) */
  readonly call?: KernelSymbol
  /** of a wide immediate that names a map: which of the program's used maps, and the offset of a direct value */
  readonly mapRef?: { readonly usedMap: number, readonly valueOffset: number | null }
  /** of a load, store or atomic; absent for instructions without a memory access */
  readonly access?: Access
  /** first instruction of a lookup site, inlined or called: counts as one map lookup */
  readonly mapLookup?: true
  /** of a call into a map function (not of other helpers): counts as one map call */
  readonly mapCall?: true
}

export interface TranslatedProgram {
  readonly insns: readonly TranslatedInsn[]
  /** first slot of every function, ascending; [0] is the entry */
  readonly functions: readonly number[]
}
