// The interpreter: runs a bound program (exec-layout.ts) from its first record to its exit or to a fault.
//
// Dispatch is one `switch` over dense operations, which -O3 turns into a jump table. A record holds absolute addresses
// of its registers and of its jump target, so an operation is a handful of loads and one store.
//
// Counting costs nothing in straight code. What ran is a set of runs [segment start, taken branch]; at a taken branch
// from record i to record j the difference array gets diff[i + 1] -= 1, diff[j] += 1, and its prefix sums (`account` in
// exec-run.ts) are how often each record ran. `ran` is the same sum for the packet under way, in bytes of records:
// kept so that `ran + end of the run` is what has been executed, modulo 2^32.

import { div32, div64, mod32, mod64, sdiv32, sdiv64, smod32, smod64 } from './exec-arithmetic'
import { add32, add64, atomic32, atomic64, loadAcquire, storeRelease } from './exec-atomic'
import { mayLoad, mayStore } from './exec-access'
import {
  BINDING_CODE, BINDING_DIFF, EXEC_BUDGET, EXEC_CLOCK, EXEC_CPU, EXEC_EXECUTED, EXEC_FAULT, EXEC_FAULT_RECORD, EXEC_FRAMES, EXEC_R0,
  EXEC_R10, EXEC_R6, EXEC_R7, EXEC_R8, EXEC_R9, EXEC_SEGMENT, FAULT_ACCESS, FAULT_BUDGET, FAULT_CALL, FAULT_TRAP, FRAME_BYTES,
  FRAME_RETURN, RECORD_BYTES, RECORD_SRC, STACK_FRAMES, STACK_FRAME_BYTES
} from './exec-layout'
import * as op from './exec-opcodes'
import { arrayLookup, htabLookup, mapDelete, mapLookup, mapUpdate, prandom } from './exec-functions'
import { adjustHead, adjustMeta, adjustTail, csumDiff } from './exec-packet'
import { note, noteArrayLookup, noteHtabLookup, noteMapLookup } from './exec-notes'
import {
  destination, dst, imm32, imm64, put32, setDst, setDst32, source, src, src32, src64, third
} from './exec-record'
import { zero } from './exec-zero'
import { PERCPU_STRIDE } from './map-ops'

