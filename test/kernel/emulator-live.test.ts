// The emulated node against the running kernel: the same object and map contents on both, in every layout. Verdict, bytes
// and counters of a seeded packet mix, the translated program instruction by instruction, memlock of every map.

import t from 'tap'
import { LD_IMM64 } from '../../lib/bpf/isa/op.ts'
import { createExecution } from '../../lib/bpf/core/index.ts'
import { encodeXlated } from '../../lib/bpf/rewrite/index.ts'
import { datapathLayouts, encodeU32 } from '../../lib/datapath/index.ts'
import type { Datapath } from '../../lib/sim/datapath.ts'
import { comparisonPackets } from '../../lib/traffic/index.ts'
import type { ComparisonMix } from '../../lib/traffic/index.ts'
import { fillMaps, worldOf } from '../support/balancer-world.ts'
import { emulateBalancer } from '../support/emulated-balancer.ts'
import { loadBalancer } from './support/balancer.ts'
import type { KernelBalancer } from './support/balancer.ts'
import { kernelSuite } from './support/tally.ts'
import type { Suite } from './support/tally.ts'

const seed = 20201009
const mixSize = 600
const sharedTableSize = 4093
const XDP_TX = 3
const CALL = 0x85

await kernelSuite('emulator', 6 * (2 * mixSize + 400), (suite) => {
  for (const layout of datapathLayouts) {
    const { datapath: emulated, maps } = emulateBalancer(layout, sharedTableSize, { possibleCpus: suite.bpf.possibleCpus })
    const kernel = loadBalancer(suite.bpf, layout, sharedTableSize)
    const world = worldOf(layout, sharedTableSize)
    fillMaps(world, kernel)
    fillMaps(world, maps)
    comparePackets(suite, layout, emulated, kernel, comparisonPackets(seed, mixSize, world.comparisonServices))
    compareXlated(suite, layout, emulated, kernel)
    compareMemlock(suite, layout, emulated, kernel)
    kernel.object.close()
  }
})

function comparePackets (
  suite: Suite, layout: string, { kernel, program, metrics }: Datapath, twin: KernelBalancer, mix: ComparisonMix
): void {
  console.log(`# ${layout}: seed ${mix.seed}, ${Object.entries(mix.counts).map(([name, count]) => `${name} ${count}`).join(', ')}`)
  const execution = createExecution(kernel.core, { cpu: 0, worker: 0 })
  let sent = 0
  for (const { bytes, packetClass } of mix.packets) {
    const before = twin.counters()
    const wanted = twin.run(bytes)
    const counted = twin.counters().map((count, index) => count - (before[index] ?? 0))
    const metricsBefore = counters(metrics())
    const found = execution.run(program.image, bytes)
    const emulated = counters(metrics()).map((count, index) => count - (metricsBefore[index] ?? 0))
    const where = `${layout} ${packetClass} ${hex(bytes)}`
    suite.same([found.fault, found.retval, hex(found.packet)], [null, wanted.retval, hex(wanted.data)], where)
    suite.same(emulated, counted, `counters of ${where}`)
    if (wanted.retval === XDP_TX) sent++
  }
  t.ok(sent >= 0.6 * mixSize, `${layout}: ${sent} of ${mixSize} packets were sent to a backend`)
}

function counters (metrics: ReturnType<Datapath['metrics']>): number[] {
  return Array.from({ length: metrics.maxEntries }, (_, index) => {
    const values = metrics.lookup(encodeU32(index))
    if (!values.ok) throw new Error(values.error.message)
    const words = new DataView(values.value.buffer, values.value.byteOffset, values.value.length)
    let sum = 0
    for (let at = 0; at < words.byteLength; at += 8) sum += words.getUint32(at, true)
    return sum
  })
}

function compareXlated (suite: Suite, layout: string, { program }: Datapath, twin: KernelBalancer): void {
  const { insns, tag } = suite.bpf.xlated(twin.object.program)
  suite.same(program.tag, tag, `${layout}: tag`)
  const wanted = anonymous(insns)
  const found = anonymous(encodeXlated(program.translated))
  suite.same(found.length, wanted.length, `${layout}: instructions of the translated program`)
  for (let slot = 0; slot < Math.max(found.length, wanted.length); slot++) suite.same(found[slot], wanted[slot], `${layout}: xlated ${slot}`)
}

/** hex of every slot, with map ids and function addresses cleared */
function anonymous (bytes: Uint8Array): string[] {
  const slots: string[] = []
  for (let at = 0; at < bytes.length; at += 8) {
    const slot = bytes.slice(at, at + 8)
    const pseudo = (slot[1] ?? 0) >> 4
    if ((slot[0] === LD_IMM64 && pseudo !== 0) || (slot[0] === CALL && pseudo === 0)) slot.fill(0, 4)
    slots.push(hex(slot))
  }
  return slots
}

function compareMemlock ({ bpf, same }: Suite, layout: string, datapath: Datapath, twin: KernelBalancer): void {
  for (const [name, { fd, spec }] of twin.object.maps) {
    const map = datapath.map(name)
    same(map.memlockBytes(), bpf.memlock(fd), `${layout}: memlock of ${name}`)
    if (spec.inner === undefined) continue
    for (const [key] of map.entries()) {
      const id = new Uint8Array(4)
      bpf.lookup(fd, key, id)
      const inner = bpf.mapFdById(new DataView(id.buffer).getUint32(0, true))
      same(map.innerMap(key)?.memlockBytes(), bpf.memlock(inner), `${layout}: memlock of the table of ${hex(key)} in ${name}`)
      bpf.close(inner)
    }
  }
}

function hex (bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
