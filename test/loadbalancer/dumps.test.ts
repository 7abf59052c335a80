// Lists in the shapes of Cilium's commands: what a node prints, taken in elsewhere, gives the same maps; shapes of every release are read;
// what is wrong is told by its place; and a table that is not what its backends give is explained by what was really done to it.

import fc from 'fast-check'
import t from 'tap'
import { compareTables, complete, fillNames, readBpfLbList, readConfigText, readText } from './support/dumps.ts'
import { SimError } from '../../lib/sim/errors.ts'
import type { BackendSpec, FrontendSpec, ServiceSpec, Simulator } from '../../lib/sim/types.ts'
import { allMapSizes, defaultSettings } from '../../lib/loadbalancer/index.ts'
import { backendKey, buildTable, defaultSeed, fillEvenly, parseSeed, permutationOf } from '../../lib/maglev/index.ts'
import type { Seed, TableBackend } from '../../lib/maglev/index.ts'
import { testSimulator } from '../support/simulator.ts'

const seed = 20261126
const mapSizes = allMapSizes(512)
const small = { ...defaultSettings('cilium'), tableSizePolicy: { fixed: 251 }, mapSizes }
const fresh = (): Simulator => testSimulator({ nodes: [small], programs: 'when-needed' })
const apply = { operation: 'apply', dryRun: false } as const

const protocol = fc.constantFrom('TCP' as const, 'UDP' as const)
const backend = (family: 4 | 6): fc.Arbitrary<BackendSpec> => fc.record({
  address: fc.integer({ min: 1, max: 40 }).map(host => family === 4 ? `10.0.0.${host}` : `fd00::${host.toString(16)}`),
  port: fc.constantFrom(8080, 9090),
  protocol,
  weight: fc.constant(100),
  state: fc.constantFrom('active', 'active', 'active', 'terminating', 'quarantined')
})
const frontend = (family: 4 | 6, service: number): fc.Arbitrary<FrontendSpec> => fc.oneof(
  fc.record({
    address: fc.constant(family === 4 ? `172.20.0.${service + 1}` : `2001:db8::${service + 1}`),
    port: fc.constantFrom(80, 443, 53),
    protocol,
    type: fc.constantFrom('LoadBalancer' as const, 'ClusterIP' as const, 'ExternalIPs' as const)
  }),
  fc.record({ address: fc.constant(family === 4 ? '0.0.0.0' : '::'), port: fc.constant(30_000 + service), protocol, type: fc.constant('NodePort' as const) })
)
const service = (index: number): fc.Arbitrary<ServiceSpec> => fc.constantFrom(4 as const, 6 as const).chain(family => fc.record({
  namespace: fc.constantFrom('shop', 'default'),
  name: fc.constant(`service-${index}`),
  frontends: fc.uniqueArray(frontend(family, index), { minLength: 1, maxLength: 4, selector: one => `${one.address} ${one.port} ${one.protocol}` }),
  backends: fc.uniqueArray(backend(family), { maxLength: 6, selector: one => `${one.address} ${one.port} ${one.protocol}` })
}))
const services = fc.integer({ min: 1, max: 5 }).chain(count => fc.tuple(...Array.from({ length: count }, (_, index) => service(index))))
  // a backend that two services share has one state
  .map(list => {
    const states = new Map<string, BackendSpec>()
    return list.map(one => ({
      ...one,
      backends: one.backends.map(backend => {
        const key = `${backend.address} ${backend.port} ${backend.protocol}`
        const known = states.get(key) ?? backend
        states.set(key, known)
        return known
      }),
      // backends of another protocol than all frontends would serve these only in services made by hand
      frontends: one.frontends.map(frontend => ({ ...frontend, protocol: one.backends[0]?.protocol ?? frontend.protocol }))
        .filter(({ address, port }, index, all) => all.findIndex(other => other.address === address && other.port === port) === index)
    }))
  })

