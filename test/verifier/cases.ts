// What the verifier must accept and refuse, with the errno and the last line before `processed`. The same table is put
// to the running kernel (test/kernel/verifier-verdicts.test.ts), so that the words here are the kernel's.

import type { Insn } from '../../lib/bpf/isa/index.ts'
import type { ProgramTypeName } from '../../lib/bpf/profile/index.ts'
import { INNER_MAP, RDONLY_PROG, WRONLY_PROG, array, assembled, hash } from './support.ts'
import type { TestMap } from './support.ts'

export interface VerifierCase {
  readonly name: string
  readonly insns: readonly Insn[]
  readonly maps: readonly TestMap[]
  readonly type: ProgramTypeName
  /** null: accepted */
  readonly refusal: readonly [errno: string, message: string] | null
}

type Options = Partial<Pick<VerifierCase, 'maps' | 'type'>>

function insnsOf (program: string | readonly Insn[]): readonly Insn[] {
  return typeof program === 'string' ? assembled(program) : program
}

function accepted (name: string, program: string | readonly Insn[], { maps = [], type = 'xdp' }: Options = {}): VerifierCase {
  return { name, insns: insnsOf(program), maps, type, refusal: null }
}

function refused (
  name: string, program: string | readonly Insn[], errno: string, message: string, { maps = [], type = 'xdp' }: Options = {}
): VerifierCase {
  return { name, insns: insnsOf(program), maps, type, refusal: [errno, message] }
}

const raw = (code: number, dst = 0, src = 0, off = 0, imm = 0): Insn => ({ code, dst, src, off, imm })
const END = raw(0x95)
const ZERO = raw(0xb7)

/** r2 = data, r3 = data_end */
const PACKET = 'r2 = *(u32 *)(r1 +0)\nr3 = *(u32 *)(r1 +4)\n'
const PASS = '\nr0 = 2\nexit'
/** r0 = lookup(map 0, &key) with a key nobody knows at fp-4 */
const LOOKUP = 'r6 = *(u32 *)(r1 +16)\n*(u32 *)(r10 -4) = r6\nr2 = r10\nr2 += -4\nr1 = map[id:0]\ncall 1\n'
const CONSTANT_LOOKUP = 'r6 = 0\n*(u32 *)(r10 -4) = r6\nr2 = r10\nr2 += -4\nr1 = map[id:0]\ncall 1\n'
const outer = (inner: TestMap): TestMap => ({ type: 'array_of_maps', maxEntries: 3, inner })
const hashOuter = (inner: TestMap): TestMap => ({ type: 'hash_of_maps', maxEntries: 3, inner })

const structure: readonly VerifierCase[] = [
  refused('code behind exit', 'r0 = 0\nexit\nr0 = 1\nexit', 'EINVAL', 'unreachable insn 2'),
  refused('jump out of the program', 'if r1 == 0 goto +5\nr0 = 0\nexit', 'EINVAL', 'jump out of range from insn 0 to 6'),
  refused('jump before the program', 'r0 = 0\nif r0 == 0 goto -3\nexit', 'EINVAL', 'jump out of range from insn 1 to -1'),
  refused('no exit', 'r0 = 0', 'EINVAL', 'last insn is not an exit or jmp'),
  refused('conditional jump last', 'r0 = 0\nif r0 == 0 goto -2', 'EINVAL', 'last insn is not an exit or jmp'),
  refused('jump into a wide immediate', 'r0 = 0\nif r1 == 0 goto +1\nr2 = 0x1234567890 ll\nexit', 'EINVAL', 'jump into the middle of ldimm64 insn 2'),
  refused('call outside of the program', 'r0 = 0\ncall pc+9\nexit', 'EINVAL', 'call to invalid destination'),
  refused('jump into another function', 'call pc+2\nif r0 == 0 goto +2\nexit\nr0 = 0\nexit', 'EINVAL', 'jump out of range from insn 1 to 4'),
  refused('endless loop', 'r0 = 0\ngoto -1\nexit', 'EINVAL', 'unreachable insn 2'),
  refused('unknown opcode', [ZERO, raw(0x99, 0, 1), END], 'EINVAL', 'unknown opcode 99'),
  refused('opcode 0xff', [ZERO, raw(0xff), END], 'EINVAL', 'unknown opcode ff'),
  refused('half a wide immediate', [raw(0x18), END], 'EINVAL', 'invalid bpf_ld_imm64 insn'),
  refused('wide immediate with a register in its upper half', [raw(0x18), raw(0, 1), ZERO, END], 'EINVAL', 'invalid bpf_ld_imm64 insn'),
  refused('wide immediate of an unknown kind', [raw(0x18, 0, 9), raw(0), ZERO, END], 'EINVAL', 'unrecognized bpf_ld_imm64 insn'),
  refused('map descriptor that is none', [raw(0x18, 1, 1, 0, 9999), raw(0), ZERO, END], 'EBADF', 'fd 9999 is not pointing to valid bpf_map'),
  refused('offset in a wide immediate', [raw(0x18, 1, 0, 5), raw(0), ZERO, END], 'EINVAL', 'BPF_LD_IMM64 uses reserved fields'),
  refused('move with reserved fields', [raw(0xb7, 0, 1), END], 'EINVAL', 'BPF_MOV uses reserved fields'),
  refused('addition with reserved fields', [ZERO, raw(0x07, 0, 1, 0, 1), END], 'EINVAL', 'BPF_ALU uses reserved fields'),
  refused('negation with reserved fields', [ZERO, raw(0x87, 0, 0, 0, 1), END], 'EINVAL', 'BPF_NEG uses reserved fields'),
  refused('byte swap of 8 bits', [ZERO, raw(0xd4, 0, 0, 0, 8), END], 'EINVAL', 'BPF_END uses reserved fields'),
  refused('call with reserved fields', [raw(0x85, 1, 0, 0, 7), END], 'EINVAL', 'BPF_CALL uses reserved fields'),
  refused('exit with reserved fields', [ZERO, raw(0x95, 0, 0, 0, 1)], 'EINVAL', 'BPF_EXIT uses reserved fields'),
  refused('goto with reserved fields', [ZERO, raw(0x05, 0, 0, 0, 1), END], 'EINVAL', 'BPF_JA uses reserved fields'),
  refused('jump with reserved fields', [ZERO, raw(0x15, 0, 1, 0, 1), END], 'EINVAL', 'BPF_JMP/JMP32 uses reserved fields'),
  refused('load with an immediate', [raw(0x61, 0, 1, 0, 1), END], 'EINVAL', 'BPF_LDX uses reserved fields'),
  refused('store with an immediate', [ZERO, raw(0x7b, 10, 0, -8, 1), END], 'EINVAL', 'BPF_STX uses reserved fields'),
  refused('store of an immediate with a register', [ZERO, raw(0x7a, 10, 1, -8, 1), END], 'EINVAL', 'BPF_ST uses reserved fields'),
  refused('register 11', [raw(0xb7, 11), ZERO, END], 'EINVAL', 'R11 is invalid'),
  refused('packet load in XDP', [raw(0x20), END], 'EINVAL', 'BPF_LD_[ABS|IND] instructions not allowed for this program type'),
  accepted('goto next', 'r0 = 0\ngoto +0\nexit'),
  accepted('bounded loop', 'r0 = 0\nr0 += 1\nif r0 < 100 goto -2\nexit'),
  refused('loop that changes nothing', 'r0 = 0\nr1 = 1\nif r0 == 0 goto -2\nexit', 'EINVAL', 'infinite loop detected at insn 1')
]

