// What the memory report says of a mix of 1000 services, against the sum of the kernel's memlock over the same 1000 inner maps.

import { mapTypeNumbers } from '../../lib/bpf/profile/names.ts'
import { datapathLayouts } from '../../lib/datapath/index.ts'
import { innerAttributes } from '../../lib/loadbalancer/index.ts'
import type { MemoryReport } from '../../lib/report/index.ts'
import { testSimulator } from '../support/simulator.ts'
import { kernelSuite } from './support/tally.ts'

const m = 16_381
const parts = [[700, 3], [200, 10], [80, 40], [20, 160]] as const
const mix = parts.map(([services, backends]) => `${services}x${backends}`).join(',')
const flatServices = 1000

await kernelSuite('layout memory', datapathLayouts.length, ({ bpf, same }) => {
  const mapSizes = { services: 65_536, backends: 65_536, revNat: 65_536, maglev: 65_536 }
  const variants = datapathLayouts.map((layout) =>
    ({ name: layout, layout, possibleCpus: bpf.possibleCpus, mapSizes: { ...mapSizes, ...(layout === 'flat' ? { maglev: flatServices } : {}) } }))
  const report = testSimulator().report({ kind: 'memory', mix, variants }) as MemoryReport
  for (const layout of datapathLayouts) {
    const maps = report.nodes.find(({ node }) => node === layout)?.maps ?? []
    if (layout === 'flat') {
      const array = bpf.mapCreate({ type: mapTypeNumbers.array, keySize: 4, valueSize: 4, maxEntries: flatServices * m })
      same(maps.find(({ name }) => name === 'cilium_lb4_maglev')?.memlockBytes, bpf.memlock(array), 'flat: the array of a family')
      bpf.close(array)
      continue
    }
    let memlockBytes = 0
    for (const [services, backends] of parts) {
      for (let service = 0; service < services; service++) {
        const inner = bpf.mapCreate({ type: mapTypeNumbers.array, ...innerAttributes(layout, m, backends) })
        memlockBytes += bpf.memlock(inner)
        bpf.close(inner)
      }
    }
    console.log(`# ${layout}: ${memlockBytes} bytes`)
    same(maps.find(({ name }) => name === 'tables')?.memlockBytes, memlockBytes, `${layout}: all tables of ${mix}`)
  }
})
