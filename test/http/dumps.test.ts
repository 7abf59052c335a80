// Dumps over HTTP: sysdumps whole and broken, what a node prints of itself, and tables of a machine against those that they should be.

import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { limits } from '../../routes/support/limits.ts'
import { allMapSizes, defaultSettings } from '../../lib/loadbalancer/index.ts'
import { someBackends, someService, testSimulator } from '../support/simulator.ts'
import { createApi, type Api, type ApiAnswer } from './support/api.ts'
import type { Json } from './support/conformance.ts'
import { tar, tarGz, zip, type Files } from './support/archives.ts'

const fenced = (command: string, text: string): string => `# ${command}\n\n\`\`\`\n${text}\n\`\`\`\n`
const agent = 'cilium-sysdump-20261126/cilium-bugtool-cilium-x7k2p-20261126-010203'
const other = 'cilium-sysdump-20261126/cilium-bugtool-cilium-zzzzz-20261126-010203'
const list = `ID   Frontend               Service Type   Backend
1    172.20.0.10:443/TCP    LoadBalancer   1 => 10.0.1.17:8080/TCP (active)
                                           2 => 10.0.2.33:8080/TCP (active)
                                           3 => 10.0.3.5:8080/TCP (quarantined)
2    0.0.0.0:30443/TCP      NodePort       1 => 10.0.1.17:8080/TCP (active)
3    192.0.2.10:30443/TCP   NodePort       1 => 10.0.1.17:8080/TCP (active)
4    10.96.0.10:53/UDP      ClusterIP      1 => 10.0.9.9:53/UDP (active)`
const config = '#### Read-only configurations ####\nMaglevTableSize                   : 1021\nPreAllocateMaps                   : false'
const sysdump: Files = [
  [`${agent}/cmd/cilium-dbg-service-list.md`, fenced('cilium-dbg service list', list)],
  [`${agent}/cmd/cilium-dbg-bpf-lb-list.md`, fenced('cilium-dbg bpf lb list', 'SERVICE ADDRESS   BACKEND ADDRESS (REVNAT_ID) (SLOT)')],
  [`${agent}/cmd/cilium-dbg-bpf-lb-maglev-list.md`, fenced('cilium-dbg bpf lb maglev list', 'SVC ID   LOOKUP TABLE')],
  [`${agent}/cmd/cilium-dbg-config--a.md`, fenced('cilium-dbg config -a', config)],
  [`${other}/cmd/cilium-dbg-service-list.md`, fenced('cilium-dbg service list', list)],
  [`${agent}/cmd/ip-a.md`, 'nobody reads this'],
  ['cilium-sysdump-20261126/k8s-services-20261126-010203.yaml', 'apiVersion: v1\nkind: ServiceList\nitems: []\n'],
  ['cilium-sysdump-20261126/cilium-configmap-20261126-010203.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cilium-config, namespace: kube-system}\ndata: {bpf-lb-external-clusterip: "true"}\n']
]

const send = (api: Api, body: Buffer | string, type = 'application/octet-stream', query = ''): Promise<ApiAnswer> =>
  api.call('POST', `/v1/imports${query}`, { body, headers: { 'content-type': type } })

const mapSizes = allMapSizes(512)

async function emptyApi (t: { teardown (act: () => unknown): unknown }): Promise<Api> {
  // small maps: they are made anew for each
  const sim = testSimulator({ nodes: [{ ...defaultSettings('cilium'), mapSizes }], programs: 'when-needed' })
  const api = await createApi({ sim })
  t.teardown(() => api.close())
  return api
}

/** small, and unpacked more than is unpacked: the same member of gzip over and over */
function bomb (): Buffer {
  const bytes = 2 ** 22
  const member = gzipSync(Buffer.alloc(bytes))
  return Buffer.concat(Array.from({ length: limits.archiveBytes / bytes + 1 }, () => member))
}

