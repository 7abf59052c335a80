// The verifier's case table in the running kernel: same verdict, same errno, same last line.

import { verifierCases } from '../verifier/cases.ts'
import { kernelSuite } from './support/tally.ts'
import { errnoName, withProgram } from './support/verifier.ts'

await kernelSuite('verifier verdicts', verifierCases.length, ({ bpf, same }) => {
  for (const { name, refusal, ...program } of verifierCases) {
    const found = withProgram(bpf, program, ({ fd, log }) => fd >= 0 ? null : [errnoName(fd), lastLine(log)])
    same(found, refusal, name)
  }
})

/** the line before the statistics; of an endless loop the line that names it */
function lastLine (log: string): string | undefined {
  return log.split('\n').filter((line) => line !== '' && !/^(processed|verification time|stack depth|cur state:|old state:)/.test(line)).at(-1)
}