/** Registers, stack and context are prepared by the caller (exec-run.ts). Leaves r0, the fault and the count in `exec`. */
export function interpret (exec: usize, binding: usize): void {
  const code: usize = load<u32>(binding, BINDING_CODE)
  // a record's entry of the difference array is at diff + (pc >> 2), as code is aligned to records
  const diff = (load<u32>(binding, BINDING_DIFF) as usize) - (code >> 2)
  const budget: u32 = load<u32>(exec, EXEC_BUDGET) * RECORD_BYTES
  let depth: u32 = 0
  let pc: usize = code
  let target: usize = 0
  let ran: usize = 0 - code
  let r: usize = 0
  count(diff, pc, 1)
  store<u32>(exec, pc as u32, EXEC_SEGMENT)
  for (;;) {
    switch (load<u8>(pc) as i32) {
      case op.ADD64_K: r = dst(pc); store<u64>(r, load<u64>(r) + imm64(pc)); pc += RECORD_BYTES; continue
      case op.ADD64_X: r = dst(pc); store<u64>(r, load<u64>(r) + src64(pc)); pc += RECORD_BYTES; continue
      case op.ADD32_K: r = dst(pc); put32(r, load<u32>(r) + imm32(pc)); pc += RECORD_BYTES; continue
      case op.ADD32_X: r = dst(pc); put32(r, load<u32>(r) + src32(pc)); pc += RECORD_BYTES; continue
      case op.SUB64_K: r = dst(pc); store<u64>(r, load<u64>(r) - imm64(pc)); pc += RECORD_BYTES; continue
      case op.SUB64_X: r = dst(pc); store<u64>(r, load<u64>(r) - src64(pc)); pc += RECORD_BYTES; continue
      case op.SUB32_K: r = dst(pc); put32(r, load<u32>(r) - imm32(pc)); pc += RECORD_BYTES; continue
      case op.SUB32_X: r = dst(pc); put32(r, load<u32>(r) - src32(pc)); pc += RECORD_BYTES; continue
      case op.MUL64_K: r = dst(pc); store<u64>(r, load<u64>(r) * imm64(pc)); pc += RECORD_BYTES; continue
      case op.MUL64_X: r = dst(pc); store<u64>(r, load<u64>(r) * src64(pc)); pc += RECORD_BYTES; continue
      case op.MUL32_K: r = dst(pc); put32(r, load<u32>(r) * imm32(pc)); pc += RECORD_BYTES; continue
      case op.MUL32_X: r = dst(pc); put32(r, load<u32>(r) * src32(pc)); pc += RECORD_BYTES; continue
      case op.DIV64_K: r = dst(pc); store<u64>(r, div64(load<u64>(r), imm64(pc))); pc += RECORD_BYTES; continue
      case op.DIV64_X: r = dst(pc); store<u64>(r, div64(load<u64>(r), src64(pc))); pc += RECORD_BYTES; continue
      case op.DIV32_K: r = dst(pc); put32(r, div32(load<u32>(r), imm32(pc))); pc += RECORD_BYTES; continue
      case op.DIV32_X: r = dst(pc); put32(r, div32(load<u32>(r), src32(pc))); pc += RECORD_BYTES; continue
      case op.OR64_K: r = dst(pc); store<u64>(r, load<u64>(r) | imm64(pc)); pc += RECORD_BYTES; continue
      case op.OR64_X: r = dst(pc); store<u64>(r, load<u64>(r) | src64(pc)); pc += RECORD_BYTES; continue
      case op.OR32_K: r = dst(pc); put32(r, load<u32>(r) | imm32(pc)); pc += RECORD_BYTES; continue
      case op.OR32_X: r = dst(pc); put32(r, load<u32>(r) | src32(pc)); pc += RECORD_BYTES; continue
      case op.AND64_K: r = dst(pc); store<u64>(r, load<u64>(r) & imm64(pc)); pc += RECORD_BYTES; continue
      case op.AND64_X: r = dst(pc); store<u64>(r, load<u64>(r) & src64(pc)); pc += RECORD_BYTES; continue
      case op.AND32_K: r = dst(pc); put32(r, load<u32>(r) & imm32(pc)); pc += RECORD_BYTES; continue
      case op.AND32_X: r = dst(pc); put32(r, load<u32>(r) & src32(pc)); pc += RECORD_BYTES; continue
      case op.LSH64_K: r = dst(pc); store<u64>(r, load<u64>(r) << (imm64(pc) & 63)); pc += RECORD_BYTES; continue
      case op.LSH64_X: r = dst(pc); store<u64>(r, load<u64>(r) << (src64(pc) & 63)); pc += RECORD_BYTES; continue
      case op.LSH32_K: r = dst(pc); put32(r, load<u32>(r) << (imm32(pc) & 31)); pc += RECORD_BYTES; continue
      case op.LSH32_X: r = dst(pc); put32(r, load<u32>(r) << (src32(pc) & 31)); pc += RECORD_BYTES; continue
      case op.RSH64_K: r = dst(pc); store<u64>(r, load<u64>(r) >> (imm64(pc) & 63)); pc += RECORD_BYTES; continue
      case op.RSH64_X: r = dst(pc); store<u64>(r, load<u64>(r) >> (src64(pc) & 63)); pc += RECORD_BYTES; continue
      case op.RSH32_K: r = dst(pc); put32(r, load<u32>(r) >> (imm32(pc) & 31)); pc += RECORD_BYTES; continue
      case op.RSH32_X: r = dst(pc); put32(r, load<u32>(r) >> (src32(pc) & 31)); pc += RECORD_BYTES; continue
      case op.MOD64_K: r = dst(pc); store<u64>(r, mod64(load<u64>(r), imm64(pc))); pc += RECORD_BYTES; continue
      case op.MOD64_X: r = dst(pc); store<u64>(r, mod64(load<u64>(r), src64(pc))); pc += RECORD_BYTES; continue
      case op.MOD32_K: r = dst(pc); put32(r, mod32(load<u32>(r), imm32(pc))); pc += RECORD_BYTES; continue
      case op.MOD32_X: r = dst(pc); put32(r, mod32(load<u32>(r), src32(pc))); pc += RECORD_BYTES; continue
      case op.XOR64_K: r = dst(pc); store<u64>(r, load<u64>(r) ^ imm64(pc)); pc += RECORD_BYTES; continue
      case op.XOR64_X: r = dst(pc); store<u64>(r, load<u64>(r) ^ src64(pc)); pc += RECORD_BYTES; continue
      case op.XOR32_K: r = dst(pc); put32(r, load<u32>(r) ^ imm32(pc)); pc += RECORD_BYTES; continue
      case op.XOR32_X: r = dst(pc); put32(r, load<u32>(r) ^ src32(pc)); pc += RECORD_BYTES; continue
      case op.MOV64_K: setDst(pc, imm64(pc)); pc += RECORD_BYTES; continue
      case op.MOV64_X: setDst(pc, src64(pc)); pc += RECORD_BYTES; continue
      case op.MOV32_K: setDst32(pc, imm32(pc)); pc += RECORD_BYTES; continue
      case op.MOV32_X: setDst32(pc, src32(pc)); pc += RECORD_BYTES; continue
      case op.ARSH64_K: r = dst(pc); store<u64>(r, load<i64>(r) >> ((imm64(pc) & 63) as i64)); pc += RECORD_BYTES; continue
      case op.ARSH64_X: r = dst(pc); store<u64>(r, load<i64>(r) >> ((src64(pc) & 63) as i64)); pc += RECORD_BYTES; continue
      case op.ARSH32_K: r = dst(pc); put32(r, (load<i32>(r) >> ((imm32(pc) & 31) as i32)) as u32); pc += RECORD_BYTES; continue
      case op.ARSH32_X: r = dst(pc); put32(r, (load<i32>(r) >> ((src32(pc) & 31) as i32)) as u32); pc += RECORD_BYTES; continue
      case op.SDIV64_K: r = dst(pc); store<u64>(r, sdiv64(load<u64>(r) as i64, imm64(pc) as i64)); pc += RECORD_BYTES; continue
      case op.SDIV64_X: r = dst(pc); store<u64>(r, sdiv64(load<u64>(r) as i64, src64(pc) as i64)); pc += RECORD_BYTES; continue
      case op.SDIV32_K: r = dst(pc); put32(r, sdiv32(load<i32>(r), imm32(pc) as i32)); pc += RECORD_BYTES; continue
      case op.SDIV32_X: r = dst(pc); put32(r, sdiv32(load<i32>(r), src32(pc) as i32)); pc += RECORD_BYTES; continue
      case op.SMOD64_K: r = dst(pc); store<u64>(r, smod64(load<u64>(r) as i64, imm64(pc) as i64)); pc += RECORD_BYTES; continue
      case op.SMOD64_X: r = dst(pc); store<u64>(r, smod64(load<u64>(r) as i64, src64(pc) as i64)); pc += RECORD_BYTES; continue
      case op.SMOD32_K: r = dst(pc); put32(r, smod32(load<i32>(r), imm32(pc) as i32)); pc += RECORD_BYTES; continue
      case op.SMOD32_X: r = dst(pc); put32(r, smod32(load<i32>(r), src32(pc) as i32)); pc += RECORD_BYTES; continue

      case op.NEG64: r = dst(pc); store<u64>(r, 0 - load<u64>(r)); pc += RECORD_BYTES; continue
      case op.NEG32: r = dst(pc); put32(r, 0 - load<u32>(r)); pc += RECORD_BYTES; continue
      case op.MOVSX64_8: setDst(pc, load<i8>(src(pc)) as i64 as u64); pc += RECORD_BYTES; continue
      case op.MOVSX64_16: setDst(pc, load<i16>(src(pc)) as i64 as u64); pc += RECORD_BYTES; continue
      case op.MOVSX64_32: setDst(pc, load<i32>(src(pc)) as i64 as u64); pc += RECORD_BYTES; continue
      case op.MOVSX32_8: setDst32(pc, load<i8>(src(pc)) as i32 as u32); pc += RECORD_BYTES; continue
      case op.MOVSX32_16: setDst32(pc, load<i16>(src(pc)) as i32 as u32); pc += RECORD_BYTES; continue
      case op.SWAP16: r = dst(pc); store<u64>(r, bswap<u16>(load<u16>(r)) as u64); pc += RECORD_BYTES; continue
      case op.SWAP32: r = dst(pc); store<u64>(r, bswap<u32>(load<u32>(r)) as u64); pc += RECORD_BYTES; continue
      case op.SWAP64: r = dst(pc); store<u64>(r, bswap<u64>(load<u64>(r))); pc += RECORD_BYTES; continue
      case op.TRUNCATE16: r = dst(pc); store<u64>(r, load<u16>(r) as u64); pc += RECORD_BYTES; continue
      case op.TRUNCATE32: r = dst(pc); store<u64>(r, load<u32>(r) as u64); pc += RECORD_BYTES; continue
      case op.NOTHING: pc += RECORD_BYTES; continue
      case op.LOAD_IMM64: setDst(pc, load<u64>(pc, RECORD_SRC)); pc += RECORD_BYTES; continue
      case op.MOV_PERCPU: setDst(pc, src64(pc) + (load<u32>(exec, EXEC_CPU) * PERCPU_STRIDE) as u64); pc += RECORD_BYTES; continue

      case op.JUMP: target = src(pc); break
      case op.JEQ64_K: if (load<u64>(dst(pc)) == imm64(pc)) { target = src(pc); break } pc += RECORD_BYTES; continue
      case op.JEQ64_X: if (load<u64>(dst(pc)) == load<u64>(src(pc))) { target = third(pc); break } pc += RECORD_BYTES; continue
      case op.JEQ32_K: if (load<u32>(dst(pc)) == imm32(pc)) { target = src(pc); break } pc += RECORD_BYTES; continue
      case op.JEQ32_X: if (load<u32>(dst(pc)) == load<u32>(src(pc))) { target = third(pc); break } pc += RECORD_BYTES; continue
      case op.JGT64_K: if (load<u64>(dst(pc)) > imm64(pc)) { target = src(pc); break } pc += RECORD_BYTES; continue
      case op.JGT64_X: if (load<u64>(dst(pc)) > load<u64>(src(pc))) { target = third(pc); break } pc += RECORD_BYTES; continue
      case op.JGT32_K: if (load<u32>(dst(pc)) > imm32(pc)) { target = src(pc); break } pc += RECORD_BYTES; continue
      case op.JGT32_X: if (load<u32>(dst(pc)) > load<u32>(src(pc))) { target = third(pc); break } pc += RECORD_BYTES; continue
      case op.JGE64_K: if (load<u64>(dst(pc)) >= imm64(pc)) { target = src(pc); break } pc += RECORD_BYTES; continue
      case op.JGE64_X: if (load<u64>(dst(pc)) >= load<u64>(src(pc))) { target = third(pc); break } pc += RECORD_BYTES; continue
      case op.JGE32_K: if (load<u32>(dst(pc)) >= imm32(pc)) { target = src(pc); break } pc += RECORD_BYTES; continue
      case op.JGE32_X: if (load<u32>(dst(pc)) >= load<u32>(src(pc))) { target = third(pc); break } pc += RECORD_BYTES; continue
      case op.JSET64_K: if ((load<u64>(dst(pc)) & imm64(pc)) != 0) { target = src(pc); break } pc += RECORD_BYTES; continue
      case op.JSET64_X: if ((load<u64>(dst(pc)) & load<u64>(src(pc))) != 0) { target = third(pc); break } pc += RECORD_BYTES; continue
      case op.JSET32_K: if ((load<u32>(dst(pc)) & imm32(pc)) != 0) { target = src(pc); break } pc += RECORD_BYTES; continue
      case op.JSET32_X: if ((load<u32>(dst(pc)) & load<u32>(src(pc))) != 0) { target = third(pc); break } pc += RECORD_BYTES; continue
      case op.JNE64_K: if (load<u64>(dst(pc)) != imm64(pc)) { target = src(pc); break } pc += RECORD_BYTES; continue
      case op.JNE64_X: if (load<u64>(dst(pc)) != load<u64>(src(pc))) { target = third(pc); break } pc += RECORD_BYTES; continue
      case op.JNE32_K: if (load<u32>(dst(pc)) != imm32(pc)) { target = src(pc); break } pc += RECORD_BYTES; continue
      case op.JNE32_X: if (load<u32>(dst(pc)) != load<u32>(src(pc))) { target = third(pc); break } pc += RECORD_BYTES; continue
      case op.JSGT64_K: if (load<i64>(dst(pc)) > (imm64(pc) as i64)) { target = src(pc); break } pc += RECORD_BYTES; continue
      case op.JSGT64_X: if (load<i64>(dst(pc)) > load<i64>(src(pc))) { target = third(pc); break } pc += RECORD_BYTES; continue
      case op.JSGT32_K: if (load<i32>(dst(pc)) > (imm32(pc) as i32)) { target = src(pc); break } pc += RECORD_BYTES; continue
      case op.JSGT32_X: if (load<i32>(dst(pc)) > load<i32>(src(pc))) { target = third(pc); break } pc += RECORD_BYTES; continue
      case op.JSGE64_K: if (load<i64>(dst(pc)) >= (imm64(pc) as i64)) { target = src(pc); break } pc += RECORD_BYTES; continue
      case op.JSGE64_X: if (load<i64>(dst(pc)) >= load<i64>(src(pc))) { target = third(pc); break } pc += RECORD_BYTES; continue
      case op.JSGE32_K: if (load<i32>(dst(pc)) >= (imm32(pc) as i32)) { target = src(pc); break } pc += RECORD_BYTES; continue
      case op.JSGE32_X: if (load<i32>(dst(pc)) >= load<i32>(src(pc))) { target = third(pc); break } pc += RECORD_BYTES; continue
      case op.JLT64_K: if (load<u64>(dst(pc)) < imm64(pc)) { target = src(pc); break } pc += RECORD_BYTES; continue
      case op.JLT64_X: if (load<u64>(dst(pc)) < load<u64>(src(pc))) { target = third(pc); break } pc += RECORD_BYTES; continue
      case op.JLT32_K: if (load<u32>(dst(pc)) < imm32(pc)) { target = src(pc); break } pc += RECORD_BYTES; continue
      case op.JLT32_X: if (load<u32>(dst(pc)) < load<u32>(src(pc))) { target = third(pc); break } pc += RECORD_BYTES; continue
      case op.JLE64_K: if (load<u64>(dst(pc)) <= imm64(pc)) { target = src(pc); break } pc += RECORD_BYTES; continue
      case op.JLE64_X: if (load<u64>(dst(pc)) <= load<u64>(src(pc))) { target = third(pc); break } pc += RECORD_BYTES; continue
      case op.JLE32_K: if (load<u32>(dst(pc)) <= imm32(pc)) { target = src(pc); break } pc += RECORD_BYTES; continue
      case op.JLE32_X: if (load<u32>(dst(pc)) <= load<u32>(src(pc))) { target = third(pc); break } pc += RECORD_BYTES; continue
      case op.JSLT64_K: if (load<i64>(dst(pc)) < (imm64(pc) as i64)) { target = src(pc); break } pc += RECORD_BYTES; continue
      case op.JSLT64_X: if (load<i64>(dst(pc)) < load<i64>(src(pc))) { target = third(pc); break } pc += RECORD_BYTES; continue
      case op.JSLT32_K: if (load<i32>(dst(pc)) < (imm32(pc) as i32)) { target = src(pc); break } pc += RECORD_BYTES; continue
      case op.JSLT32_X: if (load<i32>(dst(pc)) < load<i32>(src(pc))) { target = third(pc); break } pc += RECORD_BYTES; continue
      case op.JSLE64_K: if (load<i64>(dst(pc)) <= (imm64(pc) as i64)) { target = src(pc); break } pc += RECORD_BYTES; continue
      case op.JSLE64_X: if (load<i64>(dst(pc)) <= load<i64>(src(pc))) { target = third(pc); break } pc += RECORD_BYTES; continue
      case op.JSLE32_K: if (load<i32>(dst(pc)) <= (imm32(pc) as i32)) { target = src(pc); break } pc += RECORD_BYTES; continue
      case op.JSLE32_X: if (load<i32>(dst(pc)) <= load<i32>(src(pc))) { target = third(pc); break } pc += RECORD_BYTES; continue

      case op.LOAD8_CHECKED: if (!mayLoad(exec, binding, pc)) return finish(exec, diff, pc, ran, FAULT_ACCESS)
      case op.LOAD8: setDst(pc, load<u8>(source(pc)) as u64); pc += RECORD_BYTES; continue
      case op.LOAD16_CHECKED: if (!mayLoad(exec, binding, pc)) return finish(exec, diff, pc, ran, FAULT_ACCESS)
      case op.LOAD16: setDst(pc, load<u16>(source(pc)) as u64); pc += RECORD_BYTES; continue
      case op.LOAD32_CHECKED: if (!mayLoad(exec, binding, pc)) return finish(exec, diff, pc, ran, FAULT_ACCESS)
      case op.LOAD32: setDst(pc, load<u32>(source(pc)) as u64); pc += RECORD_BYTES; continue
      case op.LOAD64_CHECKED: if (!mayLoad(exec, binding, pc)) return finish(exec, diff, pc, ran, FAULT_ACCESS)
      case op.LOAD64: setDst(pc, load<u64>(source(pc)) as u64); pc += RECORD_BYTES; continue
      case op.LOADSX8_CHECKED: if (!mayLoad(exec, binding, pc)) return finish(exec, diff, pc, ran, FAULT_ACCESS)
      case op.LOADSX8: setDst(pc, load<i8>(source(pc)) as i64 as u64); pc += RECORD_BYTES; continue
      case op.LOADSX16_CHECKED: if (!mayLoad(exec, binding, pc)) return finish(exec, diff, pc, ran, FAULT_ACCESS)
      case op.LOADSX16: setDst(pc, load<i16>(source(pc)) as i64 as u64); pc += RECORD_BYTES; continue
      case op.LOADSX32_CHECKED: if (!mayLoad(exec, binding, pc)) return finish(exec, diff, pc, ran, FAULT_ACCESS)
      case op.LOADSX32: setDst(pc, load<i32>(source(pc)) as i64 as u64); pc += RECORD_BYTES; continue
      case op.STORE8_K_CHECKED: if (!mayStore(exec, binding, pc)) return finish(exec, diff, pc, ran, FAULT_ACCESS)
      case op.STORE8_K: store<u8>(destination(pc), imm64(pc) as u8); pc += RECORD_BYTES; continue
      case op.STORE16_K_CHECKED: if (!mayStore(exec, binding, pc)) return finish(exec, diff, pc, ran, FAULT_ACCESS)
      case op.STORE16_K: store<u16>(destination(pc), imm64(pc) as u16); pc += RECORD_BYTES; continue
      case op.STORE32_K_CHECKED: if (!mayStore(exec, binding, pc)) return finish(exec, diff, pc, ran, FAULT_ACCESS)
      case op.STORE32_K: store<u32>(destination(pc), imm64(pc) as u32); pc += RECORD_BYTES; continue
      case op.STORE64_K_CHECKED: if (!mayStore(exec, binding, pc)) return finish(exec, diff, pc, ran, FAULT_ACCESS)
      case op.STORE64_K: store<u64>(destination(pc), imm64(pc)); pc += RECORD_BYTES; continue
      case op.STORE8_X_CHECKED: if (!mayStore(exec, binding, pc)) return finish(exec, diff, pc, ran, FAULT_ACCESS)
      case op.STORE8_X: store<u8>(destination(pc), load<u8>(src(pc))); pc += RECORD_BYTES; continue
      case op.STORE16_X_CHECKED: if (!mayStore(exec, binding, pc)) return finish(exec, diff, pc, ran, FAULT_ACCESS)
      case op.STORE16_X: store<u16>(destination(pc), load<u16>(src(pc))); pc += RECORD_BYTES; continue
      case op.STORE32_X_CHECKED: if (!mayStore(exec, binding, pc)) return finish(exec, diff, pc, ran, FAULT_ACCESS)
      case op.STORE32_X: store<u32>(destination(pc), load<u32>(src(pc))); pc += RECORD_BYTES; continue
      case op.STORE64_X_CHECKED: if (!mayStore(exec, binding, pc)) return finish(exec, diff, pc, ran, FAULT_ACCESS)
      case op.STORE64_X: store<u64>(destination(pc), load<u64>(src(pc))); pc += RECORD_BYTES; continue
      case op.ATOMIC_ADD32_CHECKED: if (!mayStore(exec, binding, pc)) return finish(exec, diff, pc, ran, FAULT_ACCESS)
      case op.ATOMIC_ADD32: add32(destination(pc), src32(pc)); pc += RECORD_BYTES; continue
      case op.ATOMIC_ADD64_CHECKED: if (!mayStore(exec, binding, pc)) return finish(exec, diff, pc, ran, FAULT_ACCESS)
      case op.ATOMIC_ADD64: add64(destination(pc), src64(pc)); pc += RECORD_BYTES; continue
      case op.ATOMIC32_CHECKED: if (!mayStore(exec, binding, pc)) return finish(exec, diff, pc, ran, FAULT_ACCESS)
      case op.ATOMIC32: atomic32(exec, pc, destination(pc)); pc += RECORD_BYTES; continue
      case op.ATOMIC64_CHECKED: if (!mayStore(exec, binding, pc)) return finish(exec, diff, pc, ran, FAULT_ACCESS)
      case op.ATOMIC64: atomic64(exec, pc, destination(pc)); pc += RECORD_BYTES; continue
      case op.LOAD_ACQUIRE_CHECKED: if (!mayLoad(exec, binding, pc)) return finish(exec, diff, pc, ran, FAULT_ACCESS)
      case op.LOAD_ACQUIRE: setDst(pc, loadAcquire(source(pc), imm32(pc))); pc += RECORD_BYTES; continue
      case op.STORE_RELEASE_CHECKED: if (!mayStore(exec, binding, pc)) return finish(exec, diff, pc, ran, FAULT_ACCESS)
      case op.STORE_RELEASE: storeRelease(destination(pc), imm32(pc), src64(pc)); pc += RECORD_BYTES; continue

      case op.CALL_ARRAY_LOOKUP: arrayLookup(exec); pc += RECORD_BYTES; continue
      case op.CALL_HTAB_LOOKUP: htabLookup(exec); pc += RECORD_BYTES; continue
      case op.CALL_MAP_LOOKUP: mapLookup(exec); pc += RECORD_BYTES; continue
      case op.CALL_MAP_UPDATE: mapUpdate(exec); pc += RECORD_BYTES; continue
      case op.CALL_MAP_DELETE: mapDelete(exec); pc += RECORD_BYTES; continue
      case op.CALL_SMP_PROCESSOR_ID: store<u64>(exec, load<u32>(exec, EXEC_CPU) as u64, EXEC_R0); pc += RECORD_BYTES; continue
      case op.CALL_KTIME_GET_NS: store<u64>(exec, load<u64>(exec, EXEC_CLOCK), EXEC_R0); pc += RECORD_BYTES; continue
      case op.CALL_PRANDOM_U32: prandom(exec); pc += RECORD_BYTES; continue
      case op.CALL_CSUM_DIFF: csumDiff(exec); pc += RECORD_BYTES; continue
      case op.CALL_ADJUST_HEAD: adjustHead(exec); pc += RECORD_BYTES; continue
      case op.CALL_ADJUST_TAIL: adjustTail(exec); pc += RECORD_BYTES; continue
      case op.CALL_ADJUST_META: adjustMeta(exec); pc += RECORD_BYTES; continue

      case op.NOTE_LOAD: note(exec, source(pc), imm32(pc)); pc += RECORD_BYTES; continue
      case op.NOTE_STORE: note(exec, destination(pc), imm32(pc)); pc += RECORD_BYTES; continue
      case op.NOTE_ARRAY_LOOKUP: noteArrayLookup(exec); pc += RECORD_BYTES; continue
      case op.NOTE_HTAB_LOOKUP: noteHtabLookup(exec); pc += RECORD_BYTES; continue
      case op.NOTE_MAP_LOOKUP: noteMapLookup(exec, imm32(pc) != 0); pc += RECORD_BYTES; continue

      case op.CALL_LOCAL:
        if (depth == STACK_FRAMES - 1) return finish(exec, diff, pc, ran, FAULT_CALL)
        if (ran + pc + RECORD_BYTES > (budget as usize)) return finish(exec, diff, pc, ran, FAULT_BUDGET)
        enter(exec, depth++, pc + RECORD_BYTES)
        target = src(pc)
        break
      case op.EXIT:
        if (depth == 0) return finish(exec, diff, pc, ran, 0)
        target = leave(exec, --depth)
        break
      default: return finish(exec, diff, pc, ran, FAULT_TRAP)
    }

    // A branch was taken, pc -> target: what ran up to here is one segment, the next begins at the target. Only a step
    // back can make a program long, so the budget is compared there, and at calls.
    const next = pc + RECORD_BYTES
    if (target < next && ran + next > (budget as usize)) return finish(exec, diff, pc, ran, FAULT_BUDGET)
    ran += next - target
    count(diff, next, -1)
    count(diff, target, 1)
    store<u32>(exec, target as u32, EXEC_SEGMENT)
    pc = target
  }
}

