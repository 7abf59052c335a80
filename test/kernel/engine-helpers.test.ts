// Helpers on packets and tries, in programs: r0, every byte and the packet's length in the running kernel's test run, on the interpreter
// (alone and in a batch) and on the tracer, whose costs agree.

import type { Suite } from './support/tally.ts'
import { kernelSuite } from './support/tally.ts'
import { createMachines, loadTwins } from './support/program-twins.ts'
import type { ProgramTwins } from './support/program-twins.ts'
import { generator } from './support/twins.ts'
import { assembled } from '../verifier/support.ts'

const seed = 1071
const moves = 300
const sums = 1500
const trieSteps = 1200

await kernelSuite('helpers: ends of the packet', 4 * moves, (suite, t) => {
  t.comment(`seed ${seed}`)
  const random = generator(seed)
  const machines = createMachines(suite.bpf)
  for (let i = 0; i < moves; i++) {
    const text = movingProgram(random)
    const twins = loadTwins(machines, { insns: assembled(text) }, (retval) => retval & 255)
    const length = [14, 15, 60, 64, 300, 1500, 3500, 3520][random(8)] ?? 60
    compare(suite, twins, Uint8Array.from({ length }, () => random(256)), text)
    twins.close()
  }
})

/**
 * Moves head, tail and metadata a few times and writes after every move into the first and last bytes; returns all results mixed, and in
 * the lowest byte how much metadata there is.
 */
function movingProgram (random: (below: number) => number): string {
  const offsets = [-256, -217, -216, -200, -64, -40, -20, -8, -4, -3, -1, 0, 1, 4, 8, 20, 40, 46, 47, 100, 3400, 3461, 65536, -65536]
  const steps = Array.from({ length: 2 + random(5) }, (_, step) => `
    r1 = r6
    r2 = ${offsets[random(offsets.length)] ?? 0}
    call ${[44, 65, 54][random(3)] ?? 44}
    r7 *= 31
    r7 += r0
    r2 = *(u32 *)(r6 +0)
    r3 = *(u32 *)(r6 +4)
    r4 = *(u32 *)(r6 +8)
    r5 = r2
    r5 += 14
    if r5 > r3 goto end${step}
    r0 = *(u64 *)(r2 +0)
    r7 ^= r0
    *(u8 *)(r2 +1) = ${step + 1}
    r5 = r4
    r5 += 4
    if r5 > r2 goto end${step}
    r0 = *(u32 *)(r4 +0)
    r7 += r0
    *(u16 *)(r4 +2) = ${0x5500 + step}
    end${step}:`)
  return `r6 = r1\nr7 = 1${steps.join('')}
    r0 = *(u32 *)(r6 +0)
    r1 = *(u32 *)(r6 +8)
    r0 -= r1
    r7 <<= 8
    r0 |= r7
    exit`
}

await kernelSuite('helpers: checksums', 4 * sums, (suite, t) => {
  t.comment(`seed ${seed}`)
  const random = generator(seed)
  const programs = [
    // both sides in the packet, their sizes and the seed from it
    sumProgram('r1 = r6\nr1 += 16', 'r3 = r6\nr3 += 80', ''),
    // pulled from the stack, pushed from the packet
    sumProgram('r1 = r10\nr1 += -64', 'r3 = r6\nr3 += 24', ''),
    // pushed from a map value
    sumProgram('r1 = r6\nr1 += 100', 'r3 = r8', 'r2 = r10\nr2 += -4\n*(u32 *)(r10 -4) = 0\nr1 = map[id:0]\ncall 1\nif r0 == 0 goto leave\nr8 = r0\n' +
      'r1 = *(u64 *)(r6 +24)\n*(u64 *)(r8 +0) = r1\nr1 = *(u64 *)(r6 +32)\n*(u64 *)(r8 +8) = r1')
  ]
  const machines = createMachines(suite.bpf)
  const twins = programs.map((text) => loadTwins(machines, { insns: assembled(text), maps: [{ type: 'array', valueSize: 64 }] }))
  for (let i = 0; i < sums; i++) {
    const fill = [() => random(256), () => 0, () => 255, () => random(2) * 255][random(4)] ?? (() => 0)
    const packet = Uint8Array.from({ length: 192 }, fill)
    packet.set([random(5) === 0 ? 0 : random(64), random(5) === 0 ? 0 : random(64)], 14)
    const which = random(twins.length)
    compare(suite, twins[which] as ProgramTwins, packet, `program ${which}, packet ${Buffer.from(packet).toString('hex')}`)
  }
  for (const one of twins) one.close()
})

