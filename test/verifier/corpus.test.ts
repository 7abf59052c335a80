// Programs as larger balancers are: variable offsets into the packet, loops over headers, LRU maps, buffers with sizes, atomics,
// thousands of instructions. They are accepted, after about as many steps as the kernel takes or fewer.

import t from 'tap'
import { corpus } from './corpus.ts'
import { check } from './support.ts'

for (const { name, mapNames, kernelProcessed, ...program } of corpus) {
  t.test(name, async (t) => {
    const result = check(program)
    if (!result.ok) {
      t.fail(result.log)
      return
    }
    t.comment(`${program.insns.length} instructions, ${result.processed} walked; by the kernel ${kernelProcessed}`)
    t.ok(result.processed <= kernelProcessed * 1.05, `${result.processed} walked`)
    const always = check(program, { pruning: 'always' })
    t.same(always.ok ? always.facts : always.log, result.facts, 'and finds the same whatever states are kept')
  })
}
