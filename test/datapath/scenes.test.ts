// The balancer with memory, on the emulator, against the model: sequences of packets while backends drain, go and come back, in every
// option, with a clock that moves on. Interpreter and tracer give the same.

import t from 'tap'
import type { Test } from 'tap'
import { createExecution } from '../../lib/bpf/core/index.ts'
import { trace } from '../../lib/bpf/engine/index.ts'
import { reasons } from '../../lib/datapath/index.ts'
import type { DatapathLayout } from '../../lib/datapath/index.ts'
import { createRandom } from '../../lib/traffic/random.ts'
import { ModelBalancer } from '../support/balancer-model.ts'
import { optionSets } from '../support/option-sets.ts'
import type { OptionSet } from '../support/option-sets.ts'
import { Scene } from '../support/balancer-scenes.ts'
import { emulateBalancer, firstRandom, outcomeCounts } from '../support/emulated-balancer.ts'
import { ScenePackets } from '../support/scene-packets.ts'

const seed = 1711
const m = 251
const packets = 1200

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

for (const set of optionSets) t.test(`${set.name}, seed ${seed}`, async (t) => play(t, 'dynamic', set))
for (const layout of ['flat', 'fixed', 'blob', 'packed', 'compact'] as const) {
  const [set] = optionSets.filter(({ name }) => name === 'remembered')
  if (set !== undefined) t.test(`${layout}, ${set.name}, seed ${seed}`, async (t) => play(t, layout, set))
}

function play (t: Test, layout: DatapathLayout, { constants, model: options }: OptionSet): void {
  const { datapath, maps } = emulateBalancer(layout, m, {}, constants)
  const { kernel, program } = datapath
  const scene = new Scene(m, options.upTo116 !== true)
  scene.fill(maps)
  const model = new ModelBalancer(scene.world(), options)
  const execution = createExecution(kernel.core, { cpu: 0, worker: 0 })
  const random = createRandom(seed)
  const source = new ScenePackets(random)
  const valueOffset = kernel.profile.structs.bpfArray.value
  const used = program.usedMaps.map(({ address }) => ({ address, valueAddress: address + valueOffset }))
  const seen = new Map<string, number>()
  const wrong: unknown[] = []
  for (let index = 0; index < packets && wrong.length < 3; index++) {
    if (random.below(12) === 0) {
      scene.change(random, [maps])
      model.world = scene.world()
    }
    if (random.below(20) === 0) model.clock += random.below(90) * 1e9
    execution.setClock(model.clock)
    const packet = source.next(model.world)
    const before = outcomeCounts(datapath)
    const draws = firstRandom(index + 1)
    const wanted = model.run(packet, ({ count }) => draws % count)
    execution.seedRandom(index + 1)
    const found = index % 2 === 0 ? execution.run(program.image, packet) : traced()
    const counted = outcomeCounts(datapath).findIndex((count, at) => count !== before[at])
    const outcome = [found.fault, found.retval, reasons[counted]?.name, hex(found.packet)]
    if (JSON.stringify(outcome) !== JSON.stringify([null, wanted.verdict, wanted.reason, hex(wanted.bytes)])) {
      wrong.push({ index, packet: hex(packet), found: outcome, wanted: [wanted.verdict, wanted.reason, hex(wanted.bytes)] })
    }
    seen.set(wanted.reason, (seen.get(wanted.reason) ?? 0) + 1)
    source.learn(packet, wanted, model.world)

    function traced (): ReturnType<typeof execution.run> {
      const result = trace(kernel.core, program.translated, used, { execution, packet })
      if (!result.ok) throw new Error(result.error.message)
      return result.value
    }
  }
  t.same(wrong, [])
  t.ok(seen.size >= 10, [...seen].map(([name, count]) => `${name} ${count}`).join(', '))
}