function filled (list: readonly ServiceSpec[]): Simulator {
  const sim = fresh()
  sim.putNodeAddresses(['192.0.2.10', '192.0.2.9', 'fd00:ffff::1'])
  for (const one of list) sim.putService(one)
  return sim
}

t.test('a node\'s service list, as JSON and as text, gives the same maps elsewhere', async (t) => {
  let frontends = 0
  fc.assert(fc.property(services, list => {
    const sim = filled(list)
    const printed = sim.serviceList('cilium')
    frontends += printed.json.length
    const text = `# cilium-dbg service list\n\n\`\`\`\n${printed.text()}\n\`\`\`\n`
    for (const documents of [JSON.parse(JSON.stringify(printed.json)) as unknown[], [{ file: 'list.md', text }]]) {
      const other = fresh()
      const { skipped } = other.importDocuments(documents, apply)
      if (skipped.length > 0) throw new Error(JSON.stringify(skipped))
      const again = other.importDocuments(documents, apply)
      if (other.lbMapsText('cilium') !== sim.lbMapsText('cilium') || again.created + again.updated > 0) return false
    }
    return true
  }), { seed, numRuns: 40 })
  t.ok(frontends > 100, `${frontends} frontends went out and in, seed ${seed}`)
})

t.test('a services map of active backends, in both shapes, gives the same maps elsewhere', async (t) => {
  const active = services.map(list => list.map(one => ({ ...one, backends: one.backends.map(backend => ({ ...backend, state: 'active' as const })) })))
  fc.assert(fc.property(active, list => {
    const sim = filled(list)
    const slots = sim.bpfLbList('cilium', 'slots')
    for (const document of [slots.json, { file: 'lb.md', text: slots.text() }]) {
      const other = fresh()
      other.importDocuments([document], apply)
      if (other.lbMapsText('cilium') !== sim.lbMapsText('cilium')) return false
    }
    return true
  }), { seed, numRuns: 25 })
  // without protocols every frontend is TCP
  const tcp = filled([{ namespace: 'shop', name: 'api', frontends: [{ address: '172.20.0.1', port: 443, protocol: 'TCP', type: 'LoadBalancer' }], backends: [1, 2].map(host => ({ address: `10.0.0.${host}`, port: 8080, protocol: 'TCP', weight: 100, state: 'active' })) }])
  for (const document of [tcp.bpfLbList('cilium', 'frontends').json, { file: 'lb.md', text: tcp.bpfLbList('cilium', 'frontends').text() }]) {
    const other = fresh()
    other.importDocuments([document], apply)
    t.equal(other.lbMapsText('cilium'), tcp.lbMapsText('cilium'))
  }
})

t.test('flags of the services map: what a service asks for goes along, what the list does not tell is said', async (t) => {
  const options = { 'bpf-lb-mode-annotation': true }
  const sim = testSimulator({ nodes: [{ ...small, options }], programs: 'when-needed' })
  const backends = [1, 2].map(host => ({ address: `10.0.0.${host}`, port: 8080, protocol: 'TCP', weight: 100, state: 'active' } as const))
  const asked: ReadonlyArray<Partial<ServiceSpec>> = [
    { sessionAffinity: { timeoutSeconds: 10_800 } }, { l7ProxyPort: 15_735 }, { forwardingMode: 'dsr' }, { proxyDelegation: 'delegate-if-local' },
    { forwardingMode: 'dsr', l7ProxyPort: 81 }
  ]
  for (const [index, traits] of asked.entries()) {
    sim.putService({ namespace: 'shop', name: `s${index}`, frontends: [{ address: `172.20.0.${index + 1}`, port: 443, protocol: 'TCP', type: 'LoadBalancer' }], backends, ...traits })
  }
  t.match(sim.bpfLbList('cilium', 'slots').json['172.20.0.2:443/TCP (0)'], ['0.0.0.0:0 (2) (0) [LoadBalancer, l7-load-balancer] (L7LB Proxy Port: 15735)'])
  for (const shape of ['slots', 'frontends'] as const) {
    const list = sim.bpfLbList('cilium', shape)
    for (const document of [list.json, { file: 'lb.md', text: list.text() }]) {
      const other = testSimulator({ nodes: [{ ...small, options }], programs: 'when-needed' })
      const timeout = 'imported in part: flag sessionAffinity: its timeout is not in this list and taken to be 10800 s, the default of Kubernetes'
      // of the frontends there are wildcard entries, which follow from them
      const said = (operation: 'apply' | 'delete') => other.importDocuments([document], { operation, dryRun: false }).skipped.filter(({ kind }) => kind !== 'Frontend')
      t.same(said('apply'), [{ document: 0, kind: 'Service', name: 'dump/172.20.0.1-443-tcp', reason: timeout }])
      t.equal(other.lbMapsText('cilium'), sim.lbMapsText('cilium'))
      for (const [index, traits] of asked.entries()) t.match(other.getService('dump', `172.20.0.${index + 1}-443-tcp`), traits)
      t.equal(said('apply').length, 1, 'said again')
      t.same(said('delete'), [])
    }
  }
})

