// What nodes remember between lookups, over REST: connections, session affinity, the clock that ends both, and randomness that can be had
// again. And what a release line and its defect make of the same services.

import t from 'tap'
import { buildPacket } from '../../lib/packet/index.ts'
import { createApi } from './support/api.ts'
import type { Api } from './support/api.ts'
import type { Json } from './support/conformance.ts'

const backends = (count: number): Json[] => Array.from({ length: count }, (_, index) => ({ address: `10.244.1.${index + 1}`, port: 8443 }))
const frontend = { address: '172.20.0.10', port: 443, protocol: 'TCP' }

interface Seen {
  readonly node: string
  readonly verdict: string
  readonly backend: { readonly id: number, readonly address: string, readonly port: number } | null
  readonly drop: { readonly code: number, readonly step: string } | null
}

async function started (t: { teardown (run: () => Promise<void>): void }): Promise<Api> {
  const api = await createApi()
  t.teardown(() => api.close())
  return api
}

async function putService (api: Api, count: number, more: object = {}): Promise<number> {
  const body = { frontends: [frontend], backends: backends(count), ...more }
  const { status } = await api.call('PUT', '/v1/services/shop/web', { body, headers: { 'if-match': '*' } })
  if (status === 200) return status
  return (await api.call('PUT', '/v1/services/shop/web', { body, headers: { 'if-none-match': '*' } })).status
}

const flows = (count: number, protocol = 'TCP'): object[] => Array.from({ length: count }, (_, index) =>
  ({ source: '203.0.113.7', sourcePort: 40_000 + index, destination: frontend.address, destinationPort: frontend.port, protocol }))

async function lookup (api: Api, node: string, body: object): Promise<Seen[]> {
  const answer = await api.call('POST', '/v1/lookups', { body: { nodes: [node], ...body } })
  const results = answer.json()['results'] as Array<{ readonly nodes: readonly Seen[] }>
  return results.flatMap(({ nodes }) => nodes)
}

const addresses = (seen: readonly Seen[]): Array<string | undefined> => seen.map(({ backend }) => backend?.address)

t.test('connections stay with their backend until they end', async (t) => {
  const api = await started(t)
  t.equal((await api.call('POST', '/v1/nodes', { body: { name: 'remembering', conntrack: true } })).status, 201)
  t.equal(await putService(api, 3), 201)
  const all = { flows: flows(60) }
  const [fresh, first] = [addresses(await lookup(api, 'cilium', all)), addresses(await lookup(api, 'remembering', all))]
  t.same(first, fresh, 'new flows go where the table says')
  t.equal(await putService(api, 6), 200)
  const moved = addresses(await lookup(api, 'cilium', all))
  t.notSame(moved, fresh, 'a node that remembers nothing asks the new table')
  t.same(addresses(await lookup(api, 'remembering', all)), fresh, 'a connection stays')
  t.match((await api.call('PUT', '/v1/clock', { body: { uptimeMs: 61_000 } })).json(), { uptimeMs: 61_000 })
  t.same(addresses(await lookup(api, 'remembering', all)), moved, 'after a minute without a packet there is none')
  t.equal(await putService(api, 1), 200)
  t.same(new Set(addresses(await lookup(api, 'remembering', all))), new Set(['10.244.1.1']), 'backends that are gone have no connections')
  const back = await api.call('PUT', '/v1/clock', { body: { uptimeMs: 5 } })
  t.match([back.status, back.json()], [422, { code: 'INVALID_ARGUMENT' }], 'no clock goes back')
  t.same((await api.call('GET', '/v1/clock')).json(), { uptimeMs: 61_000 })
})

t.test('session affinity holds a client, whatever its port', async (t) => {
  const api = await started(t)
  t.equal(await putService(api, 5, { sessionAffinity: { timeoutSeconds: 10 } }), 201)
  const held = new Set(addresses(await lookup(api, 'cilium', { flows: flows(20) })))
  t.equal(held.size, 1, [...held].join())
  t.equal(await putService(api, 40, { sessionAffinity: { timeoutSeconds: 10 } }), 200)
  t.same(new Set(addresses(await lookup(api, 'cilium', { flows: flows(20) }))), held, 'also while others come')
  t.equal((await api.call('PUT', '/v1/clock', { body: { uptimeMs: 10_000 } })).status, 200)
  const after = new Set(addresses(await lookup(api, 'cilium', { flows: flows(20) })))
  t.equal(after.size, 1)
  t.notSame(after, held, 'until it has not been seen for so long')
})

