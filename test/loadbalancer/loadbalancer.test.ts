// The load balancer by its rules: any history of changes gives what a fresh node would have, a change happens on all nodes or on none,
// and what is refused is refused with its place.

import t from 'tap'
import fc from 'fast-check'
import { serviceFlags, serviceFlags2 } from '../../lib/datapath/index.ts'
import {
  allMapSizes, applyCiliumConfig, Cluster, defaultSettings, families, flagsText, frontendKey, importDocuments, initialNodes, mapKinds,
  normaliseNodeAddresses, normaliseService, refuseImported, validateSettings
} from '../../lib/loadbalancer/index.ts'
import type { LbResult, NodeSettings, ServiceInput } from '../../lib/loadbalancer/index.ts'
import { createWorld } from './support/world.ts'
import type { World } from './support/world.ts'

const run = { seed: 20250802, numRuns: 80 }
t.comment(`property tests: seed ${run.seed}`)

const perService = { layout: 'dynamic', tableSizePolicy: { perService: { perBackend: 100 } } } as const

t.test('any history ends where a fresh node would', async t => {
  fc.assert(fc.property(fc.array(anyOperation(), { maxLength: 25 }), operations => {
    const world = createWorld({ name: 'old' }, { name: 'external', options: { 'bpf-lb-external-clusterip': true }, addresses: ['192.0.2.9'] })
    for (const operation of operations) operation(world)
    const fresh = createWorld({ name: 'old' }, { name: 'external', options: { 'bpf-lb-external-clusterip': true }, addresses: ['192.0.2.9'] })
    fresh.setNodeAddresses(world.cluster.nodeAddresses)
    for (const service of world.cluster.services()) fresh.put(service)
    return [0, 1].every(index => withoutIds(world.text(index)) === withoutIds(fresh.text(index)) && countsHold(world, index))
  }), run)
})

t.test('deleting everything in any order leaves nothing', async t => {
  fc.assert(fc.property(fc.array(anyOperation(), { maxLength: 15 }), fc.boolean(), (operations, reverse) => {
    const world = createWorld()
    for (const operation of operations) operation(world)
    const keys = [...world.cluster.services()].map(({ namespace, name }) => `${namespace}/${name}`)
    for (const key of reverse ? keys.reverse() : keys) world.remove(key)
    return world.text() === '' && mapKinds.every(map => families.every(family => world.nodes[0]?.node.counts()[map][family] === 0))
  }), run)
})

t.test('a write that fails leaves all nodes as they were, and the next change works', async t => {
  let failed = 0
  const history = fc.array(anyOperation(), { minLength: 1, maxLength: 10 })
  fc.assert(fc.property(history, anyOperation(), fc.nat(12), (before, operation, writes) => {
    const world = createWorld({ name: 'one' }, { name: 'two', ...perService })
    for (const earlier of before) earlier(world)
    const texts = [world.text(0), world.text(1)]
    const { revision } = world.cluster
    const second = world.nodes[1]
    if (second === undefined) return false
    second.maps.failAfter = writes
    const result = operation(world)
    second.maps.failAfter = Infinity
    if (result.ok) return true
    failed++
    const untouched = world.text(0) === texts[0] && world.text(1) === texts[1] && world.cluster.revision === revision
    const again = operation(world)
    return untouched && (again.ok || again.error.code === 'FRONTEND_CONFLICT') && countsHold(world, 1)
  }), run)
  t.ok(failed > 10, `${failed} changes failed half way`)
})

t.test('what does not fit a map is refused by the name of the map, on every node', async t => {
  const sizes = allMapSizes(100)
  const limits = { services: ['cilium_lb4_services_v2', 3], backends: ['cilium_lb4_backends_v3', 1], revNat: ['cilium_lb4_reverse_nat', 0], maglev: ['cilium_lb4_maglev', 0] } as const
  for (const [map, [name, limit]] of Object.entries(limits)) {
    if (limit === 0) continue
    const world = createWorld({ name: 'roomy' }, { name: 'tight', mapSizes: { ...sizes, [map]: limit } })
    const result = world.put(service('big', { backends: [1, 2, 3] }))
    t.match(result, { ok: false, error: { code: 'MAP_FULL', facts: { node: 'tight', map: name, limit } } }, map)
    t.equal(world.text(0) + world.text(1), '', 'nothing written anywhere')
  }
  const tight = createWorld({ mapSizes: { ...sizes, maglev: 1, revNat: 1 } })
  t.ok(tight.put(service('one', { address: '203.0.113.1' })).ok)
  t.match(tight.put(service('two', { address: '203.0.113.2' })), { ok: false, error: { facts: { map: 'cilium_lb4_reverse_nat' } } })
  const full = createWorld({ mapSizes: { ...sizes, maglev: 1 } })
  t.ok(full.put(service('one', { address: '203.0.113.1' })).ok)
  t.match(full.put(service('two', { address: '203.0.113.2' })), { ok: false, error: { facts: { map: 'cilium_lb4_maglev' } } })
})

