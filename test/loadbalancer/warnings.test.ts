// What Cilium says nothing about is said here: each kind of warning where it belongs, none where all is well, and over HTTP.

import t from 'tap'
import { defaultSettings } from '../../lib/loadbalancer/index.ts'
import type { NodeSettings } from '../../lib/loadbalancer/index.ts'
import type { Simulator } from '../../lib/sim/types.ts'
import { createApi } from '../http/support/api.ts'
import { someBackends, someService, testSimulator } from '../support/simulator.ts'

const mapSizes = { ...defaultSettings('cilium').mapSizes, services: 100, backends: 600, revNat: 100, maglev: 10, sourceRange: 10, affinity: 10 }
const node = (more: Partial<NodeSettings> = {}): Simulator =>
  testSimulator({ nodes: [{ ...defaultSettings('cilium'), tableSizePolicy: { fixed: 251 }, mapSizes, ...more }], programs: 'when-needed' })
const codes = (sim: Simulator): string[] => sim.listWarnings('cilium').map(({ code, frontend }) => frontend === null ? code : `${frontend.service.name}: ${code}`)
const inside = { ...someService('inside', '10.96.0.1', someBackends(2, 50)), frontends: [{ address: '10.96.0.1', port: 443, protocol: 'TCP' as const, type: 'ClusterIP' as const }] }

t.test('tables, weights, frontends without a table', async (t) => {
  const sim = node()
  sim.putService(someService('well', '172.20.0.1', someBackends(2)))
  t.same(codes(sim), [])
  sim.putService(someService('light', '172.20.0.2', someBackends(2, 10).map((backend, index) => ({ ...backend, weight: index + 1 }))))
  sim.putService(someService('tight', '172.20.0.3', someBackends(3, 20)))
  sim.putService(someService('empty', '172.20.0.4', []))
  sim.putService(inside)
  sim.putService({ ...someService('everywhere', '0.0.0.0', someBackends(2, 60), 30_000), frontends: [{ address: '0.0.0.0', port: 30_000, protocol: 'TCP', type: 'NodePort' }] })
  t.same(codes(sim), ['light: weights-ignored', 'tight: few-slots-per-backend', 'empty: no-backend', 'inside: cluster-ip-without-table'])
  t.match(sim.listWarnings('cilium').at(-1), { severity: 'note', message: /bpf-lb-external-clusterip.*dropped \(158\)/, frontend: { address: '10.96.0.1' } })
  const random = node({ algorithm: 'random' })
  random.putService(someService('echo', '172.20.0.1', someBackends(2)))
  t.same(codes(random), ['echo: random-selection'])
})

t.test('maps and ids that run out', async (t) => {
  const sim = node()
  for (let index = 1; index <= 8; index++) sim.putService(someService(`s${index}`, `172.20.0.${index}`, someBackends(1, index)))
  const [first] = sim.mapPressures('cilium')
  t.same(first, { map: 'cilium_lb4_maglev', entries: 8, maxEntries: 10, pressure: 0.8, option: 'bpf-lb-maglev-map-max', inCiliumMetric: false })
  t.match(sim.listWarnings('cilium'), [{ code: 'map-pressure', map: 'cilium_lb4_maglev', message: /8 of 10 .*raise bpf-lb-maglev-map-max; Cilium's metric .* leaves this map out/ }])
  const flat = node({ layout: 'flat' })
  for (let index = 1; index <= 9; index++) flat.putService(someService(`s${index}`, `172.20.0.${index}`, someBackends(1, index)))
  t.ok(codes(flat).includes('ids-running-out'), 'ids of layout flat are places in its array')
  sim.putService(someService('s8', '172.20.0.8', []))
  t.notOk(codes(sim).includes('map-pressure'))
})

t.test('over HTTP and in the answer to an import', async (t) => {
  const api = await createApi({ sim: node() })
  t.teardown(() => api.close())
  const service = (name: string, address: string) => ({ apiVersion: 'v1', kind: 'Service', metadata: { namespace: 'shop', name }, spec: { clusterIP: address, ports: [{ port: 80 }] } })
  const imported = await api.call('POST', '/v1/imports?warnings=true', { body: [service('a', '10.96.0.1'), service('b', '10.96.0.2')] })
  t.match(imported.json()['warnings'], [{ node: 'cilium', code: 'no-backend', count: 2, message: /^shop\/a: no backend/ }])
  t.match((await api.call('GET', '/v1/nodes/cilium/warnings?limit=1')).json(), { items: [{ code: 'no-backend', frontend: { service: { name: 'a' } } }], next: String })
  t.match((await api.call('GET', '/v1/nodes/cilium/warnings?severity=note')).json(), { items: [] })
  t.match((await api.call('GET', '/v1/nodes/cilium/map-pressure')).json(), { items: [{ map: 'cilium_lb4_services_v2', entries: 4, maxEntries: 100 }] })
  t.match((await api.call('GET', '/v1/nodes/nobody/warnings')).json(), { code: 'NODE_NOT_FOUND' })
})

t.test('an import warns of the services that it names and of the nodes as a whole', async (t) => {
  const sim = node()
  sim.createNode({ ...defaultSettings('other'), tableSizePolicy: { fixed: 251 }, mapSizes })
  sim.putService(someService('by-hand', '172.20.0.1', []))
  const service = (name: string, host: number): object =>
    ({ apiVersion: 'v1', kind: 'Service', metadata: { namespace: 'shop', name }, spec: { type: 'NodePort', clusterIP: `10.96.0.${host}`, ports: [{ port: 80, nodePort: 30_000 + host }] } })
  const slice = (name: string): object =>
    ({ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { namespace: 'shop', name, labels: { 'kubernetes.io/service-name': name } }, addressType: 'IPv4', ports: [{ port: 80 }], endpoints: [{ addresses: ['10.0.0.1'] }] })
  const config = (size: string): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'cilium-config' }, data: { 'bpf-lb-map-max': size } })
  const machine = (address: string): object => ({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'one' }, status: { addresses: [{ type: 'InternalIP', address }] } })
  const said = (documents: unknown[], operation: 'apply' | 'delete' = 'apply'): string[] =>
    (sim.importDocuments(documents, { operation, dryRun: false, warnings: true }).warnings ?? []).map(({ node, code, count }) => `${node}: ${count} ${code}`)
  const both = (counts: string): string[] => [`cilium: ${counts}`, `other: ${counts}`]
  t.same(said([service('a', 1)]), both('1 no-backend'), 'not of the one by hand')
  t.same(said([service('b', 2)]), both('1 no-backend'), 'nor of the one before')
  t.same(said([service('b', 2), service('a', 1)]), both('2 no-backend'), 'said again of what stays as it was')
  t.same(said([slice('a')]), [], 'all is well with it')
  t.same(said([slice('a')], 'delete'), both('1 no-backend'), 'it lost its endpoints')
  t.same(said([{ spec: { 'frontend-address': { ip: '172.20.0.9', port: 80 }, flags: { name: 'listed', namespace: 'x', type: 'LoadBalancer' } } }]), both('1 no-backend'), 'dumps too')
  t.same(said([machine('192.0.2.1')]), both('6 no-backend'), 'NodePorts of all services are at another address')
  t.same(said([machine('192.0.2.1')]), [], 'and are as they were')
  t.same(said([config('200')]), ['cilium: 6 no-backend'], 'options of node cilium')
  t.same(said([config('14')]), ['cilium: 1 map-pressure', 'cilium: 6 no-backend'])
  t.same(said([slice('nobody')]), ['cilium: 1 map-pressure'], 'the node as a whole, always')
})