const registers: readonly VerifierCase[] = [
  refused('register nobody wrote', 'r0 = r3\nexit', 'EACCES', 'R3 !read_ok'),
  refused('no result', 'exit', 'EACCES', 'R0 !read_ok'),
  refused('register clobbered by a call', 'call 7\nr0 = r1\nexit', 'EACCES', 'R1 !read_ok'),
  refused('frame pointer written', 'r10 = 0\nr0 = 0\nexit', 'EACCES', 'frame pointer is read only'),
  refused('frame pointer moved', 'r10 += 8\nr0 = 0\nexit', 'EACCES', 'frame pointer is read only'),
  refused('division by constant 0', 'r0 = 1\nr0 /= 0\nexit', 'EINVAL', 'div by zero'),
  refused('remainder by constant 0', 'w0 = 1\nw0 %= 0\nexit', 'EINVAL', 'div by zero'),
  refused('shift by 64', 'r0 = 1\nr0 <<= 64\nexit', 'EINVAL', 'invalid shift 64'),
  refused('shift by 32 of 32 bits', 'w0 = 1\nw0 >>= 32\nexit', 'EINVAL', 'invalid shift 32'),
  refused('shift by a negative number', 'r0 = 1\nr0 s>>= -1\nexit', 'EINVAL', 'invalid shift -1'),
  refused('pointer times 8', 'r1 *= 8\nr0 = 0\nexit', 'EACCES', 'R1 pointer arithmetic with *= operator prohibited'),
  refused('pointer masked', 'r1 &= 8\nr0 = 0\nexit', 'EACCES', 'R1 bitwise operator &= on pointer prohibited'),
  refused('pointer plus pointer', 'r2 = r10\nr2 += r1\nr0 = 0\nexit', 'EACCES', 'R2 pointer += pointer prohibited'),
  refused('32-bit pointer arithmetic', 'w1 += 8\nr0 = 0\nexit', 'EACCES', 'R1 32-bit pointer arithmetic prohibited'),
  refused('stack pointer minus', 'r2 = r10\nr2 -= 8\nr0 = 0\nexit', 'EACCES', 'R2 subtraction from stack pointer prohibited'),
  refused('number minus pointer', 'r2 = 8\nr2 -= r1\nr0 = 0\nexit', 'EACCES', 'R2 tried to subtract pointer from scalar'),
  refused('pointer plus too much', 'r2 = r10\nr3 = 0x20000000 ll\nr2 += r3\nr0 = 0\nexit', 'EINVAL', 'math between fp pointer and 536870912 is not allowed'),
  refused('pointer plus anything', 'call 5\nr2 = r10\nr2 += r0\nr0 = 0\nexit', 'EINVAL',
    'math between fp pointer and register with unbounded min value is not allowed'),
  refused('load through a number', 'r1 = 8\nr0 = *(u32 *)(r1 +0)\nexit', 'EACCES', "R1 invalid mem access 'scalar'"),
  accepted('pointer difference', `${PACKET}r3 -= r2\nr0 = r3\nexit`),
  accepted('negation, swaps, extension', 'r0 = *(u32 *)(r1 +16)\nr0 = -r0\nr0 = be16 r0\nw0 = -w0\nr0 = le32 r0\nr0 = be64 r0\nexit'),
  refused('unknown helper', 'call 9999\nexit', 'EINVAL', 'invalid func unknown#9999'),
  accepted('helpers without arguments', 'call 5\nr6 = r0\ncall 7\nr6 += r0\ncall 8\nr0 += r6\nexit')
]