t.test('a full map takes a change that fits in the end', async t => {
  const world = createWorld({ mapSizes: { ...allMapSizes(1), services: 4, backends: 2 } })
  t.ok(world.put(service('only', { address: '203.0.113.1', backends: [1, 2] })).ok)
  t.ok(world.put(service('only', { address: '203.0.113.2', backends: [3, 4] })).ok, 'all entries replaced')
  t.match(world.text(), /BE: ID=4 ADDR=10\.0\.0\.4:80\/TCP STATE=active\n/)
})

t.test('ids: next free, none reused at once, wrapping around', async t => {
  const world = createWorld()
  for (let turn = 1; turn <= 3; turn++) {
    t.ok(world.put(service('web')).ok)
    t.equal(world.nodes[0]?.node.frontends()[0]?.id, turn)
    t.ok(world.nodes[0]?.node.frontendById(turn))
    t.ok(world.remove('default/web').ok)
    t.equal(world.nodes[0]?.node.frontendById(turn), undefined)
  }
  const many = createWorld({ mapSizes: { ...allMapSizes(1 << 20), backends: 65536 } })
  const clusterIps = (from: number, to: number): ServiceInput['frontends'] => Array.from({ length: to - from }, (_, index) =>
    ({ address: `10.${from + index >> 16}.${from + index >> 8 & 255}.${from + index & 255}`, port: 80, protocol: 'TCP', type: 'ClusterIP' }))
  for (let part = 0; part < 7; part++) {
    t.ok(many.put({ namespace: 'default', name: `part-${part}`, backends: [], frontends: clusterIps(part * 9362, (part + 1) * 9362) }).ok)
  }
  t.match(many.put(service('one-more')), { ok: false, error: { code: 'IDS_EXHAUSTED' } })
  t.ok(many.remove('default/part-3').ok)
  t.ok(many.put(service('one-more')).ok)
  t.equal(many.nodes[0]?.node.frontend(frontendKey({ address: '203.0.113.1', port: 80, protocol: 'TCP' }))?.id, 3 * 9362 + 1)
})

t.test('tables grow with their service, never shrink, and say what moved', async t => {
  const world = createWorld(perService)
  const backends = (count: number): number[] => Array.from({ length: count }, (_, index) => index)
  const size = (): number | null | undefined => world.nodes[0]?.node.frontends()[0]?.m
  const steps: [number, number, number?][] = [
    [0, 0], [10, 1021], [11, 1021], [20, 1021], [21, 4093, 1021], [3, 4093], [0, 4093], [40, 4093]
  ]
  for (const [count, m, grownFrom] of steps) {
    const result = world.put(service('web', { backends: backends(count) }))
    t.equal(size() ?? 0, m, `${count} backends: M = ${m}`)
    const changes = result.ok ? result.value[0]?.sizeChanges ?? [] : []
    t.strictSame(changes.map(({ from, to }) => [from, to]), grownFrom === undefined ? [] : [[grownFrom, m]])
    for (const { movedShare } of changes) t.ok(movedShare > 0.9 && movedShare < 1, `${movedShare} of new flows move`)
  }
})

t.test('tables of dubious size or weights warn', async t => {
  const codes = (settings: Partial<NodeSettings>, weights: number[]): string[] => {
    const world = createWorld({ mapSizes: { ...allMapSizes(10), services: 4000, backends: 4000 }, ...settings })
    const backends = weights.map((weight, index) => ({ address: `10.0.${index >> 8}.${index & 255}`, port: 80, weight }))
    t.ok(world.put({ ...service('web'), backends }).ok)
    const { node } = world.nodes[0] ?? {}
    return node?.frontends().flatMap(frontend => node.warnings(frontend)).map(({ code }) => code) ?? []
  }
  t.strictSame(codes({}, []), [])
  t.strictSame(codes({}, [100, 50]), [])
  t.strictSame(codes({}, [1, 2]), ['weights-ignored'])
  t.strictSame(codes({ tableSizePolicy: { fixed: 251 } }, [1, 1, 1]), ['few-slots-per-backend'])
  t.strictSame(codes({ tableSizePolicy: { fixed: 251 } }, new Array<number>(252).fill(1)), ['more-backends-than-slots'])
  t.strictSame(codes(perService, new Array<number>(1311).fill(1)), ['table-size-capped'])
})

