// The verifier's case table in the running kernel: same verdict, same errno, same last line.

import { verifierCases } from '../verifier/cases.ts'
import { mutatedPrograms } from '../verifier/random-programs.ts'
import { check } from '../verifier/support.ts'
import { kernelSuite } from './support/tally.ts'
import { errnoName, withProgram } from './support/verifier.ts'

await kernelSuite('verifier verdicts', verifierCases.length, ({ bpf, same }) => {
  for (const { name, refusal, ...program } of verifierCases) {
    const found = withProgram(bpf, program, ({ fd, log }) => fd >= 0 ? null : [errnoName(fd), lastLine(log)])
    same(found, refusal, name)
  }
})

const seed = 3
const mutations = 1500

await kernelSuite('verifier verdicts: mutated', mutations * 0.9, ({ bpf, same }, t) => {
  t.comment(`seed ${seed}`)
  let accepted = 0
  for (const { name, refusal, ...program } of mutatedPrograms(seed, mutations, verifierCases)) {
    const ours = check(program)
    const verdict = ours.ok ? null : [ours.error.name, lastLine(ours.log)]
    // known to know less than the kernel, or to be stricter; and its log of a million instructions is longer than the buffer
    if (!ours.ok && /is not emulated|reads at NULL|program is too large|bpf_ld_imm64 insn/.test(ours.error.message)) continue
    if (ours.ok) accepted++
    same(verdict, withProgram(bpf, program, ({ fd, log }) => fd >= 0 ? null : [errnoName(fd), lastLine(log)]), `${name}: ${JSON.stringify(program.insns)}`)
  }
  t.ok(accepted > mutations / 20, `${accepted} accepted`)
})

/** the line before the statistics; of an endless loop the line that names it */
function lastLine (log: string): string | undefined {
  return log.split('\n').filter((line) => line !== '' && !/^(processed|verification time|stack depth|cur state:|old state:)/.test(line)).at(-1)
}
