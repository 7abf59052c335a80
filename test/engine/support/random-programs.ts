// Random translated programs: arithmetic, forward jumps, bounded (and, seldom, unbounded) loops, stack and packet
// accesses, atomics, bpf-to-bpf calls, helpers on three maps and on the packet. Most accesses are inside their objects; of those that are
// to be checked at run time some are not, so that faults are compared too. The same seed gives the same program.

import * as b from '../../../lib/bpf/isa/build.ts'
import type { Insn } from '../../../lib/bpf/isa/insn.ts'
import {
  BPF_ADD, BPF_ALU, BPF_ALU64, BPF_AND, BPF_ARSH, BPF_ATOMIC, BPF_B, BPF_DIV, BPF_DW, BPF_END, BPF_H, BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JLE,
  BPF_JLT, BPF_JMP, BPF_JMP32, BPF_JNE, BPF_JSET, BPF_JSGE, BPF_JSGT, BPF_JSLE, BPF_JSLT, BPF_LDX, BPF_LSH, BPF_MEM, BPF_MEMSX, BPF_MOD,
  BPF_MOV, BPF_MUL, BPF_NEG, BPF_OR, BPF_RSH, BPF_ST, BPF_STX, BPF_SUB, BPF_W, BPF_X, BPF_XOR
} from '../../../lib/bpf/isa/op.ts'
import type { TranslatedInsn, TranslatedProgram } from '../../../lib/bpf/rewrite/translated.ts'
import type { Region } from '../../../lib/bpf/verifier/facts.ts'

export type Random = () => number

/** mulberry32: [0, 1) */
export function seeded (seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ state >>> 15, 1 | state)
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32
  }
}

/** Maps a program may use, by index: how long their values are and under which names translated code calls them. */
export const randomMaps = [
  { type: 'array', valueSize: 16, lookup: 'array_map_lookup_elem', update: 'array_map_update_elem', remove: 'array_map_delete_elem' },
  { type: 'hash', valueSize: 24, lookup: 'bpf_map_lookup_elem', update: 'htab_map_update_elem', remove: 'htab_map_delete_elem' },
  { type: 'percpu_array', valueSize: 8, lookup: 'bpf_map_lookup_elem', update: 'bpf_map_update_elem', remove: 'bpf_map_delete_elem' }
] as const

/** A jump or call to be resolved when everything has its place. */
interface Piece {
  readonly insns: TranslatedInsn[]
  /** piece of the same function that the last instruction jumps to */
  jumpTo?: number
  /** function that the last instruction calls */
  callTo?: number
}

const arithmetic = [BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR, BPF_AND, BPF_LSH, BPF_RSH, BPF_MOD, BPF_XOR, BPF_MOV, BPF_ARSH]
const comparisons = [BPF_JEQ, BPF_JNE, BPF_JGT, BPF_JGE, BPF_JLT, BPF_JLE, BPF_JSET, BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE]
const atomics = [0x00, 0x01, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, 0xe1, 0xf1]
const sizes = [BPF_B, BPF_H, BPF_W, BPF_DW]
const bytesOf = (size: number): number => size === BPF_B ? 1 : size === BPF_H ? 2 : size === BPF_W ? 4 : 8
const edges = [0, 1, -1, 2, 7, 31, 32, 63, 64, 0x7fffffff, -0x80000000, 255, 0xffff]

const PACKET = 6
const LOOPS = 9
const FRAME = 10

const plain = (insn: Insn): TranslatedInsn => ({ ...insn, origin: -1 })

export class ProgramGenerator {
  readonly #random: Random
  readonly #packetBytes: number

  constructor (seed: number, packetBytes: number) {
    this.#random = seeded(seed)
    this.#packetBytes = packetBytes
  }

