// What services ask for beyond frontends and backends, over REST: given, shown back, put again as shown, and in the maps; and what is wrong
// with an import, by document and field.

import t from 'tap'
import { testSimulator } from '../support/simulator.ts'
import { allMapSizes, defaultSettings } from '../../lib/loadbalancer/index.ts'
import { createApi } from './support/api.ts'
import type { ApiAnswer } from './support/api.ts'

const settings = {
  ...defaultSettings('node'),
  tableSizePolicy: { fixed: 251 },
  options: { 'bpf-lb-algorithm-annotation': true, 'bpf-lb-mode-annotation': true, 'enable-service-topology': true }
}
const sim = testSimulator({ nodes: [settings], programs: 'when-needed' })
const api = await createApi({ sim })
t.teardown(() => api.close())

const put = (body: object, more: Record<string, string> = {}): Promise<ApiAnswer> => api.call('PUT', '/v1/services/shop/web', { body, headers: more })
const dump = async (): Promise<string> => (await api.call('GET', '/v1/nodes/node/lb-maps')).text
const replace = async (body: object): Promise<ApiAnswer> => {
  const current = await api.call('GET', '/v1/services/shop/web')
  return put(body, { 'if-match': current.header('etag') })
}
const lines = async (pattern: RegExp): Promise<string[]> => (await dump()).split('\n').filter((line) => pattern.test(line))

const frontends = [{ address: '203.0.113.1', port: 80, protocol: 'TCP', type: 'LoadBalancer' }]
const backends = [
  { address: '10.0.0.1', port: 8080, nodeName: 'node', zone: 'a', forZones: ['a'] }, { address: '10.0.0.2', port: 8080, nodeName: 'other', weight: 30 },
  { address: '10.0.0.3', port: 8080, nodeName: 'node', state: 'quarantined' }
]

t.test('what a service asks for is shown back, and put again as it was shown', async (t) => {
  const asked = {
    sessionAffinity: { timeoutSeconds: 600 },
    externalTrafficPolicy: 'Local',
    internalTrafficPolicy: 'Cluster',
    sourceRanges: { cidrs: ['198.51.100.0/24'], policy: 'deny' },
    algorithm: 'maglev',
    forwardingMode: 'dsr',
    proxyDelegation: 'delegate-if-local',
    trafficDistribution: 'PreferSameNode',
    healthCheckNodePort: 31000,
    loadBalancerClass: 'io.cilium/l2-announcer',
    exposure: { nodeSelector: 'tier in (front)' }
  }
  const made = await put({ frontends, backends, ...asked })
  t.equal(made.status, 201)
  t.match(made.json(), asked)
  t.equal(await dump(), '', 'no node is of that tier')
  const moved = await api.call('PATCH', '/v1/nodes/node', { body: { labels: { tier: 'front' } }, headers: { 'if-match': '*' } })
  t.match(moved.json(), { labels: { tier: 'front' } })
  t.strictSame(await lines(/^SVC: ID=\d+ ADDR=203.0.113.1:80.*SLOT=0/), [
    'SVC: ID=1 ADDR=203.0.113.1:80/TCP SLOT=0 LBALG=maglev AFFTimeout=600 COUNT=1 QCOUNT=1 FLAGS=LoadBalancer+Local+two-scopes+sessionAffinity+check source-range+deny+delegate-if-local+dsr',
    'SVC: ID=2 ADDR=203.0.113.1:80/TCP/i SLOT=0 LBALG=maglev AFFTimeout=600 COUNT=1 QCOUNT=1 FLAGS=LoadBalancer+Local+two-scopes+sessionAffinity+check source-range+deny+delegate-if-local+dsr'
  ])
  t.match(await dump(), /AFF: ID=1 BEID=1\n.*AFF: ID=2 BEID=1\n.*SRCRANGE: ID=1 CIDR=198\.51\.100\.0\/24\nSRCRANGE: ID=2/s)
  const quarantined = 'FLAGS=LoadBalancer+Local+two-scopes+sessionAffinity+delegate-if-local+quarantined+dsr'
  t.strictSame(await lines(/SLOT=.* BEID=2/), [
    `SVC: ID=1 ADDR=203.0.113.1:80/TCP SLOT=2 BEID=2 COUNT=0 QCOUNT=0 ${quarantined}`,
    `SVC: ID=2 ADDR=203.0.113.1:80/TCP/i SLOT=2 BEID=2 COUNT=0 QCOUNT=0 ${quarantined}`
  ])
  const before = await dump()
  const shown = await api.call('GET', '/v1/services/shop/web')
  const again = await replace(shown.json())
  t.equal(again.status, 200)
  t.strictSame(again.json(), shown.json())
  t.equal(await dump(), before, 'ids and all')
  const state = await api.call('GET', '/v1/state')
  const restored = await api.call('PUT', '/v1/state', { body: (({ revision, ...rest }) => rest)(state.json()) })
  t.strictSame(restored.json()['services'], state.json()['services'])
  const frontendsOfNode = (await api.call('GET', '/v1/nodes/node/frontends')).json()['items'] as Array<{ scope?: string }>
  t.strictSame(frontendsOfNode.map(({ scope }) => scope), [undefined, 'internal'])
})

