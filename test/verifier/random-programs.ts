// Random programs that aim at the borders of what the verifier knows. They only jump forward.

import * as build from '../../lib/bpf/isa/build.ts'
import type { Insn } from '../../lib/bpf/isa/index.ts'
import * as op from '../../lib/bpf/isa/op.ts'
import { assembled } from './support.ts'
import type { TestProgram } from './support.ts'

/** xorshift32 */
export function randomSource (seed: number): (limit: number) => number {
  let state = (seed * 2654435761 + 1) >>> 0 || 1
  return (limit) => {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state % limit
  }
}

type Random = ReturnType<typeof randomSource>

const ARITHMETIC = [
  op.BPF_ADD, op.BPF_ADD, op.BPF_SUB, op.BPF_MUL, op.BPF_AND, op.BPF_AND, op.BPF_OR, op.BPF_XOR, op.BPF_LSH, op.BPF_RSH,
  op.BPF_ARSH, op.BPF_MOV, op.BPF_DIV
]
const COMPARISONS = [
  op.BPF_JEQ, op.BPF_JNE, op.BPF_JSET, op.BPF_JGT, op.BPF_JGE, op.BPF_JLT, op.BPF_JLE, op.BPF_JSGT, op.BPF_JSGE, op.BPF_JSLT, op.BPF_JSLE
]

/** Constants where bounds break. */
function constant (random: Random): number {
  const power = 2 ** random(32)
  switch (random(5)) {
    case 0: return random(16)
    case 1: return -random(16)
    case 2: return (power + random(3) - 1) | 0
    case 3: return (-power + random(3) - 1) | 0
    default: return random(0x10000) - 0x8000
  }
}

/** r6..r9 hold numbers of different widths nobody knows. */
const START = assembled(`
  r8 = *(u32 *)(r1 +16)
  r9 = *(u32 *)(r1 +12)
  call 5
  r6 = r0
  call 7
  r7 = r0
  r0 = 0
  r1 = r6
  r1 &= 255
  r2 = r7
  r3 = r8
  r4 = r6
  r5 = 3`)

function arithmetic (random: Random): Insn {
  const operation = ARITHMETIC[random(ARITHMETIC.length)] as number
  const bits = random(2) === 0 ? 32 : 64
  const cls = bits === 32 ? op.BPF_ALU : op.BPF_ALU64
  const dst = random(10)
  const isShift = operation === op.BPF_LSH || operation === op.BPF_RSH || operation === op.BPF_ARSH
  if (random(20) === 0) return build.insn(cls | op.BPF_NEG, dst, 0, 0, 0)
  if (random(2) === 0) return build.insn(cls | operation | op.BPF_X, dst, random(10), 0, 0)
  const imm = isShift ? random(bits) : operation === op.BPF_DIV ? 1 + random(9) : constant(random)
  return build.insn(cls | operation | op.BPF_K, dst, 0, 0, imm)
}

function comparison (random: Random, distance: number): Insn {
  const operation = COMPARISONS[random(COMPARISONS.length)] as number
  const cls = random(2) === 0 ? op.BPF_JMP : op.BPF_JMP32
  const dst = random(10)
  // a register is never compared with itself: what the kernel learns from that differs between versions
  if (random(3) === 0) return build.insn(cls | operation | op.BPF_X, dst, (dst + 1 + random(9)) % 10, distance, 0)
  return build.insn(cls | operation | op.BPF_K, dst, 0, distance, constant(random))
}

function spill (random: Random): Insn[] {
  const slot = -8 * (1 + random(4))
  const size = [op.BPF_DW, op.BPF_DW, op.BPF_W, op.BPF_H, op.BPF_B][random(5)] as number
  const bytes = 1 << [op.BPF_B, op.BPF_H, op.BPF_W, op.BPF_DW].indexOf(size as 0)
  const off = slot + (random(3) === 0 ? bytes * random(8 / bytes) : 0)
  if (random(6) === 0) return [build.storeImm(size, 10, off, random(2) === 0 ? 0 : constant(random))]
  return random(2) === 0 ? [build.store(size, 10, random(10), off)] : [build.load(size, random(10), 10, off)]
}

function numbers (random: Random): Insn[] {
  const body: Insn[] = []
  const length = 10 + random(20)
  for (let index = 0; index < length; index++) {
    const kind = random(10)
    if (kind < 5) body.push(arithmetic(random))
    else if (kind < 8) body.push(comparison(random, random(Math.min(6, length - index))))
    else body.push(...spill(random))
  }
  return [...START, ...body, ...Array.from({ length: 6 }, () => build.mov64Imm(0, 1)), build.exit()]
}

/** @returns programs whose every register can be compared, instruction by instruction */
export function verifierStatePrograms (seed: number, count: number): TestProgram[] {
  const random = randomSource(seed)
  return Array.from({ length: count }, () => ({ insns: numbers(random) }))
}

const LOADS = [0x61, 0x69, 0x71, 0x79]
const STORES = [0x63, 0x6b, 0x73, 0x7b]
const EDGES = [0, 1, -1, 8, 64, 0x7fffffff, -0x80000000, 4096]

