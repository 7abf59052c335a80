// Running a bound program: one packet that the binding (execution.ts) has laid out, or a batch of packets in slots, and
// the account of what ran.

import {
  BINDING_CODE, BINDING_COUNT, BINDING_DIFF, BINDING_INFO, BINDING_PROFILE, COST_CLASSES, EXEC_COSTS, EXEC_CTX, EXEC_CTX_DATA,
  EXEC_CTX_DATA_END, EXEC_CTX_DATA_META, EXEC_CTX_FRAME_SIZE, EXEC_CTX_HARD_START, EXEC_EXECUTED, EXEC_FAULT, EXEC_FAULT_ADDRESS,
  EXEC_FAULT_RECORD, EXEC_FAULTS, EXEC_LOWEST, EXEC_R0, EXEC_R1, EXEC_R10, EXEC_R11, EXEC_SEGMENT, EXEC_SLOT, EXEC_STACK, EXEC_WORKER, PACKET_HEADROOM,
  RECORD_BYTES, SLOT_DATA, SLOT_EXECUTED, SLOT_FAULT, SLOT_FAULT_ADDRESS, SLOT_FAULT_RECORD, SLOT_HEADER_BYTES, SLOT_LENGTH,
  SLOT_VERDICT, STACK_FRAMES, STACK_FRAME_BYTES
} from './exec-layout'
import { zero } from './exec-zero'
import { interpret } from './interpreter'
import { readerEnter, readerExit } from './map-ops'
import { SHARED_INFO_SIZE } from './layout'

const PAGE: u32 = 4096

/** Runs the packet that the context describes. */
export function execRun (exec: usize, binding: usize): void {
  readerEnter(load<u32>(exec, EXEC_WORKER))
  begin(exec)
  interpret(exec, binding)
  readerExit(load<u32>(exec, EXEC_WORKER))
}

/** Runs the packets of slots `from` to `to` - 1, each rewritten in place. */
export function execBatch (exec: usize, binding: usize, slots: usize, stride: u32, from: u32, to: u32): void {
  readerEnter(load<u32>(exec, EXEC_WORKER))
  for (let index = from; index < to; index++) {
    const slot = slots + (index as usize) * stride
    store<u32>(exec, index, EXEC_SLOT)
    layPacket(exec, slot, stride)
    begin(exec)
    interpret(exec, binding)
    report(exec, binding, slot)
  }
  readerExit(load<u32>(exec, EXEC_WORKER))
}

/**
 * After a trap, which left the interpreter in the middle: ends the segment under way, whose records count as not run,
 * and the reading of maps.
 */
export function execRecover (exec: usize, binding: usize): void {
  const entry = load<u32>(binding, BINDING_DIFF) + ((load<u32>(exec, EXEC_SEGMENT) - load<u32>(binding, BINDING_CODE)) >> 2)
  store<i32>(entry, load<i32>(entry) - 1)
  readerExit(load<u32>(exec, EXEC_WORKER))
}

/** Sums the difference array up: adds to the profile, adds to the costs of the execution, and clears it. */
export function execAccount (exec: usize, binding: usize): void {
  const records = load<u32>(binding, BINDING_COUNT) as usize
  const diff: usize = load<u32>(binding, BINDING_DIFF)
  const info: usize = load<u32>(binding, BINDING_INFO)
  const profile: usize = load<u32>(binding, BINDING_PROFILE)
  const costs = exec + EXEC_COSTS
  let ran: i32 = 0
  for (let i: usize = 0; i < records; i++) {
    ran += load<i32>(diff + (i << 2))
    if (ran == 0) continue
    const times = ran as u32 as u64
    const cost = costs + ((load<u8>(info + (i << 1)) as usize) << 3)
    store<u64>(cost, load<u64>(cost) + times)
    const entry = profile + (i << 3)
    store<u64>(entry, load<u64>(entry) + times)
  }
  memory.fill(diff, 0, (records + 1) << 2)
}

/** Forgets the costs summed so far. */
export function execClearCosts (exec: usize): void {
  memory.fill(exec + EXEC_COSTS, 0, COST_CLASSES * 8)
}

/** Registers and stack as a program finds them; what it may not read is zero, so that runs repeat to the bit. */
function begin (exec: usize): void {
  const top = load<u32>(exec, EXEC_STACK) + STACK_FRAMES * STACK_FRAME_BYTES
  zero(exec, EXEC_R11 + 8)
  zero(top - STACK_FRAME_BYTES, STACK_FRAME_BYTES)
  store<u64>(exec, load<u32>(exec, EXEC_CTX) as u64, EXEC_R1)
  store<u64>(exec, top as u64, EXEC_R10)
}

function layPacket (exec: usize, slot: usize, stride: u32): void {
  const data = slot + SLOT_HEADER_BYTES + PACKET_HEADROOM
  store<u32>(slot, SLOT_HEADER_BYTES + PACKET_HEADROOM, SLOT_DATA)
  store<u64>(load<u32>(exec, EXEC_CTX_DATA), data as u64)
  store<u64>(load<u32>(exec, EXEC_CTX_DATA_META), data as u64)
  store<u64>(load<u32>(exec, EXEC_CTX_DATA_END), (data + load<u32>(slot, SLOT_LENGTH)) as u64)
  store<u64>(load<u32>(exec, EXEC_CTX_HARD_START), (slot + SLOT_HEADER_BYTES) as u64)
  store<u32>(load<u32>(exec, EXEC_CTX_FRAME_SIZE), frameBytes(load<u32>(slot, SLOT_LENGTH), stride - SLOT_HEADER_BYTES))
  store<u32>(exec, data as u32, EXEC_LOWEST)
}

/**
 * A page, as a single run has it, but for slots that have no room for one and packets that do not fit one. The shared info at its end need
 * not be in the slot: nobody reads or writes it.
 */
function frameBytes (length: u32, room: u32): u32 {
  const largest = room + SHARED_INFO_SIZE
  return largest < PAGE || (PACKET_HEADROOM as u32) + length + SHARED_INFO_SIZE > PAGE ? largest : PAGE
}

function report (exec: usize, binding: usize, slot: usize): void {
  const data = load<u32>(load<u32>(exec, EXEC_CTX_DATA))
  const fault = load<u32>(exec, EXEC_FAULT)
  store<u32>(slot, load<u32>(load<u32>(exec, EXEC_CTX_DATA_END)) - data, SLOT_LENGTH)
  store<u32>(slot, data - (slot as u32), SLOT_DATA)
  store<u32>(slot, fault == 0 ? load<u32>(exec, EXEC_R0) : 0, SLOT_VERDICT)
  store<u32>(slot, load<u32>(exec, EXEC_EXECUTED), SLOT_EXECUTED)
  store<u32>(slot, fault, SLOT_FAULT)
  if (fault == 0) return
  store<u32>(exec, load<u32>(exec, EXEC_FAULTS) + 1, EXEC_FAULTS)
  store<u32>(slot, (load<u32>(exec, EXEC_FAULT_RECORD) - load<u32>(binding, BINDING_CODE)) / RECORD_BYTES, SLOT_FAULT_RECORD)
  store<u64>(slot, load<u64>(exec, EXEC_FAULT_ADDRESS), SLOT_FAULT_ADDRESS)
}