t.test('a proxy instead of backends; merge patches take wishes back', async (t) => {
  await replace({ frontends, backends: [], l7ProxyPort: 15_735 })
  t.match(await lines(/L7Proxy/), [/ADDR=203.0.113.1:80\/TCP SLOT=0 L7Proxy=15735 COUNT=0 QCOUNT=0 FLAGS=LoadBalancer\+l7-load-balancer$/])
  const current = await api.call('GET', '/v1/services/shop/web')
  const patched = await api.call('PATCH', '/v1/services/shop/web', { body: { l7ProxyPort: null, algorithm: 'random' }, headers: { 'if-match': current.header('etag') } })
  t.equal(patched.json()['l7ProxyPort'], undefined)
  t.match(await lines(/:80\/TCP SLOT=0 LBALG/), [/LBALG=random/])
})

t.test('a node that moves keeps its ids; its zone and its name in Kubernetes decide what is near', async (t) => {
  await replace({ frontends, backends: backends.slice(0, 2), internalTrafficPolicy: 'Cluster', externalTrafficPolicy: 'Local' })
  const ids = await lines(/^REV/)
  const serves = async (): Promise<string[]> => (await lines(/203.0.113.1:80\/TCP SLOT=[1-9]/)).map((line) => /BEID=(\d+)/.exec(line)?.[1] ?? '')
  const at = async (): Promise<string[]> => (await lines(/^BE/)).map((line) => /ID=(\d+) ADDR=(\S+)/.exec(line)?.slice(1).join(' ') ?? '')
  t.equal((await serves()).length, 1)
  await api.call('PATCH', '/v1/nodes/node', { body: { nodeName: 'other', zone: 'b' }, headers: { 'if-match': '*' } })
  t.strictSame(await lines(/^REV/), ids)
  t.match(await at(), [/10\.0\.0\.1/, /10\.0\.0\.2/], 'both, for lookups from inside')
  await api.call('PATCH', '/v1/nodes/node', { body: { nodeName: 'nobody' }, headers: { 'if-match': '*' } })
  t.strictSame(await serves(), [])
  const listed = (await api.call('GET', '/v1/nodes/node/frontends')).json()['items'] as Array<{ reason: string | null }>
  t.match(listed[0]?.reason, /no backend on nobody itself is active/)
  const back = await api.call('PATCH', '/v1/nodes/node', { body: { nodeName: null, zone: null, labels: { tier: null } }, headers: { 'if-match': '*' } })
  t.match(back.json(), { nodeName: null, zone: null, labels: {} })
})

