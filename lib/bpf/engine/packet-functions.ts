// The kernel functions that move a packet's ends and sum its bytes up, for the tracer: in plain TypeScript from the kernel's structs, with
// nothing in common with the core's (core/assembly/exec-packet.ts) but that they must agree.

import { EXEC_LOWEST } from '../core/assembly/exec-layout.ts'
import { CALL_ADJUST_HEAD, CALL_ADJUST_META, CALL_ADJUST_TAIL, CALL_CSUM_DIFF } from '../core/assembly/exec-opcodes.ts'
import type { Execution } from '../core/index.ts'
import { errnoNumbers } from '../profile/errno.ts'
import type { ErrnoName } from '../profile/errno.ts'

const ETHERNET_BYTES = 14
const METADATA_MAX = 255

/** @returns r0 of an operation CALL_* on a packet; undefined: it is none of those */
export function callPacketFunction (execution: Execution, operation: number | undefined, registers: readonly bigint[]): bigint | undefined {
  const offset = Number(BigInt.asIntN(32, registers[2] ?? 0n))
  switch (operation) {
    case CALL_ADJUST_HEAD: return new Frame(execution).moveHead(offset)
    case CALL_ADJUST_TAIL: return new Frame(execution).moveTail(offset)
    case CALL_ADJUST_META: return new Frame(execution).moveMetadata(offset)
    case CALL_CSUM_DIFF: return checksumOfChange(execution, registers)
    default: return undefined
  }
}

const failed = (name: ErrnoName): bigint => BigInt.asUintN(64, -BigInt(errnoNumbers[name]))

/** The frame of the packet under way: every member is an address. */
class Frame {
  readonly #execution: Execution
  readonly #view: DataView

  constructor (execution: Execution) {
    this.#execution = execution
    this.#view = execution.core.view()
  }

  moveHead (offset: number): bigint {
    const { data, dataMeta, dataEnd, dataHardStart } = this.#members()
    const { xdpFrame } = this.#execution.core.profile.structs
    const [head, meta] = [data + offset, dataMeta + offset]
    if (meta < dataHardStart + xdpFrame.size || head + ETHERNET_BYTES > dataEnd) return failed('EINVAL')
    this.#reveal(meta)
    this.#execution.core.bytes().copyWithin(meta, dataMeta, data)
    this.#set('data', head)
    this.#set('dataMeta', meta)
    return 0n
  }

  moveTail (offset: number): bigint {
    const { data, dataEnd, dataHardStart, frameBytes } = this.#members()
    const { skbSharedInfo } = this.#execution.core.profile.structs
    const end = dataEnd + offset
    if (end > dataHardStart + frameBytes - skbSharedInfo.size || end - data < ETHERNET_BYTES) return failed('EINVAL')
    if (end > dataEnd) this.#execution.core.bytes().fill(0, dataEnd, end)
    this.#set('dataEnd', end)
    return 0n
  }

  moveMetadata (offset: number): bigint {
    const { data, dataMeta, dataHardStart } = this.#members()
    const meta = dataMeta + offset
    if (meta > data || meta < dataHardStart + this.#execution.core.profile.structs.xdpFrame.size) return failed('EINVAL')
    if ((data - meta) % 4 !== 0 || data - meta > METADATA_MAX) return failed('EACCES')
    this.#reveal(meta)
    this.#set('dataMeta', meta)
    return 0n
  }

  #members (): { data: number, dataEnd: number, dataMeta: number, dataHardStart: number, frameBytes: number } {
    const { core, memory } = this.#execution
    const { data, dataEnd, dataMeta, dataHardStart, frameSize } = core.profile.structs.xdpBuff
    const word = (offset: number): number => this.#view.getUint32(memory.ctx + offset, true)
    return {
      data: word(data), dataEnd: word(dataEnd), dataMeta: word(dataMeta), dataHardStart: word(dataHardStart), frameBytes: word(frameSize)
    }
  }

  #set (member: 'data' | 'dataEnd' | 'dataMeta', address: number): void {
    const { core, memory } = this.#execution
    this.#view.setUint32(memory.ctx + core.profile.structs.xdpBuff[member], address, true)
  }

  /** Headroom is zeros when it first shows. */
  #reveal (from: number): void {
    const at = this.#execution.memory.address + EXEC_LOWEST
    const lowest = this.#view.getUint32(at, true)
    if (from >= lowest) return
    this.#execution.core.bytes().fill(0, from, lowest)
    this.#view.setUint32(at, from, true)
  }
}

/** One's complement arithmetic is arithmetic modulo 2^32 - 1, in which 0 stays apart from 2^32 - 1: only zeros add up to it. */
function checksumOfChange ({ core }: Execution, registers: readonly bigint[]): bigint {
  const argument = (register: number): number => Number(BigInt.asUintN(32, registers[register] ?? 0n))
  const [from, fromBytes, to, toBytes, seed] = [1, 2, 3, 4, 5].map(argument) as [number, number, number, number, number]
  const piece = (at: number, size: number): number[] => wordsOf(core.bytes().subarray(at, at + size))
  const inverted = (sum: number): number => 0xffff_ffff - sum
  let sum = seed
  if (fromBytes > 0 && toBytes > 0) sum = total([total([seed, ...piece(to, toBytes)]), inverted(total(piece(from, fromBytes)))])
  else if (toBytes > 0) sum = total([seed, ...piece(to, toBytes)])
  else if (fromBytes > 0) sum = inverted(total([inverted(seed), ...piece(from, fromBytes)]))
  return BigInt(sum === 0 ? 0 : (sum - 1) % 0xffff + 1)
}

function total (words: readonly number[]): number {
  return words.reduce((sum, word) => sum + word > 0xffff_ffff ? sum + word - 0xffff_ffff : sum + word, 0)
}

function wordsOf (bytes: Uint8Array): number[] {
  return Array.from({ length: Math.ceil(bytes.length / 4) }, (_, i) =>
    [0, 1, 2, 3].reduce((word, byte) => word + (bytes[4 * i + byte] ?? 0) * 2 ** (8 * byte), 0))
}
