// The balancer itself, in both layouts, on the comparison mix: tracer, single runs and a batch agree on verdict, bytes,
// faults and every counter.

import t from 'tap'
import { createBatch, createExecution } from '../../lib/bpf/core/index.ts'
import { trace } from '../../lib/bpf/engine/index.ts'
import { datapathLayouts, decodeRevNatId } from '../../lib/datapath/index.ts'
import type { DatapathLayout } from '../../lib/datapath/index.ts'
import { defaultSettings, kernelLbMaps } from '../../lib/loadbalancer/index.ts'
import { createDatapath } from '../../lib/sim/datapath.ts'
import type { Datapath } from '../../lib/sim/datapath.ts'
import { comparisonPackets } from '../../lib/traffic/index.ts'
import { testAssets } from '../support/assets.ts'
import { createWorld, fillMaps } from '../support/balancer-world.ts'
import type { World } from '../support/balancer-world.ts'
import { outcome } from './support/harness.ts'

const seed = 20201010
const mixSize = 300
const blobTableSize = 4093

function createBalancer (layout: DatapathLayout): { datapath: Datapath, world: World } {
  const tableSizePolicy = layout === 'blob' ? { fixed: blobTableSize } : { perService: { perBackend: 100 } }
  const datapath = createDatapath(testAssets(), { ...defaultSettings('twin'), layout, possibleCpus: 2, tableSizePolicy }, () => 7)
  const maps = kernelLbMaps(datapath.kernel, datapath.map, layout)
  const world = createWorld(layout === 'blob' ? blobTableSize : undefined)
  fillMaps(world, {
    update (map, key, value) {
      if (!datapath.map(map).update(key, value).ok) throw new Error(`update of ${map}`)
    },
    setTable (map, key, ids) {
      const tables = map.includes('lb4') ? maps.maglev[4] : maps.maglev[6]
      const table = tables.create(ids)
      if (!table.ok) throw new Error(table.error.message)
      tables.set(decodeRevNatId(key), table.value)
      table.value.release()
    }
  })
  return { datapath, world }
}

for (const layout of datapathLayouts) {
  t.test(`${layout}, ${mixSize} packets from seed ${seed}`, async (t) => {
    const { datapath: { kernel, program }, world } = createBalancer(layout)
    const { core } = kernel
    const valueOffset = core.profile.structs.bpfArray.value
    const maps = program.usedMaps.map(({ address }) => ({ address, valueAddress: address + valueOffset }))
    const execution = createExecution(core, { cpu: 1, worker: 1 })
    const packets = comparisonPackets(seed, mixSize, world.comparisonServices).packets.map(({ bytes }) => bytes)
    const singles = packets.map((packet) => execution.run(program.image, packet))
    const wrong: unknown[] = []
    packets.forEach((packet, index) => {
      const traced = trace(core, program.translated, maps, { execution, packet })
      if (!traced.ok) throw new Error(traced.error.message)
      const single = singles[index]
      if (single === undefined || JSON.stringify(outcome(traced.value)) !== JSON.stringify(outcome(single))) {
        wrong.push({ packet: Buffer.from(packet).toString('hex'), traced: outcome(traced.value), single: single && outcome(single) })
      }
    })
    t.same(wrong.slice(0, 3), [], 'tracer and interpreter')
    const batch = createBatch(core, { slots: mixSize })
    if (!batch.ok) throw new Error(batch.error.message)
    packets.forEach((packet, slot) => batch.value.set(slot, packet))
    const total = execution.runBatch(program.image, batch.value)
    const differing = singles.filter((single, slot) => single.retval !== batch.value.verdict(slot) ||
      single.cost.instructions !== batch.value.instructions(slot) || Buffer.compare(single.packet, batch.value.packet(slot)) !== 0)
    t.equal(differing.length, 0, 'batch and single runs')
    const sum = (of: (cost: typeof total.cost) => number): number => singles.reduce((result, { cost }) => result + of(cost), 0)
    t.same(
      [total.cost.instructions, total.cost.mapLookups, total.cost.mapCalls, total.cost.loads.map, total.cost.stores.packet, total.faults],
      [sum((cost) => cost.instructions), sum((cost) => cost.mapLookups), sum((cost) => cost.mapCalls), sum((cost) => cost.loads.map),
        sum((cost) => cost.stores.packet), 0], 'totals of the batch')
    t.ok(singles.filter(({ retval }) => retval === 3).length > mixSize / 2, 'most packets were sent to a backend')
  })
}
