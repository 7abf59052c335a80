// What an ELF object says, as plain data: the same bytes give the same spec on every machine. Nothing in here
// depends on a kernel, a profile or a running node; `JSON.stringify` of it (byte arrays as hex) is its printed form.

import type { Insn } from '../isa/insn.ts'
import type { MapTypeName, ProgramTypeName } from '../profile/names.ts'

export type { MapTypeName, ProgramTypeName } from '../profile/names.ts'

export interface MapSpec {
  readonly name: string
  readonly type: MapTypeName
  readonly keySize: number
  readonly valueSize: number
  readonly maxEntries: number
  /** BPF_F_* bits as in bpf(2) */
  readonly flags: number
  /** template of the inner maps, for array_of_maps and hash_of_maps */
  readonly inner?: MapSpec
  /** with BPF_F_NUMA_NODE in `flags`, ignored without */
  readonly numaNode?: number
  readonly pinByName?: boolean
  /** initial bytes of the one element of .rodata, .data, .bss and their suffixed forms */
  readonly contents?: Uint8Array
  /** .rodata: frozen after its contents are written */
  readonly freeze?: boolean
}

/** Where an instruction refers to a map or to bytes within one (direct value access). */
export interface MapReference {
  readonly insn: number
  readonly map: string
  /** null: the map itself (src_reg 1); a number: a direct value at that offset (src_reg 2) */
  readonly valueOffset: number | null
}

/** A field access that depends on the target kernel's struct layout. */
export interface CoreRelocation {
  readonly insn: number
  /** struct name, e.g. `bpf_map` */
  readonly type: string
  /** dotted member path, e.g. `max_entries` */
  readonly path: string
  /** libbpf's enumeration; 0 field byte offset, 1 field byte size, 2 field exists ... */
  readonly kind: number
}

/** C source position of an instruction, from .BTF.ext. */
export interface LineInfo {
  readonly insn: number
  readonly file: string
  readonly text: string
  readonly line: number
  readonly column: number
}

export interface FunctionInfo {
  readonly insn: number
  readonly name: string
  /** C prototype as bpftool prints it, e.g. `int handle__sys_enter(void * ctx)` */
  readonly prototype: string
  readonly linkage: 'static' | 'global' | 'extern'
}

export interface ProgramSpec {
  readonly name: string
  readonly section: string
  readonly type: ProgramTypeName
  /** the program with the subprograms it calls appended, as libbpf would load it */
  readonly insns: readonly Insn[]
  readonly maps: readonly MapReference[]
  readonly coreRelocations: readonly CoreRelocation[]
  readonly lines: readonly LineInfo[]
  readonly functions: readonly FunctionInfo[]
}

export interface CollectionSpec {
  readonly license: string
  readonly maps: readonly MapSpec[]
  readonly programs: readonly ProgramSpec[]
}
