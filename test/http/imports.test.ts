// Imports over HTTP: manifests as people write them and as kubectl prints them, bad ones, and a very large one that keeps
// nobody else waiting.

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { complete } from '../../lib/loadbalancer/index.ts'
import { testSimulator } from '../support/simulator.ts'
import { createApi, type Api, type ApiAnswer } from './support/api.ts'
import { endpointSliceList } from './support/slices.ts'

const yaml = { 'content-type': 'application/yaml' }

const manifest = `# a NodePort service with four backends, and what is none of our business
apiVersion: v1
kind: Service
metadata: {namespace: shop, name: cart}
spec:
  type: NodePort
  clusterIP: 10.96.7.7
  clusterIPs: [10.96.7.7]
  ports: [{name: http, protocol: TCP, port: 80, targetPort: 8080, nodePort: 30080}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  namespace: shop
  name: cart-x7
  labels: {kubernetes.io/service-name: cart}
addressType: IPv4
ports: [{name: http, port: 8080, protocol: TCP}]
endpoints:
${[1, 2, 3, 4].map((host) => `- {addresses: [10.244.7.${host}], conditions: {ready: true, serving: true, terminating: false}, nodeName: worker-${host % 2}}`).join('\n')}
---
apiVersion: apps/v1
kind: Deployment
metadata: {namespace: shop, name: cart}
`

const post = (api: Api, body: string | Buffer, headers: Record<string, string> = yaml, query = ''): Promise<ApiAnswer> => api.call('POST', `/v1/imports${query}`, { body, headers })

t.test('apply, read back, apply again, delete', async (t) => {
  const api = await createApi()
  t.teardown(() => api.close())
  await api.call('PUT', '/v1/node-addresses', { body: { addresses: ['192.0.2.10'] } })
  await api.call('PATCH', '/v1/nodes/cilium', { body: { tableSizePolicy: { fixed: 1021 } }, headers: { 'if-match': '*' } })
  const before = (await api.call('GET', '/v1/state')).text

  t.match((await post(api, manifest, yaml, '?dryRun=true')).json(), { created: 2, skipped: [{ kind: 'Deployment' }] })
  t.equal((await api.call('GET', '/v1/state')).text, before, 'a dry run changes nothing')

  t.match((await post(api, manifest)).json(), { created: 2, updated: 0, deleted: 0, unchanged: 0, skipped: [{ document: 2, kind: 'Deployment', name: 'shop/cart', reason: String }] })
  const service = await api.call('GET', '/v1/services/shop/cart')
  t.match(service.json(), { source: 'k8s', backends: { length: 4 } })
  t.match((await api.call('PUT', '/v1/services/shop/cart', { body: {}, headers: { 'if-match': '*' } })).json(), { code: 'IMPORTED_OBJECT' })
  t.match((await api.call('DELETE', '/v1/services/shop/cart', { headers: { 'if-match': '*' } })).json(), { code: 'IMPORTED_OBJECT' })

  const frontends = (await api.call('GET', '/v1/nodes/cilium/frontends?service=cart')).json()['items'] as Array<{ id: number, address: string, table: { m: number } | null }>
  const { id } = frontends.find(({ address }) => address === '192.0.2.10') ?? { id: -1 }
  const { m, counts } = (await api.call('GET', `/v1/nodes/cilium/frontends/${id}/table`)).json() as { m: number, counts: Record<string, number> }
  t.equal(m, 1021)
  t.same(Object.values(counts).sort((a, b) => b - a), [256, 255, 255, 255])
  t.match((await api.call('GET', '/v1/lookups?flow=203.0.113.7:51022,192.0.2.10:30080/tcp')).json(), { results: [{ nodes: [{ verdict: 'XDP_TX', backend: { port: 8080 } }, { verdict: 'XDP_TX' }] }] })
  t.equal(frontends.find(({ address }) => address === '10.96.7.7')?.table, null, 'a ClusterIP has no table')
  t.match((await api.call('GET', '/v1/lookups?flow=203.0.113.7:51022,10.96.7.7:80/tcp&nodes=cilium')).json(), { results: [{ nodes: [{ verdict: 'XDP_DROP', drop: { code: 158 } }] }] })

  t.match((await post(api, manifest)).json(), { created: 0, updated: 0, unchanged: 2 })
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [{ apiVersion: 'v1', kind: 'Service', metadata: { namespace: 'shop', name: 'cart' } }] })
  t.match((await post(api, list, { 'content-type': 'application/json' }, '?operation=delete')).json(), { deleted: 1 })
  t.equal((await api.call('GET', '/v1/services/shop/cart')).status, 404)
})