t.test('a sysdump, as zip, tar and tar.gz', async (t) => {
  for (const [type, body] of [['application/zip', zip(sysdump)], ['application/x-tar', tar(sysdump)], ['application/gzip', tarGz(sysdump)]] as const) {
    const api = await emptyApi(t)
    const answer = (await send(api, body, type)).json()
    t.match(answer, { created: 3, updated: 2, skipped: { length: 4 } }, type)
    t.match(answer['skipped'], [
      { kind: 'File', name: /bpf-lb-list/, reason: /taken from .*service-list/ }, { name: /maglev-list/, reason: /compare them/ },
      { name: /zzzzz/, reason: /another agent/ }, { name: /k8s-services/, reason: /taken from/ }
    ].map((one) => ({ kind: 'File', ...one })))
    t.match((await api.call('GET', '/v1/nodes/cilium')).json(), { tableSizePolicy: { fixed: 1021 }, options: { 'bpf-lb-external-clusterip': true } })
    t.same((await api.call('GET', '/v1/node-addresses')).json(), { addresses: ['192.0.2.10'] })
    t.match((await api.call('GET', '/v1/nodes/cilium/service-list?format=text')).text, /^1 +172\.20\.0\.10:443\/TCP +LoadBalancer +1 => 10\.0\.1\.17:8080\/TCP \(active\)$/m)
    t.match((await api.call('GET', '/v1/nodes/cilium/lb-maps')).text, 'MAGLEV: ID=1 INNER=[1(511), 2(510)]')
    t.match((await api.call('GET', '/v1/lookups?flow=203.0.113.7:51022,172.20.0.10:443/tcp&nodes=cilium')).json(), { results: [{ nodes: [{ verdict: 'XDP_TX' }] }] })
    t.match((await send(api, body, type)).json(), { created: 0, updated: 0 }, 'the same again changes nothing')
  }
})

t.test('a sysdump without lists of an agent gives its Kubernetes objects', async (t) => {
  const api = await emptyApi(t)
  const files: Files = [
    ['s/k8s-services-1.yaml', 'apiVersion: v1\nkind: ServiceList\nitems:\n- metadata: {name: web, namespace: shop}\n  spec: {clusterIP: 10.96.0.1, ports: [{port: 80}]}\n'],
    ['s/k8s-nodes-1.json', JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'a' }, status: { addresses: [{ type: 'InternalIP', address: '192.0.2.1' }] } })]
  ]
  t.match((await send(api, zip(files))).json(), { created: 2, skipped: [] })
})

t.test('a broken file is named, and nothing is applied', async (t) => {
  const api = await emptyApi(t)
  const before = (await api.call('GET', '/v1/state')).text
  const replaced = (name: string, contents: string | Uint8Array): Files => sysdump.map(([path, text]) => [path, path.includes(name) && !path.includes('zzzzz') ? contents : text])
  const listPath = `${agent}/cmd/cilium-dbg-service-list.md`
  const damaged = zip(sysdump)
  damaged.writeUInt8(damaged.readUInt8(120 + listPath.length) ^ 0xff, 120 + listPath.length)
  const whole = tar(sysdump)
  const spoiled = Buffer.from(whole)
  spoiled.write('garbage', 0)
  const cases: ReadonlyArray<readonly [what: string, body: Buffer, code: string, detail: RegExp]> = [
    ['a line cut off', zip(replaced('service-list', fenced('x', `${list}\n5    10.96`))), 'INVALID_DOCUMENT', /cilium-dbg-service-list\.md, line 11: "5 10\.96" is not ID/],
    ['an error instead of a list', tarGz(replaced('service-list', '> Error while running')), 'INVALID_DOCUMENT', /service-list\.md: no list of services/],
    ['no text', zip(replaced('service-list', randomBytes(64))), 'INVALID_DOCUMENT', /service-list\.md is no text/],
    ['a value that Cilium refuses', tar(replaced('config--a', config.replace('1021', '1000'))), 'INVALID_DOCUMENT', /config--a\.md: bpf-lb-maglev-table-size/],
    ['YAML that is none', zip(replaced('configmap', 'a: [')), 'MALFORMED_YAML', /cilium-configmap-.*\.yaml: /],
    ['bytes of a zip entry', damaged, 'INVALID_DOCUMENT', /service-list\.md is damaged/],
    ['the end of a zip', zip(sysdump).subarray(0, 500), 'INVALID_DOCUMENT', /no directory/],
    ['the end of a tar', whole.subarray(0, 700), 'INVALID_DOCUMENT', /ends within .*service-list/],
    ['the start of a tar', spoiled, 'INVALID_DOCUMENT', /header at byte 0 is damaged/],
    ['the end of a tar.gz', tarGz(sysdump).subarray(0, 300), 'INVALID_DOCUMENT', /gzip cannot unpack/],
    ['a file that is more than it says', zip(sysdump, { [listPath]: 10 }), 'INVALID_DOCUMENT', /service-list\.md is damaged/],
    ['a file that says it is too large', zip(sysdump, { [listPath]: 0x7fffffff }), 'INVALID_DOCUMENT', /more than the \d+ that are read/],
    ['a bomb', bomb(), 'INVALID_DOCUMENT', /unpacked it has more than/],
    ['nothing that is known', zip([['readme.txt', 'hello']]), 'INVALID_DOCUMENT', /none of its files is known/]
  ]
  for (const [what, body, code, detail] of cases) {
    const answer = await send(api, body)
    t.match(answer.json(), { code, detail }, what)
    t.equal(answer.status, code === 'INVALID_DOCUMENT' ? 422 : 400, what)
  }
  t.match((await send(api, 'hello', 'text/plain')).json(), { code: 'INVALID_DOCUMENT', detail: /no list of services/ })
  t.match((await send(api, Buffer.from([0xff, 0xfe]), 'text/plain')).json(), { code: 'INVALID_DOCUMENT', detail: /not UTF-8/ })
  t.equal((await api.call('GET', '/v1/state')).text, before)
})

