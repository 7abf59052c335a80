// An execution around the instructions: context, packet frame, faults, batches, coverage, kernel functions, threads.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { compileCore, createBatch, createCore, createExecution, kernelFunctions, loadImage, MAX_BUDGET } from '../../lib/bpf/core/index.ts'
import type { PacketBatch, ProgramImage } from '../../lib/bpf/core/index.ts'
import { createMap } from '../../lib/bpf/map/index.ts'
import { findProfile } from '../../lib/bpf/profile/index.ts'
import type { TranslatedInsn, TranslatedProgram } from '../../lib/bpf/rewrite/translated.ts'
import type { Region } from '../../lib/bpf/verifier/facts.ts'
import { createHarness, outcome } from './support/harness.ts'
import { assembled, translate } from './support/programs.ts'

const harness = createHarness(1)
const { core, execution, interpret, trace } = harness
const { xdpBuff, xdpRxqInfo, netDevice } = core.profile.structs

/** A program whose accesses all go to one region, or to what `regions` says of their slots. */
function program (text: string, regions: Region | Record<number, Region> = 'stack', proved = true): TranslatedProgram {
  const regionOf = (slot: number): Region => typeof regions === 'string' ? regions : regions[slot] ?? 'stack'
  return translate(assembled(text), regionOf, () => proved)
}

/** Runs both engines, which must agree. */
function both (translated: TranslatedProgram, packet = new Uint8Array(14), options = {}): ReturnType<typeof interpret> {
  const interpreted = interpret(translated, packet, options)
  assert.deepEqual(outcome(trace(translated, packet, options)), outcome(interpreted), 'tracer and interpreter agree')
  return interpreted
}

function load (translated: TranslatedProgram): ProgramImage {
  const image = loadImage(core, translated, [])
  if (!image.ok) throw new Error(image.error.message)
  return image.value
}

function batchOf (slots: number, strideBytes = 2048): PacketBatch {
  const batch = createBatch(core, { slots, strideBytes })
  if (!batch.ok) throw new Error(batch.error.message)
  return batch.value
}

const withCall = (translated: TranslatedProgram, symbols: readonly string[]): TranslatedProgram => {
  const queue = [...symbols]
  const insns = translated.insns.map((insn): TranslatedInsn => insn.code === 0x85 && insn.src === 0 ? { ...insn, call: queue.shift() ?? '' } : insn)
  return { ...translated, insns }
}

t.test('the context is the kernel\'s', async (t) => {
  const ifindex = program(`r0 = *(u64 *)(r1 +${xdpBuff.rxq})
    r0 = *(u64 *)(r0 +${xdpRxqInfo.dev})
    r0 = *(u32 *)(r0 +${netDevice.ifindex})
    exit`, { 0: 'ctx', 1: 'kernel', 2: 'kernel' })
  const queue = program(`r0 = *(u64 *)(r1 +${xdpBuff.rxq})\nr0 = *(u32 *)(r0 +${xdpRxqInfo.queueIndex})\nexit`, { 0: 'ctx', 1: 'kernel' })
  t.equal(both(ifindex).retval, 1, 'ingress interface 1')
  t.equal(both(queue).retval, 0, 'receive queue 0')
  t.equal(both(ifindex, new Uint8Array(14), { ingressIfindex: 7, rxQueueIndex: 3 }).retval, 7)
  t.equal(both(queue, new Uint8Array(14), { ingressIfindex: 7, rxQueueIndex: 3 }).retval, 3)
  t.same(both(ifindex).cost, {
    instructions: 4,
    mapLookups: 0,
    mapCalls: 0,
    loads: { stack: 0, packet: 0, ctx: 1, map: 0, kernel: 2 },
    stores: { stack: 0, packet: 0, ctx: 0, map: 0, kernel: 0 }
  })
  const difference = (from: number, to: number): number =>
    both(program(`r0 = *(u64 *)(r1 +${to})\nr1 = *(u64 *)(r1 +${from})\nr0 -= r1\nexit`, 'ctx'), new Uint8Array(60)).retval
  t.equal(difference(xdpBuff.data, xdpBuff.dataEnd), 60)
  t.equal(difference(xdpBuff.dataMeta, xdpBuff.data), 0, 'data_meta is data')
  t.equal(difference(xdpBuff.dataHardStart, xdpBuff.data), 256, 'headroom')
  t.equal(both(program(`r0 = *(u32 *)(r1 +${xdpBuff.frameSize})\nexit`, 'ctx')).retval, 4096)
})