t.test('backends of frontends: family, port name, protocol', async t => {
  const world = createWorld()
  const backend = (address: string, port: number, more: object = {}) => ({ address, port, ...more })
  const frontend = (port: number, more: object = {}) => ({ address: '203.0.113.1', port, protocol: 'TCP', type: 'LoadBalancer', ...more })
  t.ok(world.put({
    namespace: 'default',
    name: 'mixed',
    frontends: [frontend(80, { portName: 'web' }), frontend(81), frontend(82, { protocol: 'UDP' }), { ...frontend(80), address: '2001:DB8::1' }],
    backends: [backend('10.0.0.1', 8080, { portName: 'web' }), backend('10.0.0.1', 9090, { portName: 'metrics' }), backend('10.0.0.2', 8080), backend('FD00::1', 80)]
  }).ok)
  const serves = (address: string, port: number, protocol: 'TCP' | 'UDP'): string[] => {
    const { node } = world.nodes[0] ?? {}
    const found = node?.frontend(frontendKey({ address, port, protocol }))
    return found === undefined ? ['none'] : node?.backendsOf(found).map(({ backend }) => `${backend.address} ${backend.port} ${backend.protocol}`) ?? []
  }
  t.strictSame(serves('203.0.113.1', 80, 'TCP'), ['10.0.0.1 8080 TCP', '10.0.0.2 8080 TCP'], 'named, and those without a name')
  t.strictSame(serves('203.0.113.1', 81, 'TCP'), ['10.0.0.1 8080 TCP', '10.0.0.1 9090 TCP', '10.0.0.2 8080 TCP'], 'all')
  t.strictSame(serves('203.0.113.1', 82, 'UDP'), ['10.0.0.1 8080 TCP', '10.0.0.1 9090 TCP', '10.0.0.2 8080 TCP'], 'no UDP backend: the others')
  t.strictSame(serves('2001:db8::1', 80, 'TCP'), ['fd00::1 80 TCP'])
  t.equal(world.nodes[0]?.node.backendAt('10.0.0.2', 8080, 'UDP')?.backend.protocol, 'TCP')
  t.equal(world.nodes[0]?.node.backendAt('10.0.0.2', 8081, 'UDP'), undefined)
})

t.test('why a frontend has no table', async t => {
  const world = createWorld()
  world.setNodeAddresses(['192.0.2.1'])
  const frontends = [{ address: '10.96.0.1', port: 80, protocol: 'TCP', type: 'ClusterIP' }, { address: '0.0.0.0', port: 30080, protocol: 'TCP', type: 'NodePort' }]
  world.put({ namespace: 'default', name: 'web', frontends, backends: [{ address: '10.0.0.1', port: 80, state: 'quarantined' }] })
  const { node } = world.nodes[0] ?? {}
  const reasons = node?.frontends().map(frontend => node.whyNoTable(frontend)?.split(' ').slice(0, 3).join(' '))
  t.strictSame(reasons, ['a wildcard address', 'no backend is', 'a ClusterIP is'])
  t.match(world.text(), /SLOT=1 BEID=1 COUNT=0 QCOUNT=0 FLAGS=NodePort\+quarantined\n/)
  world.put({ namespace: 'default', name: 'web', frontends, backends: [{ address: '10.0.0.1', port: 80 }] })
  t.strictSame(node?.frontends().map(frontend => node.whyNoTable(frontend) === null), [false, true, false])
})

t.test('wrong services are refused with every place', async t => {
  const good = { address: '203.0.113.1', port: 80, protocol: 'TCP', type: 'LoadBalancer' }
  const places = (input: Partial<ServiceInput>): string[] => {
    const result = normaliseService({ namespace: 'default', name: 'web', frontends: [good], backends: [], ...input }, 'api')
    return result.ok ? [] : result.error.places.map(place => place.pointer)
  }
  t.strictSame(places({}), [])
  t.strictSame(places({ name: 'Web', namespace: '' }), ['/namespace', '/name'])
  t.strictSame(places({ frontends: [good, { ...good, port: 70000 }, { ...good, address: '1.2.3', type: 'Ingress', protocol: 'ICMP' }] }),
    ['/frontends/1/port', '/frontends/2/address', '/frontends/2/type', '/frontends/2/protocol'])
  t.strictSame(places({ frontends: [{ ...good, address: '::' }] }), ['/frontends/0/address'])
  t.strictSame(places({ frontends: [good, { ...good, address: '203.0.113.2' }, { ...good, type: 'ExternalIPs' }] }), ['/frontends/2'])
  t.strictSame(places({ backends: [{ address: '10.0.0.1', port: 0, weight: 65536, state: 'asleep' }, { address: '0.0.0.0', port: 1.5 }] }),
    ['/backends/0/port', '/backends/0/weight', '/backends/0/state', '/backends/1/address', '/backends/1/port'])
  const twice = { address: '10.0.0.1', port: 80 }
  t.strictSame(places({ backends: [twice, twice, { ...twice, portName: 'web', weight: 1 }, { ...twice, portName: 'web' }] }), ['/backends/1', '/backends/2'])
  const longList = Array.from({ length: 65537 }, () => twice)
  t.match(normaliseService({ namespace: 'default', name: 'web', frontends: [], backends: longList }, 'api'), { error: { code: 'LIMIT_EXCEEDED' } })
  t.match(normaliseNodeAddresses(['192.0.2.1', 'x', '0.0.0.0']), { ok: false, error: { places: [{ pointer: '/1' }, { pointer: '/2' }] } })
  t.strictSame(normaliseNodeAddresses(['2001:DB8::1', '192.0.2.1', '2001:db8:0::1']), { ok: true, value: ['2001:db8::1', '192.0.2.1'] })
})

t.test('two services on one address', async t => {
  const world = createWorld()
  world.put(service('one'))
  const before = world.text()
  t.match(world.put(service('two')), { ok: false, error: { code: 'FRONTEND_CONFLICT', message: /belongs to service default\/one/, places: [{ pointer: '/frontends/0' }] } })
  t.equal(world.text(), before)
  t.equal(world.cluster.serviceCount, 1)
})

