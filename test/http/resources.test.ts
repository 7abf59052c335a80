// The resources over HTTP, on a real simulator: what is written is read back and looked up, versions guard changes, lists come
// in pages, forms are negotiated, and bad input is refused with the exact place and nothing changed.

import t from 'tap'
import { committedVectors } from '../support/maglev-vectors.ts'
import { createApi, type Api, type ApiAnswer } from './support/api.ts'
import type { Json } from './support/conformance.ts'

const web = {
  frontends: [{ address: '172.20.0.10', port: 443 }],
  backends: [{ address: '10.244.1.7', port: 8443 }, { address: '10.244.2.9', port: 8443 }, { address: '10.244.3.4', port: 8443 }]
}
const flow = { source: '203.0.113.7', sourcePort: 51022, destination: '172.20.0.10', destinationPort: 443, protocol: 'TCP' }

const create = async (api: Api, name = 'web', spec: object = web): Promise<ApiAnswer> => await api.call('POST', '/v1/services', { body: { namespace: 'shop', name, ...spec } })
const placesOf = (answer: ApiAnswer): string[] => ((answer.json()['errors'] ?? []) as Array<{ pointer: string }>).map(({ pointer }) => pointer)

t.test('services', async (t) => {
  const api = await createApi()
  t.teardown(() => api.close())
  const created = await create(api)
  t.equal(created.status, 201)
  t.equal(created.header('location'), '/v1/services/shop/web')
  t.match(created.json(), { source: 'api', frontends: [{ type: 'LoadBalancer', protocol: 'TCP' }], backends: [{ weight: 100, state: 'active' }, {}, {}] })
  t.match([(await create(api)).status, (await create(api)).json()], [409, { code: 'SERVICE_EXISTS' }])

  const read = await api.call('GET', '/v1/services/shop/web')
  t.equal(read.header('etag'), created.header('etag'), 'what a change answers is the version that is read')
  t.equal((await api.call('GET', '/v1/services/shop/web', { headers: { 'if-none-match': `"other", W/${read.header('etag')}` } })).status, 304)
  t.equal((await api.call('HEAD', '/v1/services/shop/web')).text, '')

  const put = (headers: Record<string, string>, body: object = web, name = 'web'): Promise<ApiAnswer> => api.call('PUT', `/v1/services/shop/${name}`, { body, headers })
  t.match((await put({})).json(), { code: 'PRECONDITION_REQUIRED' })
  t.match((await put({ 'if-match': '"stale"' })).json(), { code: 'PRECONDITION_FAILED', currentTag: read.header('etag') })
  t.match((await put({ 'if-none-match': '*' })).json(), { code: 'PRECONDITION_FAILED' })
  t.match((await put({ 'if-match': '*' }, web, 'new')).json(), { code: 'PRECONDITION_FAILED' }, 'what does not exist has no version')
  t.equal((await put({ 'if-none-match': '*' }, { frontends: [{ address: '172.20.0.11', port: 80 }] }, 'new')).status, 201)
  const replaced = await put({ 'if-match': read.header('etag') }, { ...web, backends: web.backends.slice(1) })
  t.match([replaced.status, replaced.json()], [200, { backends: [{ address: '10.244.2.9' }, {}] }])
  t.equal((await put({ 'if-match': read.header('etag') })).status, 412, 'the version that was replaced is stale')
  t.same((await put({ 'if-match': '*' }, replaced.json())).json(), replaced.json(), 'what was read is accepted')
  t.match((await put({ 'if-match': '*' }, { ...replaced.json(), name: 'other' })).json(), { code: 'INVALID_ARGUMENT', errors: [{ pointer: '/name' }] })

  const patched = await api.call('PATCH', '/v1/services/shop/web', {
    body: { backends: [{ address: '10.244.9.9', port: 1 }] }, headers: { 'if-match': '*', 'content-type': 'application/merge-patch+json' }
  })
  t.match(patched.json(), { frontends: [{ address: '172.20.0.10' }], backends: [{ address: '10.244.9.9' }] })
  const inPatch = { body: { loadBalancerClass: 'example.com/other' }, headers: { 'if-match': '*' } }
  t.match((await api.call('PATCH', '/v1/services/shop/web', inPatch)).json(), { loadBalancerClass: 'example.com/other', backends: [{}] })
  await api.call('POST', '/v1/services/shop/web/backends', { body: { address: '10.244.9.10', port: 1 } })
  const classed = await api.call('GET', '/v1/services/shop/web')
  t.match(classed.json(), { loadBalancerClass: 'example.com/other', backends: [{}, {}] }, 'a new backend leaves the rest of its service')
  t.match((await api.call('PATCH', '/v1/services/shop/web', { body: { backends: null }, headers: { 'if-match': classed.header('etag') } })).json(), { backends: [] })

  t.equal((await api.call('DELETE', '/v1/services/shop/web')).status, 428)
  t.equal((await api.call('DELETE', '/v1/services/shop/web', { headers: { 'if-match': '*' } })).status, 204)
  t.equal((await api.call('GET', '/v1/services/shop/web')).status, 404)
})

