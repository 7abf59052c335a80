// What the verifier knows of each register after each instruction, against the running kernel's log at level 2: random
// programs over arithmetic, comparisons, packet and map pointers, the stack.

import { verifierStatePrograms } from '../verifier/random-programs.ts'
import { check } from '../verifier/support.ts'
import { kernelSuite } from './support/tally.ts'
import { withProgram } from './support/verifier.ts'

const seed = 1
const count = 500

await kernelSuite('verifier states', count, ({ bpf, same }, t) => {
  t.comment(`seed ${seed}`)
  let compared = 0
  for (const [index, program] of verifierStatePrograms(seed, count).entries()) {
    const kernel = withProgram(bpf, program, ({ log }) => statesOf(log))
    const ours = statesOf(check(program, { logLevel: 2 }).log)
    const length = commonPath(ours, kernel)
    compared += length
    const isShown = (at: number): boolean => ours[at]?.includes(';') === true && kernel[at]?.includes(';') === true
    const states = (lines: readonly string[]): string[] => lines.slice(0, length).filter((_, at) => isShown(at))
    same(states(ours), states(kernel), `program ${index}`)
  }
  t.comment(`${compared} states`)
})

/** Whether the last state of a path that was cut short is shown depends on what else is written to the log. */
function withoutLastStates (lines: readonly string[]): string[] {
  return lines.map((line, at) => lines[at + 1]?.endsWith('safe') === true ? line.replace(/; .*/, '') : line)
}

/** @returns how far both walk the same way: which paths are cut short because an earlier state covers them may differ */
function commonPath (ours: readonly string[], kernel: readonly string[]): number {
  const step = (line: string | undefined): string | undefined => line?.replace(/(; |: (frame\d+: )?R\d+=).*/, '')
  const isCut = (line: string | undefined): boolean => line === undefined || line.endsWith('safe')
  const isCommon = (at: number): boolean =>
    step(ours[at]) === step(kernel[at]) && !isCut(ours[at]) && isCut(ours[at + 1]) === isCut(kernel[at + 1])
  let length = 0
  while (length < kernel.length && (isCommon(length) || ours[length] === kernel[length])) length++
  return length
}

/** The log without what only one side writes: tables, precision marks, statistics, addresses. */
function statesOf (log: string): string[] {
  const lines: string[] = []
  for (const raw of log.split('\n')) {
    if (/^(processed|verification time|stack depth|func#|Live regs|frame \d+: propagating|mark_precise|\(\d+\)|\(|live stack|$)/.test(raw)) continue
    if (/^ *\d+: [.0-9]{10} \(/.test(raw)) continue
    const line = raw
      .replace(/\s*; ?/, '; ')
      .replace(/\(18\) r(\d+) = .*?(;|$)/, '(18) r$1$2')
      .replace(/(=|fp-\d+=[?rm0]*)P(-?\d|0x|scalar)/g, '$1$2')
    const continued = /^\d+: ((?:frame\d+: )?(?:R\d+|fp-\d+)=.*)$/.exec(line)?.[1]
    const last = lines.at(-1)
    if (continued !== undefined && last !== undefined) {
      // the kernel goes on on a new line where marks stood between, and repeats a state after `from`
      if (!last.startsWith('from') && !last.includes(';')) lines[lines.length - 1] = `${last}; ${continued}`
      continue
    }
    lines.push(line)
  }
  return withoutLastStates(lines)
}
