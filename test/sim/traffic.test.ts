// Traffic runs: pairs, plans, shares in this thread (where the order of events is certain), and whole runs in threads.

import fc from 'fast-check'
import t from 'tap'
import { attachCore } from '../../lib/bpf/core/index.ts'
import { kernel618 } from '../../lib/bpf/profile/kernel-6.18.ts'
import { SimError } from '../../lib/sim/errors.ts'
import {
  CHUNK_PACKETS, chunkCount, createShare, planTraffic, slotsPerBackend, trafficResult, trafficTargets
} from '../../lib/sim/traffic.ts'
import type { TrafficBody, TrafficResult, TrafficShare } from '../../lib/sim/traffic.ts'
import { PairRegistry } from '../../lib/sim/traffic-pairs.ts'
import type { ServiceSpec, Simulator } from '../../lib/sim/types.ts'
import { trafficExecutor } from '../../src/runs/traffic.ts'
import { testSimulator } from '../support/simulator.ts'

const seed = 20261123
t.comment(`seed ${seed}`)

function service (index: number, backends: number, options: { protocol?: 'TCP' | 'UDP', family?: 4 | 6 } = {}): ServiceSpec {
  const { protocol = 'TCP', family = 4 } = options
  const address = (network: number, host: number): string => family === 4
    ? `10.${network}.${host >>> 8}.${host & 0xff}`
    : `fd00:${network.toString(16)}::${host.toString(16)}`
  return {
    namespace: 'load',
    name: `s${index}`,
    frontends: [{ address: address(200, index + 1), port: 443, protocol, type: 'LoadBalancer' }],
    backends: Array.from({ length: backends }, (_, backend) => ({
      address: address(index + 1, backend + 1), port: 8443, protocol, weight: 1, state: 'active'
    }))
  }
}

function cluster (...services: readonly ServiceSpec[]): Simulator {
  const sim = testSimulator()
  for (const one of services) sim.putService(one)
  return sim
}

const everyKind = [service(0, 3), service(1, 10, { protocol: 'UDP' }), service(2, 5, { family: 6 }), service(3, 40, { protocol: 'UDP', family: 6 })]

async function run (sim: Simulator, body: Omit<TrafficBody, 'kind'>, signal = new AbortController().signal) {
  const executor = trafficExecutor(sim)
  return await executor.execute(executor.validate({ kind: 'traffic', ...body }), { onProgress: () => {}, signal })
}

/** The same work in this thread, where it is certain what happens between two chunks. */
function inThisThread (
  sim: Simulator, body: Omit<TrafficBody, 'kind'>, between: (chunk: number) => void = () => {}
): { share: TrafficShare, result: TrafficResult } {
  const plan = planTraffic(sim, { kind: 'traffic', ...body })
  const targets = trafficTargets(sim, plan)
  const attachments = plan.nodes.map((node) => sim.attach(node))
  const before = sim.revision()
  const runner = createShare({ plan, targets, attachments, cpu: 0, worker: 1 }, () => 0)
  for (let chunk = 0; chunk < chunkCount(plan); chunk++) {
    runner.runChunk(chunk, () => true)
    between(chunk)
  }
  const share = runner.finish()
  runner.dispose()
  const slotsOf = (node: number, target: number): Map<string, number> =>
    slotsPerBackend(sim, plan.nodes[node] ?? '', targets[target]?.ids[node] ?? -1)
  const revision = { before, after: sim.revision() }
  return { share, result: trafficResult({ plan, targets, shares: [share], revision, durationMs: 1, slotsOf }) }
}

t.test('pairs: the number of a pair is its own and found again', async (t) => {
  const pair = fc.record({
    target: fc.nat(500),
    family: fc.constantFrom(4 as const, 6 as const),
    bytes: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    port: fc.nat(65535)
  })
  fc.assert(fc.property(fc.array(pair, { minLength: 1, maxLength: 2000, size: 'max' }), (pairs) => {
    const registry = new PairRegistry()
    const oracle = new Map<string, number>()
    const view = new DataView(new ArrayBuffer(16))
    for (const { target, family, bytes, port } of pairs) {
      new Uint8Array(view.buffer).set(bytes)
      // an IPv4 address and an IPv6 one with the same first word and zeros behind belong to targets of different families
      const address = bytes.slice(0, family === 4 ? 4 : 16)
      const key = `${target * 2 + (family === 4 ? 0 : 1)} ${address.join()} ${port}`
      const index = registry.find(target * 2 + (family === 4 ? 0 : 1), family, view, 0, port)
      if (index !== (oracle.get(key) ?? oracle.size)) return false
      oracle.set(key, index)
      const back = registry.pair(index)
      if (back.port !== port || back.address.join() !== address.join()) return false
    }
    return registry.size === oracle.size
  }), { seed, numRuns: 10 })
})