t.test('flags that are not taken over are told, each once for a service', async (t) => {
  const flags = ['Local', 'InternalLocal', 'two-scopes', 'check source-range', 'deny', '46x64', 'l7-load-balancer', 'of the future']
  const list = {
    '172.20.0.1:443/TCP (0)': [`0.0.0.0:0 (1) (0) [LoadBalancer, ${flags.join(', ')}, non-routable] `],
    '172.20.0.1:443/TCP (1)': ['10.0.0.1:80/TCP (1) (1)'],
    '172.20.0.2:443/TCP (0)': ['0.0.0.0:0 (2) (0) [LoadBalancer, l7-load-balancer, sessionAffinity] (L7LB Proxy Port: 15735)'],
    '10.96.0.1:80/TCP (0)': ['0.0.0.0:0 (3) (0) [ClusterIP, non-routable] ']
  }
  const { skipped } = fresh().importDocuments([list], apply)
  t.same(skipped.map(({ name, reason }) => `${name} ${/^imported in part: flag ([^:]+): .{20}/.exec(reason)?.[1]}`), [
    ...flags.map(flag => `dump/172.20.0.1-443-tcp ${flag === 'of the future' ? `"${flag}"` : flag}`), 'dump/172.20.0.2-443-tcp sessionAffinity'
  ])
  const entry = (port: number, more: object): unknown => ({
    spec: { 'frontend-address': { ip: '172.20.0.9', port }, 'backend-addresses': [], flags: { name: 'a', namespace: 'b', type: 'LoadBalancer', ...more } }
  })
  const policies = { extTrafficPolicy: 'Local', intTrafficPolicy: 'Local', trafficPolicy: 'Local', natPolicy: 'Nat46', healthCheckNodePort: 31_000 }
  const sim = fresh()
  t.match(sim.importDocuments([entry(80, policies), entry(81, policies)], apply).skipped, [
    { kind: 'Service', name: 'b/a', reason: /extTrafficPolicy Local/ }, { reason: /intTrafficPolicy Local/ }, { reason: /natPolicy "Nat46"/ }
  ].map(one => ({ document: 0, ...one })))
  t.match(sim.getService('b', 'a'), { healthCheckNodePort: 31_000 })
  t.match(fresh().importDocuments([entry(80, { trafficPolicy: 'Local' })], apply).skipped, [{ reason: /extTrafficPolicy Local/ }], 'one policy for both')
})

