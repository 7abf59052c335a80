// One BPF instruction as the kernel stores it, one array element per 8-byte slot: a wide immediate
// (ld_imm64) takes two elements, the second with code 0 and the upper half in `imm`. Indices into an
// `Insn[]` are therefore slot indices, which is what jumps, line info and bpftool count in.
//
//    0        8    12   16              32                              64
//   +--------+----+----+---------------+-------------------------------+
//   | opcode |dst |src |  offset (s16) |        immediate (s32)        |
//   +--------+----+----+---------------+-------------------------------+

export interface Insn {
  readonly code: number
  readonly dst: number
  readonly src: number
  /** signed 16 bits */
  readonly off: number
  /** signed 32 bits */
  readonly imm: number
}

/** A slot index into an `Insn[]`; never a byte offset. */
export type InsnIndex = number
