// The memory report's further figures: each equals a fresh query, or the emulated kernel's own answer for a map of that shape that was
// really made; and what it foretells of growth comes true.

import fc from 'fast-check'
import t from 'tap'
import { createCore } from '../../lib/bpf/core/index.ts'
import { createMap } from '../../lib/bpf/map/index.ts'
import type { KernelMap, MapAttr } from '../../lib/bpf/map/index.ts'
import { kernel510 } from '../../lib/bpf/profile/kernel-5.10.ts'
import { kernel618 } from '../../lib/bpf/profile/kernel-6.18.ts'
import type { KernelProfile } from '../../lib/bpf/profile/index.ts'
import { innerAttributes } from '../../lib/loadbalancer/index.ts'
import { formatReport, presentReport } from '../../lib/report/index.ts'
import type { FoundMap, MemoryReport, NodeMemory } from '../../lib/report/index.ts'
import { connectionMaps, dynamicSizes } from '../../lib/report/memory/cilium-maps.ts'
import { envoyTableBytes } from '../../lib/report/memory/alternatives.ts'
import { SimError } from '../../lib/sim/errors.ts'
import type { Simulator } from '../../lib/sim/types.ts'
import { testAssets } from '../support/assets.ts'
import { someBackends, someService, testSimulator } from '../support/simulator.ts'

const theMix = '700x3,200x10,80x40,20x160'
const memoryOf = (sim: Simulator, request: object = {}): MemoryReport => sim.report({ kind: 'memory', ...request }) as MemoryReport
const sumOf = <T>(values: readonly T[], of: (value: T) => number): number => values.reduce((sum, value) => sum + of(value), 0)

/** Makes a map on an emulated kernel of its own. */
function made (profile: KernelProfile, attr: Omit<MapAttr, 'id' | 'hashSeed'>, possibleCpus = 2): KernelMap {
  const core = createCore({ module: testAssets().core, profile, possibleCpus })
  const map = createMap(core, { ...attr, id: 1, hashSeed: 7 })
  if (!map.ok) throw new Error(map.error.message)
  return map.value
}

const profiles = [kernel618, kernel510] as const

t.test('both kernels\' memlock, and where allocated bytes come from', async (t) => {
  const variants = profiles.flatMap(({ name }) => ['blob', 'compact'].map((layout) => ({ name: `${layout}-${name.replace('.', '-')}`, kernel: name, layout })))
  const { nodes } = memoryOf(testSimulator(), { mix: '4x3,2x40', variants })
  for (const node of nodes) {
    t.equal(node.totalByKernel[0]?.kernel, node.kernel)
    t.equal(node.totalByKernel[0]?.memlockBytes, node.total.memlockBytes)
    for (const { areas, allocatedBytes, perCpuBytes, name } of node.maps) {
      t.equal(sumOf(areas, (area) => area.allocatedBytes), allocatedBytes, `${node.node} ${name}: areas add up`)
      t.equal(areas.find(({ allocator }) => allocator === 'percpu')?.allocatedBytes ?? 0, perCpuBytes)
    }
    t.equal(sumOf(node.areas, (area) => area.allocatedBytes), node.total.allocatedBytes)
    for (const { m, backends, tableByKernel } of node.rows) {
      for (const { kernel, memlockBytes } of tableByKernel) {
        const profile = profiles.find(({ name }) => name === kernel) ?? kernel618
        const table = made(profile, { type: 'array', ...innerAttributes(node.layout as 'blob', m, backends) })
        t.equal(table.memlockBytes(), memlockBytes, `${node.node}: a table of ${backends} on ${kernel}`)
      }
    }
  }
  const [new4, , old4] = nodes
  t.same(new4?.totalByKernel.map(({ memlockBytes }) => memlockBytes), old4?.totalByKernel.map(({ memlockBytes }) => memlockBytes).reverse(), 'what one computes the other measures')
  t.same(new4?.totalByKernel.map(({ from }) => from).slice(1), ['computed'])
  const rows = new4?.rows.map(({ tableAreas }) => tableAreas.map(({ allocator, objects }) => `${objects} ${allocator}`))
  t.same(rows, [['1 vmalloc'], ['1 vmalloc']])
  t.same(nodes[1]?.rows.map(({ tableAreas }) => tableAreas[0]?.allocator.replace(/-.*/, '')), ['kmalloc', 'pages'])
})

