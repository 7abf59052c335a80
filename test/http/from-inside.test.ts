// Lookups from a pod of the node: a program of their own on the same maps, with the backends that are there for pods, a draw instead of a
// table, and without what is meant for those outside.

import t from 'tap'
import { createApi } from './support/api.ts'
import type { Json } from './support/conformance.ts'

const api = await createApi()
t.teardown(() => api.close())
const headers = { 'if-none-match': '*' }
const cluster = { address: '10.96.0.10', port: 443, protocol: 'TCP', type: 'ClusterIP' }
const external = { address: '172.20.0.10', port: 443, protocol: 'TCP', type: 'LoadBalancer' }

interface Seen {
  readonly verdict: string
  readonly backend: { readonly address: string } | null
  readonly drop: { readonly step: string } | null
  readonly explanation?: { readonly frontend: Json | null, readonly slot: Json | null, readonly connection: Json | null }
}

async function lookup (from: string, destination: string, destinationPort: number, more: object = {}, count = 1): Promise<Seen[]> {
  const flows = Array.from({ length: count }, (_, index) => ({ source: '10.244.1.77', sourcePort: 40_000 + index, destination, destinationPort }))
  const answer = await api.call('POST', '/v1/lookups', { body: { nodes: ['node'], from, flows, randomSeed: 5, ...more } })
  return (answer.json()['results'] as Array<{ nodes: Seen[] }>).flatMap(({ nodes }) => nodes)
}

const addresses = (seen: readonly Seen[]): string[] => [...new Set(seen.map(({ backend }) => backend?.address ?? '-'))].sort()

