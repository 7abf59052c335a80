// What the memory report says of a mix of 1000 services, against the running kernel: for every layout all 1000 inner maps are there at the
// same time, in an outer map that took them in batch updates, and the sum of their memlock is the report's figure.

import { mapTypeNumbers } from '../../lib/bpf/profile/names.ts'
import { encodeRevNatId } from '../../lib/datapath/index.ts'
import { comparedNodes, defaultMapSize, innerAttributes, templateAttributes } from '../../lib/loadbalancer/index.ts'
import type { InnerLayout } from '../../lib/loadbalancer/index.ts'
import type { MemoryReport, NodeMemory } from '../../lib/report/index.ts'
import type { Bpf } from '../../src/live-kernel/bpf.ts'
import { testSimulator } from '../support/simulator.ts'
import { kernelSuite } from './support/tally.ts'

const m = 16_381
const mix = '700x3,200x10,80x40,20x160'
const flatServices = 1000
const BPF_F_NO_PREALLOC = 1

await kernelSuite('layout memory', 36, ({ bpf, same }) => {
  const mapSizes = { services: defaultMapSize, backends: defaultMapSize, revNat: defaultMapSize, maglev: defaultMapSize }
  const sameM = (['fixed', 'dynamic', 'packed', 'flat'] as const).map((layout) =>
    ({ name: `${layout}-one-m`, layout, mapSizes: layout === 'flat' ? { ...mapSizes, maglev: flatServices } : mapSizes }))
  const variants = [...comparedNodes().map(({ name, layout, tableSizePolicy }) => ({ name, layout, tableSizePolicy })), ...sameM]
    .map((variant) => ({ ...variant, possibleCpus: bpf.possibleCpus }))
  const report = testSimulator().report({ kind: 'memory', mix, variants }) as MemoryReport
  for (const node of report.nodes) {
    const memlockOf = (name: string): number | undefined => node.maps.find((map) => map.name === name)?.memlockBytes
    if (node.layout === 'flat') {
      const array = bpf.mapCreate({ type: mapTypeNumbers.array, keySize: 4, valueSize: 4, maxEntries: flatServices * m })
      same(memlockOf('cilium_lb4_maglev'), bpf.memlock(array), 'flat: the array of a family')
      bpf.close(array)
      continue
    }
    const made = makeTables(bpf, node, node.layout as InnerLayout)
    console.log(`# ${node.node}: ${made.maps} inner maps at once, ${made.memlockBytes} bytes`)
    same(made.maps, 1000, `${node.node}: every table`)
    same(made.inserted, 1000, `${node.node}: taken by batch updates`)
    same(made.present, 1000, `${node.node}: in the outer map`)
    same(memlockOf('tables'), made.memlockBytes, `${node.node}: all tables of ${mix}`)
    same(memlockOf('cilium_lb4_maglev'), made.outerBytes, `${node.node}: the outer map that holds them`)
    made.close()
  }
})

interface Tables {
  readonly maps: number
  readonly memlockBytes: number
  readonly outerBytes: number
  readonly inserted: number
  readonly present: number
  close (): void
}

function makeTables (bpf: Bpf, { rows }: NodeMemory, layout: InnerLayout): Tables {
  const create = (m: number, backends: number): number =>
    bpf.mapCreate({ type: mapTypeNumbers.array, ...innerAttributes(layout, m, backends) })
  const template = bpf.mapCreate({ type: mapTypeNumbers.array, ...templateAttributes(layout, m) })
  const shape = { keySize: 2, valueSize: 4, maxEntries: defaultMapSize, flags: BPF_F_NO_PREALLOC }
  const outer = bpf.mapCreate({ type: mapTypeNumbers.hash_of_maps, ...shape, innerFd: template })
  const inner = rows.flatMap((row) => Array.from({ length: row.frontends }, () => create(row.m, row.backends)))
  const keys = inner.map((_, index) => encodeRevNatId(index + 1))
  let inserted = 0
  for (let from = 0; from < inner.length; from += 250) {
    const part = inner.slice(from, from + 250)
    const descriptors = new Uint8Array(Uint32Array.from(part).buffer)
    inserted += bpf.updateBatch(outer, Buffer.concat(keys.slice(from, from + 250)), descriptors, part.length)
  }
  const id = new Uint8Array(4)
  return {
    maps: inner.filter((fd) => fd >= 0).length,
    memlockBytes: inner.reduce((sum, fd) => sum + bpf.memlock(fd), 0),
    outerBytes: bpf.memlock(outer),
    inserted,
    present: keys.filter((key) => bpf.lookup(outer, key, id) === 0).length,
    close: () => { for (const fd of [template, ...inner, outer]) bpf.close(fd) }
  }
}