t.test('what is said of files in an archive is told by the file, and by the place in it', async (t) => {
  const api = await emptyApi(t)
  const folder = 's/agent/cmd'
  const settings: Files[number] = [`${folder}/cilium-dbg-config--a.md`, config]
  const entry = (ip: string, port = 80): object => ({ spec: { 'frontend-address': { ip, port, protocol: 'TCP' }, 'backend-addresses': [], flags: { type: 'LoadBalancer', name: `s${ip}`, namespace: 'shop' } } })
  const json = (name: string, contents: unknown): Files => [settings, [`${folder}/${name}`, JSON.stringify(contents)]]
  const listJson = `${folder}/cilium-dbg-service-list.json`
  const lbJson = `${folder}/cilium-dbg-bpf-lb-list.json`
  const slices = 's/k8s-endpointslices-1.yaml'
  const objects = (slice: string): Files => [['s/k8s-services-1.yaml', 'apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {clusterIP: None}\n---\nkind: Secret\nmetadata: {name: x}\n'], [slices, slice]]
  const slice = (name: string, rest: string): string => `---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: ${name}, ${rest}}\naddressType: IPv4\n`
  const refused: ReadonlyArray<readonly [files: Files, pointer: string, detail: string, message?: string]> = [
    [json('cilium-dbg-service-list.json', [entry('172.20.0.1'), entry('one')]), '/1/spec/frontend-address/ip', `${listJson}: "one" is not an IP address`, `${listJson}, document 1: "one" is not an IP address`],
    [json('cilium-dbg-service-list.json', [entry('172.20.0.1'), entry('172.20.0.1')]), '/1', `${listJson}, document 1: this frontend stands at ${listJson}, document 0 already`],
    [json('cilium-dbg-bpf-lb-list.json', { '172.20.0.1:80/TCP (1)': ['what'] }), '/0/172.20.0.1:80~1TCP (1)/0', `${lbJson}: "what" is not ADDRESS:PORT[/PROTOCOL] (REVNAT_ID) (SLOT) [FLAGS]`, `${lbJson}, document 0: "what" is not ADDRESS:PORT`],
    [objects(slice('a', 'labels: {kubernetes.io/service-name: web}') + 'endpoints: [{addresses: [nope]}]\n'), '/0/endpoints/0/addresses/0', `${slices}: "nope" is not an IPv4 address`, `${slices}, document 0 (EndpointSlice default/a): /endpoints/0/addresses/0: "nope" is not an IPv4 address`],
    [sysdump.map(([path, text]) => [path, path === `${agent}/cmd/cilium-dbg-service-list.md` ? fenced('x', `${list}\n5    10.96`) : text]), '/0', `${agent}/cmd/cilium-dbg-service-list.md, line 11: "5 10.96" is not ID and ADDRESS:PORT[/PROTOCOL]`]
  ]
  for (const [files, pointer, detail, message = detail] of refused) {
    t.match((await send(api, zip(files))).json(), { status: 422, detail: message, errors: [{ pointer, detail }] })
  }
  const conflict = (await send(api, zip(json('cilium-dbg-service-list.json', [entry('172.20.0.1'), { spec: { ...(entry('172.20.0.2') as { spec: object }).spec, flags: { type: 'LoadBalancer' }, 'backend-addresses': [{ ip: '10.0.0.1', port: 0 }] } }])))).json()
  t.match(conflict, { errors: [{ pointer: '/1/spec/backend-addresses/0/port', detail: `${listJson}: 0 is not a port from 1 to 65535` }] })

  const taken = (await send(api, zip(objects(slice('a', 'labels: {}') + slice('b', 'labels: {kubernetes.io/service-name: web}, annotations: {service.cilium.io/weight: much}'))))).json()
  t.match(taken['skipped'], [
    { file: 's/k8s-services-1.yaml', document: 0, kind: 'Service', name: 'default/web' }, { file: 's/k8s-services-1.yaml', document: 1, kind: 'Secret' },
    { file: slices, document: 0, name: 'default/a' }, { file: slices, document: 1, name: 'default/b', reason: /service\.cilium\.io\/weight cannot be "much"/ }
  ])
  const dangling = { '172.20.0.3:80/TCP (0)': ['0.0.0.0:0 (3) (0) [LoadBalancer, Local]'], '172.20.0.3:80/TCP (1)': ['backend 9 not found'] }
  t.match((await send(api, zip(json('cilium-dbg-bpf-lb-list.json', dangling)))).json()['skipped'], [
    { file: lbJson, document: 0, kind: 'Frontend', reason: /backend 9 not found/ }, { file: lbJson, document: 0, kind: 'Service', reason: /flag Local/ }
  ])
  t.match((await send(api, JSON.stringify(dangling), 'application/json')).json()['skipped'], [{ document: 0, file: undefined }, { file: undefined }], 'no archive, no file')
})