t.test('backends', async (t) => {
  const api = await createApi()
  t.teardown(() => api.close())
  await create(api)
  const list = '/v1/services/shop/web/backends'
  const added = await api.call('POST', list, { body: { address: '2001:DB8:0::7', port: 8443, weight: 50 } })
  t.match([added.status, added.header('location'), added.json()], [201, `${list}/${encodeURIComponent('[2001:db8::7]:8443/TCP')}`, { address: '2001:db8::7', weight: 50 }])
  t.match((await api.call('POST', list, { body: { address: '2001:db8::7', port: 8443 } })).json(), { code: 'BACKEND_EXISTS' })
  const one = `${list}/${encodeURIComponent('10.244.1.7:8443/tcp')}`
  const read = await api.call('GET', one)
  t.match(read.json(), { address: '10.244.1.7', protocol: 'TCP' })
  t.equal((await api.call('PATCH', one, { body: { weight: 10 } })).status, 428)
  t.match((await api.call('PATCH', one, { body: { weight: 10, state: 'maintenance' }, headers: { 'if-match': read.header('etag') } })).json(), { weight: 10, state: 'maintenance' })
  t.equal((await api.call('DELETE', one, { headers: { 'if-match': read.header('etag') } })).status, 412)
  t.equal((await api.call('DELETE', one, { headers: { 'if-match': '*' } })).status, 204)
  t.match((await api.call('GET', one)).json(), { code: 'BACKEND_NOT_FOUND' })
  t.match((await api.call('GET', `${list}/nonsense-here`)).json(), { code: 'VALIDATION_FAILED', errors: [{ pointer: 'backend' }] })

  const page = await api.call('GET', `${list}?limit=2`)
  const tag = page.header('etag')
  t.equal((page.json()['items'] as unknown[]).length, 2)
  t.equal((await api.call('PUT', list, { body: { backends: [] }, headers: { 'if-match': '"stale"' } })).status, 412)
  const emptied = await api.call('PUT', list, { body: { backends: [] }, headers: { 'if-match': tag } })
  t.equal(emptied.status, 204)
  t.equal((await api.call('GET', list)).header('etag'), emptied.header('etag'))
})

t.test('lists come in pages', async (t) => {
  const api = await createApi()
  t.teardown(() => api.close())
  const names = Array.from({ length: 7 }, (_, index) => `web-${index}`)
  for (const [index, name] of names.entries()) await create(api, name, { frontends: [{ address: `172.20.1.${index}`, port: 80 }] })
  const seen: string[] = []
  let url = '/v1/services?limit=3&namespace=shop'
  for (let pages = 0; url !== '' && pages < 5; pages++) {
    const answer = await api.call('GET', url)
    seen.push(...(answer.json()['items'] as Array<{ name: string }>).map(({ name }) => name))
    // what is removed before the cursor neither repeats nor loses others
    if (pages === 0) await api.call('DELETE', '/v1/services/shop/web-1', { headers: { 'if-match': '*' } })
    url = /<(.*)>; rel="next"/.exec(answer.header('link'))?.[1] ?? ''
  }
  t.same(seen, names)
  const { next } = (await api.call('GET', '/v1/services?limit=3')).json()
  t.match((await api.call('GET', `/v1/services?limit=3&namespace=shop&cursor=${String(next)}`)).json(), { code: 'INVALID_CURSOR' }, 'other filters')
  t.match((await api.call('GET', `/v1/nodes?cursor=${String(next)}`)).json(), { code: 'INVALID_CURSOR' }, 'another list')
  t.match((await api.call('GET', '/v1/services?cursor=AAAA')).json(), { code: 'INVALID_CURSOR', errors: [{ pointer: 'cursor' }] })
  t.equal((await api.call('GET', '/v1/services?limit=100000')).status, 200, 'more than the most is the most')
  t.match((await api.call('GET', '/v1/services?limit=-1')).json(), { code: 'VALIDATION_FAILED', errors: [{ pointer: 'limit' }] })
  t.match((await api.call('GET', '/v1/services?limt=1')).json(), { code: 'VALIDATION_FAILED', errors: [{ pointer: 'limt' }] })
})

