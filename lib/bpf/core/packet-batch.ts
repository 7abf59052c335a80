// Slots of packets in linear memory, which `Execution.runBatch` runs in place without a call or an allocation per
// packet. The layout of a slot is in assembly/exec-layout.ts (SLOT_*): 32 bytes of header (length, where the packet
// begins, verdict, instructions, fault), 256 bytes of headroom, the packet.

import {
  PACKET_HEADROOM, SLOT_DATA, SLOT_EXECUTED, SLOT_FAULT, SLOT_FAULT_ADDRESS, SLOT_FAULT_RECORD, SLOT_HEADER_BYTES, SLOT_LENGTH,
  SLOT_VERDICT
} from './assembly/exec-layout.ts'
import type { Core } from './core.ts'
import { failure, success } from '../profile/errno.ts'
import type { Result } from '../profile/errno.ts'

export const SLOT_OVERHEAD_BYTES = SLOT_HEADER_BYTES + PACKET_HEADROOM
const MAX_SLOTS = 65536
const MAX_STRIDE_BYTES = 65536

export interface BatchOptions {
  /** 4096 unless said */
  readonly slots?: number
  /** bytes from one slot to the next, a multiple of 64; 2048 unless said: packets of up to 1760 bytes */
  readonly strideBytes?: number
}

export interface PacketBatch {
  readonly address: number
  readonly slots: number
  readonly strideBytes: number
  readonly maxPacketBytes: number
  /** Puts a packet in; a batch that ran must be filled again, because programs rewrite in place. */
  set (slot: number, packet: Uint8Array): void
  /** r0 as u32; 0 after a fault */
  verdict (slot: number): number
  /** executed instructions */
  instructions (slot: number): number
  /** FAULT_* number, 0 none */
  fault (slot: number): number
  /** record at fault and address of its access, for `Execution.batchFault` */
  faultAt (slot: number): { readonly record: number, readonly address: string }
  /** copy of the packet as it is now */
  packet (slot: number): Uint8Array
  free (): void
}

/** @returns ENOMEM when the memory cannot hold the slots, EINVAL for a size outside the limits */
export function createBatch (core: Core, { slots = 4096, strideBytes = 2048 }: BatchOptions = {}): Result<PacketBatch> {
  if (!Number.isInteger(slots) || slots < 1 || slots > MAX_SLOTS) return failure('EINVAL', `a batch has 1 to ${MAX_SLOTS} slots, not ${slots}`)
  if (strideBytes % 64 !== 0 || strideBytes <= SLOT_OVERHEAD_BYTES || strideBytes > MAX_STRIDE_BYTES) {
    return failure('EINVAL', `a slot's stride is a multiple of 64 over ${SLOT_OVERHEAD_BYTES} and up to ${MAX_STRIDE_BYTES}, not ${strideBytes}`)
  }
  const address = core.alloc(slots * strideBytes)
  if (address === 0) return failure('ENOMEM', `no memory for ${slots} packet slots of ${strideBytes} bytes`)
  return success(batchAt(core, address, slots, strideBytes))
}

function batchAt (core: Core, address: number, slots: number, strideBytes: number): PacketBatch {
  const maxPacketBytes = strideBytes - SLOT_OVERHEAD_BYTES
  const at = (slot: number): number => {
    if (!(slot >= 0 && slot < slots)) throw new RangeError(`slot ${slot} of a batch of ${slots}`)
    return address + slot * strideBytes
  }
  const word = (slot: number, offset: number): number => core.view().getUint32(at(slot) + offset, true)
  return {
    address,
    slots,
    strideBytes,
    maxPacketBytes,
    set (slot, packet) {
      if (packet.length > maxPacketBytes) throw new RangeError(`a packet of ${packet.length} bytes in a slot for ${maxPacketBytes}`)
      core.view().setUint32(at(slot) + SLOT_LENGTH, packet.length, true)
      core.bytes().set(packet, at(slot) + SLOT_OVERHEAD_BYTES)
    },
    verdict: (slot) => word(slot, SLOT_VERDICT),
    instructions: (slot) => word(slot, SLOT_EXECUTED),
    fault: (slot) => word(slot, SLOT_FAULT),
    faultAt: (slot) => ({
      record: word(slot, SLOT_FAULT_RECORD),
      address: core.view().getBigUint64(at(slot) + SLOT_FAULT_ADDRESS, true).toString(16)
    }),
    packet (slot) {
      const start = at(slot) + word(slot, SLOT_DATA)
      return core.bytes().slice(start, start + word(slot, SLOT_LENGTH))
    },
    free: () => core.free(address)
  }
}
