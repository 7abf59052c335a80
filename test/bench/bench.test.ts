// The benchmark measures what it says: every case is there, its results repeat, and the kernel, where there is one, agrees.

import t from 'tap'
import { runLayoutBench } from '../../bench/layouts.ts'
import { runBench } from '../../bench/main.ts'
import { datapathLayouts } from '../../lib/datapath/index.ts'

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

t.test('lookups of every layout in the kernel', async (t) => {
  const result = await runLayoutBench({ rounds: 1, scale: 0.01 })
  if (typeof result === 'string') {
    t.pass(`skipped: ${result}`, { skip: result })
    return
  }
  t.equal(result.mix, '7x3,2x10,1x40,1x160')
  t.same(result.rows.map(({ layout }) => layout), [...datapathLayouts, 'dynamic', 'packed'])
  t.ok(result.samePicks)
  for (const { layout, hotSmallNs, hotLargeNs, mixNs, memlockBytes } of result.rows) {
    t.ok(hotSmallNs > 0 && hotLargeNs > 0 && mixNs > 0 && memlockBytes > 0, layout)
  }
})
