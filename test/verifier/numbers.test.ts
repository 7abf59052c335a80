// Abstract numbers against real ones: words against BigInt, and for every operation that concrete operands inside their
// bounds give a result inside the computed bounds.

import fc from 'fast-check'
import t from 'tap'
import * as op from '../../lib/bpf/isa/op.ts'
import { compute } from '../../lib/bpf/verifier/arithmetic.ts'
import { decide, refine } from '../../lib/bpf/verifier/comparison.ts'
import * as s from '../../lib/bpf/verifier/scalar.ts'
import type { Scalar } from '../../lib/bpf/verifier/scalar.ts'
import * as tnum from '../../lib/bpf/verifier/tnum.ts'
import * as w from '../../lib/bpf/verifier/word.ts'
import { Word } from '../../lib/bpf/verifier/word.ts'

const seed = 20261123
const runs = { seed, numRuns: 3000 }
t.comment(`seed ${seed}`)

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value)
const wordOf = (value: bigint): Word => new Word(Number(BigInt.asIntN(32, value >> 32n)), Number(BigInt.asIntN(32, value)))
const bigOf = (a: Word): bigint => u64(BigInt(a.hi) << 32n | BigInt(a.lo >>> 0))
const signed = (value: bigint): bigint => BigInt.asIntN(64, value)

/** Numbers near the edges where bounds break: powers of two, their neighbours, and anything. */
const edge = fc.tuple(fc.integer({ min: 0, max: 64 }), fc.integer({ min: -2, max: 2 }), fc.boolean())
  .map(([shift, delta, negative]) => u64((negative ? -1n : 1n) * (1n << BigInt(shift)) + BigInt(delta)))
const number = fc.oneof(edge, fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), fc.bigInt({ min: 0n, max: 300n }))

t.test('words', async (t) => {
  fc.assert(fc.property(number, number, fc.integer({ min: 0, max: 63 }), (a, b, shift) => {
    const [x, y] = [wordOf(a), wordOf(b)]
    const checks: Array<[unknown, unknown]> = [
      [bigOf(w.add(x, y)), u64(a + b)], [bigOf(w.sub(x, y)), u64(a - b)], [bigOf(w.mul(x, y)), u64(a * b)],
      [bigOf(w.and(x, y)), a & b], [bigOf(w.or(x, y)), a | b], [bigOf(w.xor(x, y)), a ^ b],
      [bigOf(w.not(x)), u64(~a)], [bigOf(w.neg(x)), u64(-a)],
      [bigOf(w.shl(x, shift)), u64(a << BigInt(shift))], [bigOf(w.shr(x, shift)), a >> BigInt(shift)],
      [bigOf(w.sar(x, shift)), u64(signed(a) >> BigInt(shift))],
      [w.below(x, y), a < b], [w.less(x, y), signed(a) < signed(b)], [w.bitLength(x), a === 0n ? 0 : a.toString(2).length],
      [w.mulOverflowsUnsigned(x, y), a * b >= 1n << 64n],
      [w.mulOverflowsSigned(x, y), signed(a) * signed(b) !== signed(u64(signed(a) * signed(b)))],
      [w.addOverflowsSigned(x, y, w.add(x, y)), signed(a) + signed(b) !== signed(a + b)],
      [w.subOverflowsSigned(x, y, w.sub(x, y)), signed(a) - signed(b) !== signed(a - b)],
      [w.isPowerOfTwo(x), a !== 0n && (a & (a - 1n)) === 0n], [w.toSignedDecimal(x), String(signed(a))], [w.toHex(x), `0x${a.toString(16)}`]
    ]
    for (const [index, [found, wanted]] of checks.entries()) {
      if (found !== wanted) throw new Error(`check ${index}: ${String(found)}, not ${String(wanted)}`)
    }
  }), runs)
  t.pass('as BigInt')
})

interface Known {
  readonly value: bigint
  readonly scalar: Scalar
}

/** A number with some knowledge that is true of it: facts are learnt from it and others, then synchronised. */
const knowing = fc.tuple(number, number, number, fc.integer({ min: 0, max: 31 })).map(([value, other, mask, which]): Known => {
  const scalar = s.draft(s.UNKNOWN)
  const [a, b] = [wordOf(value), wordOf(other)]
  if ((which & 1) !== 0) scalar.bits = new tnum.Tnum(w.and(a, w.not(wordOf(mask))), wordOf(mask))
  if ((which & 2) !== 0) [scalar.umin, scalar.umax] = [w.minUnsigned(a, b), w.maxUnsigned(a, b)]
  if ((which & 4) !== 0) [scalar.smin, scalar.smax] = [w.minSigned(a, b), w.maxSigned(a, b)]
  if ((which & 8) !== 0) [scalar.u32min, scalar.u32max] = [Math.min(a.lo >>> 0, b.lo >>> 0), Math.max(a.lo >>> 0, b.lo >>> 0)]
  if ((which & 16) !== 0) [scalar.s32min, scalar.s32max] = [Math.min(a.lo, b.lo), Math.max(a.lo, b.lo)]
  s.synchronize(scalar)
  return { value, scalar }
})

