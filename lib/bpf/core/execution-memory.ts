// What one worker's executions work on, in linear memory: registers and control words (assembly/exec-layout.ts), the
// context of an XDP program (struct xdp_buff with what it points to, at the profile's offsets), the stack, one packet
// frame. A frame is as the kernel's test-run makes it: a page of 256 bytes headroom, up to 3520 bytes of packet and
// 320 bytes of tail.

import type { KernelProfile } from '../profile/index.ts'
import {
  EXEC_BYTES, EXEC_CPU, EXEC_CTX, EXEC_CTX_DATA, EXEC_CTX_DATA_END, EXEC_CTX_DATA_META, EXEC_CTX_END, EXEC_CTX_FRAME_SIZE,
  EXEC_CTX_HARD_START, EXEC_LOWEST, EXEC_STACK, EXEC_STRUCTS_END, EXEC_WORKER, PACKET_HEADROOM, STACK_FRAMES, STACK_FRAME_BYTES
} from './assembly/exec-layout.ts'
import type { Core } from './core.ts'

export const FRAME_BYTES = 4096
/** longest packet of a single run */
export const MAX_PACKET_BYTES = 3520
/** XDP metadata and packet stand this far into the frame */
export { PACKET_HEADROOM } from './assembly/exec-layout.ts'

/** Addresses of an execution's parts. */
export interface ExecutionMemory {
  readonly address: number
  readonly ctx: number
  readonly ctxEnd: number
  readonly rxq: number
  readonly netDevice: number
  readonly structsEnd: number
  /** lowest of 8 frames of 512 bytes */
  readonly stack: number
  readonly stackTop: number
  /** data_hard_start */
  readonly frame: number
}

const round = (bytes: number): number => Math.ceil(bytes / 64) * 64

/** @returns null when the memory is exhausted; free with `core.free(memory.address)` */
export function allocateExecution (core: Core, cpu: number, worker: number): ExecutionMemory | null {
  const { structs } = core.profile
  const ctx = round(EXEC_BYTES)
  const rxq = ctx + round(structs.xdpBuff.size)
  const netDevice = rxq + round(structs.xdpRxqInfo.queueIndex + 4)
  const stack = netDevice + round(structs.netDevice.ifindex + 4)
  const frame = stack + STACK_FRAMES * STACK_FRAME_BYTES
  const address = core.alloc(frame + FRAME_BYTES)
  if (address === 0) return null
  const memory = {
    address,
    ctx: address + ctx,
    ctxEnd: address + ctx + structs.xdpBuff.size,
    rxq: address + rxq,
    netDevice: address + netDevice,
    structsEnd: address + stack,
    stack: address + stack,
    stackTop: address + frame,
    frame: address + frame
  }
  writeControl(core.view(), memory, core.profile, cpu, worker)
  linkContext(core.view(), memory, core.profile)
  return memory
}

function writeControl (view: DataView, memory: ExecutionMemory, profile: KernelProfile, cpu: number, worker: number): void {
  const { xdpBuff } = profile.structs
  const word = (offset: number, value: number): void => view.setUint32(memory.address + offset, value, true)
  word(EXEC_CPU, cpu)
  word(EXEC_WORKER, worker)
  word(EXEC_CTX, memory.ctx)
  word(EXEC_CTX_DATA, memory.ctx + xdpBuff.data)
  word(EXEC_CTX_DATA_END, memory.ctx + xdpBuff.dataEnd)
  word(EXEC_CTX_DATA_META, memory.ctx + xdpBuff.dataMeta)
  word(EXEC_CTX_HARD_START, memory.ctx + xdpBuff.dataHardStart)
  word(EXEC_CTX_FRAME_SIZE, memory.ctx + xdpBuff.frameSize)
  word(EXEC_CTX_END, memory.ctxEnd)
  word(EXEC_STRUCTS_END, memory.structsEnd)
  word(EXEC_STACK, memory.stack)
}

function linkContext (view: DataView, memory: ExecutionMemory, profile: KernelProfile): void {
  writePointer(view, memory.ctx + profile.structs.xdpBuff.rxq, memory.rxq)
  writePointer(view, memory.rxq + profile.structs.xdpRxqInfo.dev, memory.netDevice)
}

/** A pointer is 8 bytes in every kernel struct. */
function writePointer (view: DataView, at: number, pointer: number): void {
  view.setUint32(at, pointer, true)
  view.setUint32(at + 4, 0, true)
}

export function writeDevice (core: Core, memory: ExecutionMemory, ingressIfindex: number, rxQueueIndex: number): void {
  const { netDevice, xdpRxqInfo } = core.profile.structs
  const view = core.view()
  view.setUint32(memory.netDevice + netDevice.ifindex, ingressIfindex, true)
  view.setUint32(memory.rxq + xdpRxqInfo.queueIndex, rxQueueIndex, true)
}

/** Lays one packet into the frame, data_meta = data. */
export function writePacket (core: Core, memory: ExecutionMemory, packet: Uint8Array): void {
  const { xdpBuff } = core.profile.structs
  const view = core.view()
  const data = memory.frame + PACKET_HEADROOM
  core.bytes().set(packet, data)
  writePointer(view, memory.ctx + xdpBuff.data, data)
  writePointer(view, memory.ctx + xdpBuff.dataMeta, data)
  writePointer(view, memory.ctx + xdpBuff.dataEnd, data + packet.length)
  writePointer(view, memory.ctx + xdpBuff.dataHardStart, memory.frame)
  view.setUint32(memory.ctx + xdpBuff.frameSize, FRAME_BYTES, true)
  view.setUint32(memory.address + EXEC_LOWEST, data, true)
}

/** @returns a copy of data..data_end */
export function readPacket (core: Core, memory: ExecutionMemory): Uint8Array {
  const { xdpBuff } = core.profile.structs
  const view = core.view()
  return core.bytes().slice(view.getUint32(memory.ctx + xdpBuff.data, true), view.getUint32(memory.ctx + xdpBuff.dataEnd, true))
}