const context: readonly VerifierCase[] = [
  refused('context beyond its end', 'r0 = *(u32 *)(r1 +24)\nexit', 'EACCES', 'invalid bpf_context access off=24 size=4'),
  refused('egress interface', 'r0 = *(u32 *)(r1 +20)\nexit', 'EACCES', 'invalid bpf_context access off=20 size=4'),
  refused('half a context field', 'r0 = *(u16 *)(r1 +0)\nexit', 'EACCES', 'invalid bpf_context access off=0 size=2'),
  refused('two context fields', 'r0 = *(u64 *)(r1 +0)\nexit', 'EACCES', 'invalid bpf_context access off=0 size=8'),
  refused('unaligned context field', 'r0 = *(u32 *)(r1 +2)\nexit', 'EACCES', 'invalid bpf_context access off=2 size=4'),
  refused('context written', 'r0 = 0\n*(u32 *)(r1 +16) = r0\nexit', 'EACCES', 'invalid bpf_context access off=16 size=4'),
  refused('context moved', 'r1 += 4\nr0 = *(u32 *)(r1 +0)\nexit', 'EACCES', 'dereference of modified ctx ptr R1 off=4 disallowed'),
  refused('context moved by anything', 'r2 = *(u32 *)(r1 +16)\nr1 += r2\nr0 = *(u32 *)(r1 +0)\nexit', 'EACCES',
    'variable ctx access var_off=(0x0; 0xffffffff) disallowed'),
  refused('atomic on the context', 'r0 = 0\nlock *(u64 *)(r1 +0) += r0\nexit', 'EACCES', 'BPF_ATOMIC stores into R1 ctx is not allowed'),
  accepted('all fields', 'r0 = *(u32 *)(r1 +16)\nr2 = *(u32 *)(r1 +12)\nr0 += r2\nr2 = *(u32 *)(r1 +8)\nr2 = *(u32 *)(r1 +4)\nr2 = *(u32 *)(r1 +0)\nexit'),
  accepted('tracepoint arguments', 'r0 = *(u64 *)(r1 +0)\nr2 = *(u32 *)(r1 +12)\nr2 = *(u64 *)(r1 +88)\nexit', { type: 'raw_tracepoint' }),
  refused('tracepoint argument 13', 'r0 = *(u64 *)(r1 +96)\nexit', 'EACCES', 'invalid bpf_context access off=96 size=8', { type: 'raw_tracepoint' }),
  refused('tracepoint argument written', 'r0 = 0\n*(u64 *)(r1 +0) = r0\nexit', 'EACCES', 'invalid bpf_context access off=0 size=8',
    { type: 'raw_tracepoint' }),
  accepted('arithmetic of a socket filter', 'r0 = 1\nr0 <<= 3\nexit', { type: 'socket_filter' }),
  accepted('arithmetic of a classifier', 'r0 = 1\nr0 <<= 3\nexit', { type: 'sched_cls' })
]

const packet: readonly VerifierCase[] = [
  refused('unchecked', `${PACKET}r0 = *(u8 *)(r2 +0)\nexit`, 'EACCES', 'R2 offset is outside of the packet'),
  refused('one byte too far', `${PACKET}r4 = r2\nr4 += 14\nif r4 > r3 goto +1\nr0 = *(u16 *)(r2 +13)${PASS}`, 'EACCES', 'R2 offset is outside of the packet'),
  accepted('last byte', `${PACKET}r4 = r2\nr4 += 14\nif r4 > r3 goto +1\nr0 = *(u8 *)(r2 +13)${PASS}`),
  refused('other branch', `${PACKET}r4 = r2\nr4 += 14\nif r4 > r3 goto +2\nr0 = 2\nexit\nr0 = *(u8 *)(r2 +0)\nexit`, 'EACCES',
    'R2 offset is outside of the packet'),
  accepted('strictly below the end', `${PACKET}r4 = r2\nr4 += 14\nif r4 >= r3 goto +1\nr0 = *(u8 *)(r2 +14)${PASS}`),
  refused('byte behind that', `${PACKET}r4 = r2\nr4 += 14\nif r4 >= r3 goto +1\nr0 = *(u8 *)(r2 +15)${PASS}`, 'EACCES', 'R2 offset is outside of the packet'),
  accepted('end first', `${PACKET}r4 = r2\nr4 += 14\nif r3 < r4 goto +1\nr0 = *(u8 *)(r2 +13)${PASS}`),
  accepted('end first, strictly', `${PACKET}r4 = r2\nr4 += 14\nif r3 <= r4 goto +1\nr0 = *(u8 *)(r2 +14)${PASS}`),
  accepted('jump when inside', `${PACKET}r4 = r2\nr4 += 14\nif r4 <= r3 goto +2\nr0 = 2\nexit\nr0 = *(u8 *)(r2 +13)\nexit`),
  refused('end moved', `${PACKET}r3 += 1${PASS}`, 'EACCES', 'R3 pointer arithmetic on pkt_end prohibited'),
  refused('new base not checked', `${PACKET}r4 = r2\nr4 += 14\nif r4 > r3 goto +3\nr5 = *(u8 *)(r2 +0)\nr5 += r2\nr0 = *(u8 *)(r5 +14)${PASS}`, 'EACCES',
    'R5 offset is outside of the packet'),
  accepted('new base checked', `${PACKET}r4 = r2\nr4 += 14\nif r4 > r3 goto +6\nr5 = *(u8 *)(r2 +0)\nr5 += r2\nr0 = r5\nr0 += 20\nif r0 > r3 goto +1
    r0 = *(u8 *)(r5 +14)${PASS}`),
  refused('offset of 16 bits', `${PACKET}r4 = r2\nr4 += 14\nif r4 > r3 goto +6\nr5 = *(u16 *)(r2 +0)\nr5 += r2\nr0 = r5\nr0 += 2\nif r0 > r3 goto +1
    r0 = *(u16 *)(r5 +0)${PASS}`, 'EACCES', 'R5 offset is outside of the packet'),
  accepted('offset of 16 bits, below 65534', `${PACKET}r4 = r2\nr4 += 14\nif r4 > r3 goto +7\nr5 = *(u16 *)(r2 +0)\nr5 &= 65533\nr5 += r2\nr0 = r5
    r0 += 2\nif r0 > r3 goto +1\nr0 = *(u16 *)(r5 +0)${PASS}`),
  refused('negative offset', `${PACKET}r4 = r2\nr4 += 14\nif r4 > r3 goto +1\nr0 = *(u8 *)(r2 -1)${PASS}`, 'EACCES', 'R2 offset is outside of the packet'),
  refused('atomic', `${PACKET}r4 = r2\nr4 += 14\nif r4 > r3 goto +2\nr0 = 1\nlock *(u32 *)(r2 +0) += r0${PASS}`, 'EACCES',
    'BPF_ATOMIC stores into R2 pkt is not allowed'),
  accepted('store', `${PACKET}r4 = r2\nr4 += 14\nif r4 > r3 goto +2\nr0 = 1\n*(u32 *)(r2 +3) = r0${PASS}`),
  accepted('metadata', `${PACKET}r4 = *(u32 *)(r1 +8)\nr5 = r4\nr5 += 4\nif r5 > r2 goto +1\nr0 = *(u32 *)(r4 +0)${PASS}`),
  refused('metadata too far', `${PACKET}r4 = *(u32 *)(r1 +8)\nr5 = r4\nr5 += 4\nif r5 > r2 goto +1\nr0 = *(u32 *)(r4 +1)${PASS}`, 'EACCES',
    'R4 offset is outside of the packet'),
  accepted('key in the packet', `${PACKET}r4 = r2\nr4 += 14\nif r4 > r3 goto +3\nr1 = map[id:0]\ncall 1${PASS}`, { maps: [hash(8)] }),
  refused('key beyond the checked range', `${PACKET}r4 = r2\nr4 += 14\nif r4 > r3 goto +3\nr1 = map[id:0]\ncall 1${PASS}`, 'EACCES',
    'R2 offset is outside of the packet', { maps: [hash(16)] })
]

