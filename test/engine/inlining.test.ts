// What inlining lookups costs and saves, packet by packet, in every layout and for both kernels: a program that is inlined as its kernel
// does executes as many more instructions than one that never is, makes as many fewer calls and loads as much more, as the sequences say
// that the kernel emits. Which lookups a packet does is read from the program that calls for each of them.

import t from 'tap'
import { createExecution } from '../../lib/bpf/core/index.ts'
import { trace } from '../../lib/bpf/engine/index.ts'
import { datapathLayouts } from '../../lib/datapath/index.ts'
import { comparisonPackets } from '../../lib/traffic/index.ts'
import { fillMaps, worldOf } from '../support/balancer-world.ts'
import { emulateBalancer } from '../support/emulated-balancer.ts'

const seed = 22
const mixSize = 150
const sharedTableSize = 4093

interface Sequence {
  /** instructions executed on a hit and on a miss, where a call in its place is one */
  readonly hit: number
  readonly miss: number
  readonly calls: number
  /** loads by the program itself, on a hit and on a miss */
  readonly hitLoads: number
  readonly missLoads: number
}

const called: Sequence = { hit: 1, miss: 1, calls: 1, hitLoads: 0, missLoads: 0 }
/** r1 += value; r0 = key; compare; shift; add; goto over the zero | value, key, compare, zero */
const array: Sequence = { hit: 6, miss: 4, calls: 0, hitLoads: 1, missLoads: 1 }
/** call; compare; add | call; compare */
const hash: Sequence = { hit: 3, miss: 2, calls: 1, hitLoads: 0, missLoads: 0 }
/** the same and the mark of use, which is set only when it is not yet */
const lruHash: Sequence = { hit: 6, miss: 2, calls: 1, hitLoads: 1, missLoads: 0 }
/** as a hash and the pointer of the inner map */
const hashOfMaps: Sequence = { hit: 4, miss: 2, calls: 1, hitLoads: 1, missLoads: 0 }
/** as an array, then the pointer of the copies, and this CPU's */
const perCpuArray: Sequence = { hit: 8, miss: 4, calls: 0, hitLoads: 2, missLoads: 1 }

/** By the function that a program calls which is never inlined. */
function sequences (layout: string, kernel: string): Readonly<Record<string, Sequence>> {
  return {
    array_map_lookup_elem: layout === 'dynamic' || layout === 'packed' || layout === 'compact' ? called : array,
    htab_map_lookup_elem: hash,
    htab_lru_map_lookup_elem: lruHash,
    htab_of_map_lookup_elem: hashOfMaps,
    percpu_array_map_lookup_elem: kernel === '6.18' ? perCpuArray : called
  }
}

interface Difference { readonly instructions: number, readonly mapLookups: number, readonly mapCalls: number, readonly loads: number }

for (const kernel of ['6.18', '5.10']) {
  for (const layout of datapathLayouts) {
    t.test(`${layout}, kernel ${kernel}, ${mixSize} packets from seed ${seed}`, async (t) => {
      const world = worldOf(layout, sharedTableSize)
      const [inlined, never] = (['kernel', 'never'] as const).map((inlining) => {
        const { datapath, maps } = emulateBalancer(layout, sharedTableSize, { inlining, kernel })
        fillMaps(world, maps)
        return { ...datapath, execution: createExecution(datapath.kernel.core, { cpu: 0, worker: 1 }) }
      })
      if (inlined === undefined || never === undefined) throw new Error('two programs')
      const { core } = never.kernel
      const valueOffset = core.profile.structs.bpfArray.value
      const addresses = never.program.usedMaps.map(({ address }) => ({ address, valueAddress: address + valueOffset }))
      const emitted = sequences(layout, kernel)
      const wrong: unknown[] = []
      const lookups = new Map<string, number>()
      for (const { bytes: packet } of comparisonPackets(seed, mixSize, world.comparisonServices).packets) {
        const traced = trace(core, never.program.translated, addresses, { execution: never.execution, packet, stepLimit: 10_000 })
        if (!traced.ok || traced.value.truncated) throw new Error('not traced')
        const predicted = { instructions: 0, mapLookups: 0, mapCalls: 0, loads: 0 }
        for (const { insn, registers } of traced.value.steps) {
          const { call, mapCall } = never.program.translated.insns[insn] ?? {}
          if (mapCall !== true || call === undefined) continue
          const sequence = emitted[call]
          if (sequence === undefined) throw new Error(`a call of ${call}`)
          const found = registers[0] !== '0x0'
          lookups.set(call, (lookups.get(call) ?? 0) + 1)
          predicted.instructions += (found ? sequence.hit : sequence.miss) - 1
          predicted.mapCalls += sequence.calls - 1
          predicted.loads += found ? sequence.hitLoads : sequence.missLoads
        }
        const [one, other] = [inlined, never].map(({ program, execution }) => execution.run(program.image, packet).cost)
        if (one === undefined || other === undefined) throw new Error('two runs')
        const loads = (cost: typeof one): number => Object.values(cost.loads).reduce((sum, count) => sum + count, 0)
        const found: Difference = {
          instructions: one.instructions - other.instructions,
          mapLookups: one.mapLookups - other.mapLookups,
          mapCalls: one.mapCalls - other.mapCalls,
          loads: loads(one) - loads(other)
        }
        if (JSON.stringify(found) !== JSON.stringify(predicted)) wrong.push({ packet: Buffer.from(packet).toString('hex'), found, predicted })
      }
      t.same(wrong.slice(0, 2), [])
      t.comment([...lookups].map(([name, count]) => `${count} x ${name}`).join(', '))
      t.ok((lookups.get('array_map_lookup_elem') ?? 0) > mixSize / 2, 'most packets came to a table')
    })
  }
}