t.test('clients outside a service\'s ranges', async (t) => {
  const api = await started(t)
  t.equal(await putService(api, 2, { sourceRanges: { cidrs: ['198.51.100.0/24'] } }), 201)
  const from = (source: string): object => ({ flows: [{ ...flows(1)[0], source }] })
  t.match(await lookup(api, 'dynamic', from('198.51.100.9')), [{ verdict: 'XDP_TX' }])
  t.match(await lookup(api, 'dynamic', from('203.0.113.9')), [{ verdict: 'XDP_DROP', drop: { code: 177, step: 'source_range' }, backend: null }])
})

t.test('random selection can be had again', async (t) => {
  const api = await started(t)
  t.equal((await api.call('POST', '/v1/nodes', { body: { name: 'random', algorithm: 'random' } })).status, 201)
  t.equal(await putService(api, 6), 201)
  const all = { flows: flows(40) }
  const [one, again, other] = [
    addresses(await lookup(api, 'random', { ...all, randomSeed: 7 })), addresses(await lookup(api, 'random', { ...all, randomSeed: 7 })),
    addresses(await lookup(api, 'random', { ...all, randomSeed: 8 }))
  ]
  t.same(one, again)
  t.notSame(one, other)
  t.equal(new Set(one).size, 6, 'all of them are drawn')
})

t.test('SCTP, and backends that answer clients themselves', async (t) => {
  const api = await started(t)
  const direct = { options: { 'bpf-lb-mode': 'dsr' } }
  t.equal((await api.call('POST', '/v1/nodes', { body: { name: 'direct', ...direct } })).status, 201)
  const ipip = { options: { 'bpf-lb-mode': 'dsr', 'bpf-lb-dsr-dispatch': 'ipip' } }
  t.equal((await api.call('POST', '/v1/nodes', { body: { name: 'ipip', ...ipip } })).status, 201)
  t.equal(await putService(api, 3, { frontends: [{ ...frontend, protocol: 'SCTP' }] }), 201)
  const all = { flows: flows(12, 'SCTP') }
  const wanted = addresses(await lookup(api, 'cilium', all))
  t.ok(new Set(wanted).size > 1 && !wanted.includes(undefined), wanted.join())
  t.same(addresses(await lookup(api, 'direct', all)), wanted)
  t.same(addresses(await lookup(api, 'ipip', all)), wanted, 'the backend is where the outer packet goes')
})

t.test('fragments and ICMP errors name the backend\'s port, and random selection no slot', async (t) => {
  const api = await started(t)
  t.equal((await api.call('POST', '/v1/nodes', { body: { name: 'random', algorithm: 'random' } })).status, 201)
  // one pod, two ports
  const pod = { address: '10.244.1.1' }
  const body = {
    frontends: [{ ...frontend, port: 53, protocol: 'UDP', portName: 'dns' }, { ...frontend, portName: 'web' }],
    backends: [{ ...pod, port: 5353, protocol: 'UDP', portName: 'dns' }, { ...pod, port: 8443, protocol: 'TCP', portName: 'web' }]
  }
  t.equal((await api.call('PUT', '/v1/services/shop/web', { body, headers: { 'if-none-match': '*' } })).status, 201)
  const [client, service] = [Uint8Array.of(203, 0, 113, 7), Uint8Array.of(172, 20, 0, 10)]
  const ports = { sourcePort: 40_000, destinationPort: frontend.port }
  const request = { source: client, destination: service, ...ports, protocol: 6, payload: new Uint8Array(24) }
  const first = buildPacket({ ...request, fragment: { offset: 0, more: true } })
  const later = buildPacket({ ...request, fragment: { offset: 64, more: false } })
  const back = { source: service, destination: client, sourcePort: frontend.port, destinationPort: 40_000 }
  const answer = buildPacket({ ...request, ...back }).subarray(14)
  const payload = Uint8Array.of(3, 1, 0, 0, 0, 0, 0, 0, ...answer)
  const error = buildPacket({ source: client, destination: service, protocol: 1, payload })
  const packets = [first, later, error].map((packet) => Buffer.from(packet).toString('hex'))
  const seen = await lookup(api, 'cilium', { packets })
  t.same(seen.map(({ backend }) => [backend?.address, backend?.port]), Array(3).fill(['10.244.1.1', 8443]))
  const [drawn] = await lookup(api, 'random', { flows: flows(1), explain: true }) as Array<Seen & { explanation: Json }>
  t.match([drawn?.backend?.port, drawn?.explanation], [8443, { hash: null, slot: null, ended: { step: 'ipv4' } }])
})