t.test('nodes and what they hold', async (t) => {
  const api = await createApi()
  t.teardown(() => api.close())
  await create(api)
  t.same(((await api.call('GET', '/v1/nodes')).json()['items'] as Array<{ name: string }>).map(({ name }) => name), ['cilium', 'dynamic'])
  const made = await api.call('POST', '/v1/nodes', { body: { name: 'small', layout: 'blob', tableSizePolicy: { fixed: 1021 }, mapSizes: { services: 100 } } })
  t.equal(made.status, 201)
  t.match(made.json(), { tableSizePolicy: { fixed: 1021 }, mapSizes: { services: 100, backends: 65536 }, counts: { tables: 1 } })
  t.match((await api.call('POST', '/v1/nodes', { body: { name: 'small' } })).json(), { code: 'NODE_EXISTS' })
  t.match((await api.call('POST', '/v1/nodes', { body: { name: 'odd', tableSizePolicy: { fixed: 1000 } } })).json(), { code: 'INVALID_ARGUMENT' })

  const changed = await api.call('PATCH', '/v1/nodes/dynamic', { body: { tableSizePolicy: { fixed: 1021 }, options: { 'bpf-lb-external-clusterip': true } }, headers: { 'if-match': '*' } })
  t.match(changed.json(), { tableSizePolicy: { fixed: 1021 }, options: { 'bpf-lb-external-clusterip': true } })
  t.notOk('perService' in (changed.json()['tableSizePolicy'] as Json), 'one policy takes the place of the other')
  t.match((await api.call('PATCH', '/v1/nodes/dynamic', { body: { possibleCpus: 4, mapSizes: { maglev: 500 } }, headers: { 'if-match': changed.header('etag') } })).json(),
    { possibleCpus: 4, mapSizes: { maglev: 500, services: 65536 }, tableSizePolicy: { fixed: 1021 } })
  t.equal((await api.call('PATCH', '/v1/nodes/dynamic', { body: { addresses: ['192.0.2.1'] }, headers: { 'if-match': '*' } })).status, 200)
  t.same((await api.call('PATCH', '/v1/nodes/dynamic', { body: { options: { 'bpf-lb-external-clusterip': null } }, headers: { 'if-match': '*' } })).json()['options'], {}, 'null unsets')
  t.match((await api.call('PATCH', '/v1/nodes/dynamic', { body: { addresses: null }, headers: { 'if-match': '*' } })).json(), { addresses: null })

  const frontends = (await api.call('GET', '/v1/nodes/small/frontends?namespace=shop&service=web')).json()['items'] as Array<{ id: number }>
  const frontend = `/v1/nodes/small/frontends/${frontends[0]?.id}`
  t.match((await api.call('GET', frontend)).json(), { address: '172.20.0.10', table: { m: 1021, backends: 3 } })
  const table = await api.call('GET', `${frontend}/table`)
  const { slots, counts } = table.json() as { slots: number[], counts: Record<string, number> }
  t.equal(slots.length, 1021)
  t.equal(Object.values(counts).reduce((sum, count) => sum + count, 0), 1021)
  t.equal(table.header('vary'), 'Accept')
  const runs = await api.call('GET', `${frontend}/table`, { headers: { accept: 'text/plain' } })
  t.same(runs.text.trim().split(',').flatMap((run) => {
    const [, id, length] = /^(\d+)\((\d+)\)$/.exec(run) ?? []
    return Array<number>(Number(length)).fill(Number(id))
  }), slots, 'run-length text is the same table')
  t.not(runs.header('etag'), table.header('etag'), 'another form has another tag')
  const csv = await api.call('GET', `${frontend}/table?format=csv`)
  t.same(csv.text.trim().split('\r\n').slice(1).map((line) => Number(line.split(',')[1])), slots)
  t.match((await api.call('GET', `${frontend}/table`, { headers: { accept: 'image/png' } })).json(), { code: 'NOT_ACCEPTABLE', available: ['application/json', 'text/plain', 'text/csv'] })
  t.equal((await api.call('GET', `${frontend}/table`, { headers: { accept: 'text/*;q=0.1, application/json' } })).header('content-type'), 'application/json; charset=utf-8')
  t.match((await api.call('GET', '/v1/nodes/small/lb-maps')).text, /^BE: ID=1 ADDR=10\.244\.1\.7:8443\/TCP STATE=active$/m)

  const maps = (await api.call('GET', '/v1/nodes/small/maps?limit=500')).json()['items'] as Array<{ id: number, name: string, entries: number }>
  for (const { id } of maps) t.match((await api.call('GET', `/v1/nodes/small/maps/${id}`)).json(), { id })
  const services = maps.find(({ name, entries }) => name.startsWith('cilium_lb4_serv') && entries > 2)
  const first = await api.call('GET', `/v1/nodes/small/maps/${services?.id}/entries?limit=3`)
  const second = await api.call('GET', /<(.*)>/.exec(first.header('link'))?.[1] ?? '')
  const keys = [first, second].flatMap((answer) => (answer.json()['items'] as Array<{ key: string[] }>).map(({ key }) => key.join(' ')))
  t.equal(new Set(keys).size, services?.entries, 'pages of entries are all entries')

  const program = ((await api.call('GET', '/v1/nodes/small/programs')).json()['items'] as Array<{ id: number }>)[0]?.id
  t.match((await api.call('GET', `/v1/nodes/small/programs/${program}`)).json(), { type: 'xdp' })
  const xlated = await api.call('GET', `/v1/nodes/small/programs/${program}/xlated`)
  t.match(xlated.text, /^ +\d+: \([0-9a-f]{2}\) /m)
  t.equal((await api.call('GET', `/v1/nodes/small/programs/${program}/xlated?format=json`)).json()['text'], xlated.text)
  t.equal((await api.call('DELETE', '/v1/nodes/small', { headers: { 'if-match': '*' } })).status, 204)
  t.match((await api.call('GET', frontend)).json(), { code: 'NODE_NOT_FOUND' })
})