t.test('texts and JSON that a command printed', async (t) => {
  const api = await emptyApi(t)
  t.match((await send(api, list, 'text/plain')).json(), { created: 3 })
  const printed = (await api.call('GET', '/v1/nodes/cilium/service-list')).text
  const copy = await emptyApi(t)
  t.match((await send(copy, printed, 'application/json', '?dryRun=true')).json(), { created: 3 })
  t.same((await copy.call('GET', '/v1/nodes/cilium/lb-maps?format=json')).json(), { text: '' }, 'a dry run changes nothing')
  t.match((await send(copy, printed, 'text/plain')).json(), { created: 3 })
  for (const path of ['lb-maps', 'bpf-lb-list', 'bpf-lb-list?shape=frontends', 'bpf-lb-maglev-list?tables=runs', 'bpf-lb-maglev-list?format=text&tables=counts&frontends=1']) {
    t.equal((await copy.call('GET', `/v1/nodes/cilium/${path}`)).text, (await api.call('GET', `/v1/nodes/cilium/${path}`)).text, path)
  }
  const slots = (await api.call('GET', '/v1/nodes/cilium/bpf-lb-list')).json()
  t.match(slots, { '172.20.0.10:443/TCP (0)': ['0.0.0.0:0 (1) (0) [LoadBalancer] '], '172.20.0.10:443/TCP (1)': ['10.0.1.17:8080/TCP (1) (1)'] })
  t.match((await api.call('GET', '/v1/nodes/cilium/bpf-lb-maglev-list?frontends=9')).json(), { code: 'FRONTEND_NOT_FOUND' })
})

