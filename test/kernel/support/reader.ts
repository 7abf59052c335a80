// A thread that reads BPF maps nearly all the time: it test-runs a program of some 100 us over and over, within which no grace period can
// end. What waits for readers then waits for it, whether the kernel's waits are expedited or not.

import { parentPort } from 'node:worker_threads'
import { programTypeNumbers } from '../../../lib/bpf/profile/names.ts'
import { openBpf } from '../../../src/live-kernel/bpf.ts'

/** below the verifier's million, of which every turn of the loop takes two */
const TURNS = 400_000

function insn (code: number, dst: number, offset: number, immediate: number): number[] {
  const bytes = new DataView(new ArrayBuffer(8))
  bytes.setUint8(0, code)
  bytes.setUint8(1, dst)
  bytes.setInt16(2, offset, true)
  bytes.setInt32(4, immediate, true)
  return [...new Uint8Array(bytes.buffer)]
}

// r0 = TURNS; do r0 -= 1 while r0 != 0; r0 = 1 (XDP_DROP); exit
const insns = Uint8Array.from([
  ...insn(0xb7, 0, 0, TURNS), ...insn(0x17, 0, 0, 1), ...insn(0x55, 0, -2, 0), ...insn(0xb7, 0, 0, 1), ...insn(0x95, 0, 0, 0)
])

const bpf = await openBpf()
if (typeof bpf === 'string') throw new Error(bpf)
const { fd, log } = bpf.programLoad({ type: programTypeNumbers.xdp, insns, license: 'GPL' })
if (fd < 0) throw new Error(`the reader is refused, errno ${-fd}: ${log}`)
bpf.pinToCpu(1)
const { durationNs } = bpf.testRun(fd, new Uint8Array(64))
parentPort?.postMessage(durationNs)
// ended from outside
for (;;) bpf.testRun(fd, new Uint8Array(64), 20)