t.test('shapes of older releases', async (t) => {
  const read = complete(readBpfLbList({
    '10.96.0.10:53': ['10.244.0.5:53 (2)', '0.0.0.0:0 (2) [ClusterIP, non-routable]', '10.244.1.7:53 (2)'],
    '[fd00::10]:80': ['[fd00::5]:8080 (3) (1)', '[::]:0 (3) (0) [ExternalIPs]', 'backend 12 not found']
  }, '/0'))
  t.match(read, {
    ok: true,
    value: {
      frontends: [
        { id: 2, address: '10.96.0.10', type: 'ClusterIP', protocol: null, backends: [{ address: '10.244.0.5' }, { address: '10.244.1.7' }] },
        { id: 3, address: 'fd00::10', type: 'ExternalIPs', backends: [{ address: 'fd00::5', port: 8080 }] }
      ],
      leftOut: [{ name: '[fd00::10]:80', reason: /backend 12 not found/ }]
    }
  })
  const sim = fresh()
  const entry = { 'backend-addresses': [{ ip: '10.0.1.17', port: 8080, protocol: 'ANY', weight: 3 }], flags: { name: 'echo', namespace: 'default', type: 'LoadBalancer' }, 'frontend-address': { ip: '172.20.0.10', port: 443, protocol: 'NONE' }, id: 5 }
  sim.importDocuments([{ status: { realized: entry } }], apply)
  t.match(sim.getService('default', 'echo'), { source: 'dump', frontends: [{ address: '172.20.0.10', protocol: 'TCP' }], backends: [{ address: '10.0.1.17', weight: 3, state: 'active' }] })
  t.throws(() => sim.putService({ ...sim.getService('default', 'echo') }), { code: 'IMPORTED_OBJECT' })
  t.match(sim.importDocuments([{ spec: entry }], { operation: 'delete', dryRun: false }), { deleted: 1 })
  t.equal(sim.listServices().length, 0)
})