t.before(async () => {
  const node = await api.call('POST', '/v1/nodes', { body: { name: 'node', nodeName: 'worker-1', conntrack: true, options: { 'bpf-lb-mode': 'dsr' } } })
  t.equal(node.status, 201)
  const backends = [1, 2, 3, 4].map((host) => ({ address: `10.244.1.${host}`, port: 8443, nodeName: `worker-${1 + host % 2}` }))
  const body = { frontends: [cluster, external], backends, externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Cluster', sourceRanges: { cidrs: ['198.51.100.0/24'] } }
  t.equal((await api.call('PUT', '/v1/services/shop/web', { body, headers })).status, 201)
  const own = { frontends: [{ ...cluster, address: '10.96.0.11' }], backends, internalTrafficPolicy: 'Local' }
  t.equal((await api.call('PUT', '/v1/services/shop/own', { body: own, headers })).status, 201)
})

t.test('pods get all backends where those outside get the node\'s own', async (t) => {
  const outside = { source: '198.51.100.9', sourcePort: 1, destination: external.address, destinationPort: 443 }
  const flows = Array.from({ length: 40 }, (_, index) => ({ ...outside, sourcePort: 41_000 + index }))
  t.same(addresses(await lookup('outside', '', 0, { flows })), ['10.244.1.2', '10.244.1.4'])
  t.same(addresses(await lookup('inside', external.address, 443, {}, 40)), ['10.244.1.1', '10.244.1.2', '10.244.1.3', '10.244.1.4'])
})

t.test('a ClusterIP is for pods, and its internal policy counts', async (t) => {
  t.match(await lookup('outside', cluster.address, 443), [{ verdict: 'XDP_DROP', drop: { step: 'no_table' } }])
  t.equal(addresses(await lookup('inside', cluster.address, 443, {}, 40)).length, 4)
  t.same(addresses(await lookup('inside', '10.96.0.11', 443, {}, 40)), ['10.244.1.2', '10.244.1.4'])
})

t.test('ranges and unknown ports hold up those outside only, and pods are not told of direct return', async (t) => {
  t.match(await lookup('outside', external.address, 443), [{ drop: { step: 'source_range' } }])
  t.match(await lookup('outside', external.address, 444), [{ verdict: 'XDP_DROP', drop: { step: 'unknown_port' } }])
  t.match(await lookup('inside', external.address, 444), [{ verdict: 'XDP_PASS', drop: null }])
  const bytes = 2 * (14 + 20 + 20)
  t.match(await lookup('inside', external.address, 443), [{ verdict: 'XDP_TX', packet: new RegExp(`^[0-9a-f]{${bytes}}$`) }])
})

t.test('connections are remembered in the maps of both; explained with the entry for pods', async (t) => {
  const [first] = await lookup('inside', external.address, 443, { randomSeed: 1 })
  for (const randomSeed of [2, 3, 4, 5, 6]) t.same(addresses(await lookup('inside', external.address, 443, { randomSeed })), [first?.backend?.address])
  const [seen] = await lookup('inside', external.address, 443, { explain: true, trace: true })
  t.same((seen?.explanation as Json | undefined)?.['draw'], null, 'a connection needs no draw')
  const flows = Array.from({ length: 20 }, (_, index) => ({ source: '10.244.1.78', sourcePort: 1000 + index, destination: cluster.address, destinationPort: 443 }))
  const draws = await lookup('inside', '', 0, { flows, explain: true })
  for (const { explanation, backend } of draws) t.match(explanation, { draw: { of: 4, slot: Number, backendId: (backend as Json | null)?.['id'] } })
  t.ok(new Set(draws.map(({ explanation }) => JSON.stringify((explanation as unknown as Json)['draw']))).size > 1)
  const [outside] = await lookup('outside', external.address, 443, { explain: true })
  t.match(seen?.explanation, { frontend: { scope: 'internal' }, slot: null, connection: { state: 'established' } })
  t.notSame(seen?.explanation?.frontend?.['id'], outside?.explanation?.frontend?.['id'])
})

t.test('what is balanced from outside leaves entries for pods out', async (t) => {
  const backends = [1, 2, 3, 4].map((host) => ({ address: `10.244.2.${host}`, port: 8443, nodeName: `worker-${1 + host % 2}` }))
  const body = { frontends: [{ ...external, address: '172.20.0.12' }], backends, externalTrafficPolicy: 'Local' }
  t.equal((await api.call('PUT', '/v1/services/shop/local', { body, headers })).status, 201)
  const run = await api.call('POST', '/v1/runs', {
    headers: { prefer: 'wait=30' },
    body: { kind: 'traffic', nodes: ['node'], packets: 4000, flows: 2000, seed: 3, services: [{ namespace: 'shop', name: 'local' }] }
  })
  const { links } = run.json() as { links: { results: string } }
  const [node] = (await api.call('GET', links.results)).json()['nodes'] as Json[]
  t.match(node, { verdicts: { XDP_TX: 4000 }, chiSquare: { degreesOfFreedom: 1 } }, 'two backends share it')
  t.ok((node?.['chiSquare'] as { pValue: number }).pValue > 0.001, JSON.stringify(node?.['chiSquare']))
  const report = await api.call('GET', '/v1/reports/balance?nodes=node')
  t.match(report.json(), { nodes: [{ rows: [{ frontends: 2, backends: 2 }] }] })
})

t.test('a program of its own, which a lookup does not add', async (t) => {
  const programs = async (name: string): Promise<string[]> =>
    ((await api.call('GET', `/v1/nodes/${name}/programs`)).json()['items'] as Array<{ name: string }>).map(({ name }) => name)
  const before = await api.call('GET', '/v1/nodes/dynamic')
  t.equal((await api.call('GET', '/v1/lookups?flow=10.244.1.77:40000,10.96.0.10:443/tcp&from=inside')).status, 200)
  const after = await api.call('GET', '/v1/nodes/dynamic')
  t.same([after.json(), after.header('etag')], [before.json(), before.header('etag')])
  for (const name of ['node', 'cilium']) t.same(await programs(name), ['balancer_xdp', 'balancer_pods'])
  const wrong = await api.call('POST', '/v1/lookups', { body: { from: 'beside', flows: [{ source: '10.0.0.1', sourcePort: 1, destination: '10.0.0.2', destinationPort: 1 }] } })
  t.match([wrong.status, wrong.json()], [400, { errors: [{ pointer: '/from' }] }])
})
