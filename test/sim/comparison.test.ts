// Two nodes against each other: shares of slots are recounted from the tables, shares of flows by single lookups, and each case that people
// ask for has its answer: M, seed, backends that come and go, consistency, layouts that move nothing.

import t from 'tap'
import { complete } from '../../lib/loadbalancer/index.ts'
import type { Comparison, ComparisonRequest } from '../../lib/sim/comparison.ts'
import { comparisonText } from '../../lib/sim/comparison-text.ts'
import type { Simulator } from '../../lib/sim/types.ts'
import { createTrafficGenerator } from '../../lib/traffic/index.ts'
import { formatAddress } from '../../lib/packet/index.ts'
import { createApi } from '../http/support/api.ts'
import { someBackends, someService, testSimulator } from '../support/simulator.ts'

const seed = 7
const small = { tableSizePolicy: { fixed: 1021 } }
const compare = (sim: Simulator, request: ComparisonRequest): Comparison => complete(sim.comparisonSteps(request))

function cluster (): Simulator {
  const sim = testSimulator()
  sim.updateNode('cilium', small)
  sim.putService(someService('echo', '172.20.0.10', someBackends(3)))
  sim.putService(someService('web', '172.20.0.11', someBackends(10, 100)))
  return sim
}

t.test('the nodes of the cluster: slots as the tables have them, flows as single lookups have them', async (t) => {
  const sim = cluster()
  sim.createNode({ name: 'other', ...small, seed: 'AQIDBAUGBwgJCgsM' })
  const count = 300
  const answer = compare(sim, { a: 'cilium', b: 'other', flows: { count, seed } })
  const addresses = ['172.20.0.10', '172.20.0.11']
  const shares = addresses.map((address) => {
    const named = ['cilium', 'other'].map((node) => {
      const frontend = sim.listFrontends(node).find((one) => one.address === address)
      const nameOf = new Map(frontend?.backends.map(({ id, address }) => [id, address]))
      return sim.getTable(node, frontend?.id ?? 0).slots.map((id) => nameOf.get(id))
    })
    return named[0]?.filter((name, slot) => name !== named[1]?.[slot]).length ?? 0
  })
  t.equal(answer.slots.differingShare, shares.reduce((sum, slots) => sum + slots / 1021, 0) / 2)
  t.equal(answer.slots.from, 'measured')

  const targets = addresses.map((address) => ({ address: Uint8Array.from(address.split('.').map(Number)), port: 443, protocol: 'TCP' as const }))
  const generator = createTrafficGenerator({ seed, targets })
  const packet = new Uint8Array(generator.maximumLength)
  let moved = 0
  for (let flow = 0; flow < count; flow++) {
    const length = generator.next(packet, 0)
    const hex = Buffer.from(packet.subarray(0, length)).toString('hex')
    if (sim.lookup({ nodes: ['cilium', 'other'], packets: [hex] }).results[0]?.agree === false) moved++
  }
  t.equal(formatAddress(packet.subarray(30, 34)).startsWith('172.20.0.1'), true)
  t.equal(answer.newFlows.moved, moved)
  t.equal(answer.establishedFlows.otherMachine.moved, moved, 'every flow was served')
  t.match(answer.establishedFlows, { count, sameMachine: { moved: 0, draining: 0 } })
  t.match(answer.causes, [{ code: 'seed' }])
  t.same(compare(sim, { a: 'cilium', b: 'other', flows: { count, seed } }), answer, 'the same question has the same answer')
  t.match(compare(sim, { a: 'cilium', b: 'cilium', flows: { count, seed } }), { newFlows: { moved: 0 }, slots: { differingShare: 0 }, causes: [], worst: [] })
})