t.test('the outer map, preallocated or not, empty to full', async (t) => {
  for (const profile of profiles) {
    const variants = [{ name: 'one', kernel: profile.name, mapSizes: { services: 512, backends: 512, revNat: 512, maglev: 64 } }]
    const [node] = memoryOf(testSimulator(), { mix: '5x2', variants }).nodes
    t.equal(node?.outerMaps.length, 4, 'two families in two modes')
    for (const { preallocated, family, empty, now, full, services } of node?.outerMaps ?? []) {
      const core = createCore({ module: testAssets().core, profile, possibleCpus: 2 })
      const inner = createMap(core, { id: 1, type: 'array', ...innerAttributes('blob', 16381, 2), hashSeed: 0 })
      if (!inner.ok) throw new Error(inner.error.message)
      const attr = { type: 'hash_of_maps', keySize: 2, valueSize: 4, maxEntries: 64, flags: preallocated ? 0 : 1 } as const
      const outer = createMap(core, { ...attr, id: 2, hashSeed: 3, inner: inner.value })
      if (!outer.ok) throw new Error(outer.error.message)
      const bytes = () => ({ memlockBytes: outer.value.memlockBytes(), allocatedBytes: outer.value.allocatedBytes() })
      t.equal(services, family === 4 ? 5 : 0)
      t.same(bytes(), empty, `${profile.name} family ${family} preallocated ${preallocated}`)
      for (let key = 0; key < 64; key++) {
        if (key === services) t.same(bytes(), now, `with ${services}`)
        outer.value.updateInner(Uint8Array.of(0, key), inner.value)
      }
      t.same(bytes(), full)
    }
  }
})

t.test('peaks: what is replaced is there twice', async (t) => {
  const [cilium, dynamic] = memoryOf(testSimulator(), { mix: theMix }).nodes
  t.same(cilium?.peaks.map(({ services }) => services), [1, 10, 100, 256, 1000])
  const last = dynamic?.peaks.at(-1)
  t.equal(last?.oneByOne.more.memlockBytes, 131_360, 'the largest table')
  t.equal(last?.batch.more.memlockBytes, 10_036_480, 'all of them')
  t.equal(last?.batch.peak.memlockBytes, (dynamic?.total.memlockBytes ?? 0) + 10_036_480)
  t.equal(dynamic?.peaks[2]?.batch.more.memlockBytes, 20 * 131_360 + 80 * 33_056, 'the hundred largest')
  const flat = memoryOf(testSimulator(), { mix: '3x3', variants: [{ name: 'flat', layout: 'flat', mapSizes: { services: 64, backends: 64, revNat: 64, maglev: 8 } }] })
  t.same(flat.nodes[0]?.peaks.map(({ batch }) => batch.more.memlockBytes), [0, 0], 'flat writes over what is there')
  // the emulated node itself, with the old tables held as a program that is running holds them
  const sim = testSimulator()
  sim.putService(someService('one', '172.20.0.1', someBackends(3)))
  const { memory } = sim.getNode('cilium')
  t.equal(memoryOf(sim).nodes[0]?.peaks[0]?.batch.peak.memlockBytes, memory.memlockBytes + 65_840)
})