t.test('a plan is complete, and what cannot run is refused with its place', async (t) => {
  const sim = cluster(...everyKind)
  t.same(planTraffic(sim, { kind: 'traffic', packets: 5000 }), {
    kind: 'traffic', nodes: ['cilium', 'dynamic'], services: null, flows: 5000, packets: 5000, seed: 1, distribution: 'uniform', sourceCidr: null, workers: 2
  })
  const refusals: Array<[Omit<TrafficBody, 'kind'>, string]> = [
    [{ packets: 0 }, '/packets'], [{ packets: 10_000_001 }, '/packets'], [{ packets: 10, flows: 11 }, '/flows'], [{ flows: 0 }, '/flows'],
    [{ seed: -1 }, '/seed'], [{ seed: 2 ** 32 }, '/seed'], [{ workers: 0 }, '/workers'], [{ workers: 17 }, '/workers'], [{ nodes: [] }, '/nodes'],
    [{ nodes: ['cilium', 'cilium'] }, '/nodes'], [{ services: [] }, '/services'], [{ services: [{ namespace: 'load', name: 'none' }] }, '/services/0'],
    [{ distribution: { zipf: 0 } }, '/distribution/zipf'], [{ sourceCidr: '1.2.3.4/33' }, '/sourceCidr']
  ]
  for (const [body, pointer] of refusals) {
    const error = t.throws(() => planTraffic(sim, { kind: 'traffic', ...body }), SimError, pointer) as SimError
    t.equal(error.places[0]?.pointer, pointer)
  }
  t.throws(() => planTraffic(sim, { kind: 'traffic', nodes: ['nobody'] }), { code: 'NODE_NOT_FOUND' })
  t.throws(() => planTraffic(testSimulator(), { kind: 'traffic' }), { code: 'INVALID_ARGUMENT' }, 'no frontend with a table')
})

t.test('counts add up on every node', async (t) => {
  const { result } = inThisThread(cluster(...everyKind), { packets: 20_000, flows: 6000, seed })
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
  for (const node of result.nodes) {
    t.same(node.verdicts, { XDP_TX: 20_000 })
    t.same(node.drops, [])
    t.equal(node.faults, 0)
    t.equal(sum(node.frontends.map(({ packets }) => packets)), 20_000)
    t.equal(sum(node.frontends.flatMap(({ backends }) => backends.map(({ packets }) => packets))), 20_000)
    t.equal(sum(node.frontends.flatMap(({ backends }) => backends.map(({ flows }) => flows))), 6000)
    t.same(node.frontends.map(({ backends }) => backends.length), [3, 10, 5, 40])
    t.equal(sum(node.instructions.histogram.map(({ packets }) => packets)), 20_000)
    t.equal(sum(node.instructions.histogram.map(({ instructions, packets }) => instructions * packets)), node.cost.instructions)
    t.equal(node.cost.mapLookups, 5 * 20_000, 'services, outer, inner, backends, metrics')
    t.ok((node.chiSquare?.pValue ?? 0) > 1e-4, `flows follow the slots: p ${node.chiSquare?.pValue}`)
    t.equal(node.chiSquare?.degreesOfFreedom, 2 + 9 + 4 + 39)
  }
  t.ok(result.agreement.same < 20_000, 'tables of other sizes send some flows elsewhere')
})

t.test('the digest depends on seed and plan, not on the number of threads', async (t) => {
  const sim = cluster(...everyKind)
  const body = { packets: 30_000, flows: 10_000, seed, distribution: { zipf: 1.1 } }
  const alone = inThisThread(sim, body).result
  const threads = await run(sim, { ...body, workers: 2 })
  t.equal(threads.digest, alone.digest)
  t.same(threads.nodes.map(({ frontends }) => frontends), alone.nodes.map(({ frontends }) => frontends))
  t.not(inThisThread(sim, { ...body, seed: seed + 1 }).result.digest, alone.digest)
  t.not(inThisThread(sim, { ...body, distribution: 'uniform' }).result.digest, alone.digest)
  t.equal(inThisThread(cluster(...everyKind), body).result.digest, alone.digest, 'a new simulator with the same services')
})

t.test('a million packets over 100 services of 2 to 160 backends', async (t) => {
  const sizes = Array.from({ length: 100 }, (_, index) => index < 60 ? 2 + index % 3 : index < 85 ? 10 : index < 96 ? 40 : 160)
  const sim = cluster(...sizes.map((backends, index) => service(index, backends)))
  const result = await run(sim, { packets: 1_000_000, flows: 1_000_000, seed })
  for (const node of result.nodes) {
    t.same(node.verdicts, { XDP_TX: 1_000_000 })
    t.equal(node.chiSquare?.frontends, 100)
    t.equal(node.chiSquare?.degreesOfFreedom, sizes.reduce((sum, backends) => sum + backends - 1, 0))
    t.ok((node.chiSquare?.pValue ?? 0) > 1e-4, `p ${node.chiSquare?.pValue}`)
  }
})