/** @returns the instruction with one field another */
function mutated (random: Random, insn: Insn): Insn {
  const { code } = insn
  const cls = code & 7
  switch (random(7)) {
    case 0: return { ...insn, off: insn.off + random(9) - 4 }
    case 1: return { ...insn, imm: (insn.imm + random(17) - 8) | 0 }
    case 2: return { ...insn, dst: random(11) }
    case 3: return (code & op.BPF_X) !== 0 || cls === op.BPF_LDX || cls === op.BPF_STX ? { ...insn, src: random(11) } : insn
    case 4:
      if (LOADS.includes(code)) return { ...insn, code: LOADS[random(4)] as number }
      return STORES.includes(code) ? { ...insn, code: STORES[random(4)] as number } : insn
    case 5: {
      if (cls === op.BPF_ALU || cls === op.BPF_ALU64) return { ...insn, code: (code & 0x0f) | (random(13) << 4) }
      const isConditional = cls === op.BPF_JMP && ![op.BPF_JA, op.BPF_CALL, op.BPF_EXIT].includes(code & 0xf0)
      return isConditional ? { ...insn, code: (code & 0x0f) | ((1 + random(7)) << 4) } : insn
    }
    default: return { ...insn, imm: EDGES[random(8)] as number }
  }
}

const HELPERS = [1, 2, 3, 5, 7, 8]

/** @returns variants of programs with one to three fields of instructions changed; maps and helpers stay ones that exist */
export function mutatedPrograms<P extends TestProgram> (seed: number, count: number, bases: readonly P[]): P[] {
  const random = randomSource(seed)
  return Array.from({ length: count }, () => {
    const base = bases[random(bases.length)] as P
    const insns = [...base.insns]
    for (let times = 1 + random(3); times > 0; times--) {
      const at = random(insns.length)
      const insn = insns[at] as Insn
      if (insn.code === 0 || insn.code === op.LD_IMM64) continue
      const changed = mutated(random, insn)
      const isUnknownHelper = changed.code === op.CALL && changed.src === 0 && !HELPERS.includes(changed.imm)
      if (changed.code !== op.LD_IMM64) insns[at] = isUnknownHelper ? { ...changed, imm: 7 } : changed
    }
    return { ...base, insns }
  })
}

const SMALL = [0, 1, 2, 3]

/** One step of `branchingPrograms`: few values, so that paths meet in equal states, and branches that these decide. */
function branchingStep (random: Random, distance: number): Insn[] {
  const [a, b] = [2 + random(8), 2 + random(8)]
  const slot = -8 * (1 + random(3))
  const value = SMALL[random(4)] as number
  switch (random(12)) {
    case 0: case 1: return [build.mov64Imm(a, value)]
    case 2: return [build.mov64Reg(a, b)]
    case 3: return [build.insn(op.BPF_ALU64 | (random(2) === 0 ? op.BPF_ADD : op.BPF_AND) | op.BPF_K, a, 0, 0, value)]
    case 4: return [build.store([op.BPF_DW, op.BPF_W, op.BPF_B][random(3)] as number, 10, a, slot)]
    case 5: return [build.load([op.BPF_DW, op.BPF_W, op.BPF_B][random(3)] as number, a, 10, slot)]
    case 6: return [build.storeImm(op.BPF_DW, 10, slot, value)]
    case 7: return [build.mov64Reg(a, 10), build.alu64Imm(op.BPF_ADD, a, slot), build.load(op.BPF_DW, a, a, 0)]
    case 8: return [build.insn(op.BPF_JMP | op.BPF_JEQ | op.BPF_X, a, b, distance, 0)]
    default: return [build.jumpImm(random(2) === 0 ? op.BPF_JEQ : op.BPF_JGT, a, value, distance)]
  }
}

function branchingBody (random: Random, length: number): Insn[] {
  const steps = Array.from({ length }, () => branchingStep(random, 0))
  const starts = steps.map((_, index) => steps.slice(0, index).flat().length)
  const end = steps.flat().length
  return steps.flatMap((step, index) => step.map((insn) => {
    if ((insn.code & 7) !== op.BPF_JMP) return insn
    const target = starts[Math.min(steps.length, index + 1 + random(5))] ?? end
    return { ...insn, off: target - (starts[index] as number) - 1 }
  }))
}

/** Programs whose branches depend on constants that travelled through registers, stack and a subprogram. */
export function branchingPrograms (seed: number, count: number): TestProgram[] {
  const random = randomSource(seed)
  const load = assembled('r6 = *(u32 *)(r1 +16)\nr7 = *(u32 *)(r1 +12)\nr2 = 0\nr3 = 1\nr4 = r6\nr5 = r7\nr8 = 2\nr9 = r6')
  const clear = Array.from({ length: 3 }, (_, index) => build.storeImm(op.BPF_DW, 10, -8 * (index + 1), index))
  return Array.from({ length: count }, () => {
    const first = branchingBody(random, 6 + random(8))
    const second = branchingBody(random, 4 + random(8))
    const inner = branchingBody(random, 6 + random(8))
    const setArguments = [build.mov64Reg(1, 8), build.mov64Reg(1, 10), build.alu64Imm(op.BPF_ADD, 1, -8)]
    const passed = random(2) === 0 ? setArguments.slice(0, 1) : setArguments.slice(1)
    const caller = [...load, ...clear, ...first, ...passed]
    const renew = [build.mov64Reg(2, 0), build.mov64Imm(3, 0), build.mov64Imm(4, 1), build.mov64Imm(5, 2)]
    const after = [...renew, ...second, build.mov64Imm(0, 0), build.exit()]
    const useArgument = passed.length === 1 ? [build.mov64Reg(6, 1)] : [build.load(op.BPF_DW, 6, 1, 0), build.store(op.BPF_DW, 1, 2, 0)]
    const own = [build.mov64Imm(7, 0), build.mov64Imm(8, 1), build.mov64Reg(9, 6)]
    const callee = [...useArgument, ...own, ...clear, ...inner, build.mov64Reg(0, 6), build.exit()]
    const call = build.insn(op.CALL, 0, op.BPF_PSEUDO_CALL, 0, after.length)
    return { insns: [...caller, call, ...after, ...callee] }
  })
}