t.test('port names that no endpoint has', async (t) => {
  const api = await createApi()
  t.teardown(() => api.close())
  const [service = '', slice = ''] = manifest.split('---\n')
  const other = slice.replace('[{name: http,', '[{name: web, port: 8081}, {name: admin,')
  const reason = /^imported, but without effect: \/spec\/ports\/0\/name: no endpoint has a port named "http" \(they have "admin", "web"\)/
  const said = { document: 0, kind: 'Service', name: 'shop/cart', reason, field: '/spec/ports/0/name', code: 'unmatched-port' }
  t.match((await post(api, `${service}---\n${other}`)).json(), { created: 2, skipped: [said] })
  t.match((await post(api, `${service}---\n${other}`)).json(), { unchanged: 2, skipped: [said] }, 'said again')
  t.match((await post(api, other)).json(), { skipped: [{ kind: 'Service', name: 'shop/cart', reason: /: port of the Service: no endpoint has a port named "http"/ }] })
  t.same((await post(api, slice)).json()['skipped'], [], 'nothing to say once they match')
  t.same((await post(api, slice.replace('{name: http, ', '{'))).json()['skipped'], [], 'a port without a name serves every port')

  const udp = service.replace('protocol: TCP', 'protocol: UDP')
  t.match((await post(api, `${udp}---\n${slice}`)).json(), { skipped: [{ ...said, reason: /: no endpoint has a UDP port named "http" \(they have it in TCP\)/ }] })
  const dual = service.replace('clusterIPs: [10.96.7.7]', 'clusterIPs: [10.96.7.7, "fd00::7"]')
  t.same((await post(api, `${dual}---\n${slice}`)).json()['skipped'], [], 'endpoints of the other family may still come')
  const six = (name: string) => slice.replace('cart-x7', 'cart-six').replace('IPv4', 'IPv6').replace(/endpoints:[^]*$/, 'endpoints: [{addresses: ["fd00:1::1"]}]\n').replace('name: http', `name: ${name}`)
  t.match((await post(api, `${dual}---\n${six('web')}`)).json(), { skipped: [{ ...said, reason: /: no IPv6 endpoint has a TCP port named "http", so its IPv6 frontends/ }] })
  t.same((await post(api, six('http'))).json()['skipped'], [])
  t.same((await post(api, `${slice}---\n${six('http')}`, yaml, '?operation=delete')).json()['skipped'], [], 'no endpoints, nothing that could match')
})

t.test('all YAML types and charset parameters', async (t) => {
  const api = await createApi()
  t.teardown(() => api.close())
  for (const type of ['application/yaml', 'application/x-yaml', 'text/yaml; charset=utf-8']) t.equal((await post(api, manifest, { 'content-type': type })).status, 200, type)
  t.match((await post(api, manifest, { 'content-type': 'text/csv' })).json(), { code: 'UNSUPPORTED_MEDIA_TYPE' })
})

t.test('bad imports change nothing and say where', async (t) => {
  const api = await createApi()
  t.teardown(() => api.close())
  const before = (await api.call('GET', '/v1/state')).text
  const json = { 'content-type': 'application/json' }
  const cases: Array<[string, string | Buffer, Record<string, string>, object]> = [
    ['broken YAML', 'apiVersion: v1\nkind: [Service\n', yaml, { status: 400, code: 'MALFORMED_YAML', detail: /^Line 3, column 1/, errors: [{ pointer: '/0' }] }],
    ['broken JSON', '{"kind": "Service",}', json, { status: 400, code: 'MALFORMED_JSON', detail: /^Line 1, column 20/ }],
    ['not UTF-8', Buffer.from([0x61, 0x3a, 0x20, 0xff]), yaml, { status: 400, code: 'MALFORMED_YAML' }],
    ['YAML that is no manifest', 'just some text\n', yaml, { status: 422, code: 'INVALID_DOCUMENT', errors: [{ pointer: '/0' }] }],
    ['JSON that is no manifest', '42', json, { status: 422, code: 'INVALID_DOCUMENT' }],
    ['a good document and a bad one', `${manifest}---\napiVersion: v1\nkind: Service\nmetadata: {namespace: shop, name: bad}\nspec: {ports: [{port: 70000}]}\n`, yaml,
      { status: 422, code: 'INVALID_DOCUMENT', errors: [{ pointer: /^\/3\/spec\/ports\/0\/port/ }] }],
    ['65 MiB', Buffer.alloc(65 * 1024 * 1024, ' '), json, { status: 413, code: 'BODY_TOO_LARGE', limitBytes: 64 * 1024 * 1024 }]
  ]
  for (const [what, body, headers, problem] of cases) t.match((await post(api, body, headers)).json(), problem, what)
  t.match((await api.call('POST', '/v1/imports?operation=upsert', { body: '{}', headers: json })).json(), { code: 'VALIDATION_FAILED', errors: [{ pointer: 'operation' }] })
  t.equal((await api.call('GET', '/v1/state')).text, before, 'nothing changed')
})