  /** @param data offset of xdp_buff.data */
  program (data: number): TranslatedProgram {
    const functions = 1 + this.#below(4)
    const bodies = Array.from({ length: functions }, (_, index) => this.#body(index, functions))
    const prologue = [
      this.#access(plain(b.load(BPF_DW, PACKET, 1, data)), 'ctx', true),
      ...[0, 1, 2, 3, 4, 5, 7, 8].flatMap((register) => b.wide(register, 0, this.#word(), this.#word()).map(plain))
    ]
    bodies[0]?.unshift({ insns: prologue })
    return place(bodies)
  }

  #body (index: number, functions: number): Piece[] {
    const pieces: Piece[] = []
    const length = 4 + this.#below(index === 0 ? 20 : 8)
    while (pieces.length < length) {
      if (this.#one(8)) this.#loop(pieces, index, functions)
      else pieces.push(this.#piece(index, functions))
    }
    pieces.push({ insns: [plain(b.exit())] })
    const shift = index === 0 ? 1 : 0
    pieces.forEach((piece, at) => {
      if (piece.jumpTo === -1) piece.jumpTo = at + 1 + this.#below(pieces.length - at - 1) + shift
      else if (piece.jumpTo !== undefined) piece.jumpTo += shift
    })
    return pieces
  }

  #loop (pieces: Piece[], index: number, functions: number): void {
    const rounds = this.#one(40) ? -1 : 1 + this.#below(5)
    pieces.push({ insns: [plain(b.mov64Imm(LOOPS, rounds))] })
    const start = pieces.length
    for (let i = 0; i <= this.#below(3); i++) pieces.push(this.#piece(index, functions))
    pieces.push({ insns: [plain(b.alu64Imm(BPF_ADD, LOOPS, -1)), plain(b.jumpImm(BPF_JNE, LOOPS, 0, 0))], jumpTo: start })
  }

  #piece (index: number, functions: number): Piece {
    const kind = this.#below(20)
    if (kind < 7) return { insns: [this.#alu()] }
    if (kind < 8) return { insns: [this.#special()] }
    if (kind < 11) return { insns: [this.#memory()] }
    if (kind < 12) return { insns: this.#stray() }
    if (kind < 13) return { insns: [this.#atomic()] }
    if (kind < 16) return { insns: [this.#compare()], jumpTo: -1 }
    if (kind < 17 && (index + 1 < functions || this.#one(10))) {
      // later functions only, but for a rare recursion, which ends in a fault (of the entry function in a trap: its r1 is no context then)
      const callTo = index + 1 < functions ? index + 1 + this.#below(functions - index - 1) : index
      return { insns: [plain({ code: 0x85, dst: 0, src: 1, off: 0, imm: 0 })], callTo }
    }
    if (kind < 18) return { insns: this.#one(3) ? this.#packetHelper() : [this.#helper()] }
    if (kind < 19) return { insns: this.#map() }
    return this.#one(12) ? { insns: [plain(b.exit())] } : { insns: b.wide(this.#target(), 0, this.#word(), this.#word()).map(plain) }
  }

  #alu (): TranslatedInsn {
    const operation = this.#pick(arithmetic)
    const code = (this.#one(2) ? BPF_ALU : BPF_ALU64) | operation
    const off = (operation === BPF_DIV || operation === BPF_MOD) && this.#one(2) ? 1 : 0
    if (this.#one(2)) return plain({ code: code | BPF_X, dst: this.#target(), src: this.#source(), off, imm: 0 })
    return plain({ code, dst: this.#target(), src: 0, off, imm: this.#immediate() })
  }

  #special (): TranslatedInsn {
    const dst = this.#target()
    switch (this.#below(4)) {
      case 0: return plain({ code: (this.#one(2) ? BPF_ALU : BPF_ALU64) | BPF_NEG, dst, src: 0, off: 0, imm: 0 })
      case 1: {
        const code = this.#pick([BPF_ALU, BPF_ALU | BPF_X, BPF_ALU64]) | BPF_END
        return plain({ code, dst, src: 0, off: 0, imm: this.#pick([16, 32, 64]) })
      }
      case 2: return plain({ code: BPF_ALU64 | BPF_MOV | BPF_X, dst, src: this.#source(), off: this.#pick([8, 16, 32, -1]), imm: 0 })
      default: return plain({ code: BPF_ALU | BPF_MOV | BPF_X, dst, src: this.#source(), off: this.#pick([8, 16]), imm: 0 })
    }
  }

  #compare (): TranslatedInsn {
    const code = (this.#one(2) ? BPF_JMP : BPF_JMP32) | this.#pick(comparisons)
    if (this.#one(2)) return plain({ code: code | BPF_X, dst: this.#target(), src: this.#source(), off: 0, imm: 0 })
    return plain({ code, dst: this.#target(), src: 0, off: 0, imm: this.#immediate() })
  }

  /** A load or store of stack or packet; one in thirty that are checked goes astray. */
  #memory (): TranslatedInsn {
    const size = this.#pick(sizes)
    const bytes = bytesOf(size)
    const proved = this.#one(2)
    const astray = !proved && this.#one(30)
    const region: Region = this.#one(2) ? 'stack' : 'packet'
    const base = region === 'stack' ? FRAME : PACKET
    const inside = region === 'stack' ? -512 + this.#below(513 - bytes) : this.#below(this.#packetBytes - bytes + 1)
    const off = astray ? this.#pick([-513, -1000, 1 - bytes, this.#packetBytes - bytes + 1, 32000]) : inside
    return this.#access(plain(this.#transfer(size, base, off)), region, proved)
  }

  #transfer (size: number, base: number, off: number): Insn {
    switch (this.#below(4)) {
      case 0: return b.load(size, this.#target(), base, off)
      case 1: return { code: BPF_LDX | (size === BPF_DW ? BPF_MEM : BPF_MEMSX) | size, dst: this.#target(), src: base, off, imm: 0 }
      case 2: return { code: BPF_ST | BPF_MEM | size, dst: base, src: 0, off, imm: this.#immediate() }
      default: return b.store(size, base, this.#source(), off)
    }
  }

  /** An access by any value at all: checked, and nearly always a fault, so mostly jumped over. */
  #stray (): TranslatedInsn[] {
    const region = this.#pick<Region>(['stack', 'packet', 'map', 'ctx', 'kernel'])
    const load = this.#access(plain(b.load(this.#pick(sizes), this.#target(), this.#source(), this.#below(64))), region, false)
    return this.#one(10) ? [load] : [plain(b.goto(1)), load]
  }

  #atomic (): TranslatedInsn {
    const ordered = this.#one(5)
    const size = ordered ? this.#pick(sizes) : this.#pick([BPF_W, BPF_DW])
    const imm = ordered ? this.#pick([0x100, 0x110]) : this.#pick(atomics)
    const off = -512 + this.#below(513 - bytesOf(size))
    const code = BPF_STX | BPF_ATOMIC | size
    const fields = imm === 0x100 ? { dst: this.#target(), src: FRAME } : { dst: FRAME, src: this.#target() }
    return this.#access(plain({ code, ...fields, off, imm }), 'stack', this.#one(2))
  }

  #helper (): TranslatedInsn {
    const call = this.#pick(['bpf_ktime_get_ns', 'bpf_get_prandom_u32', 'bpf_user_rnd_u32', 'bpf_get_smp_processor_id', 'get_smp_processor_id'])
    return { ...plain(b.call(1)), call }
  }

  /** Ends of the packet moved about its limits, and sums over what lies in the frame. */
  #packetHelper (): TranslatedInsn[] {
    const move = this.#pick(['bpf_xdp_adjust_head', 'bpf_xdp_adjust_tail', 'bpf_xdp_adjust_meta'])
    const offset = this.#pick([-217, -216, -64, -32, -8, -4, -1, 0, 1, 4, 8, 33, 51, 3456, -65536])
    if (!this.#one(3)) return [plain(b.mov64Imm(2, offset)), { ...plain(b.call(44)), call: move }]
    const piece = (pointer: number): TranslatedInsn[] => [
      plain(b.mov64Reg(pointer, FRAME)), plain(b.alu64Imm(BPF_ADD, pointer, -this.#below(64))),
      plain(b.mov64Imm(pointer + 1, this.#pick([0, 0, 1, 2, 3, 4, 8, 20, 40])))
    ]
    return [...piece(1), ...piece(3), { ...plain(b.call(28)), call: 'bpf_csum_diff' }]
  }

  /** A map function on a key of the stack, and what a program does with the value it gets. */
  #map (): TranslatedInsn[] {
    const usedMap = this.#below(randomMaps.length)
    const { valueSize, lookup, update, remove } = randomMaps[usedMap] as typeof randomMaps[number]
    const [first, second] = b.wide(1, 1, 0, 0).map(plain) as [TranslatedInsn, TranslatedInsn]
    const setup = [
      { ...first, mapRef: { usedMap, valueOffset: null } }, second,
      this.#access(plain(b.storeImm(BPF_W, FRAME, -4, this.#below(6))), 'stack', true),
      plain(b.mov64Reg(2, FRAME)), plain(b.alu64Imm(BPF_ADD, 2, -4))
    ]
    const kind = this.#below(4)
    if (kind === 0) return [...setup, { ...plain(b.call(3)), call: remove, mapCall: true }]
    if (kind === 1) {
      const value = [plain(b.mov64Reg(3, FRAME)), plain(b.alu64Imm(BPF_ADD, 3, -64)), plain(b.mov64Imm(4, this.#below(4)))]
      return [...setup, ...value, { ...plain(b.call(2)), call: update, mapCall: true }]
    }
    const size = this.#pick(sizes)
    const proved = this.#one(2)
    const off = this.#below(valueSize - bytesOf(size) + 1) + (!proved && this.#one(10) ? valueSize : 0)
    return [
      ...setup,
      { ...plain(b.call(1)), call: lookup, mapLookup: true, mapCall: true },
      plain(b.jumpImm(BPF_JEQ, 0, 0, 1)),
      this.#access(plain(this.#transfer(size, 0, off)), 'map', proved)
    ]
  }

  #access (insn: TranslatedInsn, region: Region, proved: boolean): TranslatedInsn {
    const kind = (insn.code & 7) === BPF_LDX ? 'load' : (insn.code & 0xe0) === BPF_ATOMIC ? 'atomic' : 'store'
    return { ...insn, access: { region, size: bytesOf(insn.code & 0x18), kind, proved } }
  }

  #target (): number { return this.#pick([0, 1, 2, 3, 4, 5, 7, 8]) }
  #source (): number { return this.#one(20) ? this.#pick([PACKET, FRAME]) : this.#target() }
  #immediate (): number { return this.#one(2) ? this.#pick(edges) : this.#word() }
  #word (): number { return Math.floor(this.#random() * 2 ** 32) | 0 }
  #below (limit: number): number { return Math.floor(this.#random() * limit) }
  #one (of: number): boolean { return this.#below(of) === 0 }
  #pick<T> (items: readonly T[]): T { return items[this.#below(items.length)] as T }
}

function place (bodies: readonly Piece[][]): TranslatedProgram {
  const starts = bodies.map((): number[] => [])
  let slot = 0
  bodies.forEach((pieces, index) => {
    for (const piece of pieces) {
      starts[index]?.push(slot)
      slot += piece.insns.length
    }
  })
  const insns = bodies.flatMap((pieces, index) => pieces.flatMap((piece, at): TranslatedInsn[] => {
    const last = piece.insns.length - 1
    const from = (starts[index]?.[at] ?? 0) + last + 1
    const insn = piece.insns[last] as TranslatedInsn
    if (piece.jumpTo !== undefined) return [...piece.insns.slice(0, last), { ...insn, off: (starts[index]?.[piece.jumpTo] ?? 0) - from }]
    if (piece.callTo !== undefined) return [...piece.insns.slice(0, last), { ...insn, imm: (starts[piece.callTo]?.[0] ?? 0) - from }]
    return piece.insns
  }))
  return { insns, functions: starts.map((start) => start[0] ?? 0) }
}
