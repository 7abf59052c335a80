// The simulator as a whole: a change happens on every node or on none, answers equal what lies in the maps, and every
// lookup is the program's own.

import { createHash } from 'node:crypto'
import t from 'tap'
import { transportName } from '../../lib/packet/index.ts'
import type { TransportName } from '../../lib/packet/index.ts'
import { SimError } from '../../lib/sim/errors.ts'
import type { SimErrorCode } from '../../lib/sim/errors.ts'
import type { FlowSpec, ServiceSpec, Simulator } from '../../lib/sim/types.ts'
import { readFlowVectors, vectorBackends } from '../support/flow-vectors.ts'
import { someBackends, someService, testSimulator } from '../support/simulator.ts'

const flow: FlowSpec = { source: '203.0.113.7', sourcePort: 51022, destination: '172.20.0.10', destinationPort: 443, protocol: 'TCP' }

function refusal (act: () => unknown): SimError {
  try {
    act()
  } catch (error) {
    if (error instanceof SimError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

t.test('two nodes from the start, as documented', async (t) => {
  const sim = testSimulator()
  t.match(sim.listNodes(), [
    { name: 'cilium', layout: 'blob', tableSizePolicy: { fixed: 16381 } },
    { name: 'dynamic', layout: 'dynamic', tableSizePolicy: { perService: { perBackend: 100 } } }
  ])
})

t.test('a flow gets a backend through the program of every node', async (t) => {
  const sim = testSimulator()
  sim.putService(someService('echo', '172.20.0.10', someBackends(3)))
  const { revision, results } = sim.lookup({ flows: [flow] })
  t.equal(revision, sim.revision())
  for (const node of results[0]?.nodes ?? []) {
    t.equal(node.verdict, 'XDP_TX')
    t.match(node.backend?.address, /^10\.0\.0\.[012]$/)
    t.equal(node.cost.mapLookups, 5)
    t.equal(node.cost.mapCalls, node.node === 'cilium' ? 3 : 4, 'the dynamic inner array is called, the fixed one inlined')
  }
})

t.test('drops name Cilium\'s code and the step', async (t) => {
  const sim = testSimulator()
  sim.putService(someService('echo', '172.20.0.10', someBackends(1)))
  sim.putService(someService('empty', '172.20.0.11', []))
  sim.putService({ ...someService('inside', '10.96.0.1', someBackends(1)), frontends: [{ address: '10.96.0.1', port: 443, protocol: 'TCP', type: 'ClusterIP' }] })
  const step = (change: Partial<FlowSpec>): unknown => {
    const answer = sim.lookup({ nodes: ['cilium'], flows: [{ ...flow, ...change }] }).results[0]?.nodes[0]
    return [answer?.verdict, answer?.drop]
  }
  t.same(step({ destinationPort: 444 }), ['XDP_DROP', { code: 158, step: 'unknown_port' }])
  t.same(step({ destination: '172.20.0.11' }), ['XDP_DROP', { code: 158, step: 'no_backend' }])
  t.same(step({ destination: '10.96.0.1' }), ['XDP_DROP', { code: 158, step: 'no_table' }])
  t.same(step({ destination: '192.0.2.1' }), ['XDP_PASS', null])
  t.match(sim.listFrontends('cilium').find(({ type }) => type === 'ClusterIP'), { table: null, reason: /bpf-lb-external-clusterip/ })
})

t.test('a trace tells every executed instruction and costs the same', async (t) => {
  const sim = testSimulator()
  sim.putService(someService('echo', '172.20.0.10', someBackends(3)))
  const plain = sim.lookup({ flows: [flow] }).results[0]?.nodes ?? []
  const traced = sim.lookup({ flows: [flow], trace: true }).results[0]?.nodes ?? []
  for (const [index, node] of traced.entries()) {
    const { trace = [], ...rest } = node
    t.same(rest, plain[index])
    t.equal(trace.length, node.cost.instructions)
    t.match(trace.at(-1), { text: '(95) exit', registers: { length: 11 } })
    t.ok(trace.some(({ source }) => source?.file.endsWith('balancer.c')))
  }
})

t.test('flow vectors of Cilium 1.17, through the program', async (t) => {
  const { flows } = readFlowVectors()
  const sizes = new Set(flows.map(({ m }) => m))
  for (const m of sizes) {
    const sim = testSimulator({ nodes: [] })
    sim.createNode({ name: 'blob', tableSizePolicy: { fixed: m } })
    for (const layout of ['fixed', 'dynamic', 'packed', 'compact'] as const) sim.createNode({ name: layout, layout, tableSizePolicy: { fixed: m } })
    sim.createNode({ name: 'masked', spectreMasking: true, tableSizePolicy: { fixed: m } })
    sim.createNode({ name: 'flat', layout: 'flat', tableSizePolicy: { fixed: m }, mapSizes: { services: 65_536, backends: 65_536, revNat: 65_536, maglev: 8 } })
    for (const { family, source, sourcePort, destinationPort, protocol, n, backendId } of flows.filter((one) => one.m === m)) {
      const destination = family === 4 ? '172.20.0.10' : 'fd00:20::10'
      const name = transportName(protocol) ?? 'TCP'
      sim.putState({ nodeAddresses: [], services: [vectorService(family, destination, destinationPort, name, n)] })
      const { results } = sim.lookup({ flows: [{ source, sourcePort, destination, destinationPort, protocol: name }] })
      const expected = vectorBackends(family, n).find(({ id }) => id === backendId)?.address
      for (const node of results[0]?.nodes ?? []) t.equal(node.backend?.address, expected, `${node.node} m=${m} n=${n} ${source}:${sourcePort}`)
    }
  }
})

t.test('masked maps take a power of two of elements', async (t) => {
  const sim = testSimulator({ nodes: [] })
  for (const spectreMasking of [false, true]) sim.createNode({ name: spectreMasking ? 'masked' : 'plain', layout: 'compact', spectreMasking })
  sim.putService(someService('echo', '172.20.0.10', someBackends(300)))
  const tableOf = (node: string): object[] => sim.listMaps(node).filter(({ fullName }) => fullName === 'cilium_maglev_inner')
    .map(({ max_entries: entries, bytes_memlock: memlock, allocatedBytes }) => ({ entries, memlock, allocatedBytes }))
  const memlock = 312 + 9 * 3784
  t.same(tableOf('plain'), [{ entries: 9, memlock, allocatedBytes: 36_864 }])
  t.same(tableOf('masked'), [{ entries: 9, memlock, allocatedBytes: Math.ceil((312 + 16 * 3784) / 4096) * 4096 }])
})

function vectorService (family: 4 | 6, address: string, port: number, protocol: TransportName, n: number): ServiceSpec {
  const backends = vectorBackends(family, n).map(({ id, ...backend }) => ({ ...backend, state: 'active' as const }))
  return { namespace: 'default', name: 'vector', frontends: [{ address, port, protocol, type: 'LoadBalancer' }], backends }
}

t.test('a table of dubious weights or size says so', async (t) => {
  const sim = testSimulator()
  sim.createNode({ name: 'small', tableSizePolicy: { fixed: 251 } })
  sim.putService(someService('echo', '172.20.0.10', someBackends(3).map((backend, index) => ({ ...backend, weight: index === 0 ? 2 : 1 }))))
  const codes = (node: string): string[] | undefined => sim.listFrontends(node)[0]?.warnings.map(({ code }) => code)
  t.same([codes('cilium'), codes('small')], [['weights-ignored'], ['few-slots-per-backend', 'weights-ignored']])
})

t.test('a table is what lies in the inner map', async (t) => {
  const sim = testSimulator()
  sim.putService(someService('echo', '172.20.0.10', someBackends(3)))
  for (const name of ['cilium', 'dynamic']) {
    const [frontend] = sim.listFrontends(name)
    const table = sim.getTable(name, frontend?.id ?? 0)
    t.equal(table.slots.length, table.m)
    t.equal(Object.values(table.counts).reduce((sum, count) => sum + count, 0), table.m)
    t.equal(table.sha256U32LE, createHash('sha256').update(Buffer.from(Uint32Array.from(table.slots).buffer)).digest('hex'))
    const inner = sim.getMap(name, frontend?.table?.mapId ?? 0)
    t.equal(inner.bytes_value * inner.max_entries, 4 * table.m)
  }
  t.match(sim.listFrontends('dynamic')[0], { table: { m: 509 } }, '3 backends at 100 slots each')
})

t.test('what is refused changes nothing, anywhere', async (t) => {
  const sim = testSimulator()
  sim.createNode({ name: 'small', mapSizes: { services: 8, backends: 4, revNat: 8, maglev: 8 } })
  sim.putService(someService('echo', '172.20.0.10', someBackends(3)))
  const before = snapshot(sim)
  const cases: ReadonlyArray<readonly [SimErrorCode, () => unknown, RegExp]> = [
    ['MAP_FULL', () => sim.putService(someService('big', '172.20.0.12', someBackends(9, 100))), /small.*cilium_lb4_(services_v2|backends_v3)/],
    ['FRONTEND_CONFLICT', () => sim.putService(someService('thief', '172.20.0.10', someBackends(1))), /172\.20\.0\.10:443\/TCP belongs to service default\/echo/],
    ['SERVICE_EXISTS', () => sim.putService(someService('echo', '172.20.0.10', []), { create: true }), /default\/echo/],
    ['INVALID_ARGUMENT', () => sim.putService(someService('bad', '172.20.0.999', [])), /172\.20\.0\.999/],
    ['SERVICE_NOT_FOUND', () => sim.deleteService('default', 'nothing'), /default\/nothing/],
    ['NODE_EXISTS', () => sim.createNode({ name: 'cilium' }), /cilium/],
    ['INVALID_ARGUMENT', () => sim.createNode({ name: 'odd', tableSizePolicy: { fixed: 1000 } }), /1000/],
    ['INVALID_ARGUMENT', () => sim.createNode({ name: 'odd', tableSizePolicy: { perService: { perBackend: 100 } } }), /blob/],
    ['INVALID_ARGUMENT', () => sim.createNode({ name: 'odd', layout: 'flat' }), /mapSizes\.maglev to at most 8193/],
    ['INVALID_DOCUMENT', () => sim.importDocuments([{ kind: 'Service' }], { operation: 'apply', dryRun: false }), /./],
    ['INVALID_PACKET', () => sim.lookup({ packets: ['00'] }), /packets\/0/],
    ['INVALID_PACKET', () => sim.lookup({ packets: ['0'.repeat(29)] }), /whole bytes/],
    ['INVALID_FLOW', () => sim.lookup({ flows: [{ ...flow, source: '2001:db8::1' }] }), /famil/],
    ['NODE_NOT_FOUND', () => sim.lookup({ nodes: ['nowhere'], flows: [flow] }), /nowhere/]
  ]
  for (const [code, act, message] of cases) {
    const error = refusal(act)
    t.equal(error.code, code, error.message)
    t.match(error.message, message)
  }
  t.same(snapshot(sim), before)
})

function snapshot (sim: Simulator): unknown {
  return [sim.getState(), sim.listNodes(), sim.listNodes().map(({ name }) => sim.lbMapsText(name))]
}

t.test('cilium-config changes node cilium, and only with the rest of the import', async (t) => {
  const sim = testSimulator()
  const config = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'cilium-config', namespace: 'kube-system' }, data: { 'bpf-lb-maglev-table-size': '1021' } }
  sim.putService(someService('echo', '172.20.0.10', someBackends(3)))
  t.match(sim.importDocuments([config], { operation: 'apply', dryRun: true }), { updated: 1 })
  t.match(sim.getNode('cilium'), { tableSizePolicy: { fixed: 16381 } }, 'a dry run changes nothing')
  sim.importDocuments([config], { operation: 'apply', dryRun: false })
  t.match(sim.getNode('cilium'), { tableSizePolicy: { fixed: 1021 } })
  t.equal(sim.getTable('cilium', sim.listFrontends('cilium')[0]?.id ?? 0).m, 1021)
  t.equal(sim.lookup({ nodes: ['cilium'], flows: [flow] }).results[0]?.nodes[0]?.verdict, 'XDP_TX')
})

t.test('imported services are not edited by hand', async (t) => {
  const sim = testSimulator()
  sim.importDocuments([
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'default' }, spec: { type: 'ClusterIP', clusterIP: '10.96.0.7', ports: [{ port: 80 }] } }
  ], { operation: 'apply', dryRun: false })
  t.equal(sim.getService('default', 'web').source, 'k8s')
  t.equal(refusal(() => sim.deleteService('default', 'web')).code, 'IMPORTED_OBJECT')
  t.equal(refusal(() => sim.putService(someService('web', '10.96.0.7', []))).code, 'IMPORTED_OBJECT')
  sim.putState({ nodeAddresses: ['192.0.2.1'], services: [someService('other', '172.20.0.10', [])] })
  t.same(sim.listServices().map(({ name, source }) => [name, source]), [['other', 'api']])
})