t.test('negotiation', async (t) => {
  const api = await createApi()
  t.teardown(() => api.close())
  const cases: Array<[accept: string, type: string | null]> = [
    ['*/*', 'application/json'],
    ['application/*', 'application/json'],
    ['text/*', 'text/plain'],
    ['application/json; charset=utf-8', 'application/json'],
    ['TEXT/CSV;header=present', 'text/csv'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text/html'],
    ['application/json, text/plain, */*', 'application/json'],
    ['text/csv, application/json', 'text/csv'],
    ['text/plain;q=0.5, text/csv;q=0.9, application/json;q=0.7', 'text/csv'],
    ['*/*;q=0.1', 'application/json'],
    ['text/*;q=0.3, text/csv;q=0.2, application/json;q=0', 'text/plain'],
    ['application/json;q=0, */*', 'text/plain'],
    ['text/markdown', 'text/markdown'],
    ['image/*', 'image/svg+xml'],
    ['image/png', null],
    ['*/*;q=0', null],
    ['', 'application/json'],
    ['nonsense', 'application/json'],
    ['application/json;q=0.2;v=1, text/csv;q=0.3', 'text/csv'],
  ]
  for (const [accept, type] of cases) {
    const answer = await api.call('GET', '/v1/reports/memory', { headers: { accept } })
    t.same([answer.status, answer.header('content-type').split(';')[0]], type === null ? [406, 'application/problem+json'] : [200, type], accept)
  }
})

t.test('lookups', async (t) => {
  const api = await createApi()
  t.teardown(() => api.close())
  await create(api)
  await create(api, 'six', { frontends: [{ address: '2001:db8::a', port: 443, protocol: 'UDP' }], backends: [{ address: '2001:db8:1::1', port: 53, protocol: 'UDP' }] })
  const posted = await api.call('POST', '/v1/lookups', { body: { flows: [flow] } })
  t.match(posted.json(), { results: [{ agree: Boolean, nodes: [{ node: 'cilium', verdict: 'XDP_TX', drop: null, backend: { port: 8443 }, cost: { mapLookups: Number } }, { node: 'dynamic' }] }] })
  const got = await api.call('GET', '/v1/lookups?flow=203.0.113.7:51022,172.20.0.10:443/tcp')
  t.same(got.json(), posted.json(), 'GET is the same question')
  t.match((await api.call('GET', '/v1/lookups?flow=[2001:db8::99]:51022,[2001:DB8::A]:443/udp&nodes=dynamic')).json(),
    { results: [{ nodes: [{ node: 'dynamic', verdict: 'XDP_TX', backend: { address: '2001:db8:1::1', port: 53 } }] }] })
  const traced = await api.call('POST', '/v1/lookups', { body: { flows: [flow], nodes: ['cilium'], trace: true } })
  const [{ nodes: [lookup] }] = traced.json()['results'] as [{ nodes: [{ trace: Array<{ registers: string[], source: unknown }>, cost: { instructions: number } }] }]
  t.equal(lookup.trace.length, lookup.cost.instructions)
  t.ok(lookup.trace.some(({ source }) => source !== null), 'with C lines')
  t.match((await api.call('POST', '/v1/lookups', { body: { flows: Array(33).fill(flow), trace: true } })).json(), { code: 'LIMIT_EXCEEDED' })
  const metrics = await api.call('GET', '/metrics')
  t.match(metrics.text, /^maglev_sim_lookup_packets_total\{node="dynamic",verdict="XDP_TX"\} 3$/m)
  t.match(metrics.text, /^maglev_sim_bpf_map_pressure\{node="cilium",map_name="\w+"\} 0\.0000\d+$/m)
  t.match(metrics.text, /^http_request_duration_seconds_count\{method="POST",route="\/v1\/lookups",status="200"\} 2$/m)
})

t.test('bad input is refused with the exact place, and nothing changes', async (t) => {
  const api = await createApi()
  t.teardown(() => api.close())
  await create(api)
  const before = (await api.call('GET', '/v1/state')).text
  const service = (spec: object): Json => ({ namespace: 'shop', name: 'bad', frontends: [{ address: '172.20.0.12', port: 80 }], ...spec })
  const cases: Array<[what: string, method: string, url: string, body: unknown, status: number, place?: string]> = [
    ['an unknown member', 'POST', '/v1/services', service({ selector: {} }), 400, '/selector'],
    ['an unknown member inside', 'POST', '/v1/services', service({ backends: [{ address: '10.0.0.1', port: 1, wieght: 3 }] }), 400, '/backends/0/wieght'],
    ['port 70000', 'POST', '/v1/services', service({ frontends: [{ address: '172.20.0.12', port: 70_000 }] }), 400, '/frontends/0/port'],
    ['a port as text', 'POST', '/v1/services', service({ frontends: [{ address: '172.20.0.12', port: '80' }] }), 400, '/frontends/0/port'],
    ['an address that is none', 'POST', '/v1/services', service({ backends: [{ address: '10.0.0.1', port: 1 }, { address: '10.0.0.300', port: 1 }] }), 422, '/backends/1/address'],
    ['a frontend twice', 'POST', '/v1/services', service({ frontends: [{ address: '172.20.0.12', port: 80 }, { address: '172.20.0.12', port: 80 }] }), 422, '/frontends/1'],
    ['a frontend of another service', 'POST', '/v1/services', service({ frontends: web.frontends }), 409, '/frontends/0'],
    ['a service without a name', 'POST', '/v1/services', { namespace: 'shop' }, 400, '/name'],
    ['no body', 'POST', '/v1/services', undefined, 415],
    ['an array', 'POST', '/v1/services', [], 400, ''],
    ['a body of another type', 'PUT', '/v1/node-addresses', { addresses: '192.0.2.1' }, 400, '/addresses'],
    ['a node address that is none', 'PUT', '/v1/node-addresses', { addresses: ['192.0.2.1', 'here'] }, 422, '/addresses/1'],
    ['a 1-byte packet', 'POST', '/v1/lookups', { packets: ['00'] }, 422, '/packets/0'],
    ['odd hex', 'POST', '/v1/lookups', { packets: ['0'.repeat(28), '0'.repeat(29)] }, 422, '/packets/1'],
    ['no hex', 'POST', '/v1/lookups', { packets: ['z'.repeat(28)] }, 422, '/packets/0'],
    ['flows of two families', 'POST', '/v1/lookups', { flows: [flow, { ...flow, destination: '2001:db8::1' }] }, 422, '/flows/1/destination'],
    ['neither flows nor packets', 'POST', '/v1/lookups', {}, 422],
    ['both', 'POST', '/v1/lookups', { flows: [flow], packets: ['0'.repeat(28)] }, 422],
    ['1001 flows', 'POST', '/v1/lookups', { flows: Array(1001).fill(flow) }, 400, '/flows'],
    ['an unknown node', 'POST', '/v1/lookups', { flows: [flow], nodes: ['cilium', 'nowhere'] }, 404],
    ['a mix that is none', 'POST', '/v1/reports/memory', { mix: '7x3,9' }, 422, '/mix'],
    ['a report without ports', 'GET', '/v1/reports/convergence?ports=0', undefined, 400, 'ports'],
    ['a wait that is none', 'GET', '/v1/reports/convergence?rcuWait=never', undefined, 400, 'rcuWait'],
    ['an option of another report', 'POST', '/v1/reports/convergence', { trials: 5 }, 400],
    ['an example too large to think through', 'POST', '/v1/reports/convergence', { ports: 512, frontendsPerPort: 17, backends: 1000 }, 422, '/ports'],
    ['a share above one', 'GET', '/v1/reports/advice?maxCollateralShare=1.5', undefined, 400, 'maxCollateralShare'],
    ['a limit below zero', 'POST', '/v1/reports/advice', { maxBytesPerNode: -1 }, 400, '/maxBytesPerNode'],
    ['an unknown report', 'POST', '/v1/reports/moods', { mix: '7x3' }, 404],
    ['an unknown service', 'GET', '/v1/services/shop/none', undefined, 404],
    ['an unknown frontend', 'GET', '/v1/nodes/cilium/frontends/4242/table', undefined, 404],
    ['an id that is none', 'GET', '/v1/nodes/cilium/frontends/abc', undefined, 400, 'id'],
    ['an unknown map', 'GET', '/v1/nodes/cilium/maps/4242/entries', undefined, 404],
    ['an unknown program', 'GET', '/v1/nodes/cilium/programs/4242/xlated', undefined, 404],
    ['an unknown run', 'GET', '/v1/runs/4242', undefined, 404],
    ['a flow that is none', 'GET', '/v1/lookups?flow=203.0.113.7:51022,172.20.0.10/tcp', undefined, 400, 'flow'],
    ['a state that contradicts itself', 'PUT', '/v1/state', { services: [service({}), service({})] }, 422, '/services/1'],
    ['an unknown address', 'GET', '/v1/nothing', undefined, 404],
    ['a method that is not known there', 'DELETE', '/v1/services', undefined, 405],
    ['an address that is not percent-encoded right', 'GET', '/v1/services/shop/%zz', undefined, 400]
  ]
  for (const [what, method, url, body, status, place] of cases) {
    const answer = await api.call(method, url, { body })
    t.equal(answer.status, status, `${what}: ${answer.text}`)
    if (place !== undefined) t.equal(placesOf(answer)[0], place, `${what}: at ${place}`)
  }
  const raw = async (text: string, type: string): Promise<ApiAnswer> => await api.call('POST', '/v1/services', { body: text, headers: { 'content-type': type } })
  t.match((await raw('{"namespace": "shop",\n "name": }', 'application/json')).json(), { code: 'MALFORMED_JSON', detail: 'Line 2, column 10: expected a value, got "}".' })
  t.match((await raw('{"__proto__": {}}', 'application/json')).json(), { code: 'MALFORMED_JSON', errors: [{ pointer: '/__proto__' }] })
  t.match((await raw('{}', 'text/plain')).json(), { code: 'UNSUPPORTED_MEDIA_TYPE', accepted: ['application/json'] })
  t.match((await raw(' '.repeat(5 * 1024 * 1024), 'application/json')).json(), { code: 'BODY_TOO_LARGE', limitBytes: 4 * 1024 * 1024 })
  t.equal((await api.call('GET', '/v1/state')).text, before, 'nothing changed')
})

t.test('a Maglev seed that is none is refused with what a seed is and what was given, wherever it comes from', async (t) => {
  const api = await createApi()
  t.teardown(() => api.close())
  const before = (await api.call('GET', '/v1/state')).text
  const configMap = (seed: string): Json => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'cilium-config', namespace: 'kube-system' }, data: { 'bpf-lb-maglev-hash-seed': seed } })
  const surfaces: Array<[method: string, url: string, body: (seed: string) => unknown, place: string]> = [
    ['POST', '/v1/nodes', (seed) => ({ name: 'new', seed }), '/seed'],
    ['PATCH', '/v1/nodes/cilium', (seed) => ({ seed }), '/seed'],
    ['POST', '/v1/comparisons', (seed) => ({ a: 'cilium', b: { seed } }), '/b/seed'],
    ['POST', '/v1/nodes/cilium/table-comparisons', (seed) => ({ tables: { '[1]/v4': ['[1 2]'] }, seeds: [seed] }), '/seeds/0'],
    ['POST', '/v1/reports/memory', (seed) => ({ mix: '1x3', variants: [{ name: 'odd', seed }] }), '/variants/0/seed'],
    ['POST', '/v1/imports', configMap, '/0/data/bpf-lb-maglev-hash-seed']
  ]
  const given = new Map([['AAAA', '3 bytes were given'], ['AAAAAAAAAAAAAAAAAAAAAA==', '16 bytes were given'], ['not base64!', 'the 11 characters given are not base64'], ['', '0 bytes were given']])
  t.same([...given.keys()], committedVectors().badSeeds)
  for (const [seed, words] of [...given, ['JLfvgnHc2kaSUF__', 'the 16 characters given are not base64']] as const) {
    for (const [method, url, body, pointer] of surfaces) {
      const answer = (await api.call(method, url, { body: body(seed), headers: { 'if-match': '*' } })).json()
      const detail = `a seed is 12 bytes in base64 (16 characters), such as JLfvgnHc2kaSUFaI; ${words}`
      t.match(answer, { status: 422, errors: [{ pointer, detail }] }, `${method} ${url} with "${seed}"`)
    }
  }
  t.equal((await api.call('GET', '/v1/state')).text, before, 'nothing changed')
})