// @ts-ignore: decorator
@inline
function count (diff: usize, pc: usize, by: i32): void {
  const entry = diff + (pc >> 2)
  store<i32>(entry, load<i32>(entry) + by)
}

/** Ends the packet at the record at `pc`, which counts as executed whether it exits or faults. */
function finish (exec: usize, diff: usize, pc: usize, ran: usize, fault: u32): void {
  const next = pc + RECORD_BYTES
  count(diff, next, -1)
  store<u32>(exec, ((ran + next) as u32) / RECORD_BYTES, EXEC_EXECUTED)
  store<u32>(exec, fault, EXEC_FAULT)
  store<u32>(exec, pc as u32, EXEC_FAULT_RECORD)
}

/** A bpf-to-bpf call: r6..r9 are the callee's to use, and its stack is the next 512 bytes below. */
function enter (exec: usize, depth: u32, back: usize): void {
  const frame = exec + EXEC_FRAMES + (depth as usize) * FRAME_BYTES
  store<u64>(frame, load<u64>(exec, EXEC_R6))
  store<u64>(frame, load<u64>(exec, EXEC_R7), 8)
  store<u64>(frame, load<u64>(exec, EXEC_R8), 16)
  store<u64>(frame, load<u64>(exec, EXEC_R9), 24)
  store<u32>(frame, back as u32, FRAME_RETURN)
  const top = load<u64>(exec, EXEC_R10) - STACK_FRAME_BYTES
  store<u64>(exec, top, EXEC_R10)
  zero((top as usize) - STACK_FRAME_BYTES, STACK_FRAME_BYTES)
}

/** @returns the record to go on at */
function leave (exec: usize, depth: u32): usize {
  const frame = exec + EXEC_FRAMES + (depth as usize) * FRAME_BYTES
  store<u64>(exec, load<u64>(frame), EXEC_R6)
  store<u64>(exec, load<u64>(frame, 8), EXEC_R7)
  store<u64>(exec, load<u64>(frame, 16), EXEC_R8)
  store<u64>(exec, load<u64>(frame, 24), EXEC_R9)
  store<u64>(exec, load<u64>(exec, EXEC_R10) + STACK_FRAME_BYTES, EXEC_R10)
  return load<u32>(frame, FRAME_RETURN)
}
