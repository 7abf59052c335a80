// Kernel functions that work on the packet: its head, tail and metadata, and checksums over pieces of it. Offsets and results are C ints,
// so only the low half of an argument counts and a failure is sign-extended.
//
// A frame: room for the kernel's own struct, headroom, metadata, packet, tailroom, the kernel's shared info. Headroom is zero until a
// program has moved into it; it is zeroed when it first shows, so that nobody has to clear a frame for programs that never look.

import {
  EXEC_CTX_DATA, EXEC_CTX_DATA_END, EXEC_CTX_DATA_META, EXEC_CTX_FRAME_SIZE, EXEC_CTX_HARD_START, EXEC_LOWEST, EXEC_R0, EXEC_R1, EXEC_R2,
  EXEC_R3, EXEC_R4, EXEC_R5
} from './exec-layout'
import { EACCES, EINVAL, SHARED_INFO_SIZE, XDP_FRAME_SIZE } from './layout'

/** of Ethernet: what every packet must have at least */
const LEAST_BYTES: i64 = 14
const MOST_METADATA: i64 = 255

/** bpf_xdp_adjust_head: metadata moves along. */
export function adjustHead (exec: usize): void {
  const offset = load<i32>(exec, EXEC_R2) as i64
  const data = member(exec, EXEC_CTX_DATA)
  const meta = member(exec, EXEC_CTX_DATA_META)
  const first = member(exec, EXEC_CTX_HARD_START) + (XDP_FRAME_SIZE as i64) + data - meta
  if (data + offset < first || data + offset > member(exec, EXEC_CTX_DATA_END) - LEAST_BYTES) return answer(exec, -EINVAL)
  reveal(exec, meta + offset)
  if (meta != data) memory.copy((meta + offset) as usize, meta as usize, (data - meta) as usize)
  setMember(exec, EXEC_CTX_DATA_META, meta + offset)
  setMember(exec, EXEC_CTX_DATA, data + offset)
  answer(exec, 0)
}

/** bpf_xdp_adjust_tail: what grows is zero. */
export function adjustTail (exec: usize): void {
  const offset = load<i32>(exec, EXEC_R2) as i64
  const end = member(exec, EXEC_CTX_DATA_END)
  const frameBytes = load<u32>(load<u32>(exec, EXEC_CTX_FRAME_SIZE))
  const last = member(exec, EXEC_CTX_HARD_START) + (frameBytes as i64) - (SHARED_INFO_SIZE as i64)
  if (end + offset > last || end + offset < member(exec, EXEC_CTX_DATA) + LEAST_BYTES) return answer(exec, -EINVAL)
  if (offset > 0) memory.fill(end as usize, 0, offset as usize)
  setMember(exec, EXEC_CTX_DATA_END, end + offset)
  answer(exec, 0)
}

/** bpf_xdp_adjust_meta */
export function adjustMeta (exec: usize): void {
  const data = member(exec, EXEC_CTX_DATA)
  const meta = member(exec, EXEC_CTX_DATA_META) + (load<i32>(exec, EXEC_R2) as i64)
  if (meta < member(exec, EXEC_CTX_HARD_START) + (XDP_FRAME_SIZE as i64) || meta > data) return answer(exec, -EINVAL)
  if ((data - meta & 3) != 0 || data - meta > MOST_METADATA) return answer(exec, -EACCES)
  reveal(exec, meta)
  setMember(exec, EXEC_CTX_DATA_META, meta)
  answer(exec, 0)
}

/** bpf_csum_diff: pushes r3, pulls r1, or both; 16 bits. */
export function csumDiff (exec: usize): void {
  const fromBytes = load<u32>(exec, EXEC_R2)
  const toBytes = load<u32>(exec, EXEC_R4)
  let sum = load<u32>(exec, EXEC_R5)
  if (fromBytes != 0 && toBytes != 0) {
    sum = plus(addBytes(sum, load<u32>(exec, EXEC_R3), toBytes), ~addBytes(0, load<u32>(exec, EXEC_R1), fromBytes))
  } else if (toBytes != 0) {
    sum = addBytes(sum, load<u32>(exec, EXEC_R3), toBytes)
  } else if (fromBytes != 0) {
    sum = ~addBytes(~sum, load<u32>(exec, EXEC_R1), fromBytes)
  }
  const halves: u32 = sum + (sum >> 16 | sum << 16)
  store<u64>(exec, (halves >> 16) as u64, EXEC_R0)
}

/** One's complement sum of little-endian words, the last one filled up with zeros. */
function addBytes (sum: u32, at: usize, bytes: u32): u32 {
  let total = sum as u64
  let i: u32 = 0
  for (; i + 4 <= bytes; i += 4) total += load<u32>(at + (i as usize)) as u64
  for (let shift: u64 = 0; i < bytes; i++, shift += 8) total += (load<u8>(at + (i as usize)) as u64) << shift
  total = (total & 0xffff_ffff) + (total >> 32)
  return ((total & 0xffff_ffff) + (total >> 32)) as u32
}

function plus (a: u32, b: u32): u32 {
  const total = (a as u64) + (b as u64)
  return ((total & 0xffff_ffff) + (total >> 32)) as u32
}

function reveal (exec: usize, from: i64): void {
  const lowest = load<u32>(exec, EXEC_LOWEST) as i64
  if (from >= lowest) return
  memory.fill(from as usize, 0, (lowest - from) as usize)
  store<u32>(exec, from as u32, EXEC_LOWEST)
}

// @ts-ignore: decorator
@inline
function answer (exec: usize, result: i64): void {
  store<i64>(exec, result, EXEC_R0)
}

/** A pointer of the context. */
// @ts-ignore: decorator
@inline
function member (exec: usize, which: usize): i64 {
  return load<u32>(load<u32>(exec + which) as usize) as i64
}

// @ts-ignore: decorator
@inline
function setMember (exec: usize, which: usize, pointer: i64): void {
  store<u64>(load<u32>(exec + which) as usize, pointer as u64)
}