t.test('wrong wishes are refused with every place, and nothing happens', async (t) => {
  const before = await dump()
  const pointers = (answer: ApiAnswer): unknown[] => (answer.json()['errors'] as Array<{ pointer: string }>).map(({ pointer }) => pointer)
  const refused = async (status: number, body: object, ...places: string[]): Promise<void> => {
    const answer = await replace({ frontends, backends: [], ...body })
    t.equal(answer.status, status, answer.text.slice(0, 200))
    t.strictSame(pointers(answer), places)
  }
  await refused(422, { sourceRanges: { cidrs: ['10.0.0.0/8', '10.0.0.0/33', '10.0.0.1'] } }, '/sourceRanges/cidrs/1', '/sourceRanges/cidrs/2')
  await refused(422, { sessionAffinity: { timeoutSeconds: 60 }, l7ProxyPort: 9 }, '/l7ProxyPort')
  await refused(422, { exposure: { nodeSelector: 'a in b' } }, '/exposure/nodeSelector')
  await refused(400, { sessionAffinity: { timeoutSeconds: 0 } }, '/sessionAffinity/timeoutSeconds')
  await refused(400, { externalTrafficPolicy: 'Near' }, '/externalTrafficPolicy')
  await refused(422, { frontends: [...frontends, { ...frontends[0], address: 'nowhere' }] }, '/frontends/1/address')
  t.equal(await dump(), before)
})