t.test('settings', async t => {
  const settings = (patch: object): NodeSettings => ({ ...defaultSettings('node'), ...patch })
  const places = (patch: object): string[] => {
    const result = validateSettings(settings(patch), ['6.18', '5.10'])
    return result.ok ? [] : result.error.places.map(place => place.pointer)
  }
  for (const initial of initialNodes()) t.match(validateSettings(initial, ['6.18']), { ok: true })
  t.strictSame(places({ kernel: '4.19', possibleCpus: 0, layout: 'flat', seed: 'AAAA' }), ['/kernel', '/possibleCpus', '/seed'])
  t.strictSame(places({ layout: 'round' }), ['/layout'])
  t.strictSame(places({ tableSizePolicy: { fixed: 1000 } }), ['/tableSizePolicy/fixed'])
  t.strictSame(places({ tableSizePolicy: { perService: { perBackend: 100 } } }), ['/tableSizePolicy/perService'], 'blob has one M for all')
  for (const layout of ['flat', 'fixed', 'compact']) t.strictSame(places({ ...perService, layout }), ['/tableSizePolicy/perService'], layout)
  t.strictSame(places({ ...perService, layout: 'packed' }), [])
  t.strictSame(places({ layout: 'flat' }), ['/mapSizes/maglev'], 'two arrays of 65536 tables')
  t.strictSame(places({ layout: 'flat', mapSizes: { ...defaultSettings('node').mapSizes, maglev: 8193 } }), [], 'as many as the message says')
  t.strictSame(places({ ...perService, tableSizePolicy: { perService: { perBackend: 0 } } }), ['/tableSizePolicy/perService/perBackend'])
  t.strictSame(places({ mapSizes: { ...allMapSizes(1), services: 0, maglev: (1 << 24) + 1 } }), ['/mapSizes/services', '/mapSizes/maglev'])
  t.strictSame(places({ addresses: ['192.0.2.1', 'nowhere'] }), ['/addresses/1'])
  t.strictSame(places({ options: { 'bpf-lb-external-clusterip': 'yes', 'bpf-lb-mode': 'tunnel', 'no/such': 1, 'bpf-lb-map-max': 5, 'node-port-range': '9,8' } }),
    ['/options/bpf-lb-external-clusterip', '/options/bpf-lb-mode', '/options/no~1such', '/options/bpf-lb-map-max', '/options/node-port-range'])
  t.strictSame(places({ options: { 'bpf-lb-mode': 'hybrid', 'bpf-lb-mode-annotation': true } }), ['/options/bpf-lb-mode'], 'as in Cilium')
  t.strictSame(places({ nodeName: 'Worker', zone: 'a b', labels: { tier: '-x' }, algorithm: 'hash' }), ['/algorithm', '/nodeName', '/zone', '/labels/tier'])
  const canonical = validateSettings(settings({ addresses: ['2001:DB8::1'] }), ['6.18'])
  t.strictSame(canonical.ok && canonical.value.addresses, ['2001:db8::1'])
})

t.test('cilium-config', async t => {
  const { settings, skipped, wrong } = applyCiliumConfig(defaultSettings('cilium'), new Map([
    ['bpf-lb-maglev-map-max', '7'], ['bpf-lb-map-max', '1000'], ['bpf-lb-maglev-table-size', '251'], ['bpf-lb-maglev-hash-seed', 'AQIDBAUGBwgJCgsM'],
    ['bpf-lb-external-clusterip', 'true'], ['preallocate-bpf-maps', 'true'], ['bpf-lb-algorithm', 'random'], ['bpf-lb-mode', 'dsr'],
    ['bpf-lb-affinity-map-max', '70'], ['bpf-lb-dsr-dispatch', 'geneve'], ['node-port-range', '20000,30000'], ['bpf-lb-acceleration', 'native'], ['debug', 'false'], ['__proto__', 'x']
  ]))
  t.match(settings, { mapSizes: { services: 1000, maglev: 7, affinity: 70, sourceRange: 1000 }, tableSizePolicy: { fixed: 251 }, algorithm: 'random', preallocateMaps: true })
  t.strictSame(settings.options, { 'bpf-lb-external-clusterip': true, 'bpf-lb-mode': 'dsr', 'node-port-range': '20000,30000' })
  t.strictSame(skipped.map(({ key }) => key), ['bpf-lb-dsr-dispatch', 'bpf-lb-acceleration', 'debug', '__proto__'])
  t.strictSame(wrong, [])
  const bad = applyCiliumConfig(defaultSettings('cilium'), new Map([
    ['bpf-lb-maglev-table-size', '252'], ['bpf-lb-map-max', '0'], ['bpf-lb-maglev-hash-seed', 'x'], ['bpf-lb-external-clusterip', 'maybe'], ['bpf-lb-algorithm', 'best'],
    ['bpf-lb-mode', 'tunnel']
  ]))
  t.equal(bad.wrong.length, 6)
  t.strictSame(bad.settings, defaultSettings('cilium'))
})

