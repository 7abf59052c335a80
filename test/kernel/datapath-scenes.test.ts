// The balancer with memory, in the running kernel and on the emulator: in every option set the same sequence of packets, while backends
// drain, go and come back. Verdict, bytes and counted reason of both are the model's; the translated programs are the same.

import { createExecution } from '../../lib/bpf/core/index.ts'
import { encode } from '../../lib/bpf/isa/index.ts'
import { reasons } from '../../lib/datapath/index.ts'
import { parsePacket } from '../../lib/packet/index.ts'
import { createRandom } from '../../lib/traffic/random.ts'
import { ModelBalancer } from '../support/balancer-model.ts'
import type { ModelService, ModelWorld } from '../support/balancer-model.ts'
import { Scene } from '../support/balancer-scenes.ts'
import { emulateBalancer, firstRandom, outcomeCounts } from '../support/emulated-balancer.ts'
import { optionSets } from '../support/option-sets.ts'
import type { OptionSet } from '../support/option-sets.ts'
import { ScenePackets } from '../support/scene-packets.ts'
import { loadBalancer } from './support/balancer.ts'
import { kernelSuite } from './support/tally.ts'
import type { Suite } from './support/tally.ts'

const seed = 40_311
const packets = 2000
const m = 251
const layouts = ['blob', 'dynamic', 'packed', 'compact', 'fixed', 'flat'] as const

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

await kernelSuite('datapath scenes', optionSets.length * packets * 2, (suite, t) => {
  optionSets.forEach((set, index) => {
    const seen = play(suite, set, layouts[index % layouts.length] ?? 'blob')
    console.log(`# ${set.name}, seed ${seed}: ${[...seen].map(([name, count]) => `${name} ${count}`).join(', ')}`)
    t.ok(seen.size >= 10, `${set.name}: ${seen.size} kinds of outcome`)
  })
})

/** @returns packets by what became of them */
function play (suite: Suite, { name, constants, model: options }: OptionSet, layout: typeof layouts[number]): Map<string, number> {
  const kernel = loadBalancer(suite.bpf, layout, m, undefined, constants)
  const { possibleCpus } = suite.bpf
  const { datapath: emulated, maps } = emulateBalancer(layout, m, { possibleCpus }, constants)
  suite.same(encode(emulated.program.translated.insns).length, suite.bpf.xlated(kernel.object.program).insns.length, `${name}: length of the translated program`)
  const scene = new Scene(m, options.upTo116 !== true)
  scene.fill(kernel)
  scene.fill(maps)
  const model = new ModelBalancer(scene.world(), options)
  const execution = createExecution(emulated.kernel.core, { cpu: 0, worker: 0 })
  execution.setClock(model.clock)
  const random = createRandom(seed)
  const source = new ScenePackets(random)
  const seen = new Map<string, number>()
  let before = [kernel.counters(), outcomeCounts(emulated)]
  for (let sent = 0; sent < packets; sent++) {
    // each change of a table waits for all readers
    if (random.below(60) === 0) {
      scene.change(random, [kernel, maps])
      model.world = scene.world()
    }
    const packet = source.next(model.world)
    const ran = kernel.run(packet)
    let seedOfDraw = 1
    const wanted = model.run(packet, (service) => {
      const slot = drawnSlot(service, model.world, ran.data)
      while (firstRandom(seedOfDraw) % service.count !== slot) seedOfDraw++
      return slot
    })
    execution.seedRandom(seedOfDraw)
    const found = execution.run(emulated.program.image, packet)
    const counters = [kernel.counters(), outcomeCounts(emulated)]
    const counted = counters.map((now, machine) => reasons[now.findIndex((count, at) => count !== before[machine]?.[at])]?.name)
    before = counters
    const where = `${name}, ${layout}, packet ${sent}: ${hex(packet)}`
    const expected = [wanted.verdict, wanted.reason, hex(wanted.bytes)]
    suite.same([ran.retval, counted[0], hex(ran.data)], expected, `kernel: ${where}`)
    suite.same([found.retval, counted[1], hex(found.packet)], expected, `emulator: ${where}`)
    seen.set(wanted.reason, (seen.get(wanted.reason) ?? 0) + 1)
    source.learn(packet, wanted, model.world)
  }
  kernel.object.close()
  execution.dispose()
  return seen
}

/** The kernel's randomness is its own: which slot it drew is read from where the packet went. */
function drawnSlot ({ slots = [], count }: ModelService, { backends }: ModelWorld, sent: Uint8Array): number {
  const after = parsePacket(sent).network
  const slot = slots.findIndex((id) => backends.some((backend) =>
    backend.id === id && after !== null && Buffer.compare(backend.address, after.destination) === 0))
  return slot < 0 || slot >= count ? 0 : slot
}