t.test('imports that are wrong name document and field, and leave everything as it was', async (t) => {
  const before = await dump()
  const revision = (await api.call('GET', '/v1/state')).json()['revision']
  const good = service('good', {})
  const refused = async (documents: unknown[], pointer: string, detail: RegExp, status = 422): Promise<void> => {
    const answer = await api.call('POST', '/v1/imports', { body: [good, ...documents] })
    t.equal(answer.status, status, answer.text.slice(0, 300))
    t.match(answer.json(), { errors: [{ pointer, detail }] }, pointer)
    t.equal(await dump(), before)
    t.equal((await api.call('GET', '/v1/state')).json()['revision'], revision)
  }
  await refused([service('x', { sessionAffinity: 'Cookie' })], '/1/spec/sessionAffinity', /not one of None, ClientIP/)
  await refused([service('x', { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 90_000 } } })], '/1/spec/sessionAffinityConfig/clientIP/timeoutSeconds', /from 1 to 86400/)
  await refused([service('x', { externalTrafficPolicy: 7 })], '/1/spec/externalTrafficPolicy', /text is expected/)
  await refused([service('x', { loadBalancerSourceRanges: ['10.0.0.0/8', 'all'] })], '/1/spec/loadBalancerSourceRanges/1', /no range of addresses/)
  await refused([service('x', { trafficDistribution: 'Anywhere' })], '/1/spec/trafficDistribution', /not one of/)
  await refused([{ ...service('x', {}), metadata: { name: 'x', annotations: { 'service.cilium.io/type': 4 } } }], '/1/metadata/annotations/service.cilium.io~1type', /text is expected/)
  await refused([slice([{ addresses: ['10.0.0.1'], hints: { forZones: 'a' }, zone: 'a' }])], '/1/endpoints/0/hints/forZones', /list is expected/)
  await refused([slice(Array.from({ length: 70_000 }, (_, index) => ({ addresses: [`10.${index >> 16}.${index >> 8 & 255}.${index & 255}`] })))], '/1/endpoints', /70000 endpoints are more than the limit/)
  await refused([{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' }, spec: { containers: [{ ports: [{ hostPort: 80, containerPort: 'http' }] }] } }], '/1/spec/containers/0/ports/0/containerPort', /not a port/)
  const ports = (...list: object[]): object => service('x', { ports: list })
  await refused([ports({ name: 'a', port: 80 }, { name: 'b', port: 80, protocol: 'UDP' }, { name: 'c', port: 80, protocol: 'TCP' })], '/1/spec/ports/2', /^port 80\/TCP stands at \/spec\/ports\/0 already$/)
  await refused([ports({ name: 'a', port: 80 }, { name: 'a', port: 81 })], '/1/spec/ports/1/name', /^the name "a" stands at \/spec\/ports\/0\/name already$/)
  await refused([ports({ name: 'a', port: 80, nodePort: 30080 }, { name: 'b', port: 81, nodePort: 30080 })], '/1/spec/ports/1/nodePort', /^nodePort 30080\/TCP stands at/)
  await refused([{ apiVersion: 'v1', kind: 'ServiceList', items: [ports({ port: 80 }, { port: 80 })] }], '/1/items/0/spec/ports/1', /^port 80\/TCP stands at/)
  await refused([service('x', { externalIPs: ['203.0.113.1'], clusterIP: '10.96.0.9' })], '/1', /203\.0\.113\.1:80\/TCP belongs to service shop\/web/, 409)
})

t.test('an import says what it left out; port names that do not match leave a frontend without backends', async (t) => {
  const answer = await api.call('POST', '/v1/imports', {
    body: [
      service('named', { clusterIP: '10.96.0.5', ports: [{ port: 80, name: 'web' }] }), slice([{ addresses: ['10.0.0.9'] }], 'named', [{ name: 'http', port: 8080 }]),
      { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', metadata: { name: 'edge' } }, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'plain' }, spec: { containers: [] } }
    ]
  })
  t.match(answer.json(), {
    created: 2, skipped: [{ document: 2, kind: 'Gateway', name: 'default/edge' }, { document: 3, kind: 'Pod', name: 'default/plain', reason: /host ports/ }]
  })
  t.match(await lines(/10.96.0.5:80/), [/REV/, /SLOT=0 LBALG=undef AFFTimeout=0 COUNT=0 QCOUNT=0/])
})

t.test('several ports without a name are taken as Cilium takes them, and listed', async (t) => {
  const body = [service('unnamed', { clusterIP: '10.96.0.6', ports: [{ name: 'a', port: 80 }, { port: 81 }] })]
  const answer = (await api.call('POST', '/v1/imports', { body })).json()
  t.match(answer, { created: 1, skipped: [{ name: 'default/unnamed', reason: /^imported, but without effect: that there are several ports: \/spec\/ports\/1 has no name/ }] })
  t.equal((await api.call('POST', '/v1/imports?operation=delete', { body })).json()['deleted'], 1)
})

t.test('a weight that is none is without effect, and said by its annotation and value', async (t) => {
  const weighed = (weight: string): object => {
    const { metadata, ...others } = slice([{ addresses: ['10.0.0.8'] }], 'weighed') as { metadata: object }
    return { ...others, metadata: { ...metadata, annotations: { 'service.cilium.io/weight': weight } } }
  }
  const bring = async (weight: string): Promise<unknown> =>
    (await api.call('POST', '/v1/imports', { body: [service('weighed', { clusterIP: '10.96.0.8' }), weighed(weight)] })).json()['skipped']
  for (const weight of ['heavy', '70000', '-1', '2.5', '']) {
    const reason = `imported, but without effect: service.cilium.io/weight cannot be "${weight}": a weight is an integer from 0 to 65535; the endpoints have 100`
    t.match(await bring(weight), [{ document: 1, kind: 'EndpointSlice', reason }], weight)
  }
  t.same(await bring('65535'), [])
  t.match((await api.call('GET', '/v1/services/default/weighed')).json(), { backends: [{ weight: 65_535 }] })
})

t.test('a node whose maps are too small says which', async (t) => {
  const sizes = { affinity: ['cilium_lb_affinity_match', 2], sourceRange: ['cilium_lb4_source_range', 2] } as const
  for (const [member, [map, limit]] of Object.entries(sizes)) {
    const small = await createApi({ sim: testSimulator({ nodes: [{ ...settings, name: 'small', mapSizes: { ...allMapSizes(64), [member]: limit } }], programs: 'when-needed' }) })
    t.teardown(() => small.close())
    const answer = await small.call('POST', '/v1/services', {
      body: {
        namespace: 'shop',
        name: 'web',
        frontends,
        backends: [1, 2, 3].map((last) => ({ address: `10.0.0.${last}`, port: 80 })),
        sessionAffinity: { timeoutSeconds: 60 },
        sourceRanges: { cidrs: ['10.0.0.0/8', '11.0.0.0/8', '12.0.0.0/8'] }
      }
    })
    t.equal(answer.status, 409)
    t.match(answer.json(), { code: 'MAP_FULL', node: 'small', map, needed: 3, limit })
  }
})

function service (name: string, spec: object): object {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { clusterIP: '10.96.0.1', ports: [{ port: 80 }], ...spec } }
}

function slice (endpoints: unknown[], serviceName = 'x', ports: unknown[] = [{ port: 8080 }]): object {
  return {
    apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: `${serviceName}-1`, labels: { 'kubernetes.io/service-name': serviceName } }, addressType: 'IPv4', endpoints, ports
  }
}