t.test('headroom: as many as told fit, one more is refused', async (t) => {
  const between = (min: number, max: number) => fc.integer({ min, max })
  const cases = fc.record({
    mapSizes: fc.record({ services: between(20, 60), backends: between(8, 40), revNat: between(3, 12), maglev: between(3, 12) }),
    backends: between(1, 6),
    layout: fc.constantFrom('blob' as const, 'flat' as const, 'packed' as const),
    preallocateMaps: fc.boolean()
  })
  fc.assert(fc.property(cases, ({ backends, ...settings }) => {
    const sim = testSimulator({ nodes: [], programs: 'when-needed' })
    sim.createNode({ name: 'small', ...settings, tableSizePolicy: { fixed: 251 } })
    const add = (index: number): void => { sim.putService(someService(`s${index}`, `172.20.0.${index}`, someBackends(backends, index * 16))) }
    add(1)
    const [told] = memoryOf(sim, { trials: 1 }).nodes[0]?.headroom ?? []
    if (told === undefined) throw new Error('nothing told')
    for (let index = 0; index < told.moreServices; index++) add(2 + index)
    try {
      add(2 + told.moreServices)
    } catch (error) {
      if (!(error instanceof SimError)) throw error
      if (told.limitedBy === 'revNAT ids') return error.code === 'IDS_EXHAUSTED'
      return error.code === 'MAP_FULL' && error.facts['map'] === told.limitedBy
    }
    return false
  }), { seed: 20, numRuns: 20 })
})

t.test('pressure is that of the maps', async (t) => {
  const sim = testSimulator()
  sim.createNode({ name: 'small', mapSizes: { services: 10, backends: 12, revNat: 8, maglev: 4 } })
  sim.putService(someService('a', '172.20.0.1', someBackends(3)))
  const node = memoryOf(sim, { nodes: ['small'] }).nodes[0] as NodeMemory
  for (const { name, pressure } of node.maps) {
    const map = sim.listMaps('small').find(({ fullName }) => fullName === name)
    if (pressure !== null) t.equal(pressure, (map?.entries ?? NaN) / (map?.max_entries ?? NaN), name)
  }
  t.same(node.fullest, { map: 'cilium_lb4_services_v2', pressure: 0.5 })
  t.same(node.headroom, [{ family: 4, backends: 3, m: 16381, moreServices: 1, limitedBy: 'cilium_lb4_services_v2' }])
})

t.test('the dearest services', async (t) => {
  const sim = testSimulator()
  for (const [index, size] of [3, 40, 10].entries()) sim.putService(someService(`s${index}`, `172.20.0.${index + 1}`, someBackends(size, index * 64)))
  const ports = [80, 443].map((port) => ({ address: '172.20.1.1', port, protocol: 'TCP' as const, type: 'LoadBalancer' as const }))
  sim.putService({ namespace: 'default', name: 'ports', frontends: ports, backends: someBackends(3, 1024) })
  const { nodes } = memoryOf(sim, { servicesListed: 3 })
  for (const node of nodes) {
    t.equal(node.services.length, 3)
    for (const { name, frontends, tableMemlockBytes, memlockBytes } of node.services) {
      const own = sim.listFrontends(node.node).filter(({ service }) => service.name === name)
      t.equal(frontends, own.length)
      t.equal(tableMemlockBytes, sumOf(own, ({ table }) => sim.getMap(node.node, table?.mapId ?? -1).bytes_memlock), `${node.node} ${name}`)
      t.ok(memlockBytes > tableMemlockBytes)
    }
  }
  t.equal(nodes[0]?.services[0]?.name, 'ports', 'two ports, two tables')
  t.equal(nodes[1]?.services[0]?.name, 's1', 'where tables are sized per service, the largest')
  t.same(memoryOf(testSimulator(), { mix: '3x3' }).nodes[0]?.services, [], 'a mix has rows')
})