const NULL_CHECK = 'if r0 == 0 goto +1\n'

const mapValues: readonly VerifierCase[] = [
  refused('NULL check forgotten', `${LOOKUP}r0 = *(u32 *)(r0 +0)\nexit`, 'EACCES', "R0 invalid mem access 'map_value_or_null'", { maps: [hash(4)] }),
  refused('store without NULL check', `${LOOKUP}r1 = 1\n*(u32 *)(r0 +0) = r1\nexit`, 'EACCES', "R0 invalid mem access 'map_value_or_null'", { maps: [hash(4)] }),
  refused('moved before the NULL check', `${LOOKUP}r0 += 4\nexit`, 'EACCES', 'R0 pointer arithmetic on map_value_or_null prohibited, null-check it first',
    { maps: [hash(4)] }),
  accepted('NULL check', `${LOOKUP}${NULL_CHECK}r0 = *(u32 *)(r0 +0)\nexit`, { maps: [hash(4)] }),
  accepted('NULL check of a copy', `${LOOKUP}r7 = r0\nif r7 == 0 goto +1\nr0 = *(u32 *)(r0 +0)\nexit`, { maps: [hash(4)] }),
  accepted('NULL check of a spilled copy', `${LOOKUP}*(u64 *)(r10 -16) = r0\nif r0 != 0 goto +2\nr0 = 0\nexit\nr1 = *(u64 *)(r10 -16)\nr0 = *(u32 *)(r1 +0)\nexit`,
    { maps: [hash(4)] }),
  refused('wrong branch', `${LOOKUP}if r0 != 0 goto +1\nr0 = *(u32 *)(r0 +0)\nr0 = 0\nexit`, 'EACCES', "R0 invalid mem access 'scalar'", { maps: [hash(4)] }),
  refused('NULL check by 32 bits', `${LOOKUP}if w0 == 0 goto +1\nr0 = *(u32 *)(r0 +0)\nr0 = 0\nexit`, 'EACCES', "R0 invalid mem access 'map_value_or_null'",
    { maps: [hash(4)] }),
  refused('behind the value', `${LOOKUP}${NULL_CHECK}r0 = *(u32 *)(r0 +64)\nexit`, 'EACCES', 'R0 min value is outside of the allowed memory range',
    { maps: [hash(4, 64)] }),
  refused('before the value', `${LOOKUP}${NULL_CHECK}r0 = *(u32 *)(r0 -4)\nexit`, 'EACCES', 'R0 min value is outside of the allowed memory range',
    { maps: [hash(4, 64)] }),
  accepted('index below the size', `${LOOKUP}if r0 == 0 goto +3\nr6 &= 15\nr6 <<= 2\nr0 += r6\nr0 = 0\nexit`, { maps: [hash(4, 64)] }),
  accepted('masked index', `${LOOKUP}if r0 == 0 goto +4\nr6 &= 15\nr6 <<= 2\nr0 += r6\nr0 = *(u32 *)(r0 +0)\nr0 = 0\nexit`, { maps: [hash(4, 64)] }),
  accepted('compared index', `${LOOKUP}if r0 == 0 goto +4\nif r6 > 15 goto +3\nr6 <<= 2\nr0 += r6\nr0 = *(u32 *)(r0 +0)\nr0 = 0\nexit`, { maps: [hash(4, 64)] }),
  refused('index one too high', `${LOOKUP}if r0 == 0 goto +4\nif r6 > 16 goto +3\nr6 <<= 2\nr0 += r6\nr0 = *(u32 *)(r0 +0)\nr0 = 0\nexit`, 'EACCES',
    'R0 max value is outside of the allowed memory range', { maps: [hash(4, 64)] }),
  refused('unbounded index', `${LOOKUP}if r0 == 0 goto +2\nr0 += r6\nr0 = *(u32 *)(r0 +0)\nr0 = 0\nexit`, 'EACCES',
    'R0 unbounded memory access, make sure to bounds check any such access', { maps: [hash(4, 64)] }),
  refused('index that may be negative', `${LOOKUP}if r0 == 0 goto +4\nr6 <<= 32\nr6 s>>= 32\nr0 += r6\nr0 = *(u32 *)(r0 +0)\nr0 = 0\nexit`, 'EINVAL',
    'value -2147483648 makes map_value pointer be out of bounds', { maps: [hash(4, 64)] }),
  refused('index slightly negative', `${LOOKUP}if r0 == 0 goto +5\nr6 <<= 32\nr6 s>>= 32\nif r6 s< -8 goto +2\nr0 += r6\nr0 = *(u32 *)(r0 +0)\nr0 = 0\nexit`, 'EACCES',
    'R0 min value is negative, either use unsigned index or do a if (index >=0) check.', { maps: [hash(4, 64)] }),
  refused('read-only value written', `${LOOKUP}${NULL_CHECK}*(u32 *)(r0 +0) = 1\nr0 = 0\nexit`, 'EACCES', 'write into map forbidden, value_size=8 off=0 size=4',
    { maps: [array(4, 8, RDONLY_PROG)] }),
  refused('write-only value read', `${LOOKUP}${NULL_CHECK}r0 = *(u32 *)(r0 +0)\nr0 = 0\nexit`, 'EACCES', 'read from map forbidden, value_size=8 off=0 size=4',
    { maps: [array(4, 8, WRONLY_PROG)] }),
  accepted('atomic', `${LOOKUP}if r0 == 0 goto +3\nr1 = 1\nlock *(u64 *)(r0 +0) += r1\nr1 = atomic64_fetch_add((u64 *)(r0 +0), r1)\nr0 = 0\nexit`,
    { maps: [array(4, 8)] }),
  refused('atomic of 2 bytes', [...assembled(LOOKUP), raw(0x55, 0, 0, 2), ZERO, END, raw(0xb7, 1), raw(0xcb, 0, 1), END], 'EINVAL',
    'invalid atomic operand size', { maps: [array(4, 8)] }),
  accepted('direct value', 'r1 = map[id:0][0]+4\nr0 = *(u32 *)(r1 +0)\n*(u32 *)(r1 +0) = r0\nexit', { maps: [array(1, 8)] }),
  refused('direct value too far', 'r1 = map[id:0][0]+4\nr0 = *(u64 *)(r1 +0)\nexit', 'EACCES', 'R1 min value is outside of the allowed memory range',
    { maps: [array(1, 8)] }),
  refused('direct value behind the end', 'r1 = map[id:0][0]+8\nr0 = 0\nexit', 'EINVAL', 'invalid access to map value pointer, value_size=8 off=8',
    { maps: [array(1, 8)] }),
  refused('direct value of two entries', 'r1 = map[id:0][0]+0\nr0 = 0\nexit', 'ENOTSUPP', 'invalid access to map value pointer, value_size=8 off=0',
    { maps: [array(2, 8)] }),
  refused('direct value of a hash', 'r1 = map[id:0][0]+0\nr0 = 0\nexit', 'EINVAL', 'no direct value access support for this map type', { maps: [hash(4, 8)] })
]