function holds (scalar: Scalar, value: bigint): boolean {
  return s.contains(scalar, s.known(wordOf(value)))
}

const asWidth = (bits: 32 | 64, value: bigint): bigint => BigInt.asUintN(bits, value)

function concrete (operation: number, bits: 32 | 64, a: bigint, b: bigint): bigint {
  const shift = b & BigInt(bits - 1)
  const [x, y] = [asWidth(bits, a), asWidth(bits, b)]
  switch (operation) {
    case op.BPF_ADD: return asWidth(bits, x + y)
    case op.BPF_SUB: return asWidth(bits, x - y)
    case op.BPF_MUL: return asWidth(bits, x * y)
    case op.BPF_AND: return x & y
    case op.BPF_OR: return x | y
    case op.BPF_XOR: return x ^ y
    case op.BPF_LSH: return asWidth(bits, x << shift)
    case op.BPF_RSH: return x >> shift
    case op.BPF_ARSH: return asWidth(bits, BigInt.asIntN(bits, x) >> shift)
    case op.BPF_DIV: return y === 0n ? 0n : x / y
    case op.BPF_MOD: return y === 0n ? x : x % y
    default: return asWidth(bits, -x)
  }
}

const ARITHMETIC = [
  op.BPF_ADD, op.BPF_SUB, op.BPF_MUL, op.BPF_AND, op.BPF_OR, op.BPF_XOR, op.BPF_LSH, op.BPF_RSH, op.BPF_ARSH,
  op.BPF_DIV, op.BPF_MOD, op.BPF_NEG
]

t.test('arithmetic', async (t) => {
  const shifts = fc.integer({ min: 0, max: 63 }).map((shift) => ({ value: BigInt(shift), scalar: s.known(w.ofU32(shift)) }))
  const amount = fc.oneof(knowing, shifts)
  const width = fc.constantFrom(32 as const, 64 as const)
  fc.assert(fc.property(fc.constantFrom(...ARITHMETIC), width, knowing, amount, (operation, bits, a, b) => {
    fc.pre(holds(a.scalar, a.value))
    return holds(compute(operation, bits, a.scalar, b.scalar), concrete(operation, bits, a.value, b.value))
  }), { ...runs, numRuns: 20_000 })
  t.pass('results inside their bounds')
})

t.test('widths', async (t) => {
  fc.assert(fc.property(knowing, fc.constantFrom(1, 2, 4), ({ value, scalar }, size) => {
    const bits = size * 8
    const low = BigInt.asUintN(bits, value)
    const extended = BigInt.asIntN(bits, value)
    return holds(s.truncate(scalar, size), low) && holds(s.signExtend64(scalar, size), u64(extended)) &&
      (size === 4 || holds(s.signExtend32(scalar, size), BigInt.asUintN(32, extended)))
  }), runs)
  t.pass('truncation and sign extension')
})

function compares (operation: number, bits: 32 | 64, a: bigint, b: bigint): boolean {
  const [x, y] = [asWidth(bits, a), asWidth(bits, b)]
  const [sx, sy] = [BigInt.asIntN(bits, a), BigInt.asIntN(bits, b)]
  switch (operation) {
    case op.BPF_JEQ: return x === y
    case op.BPF_JNE: return x !== y
    case op.BPF_JSET: return (x & y) !== 0n
    case op.BPF_JGT: return x > y
    case op.BPF_JGE: return x >= y
    case op.BPF_JLT: return x < y
    case op.BPF_JLE: return x <= y
    case op.BPF_JSGT: return sx > sy
    case op.BPF_JSGE: return sx >= sy
    case op.BPF_JSLT: return sx < sy
    default: return sx <= sy
  }
}

const COMPARISONS = [
  op.BPF_JEQ, op.BPF_JNE, op.BPF_JSET, op.BPF_JGT, op.BPF_JGE, op.BPF_JLT, op.BPF_JLE, op.BPF_JSGT, op.BPF_JSGE, op.BPF_JSLT, op.BPF_JSLE
]

t.test('comparisons', async (t) => {
  const constant = number.map((value) => ({ value, scalar: s.known(wordOf(value)) }))
  let decided = 0
  let narrowed = 0
  fc.assert(fc.property(fc.constantFrom(...COMPARISONS), fc.constantFrom(32 as const, 64 as const), knowing, fc.oneof(knowing, constant),
    (operation, bits, a, b) => {
      const truth = compares(operation, bits, a.value, b.value)
      const decision = decide(operation, bits, a.scalar, b.scalar)
      if (decision !== null) {
        decided++
        return decision === truth
      }
      const [first, second] = refine(operation, truth, bits, a.scalar, b.scalar)
      if (!s.equal(first, a.scalar)) narrowed++
      return holds(first, a.value) && holds(second, b.value)
    }), { ...runs, numRuns: 20_000 })
  t.ok(decided > 500 && narrowed > 500, `decided ${decided}, narrowed ${narrowed}`)
})
