// XDP programs that do one map operation with what the packet says: their test runs are the helpers' side of a comparison.
// Packet: key u32 at 0, value u64 at 4, flags u32 at 12. Never attached.

import { programTypeNumbers } from '../../../lib/bpf/profile/names.ts'
import type { Bpf } from '../../../src/live-kernel/bpf.ts'

/** bytes a packet for these programs has */
export const operationBytes = 16

export function packetFor (key: number, value = 0, flags = 0): Uint8Array {
  return new Uint8Array(Uint32Array.of(key, value, value ^ 0x55aa, flags).buffer)
}

/** @returns a program whose verdict is the helper's result (a look-up: 1 for a value, 0 for none) */
export function loadOperation (bpf: Bpf, mapFd: number, operation: 'lookup' | 'update' | 'delete'): number {
  const { fd, log } = bpf.programLoad({ type: programTypeNumbers.xdp, insns: programs[operation](mapFd), logLevel: 1 })
  if (fd < 0) throw new Error(`program refused: errno ${-fd}\n${log}`)
  return fd
}

function insn (code: number, dst: number, src: number, offset: number, imm: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt8(code, 0)
  bytes.writeUInt8(dst | src << 4, 1)
  bytes.writeInt16LE(offset, 2)
  bytes.writeInt32LE(imm, 4)
  return bytes
}

/** Copies the packet's 16 bytes to the stack at -16, puts &key in r2 and the map in r1, then runs the operation. */
function withOperands (mapFd: number, operation: readonly Buffer[]): Uint8Array {
  const words = [0, 4, 8, 12].flatMap((at) => [insn(0x61, 5, 2, at, 0), insn(0x63, 10, 5, at - 16, 0)])
  const body = [
    ...words,
    insn(0xbf, 2, 10, 0, 0),
    insn(0x07, 2, 0, 0, -16),
    insn(0x18, 1, 1, 0, mapFd),
    insn(0, 0, 0, 0, 0),
    ...operation
  ]
  return Buffer.concat([
    insn(0xb7, 0, 0, 0, 0),
    insn(0x61, 2, 1, 0, 0), // data
    insn(0x61, 3, 1, 4, 0), // data_end
    insn(0xbf, 4, 2, 0, 0),
    insn(0x07, 4, 0, 0, operationBytes),
    insn(0x2d, 4, 3, body.length, 0), // packet too short: exit
    ...body,
    insn(0x95, 0, 0, 0, 0)
  ])
}

const programs = {
  lookup: (mapFd: number) => withOperands(mapFd, [
    insn(0x85, 0, 0, 0, 1),
    insn(0x15, 0, 0, 1, 0),
    insn(0xb7, 0, 0, 0, 1)
  ]),
  update: (mapFd: number) => withOperands(mapFd, [
    insn(0xbf, 3, 10, 0, 0),
    insn(0x07, 3, 0, 0, -12), // &value
    insn(0x61, 4, 10, -4, 0), // flags
    insn(0x85, 0, 0, 0, 2)
  ]),
  delete: (mapFd: number) => withOperands(mapFd, [insn(0x85, 0, 0, 0, 3)])
}