t.test('flags in words', async t => {
  t.equal(flagsText(serviceFlags.loadBalancer | serviceFlags.routable | serviceFlags.affinity | serviceFlags.externalLocalScope), 'LoadBalancer+Local+sessionAffinity')
  t.equal(flagsText(serviceFlags.hostPort | serviceFlags2.loopback << 8 | serviceFlags2.twoScopes << 8), 'HostPort+two-scopes+non-routable+loopback')
  t.equal(flagsText(serviceFlags.nodePort | serviceFlags.routable | serviceFlags.sourceRange | serviceFlags2.quarantined << 8), 'NodePort+check source-range+deny')
  t.equal(flagsText((serviceFlags2.localRedirect | serviceFlags2.l7LoadBalancer | serviceFlags2.directReturn) << 8), 'LocalRedirect+non-routable+l7-load-balancer+dsr')
})

t.test('importing: Lists, order, what is unchanged, what is skipped', async t => {
  const world = createWorld()
  const slice = endpointSlice('web-1', 'web', ['10.0.0.1', '10.0.0.2'])
  const list = { apiVersion: 'v1', kind: 'List', items: [slice, k8sService('web')] }
  t.match(world.import([null, list]), { ok: true, value: { created: 2, updated: 0, unchanged: 0, skipped: [] } })
  const { revision } = world.cluster
  t.match(world.import([{ kind: 'EndpointSliceList', apiVersion: 'discovery.k8s.io/v1', items: [{ ...slice, kind: undefined, apiVersion: undefined }] }, k8sService('web', { metadata: { resourceVersion: '9' } })]),
    { ok: true, value: { created: 0, updated: 0, unchanged: 2 } })
  t.equal(world.cluster.revision, revision + 1)
  t.match(world.import([endpointSlice('web-1', 'web', ['10.0.0.2'])]), { ok: true, value: { updated: 1 } })
  t.match(world.text(), /^BE: ID=2 ADDR=10\.0\.0\.2:8080\/TCP STATE=active\n(?!BE)/)
  const others = world.import([
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'Web_1' } }, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kube-dns' } },
    k8sService('headless', { spec: { clusterIP: 'None' } }), k8sService('name', { spec: { type: 'ExternalName', clusterIP: '' } }),
    endpointSlice('orphan', '', []), { ...slice, addressType: 'FQDN' }, { apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'web' } },
    k8sService('sticky', { spec: { clusterIP: '10.96.0.7', sessionAffinity: 'ClientIP' } })
  ])
  t.match(others, {
    ok: true,
    value: {
      created: 1,
      updated: 0,
      skipped: [
        { document: 0, kind: 'Deployment', name: 'default/Web_1' }, { document: 1, reason: /cilium-config/ }, { document: 2, reason: /headless/ }, { document: 3, reason: /ExternalName/ },
        { document: 4, reason: /service-name/ }, { document: 5, reason: /names/ }, { document: 6, reason: /EndpointSlices/ }
      ]
    }
  })
  t.match(world.import([k8sService('web'), k8sService('gone')], 'delete'), { ok: true, value: { deleted: 1, skipped: [{ document: 1, reason: /no such/ }] } })
  t.match(world.import([k8sService('web')]), { ok: true, value: { created: 1 } })
  t.match(world.text(), /ADDR=10\.0\.0\.2:8080/, 'the slice was kept')
})

t.test('importing: frontends move between services, whichever is listed first', async t => {
  const world = createWorld()
  const at = (clusterIP: string): object => ({ spec: { clusterIP } })
  world.import([k8sService('one', at('10.96.0.1')), k8sService('two', at('10.96.0.2'))])
  t.match(world.import([k8sService('two', at('10.96.0.1')), k8sService('one', at('10.96.0.2'))]), { ok: true, value: { updated: 2 } }, 'swapped')
  t.match(world.import([k8sService('new', at('10.96.0.2')), k8sService('one', at('None'))]), { ok: true, value: { created: 1, updated: 1 } })
  t.strictSame([...world.cluster.services()].map(({ name, frontends }) => `${name} ${frontends.map(({ address }) => address)}`).sort(), ['new 10.96.0.2', 'two 10.96.0.1'])
  const before = world.text()
  t.match(world.import([k8sService('third', at('10.96.0.1')), k8sService('two', { ...at('10.96.0.1'), metadata: { labels: { some: 'label' } } })]),
    { ok: false, error: { code: 'FRONTEND_CONFLICT', places: [{ pointer: '/0/spec/clusterIP' }] } }, 'both claim it')
  t.equal(world.text(), before)
})

