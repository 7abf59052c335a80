// Opcode bits under the names of the kernel's uapi header, so that code here and code there read alike.
//
//   arithmetic and jumps          loads and stores
//   +----------+-+-----+          +-----+----+-----+
//   |operation |s|class|          |mode |size|class|
//   +----------+-+-----+          +-----+----+-----+
//    7        4 3 2   0            7   5 4  3 2   0
//
// Source: RFC 9669, section 3 and 4; the internal ones at the end never appear in an object file.

// Classes
export const BPF_LD = 0x00
export const BPF_LDX = 0x01
export const BPF_ST = 0x02
export const BPF_STX = 0x03
export const BPF_ALU = 0x04
export const BPF_JMP = 0x05
export const BPF_JMP32 = 0x06
export const BPF_ALU64 = 0x07

// Sources of an operand: immediate, register
export const BPF_K = 0x00
export const BPF_X = 0x08

// Arithmetic
export const BPF_ADD = 0x00
export const BPF_SUB = 0x10
export const BPF_MUL = 0x20
export const BPF_DIV = 0x30
export const BPF_OR = 0x40
export const BPF_AND = 0x50
export const BPF_LSH = 0x60
export const BPF_RSH = 0x70
export const BPF_NEG = 0x80
export const BPF_MOD = 0x90
export const BPF_XOR = 0xa0
export const BPF_MOV = 0xb0
export const BPF_ARSH = 0xc0
export const BPF_END = 0xd0
/** source bit of BPF_END */
export const BPF_TO_LE = 0x00
export const BPF_TO_BE = 0x08

// Jumps
export const BPF_JA = 0x00
export const BPF_JEQ = 0x10
export const BPF_JGT = 0x20
export const BPF_JGE = 0x30
export const BPF_JSET = 0x40
export const BPF_JNE = 0x50
export const BPF_JSGT = 0x60
export const BPF_JSGE = 0x70
export const BPF_CALL = 0x80
export const BPF_EXIT = 0x90
export const BPF_JLT = 0xa0
export const BPF_JLE = 0xb0
export const BPF_JSLT = 0xc0
export const BPF_JSLE = 0xd0
export const BPF_JCOND = 0xe0

// Sizes
export const BPF_W = 0x00
export const BPF_H = 0x08
export const BPF_B = 0x10
export const BPF_DW = 0x18

// Modes
export const BPF_IMM = 0x00
export const BPF_ABS = 0x20
export const BPF_IND = 0x40
export const BPF_MEM = 0x60
export const BPF_MEMSX = 0x80
export const BPF_ATOMIC = 0xc0

// Atomic operations, in `imm`
export const BPF_FETCH = 0x01
export const BPF_XCHG = 0xe1
export const BPF_CMPXCHG = 0xf1
export const BPF_LOAD_ACQ = 0x100
export const BPF_STORE_REL = 0x110

// What the wide immediate means, in `src`
export const BPF_PSEUDO_MAP_FD = 1
export const BPF_PSEUDO_MAP_VALUE = 2
export const BPF_PSEUDO_BTF_ID = 3
export const BPF_PSEUDO_FUNC = 4
export const BPF_PSEUDO_MAP_IDX = 5
export const BPF_PSEUDO_MAP_IDX_VALUE = 6

// What a call means, in `src`; 0 is a helper
export const BPF_PSEUDO_CALL = 1
export const BPF_PSEUDO_KFUNC_CALL = 2

// Inside the kernel only, after verification
/** `off` of a 64-bit register move that adds this CPU's per-CPU offset */
export const BPF_ADDR_PERCPU = -1
/** `off` of a 64-bit register move between address spaces (arenas) */
export const BPF_ADDR_SPACE_CAST = 1
/** speculation barrier: class BPF_ST, mode 0xc0 */
export const BPF_NOSPEC = 0xc0

/** The hidden register of rewritten code. */
export const BPF_REG_AX = 11
export const BPF_REG_FP = 10

export const LD_IMM64 = BPF_LD | BPF_IMM | BPF_DW
export const CALL = BPF_JMP | BPF_CALL
export const EXIT = BPF_JMP | BPF_EXIT
export const JUMP = BPF_JMP | BPF_JA
export const JUMP_LONG = BPF_JMP32 | BPF_JA

export function classOf (code: number): number { return code & 0x07 }
export function operationOf (code: number): number { return code & 0xf0 }
export function sourceOf (code: number): number { return code & 0x08 }
export function sizeOf (code: number): number { return code & 0x18 }
export function modeOf (code: number): number { return code & 0xe0 }

/** @returns bytes of a load, store or atomic */
export function accessBytes (code: number): 1 | 2 | 4 | 8 {
  switch (code & 0x18) {
    case BPF_B: return 1
    case BPF_H: return 2
    case BPF_W: return 4
    default: return 8
  }
}

export function isWide (insn: { readonly code: number }): boolean { return insn.code === LD_IMM64 }

/** @returns whether the class is BPF_JMP or BPF_JMP32: calls, exits and jumps */
export function isJumpClass (code: number): boolean {
  return (code & 0x07) === BPF_JMP || (code & 0x07) === BPF_JMP32
}

/** @returns whether the jump depends on a comparison */
export function isConditionalJump (code: number): boolean {
  const operation = code & 0xf0
  return isJumpClass(code) && operation !== BPF_JA && operation !== BPF_CALL && operation !== BPF_EXIT
}
