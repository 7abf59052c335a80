// Random programs: the interpreter does what the tracer does, to the byte and to the access.

import t from 'tap'
import { freeImage, loadImage } from '../../lib/bpf/core/index.ts'
import type { MapAddresses } from '../../lib/bpf/core/index.ts'
import { createMap } from '../../lib/bpf/map/index.ts'
import { createHarness, outcome } from './support/harness.ts'
import type { Harness } from './support/harness.ts'
import { ProgramGenerator, randomMaps, seeded } from './support/random-programs.ts'

const programs = 2500
const firstSeed = 20201008
const packetBytes = 64
const budget = 3000
const tracedFully = 25

/** The same maps at the same addresses on both sides, so that even pointers agree. */
function mapsOf ({ core }: Harness): MapAddresses[] {
  return randomMaps.map(({ type, valueSize }, index) => {
    const map = createMap(core, { id: index + 1, type, keySize: 4, valueSize, maxEntries: 4, flags: 0, hashSeed: 7 })
    if (!map.ok) throw new Error(map.error.message)
    return { address: map.value.address, valueAddress: map.value.address + core.profile.structs.bpfArray.value }
  })
}

t.test(`${programs} programs from seed ${firstSeed}`, async (t) => {
  const left = createHarness(1)
  const right = createHarness(1)
  const leftMaps = mapsOf(left)
  t.same(mapsOf(right), leftMaps, 'maps at the same addresses')
  const seen = { exit: 0, budget: 0, access: 0, call: 0, trap: 0 }
  let instructions = 0
  const wrong: unknown[] = []
  for (let seed = firstSeed; seed < firstSeed + programs; seed++) {
    const program = new ProgramGenerator(seed, packetBytes).program(left.core.profile.structs.xdpBuff.data)
    const random = seeded(seed)
    const packet = Uint8Array.from({ length: packetBytes }, () => Math.floor(random() * 256))
    const stepLimit = seed % tracedFully === 0 ? 2 * budget : 0
    const image = loadImage(left.core, program, leftMaps)
    if (!image.ok) throw new Error(`seed ${seed}: ${image.error.message}`)
    const interpreted = left.execution.run(image.value, packet, { budget })
    const coverage = left.execution.coverage(image.value)
    freeImage(left.core, image.value)
    const traced = right.trace(program, packet, { budget, stepLimit }, leftMaps)
    seen[interpreted.fault?.code ?? 'exit']++
    instructions += interpreted.cost.instructions
    if (JSON.stringify(outcome(interpreted)) !== JSON.stringify(outcome(traced))) {
      wrong.push({ seed, interpreted: outcome(interpreted), traced: outcome(traced) })
    }
    const total = coverage.reduce((sum, times) => sum + times, 0)
    if (total !== traced.cost.instructions) wrong.push({ seed, coverage: total, instructions: traced.cost.instructions })
    if (stepLimit > 0) {
      const steps = new Float64Array(program.insns.length)
      for (const { insn } of traced.steps) steps[insn] = (steps[insn] ?? 0) + 1
      // a step that faults is counted, and leaves no state to show
      const { fault } = traced
      if (fault !== null && traced.steps.length < traced.cost.instructions) steps[fault.insn] = (steps[fault.insn] ?? 0) + 1
      if (steps.some((times, slot) => times !== coverage[slot])) wrong.push({ seed, steps: [...steps], coverage: [...coverage] })
    }
    if (wrong.length >= 3) break
  }
  t.comment(`${instructions} instructions; ${JSON.stringify(seen)}`)
  t.same(wrong, [])
  t.ok(seen.exit > programs / 2 && seen.budget > 10 && seen.access > 50 && seen.call > 0, 'all kinds of endings were met')
})