t.test('importing: all conflicts are said, each with the member that brings it', async t => {
  const spec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', externalIPs: ['198.51.100.7'], ports: [{ name: 'a', port: 80 }, { name: 'b', port: 81, nodePort: 30081 }] }
  const one = k8sService('one', { spec }) as { metadata: object, spec: object }
  const status = { loadBalancer: { ingress: [{ ip: '172.20.0.1', ipMode: 'Proxy' }, { ip: '172.20.0.9' }] } }
  const two = { ...one, metadata: { name: 'two' }, status }
  const three = k8sService('three', { spec: { clusterIP: '10.96.0.3', clusterIPs: ['10.96.0.3', '2001:DB8::9'], ports: [{ port: 80 }] } })
  const four = k8sService('four', { spec: { clusterIP: '10.96.0.4', clusterIPs: ['10.96.0.4', '2001:db8::9'], ports: [{ port: 80 }] } })
  const result = createWorld().import([{ ...one, status }, two, three, endpointSlice('four-1', 'four', []), four])
  t.match(result, { ok: false, error: { code: 'FRONTEND_CONFLICT' } })
  t.strictSame(result.ok ? [] : result.error.places.map(({ pointer, detail }) => `${pointer} ${detail}`), [
    '/1/spec/clusterIP 10.96.0.1:80/TCP belongs to service default/one',
    '/1/spec/clusterIP 10.96.0.1:81/TCP belongs to service default/one',
    '/1/spec/ports/1/nodePort 0.0.0.0:30081/TCP belongs to service default/one',
    '/1/status/loadBalancer/ingress/1/ip 172.20.0.9:80/TCP belongs to service default/one',
    '/1/status/loadBalancer/ingress/1/ip 172.20.0.9:81/TCP belongs to service default/one',
    '/1/spec/externalIPs/0 198.51.100.7:80/TCP belongs to service default/one',
    '/1/spec/externalIPs/0 198.51.100.7:81/TCP belongs to service default/one',
    '/4/spec/clusterIPs/1 [2001:db8::9]:80/TCP belongs to service default/three'
  ])
})

t.test('importing: what has no effect is said', async t => {
  const annotations = {
    'service.cilium.io/lb-algorithm': 'best', 'service.cilium.io/global': 'true', 'service.cilium.io/type': 'LoadBalancer', 'service.cilium.io/nodes': 'a'
  }
  const said = createWorld().import([k8sService('odd', { metadata: { annotations } })])
  const reason = /^imported, but without effect: service\.cilium\.io\/lb-algorithm cannot be "best"; .*global has no effect.*; service\.cilium\.io\/nodes is no annotation of a service$/
  t.match(said, { ok: true, value: { created: 1, skipped: [{ reason }] } })
  const policy = { apiVersion: 'cilium.io/v2', kind: 'CiliumLocalRedirectPolicy', metadata: { name: 'x' } }
  t.match(createWorld().import([policy]), { ok: true, value: { skipped: [{ kind: 'CiliumLocalRedirectPolicy', reason: /local pods/ }] } })
})

t.test('importing: nodes give the node addresses', async t => {
  const world = createWorld()
  const node = (name: string, ...addresses: [type: string, address: string][]) =>
    ({ apiVersion: 'v1', kind: 'Node', metadata: { name }, status: { addresses: addresses.map(([type, address]) => ({ type, address })) } })
  world.import([node('a', ['InternalIP', '192.0.2.1'], ['Hostname', 'a'], ['ExternalIP', '2001:DB8::1']), node('b', ['InternalIP', '192.0.2.2'])])
  t.strictSame(world.cluster.nodeAddresses, ['192.0.2.1', '2001:db8::1', '192.0.2.2'])
  world.import([node('a', ['InternalIP', '192.0.2.3'])])
  t.strictSame(world.cluster.nodeAddresses, ['192.0.2.2', '192.0.2.3'])
  t.match(world.import([node('b')], 'delete'), { ok: true, value: { deleted: 1, skipped: [] } })
  t.strictSame(world.cluster.nodeAddresses, ['192.0.2.3'])
})

t.test('importing: what the API server refuses and Cilium takes is listed', async t => {
  const listed = [
    k8sService('x', { spec: { clusterIP: '10.96.0.8', clusterIPs: ['10.96.0.9'] } }), { ...k8sService('y') as object, spec: null },
    { ...endpointSlice('x', 'z', []), endpoints: [{ addresses: [] }, {}] }
  ]
  const taken = createWorld().import(listed)
  t.match(taken.ok && taken.value.skipped, [
    { document: 0, reason: /"10\.96\.0\.8" is not the first of clusterIPs, "10\.96\.0\.9", which are taken/ },
    { document: 1, reason: 'a Service without ports has no frontends' }
  ])
})