/** Sizes at 14 and 15 of the packet, the seed before them; the result goes to its first 8 bytes. */
function sumProgram (from: string, to: string, before: string): string {
  const spill = Array.from({ length: 8 }, (_, i) => `r1 = *(u64 *)(r6 +${128 + 8 * i})\n*(u64 *)(r10 -${64 - 8 * i}) = r1`).join('\n')
  return `
    r6 = *(u32 *)(r1 +0)
    r7 = *(u32 *)(r1 +4)
    r0 = 99
    r2 = r6
    r2 += 192
    if r2 > r7 goto leave
    ${spill}
    ${before}
    ${from}
    r2 = *(u8 *)(r6 +14)
    r2 &= 63
    ${to}
    r4 = *(u8 *)(r6 +15)
    r4 &= 63
    r5 = *(u32 *)(r6 +8)
    call 28
    *(u64 *)(r6 +0) = r0
    r0 = 2
    leave:
    exit`
}

/** Packet: operation at 0 (0 update, 1 delete, else look up and count), key at 4, flags at 16, value and results at 24. */
const trieProgram = `
  r6 = *(u32 *)(r1 +0)
  r7 = *(u32 *)(r1 +4)
  r0 = 99
  r2 = r6
  r2 += 32
  if r2 > r7 goto leave
  r1 = *(u32 *)(r6 +4)
  *(u32 *)(r10 -8) = r1
  r1 = *(u32 *)(r6 +8)
  *(u32 *)(r10 -4) = r1
  r1 = *(u64 *)(r6 +24)
  *(u64 *)(r10 -16) = r1
  r4 = *(u32 *)(r6 +16)
  r2 = r10
  r2 += -8
  r1 = map[id:0]
  r8 = *(u32 *)(r6 +0)
  if r8 == 0 goto update
  if r8 == 1 goto delete
  call 1
  if r0 == 0 goto leave
  r1 = *(u64 *)(r0 +0)
  *(u64 *)(r6 +24) = r1
  r1 += 1
  *(u64 *)(r0 +0) = r1
  r0 = 1
  goto leave
  update:
  r3 = r10
  r3 += -16
  call 2
  goto leave
  delete:
  call 3
  leave:
  exit`

await kernelSuite('helpers: lpm_trie in programs', 4 * trieSteps, (suite, t) => {
  t.comment(`seed ${seed}`)
  const random = generator(seed)
  const maps = [{ type: 'lpm_trie', keySize: 8, valueSize: 8, maxEntries: 20, flags: 1 }] as const
  const twins = loadTwins(createMachines(suite.bpf), { insns: assembled(trieProgram), maps })
  for (let i = 0; i < trieSteps; i++) {
    const packet = new Uint8Array(32)
    const view = new DataView(packet.buffer)
    view.setUint32(0, random(4), true)
    view.setUint32(4, random(30) === 0 ? 33 : random(33), true)
    packet.set([10, random(2) * 128, [0, 1, 255][random(3)] ?? 0, random(4)], 8)
    view.setUint32(16, random(4) === 0 ? random(4) : 0, true)
    packet.set([random(256), random(256)], 24)
    compare(suite, twins, packet, `step ${i}, packet ${Buffer.from(packet).toString('hex')}`)
  }
  twins.close()
})

function compare ({ same }: Suite, twins: ProgramTwins, packet: Uint8Array, where: string): void {
  const { metadataBytes, ...kernel } = twins.kernel(packet)
  const { cost, ...interpreted } = twins.interpreter(packet)
  const { cost: tracedCost, ...traced } = twins.tracer(packet)
  const { cost: batchCost, ...batched } = twins.batch(packet)
  same(interpreted, kernel, `interpreter: ${where}`)
  same(traced, kernel, `tracer: ${where}`)
  same(batched, kernel, `batch: ${where}`)
  same([tracedCost, batchCost], [cost, cost], `costs: ${where}`)
}
