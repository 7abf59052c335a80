// Where things lie in linear memory: a pre-decoded record, a program bound to an execution, the execution itself, a
// slot of a packet batch. Read by both compilers, like exec-opcodes.ts: literals only, all little-endian.

// A record, 16 bytes. Registers are absolute addresses of the execution's register file, jump targets absolute
// addresses of records, so the interpreter adds nothing.
//
//    0           2         4                8                      12                    16
//   +-----------+---------+----------------+----------------------+---------------------+
//   | operation | off s16 | dst register   | src register, target | imm s32, target of  |
//   |           |         |                | of K jumps and calls | X jumps             |
//   +-----------+---------+----------------+----------------------+---------------------+
//                                          | 64-bit immediate of LOAD_IMM64             |
//                                          +--------------------------------------------+
export const RECORD_BYTES = 16
export const RECORD_OPERATION = 0
export const RECORD_OFF = 2
export const RECORD_DST = 4
export const RECORD_SRC = 8
export const RECORD_IMM = 12

// A binding: a program as one execution runs it. All u32: addresses of its parts, each with one entry per record.
/** the records */
export const BINDING_CODE = 0
/** number of records */
export const BINDING_COUNT = 4
/** s32 per record and one more: difference array of how often each record ran since the last account */
export const BINDING_DIFF = 8
/** u16 per record: low byte the cost class, high byte the access (region, log2 of the size << 4) */
export const BINDING_INFO = 12
/** u64 per record: how often it ran */
export const BINDING_PROFILE = 16
export const BINDING_BYTES = 64

// Cost class of a record: an index into the execution's histogram, which the binding sums up.
/** + region 0..4 */
export const COST_LOAD = 1
export const COST_STORE = 6
export const COST_ATOMIC = 11
export const COST_ACCESS_MASK = 15
export const COST_MAP_LOOKUP = 16
export const COST_MAP_CALL = 32
export const COST_CLASSES = 64

// Regions, in the order of a Cost's members
export const REGION_STACK = 0
export const REGION_PACKET = 1
export const REGION_CTX = 2
export const REGION_MAP = 3
export const REGION_KERNEL = 4

// Faults; 0: none
export const FAULT_BUDGET = 1
export const FAULT_ACCESS = 2
export const FAULT_CALL = 3
export const FAULT_TRAP = 4

// An execution. r0..r11 come first, 8 bytes each; r11 is the hidden register of rewritten code.
export const EXEC_R0 = 0
export const EXEC_R1 = 8
export const EXEC_R2 = 16
export const EXEC_R3 = 24
export const EXEC_R4 = 32
export const EXEC_R5 = 40
export const EXEC_R6 = 48
export const EXEC_R7 = 56
export const EXEC_R8 = 64
export const EXEC_R9 = 72
export const EXEC_R10 = 80
export const EXEC_R11 = 88
export const EXEC_CPU = 96
export const EXEC_WORKER = 100
/** most instructions of one packet */
export const EXEC_BUDGET = 104
export const EXEC_FAULT = 108
/** address of the record at fault */
export const EXEC_FAULT_RECORD = 112
/** instructions of the last packet */
export const EXEC_EXECUTED = 116
/** first record of the straight run under way: where an account that a trap cut short ends */
export const EXEC_SEGMENT = 120
/** xorshift32 state of bpf_get_prandom_u32, never 0 */
export const EXEC_RANDOM = 124
/** u64: what bpf_ktime_get_ns returns */
export const EXEC_CLOCK = 128
/** u64: address of the access at fault */
export const EXEC_FAULT_ADDRESS = 136
/** slot of the batch under way */
export const EXEC_SLOT = 144
/** address of struct xdp_buff, and of its members, whose offsets are the profile's */
export const EXEC_CTX = 148
export const EXEC_CTX_DATA = 152
export const EXEC_CTX_DATA_END = 156
export const EXEC_CTX_DATA_META = 160
export const EXEC_CTX_HARD_START = 164
export const EXEC_CTX_FRAME_SIZE = 168
/** first byte after struct xdp_buff, after the last struct of the context */
export const EXEC_CTX_END = 172
export const EXEC_STRUCTS_END = 176
/** lowest address of the stack: STACK_FRAMES frames, the entry function's on top */
export const EXEC_STACK = 180
/** faults of the batch under way */
export const EXEC_FAULTS = 184
/** address of the notes (NOTES_*) that records NOTE_* write; 0: nobody wants them */
export const EXEC_NOTES = 188
/** saved r6..r9 and the address to return to, one per bpf-to-bpf call under way */
export const EXEC_FRAMES = 192
export const FRAME_BYTES = 40
export const FRAME_RETURN = 32
/** lowest address of the frame that the packet or its metadata began at: below it, the headroom counts as zeros */
export const EXEC_LOWEST = 512
/** u64 per cost class */
export const EXEC_COSTS = 576
export const EXEC_BYTES = 1088

export const STACK_FRAMES = 8
export const STACK_FRAME_BYTES = 512

// A slot of a packet batch: this header, then PACKET_HEADROOM bytes, then the packet. The program runs in place.
/** u32 in, out: packet length */
export const SLOT_LENGTH = 0
/** u32 in, out: where in the slot the packet begins */
export const SLOT_DATA = 4
/** u32 out: r0 */
export const SLOT_VERDICT = 8
/** u32 out: instructions executed */
export const SLOT_EXECUTED = 12
/** u32 out: a fault, 0 none */
export const SLOT_FAULT = 16
/** u32 out: index of the record at fault */
export const SLOT_FAULT_RECORD = 20
/** u64 out */
export const SLOT_FAULT_ADDRESS = 24
export const SLOT_HEADER_BYTES = 32

export const PACKET_HEADROOM = 256

// Notes: what a program and the map functions it calls touched, in order. Two words of header, then eight bytes each: address, and what.
/** u32: notes written, or wanted beyond the capacity */
export const NOTES_COUNT = 0
export const NOTES_CAPACITY = 4
export const NOTES_HEADER_BYTES = 8
export const NOTE_BYTES = 8
/** bytes of the access, in the lowest bits of `what` */
export const NOTE_SIZE_MASK = 255
/** region << 8: REGION_*, or what a map function touched */
export const NOTE_REGION_SHIFT = 8
export const NOTE_REGION_MASK = 7
export const NOTE_FUNCTION = 5
export const NOTE_IS_STORE = 1 << 11
