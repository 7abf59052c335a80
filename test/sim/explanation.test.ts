// What a lookup says about its way: hash, slot and table have to fit each other and the backend that the packet went to, in every layout.

import fc from 'fast-check'
import t from 'tap'
import type { BackendSpec, FlowSpec, NodeSettings, ServiceSpec } from '../../lib/sim/types.ts'
import { someBackends, someService, testSimulator } from '../support/simulator.ts'

const seed = 20261123
const layouts: ReadonlyArray<NodeSettings['layout']> = ['flat', 'fixed', 'blob', 'dynamic', 'packed', 'compact']
const mapSizes = { services: 1024, backends: 1024, revNat: 1024, maglev: 64 }
const m = 1021

const sixBackends = (count: number): BackendSpec[] => Array.from({ length: count }, (_, index) =>
  ({ address: `2001:db8::${index + 1}`, port: 8080, protocol: 'TCP', weight: 100, state: 'active' }))
const six: ServiceSpec = someService('six', '2001:db8:1::1', sixBackends(9))

t.test('hash, slot and backend agree with the table, whatever the layout', async (t) => {
  const sim = testSimulator({ nodes: [] })
  for (const layout of layouts) sim.createNode({ name: layout, layout, tableSizePolicy: { fixed: m }, mapSizes })
  sim.putService(someService('other', '172.20.0.9', someBackends(2)))
  sim.putService(someService('echo', '172.20.0.10', someBackends(7)))
  sim.putService(six)
  const tables = new Map(layouts.flatMap((node) => sim.listFrontends(node).map(({ id }) => [`${node} ${id}` as string, sim.getTable(node, id).slots] as const)))
  let compared = 0
  const clients = fc.record({ port: fc.integer({ min: 1, max: 65_535 }), low: fc.integer({ min: 1, max: 65_000 }), four: fc.boolean() })
  fc.assert(fc.property(clients, ({ port, low, four }) => {
    const flow: FlowSpec = four
      ? { source: `203.0.${low >>> 8}.${low & 255}`, sourcePort: port, destination: '172.20.0.10', destinationPort: 443, protocol: 'TCP' }
      : { source: `2001:db8:2::${low.toString(16)}`, sourcePort: port, destination: '2001:db8:1::1', destinationPort: 443, protocol: 'TCP' }
    const [result] = sim.lookup({ flows: [flow], explain: true }).results
    const hashes = new Set<unknown>()
    for (const { node, backend, explanation, trace } of result?.nodes ?? []) {
      const { frontend, hash, slot } = explanation ?? { frontend: null, hash: null, slot: null }
      hashes.add(hash)
      if (frontend?.service.name !== (four ? 'echo' : 'six') || slot === null || trace !== undefined) throw new Error(`${node}: ${JSON.stringify(explanation)}`)
      const { index, backendId } = slot
      if (slot.m !== m || index !== Number(hash) % m || backendId !== backend?.id || tables.get(`${node} ${frontend.id}`)?.[index] !== backendId) {
        throw new Error(`${node}: ${JSON.stringify({ explanation, backend })}`)
      }
      compared++
    }
    return hashes.size === 1 && result?.nodes.length === layouts.length
  }), { seed, numRuns: 60 })
  t.equal(compared, 60 * layouts.length, `seed ${seed}`)
})

t.test('what the program did not get to is null', async (t) => {
  const sim = testSimulator()
  sim.putService(someService('echo', '172.20.0.10', someBackends(1)))
  sim.putService(someService('empty', '172.20.0.11', []))
  const flow: FlowSpec = { source: '203.0.113.7', sourcePort: 51022, destination: '172.20.0.10', destinationPort: 443, protocol: 'TCP' }
  const ask = (change: Partial<FlowSpec>): unknown => sim.lookup({ nodes: ['cilium'], flows: [{ ...flow, ...change }], explain: true }).results[0]?.nodes[0]?.explanation
  const nothing = { frontend: null, connection: null, affinity: null, hash: null, hashInputs: null, slot: null }
  t.match(ask({ destinationPort: 444 }), { ...nothing, ended: { step: 'unknown_port', code: 158 } })
  t.match(ask({ destination: '172.20.0.11' }), { ...nothing, frontend: { service: { name: 'empty' } }, ended: { step: 'no_backend', code: 158 } })
  const [zeros] = sim.lookup({ packets: ['00'.repeat(14)], explain: true }).results[0]?.nodes ?? []
  t.match(zeros?.explanation, { ...nothing, ended: { step: 'not_ip', code: null } })
  const [plain, both] = [sim.lookup({ flows: [flow] }), sim.lookup({ flows: [flow], explain: true, trace: true })]
  for (const [index, { explanation, trace, ...rest }] of (both.results[0]?.nodes ?? []).entries()) {
    t.ok(explanation !== undefined && trace !== undefined)
    t.same(rest, plain.results[0]?.nodes[index], 'the answer is the same')
  }
})

t.test('what was remembered, and what went into the hash', async (t) => {
  const sim = testSimulator({ nodes: [] })
  sim.createNode({ name: 'now', conntrack: true })
  sim.createNode({ name: 'before', release: '1.13-1.16' })
  sim.putService({ ...someService('echo', '172.20.0.10', someBackends(4)), sessionAffinity: { timeoutSeconds: 30 } })
  const flow: FlowSpec = { source: '203.0.113.7', sourcePort: 51022, destination: '172.20.0.10', destinationPort: 443, protocol: 'TCP' }
  const ask = (node: string) => sim.lookup({ nodes: [node], flows: [flow], explain: true }).results[0]?.nodes[0]
  const [first, second] = [ask('now'), ask('now')]
  const id = first?.backend?.id ?? 0
  t.match(first?.explanation, {
    connection: { state: 'none', backendId: null },
    affinity: { timeoutSeconds: 30, backendId: null },
    hashInputs: { source: '203.0.113.7', sourcePort: 0, destinationPort: 443, protocol: 6, portOrder: 'destination-first' },
    slot: { backendId: id, outer: { key: first?.explanation?.frontend?.id } },
    ended: { step: 'ipv4', code: null }
  })
  t.match(second?.explanation, {
    connection: { state: 'established', backendId: id, endsInSeconds: 60 }, affinity: { backendId: id, endsInMs: 30_000 }, hash: null, slot: null
  })
  sim.setUptime(61_000)
  t.match(ask('now')?.explanation, { connection: { state: 'ended', endsInSeconds: 0 }, affinity: { endsInMs: 0 }, slot: { backendId: id } })
  t.match(ask('before')?.explanation, { connection: null, hashInputs: { sourcePort: 51022, portOrder: 'source-first' } })
})