t.test('a run starts from a fresh packet and a clean stack', async (t) => {
  const bump = program(`r1 = *(u64 *)(r1 +${xdpBuff.data})\nr0 = *(u8 *)(r1 +0)\nr0 += 1\n*(u8 *)(r1 +0) = r0\nexit`, { 0: 'ctx', 1: 'packet', 3: 'packet' })
  const packet = Uint8Array.of(41, ...new Uint8Array(13))
  t.equal(both(bump, packet).packet[0], 42)
  t.equal(both(bump, packet).packet[0], 42)
  t.equal(packet[0], 41, 'the caller\'s bytes stay')
  const left = program('r0 = *(u64 *)(r10 -512)\n*(u64 *)(r10 -512) = 5\nexit')
  t.equal(both(left).retval, 0)
  t.equal(both(left).retval, 0)
  t.equal(both(bump, new Uint8Array(3520)).packet.length, 3520)
  t.throws(() => interpret(bump, new Uint8Array(3521)), RangeError)
  t.equal(both(program('r0 = 2\nexit'), new Uint8Array(0)).packet.length, 0)
})

t.test('the budget is exact at the step back where it is compared', async (t) => {
  const loop = program('r1 = 10\nloop:\nr1 += -1\nif r1 != 0x0 goto loop\nr0 = 2\nexit')
  // 1 + 10 * 2 + 2, the last step back being the 19th instruction
  t.equal(both(loop, undefined, { budget: 19 }).cost.instructions, 23)
  const ended = both(loop, undefined, { budget: 18 })
  t.same(ended.fault, { code: 'budget', message: 'the program ran more than 18 instructions', insn: 2 })
  t.equal(ended.cost.instructions, 19)
  t.equal(ended.retval, 0)
  t.equal(both(program('loop:\ngoto loop')).cost.instructions, 1_000_001, 'a million unless said')
  t.throws(() => interpret(loop, new Uint8Array(14), { budget: MAX_BUDGET + 1 }), RangeError)
  t.throws(() => interpret(loop, new Uint8Array(14), { budget: 0 }), RangeError)
})

t.test('an access outside its object ends the packet', async (t) => {
  const packetLoad = (off: number): TranslatedProgram =>
    program(`r1 = *(u64 *)(r1 +${xdpBuff.data})\nr1 += ${off}\nr0 = *(u32 *)(r1 +0)\nr0 = 2\nexit`, { 0: 'ctx', 2: 'packet' }, false)
  t.equal(both(packetLoad(10)).retval, 2)
  const beyond = both(packetLoad(11))
  t.match(beyond.fault, { code: 'access', insn: 2, message: /^load of 4 bytes at 0x[0-9a-f]+ is not inside the packet$/ })
  t.same([beyond.retval, beyond.cost.instructions, beyond.cost.loads.packet], [0, 3, 1], 'what faults is counted')
  t.match(both(packetLoad(-1)).fault, { code: 'access' })
  const faulty = (text: string, region: Region): void => { t.match(both(program(text, region, false)).fault, { code: 'access' }, `${region}: ${text}`) }
  faulty('r0 = *(u8 *)(r10 +0)\nexit', 'stack')
  faulty('r0 = *(u8 *)(r10 -513)\nexit', 'stack')
  faulty(`r0 = *(u64 *)(r1 +${xdpBuff.size - 7})\nexit`, 'ctx')
  faulty('r0 = *(u8 *)(r1 -1)\nexit', 'kernel')
  faulty('r0 = *(u8 *)(r1 +0)\nexit', 'map')
  faulty('r1 = 0\nr0 = *(u8 *)(r1 +0)\nexit', 'map')
  faulty('r1 = 0\n*(u64 *)(r1 +0) = 1\nexit', 'packet')
  faulty('r1 = 0\nlock *(u64 *)(r1 +0) += r1\nexit', 'stack')
  const high = '*(u64 *)(r10 -8) = r10\nr1 = 1\nr1 <<= 32\nr1 += r10\nr0 = *(u64 *)(r1 -8)\nexit'
  t.match(both(program(high, 'stack', false)).fault, { code: 'access', insn: 4 }, 'all 64 bits of the address count')
  const own = 'call inner\nr0 = 2\nexit\ninner:\nr0 = *(u64 *)(r10 -512)\nexit'
  t.equal(both(program(own, 'stack', false)).fault, null, 'a callee\'s frame')
  const above = '*(u64 *)(r10 -8) = 3\nr1 = r10\ncall inner\nexit\ninner:\nr0 = *(u64 *)(r1 -8)\nexit'
  t.equal(both(program(above, 'stack', false)).retval, 3, 'the caller\'s frame')
})