t.test('importing: bad documents are refused with document and place, nothing happens', async t => {
  const world = createWorld()
  world.import([k8sService('web'), endpointSlice('web-1', 'web', ['10.0.0.1'])])
  world.put(service('by-hand', { address: '203.0.113.77' }))
  const text = world.text()
  const { revision } = world.cluster
  const refused = (documents: unknown[], pointer: string, message: RegExp, code = 'INVALID_DOCUMENT'): void => {
    const result = world.import([endpointSlice('other', 'web', ['10.0.0.9']), ...documents])
    t.match(result, { ok: false, error: { code, message, places: [{ pointer }] } }, `${pointer}: ${result.ok ? 'imported' : result.error.message}`)
    t.equal(world.text(), text)
    t.equal(world.cluster.revision, revision)
  }
  refused(['just text'], '/1', /document 1: "just text" is no Kubernetes object/)
  refused([[]], '/1', /a list/)
  refused([{ metadata: { name: 'x' } }], '/1/kind', /needs a kind/)
  refused([{ apiVersion: 'v1', kind: 'Service', metadata: {} }], '/1/metadata/name', /document 1 .*: \/metadata\/name: a Service needs a name/)
  refused([k8sService('Bad_Name')], '/1/metadata/name', /not a Kubernetes name/)
  refused([k8sService('x', { spec: { ports: [{ port: 70000 }] } })], '/1/spec/ports/0/port', /70000 is not a port/)
  refused([k8sService('x', { spec: { ports: [{ port: 'http' }] } })], '/1/spec/ports/0/port', /"http" is not a port/)
  refused([k8sService('x', { spec: { ports: 'all' } })], '/1/spec/ports', /where a list is expected/)
  refused([k8sService('x', { spec: { ports: [{}] } })], '/1/spec/ports/0/port', /needs a number/)
  refused([k8sService('x', { spec: { clusterIP: '10.96.0.300' } })], '/1/spec/clusterIP', /not an IP address/)
  refused([k8sService('x', { spec: { type: 'Magic' } })], '/1/spec/type', /not one of/)
  refused([{ kind: 'List', items: [k8sService('y', { spec: { clusterIP: '10.96.0.9' } }), endpointSlice('x', 'y', ['10.0.0.999'])] }], '/1/items/1/endpoints/0/addresses/0', /EndpointSlice default\/x/)
  refused([endpointSlice('x', 'y', ['fd00::1'])], '/1/endpoints/0/addresses/0', /not an IPv4 address/)
  refused([{ ...endpointSlice('x', 'y', []), addressType: undefined }], '/1/addressType', /needs an addressType/)
  refused([endpointSlice('x', 'web', Array.from({ length: 70000 }, (_, index) => `10.1.${index >> 8 & 255}.${index & 255}`))], '/1/endpoints', /70000 endpoints/)
  refused([{ apiVersion: 'v1', kind: 'EndpointSlice', metadata: {} }], '/1/metadata/name', /an EndpointSlice needs a name/)
  refused([{ ...endpointSlice('x', 'web', []), endpoints: [null] }], '/1/endpoints/0', /nothing stands/)
  for (const member of ['spec', 'metadata']) {
    const once = world.import([{ ...k8sService('x') as object, [member]: [] }])
    t.strictSame(once.ok ? [] : once.error.places, [{ pointer: `/0/${member}`, detail: 'a list where an object is expected' }], 'one fault, one place')
  }
  refused([k8sService('x')], '/1/spec/clusterIP', /10\.96\.0\.1:80\/TCP belongs to service default\/web/, 'FRONTEND_CONFLICT')
  refused([k8sService('by-hand', { spec: { clusterIP: '10.96.0.8' } })], '/1', /made by hand/, 'SERVICE_EXISTS')
  refused([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'cilium-config' }, data: { 'bpf-lb-map-max': 5 } }], '/1/data/bpf-lb-map-max', /text is expected/)
  refused([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'cilium-config' }, data: { 'bpf-lb-maglev-table-size': '17' } }], '/1/data/bpf-lb-maglev-table-size', /17/)
})

t.test('importing: Services that need no ports', t => {
  const world = createWorld()
  const named = (name: string, spec: object) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec })
  const result = world.import([named('headless', { clusterIP: 'None' }), named('outside', { type: 'ExternalName', externalName: 'example.org', ports: [] })])
  t.match(result, { ok: true, value: { skipped: [{ name: 'default/headless' }, { name: 'default/outside' }] } })
  t.end()
})

t.test('importing: names of JavaScript\'s own are names like others', async t => {
  const world = createWorld()
  const hostile = JSON.parse(`{"apiVersion":"v1","kind":"Service","metadata":{"name":"constructor","labels":{"__proto__":{"x":1},"toString":"y"}},
    "spec":{"clusterIP":"10.96.0.4","ports":[{"port":80,"name":"__proto__"}]},"__proto__":{"kind":"Node"}}`) as unknown
  t.match(world.import([hostile]), { ok: true, value: { created: 1 } })
  t.match(world.import([{ apiVersion: 'v1', kind: 'toString', metadata: { name: 'x' } }]), { ok: true, value: { skipped: [{ kind: 'toString' }] } })
  t.equal(world.cluster.service('default/constructor')?.frontends[0]?.portName, '__proto__')
  t.equal(({} as Record<string, unknown>)['x'], undefined)
})

t.test('cilium-config sets node cilium in the same import; imported services are not edited by hand', async t => {
  const cluster = new Cluster()
  const config = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'cilium-config', namespace: 'kube-system' }, data: { 'bpf-lb-maglev-table-size': '1021', 'bpf-lb-mode': 'snat' } }
  const options = { operation: 'apply', ciliumSettings: defaultSettings('cilium') } as const
  t.match(importDocuments(cluster, [config], options),
    { ok: true, value: { ciliumSettings: { tableSizePolicy: { fixed: 1021 } }, counts: { updated: 1, skipped: [] } } })
  t.match(importDocuments(cluster, [config], { ...options, ciliumSettings: null }), { ok: true, value: { ciliumSettings: null, counts: { skipped: [{ reason: /no node cilium/ }] } } })
  const world = createWorld()
  world.import([k8sService('web')])
  world.put(service('hand'))
  const editable = (key: string): boolean | undefined => {
    const found = world.cluster.service(key)
    return found && refuseImported(found).ok
  }
  t.strictSame([editable('default/web'), editable('default/hand')], [false, true])
})