const OUTER_LOOKUP = `${LOOKUP}if r0 == 0 goto +4\nr2 = r10\nr2 += -4\nr1 = r0\n`

const mapPointers: readonly VerifierCase[] = [
  refused('map moved', 'r1 = map[id:0]\nr1 += 8\nr0 = 0\nexit', 'EACCES', 'R1 pointer arithmetic on map_ptr prohibited', { maps: [array(4)] }),
  refused('inner map moved', `${LOOKUP}${NULL_CHECK}r0 += 8\nr0 = 0\nexit`, 'EACCES', 'R0 pointer arithmetic on map_ptr prohibited', { maps: [outer(array(4))] }),
  refused('inner map not checked', `${LOOKUP}r2 = r10\nr2 += -4\nr1 = r0\ncall 1\nr0 = 0\nexit`, 'EACCES', 'R1 type=map_value_or_null expected=map_ptr',
    { maps: [outer(array(4))] }),
  accepted('inner map', `${OUTER_LOOKUP}call 1\nr0 = 0\nexit`, { maps: [outer(array(4))] }),
  accepted('inner map of a hash', `${OUTER_LOOKUP}call 1\nr0 = 0\nexit`, { maps: [hashOuter(array(4, 4, INNER_MAP))] }),
  accepted('inner element', `${OUTER_LOOKUP}call 1\nif r0 == 0 goto +1\nr0 = *(u32 *)(r0 +0)\nr0 = 0\nexit`, { maps: [hashOuter(array(4, 4, INNER_MAP))] }),
  refused('inner element not checked', `${OUTER_LOOKUP}call 1\nr0 = *(u32 *)(r0 +0)\nr0 = 0\nexit`, 'EACCES', "R0 invalid mem access 'map_value_or_null'",
    { maps: [hashOuter(array(4, 4, INNER_MAP))] }),
  accepted('size of an inner map', `${LOOKUP}${NULL_CHECK}r0 = *(u32 *)(r0 +76)\nexit`, { maps: [outer(array(4, 4, INNER_MAP))] }),
  refused('map written', 'r1 = map[id:0]\n*(u32 *)(r1 +76) = 1\nr0 = 0\nexit', 'EACCES', 'only read from bpf_array is supported', { maps: [array(4)] }),
  refused('behind the map', 'r1 = map[id:0]\nr0 = *(u32 *)(r1 +2000)\nexit', 'EACCES', 'access beyond struct bpf_array at off 2000 size 4', { maps: [array(4)] }),
  refused('outer map updated', `r6 = 0\n*(u64 *)(r10 -8) = r6\nr2 = r10\nr2 += -8\nr3 = r2\nr4 = 0\nr1 = map[id:0]\ncall 2${PASS}`, 'EINVAL',
    'cannot pass map_type 12 into func bpf_map_update_elem#2', { maps: [outer(array(4))] }),
  refused('outer hash deleted from', `r6 = 0\n*(u64 *)(r10 -8) = r6\nr2 = r10\nr2 += -8\nr1 = map[id:0]\ncall 3${PASS}`, 'EINVAL',
    'cannot pass map_type 13 into func bpf_map_delete_elem#3', { maps: [hashOuter(array(4))] }),
  accepted('inner map updated', `${OUTER_LOOKUP.replace('goto +4', 'goto +6')}r3 = r2\nr4 = 0\ncall 2\nr0 = 0\nexit`, { maps: [outer(array(4))] }),
  refused('number for a map', 'r1 = 5\nr2 = r10\nr2 += -4\ncall 1\nexit', 'EACCES', 'R1 type=scalar expected=map_ptr'),
  refused('context for a map', 'r2 = r10\nr2 += -4\ncall 1\nexit', 'EACCES', 'R1 type=ctx expected=map_ptr'),
  refused('number for a key', 'r1 = map[id:0]\nr2 = 5\ncall 1\nr0 = 0\nexit', 'EACCES',
    'R2 type=scalar expected=fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_', { maps: [hash(4)] }),
  refused('key over the top of the stack', 'r1 = map[id:0]\nr2 = r10\nr2 += -2\ncall 1\nr0 = 0\nexit', 'EINVAL', 'invalid read from stack R2 off=-2 size=4',
    { maps: [hash(4)] }),
  refused('read-only map updated', `r6 = 0\n*(u64 *)(r10 -8) = r6\nr2 = r10\nr2 += -8\nr3 = r2\nr4 = 0\nr1 = map[id:0]\ncall 2${PASS}`, 'EACCES',
    'write into map forbidden', { maps: [array(4, 4, RDONLY_PROG)] }),
  accepted('inner map tested twice', `${LOOKUP}if r0 == 0 goto +2\nif r0 != 0 goto +1\nr0 = *(u32 *)(r0 +2000)\nr0 = 0\nexit`, { maps: [outer(array(4))] })
]