t.test('another M, another layout', async (t) => {
  const sim = cluster()
  const larger = compare(sim, { a: 'cilium', b: { tableSizePolicy: { fixed: 4093 } }, flows: { count: 5000, seed } })
  t.match(larger, { slots: { from: 'computed' }, causes: [{ code: 'table-size' }], frontends: { compared: 2, differing: 2 } })
  t.ok(Math.abs(larger.newFlows.movedShare - larger.slots.differingShare) < 0.03, `${larger.newFlows.movedShare} moved, ${larger.slots.differingShare} computed`)
  const layout = compare(sim, { a: {}, b: { layout: 'compact' }, flows: { count: 2000, seed } })
  t.match(layout, { newFlows: { moved: 0 }, slots: { differingShare: 0 }, causes: [{ code: 'layout' }] })
  t.match(comparisonText(larger, true), /^## cilium .*\n\n\* \d+\.\d\d % of new flows go elsewhere/)
  t.match(comparisonText(layout, false), /Why: layouts blob and compact/)
  t.equal(sim.listNodes().length, 2, 'nothing is left behind')
})

t.test('release lines', async (t) => {
  const sim = cluster()
  const answer = compare(sim, { a: { release: '1.13-1.16' }, b: 'cilium', flows: { count: 5000, seed } })
  t.match(answer.causes.map(({ code }) => code), ['release-keys', 'release-hash'])
  t.ok(answer.newFlows.movedShare > 0.6, `${answer.newFlows.movedShare} of new flows move with an upgrade`)
  t.equal(answer.establishedFlows.sameMachine.moved, 0)
  const detail = '"1.8" is not one of 1.9-1.12, 1.13-1.16, 1.17+'
  t.throws(() => compare(sim, { a: { release: '1.8' as '1.17+' }, b: 'cilium' }),
    { name: 'SimError', code: 'INVALID_ARGUMENT', message: `/a/release: ${detail}`, places: [{ pointer: '/a/release', detail }] })
})

t.test('direct return goes to the same backends, told or wrapped', async (t) => {
  const sim = cluster()
  const backends = [1, 2, 3].map((host) => ({ ...someBackends(1)[0], address: `fd00:10::${host}`, port: 8080 + host })) as ReturnType<typeof someBackends>
  for (const protocol of ['TCP', 'UDP'] as const) {
    const frontends = [{ address: '2001:db8::10', port: 443, protocol, type: 'LoadBalancer' as const }]
    sim.putService({ namespace: 'default', name: protocol.toLowerCase(), frontends, backends })
  }
  for (const dispatch of ['opt', 'ipip']) {
    const b = { options: { 'bpf-lb-mode': 'dsr', 'bpf-lb-dsr-dispatch': dispatch } }
    const answer = compare(sim, { a: 'cilium', b, flows: { count: 2000, seed } })
    const established = { count: 2000, sameMachine: { moved: 0 }, otherMachine: { moved: 0 } }
    t.match(answer, { frontends: { compared: 4 }, newFlows: { moved: 0 }, establishedFlows: established }, dispatch)
  }
})

t.test('SCTP services, their flows too', async (t) => {
  const sim = testSimulator()
  sim.updateNode('cilium', small)
  const backends = someBackends(5).map((backend) => ({ ...backend, protocol: 'SCTP' as const }))
  for (const address of ['172.20.0.20', '2001:db8::20']) {
    const own = address.includes(':') ? backends.map((backend, index) => ({ ...backend, address: `2001:db8:1::${index + 1}` })) : backends
    sim.putService({ namespace: 'core', name: `signalling-${address.includes(':') ? 6 : 4}`, frontends: [{ address, port: 2905, protocol: 'SCTP', type: 'LoadBalancer' }], backends: own })
  }
  t.match(compare(sim, { a: {}, b: { layout: 'compact' }, flows: { count: 2000, seed } }), { frontends: { compared: 2, differing: 0 }, newFlows: { moved: 0 }, establishedFlows: { count: 2000 } })
  const answer = compare(sim, { a: {}, b: { seed: 'AQIDBAUGBwgJCgsM' }, flows: { count: 5000, seed } })
  t.match(answer, { worst: [{ protocol: 'SCTP' }, { protocol: 'SCTP' }], establishedFlows: { count: 5000 } }, 'every flow was served')
  t.ok(Math.abs(answer.newFlows.movedShare - 0.8) < 0.03, `another seed moves 1 - 1/N of new flows: ${answer.newFlows.movedShare}`)
})

t.test('random selection: what is computed, and one draw that comes near it', async (t) => {
  const sim = cluster()
  const flows = { count: 20_000, seed }
  // services of 3 and 10 backends, each as likely
  const expected = (2 / 3 + 9 / 10) / 2
  const sides: Array<[a: object, b: object, where: string]> = [
    [{ algorithm: 'random' }, {}, '2 on a'], [{}, { algorithm: 'random' }, '2 on b'], [{ algorithm: 'random' }, { algorithm: 'random' }, '2 on a and 2 on b']
  ]
  for (const [a, b, where] of sides) {
    const answer = compare(sim, { a, b, flows })
    t.match(answer, { slots: { from: 'computed' }, frontends: { compared: 2, differing: 2 }, establishedFlows: { count: flows.count, sameMachine: { moved: 0 } } })
    t.match(answer.causes, [{ code: 'algorithm', detail: `2 of 2 frontends pick a backend at random (${where})` }])
    t.ok(Math.abs(answer.slots.differingShare - expected) < 0.001, `${answer.slots.differingShare} computed`)
    t.ok(Math.abs(answer.newFlows.movedShare - expected) < 0.02, `${answer.newFlows.movedShare} measured`)
    t.equal(answer.establishedFlows.otherMachine.moved, answer.newFlows.moved)
    t.match(answer.notes.at(-1), /^Random selection: no table/)
    t.match(comparisonText(answer, false), where === '2 on b' ? /-> cilium \(1\.17\+, blob, random selection\)/ : /^cilium \(1\.17\+, blob, random selection\) ->/)
  }
  const options = { 'bpf-lb-algorithm-annotation': true }
  const web = { ...someService('web', '172.20.0.11', someBackends(10, 100)), algorithm: 'random' as const }
  const own = compare(sim, { a: {}, b: { options, services: [web] }, flows })
  t.match(own, { frontends: { compared: 2, differing: 1 }, worst: [{ service: { name: 'web' }, a: { m: 1021 }, b: null }], causes: [{ detail: /^1 of 2 frontends .* \(1 on b\)/ }] })
  t.ok(Math.abs((own.worst[0]?.movedFlows ?? 0) / (own.worst[0]?.flows ?? 1) - 0.9) < 0.02)
})

t.test('backends that come and go', async (t) => {
  const sim = cluster()
  const gone = compare(sim, { a: {}, b: { services: [someService('web', '172.20.0.11', someBackends(9, 100))] }, flows: { count: 20_000, seed } })
  t.match(gone.causes, [{ code: 'backends', detail: /1 of 2 frontends .* 0 more, 1 fewer/ }])
  t.match(gone.worst, [{ service: { name: 'web' }, a: { m: 1021, backends: 10 }, b: { m: 1021, backends: 9 } }])
  t.equal(gone.worst.length, 1)
  const { sameMachine, otherMachine } = gone.establishedFlows
  t.ok(sameMachine.movedShare > 0.04 && sameMachine.movedShare < 0.06, `a tenth of half of the flows, ${sameMachine.movedShare}`)
  t.ok(otherMachine.movedShare > sameMachine.movedShare, 'without conntrack more move than need')
  const drained = someBackends(10, 100).map((backend, index) => index === 9 ? { ...backend, state: 'terminating' as const } : backend)
  const draining = compare(sim, { a: {}, b: { services: [someService('web', '172.20.0.11', drained)] }, flows: { count: 20_000, seed } })
  t.equal(draining.establishedFlows.sameMachine.moved, 0)
  t.equal(draining.establishedFlows.sameMachine.draining, sameMachine.moved, 'the same flows, kept until they end')
  t.equal(draining.newFlows.moved, gone.newFlows.moved)
  const mixed = compare(sim, { a: { mix: '2x3' }, b: { mix: '2x3' }, flows: { count: 100, seed } })
  t.match(mixed, { services: { made: 2, of: 2 }, newFlows: { moved: 0 } })
})

t.test('over HTTP, and what cannot be compared', async (t) => {
  const api = await createApi({ sim: cluster() })
  t.teardown(() => api.close())
  const ask = async (body: object, query = '') => await api.call('POST', `/v1/comparisons${query}`, { body })
  t.match((await ask({ a: 'cilium', b: 'dynamic', flows: { count: 1000 } })).json(), { newFlows: { count: 1000, seed: 1 }, frontends: { compared: 2 } })
  t.match((await ask({ a: 'cilium', b: 'dynamic', flows: { count: 10 } }, '?format=md')).text, /^## cilium/)
  const wrong: [body: object, code: string, pointer: string][] = [
    [{ a: 'nobody', b: 'cilium' }, 'NODE_NOT_FOUND', '/a/node'],
    [{ a: 'cilium', b: { tableSizePolicy: { fixed: 1000 } } }, 'INVALID_ARGUMENT', '/b/tableSizePolicy/fixed'],
    [{ a: 'cilium', b: { mix: 'three' } }, 'INVALID_ARGUMENT', '/b/mix'],
    [{ a: 'cilium', b: { services: [{ namespace: 'x', name: 'y', frontends: [{ address: 'nowhere', port: 1, protocol: 'TCP', type: 'LoadBalancer' }], backends: [] }] } }, 'INVALID_ARGUMENT', '/b/services/0/frontends/0/address'],
    [{ a: 'cilium', b: { mapSizes: { backends: 5 } } }, 'MAP_FULL', '/b'],
    [{ a: 'cilium', b: { mix: '1x0' } }, 'INVALID_ARGUMENT', '/b'],
    [{ a: { mix: '2x3' }, b: 'cilium' }, 'INVALID_ARGUMENT', '']
  ]
  for (const [body, code, pointer] of wrong) t.match((await ask(body)).json(), { code, errors: [{ pointer }] }, code)
  t.match((await ask({ a: 'cilium', b: 'dynamic', flows: { count: 0 } })).json(), { code: 'VALIDATION_FAILED' })
  const inside = { namespace: 'x', name: 'inside', frontends: [{ address: '10.96.0.1', port: 80, protocol: 'TCP', type: 'ClusterIP' }], backends: [{ address: '10.0.0.1', port: 80 }] }
  const alone = await createApi()
  t.teardown(() => alone.close())
  await alone.call('POST', '/v1/services', { body: inside })
  const why = /^of 1 frontends of node cilium none takes flows \(1: a ClusterIP is reached from inside the cluster only, unless bpf-lb-external-clusterip is on\)$/
  for (const algorithm of ['maglev', 'random']) {
    const answer = await alone.call('POST', '/v1/comparisons', { body: { a: { algorithm }, b: { options: { 'bpf-lb-external-clusterip': true } }, flows: { count: 100 } } })
    t.match(answer.json(), { code: 'INVALID_ARGUMENT', errors: [{ pointer: '/a', detail: why }] }, `${algorithm}: the side is named, and what to change`)
    t.equal((answer.json()['errors'] as unknown[]).length, 1)
  }

  const steps = api.sim.comparisonSteps({ a: 'cilium', b: 'dynamic', flows: { count: 100_000 } })
  steps.next()
  api.sim.putService(someService('new', '172.20.0.12', someBackends(1)))
  t.throws(() => complete(steps), { code: 'NODE_CHANGED' })
})
