// The case table of the instruction set on the running kernel: what it accepts as an XDP program must put the same
// 64 bits into the packet. test/engine/isa.test.ts holds the emulator's engines against the same table.

import { programTypeNumbers } from '../../lib/bpf/profile/names.ts'
import { encode } from '../../lib/bpf/isa/index.ts'
import { isaCases } from '../engine/support/isa-cases.ts'
import { caseForKernel, casePacket, caseResult } from '../engine/support/programs.ts'
import { kernelSuite } from './support/tally.ts'

await kernelSuite('engine: instruction set', 1000, ({ bpf, same }, t) => {
  const refused: string[] = []
  for (const isaCase of isaCases) {
    const { fd } = bpf.programLoad({ type: programTypeNumbers.xdp, insns: encode(caseForKernel(isaCase)), license: 'GPL' })
    if (fd < 0) {
      refused.push(`${isaCase.name}: errno ${-fd}`)
      continue
    }
    const run = bpf.testRun(fd, casePacket(isaCase))
    same(caseResult(run.data).toString(16), isaCase.expected.toString(16), isaCase.name)
    bpf.close(fd)
  }
  t.comment(`${refused.length} of ${isaCases.length} cases refused by the kernel's verifier${refused.length === 0 ? '' : `: ${refused.join('; ')}`}`)
})
