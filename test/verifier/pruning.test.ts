// Ending paths early must change nothing but the work: with a state kept at every prune point, with the kernel's rules and
// without any, the same instructions are reachable and the verdict is the same.

import type { Test } from 'tap'
import t from 'tap'
import type { Pruning, VerifierResult } from '../../lib/bpf/verifier/index.ts'
import { branchingPrograms, verifierStatePrograms } from './random-programs.ts'
import { assembled, check } from './support.ts'
import type { TestProgram } from './support.ts'

const seed = 5

function outcome (result: VerifierResult): string {
  if (!result.ok) return result.error.message
  return result.facts.map(({ reachable, access, mapAtCall }) => `${reachable ? 1 : 0}${access?.region ?? ''}${JSON.stringify(mapAtCall ?? '')}`).join(' ')
}

function compare (t: Test, programs: readonly TestProgram[]): void {
  const processed: Record<Pruning, number> = { kernel: 0, always: 0, never: 0 }
  for (const [index, program] of programs.entries()) {
    const results = (['never', 'kernel', 'always'] as const).map((pruning) => {
      const result = check(program, { pruning })
      if (result.ok) processed[pruning] += result.processed
      return outcome(result)
    })
    if (results.some((result) => result !== results[0])) t.same(results.slice(1), [results[0], results[0]], `program ${index}`)
  }
  t.comment(`seed ${seed}; instructions walked: ${JSON.stringify(processed)}`)
  t.ok(processed.always < processed.never && processed.kernel <= processed.never, 'pruning saves work')
}

t.test('numbers', async (t) => { compare(t, verifierStatePrograms(seed, 300)) })
t.test('numbers that decide later branches, through registers, stack and calls', async (t) => { compare(t, branchingPrograms(seed, 1500)) })

t.test('a copy refined through its origin', async (t) => {
  const insns = assembled(`
    r6 = *(u32 *)(r1 +16)
    r7 = *(u32 *)(r1 +12)
    if r7 == 0 goto other
    r4 = r6
    goto meet
    other:
    r4 = r7
    r4 = *(u32 *)(r1 +12)
    meet:
    if r6 != 1 goto out
    if r4 == 1 goto out
    r0 = 5
    exit
    out:
    r0 = 0
    exit`)
  const kernel = check({ insns }, { pruning: 'always' })
  t.ok(kernel.ok && kernel.facts.every(({ reachable }) => reachable), 'on the other path it is no copy, and may differ')
})