t.test('too many frames, and a trap', async (t) => {
  const recursion = both(program('call self\nexit\nself:\ncall self\nexit'))
  t.same(recursion.fault, { code: 'call', message: 'the call would need more than 8 stack frames', insn: 2 })
  t.equal(recursion.cost.instructions, 8)
  const wild = program('r0 = 1\ngoto on\non:\nr1 = -16\nr0 = *(u64 *)(r1 +0)\nexit', 'map')
  const trapped = both(wild)
  t.match(trapped.fault, { code: 'trap', insn: -1 })
  t.equal(trapped.cost.instructions, 2, 'the run since the last jump is not counted')
  t.equal(both(program('r0 = 2\nexit')).retval, 2, 'the execution goes on')
})

t.test('a batch does what single runs do', async (t) => {
  const twice = program(`r2 = *(u64 *)(r1 +${xdpBuff.data})
    r3 = *(u64 *)(r1 +${xdpBuff.dataEnd})
    r0 = *(u8 *)(r2 +0)
    r0 <<= 1
    *(u8 *)(r2 +1) = r0
    r4 = r0
    loop:
    r4 += -1
    if r4 s> 0x0 goto loop
    r3 -= r2
    r0 += r3
    exit`, { 0: 'ctx', 1: 'ctx', 2: 'packet', 4: 'packet' }, false)
  const image = load(twice)
  const batch = batchOf(300, 384)
  const packets = Array.from({ length: 300 }, (_, i) => new Uint8Array(i % 50).fill(i))
  packets.forEach((packet, slot) => batch.set(slot, packet))
  const options = { budget: 400 }
  const total = execution.runBatch(image, batch, options)
  const singles = packets.map((packet) => execution.run(image, packet, options))
  const fields = (slot: number): unknown => ({
    retval: batch.verdict(slot),
    packet: batch.packet(slot),
    instructions: batch.instructions(slot),
    fault: execution.batchFault(image, batch, slot, 400)?.code
  })
  singles.forEach(({ retval, packet, cost, fault }, slot) => {
    t.same(fields(slot), { retval, packet, instructions: cost.instructions, fault: fault?.code }, `slot ${slot}`, { diagnostic: false })
  })
  const sum = (of: (single: typeof singles[number]) => number): number => singles.reduce((result, single) => result + of(single), 0)
  t.equal(total.cost.instructions, sum((single) => single.cost.instructions))
  t.equal(total.cost.loads.packet, sum((single) => single.cost.loads.packet))
  t.equal(total.cost.stores.packet, sum((single) => single.cost.stores.packet))
  t.equal(total.faults, singles.filter((single) => single.fault !== null).length)
  t.ok(singles.some((single) => single.fault?.code === 'access') && singles.some((single) => single.fault?.code === 'budget'))
  packets.forEach((packet, slot) => batch.set(slot, packet))
  const part = execution.runBatch(image, batch, { ...options, from: 10, to: 20 })
  t.equal(part.cost.instructions, singles.slice(10, 20).reduce((result, single) => result + single.cost.instructions, 0))
  t.same(execution.runBatch(image, batch, { from: 5, to: 5 }).cost.instructions, 0)
  t.throws(() => batch.set(0, new Uint8Array(97)), RangeError)
  t.throws(() => batch.set(300, new Uint8Array(1)), RangeError)
  t.throws(() => execution.runBatch(image, batch, { to: 301 }), RangeError)
  batch.free()
  t.match(createBatch(core, { slots: 0 }), { ok: false, error: { name: 'EINVAL' } })
  t.match(createBatch(core, { strideBytes: 288 }), { ok: false, error: { name: 'EINVAL' } })
})

t.test('a batch goes on after a trap', async (t) => {
  // the packet's first byte is the address to load from, sign-extended: 0 is in the memory, -127 far behind its end
  const regions = { 0: 'ctx', 1: 'packet', 2: 'map' } as const
  const wild = load(program(`r2 = *(u64 *)(r1 +${xdpBuff.data})\nr3 = *(s8 *)(r2 +0)\nr0 = *(u64 *)(r3 +0)\nr0 = 2\nexit`, regions))
  const batch = batchOf(5)
  for (let slot = 0; slot < 5; slot++) batch.set(slot, Uint8Array.of(slot === 2 ? -127 : 0))
  const { faults } = execution.runBatch(wild, batch)
  t.equal(faults, 1)
  t.same([0, 1, 2, 3, 4].map((slot) => batch.verdict(slot)), [2, 2, 0, 2, 2])
  t.equal(execution.batchFault(wild, batch, 2)?.code, 'trap')
  t.equal(execution.runBatch(wild, batch, { from: 3 }).faults, 0)
})

