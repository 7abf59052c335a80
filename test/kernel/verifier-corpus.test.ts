// The corpus of larger programs in the running kernel: both verifiers accept them, and they do the same to the same packets, step by step
// with maps that they change.

import { corpus } from '../verifier/corpus.ts'
import { createMachines, loadTwins } from './support/program-twins.ts'
import { kernelSuite } from './support/tally.ts'
import { generator } from './support/twins.ts'

const seed = 60
const packets = 400

await kernelSuite('verifier corpus', corpus.length * packets * 4, (suite, t) => {
  t.comment(`seed ${seed}`)
  suite.bpf.pinToCpu(0)
  const random = generator(seed)
  for (const { name, mapNames, kernelProcessed, ...program } of corpus) {
    const twins = loadTwins(createMachines(suite.bpf), program)
    if (name === 'wide') fillServices((map, key, value) => twins.put(mapNames.indexOf(map), key, value))
    t.comment(`${name}: ${program.insns.length} instructions; walked by the kernel ${twins.processed.kernel}, here ${twins.processed.emulator}`)
    suite.same(twins.processed.kernel, kernelProcessed, `${name}: instructions the kernel walks`)
    const verdicts = new Map<number, number>()
    for (let i = 0; i < packets; i++) {
      const packet = randomPacket(random)
      const where = `${name}, packet ${i}: ${packet.toString('hex')}`
      const { metadataBytes, ...wanted } = twins.kernel(packet)
      verdicts.set(wanted.retval, (verdicts.get(wanted.retval) ?? 0) + 1)
      const { cost, ...interpreted } = twins.interpreter(packet)
      const { cost: tracedCost, ...traced } = twins.tracer(packet)
      const { cost: batchCost, ...batched } = twins.batch(packet)
      suite.same(interpreted, wanted, `interpreter: ${where}`)
      suite.same(traced, wanted, `tracer: ${where}`)
      suite.same(batched, wanted, `batch: ${where}`)
      suite.same([tracedCost, batchCost], [cost, cost], `costs: ${where}`)
    }
    t.comment(`${name}: verdicts ${JSON.stringify(Object.fromEntries(verdicts))}`)
    twins.close()
  }
})

type Put = (map: string, key: Uint8Array, value: Uint8Array) => void

/** Services on the addresses and ports that packets go to: plain, with sessions, with a rule that denies a source, encapsulated. */
function fillServices (put: Put): void {
  for (let id = 1; id < 16; id++) {
    const key = Buffer.alloc(40)
    const isIpv6 = (id & 4) !== 0
    key.set(isIpv6 ? [0xfd, id & 1] : [10, 0, 1, id & 1], 16)
    key.set([0, 80 + (id >> 1 & 1)], 34)
    key.set([[6, 17, 0, 132][id & 3] ?? 0, isIpv6 ? 6 : 4], 36)
    const value = Buffer.alloc(16)
    value.writeUInt32LE(1 + (id & 3), 0)
    value.writeUInt32LE(id & 3, 4)
    value.writeUInt32LE(id & 8, 8)
    value.writeUInt16LE(id, 12)
    put('services', key, value)
  }
  for (let id = 1; id < 4; id++) {
    const value = Buffer.alloc(20)
    value.set([10, 9, 8, id, 1, 2, 3, 4, 5, 6, 7, 8, 192, 0, 2, id, 31, 144], 0)
    put('backends', Buffer.from([id, 0, 0, 0]), value)
  }
  put('rules', Buffer.from([64, 0, 0, 0, 1, 0, 0, 0, 10, 0, 0, 1, ...new Uint8Array(12)]), Buffer.from([2, 0, 0, 0]))
  put('rules', Buffer.from([48, 0, 0, 0, 5, 0, 0, 0, 0xfd, 1, 0, 0, ...new Uint8Array(12)]), Buffer.from([2, 0, 0, 0]))
}

/** Few addresses and ports, so that state is found again; IPv4 with options, IPv6 with extension headers, some cut short. */
function randomPacket (random: (below: number) => number): Buffer {
  const ethernet = Buffer.alloc(14)
  ethernet[0] = random(2)
  const ports = Buffer.from([0, random(3), 0, 80 + random(2), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, random(256), random(256), 0, 0])
  const protocol = [6, 17, 132, 58][random(4)] ?? 6
  const packet = random(3) === 0 ? throughIpv4(ethernet, protocol, ports, random) : throughIpv6(ethernet, protocol, ports, random)
  return random(12) === 0 ? packet.subarray(0, 14 + random(packet.length - 14)) : packet
}

function throughIpv4 (ethernet: Buffer, protocol: number, ports: Buffer, random: (below: number) => number): Buffer {
  ethernet.writeUInt16BE(0x0800, 12)
  const words = random(10) === 0 ? random(16) : 5 + random(3)
  const header = Buffer.alloc(Math.max(20, words * 4))
  header[0] = 0x40 | words
  header.set([random(10) === 0 ? 0x20 : 0, 0, 64, protocol], 6)
  header.set([10, 0, 0, random(3), 10, 0, 1, random(2)], 12)
  return Buffer.concat([ethernet, header, ports])
}

function throughIpv6 (ethernet: Buffer, protocol: number, ports: Buffer, random: (below: number) => number): Buffer {
  ethernet.writeUInt16BE(0x86dd, 12)
  const header = Buffer.alloc(40)
  const kinds = Array.from({ length: random(3) === 0 ? random(12) : 0 }, () => [0, 43, 44, 51, 60][random(5)] ?? 0)
  header.set([random(4), random(4), kinds[0] ?? protocol, 64 + random(4)], 4)
  header.set([0xfd, random(2)], 8)
  header.set([random(3)], 23)
  header.set([0xfd, random(2)], 24)
  const extensions = kinds.map((kind, at) => {
    const words = kind === 44 ? 0 : random(2)
    const bytes = Buffer.alloc(kind === 44 ? 8 : kind === 51 ? (words + 2) * 4 : (words + 1) * 8)
    bytes.set([kinds[at + 1] ?? protocol, words, 0, kind === 44 ? random(4) >> 1 : 0])
    return bytes
  })
  return Buffer.concat([ethernet, header, ...extensions, ports])
}