t.test('a state that was read restores services, where they came from, and nodes', async (t) => {
  const sim = testSimulator()
  const web = (more: object): object => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { clusterIP: '10.96.0.7', ports: [{ port: 80 }], ...more } })
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.0.0.1'] }],
    ports: [{ port: 80 }]
  }
  sim.putNodeAddresses(['192.0.2.1'])
  sim.importDocuments([web({ loadBalancerClass: 'example.com/other' }), slice], { operation: 'apply', dryRun: false })
  sim.putService(someService('echo', '172.20.0.10', someBackends(3)))
  sim.updateNode('cilium', { options: { 'bpf-lb-external-clusterip': true } })
  sim.createNode({ name: 'third', kernel: '5.10', mapSizes: { services: 100, backends: 100, revNat: 100, maglev: 100 } })
  const { revision, ...saved } = sim.getState()
  const dumps = saved.nodes.map(({ name }) => sim.lbMapsText(name))

  sim.putState({ nodeAddresses: [], services: [], nodes: [{ name: 'dynamic' }] })
  t.match(sim.getState(), { services: [], nodes: [{ name: 'dynamic', layout: 'blob' }] })
  const { revision: later, ...restored } = sim.putState(saved)
  t.same(restored, saved)
  t.same(sim.listNodes().map(({ name }) => sim.lbMapsText(name)), dumps, 'ids start anew, so even they are the same')

  t.equal(refusal(() => sim.deleteService('default', 'web')).code, 'IMPORTED_OBJECT')
  sim.importDocuments([slice], { operation: 'apply', dryRun: false })
  t.equal(sim.getService('default', 'web').backends.length, 1, 'a slice alone does not end a restored service')
  t.match(sim.importDocuments([web({ clusterIP: '10.96.0.8' })], { operation: 'apply', dryRun: false }), { updated: 1 })
  t.match(sim.getService('default', 'web'), { source: 'k8s', frontends: [{ address: '10.96.0.8' }], backends: [{ address: '10.0.0.1' }] })
  sim.putState(saved)
  t.match(sim.importDocuments([web({})], { operation: 'delete', dryRun: false }), { deleted: 1 })

  const before = sim.getState()
  const two = refusal(() => sim.putState({ ...saved, nodes: [{ name: 'a' }, { name: 'a' }] }))
  t.match([two.code, two.places], ['INVALID_ARGUMENT', [{ pointer: '/nodes/1' }]])
  t.match(refusal(() => sim.putState({ ...saved, nodes: [{ name: 'a' }, { name: 'b', kernel: '1.0' }] })).places, [{ pointer: '/nodes/1/kernel' }])
  t.equal(refusal(() => sim.putState({ ...saved, nodes: Array.from({ length: 17 }, (_, index) => ({ name: `n${index}` })) })).code, 'LIMIT_EXCEEDED')
  t.same(sim.getState(), before)
})