t.test('release lines', async (t) => {
  const api = await started(t)
  for (const [name, settings] of Object.entries({ old: { release: '1.13-1.16' }, oldest: { release: '1.9-1.12', defect: 'half-table' } })) {
    t.equal((await api.call('POST', '/v1/nodes', { body: { name, ...settings } })).status, 201)
  }
  t.equal(await putService(api, 2), 201)
  const all = { flows: flows(400) }
  const [now, old, oldest] = [await lookup(api, 'cilium', all), await lookup(api, 'old', all), await lookup(api, 'oldest', all)]
  t.notSame(addresses(old), addresses(now), 'another table and another hash')
  const share = (seen: readonly Seen[]): number => seen.filter(({ backend }) => backend?.address === '10.244.1.1').length / seen.length
  t.ok(Math.abs(share(old) - 0.5) < 0.1, `${share(old)} of the flows`)
  t.ok(Math.abs(share(oldest) - 0.5) > 0.15, `${share(oldest)} of the flows with the reader of 1.9.0`)
  const maps = (await api.call('GET', '/v1/nodes/oldest/maps')).json()['items'] as Array<{ fullName: string, bytes_value: number }>
  t.equal(maps.find(({ fullName }) => fullName === 'cilium_lb4_backends_v3')?.bytes_value, 8, 'backends without the id of a cluster')
  const wrong = await api.call('POST', '/v1/nodes', { body: { name: 'wrong', release: '1.8' } })
  t.equal(wrong.status, 400)
})