const keys: readonly VerifierCase[] = [
  accepted('constant key needs no check', `${CONSTANT_LOOKUP}r0 = *(u32 *)(r0 +0)\nexit`, { maps: [array(1)] }),
  refused('constant key in a hash', `${CONSTANT_LOOKUP}r0 = *(u32 *)(r0 +0)\nexit`, 'EACCES', "R0 invalid mem access 'map_value_or_null'", { maps: [hash(4)] }),
  refused('constant key, INNER_MAP', `${CONSTANT_LOOKUP}r0 = *(u32 *)(r0 +0)\nexit`, 'EACCES', "R0 invalid mem access 'map_value_or_null'",
    { maps: [array(1, 4, INNER_MAP)] }),
  refused('zero of 8 bytes', `${CONSTANT_LOOKUP.replace('u32 *)(r10 -4)', 'u64 *)(r10 -8)').replace('+= -4', '+= -8')}r0 = *(u32 *)(r0 +0)\nexit`, 'EACCES',
    "R0 invalid mem access 'map_value_or_null'", { maps: [array(1)] }),
  accepted('constant spilled with 4 bytes', `${CONSTANT_LOOKUP.replace('r6 = 0', 'r6 = 5').replaceAll('-4', '-8')}r0 = *(u32 *)(r0 +0)\nexit`, { maps: [array(6)] }),
  refused('constant at fp-4', `${CONSTANT_LOOKUP.replace('r6 = 0', 'r6 = 5')}r0 = *(u32 *)(r0 +0)\nexit`, 'EACCES', "R0 invalid mem access 'map_value_or_null'",
    { maps: [array(6)] }),
  refused('constant at the size', `${CONSTANT_LOOKUP.replace('r6 = 0', 'r6 = 6').replaceAll('-4', '-8')}r0 = *(u32 *)(r0 +0)\nexit`, 'EACCES',
    "R0 invalid mem access 'map_value_or_null'", { maps: [array(6)] }),
  accepted('stored immediate', 'w6 = 0\n*(u32 *)(r10 -8) = 3\nr2 = r10\nr2 += -8\nr1 = map[id:0]\ncall 1\nr0 = *(u32 *)(r0 +0)\nexit', { maps: [array(6)] }),
  accepted('per-CPU array', `${CONSTANT_LOOKUP}r0 = *(u32 *)(r0 +0)\nexit`, { maps: [{ type: 'percpu_array', maxEntries: 3 }] }),
  refused('outer map', `${CONSTANT_LOOKUP}r0 = *(u32 *)(r0 +76)\nexit`, 'EACCES', "R0 invalid mem access 'map_value_or_null'", { maps: [outer(array(4))] }),
  accepted('inner array', `${CONSTANT_LOOKUP}if r0 == 0 goto +5\nr2 = r10\nr2 += -4\nr1 = r0\ncall 1\nr0 = *(u32 *)(r0 +0)\nr0 = 0\nexit`, { maps: [outer(array(4))] }),
  refused('inner array, INNER_MAP', `${CONSTANT_LOOKUP}if r0 == 0 goto +5\nr2 = r10\nr2 += -4\nr1 = r0\ncall 1\nr0 = *(u32 *)(r0 +0)\nr0 = 0\nexit`, 'EACCES',
    "R0 invalid mem access 'map_value_or_null'", { maps: [outer(array(4, 4, INNER_MAP))] })
]