t.test('an import in steps is the import, and no other change comes in between', async (t) => {
  const text = endpointSliceList({ bytes: 200_000 })
  const documents: unknown[] = [{ apiVersion: 'v1', kind: 'List', items: servicesOf(text) }, JSON.parse(text)]
  const [one, other] = [testSimulator(), testSimulator()]
  const options = { operation: 'apply', dryRun: false } as const
  const steps = other.importSteps(documents, options)
  steps.next()
  t.throws(() => other.putNodeAddresses([]), { code: 'CHANGE_IN_PROGRESS' })
  t.throws(() => other.deleteNode('cilium'), { code: 'CHANGE_IN_PROGRESS' })
  t.same(other.getState(), testSimulator().getState(), 'the state is as before')
  t.same(complete(steps), one.importDocuments(documents, options))
  t.same(other.getState(), one.getState())
  for (const { name } of one.listNodes()) t.equal(other.lbMapsText(name), one.lbMapsText(name))
  const refused = other.importSteps([{ apiVersion: 'v1', kind: 'Service' }], options)
  t.throws(() => complete(refused), { code: 'INVALID_DOCUMENT' })
  t.same(other.putNodeAddresses([]), [], 'a refusal lets others go on')
})

/** Services for the slices of a list. */
function servicesOf (list: string): object[] {
  const { items } = JSON.parse(list) as { items: Array<{ metadata: { labels: Record<string, string> } }> }
  return items.map(({ metadata }, index) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'load', name: metadata.labels['kubernetes.io/service-name'] },
    spec: { type: 'LoadBalancer', clusterIP: 'None', ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
    status: { loadBalancer: { ingress: [{ ip: `172.20.${index >> 8}.${index & 255}` }] } }
  }))
}

t.test('a 20 MB list of EndpointSlices keeps nobody waiting', async (t) => {
  const api = await createApi()
  t.teardown(() => api.close())
  const list = endpointSliceList({ bytes: 20e6 })
  const services = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: servicesOf(list) })
  t.equal((await post(api, services, { 'content-type': 'application/json' })).status, 200)
  const body = Buffer.from(list)
  await sleep(50)
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const imported = new AbortController()
  let others = 0
  let slowestMs = 0
  const meanwhile = (async () => {
    while (!imported.signal.aborted) {
      const asked = performance.now()
      await api.app.inject({ method: 'GET', url: '/v1/nodes' })
      slowestMs = Math.max(slowestMs, performance.now() - asked)
      others++
      await sleep(5)
    }
  })()
  const started = performance.now()
  const importing = post(api, body, { 'content-type': 'application/json' })
  const change = api.call('PUT', '/v1/node-addresses', { body: { addresses: ['192.0.2.1'] } })
  const answer = await importing
  const durationMs = performance.now() - started
  imported.abort()
  await meanwhile
  delay.disable()
  t.match(answer.json(), { created: Number, skipped: [] })
  const pauseMs = delay.max / 1e6
  t.comment(`${(body.length / 1e6).toFixed(1)} MB, ${String(answer.json()['created'])} slices in ${durationMs.toFixed(0)} ms; longest pause of the event loop ${pauseMs.toFixed(0)} ms; ` +
    `${others} other requests, the slowest ${slowestMs.toFixed(0)} ms`)
  // a share of the whole, because a busy machine stretches both; on a quiet one it is 20 to 50 ms
  t.ok(pauseMs < durationMs / 4, 'the import goes on in small steps')
  t.ok(others > 10, 'others were answered meanwhile')
  t.equal((await change).status, 200, 'a change meanwhile is made before or after')
})