t.test('before 1.17 services have no protocol in their keys', async (t) => {
  const api = await started(t)
  t.equal((await api.call('POST', '/v1/nodes', { body: { name: 'old', release: '1.13-1.16' } })).status, 201)
  const [tcp, udp] = [{ ...frontend, portName: 'web' }, { ...frontend, protocol: 'UDP', portName: 'quic' }]
  const both = [{ address: '10.244.1.1', port: 8443, portName: 'web' }, { address: '10.244.1.2', port: 8444, protocol: 'UDP', portName: 'quic' }]
  const put = async (name: string, body: object, headers = { 'if-match': '*' } as Record<string, string>): Promise<number> =>
    (await api.call('PUT', `/v1/services/shop/${name}`, { body, headers })).status
  const lines = async (): Promise<string[]> => (await api.call('GET', '/v1/nodes/old/lb-maps')).text.split('\n').filter((line) => /^(SVC|REV)/.test(line))
  const reached = async (node: string): Promise<Array<string | undefined>> =>
    addresses([...await lookup(api, node, { flows: flows(1) }), ...await lookup(api, node, { flows: flows(1, 'UDP'), explain: true })])
  t.equal(await put('web', { frontends: [udp], backends: both }, { 'if-none-match': '*' }), 201)
  const first = await lines()
  t.match(first, [/^REV: ID=1 /, /172.20.0.10:443\/ANY SLOT=0/, /SLOT=1 BEID=1 /])
  t.same(await reached('old'), ['10.244.1.2', '10.244.1.2'], 'TCP too')
  t.equal(await put('web', { frontends: [udp, tcp], backends: both }), 200)
  t.match(await lines(), [/^REV: ID=1 /, /ANY SLOT=0/, /SLOT=1 BEID=2 /], 'the entry stays, with its id')
  t.same([await reached('old'), await reached('cilium')], [['10.244.1.1', '10.244.1.1'], ['10.244.1.1', '10.244.1.2']])
  const { items } = (await api.call('GET', '/v1/nodes/old/warnings')).json()
  t.match((items as Json[]).filter(({ code }) => code === 'protocol-hidden'), [{ frontend: { id: 1, protocol: 'TCP' }, message: /^UDP 443 at the same address is not programmed/ }])
  // another service has it now
  t.equal(await put('quic', { frontends: [udp], backends: both }, { 'if-none-match': '*' }), 409)
  t.equal(await put('web', { frontends: [tcp], backends: both }), 200)
  t.equal(await put('quic', { frontends: [udp], backends: both }, { 'if-none-match': '*' }), 201)
  t.same(await reached('old'), ['10.244.1.1', '10.244.1.1'])
  t.equal((await api.call('DELETE', '/v1/services/shop/web', { headers: { 'if-match': '*' } })).status, 204)
  t.same(await reached('old'), ['10.244.1.2', '10.244.1.2'])
  t.equal((await lines()).length, first.length)
  t.equal((await api.call('DELETE', '/v1/services/shop/quic', { headers: { 'if-match': '*' } })).status, 204)
  t.same(await lines(), [])

  // a NodePort gives way to an address and port of its own, of another protocol too
  const outside = { address: '192.0.2.10', port: 30_000, protocol: 'UDP', type: 'ExternalIPs', portName: 'quic' }
  const nodePort = { address: '0.0.0.0', port: 30_000, protocol: 'TCP', type: 'NodePort', portName: 'web' }
  const hidden = async (): Promise<unknown[]> => ((await api.call('GET', '/v1/nodes/old/frontends')).json()['items'] as Json[])
    .filter(({ address }) => address === outside.address).map(({ protocol, hiddenProtocols }) => [protocol, hiddenProtocols])
  await api.call('PUT', '/v1/node-addresses', { body: { addresses: ['192.0.2.10'] } })
  for (const order of [['np', 'ext'], ['ext', 'np']]) {
    for (const name of order) await put(name, { frontends: [name === 'np' ? nodePort : outside], backends: both }, { 'if-none-match': '*' })
    t.same(await hidden(), [['UDP', ['TCP']]], order.join())
    t.equal((await api.call('DELETE', '/v1/services/shop/np', { headers: { 'if-match': '*' } })).status, 204)
    t.same(await hidden(), [['UDP', undefined]])
    t.equal((await api.call('DELETE', '/v1/services/shop/ext', { headers: { 'if-match': '*' } })).status, 204)
  }
})

t.test('an upgrade to 1.17 shows what was hidden', async (t) => {
  const api = await started(t)
  const [tcp, udp] = [{ ...frontend, portName: 'web' }, { ...frontend, protocol: 'UDP', portName: 'quic' }]
  const both = [{ address: '10.244.1.1', port: 8443, portName: 'web' }, { address: '10.244.1.2', port: 8444, protocol: 'UDP', portName: 'quic' }]
  const body = { frontends: [tcp, udp], backends: both }
  t.equal((await api.call('PUT', '/v1/services/shop/web', { body, headers: { 'if-none-match': '*' } })).status, 201)
  const asked = { a: { release: '1.13-1.16' }, b: { release: '1.17+' }, flows: { count: 1000, seed: 1 }, worst: 5 }
  const answer = (await api.call('POST', '/v1/comparisons', { body: asked })).json()
  t.match(answer, { frontends: { compared: 2, onlyA: 0, onlyB: 0 }, worst: { length: 1, 0: { protocol: 'UDP', slotsShare: 1 } } })
  const [worst] = answer['worst'] as Array<{ flows: number, movedFlows: number }>
  t.ok(worst !== undefined && worst.flows > 300 && worst.movedFlows === worst.flows, JSON.stringify(worst))
  t.match((answer['causes'] as Json[]).find(({ code }) => code === 'protocol-hidden'), { detail: /1 of 2 frontends are hidden on a .* such as UDP 172\.20\.0\.10:443/ })
})