t.test('state and node addresses', async (t) => {
  const api = await createApi()
  t.teardown(() => api.close())
  t.same((await api.call('PUT', '/v1/node-addresses', { body: { addresses: ['192.0.2.10', '2001:DB8::10'] } })).json(), { addresses: ['192.0.2.10', '2001:db8::10'] })
  t.equal((await api.call('PUT', '/v1/node-addresses', { body: { addresses: [] }, headers: { 'if-match': '"stale"' } })).status, 412)
  await create(api)
  const saved = await api.call('GET', '/v1/state')
  const { revision, ...body } = saved.json()
  t.match((await api.call('PUT', '/v1/state', { body: {} })).json(), { nodeAddresses: [], services: [], nodes: body['nodes'] })
  t.equal((await api.call('PUT', '/v1/state', { body, headers: { 'if-match': saved.header('etag') } })).status, 412)
  const { revision: later, ...restored } = (await api.call('PUT', '/v1/state', { body: saved.json() })).json()
  t.same(restored, body, 'what was saved is restored, unedited')
  t.ok(Number(later) > Number(revision))
})

t.test('reports', async (t) => {
  const api = await createApi()
  t.teardown(() => api.close())
  await create(api)
  const listed = (await api.call('GET', '/v1/reports')).json()['items'] as Array<{ link: string }>
  for (const { link } of listed) {
    t.match((await api.call('GET', link)).json(), { subject: { mix: null, frontends: 1 }, nodes: [{ node: 'cilium' }, { node: 'dynamic' }] }, link)
    t.match((await api.call('GET', `${link}?nodes=dynamic`)).json(), { nodes: [{ node: 'dynamic' }] })
    t.match((await api.call('GET', link, { headers: { accept: 'text/csv' } })).text, /^\w+(,\w+)+\r\n/)
    const before = (await api.call('GET', '/v1/state')).text
    const mix = await api.call('POST', `${link}?format=text`, { body: { mix: '7x3', variants: [{ name: 'tiny', layout: 'blob', tableSizePolicy: { fixed: 251 } }] } })
    t.match(mix.text, /7x3/)
    t.match(mix.text, /tiny/)
    t.equal((await api.call('GET', '/v1/state')).text, before, 'a mix changes nothing')
  }
})