t.test('coverage adds up over runs', async (t) => {
  const image = load(program('r1 = 3\nloop:\nr2 = 0x500000000 ll\nr1 += -1\nif r1 != 0x0 goto loop\nr0 = 2\nexit'))
  t.same([...execution.coverage(image)], new Array(7).fill(0), 'nothing ran')
  execution.run(image, new Uint8Array(14))
  execution.run(image, new Uint8Array(14))
  t.same([...execution.coverage(image)], [2, 6, 0, 6, 6, 2, 2])
})

t.test('what no engine can run is refused with the reason', async (t) => {
  const refusal = (translated: TranslatedProgram, maps: Array<{ address: number, valueAddress: number }> = []): string => {
    const image = loadImage(core, translated, maps)
    return image.ok ? 'accepted' : image.error.message
  }
  t.match(refusal(withCall(program('call 51\nexit'), ['bpf_redirect_map'])), /instruction 0: no engine has the kernel function bpf_redirect_map/)
  t.match(refusal(program('call kernel-function#7\nexit')), /opcode 0x85/)
  t.match(refusal(program('may_goto +0\nexit')), /opcode 0xe5/)
  t.match(refusal(program('r0 = *(u8 *)skb[0]\nexit')), /opcode 0x30/)
  t.match(refusal(program('goto +7\nexit')), /instruction 0: jump to 8/)
  t.match(refusal(program('goto +1\nr0 = 5 ll\nexit')), /jump to 2, where no instruction begins/)
  t.match(refusal(program('r0 = 0')), /neither an exit nor a jump/)
  t.match(refusal({ insns: [], functions: [0] }), /1 to 1000000 instructions, not 0/)
  t.match(refusal({ insns: assembled('r0 = *(u8 *)(r1 +0)\nexit').map((insn) => ({ ...insn, origin: 0 })), functions: [0] }), /region/)
  const named = program('r1 = map[id:5]\nr0 = 0\nexit')
  const mapRef = { usedMap: 0, valueOffset: null }
  const withMap = { ...named, insns: named.insns.map((insn, slot) => slot === 0 ? { ...insn, mapRef } : insn) }
  t.match(refusal(withMap), /map 0 was not given/)
  t.match(refusal(withMap, [{ address: 4096, valueAddress: 4408 }]), /there is no map at 0x1000/)
  t.match(refusal(named), /names no map/)
})

t.test('kernel functions that need no map', async (t) => {
  const call = (symbol: string): TranslatedProgram => withCall(program('call 1\nexit'), [symbol])
  t.equal(interpret(call('bpf_get_smp_processor_id'), new Uint8Array(14)).retval, 1)
  execution.setClock(0x1_0000_0007n)
  t.equal(both(call('bpf_ktime_get_ns')).retval, 7)
  t.equal(both(withCall(program('call 5\nr0 >>= 32\nexit'), ['bpf_ktime_get_ns'])).retval, 1)
  execution.setClock(2 ** 53 - 1)
  t.equal(both(withCall(program('call 5\nr0 >>= 32\nexit'), ['bpf_ktime_get_ns'])).retval, 2 ** 21 - 1)
  t.equal(both(call('bpf_ktime_get_ns')).retval, 2 ** 32 - 1)
  t.throws(() => execution.setClock(-1), RangeError)
  t.throws(() => execution.setClock(0.5), RangeError)
  const other = createExecution(core, { cpu: 0, worker: 1, clockNs: 5_000_000_000, seed: 67634689 })
  t.equal(other.run(load(call('bpf_ktime_get_ns')), new Uint8Array(14)).retval, 5_000_000_000 % 2 ** 32)
  t.equal(other.run(load(call('bpf_get_prandom_u32')), new Uint8Array(14)).retval, 2647435461)
  other.dispose()
  const draws = (run: () => number): number[] => {
    execution.seedRandom(1)
    return [run(), run(), run()]
  }
  // the first numbers of xorshift32 (13, 17, 5) from 1
  const expected = [270369, 67634689, 2647435461]
  t.same(draws(() => interpret(call('bpf_get_prandom_u32'), new Uint8Array(14)).retval), expected)
  t.same(draws(() => trace(call('bpf_user_rnd_u32'), new Uint8Array(14)).retval), expected)
  t.equal(both(program('r1 = 5\nr0 = &(void __percpu *)(r1)\nexit')).retval, 65541, 'this CPU\'s copy is one stride on')
})