t.test('services may change while a run goes on', async (t) => {
  const sim = cluster(service(0, 3), service(1, 4))
  const changes = [
    () => sim.putService(service(0, 30)),
    () => sim.putService(service(0, 0)),
    () => sim.deleteService('load', 's1')
  ]
  const { share } = inThisThread(sim, { packets: 4 * CHUNK_PACKETS, workers: 1 }, (chunk) => changes[chunk]?.())
  for (const node of share.nodes) {
    t.equal(node.faults, 0)
    t.equal(node.verdicts.reduce((sum, count) => sum + count, 0), 4 * CHUNK_PACKETS)
    t.ok((node.verdicts[1] ?? 0) > CHUNK_PACKETS / 2, 'without backends packets are dropped')
    t.ok((node.verdicts[2] ?? 0) > 0, 'without a frontend they are passed on')
  }
  const backends = new Set(share.pairs.map(({ address }) => address))
  t.ok(backends.has('10.1.0.30'), 'backends that came during the run get packets')
  t.ok([...backends].every((address) => /^10\.[12]\.0\.\d+$/.test(address)), 'and nobody else does')
})

t.test('lookups and swapped tables beside threads', async (t) => {
  const sim = cluster(service(0, 3), service(1, 10))
  const body = { packets: 200_000, seed }
  const state = { running: true }
  const ended = run(sim, body).finally(() => { state.running = false })
  let changes = 0
  let wrong = 0
  while (state.running) {
    sim.putService(service(0, 3 + ++changes % 5))
    const lookups = sim.lookup({
      flows: [
        { source: '198.51.100.7', sourcePort: 1024 + changes % 60000, destination: '10.200.0.2', destinationPort: 443, protocol: 'TCP' },
        { source: '198.51.100.7', sourcePort: 1024, destination: '10.200.0.2', destinationPort: 444, protocol: 'TCP' }
      ]
    })
    for (const { nodes } of lookups.results.slice(0, 1)) for (const node of nodes) if (node.verdict !== 'XDP_TX' || node.drop !== null) wrong++
    for (const { nodes } of lookups.results.slice(1)) for (const node of nodes) if (node.drop?.step !== 'unknown_port') wrong++
    await new Promise((resolve) => setImmediate(resolve))
  }
  const result = await ended
  t.comment(`${changes} changes during the run`)
  t.equal(wrong, 0, 'lookups never take a worker\'s outcome for theirs')
  for (const node of result.nodes) {
    t.equal(node.faults, 0)
    // Between reading an old table and looking its backend up a backend may go: one packet on each CPU per change, as on a machine.
    const lost = node.drops[0]?.packets ?? 0
    t.ok(lost <= 2 * changes, `${lost} packets lost their backend on the way`)
    t.same(node.drops.filter(({ step }) => step !== 'backend_missing'), [])
    t.equal(node.verdicts['XDP_TX'], 200_000 - lost)
    t.equal(node.chiSquare, changes === 0 ? t.fail('nothing changed') : null, 'tables that changed are nothing to test against')
  }
  t.ok(result.revision.after > result.revision.before)
})

t.test('a run that is cancelled stops and gives everything back', async (t) => {
  const sim = cluster(service(0, 3))
  const stop = new AbortController()
  const executor = trafficExecutor(sim)
  const plan = executor.validate({ kind: 'traffic', packets: 10_000_000 })
  const usedBytes = (): number => {
    const { module, memory, possibleCpus } = sim.attach('cilium')
    return attachCore({ module, memory, possibleCpus, profile: kernel618 }).exports.usedBytes()
  }
  const before = usedBytes()
  const onProgress = ({ done }: { done: number }): void => { if (done > 0) stop.abort(new Error('enough')) }
  await t.rejects(executor.execute(plan, { onProgress, signal: stop.signal }), { message: 'enough' })
  await t.rejects(executor.execute(plan, { onProgress, signal: AbortSignal.abort(new Error('before')) }), { message: 'before' })
  t.equal(usedBytes(), before, 'nothing of it is left in the node\'s memory')
  t.same((await run(sim, { packets: 1000 })).nodes.map(({ verdicts }) => verdicts), [{ XDP_TX: 1000 }, { XDP_TX: 1000 }])
})

t.test('a node that goes away ends the run with a clear error', async (t) => {
  const during = async (change: (sim: Simulator) => void): Promise<unknown> => {
    const sim = cluster(service(0, 3))
    let changed = false
    const onProgress = (): void => {
      if (!changed) change(sim)
      changed = true
    }
    const executor = trafficExecutor(sim)
    return await executor.execute(executor.validate({ kind: 'traffic', packets: 10_000_000 }), { onProgress, signal: new AbortController().signal })
  }
  await t.rejects(during((sim) => sim.deleteNode('dynamic')), { code: 'NODE_NOT_FOUND', message: /dynamic was deleted/ })
  await t.rejects(during((sim) => sim.updateNode('dynamic', { tableSizePolicy: { fixed: 251 } })), { code: 'NODE_CHANGED', message: /dynamic was rebuilt/ })
})