t.test('what config --all says changes node cilium as the ConfigMap does', async (t) => {
  const text = '#### Read-only configurations ####\nMaglevTableSize                   : 1021\nMaglevHashSeed                    : AAAAAAAAAAAAAAAA\nLBMapEntries                      : 1000\nLBMaglevMapEntries                : 0\nExternalClusterIP                 : true\nPreAllocateMaps                   : true\nMonitor\n\tcpus                      : 10\nEnableIPv4                        : true\n##### Read-write configurations #####\nDebug                             : Disabled\n'
  const read = readText(text)
  if (read === null) throw new Error('the head was not found')
  t.equal(readConfigText(read).options.size, 5)
  const sim = fresh()
  t.match(sim.importDocuments([{ file: 'config.md', text }], apply), { updated: 1, skipped: [{ kind: 'Config', name: 'config.md', reason: /2 settings are not the load balancer's/ }] })
  t.match(sim.getNode('cilium'), { tableSizePolicy: { fixed: 1021 }, seed: 'AAAAAAAAAAAAAAAA', preallocateMaps: true, mapSizes: { services: 1000, maglev: 1000 }, options: { 'bpf-lb-external-clusterip': true } })
  t.throws(() => sim.importDocuments([{ file: 'config.md', text: text.replace('1021', '1000') }], apply), { code: 'INVALID_DOCUMENT', message: /config\.md: bpf-lb-maglev-table-size/ })
})

t.test('what is wrong is told by its place, and nothing changes', async (t) => {
  const sim = filled([{ namespace: 'shop', name: 'api', frontends: [{ address: '172.20.0.1', port: 443, protocol: 'TCP', type: 'LoadBalancer' }], backends: [] }])
  const before = JSON.stringify([sim.getState(), sim.lbMapsText('cilium')])
  const good = { spec: { 'frontend-address': { ip: '172.20.0.9', port: 80 }, flags: { name: 'a', namespace: 'b' }, 'backend-addresses': [] } }
  const wrong: [documents: unknown[], pointer: string, detail: RegExp][] = [
    [[good, { spec: { 'frontend-address': { ip: 'one', port: 80 } } }], '/1/spec/frontend-address/ip', /"one" is not an IP address/],
    [[good, { spec: { 'frontend-address': { ip: '10.0.0.1' } } }], '/1/spec/frontend-address/port', /a port is missing/],
    [[good, { spec: { 'frontend-address': { ip: '10.0.0.1', port: 80 }, 'backend-addresses': [{ ip: '10.0.0.2', port: 80, weight: -1 }] } }], '/1/spec/backend-addresses/0/weight', /-1 is not an integer/],
    [[good, { spec: { 'frontend-address': { ip: '10.0.0.1', port: 80 }, 'backend-addresses': [{ ip: '10.0.0.2', port: 80, state: 'tired' }] } }], '/1/spec/backend-addresses/0/state', /"tired"/],
    [[good, { '172.20.0.9:80/TCP (1)': ['nonsense'] }], '/1/172.20.0.9:80~1TCP (1)/0', /"nonsense" is not ADDRESS:PORT/],
    [[good, { file: 'cmd/lb.md', text: 'SERVICE ADDRESS   BACKEND ADDRESS (REVNAT_ID) (SLOT)\n10.0.0.1:80       10.0.0.2:80 (1) (1)\n10.0.0.1:80       10.0.0' }], '/1', /cmd\/lb\.md, line 3/],
    [[good, { file: 'cmd/list.md', text: 'ID   Frontend      Service Type   Backend\n1    10.0.0.1:80   Balancer       1 => 10.0.0.2:80' }], '/1', /cmd\/list\.md, line 2: "Balancer"/],
    [[good, { file: 'cmd/list.md', text: '> Error while running \'cilium-dbg service list\': exit status 1' }], '/1', /cmd\/list\.md: no list of services/],
    [[good, good], '/1', /stands at document 0 already/],
    [[good, { spec: { 'frontend-address': { ip: '172.20.0.1', port: 443, protocol: 'TCP' }, flags: { name: 'x', namespace: 'b' } } }], '/1', /belongs to service shop\/api/],
    [[{ spec: { 'frontend-address': { ip: '172.20.0.1', port: 444 }, flags: { name: 'api', namespace: 'shop' } } }], '/0', /was made by hand/]
  ]
  for (const [documents, pointer, detail] of wrong) {
    try {
      sim.importDocuments(documents, apply)
      t.fail(`${pointer} was taken`)
    } catch (error) {
      if (!(error instanceof SimError)) throw error
      t.equal(error.places[0]?.pointer, pointer)
      t.match(error.places[0]?.detail, detail)
    }
  }
  t.equal(JSON.stringify([sim.getState(), sim.lbMapsText('cilium')]), before)
})

t.test('a node prints its tables by slots, runs and counts', async (t) => {
  const sim = filled([{ namespace: 'shop', name: 'api', frontends: [{ address: '172.20.0.1', port: 443, protocol: 'TCP', type: 'LoadBalancer' }], backends: [1, 2, 3].map(host => ({ address: `10.0.0.${host}`, port: 8080, protocol: 'TCP', weight: 100, state: 'active' })) }])
  const { slots } = sim.getTable('cilium', 1)
  t.same(sim.maglevList('cilium', 'slots').json, { '[1]/v4': [`[${slots.join(' ')}]`] })
  t.match(sim.maglevList('cilium', 'runs').json['[1]/v4']?.[0], /^\d+\(\d+\),/)
  t.equal(sim.maglevList('cilium', 'counts').text(), 'SVC ID   LOOKUP TABLE\n[1]/v4   1(84), 2(84), 3(83)\n')
  const compared = complete(sim.compareTablesSteps('cilium', { tables: sim.maglevList('cilium', 'slots').text() }))
  t.match(compared, { compared: 1, differing: 0, items: [{ samePicks: true, differingSlots: 0, causes: [] }] })
  t.throws(() => sim.maglevList('cilium', 'slots', [7]), { code: 'FRONTEND_NOT_FOUND' })
})

t.test('a table is explained by what was done to it', async (t) => {
  const backends: TableBackend[] = [7, 3, 9, 5].map((host, index) => ({ id: index + 1, address: `10.0.0.${host}`, port: 8080, protocol: 'TCP', weight: 100 }))
  const m = 1021
  const other = seedOf('AQIDBAUGBwgJCgsM')
  const table = (of = backends, with_: Seed = defaultSeed(), release: '1.9-1.12' | '1.13-1.16' | '1.17+' = '1.17+', size = m): Uint32Array => buildTable(size, of, with_, release)?.ids ?? new Uint32Array()
  const heavy = backends.map((one, index) => ({ ...one, weight: index === 0 ? 500 : 100 }))
  const stranger: TableBackend = { id: 9, address: '10.0.0.77', port: 8080, protocol: 'TCP', weight: 100 }
  const unsorted = fillEvenly(m, backends.map(one => permutationOf(backendKey(one, '1.17+'), defaultSeed().murmur, m)))
  const cases: [name: string, ids: Uint32Array, codes: string[], of?: TableBackend[]][] = [
    ['the table itself', table(), []],
    ['other ids', table().map(id => id + 100), ['backend-ids']],
    ['another size', table(backends, defaultSeed(), '1.17+', 509), ['table-size']],
    ['another release line', table(backends, defaultSeed(), '1.13-1.16'), ['release']],
    ['a given seed', table(backends, other), ['seed']],
    ['the zero seed', table(backends, seedOf('AAAAAAAAAAAAAAAA')), ['seed']],
    ['another size and seed', table(backends, other, '1.17+', 509), ['table-size', 'seed']],
    ['a seed and a release line', table(backends, other, '1.9-1.12'), ['release', 'seed']],
    ['weights left out', table(heavy, defaultSeed(), '1.9-1.12'), ['release'], heavy],
    ['equal weights', table(), ['weights'], heavy],
    ['unsorted', Uint32Array.from(unsorted, index => backends[index]?.id ?? 0), ['order']],
    ['one backend less', table(backends.slice(1)), ['backend-missing']],
    ['one more, unknown', table([...backends, stranger]), ['backend-extra']],
    ['half read', table().map((id, slot, all) => slot < Math.ceil(m / 2) ? id : all[0] ?? 0), ['reader-defect']],
    ['an unknown seed', table(backends, seedOf('DAsKCQgHBgUEAwIB')), ['unknown']],
    ['cut off', table().slice(0, 1000), ['table-size']],
    ['none', new Uint32Array(), ['no-table']]
  ]
  for (const [name, ids, codes, of = backends] of cases) {
    const [item] = compareTables(ids, of, { m, seeds: [other.base64], named: true }).items
    t.same(item?.causes.map(({ code }) => code), codes, name)
    t.equal(item?.samePicks, codes.length === 0 || codes[0] === 'backend-ids', name)
    const names = fillNames(ids, codes, of)
    const moved = ids.filter((id, slot) => names.get(id) !== table(of)[slot]).length
    if (ids.length === m && !['unknown', 'backend-extra'].includes(codes[0] ?? '')) t.equal(item?.differingSlots, moved, `${name}: slots`)
  }
  const known = compareTables(table([...backends.slice(1), stranger]), backends, {
    m, seeds: [], named: false, backendIds: Object.fromEntries([...backends, stranger].map(({ id, address, port }) => [String(id), `${address}:${port}/TCP`]))
  })
  t.same(known.items[0]?.causes.map(({ code }) => code), ['backend-extra', 'backend-missing'])
  t.match(known.items[0]?.causes, [{ detail: /10\.0\.0\.77:8080\/TCP is in it/ }, { detail: /10\.0\.0\.7:8080\/TCP is not/ }])
  t.match(known.items[0]?.firstDifference, { slot: Number, expected: /^10\.0\.0\./, found: { backend: /^10\.0\.0\./ } })
})

function seedOf (base64: string): Seed {
  const parsed = parseSeed(base64)
  if (!parsed.ok) throw new Error(parsed.reason)
  return parsed.seed
}
