// The balancer itself, in every layout, inlined as the kernel does and never, on the comparison mix: tracer, single runs and a batch agree
// on verdict, bytes, faults and every counter.

import t from 'tap'
import { createBatch, createExecution } from '../../lib/bpf/core/index.ts'
import { trace } from '../../lib/bpf/engine/index.ts'
import { datapathLayouts } from '../../lib/datapath/index.ts'
import type { DatapathLayout } from '../../lib/datapath/index.ts'
import type { Datapath } from '../../lib/sim/datapath.ts'
import { comparisonPackets } from '../../lib/traffic/index.ts'
import { fillMaps, worldOf } from '../support/balancer-world.ts'
import type { World } from '../support/balancer-world.ts'
import { emulateBalancer } from '../support/emulated-balancer.ts'
import { outcome } from './support/harness.ts'

const seed = 20201010
const mixSize = 200
const sharedTableSize = 4093

function createBalancer (layout: DatapathLayout, inlining: 'kernel' | 'never'): { datapath: Datapath, world: World } {
  const { datapath, maps } = emulateBalancer(layout, sharedTableSize, { inlining })
  const world = worldOf(layout, sharedTableSize)
  fillMaps(world, maps)
  return { datapath, world }
}

const cases = datapathLayouts.flatMap((layout) => (['kernel', 'never'] as const).map((inlining) => ({ layout, inlining })))

for (const { layout, inlining } of cases) {
  t.test(`${layout}, inlining ${inlining}, ${mixSize} packets from seed ${seed}`, async (t) => {
    const { datapath: { kernel, program }, world } = createBalancer(layout, inlining)
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