const stack: readonly VerifierCase[] = [
  refused('below the stack', 'r0 = 0\n*(u64 *)(r10 -520) = r0\nexit', 'EACCES', 'invalid write to stack R10 off=-520 size=8'),
  refused('above the stack', 'r0 = 0\n*(u64 *)(r10 +0) = r0\nexit', 'EACCES', 'invalid write to stack R10 off=0 size=8'),
  refused('read above the stack', 'r0 = *(u32 *)(r10 +8)\nexit', 'EACCES', 'invalid read from stack R10 off=8 size=4'),
  refused('misaligned', 'r0 = 0\n*(u64 *)(r10 -12) = r0\nexit', 'EACCES', 'misaligned stack access off 0+0+-12 size 8'),
  accepted('nobody wrote it', 'r0 = *(u64 *)(r10 -8)\nexit'),
  accepted('spilled pointer', '*(u64 *)(r10 -8) = r1\nr2 = *(u64 *)(r10 -8)\nr0 = *(u32 *)(r2 +16)\nexit'),
  refused('part of a spilled pointer', '*(u64 *)(r10 -8) = r1\nr0 = *(u32 *)(r10 -8)\nexit', 'EACCES', 'invalid size of register fill'),
  refused('pointer stored with 4 bytes', '*(u32 *)(r10 -8) = r1\nr0 = 0\nexit', 'EACCES', 'invalid size of register spill'),
  refused('spilled pointer scribbled over', '*(u64 *)(r10 -8) = r1\n*(u8 *)(r10 -5) = 1\nr2 = *(u64 *)(r10 -8)\nr0 = *(u32 *)(r2 +16)\nexit', 'EACCES',
    "R2 invalid mem access 'scalar'"),
  accepted('variable offset', 'r2 = *(u32 *)(r1 +16)\nr2 &= 7\nr3 = r10\nr3 += -16\nr3 += r2\nr0 = *(u8 *)(r3 +0)\n*(u8 *)(r3 +0) = r0\nexit'),
  refused('variable offset without bound', 'r2 = *(u32 *)(r1 +16)\nr3 = r10\nr3 += r2\nr0 = *(u8 *)(r3 +0)\nexit', 'EACCES',
    'invalid unbounded variable-offset read from stack R3'),
  refused('variable offset too far', 'r2 = *(u32 *)(r1 +16)\nr2 &= 15\nr3 = r10\nr3 += -8\nr3 += r2\nr0 = *(u8 *)(r3 +0)\nexit', 'EINVAL',
    'invalid variable-offset read from stack R3 var_off=(0x0; 0xf) off=-8 size=1'),
  accepted('atomic', 'r0 = 1\n*(u64 *)(r10 -8) = r0\nlock *(u64 *)(r10 -8) += r0\nr1 = 2\nr1 = atomic64_xchg((u64 *)(r10 -8), r1)\nr0 = atomic64_cmpxchg((u64 *)(r10 -8), r0, r1)\nexit'),
  refused('atomic of an unknown kind', [ZERO, raw(0x7b, 10, 0, -8), raw(0xdb, 10, 0, -8, 0x99), END], 'EINVAL', 'BPF_ATOMIC uses invalid atomic opcode 99')
]

const nested = (calls: number): string =>
  `call pc+2\nr0 = 0\nexit\n${Array.from({ length: calls - 1 }, () => 'call pc+1\nexit\n').join('')}r0 = 0\nexit`
const stackOf = (first: number, second: number): string =>
  `r6 = 0\n*(u64 *)(r10 -${first}) = r6\ncall pc+1\nexit\nr0 = 0\n*(u64 *)(r10 -${second}) = r0\nexit`

const calls: readonly VerifierCase[] = [
  accepted('seven nested calls', nested(7)),
  refused('eight nested calls', nested(8), 'E2BIG', 'the call stack of 9 frames is too deep'),
  refused('recursion', 'call pc+1\nexit\nr0 = 0\ncall pc-2\nexit', 'E2BIG', 'the call stack of 9 frames is too deep'),
  accepted('256 and 256 bytes of stack', stackOf(256, 256)),
  refused('8 and 504 bytes of stack', stackOf(8, 504), 'EACCES', 'combined stack size of 2 calls is 528. Too large'),
  accepted('arguments and result', 'r1 = 5\nr2 = 7\ncall pc+1\nexit\nr0 = r1\nr0 += r2\nexit'),
  refused('argument nobody set', 'r1 = 5\ncall pc+1\nexit\nr0 = r2\nexit', 'EACCES', 'R2 !read_ok'),
  refused('callee-saved register of the caller', 'r6 = 5\ncall pc+1\nexit\nr0 = r6\nexit', 'EACCES', 'R6 !read_ok'),
  refused('argument after the call', 'r1 = 5\ncall pc+2\nr0 = r1\nexit\nr0 = 0\nexit', 'EACCES', 'R1 !read_ok'),
  accepted("caller's stack", 'r6 = 3\n*(u64 *)(r10 -8) = r6\nr1 = r10\nr1 += -8\ncall pc+2\nr0 = *(u64 *)(r10 -8)\nexit\nr0 = *(u64 *)(r1 +0)\n*(u64 *)(r1 +0) = r0\nexit'),
  refused('stack pointer returned', 'call pc+1\nexit\nr0 = r10\nexit', 'EINVAL', 'cannot return stack pointer to the caller'),
  accepted('packet pointer passed', `${PACKET}r1 = r2\nr2 = r3\ncall pc+1\nexit\nr0 = 0\nr3 = r1\nr3 += 14\nif r3 > r2 goto +1\nr0 = *(u8 *)(r1 +13)\nexit`)
]

/** r6 = data, 20 bytes of it there; r9 = a number nobody knows */
const TWENTY = 'r6 = *(u32 *)(r1 +0)\nr7 = *(u32 *)(r1 +4)\nr9 = *(u32 *)(r1 +16)\nr2 = r6\nr2 += 20\nif r2 > r7 goto leave\n'
const LEAVE = '\nleave:\nr0 = 2\nexit'
/** bpf_csum_diff of r1 and r2, pushing nothing */
const PULL = '\nr3 = 0\nr4 = 0\nr5 = 0\ncall 28'
const pull = (arguments_: string): string => `${TWENTY}${arguments_}${PULL}${LEAVE}`
const BUFFERS = 'fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_'