t.test('tables of a machine', async (t) => {
  const api = await emptyApi(t)
  api.sim.updateNode('cilium', { tableSizePolicy: { fixed: 251 } })
  api.sim.putService(someService('echo', '172.20.0.10', someBackends(4)))
  const compare = async (body: object): Promise<ApiAnswer> => await api.call('POST', '/v1/nodes/cilium/table-comparisons', { body })
  const tables = (await api.call('GET', '/v1/nodes/cilium/bpf-lb-maglev-list')).json() as Record<string, [string]>
  t.match((await compare({ tables })).json(), { compared: 1, differing: 0, items: [{ table: '[1]/v4', m: 251, samePicks: true, causes: [] }] })
  const services = (await api.call('GET', '/v1/nodes/cilium/service-list')).json() as unknown as unknown[]
  t.match((await compare({ tables: { 1: tables['[1]/v4'] }, services })).json(), { differing: 0, items: [{ table: '1' }] }, 'a key of 1.9')
  api.sim.putService(someService('echo', '172.20.0.10', someBackends(3)))
  t.match((await compare({ tables })).json(), { differing: 1, items: [{ samePicks: false, causes: [{ code: 'backend-extra' }] }] })
  t.match((await compare({ tables, services })).json(), { differing: 0 }, 'against the list of its own machine')
  t.match((await compare({ tables: { '[77]/v4': ['[1 2]'] } })).json(), { compared: 0, notCompared: [{ table: '[77]/v4', reason: /revNAT id 77/ }] })
  t.match((await compare({ tables: { '[1]/v4': ['[1 x]'] } })).json(), { code: 'INVALID_DOCUMENT', errors: [{ pointer: '/tables/[1]~1v4' }] })
  t.match((await compare({ tables: 'nothing' })).json(), { code: 'INVALID_DOCUMENT', errors: [{ pointer: '/tables' }] })
  t.match((await compare({ tables, services: [{}] })).json(), { code: 'INVALID_DOCUMENT', errors: [{ pointer: '/services/0' }] })
  t.match((await compare({ tables, seeds: ['AAAA'] })).json(), { code: 'INVALID_ARGUMENT', errors: [{ pointer: '/seeds/0' }] })
  t.match((await compare({ tables, backends: { x: '10.0.0.1:80' } })).json(), { code: 'INVALID_ARGUMENT', errors: [{ pointer: '/backends/x' }] })
})

t.test('what nodes print of two scopes, and of keys without protocol, comes back', async (t) => {
  const api = await emptyApi(t)
  t.equal((await api.call('POST', '/v1/nodes', { body: { name: 'old', release: '1.13-1.16', mapSizes } })).status, 201)
  const backends = ['here', 'there'].map((nodeName, index) => ({ address: `10.1.1.${index + 1}`, port: 8080, nodeName }))
  const local = { frontends: [{ address: '172.20.0.20', port: 80 }], backends, externalTrafficPolicy: 'Local' }
  const udp = { frontends: [{ address: '172.20.0.21', port: 53, protocol: 'UDP' }], backends: [{ address: '10.1.2.1', port: 5353, protocol: 'UDP' }] }
  for (const [name, body] of Object.entries({ local, udp })) {
    t.equal((await api.call('PUT', `/v1/services/shop/${name}`, { body, headers: { 'if-none-match': '*' } })).status, 201)
  }
  for (const node of ['cilium', 'old']) {
    const printed = (await api.call('GET', `/v1/nodes/${node}/bpf-lb-list`)).text
    const again = await emptyApi(t)
    t.match((await send(again, printed, 'application/json')).json(), { created: 3 }, node)
    const services = (await again.call('GET', '/v1/services')).json()['items'] as Json[]
    t.match(services.filter(({ name }) => String(name).includes('-udp')), [{ frontends: [{ protocol: 'UDP' }], backends: [{ address: '10.1.2.1', protocol: 'UDP' }] }])
    t.match(services.filter(({ name }) => String(name).endsWith('internal')), [{ frontends: [{ scope: 'internal' }], backends: { length: 2 } }])
    const { revision, ...state } = (await again.call('GET', '/v1/state')).json()
    const restored = await again.call('PUT', '/v1/state', { body: state, headers: { 'if-match': '*' } })
    t.equal(restored.status, 200, restored.text.slice(0, 300))
    t.same(((await again.call('GET', '/v1/services')).json()['items'] as Json[]).map(({ frontends }) => frontends), services.map(({ frontends }) => frontends))
  }
})