function service (name: string, more: { address?: string, backends?: number[] } = {}): ServiceInput {
  return {
    namespace: 'default',
    name,
    frontends: [{ address: more.address ?? '203.0.113.1', port: 80, protocol: 'TCP', type: 'ExternalIPs' }],
    backends: (more.backends ?? [1]).map(last => ({ address: `10.0.0.${last}`, port: 80 }))
  }
}

function k8sService (name: string, more: { metadata?: object, spec?: object } = {}): object {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, ...more.metadata }, spec: { clusterIP: '10.96.0.1', ports: [{ port: 80 }], ...more.spec } }
}

function endpointSlice (name: string, serviceName: string, addresses: string[]): object {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, labels: { 'kubernetes.io/service-name': serviceName } },
    addressType: 'IPv4',
    endpoints: addresses.map(address => ({ addresses: [address] })),
    ports: [{ port: 8080 }]
  }
}

/** a small world in which services meet: few names, addresses, ports and backends */
function anyOperation (): fc.Arbitrary<(world: World) => LbResult<unknown>> {
  const port = fc.constantFrom(80, 443, 30080)
  const frontend = fc.oneof(
    fc.record({ address: fc.constantFrom('0.0.0.0', '::'), type: fc.constantFrom('NodePort', 'HostPort') }),
    fc.record({ address: fc.constantFrom('10.96.0.1', 'fd00:96::1', '192.0.2.1', '192.0.2.9'), type: fc.constantFrom('ClusterIP', 'LoadBalancer', 'ExternalIPs') })
  )
  const frontends = fc.uniqueArray(fc.tuple(frontend, port, fc.constantFrom('TCP', 'UDP')), {
    maxLength: 4, selector: ([{ address }, port, protocol]) => `${address} ${port} ${protocol}`
  })
  const backends = fc.uniqueArray(fc.record({
    address: fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3', 'fd00::1', 'fd00::2'),
    port: fc.constantFrom(8080, 8081),
    // One state for all: what two services say about one backend would depend on who spoke last.
    weight: fc.constantFrom(100, 50, 1)
  }), { maxLength: 6, selector: ({ address, port }) => `${address} ${port}` })
  const put = fc.tuple(fc.constantFrom('a', 'b', 'c'), frontends, backends).map(([name, list, backends]) => (world: World): LbResult<unknown> => world.put({
    namespace: 'default', name, backends, frontends: list.map(([frontend, port, protocol]) => ({ ...frontend, port, protocol }))
  }))
  const remove = fc.constantFrom('a', 'b', 'c').map(name => (world: World): LbResult<unknown> => world.remove(`default/${name}`))
  const addresses = fc.subarray(['192.0.2.1', '192.0.2.2', '2001:db8::1']).map(list => (world: World): LbResult<unknown> => world.setNodeAddresses(list))
  return fc.oneof({ weight: 4, arbitrary: put }, { weight: 1, arbitrary: remove }, { weight: 1, arbitrary: addresses })
}

/** the dump with ids replaced by what they stand for, so that nodes of different histories compare */
function withoutIds (text: string): string {
  const lines = text.split('\n')
  const names = (kind: string, pattern: RegExp): Map<string, string> => new Map(lines.filter(line => line.startsWith(kind))
    .map(line => pattern.exec(line)).map(match => [match?.[1] ?? '', match?.[2] ?? '']))
  const backends = names('BE:', /ID=(\d+) ADDR=(\S+)/)
  const frontends = names('SVC:', /ID=(\d+) ADDR=(\S+) SLOT=0/)
  const named = lines.map(line => {
    if (line.startsWith('MAGLEV')) {
      const inner = [...line.matchAll(/(\d+)\((\d+)\)/g)].map(([, id = '', count]) => `${backends.get(id)} ${count}`).sort()
      return `MAGLEV ${frontends.get(/ID=(\d+)/.exec(line)?.[1] ?? '')} ${inner.join()}`
    }
    const withBackend = line.replace(/BEID=(\d+)/, (_, id: string) => `BE=${backends.get(id)}`)
    // A wildcard entry is of the type of whoever came first.
    return withBackend.replace(/ID=\d+/, '').replace(/(0\/ANY .*) FLAGS=\S+/, '$1')
  })
  return named.sort().join('\n')
}

function countsHold (world: World, index: number): boolean {
  const { node, maps } = world.nodes[index] ?? {}
  if (node === undefined || maps === undefined) return false
  const counts = node.counts()
  return families.every(family => counts.maglev[family] === [...maps.maglev[family].revNatIds()].length &&
    (['services', 'backends', 'revNat'] as const).every(map => counts[map][family] === [...maps[map][family].entries()].length))
}