const sizedBuffers: readonly VerifierCase[] = [
  accepted('checksum over the packet', pull('r1 = r6\nr2 = 20')),
  accepted('of a size that is not a multiple of 4', pull('r1 = r6\nr2 = 7')),
  accepted('of a size nobody knows but its bound', pull('r9 &= 15\nr1 = r6\nr1 += 4\nr2 = r9')),
  accepted('over the stack', pull('r1 = r10\nr1 += -8\nr2 = 8')),
  accepted('no bytes at NULL', pull('r1 = 0\nr2 = 0')),
  accepted('no bytes behind the last one checked', pull('r1 = r6\nr1 += 20\nr2 = 0')),
  accepted('both sides', `${TWENTY}*(u64 *)(r10 -8) = r9\nr1 = r10\nr1 += -8\nr2 = 4\nr3 = r6\nr3 += 12\nr4 = 8\nr5 = r9\ncall 28${LEAVE}`),
  refused('beyond what was checked', pull('r1 = r6\nr1 += 16\nr2 = 8'), 'EACCES', 'R1 offset is outside of the packet'),
  refused('beyond the stack', pull('r1 = r10\nr1 += -8\nr2 = 12'), 'EINVAL', 'invalid read from stack R1 off=-8 size=12'),
  refused('a size without bound', pull('r1 = r6\nr2 = r9'), 'EACCES', "R2 unbounded memory access, use 'var &= const' or 'if (var < const)'"),
  refused('a size that may be negative', pull('r9 s>>= 1\nr9 <<= 1\nr9 -= 5\nr1 = r6\nr2 = r9'), 'EACCES',
    "R2 min value is negative, either use unsigned or 'var &= const'"),
  refused('bytes at NULL', pull('r1 = 0\nr2 = 4'), 'EACCES', 'R1 type=scalar expected=fp'),
  refused('maybe bytes at NULL', pull('r9 &= 4\nr1 = 0\nr2 = r9'), 'EACCES', 'R1 type=scalar expected=fp'),
  refused('a number for a buffer', pull('r1 = r9\nr2 = 4'), 'EACCES', `R1 type=scalar expected=${BUFFERS}`),
  refused('the context for a buffer', pull('r2 = 4').replace('r2 = 4', 'r1 = *(u64 *)(r10 -16)\nr2 = 4').replace('r6 =', '*(u64 *)(r10 -16) = r1\nr6 ='),
    'EACCES', `R1 type=ctx expected=${BUFFERS}`),
  refused('a pointer for a size', pull('r1 = r6\nr2 = r10'), 'EACCES', 'R2 type=fp expected=scalar'),
  accepted('over a map value', `${LOOKUP}if r0 == 0 goto leave\nr1 = r0\nr2 = 4${PULL}${LEAVE}`, { maps: [array(8)] }),
  refused('over more than a map value', `${LOOKUP}if r0 == 0 goto leave\nr1 = r0\nr2 = 8${PULL}${LEAVE}`, 'EACCES',
    'R1 min value is outside of the allowed memory range', { maps: [array(8)] }),
  accepted('no bytes of a map value that may be NULL', `${LOOKUP}r1 = r0\nr2 = 0${PULL}${LEAVE}`, { maps: [array(8)] }),
  refused('of a raw tracepoint', 'r1 = 0\nr2 = 0\nr3 = 0\nr4 = 0\nr5 = 0\ncall 28\nexit', 'EINVAL',
    'program of this type cannot use helper bpf_csum_diff#28', { type: 'raw_tracepoint' })
]

/** as TWENTY, the context in r8 */
const KEPT = `r8 = r1\n${TWENTY}`

const movedPackets: readonly VerifierCase[] = [44, 54, 65].flatMap((helper) => [
  accepted(`#${helper}, the packet looked at anew`,
    `${KEPT}r1 = r8\nr2 = -4\ncall ${helper}\nr6 = *(u32 *)(r8 +0)\nr7 = *(u32 *)(r8 +4)\nr2 = r6\nr2 += 1\nif r2 > r7 goto leave\nr0 = *(u8 *)(r6 +0)${LEAVE}`),
  refused(`#${helper}, an old pointer`, `${KEPT}r1 = r8\nr2 = 0\ncall ${helper}\nr0 = *(u8 *)(r6 +0)${LEAVE}`, 'EACCES', "R6 invalid mem access 'scalar'"),
  refused(`#${helper}, an old pointer on the stack`,
    `${KEPT}*(u64 *)(r10 -8) = r6\nr1 = r8\nr2 = 0\ncall ${helper}\nr1 = *(u64 *)(r10 -8)\nr0 = *(u8 *)(r1 +0)${LEAVE}`, 'EACCES',
    "R1 invalid mem access 'scalar'"),
  refused(`#${helper}, an old end`, `${KEPT}r1 = r8\nr2 = 0\ncall ${helper}\nr6 = *(u32 *)(r8 +0)\nr2 = r6\nr2 += 1\nif r2 > r7 goto leave\n` +
    `r0 = *(u8 *)(r6 +0)${LEAVE}`, 'EACCES', 'R6 offset is outside of the packet'),
  refused(`#${helper}, in a function`, `${KEPT}r1 = r8\ncall move\nr0 = *(u8 *)(r6 +0)${LEAVE}\nmove:\nr2 = -4\ncall ${helper}\nr0 = 0\nexit`, 'EACCES',
    "R6 invalid mem access 'scalar'"),
  refused(`#${helper} without the context`, `r1 = r10\nr2 = 0\ncall ${helper}\nexit`, 'EACCES', 'R1 type=fp expected=ctx'),
  refused(`#${helper}, somewhere in the context`, `r1 += 4\nr2 = 0\ncall ${helper}\nexit`, 'EACCES', 'dereference of modified ctx ptr R1 off=4 disallowed'),
  refused(`#${helper} of a raw tracepoint`, `r2 = 0\ncall ${helper}\nexit`, 'EINVAL',
    `program of this type cannot use helper bpf_xdp_adjust_${helper === 44 ? 'head' : helper === 54 ? 'meta' : 'tail'}#${helper}`,
    { type: 'raw_tracepoint' })
])

export const verifierCases: readonly VerifierCase[] = [
  ...structure, ...registers, ...context, ...packet, ...mapValues, ...mapPointers, ...keys, ...stack, ...calls, ...sizedBuffers,
  ...movedPackets
]