t.test('every kernel function, by every name, in both engines', async (t) => {
  const map = createMap(core, { id: 1, type: 'hash', keySize: 4, valueSize: 8, maxEntries: 4, flags: 0, hashSeed: 0 })
  if (!map.ok) throw new Error(map.error.message)
  const maps = [{ address: map.value.address, valueAddress: map.value.address + core.profile.structs.bpfArray.value }]
  const setup = program('r1 = map[id:1]\n*(u32 *)(r10 -4) = 9\nr2 = r10\nr2 += -4\nr3 = r10\nr3 += -16\nr4 = 0\ncall 1\nexit')
  const key = Uint8Array.of(9, 0, 0, 0)
  const run = (engine: typeof interpret, symbol: string): unknown => {
    const insns = setup.insns.map((insn, slot): TranslatedInsn => {
      if (slot === 0) return { ...insn, mapRef: { usedMap: 0, valueOffset: null } }
      return insn.code === 0x85 ? { ...insn, call: symbol, mapCall: true } : insn
    })
    execution.seedRandom(1)
    // the element freed last is taken first: the same address every time
    map.value.delete(key)
    map.value.update(key, new Uint8Array(8))
    return outcome(engine({ ...setup, insns }, new Uint8Array(14), {}, maps))
  }
  // of an array or a trie by name only, the map being a hash; of a sum the key's address would be the size
  for (const symbol of kernelFunctions().filter((name) => name !== 'array_map_lookup_elem' && name !== 'bpf_csum_diff')) {
    t.same(run(trace, symbol), run(interpret, symbol), symbol)
  }
})

t.test('steps of a trace', async (t) => {
  const { steps, truncated } = trace(program('r0 = 7\n*(u32 *)(r10 -8) = r0\nexit'), new Uint8Array(14), { stepLimit: 10 })
  t.equal(truncated, false)
  t.same(steps.map(({ insn, registers }) => [insn, registers[0], registers.length]), [[0, '0x7', 11], [1, '0x7', 11], [2, '0x7', 11]])
  t.match(steps[1]?.access, { kind: 'store', region: 'stack', offset: -8, size: 4, value: '0x7' })
  t.match(trace(program('r0 = 7\nr1 = 2\nexit'), new Uint8Array(14), { stepLimit: 2 }), { truncated: true, steps: { length: 2 } })
})

t.test('two threads on one memory and one image', async (t) => {
  const module = compileCore(readFileSync(new URL('../../build/core.wasm', import.meta.url)))
  const profile = findProfile('6.18')
  if (profile === undefined) throw new Error('no profile 6.18')
  const shared = createCore({ module, profile, possibleCpus: 2 })
  const map = createMap(shared, { id: 1, type: 'array', keySize: 4, valueSize: 16, maxEntries: 1, flags: 0, hashSeed: 0 })
  if (!map.ok) throw new Error(map.error.message)
  const valueAddress = map.value.address + profile.structs.bpfArray.value
  const text = 'r1 = map[id:1]\nr2 = 1\nr3 = 200\nloop:\nlock *(u64 *)(r1 +0) += r2\nlock *(u32 *)(r1 +8) += r2\nr3 += -1\nif r3 != 0x0 goto loop\nr0 = 2\nexit'
  const plain = program(text, 'map')
  const insns = plain.insns.map((insn, slot) => slot === 0 ? { ...insn, mapRef: { usedMap: 0, valueOffset: 0 } } : insn)
  const image = loadImage(shared, { ...plain, insns }, [{ address: map.value.address, valueAddress }])
  if (!image.ok) throw new Error(image.error.message)
  const runs = 500
  // Node 20 loads no TypeScript as a thread's first file
  const bootstrap = `import('tsx/esm/api').then(({ register }) => { register(); return import('${new URL('./support/adder.ts', import.meta.url).href}') })`
  const threads = [0, 1].map((worker) => new Promise<number>((resolve, reject) => {
    const workerData = { module, memory: shared.memory, image: image.value, worker, runs }
    const thread = new Worker(bootstrap, { eval: true, workerData })
    thread.once('message', resolve).once('error', reject)
  }))
  t.same(await Promise.all(threads), [runs * 805, runs * 805], 'instructions of each')
  t.equal(Number(shared.view().getBigUint64(valueAddress, true)), 2 * runs * 200, 'no increment was lost')
  t.equal(shared.view().getUint32(valueAddress + 8, true), 2 * runs * 200)
})

t.test('what cannot be is refused by the constructor', async (t) => {
  t.throws(() => createExecution(core, { cpu: 2, worker: 0 }), RangeError)
  t.throws(() => createExecution(core, { cpu: 0, worker: 64 }), RangeError)
})
