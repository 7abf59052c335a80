// Bytes to instructions and back: little-endian, 8 bytes per slot, as in object files and bpf(2).

import { failure, success } from '../profile/errno.ts'
import type { Result } from '../profile/errno.ts'
import type { Insn } from './insn.ts'

export const INSN_BYTES = 8

/** @returns one instruction per 8-byte slot, opcodes not judged; fails when the bytes end inside a slot */
export function decode (bytes: Uint8Array): Result<Insn[]> {
  if (bytes.length % INSN_BYTES !== 0) return failure('EINVAL', `${bytes.length} bytes are not whole instructions of ${INSN_BYTES} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const insns: Insn[] = []
  for (let at = 0; at < bytes.length; at += INSN_BYTES) {
    const registers = view.getUint8(at + 1)
    insns.push({
      code: view.getUint8(at),
      dst: registers & 0x0f,
      src: registers >> 4,
      off: view.getInt16(at + 2, true),
      imm: view.getInt32(at + 4, true)
    })
  }
  return success(insns)
}

/** Inverse of `decode`; fields are truncated to their widths. */
export function encode (insns: readonly Insn[]): Uint8Array {
  const bytes = new Uint8Array(insns.length * INSN_BYTES)
  const view = new DataView(bytes.buffer)
  insns.forEach((insn, slot) => {
    const at = slot * INSN_BYTES
    view.setUint8(at, insn.code)
    view.setUint8(at + 1, (insn.src & 0x0f) << 4 | (insn.dst & 0x0f))
    view.setInt16(at + 2, insn.off, true)
    view.setInt32(at + 4, insn.imm, true)
  })
  return bytes
}