t.test('reports in every form: pages and pictures say how they were asked, and need nothing else', async (t) => {
  const api = await createApi()
  t.teardown(() => api.close())
  await create(api)
  const page = await api.call('GET', '/v1/reports/memory?format=html&nodes=cilium')
  t.match(page.header('content-type'), /^text\/html; charset=utf-8/)
  t.match(page.header('content-security-policy'), /default-src 'none'; style-src 'unsafe-inline'/)
  t.equal(page.header('vary'), 'Accept')
  t.notMatch(page.text, /<script|<link|src=/)
  const links = [...page.text.matchAll(/href="([^"]+)"/g)].map(([, href]) => (href ?? '').replaceAll('&amp;', '&'))
  t.ok(links.length > 4 && links.every((link) => link.includes('nodes=cilium')), 'the other forms are of the same report')
  const types = []
  for (const link of links) types.push((await api.call('GET', link)).header('content-type').split(';')[0])
  t.same(new Set(types), new Set(['application/json', 'text/csv', 'text/markdown', 'text/plain', 'image/svg+xml']))
  const picture = await api.call('GET', '/v1/reports/memory', { headers: { accept: 'image/svg+xml' } })
  t.match(picture.text, /^<svg /)
  t.match(picture.header('content-security-policy'), /default-src 'none'/)
  t.match((await api.call('GET', '/v1/reports/memory?format=svg&chart=moods')).json(), { status: 422, detail: /there are bytes-by-size/, errors: [{ pointer: '/chart' }] })
  t.match((await api.call('GET', '/v1/reports/memory?chart=bytes-by-size')).json(), { status: 422, errors: [{ pointer: '/chart', detail: /format svg/ }] })
  const asked = await api.call('POST', '/v1/reports/memory', { body: { mix: '7x3' }, headers: { accept: 'text/html' } })
  t.match(asked.text, /-d &#39;\{&quot;mix&quot;:&quot;7x3&quot;\}&#39;/)
})

t.test('where to begin, health, limits, problems', async (t) => {
  const api = await createApi()
  t.teardown(() => api.close())
  const { links } = (await api.call('GET', '/')).json() as { links: Record<string, string> }
  for (const link of Object.values(links)) {
    const answer = await api.app.inject({ method: 'GET', url: link })
    t.ok([200, 400, 405].includes(answer.statusCode), `${link}: ${answer.statusCode}`)
    if (answer.statusCode === 405) t.match(answer.headers['allow'], /POST/)
  }
  const page = await api.call('GET', '/', { headers: { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' } })
  t.match(page.text, /<title>[^<]+<\/title>/)
  t.match((await api.app.inject({ method: 'GET', url: '/docs' })).headers['content-type'], /^text\/html/)
  t.same((await api.call('GET', '/livez')).json(), { status: 'ok', reasons: [] })
  t.match((await api.call('GET', '/version')).json(), { version: '0.0.0', engines: ['interpreter'] })
  t.match((await api.call('GET', '/v1/limits')).json(), { importBodyBytes: 64 * 1024 * 1024, flowsPerLookup: 1000 })
  t.match((await api.call('GET', '/problems/MAP_FULL')).json(), { status: 409 })
  t.match((await api.call('GET', '/problems/MAP_FULL', { headers: { accept: 'text/html' } })).text, /MAP_FULL/)
  t.equal((await api.call('OPTIONS', '/v1/services')).header('allow'), 'GET, HEAD, POST, OPTIONS')
  t.match((await api.call('GET', '/nothing', { headers: { 'x-request-id': 'abc-1' } })).json(), { instance: 'abc-1' })
  t.notMatch((await api.call('GET', '/nothing', { headers: { 'x-request-id': '<script>' } })).text, /script/)

  api.app.drain()
  t.match([(await api.call('GET', '/readyz')).status, (await api.call('GET', '/livez')).status], [503, 200])
  t.match((await api.call('GET', '/v1/services')).json(), { code: 'SHUTTING_DOWN' })
})