t.test('a node made later realises everything there is', async (t) => {
  const sim = testSimulator()
  sim.putNodeAddresses(['192.0.2.1', '2001:db8::1'])
  sim.putService(someService('echo', '172.20.0.10', someBackends(3)))
  sim.createNode({ name: 'late' })
  t.equal(sim.lbMapsText('late'), sim.lbMapsText('cilium'))
  t.match(sim.updateNode('late', { kernel: '5.10' }), { kernel: '5.10' })
  t.match(sim.xlated('late', sim.listPrograms('late')[0]?.id ?? 0), /r1 \+= 272/)
  sim.deleteNode('late')
  t.equal(refusal(() => sim.getNode('late')).code, 'NODE_NOT_FOUND')
})

t.test('a table that grows by policy says which flows move', async (t) => {
  const sim = testSimulator()
  const put = (n: number): unknown => sim.putService(someService('echo', '172.20.0.10', someBackends(n)))
  put(10)
  put(20)
  t.same(sim.getNode('dynamic').tableSizeChanges, [], '20 backends are not more than M / 50')
  const before = sim.getTable('dynamic', 1)
  put(21)
  const after = sim.getTable('dynamic', 1)
  const [change, ...others] = sim.getNode('dynamic').tableSizeChanges
  t.same(others, [])
  t.match(change, { revision: sim.revision(), service: { namespace: 'default', name: 'echo' }, frontend: 1, from: before.m, to: after.m })
  t.same([before.m, after.m], [1021, 4093])
  let moved = 0
  const product = before.m * after.m
  for (let hash = 0; hash < product; hash++) {
    if (before.slots[hash % before.m] !== after.slots[hash % after.m]) moved++
  }
  t.ok(Math.abs(moved / product - (change?.movedShare ?? 0)) < 1e-9, `${moved / product} of all hashes move`)
  t.same(sim.getNode('cilium').tableSizeChanges, [], 'a fixed M never changes')
})

t.test('entries of a map come page by page in the kernel\'s order', async (t) => {
  const sim = testSimulator()
  sim.putService(someService('echo', '172.20.0.10', someBackends(30)))
  const map = sim.listMaps('cilium').find(({ fullName }) => fullName === 'cilium_lb4_backends_v3')
  const keys: unknown[] = []
  let cursor: string | undefined
  do {
    const page = sim.mapEntries('cilium', map?.id ?? 0, { limit: 7, ...(cursor === undefined ? {} : { cursor }) })
    keys.push(...page.items.map((item) => JSON.stringify((item as { key: string[] }).key)))
    cursor = page.next ?? undefined
  } while (cursor !== undefined)
  t.equal(keys.length, 30)
  t.equal(new Set(keys).size, 30)
})