t.test('the whole bill by Cilium\'s sizing rules', async (t) => {
  const gibibytes = 2 ** 30
  const of = (ramBytes: number, bpfMapDynamicSizeRatio = 0.0025) => dynamicSizes({ ramBytes, bpfMapDynamicSizeRatio })
  // 285 bytes for each entry of TCP conntrack: 94 + 94 / 2 + 94 + 24 + 52 / 2
  const share = Math.floor(Math.floor(30 * gibibytes * 0.0025) / 285)
  const half = Math.floor(share / 2)
  t.same(of(30 * gibibytes), { ctTcp: share, ctAny: half, nat: share, neighbours: share, reverseSocket: half })
  t.same(of(4 * gibibytes), { ctTcp: 131_072, ctAny: 65_536, nat: 131_072, neighbours: 131_072, reverseSocket: 65_536 }, 'the least')
  t.equal(of(2 ** 50).ctTcp, 2 ** 24, 'the most')
  t.equal(of(gibibytes, 0).ctTcp, 524_288, 'no ratio: fixed sizes')
  for (const profile of profiles) {
    const node = { name: 'n', kernel: profile.name, possibleCpus: 4, spectreMasking: false }
    const maps = connectionMaps(node, { ramBytes: gibibytes, bpfMapDynamicSizeRatio: 0.0025 }, false)
    for (const map of maps.filter(({ name }) => !name.includes('6'))) {
      const { type, keySize, valueSize, maxEntries } = map
      const live = made(profile, { type, keySize, valueSize, maxEntries, flags: type === 'hash' ? 1 : 0 }, 4)
      t.same([map.memlockBytes, map.allocatedBytes], [live.memlockBytes(), live.allocatedBytes()], `${profile.name} ${map.name}`)
    }
  }
  const { nodes: [node] } = memoryOf(testSimulator(), { mix: theMix })
  t.equal(node?.bill.memlockBytes, (node?.total.memlockBytes ?? 0) + sumOf(node?.connections ?? [], ({ memlockBytes }) => memlockBytes))
  const [large] = memoryOf(testSimulator(), { mix: '1x3', ramBytes: 256 * gibibytes }).nodes
  t.ok((large?.bill.memlockBytes ?? 0) > 3 * (node?.bill.memlockBytes ?? 0))
})

t.test('elsewhere: Katran, Envoy, no table', async (t) => {
  const { alternatives: [katran, envoy, random] } = memoryOf(testSimulator(), { mix: '5x3,1x40' })
  t.equal(katran?.tableBytes, 512 * 65537 * 8 + 312)
  t.equal(katran?.fits, true)
  t.equal(memoryOf(testSimulator(), { mix: theMix }).alternatives[0]?.fits, false, 'a thousand services have no place there')
  for (const [hosts, published] of [[100, 67_800], [200, 77_400], [500, 90_600]] as const) {
    t.ok(Math.abs(envoyTableBytes(hosts) / published - 1) < 0.002, `${hosts} hosts: ${envoyTableBytes(hosts)}`)
  }
  t.equal(envoy?.tableBytes, 5 * envoyTableBytes(3) + envoyTableBytes(40))
  t.equal(random?.tableBytes, 0)
  t.same(random?.rows.map(({ flowsMovedWithoutConntrack }) => flowsMovedWithoutConntrack), [1 - 1 / 3, 1 - 1 / 40], 'no bytes, but every flow moves')
  const rows = [katran, envoy].flatMap((one) => one?.rows ?? [])
  t.ok(rows.length === 4 && rows.every(({ disruption, backends }) => (disruption?.movedShare ?? 0) >= 1 / backends - 1e-3))
})

