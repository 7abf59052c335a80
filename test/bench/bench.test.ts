// The benchmark measures what it says: every case is there, its results repeat, and the kernel, where there is one, agrees.

import t from 'tap'
import { runBench } from '../../bench/main.ts'

t.test('a short run', async (t) => {
  const result = await runBench({ rounds: 1, packets: 5000 })
  t.comment(result.withoutKernel === null ? 'with the running kernel' : `without a kernel: ${result.withoutKernel}`)
  t.same(result.rows.map(({ layout, workload }) => `${layout} ${workload}`), [
    'blob hot flow', 'dynamic hot flow', 'blob 1 service', 'dynamic 1 service', 'blob 100 services', 'dynamic 100 services'
  ])
  for (const row of result.rows) {
    t.ok(row.nsPerPacket > 0 && row.instructions > 100, `${row.layout} ${row.workload}`)
    const compared = result.withoutKernel === null && row.workload === 'hot flow'
    t.equal(row.sameAsKernel, compared ? true : null)
    t.equal(row.kernelNsPerPacket !== null, compared)
  }
  t.equal(result.rows[0]?.digest, result.rows[1]?.digest, 'equal M, equal picks, equal bytes')
  t.equal(result.tables.length, 5)
  t.equal((await runBench({ rounds: 1, packets: 5000 })).resultHash, result.resultHash)
})
