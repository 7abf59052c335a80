// What a watched program notes of its accesses, and of those inside the map functions that it calls, is what the tracer finds by its own
// way from the kernel's structs: every address, size and region, in order; in every layout, inlined and never inlined, of both kernels.

import t from 'tap'
import { createExecution, createNotes, describeNote, loadImage } from '../../lib/bpf/core/index.ts'
import { trace } from '../../lib/bpf/engine/index.ts'
import type { AccessEvent } from '../../lib/bpf/engine/index.ts'
import { datapathLayouts } from '../../lib/datapath/index.ts'
import { comparisonPackets } from '../../lib/traffic/index.ts'
import { fillMaps, worldOf } from '../support/balancer-world.ts'
import { emulateBalancer } from '../support/emulated-balancer.ts'
import { createMap } from '../../lib/bpf/map/index.ts'
import { assembled, translate } from '../verifier/support.ts'
import { createHarness, outcome } from './support/harness.ts'

const seed = 20261125
const mixSize = 120
const sharedTableSize = 4093

for (const layout of datapathLayouts) {
  for (const { inlining, kernel: kernelName } of [{ inlining: 'kernel', kernel: '6.18' }, { inlining: 'never', kernel: '6.18' }, { inlining: 'kernel', kernel: '5.10' }] as const) {
    t.test(`${layout}, inlining ${inlining}, kernel ${kernelName}, ${mixSize} packets from seed ${seed}`, async (t) => {
      const { datapath: { kernel: { core }, program }, maps } = emulateBalancer(layout, sharedTableSize, { inlining, kernel: kernelName })
      const world = worldOf(layout, sharedTableSize)
      fillMaps(world, maps)
      const addresses = program.usedMaps.map(({ address }) => ({ address, valueAddress: address + core.profile.structs.bpfArray.value }))
      const image = loadImage(core, program.translated, addresses, { notes: true })
      if (!image.ok) throw new Error(image.error.message)
      const execution = createExecution(core, { cpu: 1, worker: 1 })
      const notes = createNotes(execution, 4096)
      const wrong: unknown[] = []
      let functionReads = 0
      for (const { bytes: packet } of comparisonPackets(seed, mixSize, world.comparisonServices).packets) {
        const expected: AccessEvent[] = []
        const traced = trace(core, program.translated, addresses, { execution, packet, onAccess: (access) => expected.push(access) })
        if (!traced.ok) throw new Error(traced.error.message)
        notes.clear()
        const watched = execution.run(image.value, packet)
        const words = notes.words()
        const found = Array.from({ length: words.length / 2 }, (_, index) =>
          ({ address: words[2 * index], ...describeNote(words[2 * index + 1] ?? 0) }))
        functionReads += found.filter(({ region }) => region === 'function').length
        // what the noting costs is counted too, what happens is the same
        const [seen, meant] = [watched, traced.value].map((run) => JSON.stringify({ ...outcome(run) as object, cost: null }))
        const ordered = ({ address, size, region, isStore }: AccessEvent): string => `${isStore ? 'store' : 'load'} ${region} ${address} ${size}`
        const [one, other] = [found as AccessEvent[], expected].map((all) => all.map(ordered))
        if (seen !== meant || one?.join('\n') !== other?.join('\n')) wrong.push({ packet: Buffer.from(packet).toString('hex'), found: one, expected: other })
      }
      t.same(wrong.slice(0, 1), [])
      t.ok(functionReads > mixSize, `${functionReads} reads inside map functions`)
      notes.clear()
      notes.dispose()
      execution.run(program.image, new Uint8Array(64))
    })
  }
}

t.test('the way through a trie', async (t) => {
  const { core, execution } = createHarness()
  const map = createMap(core, { id: 1, type: 'lpm_trie', keySize: 8, valueSize: 4, maxEntries: 64, flags: 1, hashSeed: 0 })
  if (!map.ok) throw new Error(map.error.message)
  const key = (length: number, third: number): Uint8Array => Uint8Array.of(length, 0, 0, 0, 10, 1, third, 0)
  for (const [length, third] of [[8, 0], [16, 0], [24, 0], [24, 1], [24, 128], [32, 128]] as const) {
    map.value.update(key(length, third), new Uint8Array(4))
  }
  const addresses = [{ address: map.value.address, valueAddress: 0 }]
  for (const [length, third] of [[32, 128], [32, 1], [32, 3], [12, 0], [24, 128], [33, 0], [0, 0]] as const) {
    const [first, second] = new Uint32Array(key(length, third).buffer)
    const text = `*(u32 *)(r10 -8) = ${first}\n*(u32 *)(r10 -4) = ${second}\nr2 = r10\nr2 += -8\nr1 = map[id:0]\ncall 1\nr0 = 0\nexit`
    const program = translate({ insns: assembled(text), maps: [{ type: 'lpm_trie', keySize: 8, flags: 1 }] })
    const image = loadImage(core, program, addresses, { notes: true })
    if (!image.ok) throw new Error(image.error.message)
    const notes = createNotes(execution, 100)
    execution.run(image.value, new Uint8Array(14))
    const words = notes.words()
    const found = Array.from({ length: words.length / 2 }, (_, index) =>
      ({ address: words[2 * index], ...describeNote(words[2 * index + 1] ?? 0) }))
    const expected: AccessEvent[] = []
    trace(core, program, addresses, { execution, packet: new Uint8Array(14), onAccess: (access) => expected.push(access) })
    t.same(found, expected, `${length} bits, third byte ${third}: ${found.length} accesses`)
    notes.dispose()
  }
})

t.test('more notes than there is room for are not taken for all', async (t) => {
  const { datapath: { kernel: { core }, program } } = emulateBalancer('blob', sharedTableSize)
  const addresses = program.usedMaps.map(({ address }) => ({ address, valueAddress: address }))
  const image = loadImage(core, program.translated, addresses, { notes: true })
  if (!image.ok) throw new Error(image.error.message)
  const execution = createExecution(core, { cpu: 0, worker: 1 })
  const notes = createNotes(execution, 3)
  execution.run(image.value, new Uint8Array(64))
  t.throws(() => notes.words(), /where 3 have room/)
})