t.test('set against what bpftool shows', async (t) => {
  const sim = testSimulator()
  for (const [index, size] of [3, 3, 10].entries()) sim.putService(someService(`s${index}`, `172.20.0.${index + 1}`, someBackends(size, index * 64)))
  for (const name of ['cilium', 'dynamic']) {
    const own = sim.listMaps(name).map(({ fullName, allocatedBytes, entries, ...map }) => ({ ...map, btf_id: 12, pids: [{ pid: 1 }] }))
    const foreign = { id: 999, type: 28, name: 'someone_else', flags: 0, bytes_key: 4, bytes_value: 4, max_entries: 1, bytes_memlock: 500 }
    const found = memoryOf(sim, { nodes: [name], maps: [...own, foreign] as FoundMap[] }).nodes[0]?.found
    t.equal(found?.total.differenceBytes, 0, name)
    t.ok(found?.maps.every(({ differenceBytes, found }) => differenceBytes === 0 && found === 1))
    t.same(found?.others, { maps: 1, memlockBytes: 500, names: ['someone_else'] })
    t.equal(sumOf(found?.tables ?? [], (table) => table.found), 3)
    t.ok(found?.tables.every((table) => table.found === table.predicted))
    t.equal(found?.maps.find(({ name }) => name === 'cilium_lb4_backends_v3')?.foundEntries, 16, 'entries by their weight')
  }
  const other = sim.listMaps('cilium').filter(({ name }) => name === 'cilium_lb4_serv').map((map) => ({ ...map, max_entries: 131_072, bytes_memlock: 2_100_000 }))
  const found = memoryOf(sim, { nodes: ['cilium'], maps: other }).nodes[0]?.found
  const services = found?.maps.find(({ name }) => name === 'cilium_lb4_services_v2')
  t.match(services, { foundMaxEntries: 131_072, predictedMaxEntries: 65_536, foundShapeBytes: 832 + 64 + 16 * 131_072 + 22 * 88 })
  t.equal(found?.maps.find(({ name }) => name === 'cilium_lb6_services_v2')?.differenceBytes, null, 'not given')
  t.equal(memoryOf(sim).nodes[0]?.found, null)
})

t.test('the answer in a sentence, and pictures with their numbers', async (t) => {
  const report = memoryOf(testSimulator(), { mix: theMix })
  const { headline, findings, sections } = presentReport(report)
  t.match(headline, /^Maglev costs 65\.8 MB on every node like cilium \(M = 16381\); the same picks fit in \d\.\d MB \(compact\); when a backend leaves, on average 1\.\d\d % of the flows to a service of 160 move without need, \d\.\d\d % in the worst of 12\.$/)
  t.match(findings[1], /tables 10\.0 MB.*; M = 509 to 16381, other picks than on cilium: when a backend leaves, on average 2\.\d\d % .* in the worst of 200\./, 'other tables come with what they move')
  t.notMatch(JSON.stringify(presentReport(report)), /up to/)
  t.same(report.nodes.map(({ samePicksAs }) => samePicksAs), [['compact'], ['packed'], ['dynamic'], ['cilium']])
  const charts = sections.flatMap((section) => section.charts)
  t.same(charts.map(({ id }) => id), ['bytes-by-size', 'bill-by-map-group'])
  for (const { name, points } of charts[0]?.series ?? []) {
    for (const { x, note = '' } of points.filter(({ x }) => Number(x) <= 160)) t.match(note, /% .*move without need/, `${name}, N = ${x}: bytes with what moves`)
  }
  for (const node of report.nodes) {
    for (const { backends, m, table } of node.rows) {
      const point = node.curve.find((one) => one.backends === backends)
      const { memlockBytes, allocatedBytes } = table
      t.match(point, { m, memlockBytes, allocatedBytes }, `${node.node}: the curve meets N = ${backends}`)
    }
    const bars = charts[1]?.series.find(({ name }) => name.startsWith(`${node.node} `))?.points ?? []
    t.equal(sumOf(bars, ({ y }) => y), node.bill.memlockBytes, 'bars add up to the bill')
  }
  const one = presentReport(memoryOf(testSimulator(), { mix: '1x3', variants: [{ name: 'a' }, { name: 'b', layout: 'fixed' as const }] })).headline
  t.match(one, /^Maglev costs 65\.8 kB on every node like a \(M = 16381\); 131\.4 kB on b \(the same picks\); when a backend leaves/, 'what costs more is no bargain')
  t.equal(presentReport(memoryOf(testSimulator())).headline, 'There is no service with a table yet; try a mix, as in 700x3,200x10.')
  t.ok(formatReport(report, 'text').length < 60_000)
  const maps = sections.flatMap(({ tables }) => tables).find(({ title }) => title === 'All maps')?.rows ?? []
  const others = report.nodes.map(({ maps }) => maps.length - 1)
  t.equal(maps.length, Math.max(...others) + 2 * report.nodes.length, 'tables and totals of each node, all other maps once')
})
