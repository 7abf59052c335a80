// The reports against the simulator they speak of: every figure equals a fresh query, a mix equals the cluster it stands
// for, and whatever changes a table changes them.

import t from 'tap'
import { formatReport } from '../../lib/report/index.ts'
import type { LookupCostReport, MapGroup, MemoryReport, MemoryRow } from '../../lib/report/index.ts'
import { comparedNodes } from '../../lib/loadbalancer/index.ts'
import { SimError } from '../../lib/sim/errors.ts'
import type { Simulator } from '../../lib/sim/types.ts'
import { someBackends, someService, testSimulator } from '../support/simulator.ts'

const memoryOf = (sim: Simulator, request: object = {}): MemoryReport => sim.report({ kind: 'memory', ...request }) as MemoryReport
const costOf = (sim: Simulator, request: object = {}): LookupCostReport => sim.report({ kind: 'lookup-cost', cacheLookups: 0, ...request }) as LookupCostReport

/** services of the sizes, backends of their own each */
function clusterOf (sizes: readonly number[]): Simulator {
  const sim = testSimulator()
  for (const [index, size] of sizes.entries()) {
    sim.putService(someService(`s${index}`, `172.20.${index >> 8}.${index & 255}`, someBackends(size, index << 10)))
  }
  return sim
}

t.test('memory: every figure is one that the node\'s own queries give', async (t) => {
  const sim = clusterOf([3, 3, 10, 40, 0])
  sim.putService(someService('six', 'fd00:20::1', [{ ...someBackends(1)[0], address: 'fd00:10::1' }] as never))
  const report = memoryOf(sim)
  t.equal(report.subject.revision, sim.revision())
  for (const node of report.nodes) {
    const maps = sim.listMaps(node.node)
    t.same(node.total, sim.getNode(node.node).memory, `${node.node}: the total is the node's`)
    t.equal(node.total.memlockBytes, maps.reduce((sum, map) => sum + map.bytes_memlock, 0), 'and the sum over its maps')
    for (const group of node.maps) {
      t.equal(group.from, 'measured')
      if (group.name === 'tables') continue
      const map = maps.find(({ fullName }) => fullName === group.name)
      t.same([group.memlockBytes, group.allocatedBytes, group.entries], [map?.bytes_memlock, map?.allocatedBytes, map?.entries], group.name)
    }
    const sizes = node.rows.map(({ family, backends, frontends }) => [family, backends, frontends])
    t.same(sizes, [[4, 3, 2], [4, 10, 1], [4, 40, 1], [6, 1, 1]])
    for (const row of node.rows) {
      const tables = sim.listFrontends(node.node)
        .filter(({ table, address }) => table?.backends === row.backends && address.includes(':') === (row.family === 6))
      for (const { table } of tables) {
        const map = sim.getMap(node.node, table?.mapId ?? -1)
        t.same([row.m, row.table.memlockBytes, row.table.allocatedBytes], [table?.m, map.bytes_memlock, map.allocatedBytes])
      }
      t.ok((row.disruption?.movedShare ?? 0) >= 1 / row.backends - 1e-3, 'bytes come with the disruption that goes with them')
    }
  }
})

t.test('memory: figures of kernel and layout by hand', async (t) => {
  const [cilium, dynamic] = memoryOf(clusterOf([3, 10])).nodes
  t.same(cilium?.rows.map(({ m, table }) => [m, table.memlockBytes, table.allocatedBytes]), [[16381, 65840, 69632], [16381, 65840, 69632]])
  t.same(dynamic?.rows.map(({ m, table }) => [m, table.memlockBytes, table.allocatedBytes]), [[509, 4384, 8192], [1021, 8480, 16384]])
  t.same(cilium?.rows.map(({ entriesBytes }) => entriesBytes), [
    { services: 4 * (48 + 16 + 16 + 8), backends: 3 * (48 + 8 + 16 + 8), revNat: 48 + 8 + 8 + 8 },
    { services: 11 * 88, backends: 10 * 80, revNat: 72 }
  ])
})

t.test('a mix is the cluster it stands for, and changes nothing', async (t) => {
  const mix = '4x0,7x3,3x10,1x40'
  const sim = clusterOf([...Array(4).fill(0), ...Array(7).fill(3), ...Array(3).fill(10), 40])
  for (const settings of comparedNodes().slice(2)) sim.createNode(settings)
  const empty = testSimulator()
  const of = memoryOf(empty, { mix })
  const real = memoryOf(sim)
  t.equal(of.subject.mix, mix)
  for (const [index, node] of of.nodes.entries()) {
    const made = real.nodes[index]
    // services of a mix have other addresses than those of the cluster
    const bytes = ({ disruption, ...row }: MemoryRow) => row
    t.same(node.rows.map(bytes), made?.rows.map(bytes))
    const figures = ({ from, byKernel, ...map }: MapGroup) =>
      ({ ...map, byKernel: byKernel.map(({ kernel, memlockBytes }) => [kernel, memlockBytes]) })
    t.same(node.maps.map(figures), made?.maps.map(figures), `${node.node}: computed figures equal measured ones`)
    t.same(node.total, made?.total)
    t.ok(node.maps.some(({ from }) => from === 'computed'), 'and are marked')
  }
  t.same(costOf(empty, { mix }).nodes.map(({ rows }) => rows.map(({ cost, frontends }) => [cost, frontends])),
    costOf(sim).nodes.map(({ rows }) => rows.map(({ cost, frontends }) => [cost, frontends])))
  t.same([empty.revision(), empty.listServices()], [testSimulator().revision(), []])
})

t.test('the mix of a thousand frontends', async (t) => {
  const [cilium, dynamic] = memoryOf(testSimulator(), { mix: '700x3,200x10,80x40,20x160' }).nodes
  const tables = (node: typeof cilium) => node?.maps.find(({ name }) => name === 'tables')?.memlockBytes
  t.equal(tables(cilium), 65_840_000)
  t.equal(tables(dynamic), 700 * 4384 + 200 * 8480 + 80 * 33056 + 20 * 131360)
  t.match(formatReport(memoryOf(testSimulator(), { mix: '1000x3' }), 'text'), /cilium \(blob\): Maglev tables 65\.8 MB/)
})

t.test('lookup cost is that of executions', async (t) => {
  const sim = clusterOf([3, 160])
  sim.putService({
    ...someService('udp', '172.20.9.9', [{ ...someBackends(1)[0], protocol: 'UDP' }] as never),
    frontends: [
      { address: '172.20.9.9', port: 53, protocol: 'UDP', type: 'LoadBalancer' }
    ]
  })
  for (const node of costOf(sim).nodes) {
    t.same(node.rows.map(({ protocol, backends }) => [protocol, backends]), [['TCP', 3], ['TCP', 160], ['UDP', 1]])
    t.equal(node.program?.insnsTranslated, sim.listPrograms(node.node)[0]?.insnsTranslated)
    for (const row of node.rows) {
      t.same(row.verdicts, { XDP_TX: row.flows })
      const { address = '', port = 0 } = sim.listFrontends(node.node)
        .find(({ table, protocol }) => table?.backends === row.backends && protocol === row.protocol) ?? {}
      const flow = { source: '203.0.113.9', sourcePort: 4711, destination: address, destinationPort: port, protocol: row.protocol }
      const own = sim.lookup({ nodes: [node.node], flows: [flow] }).results[0]?.nodes[0]
      t.same(own?.cost, row.cost, `${node.node}: a flow of one's own costs the same`)
      t.ok(row.instructionsMin <= row.cost.instructions && row.cost.instructions <= row.instructionsMax)
    }
  }
  const [blob, dynamic] = costOf(sim).nodes.map(({ rows }) => rows[0]?.cost)
  t.same([blob?.mapLookups, blob?.mapCalls], [5, 3], 'inner lookups inlined: services, outer and backends are hash calls')
  t.same([dynamic?.mapLookups, dynamic?.mapCalls], [5, 4], 'a dynamic inner array is called')
  const [called] = costOf(testSimulator(), { mix: '1x3', variants: [{ name: 'called', inlining: 'never' }] }).nodes.map(({ rows }) => rows[0]?.cost)
  t.equal(called?.mapCalls, 5, 'nothing inlined')
  const variants = (['blob', 'dynamic', 'flat'] as const).flatMap((layout) => [false, true].map((spectreMasking) => (
    { name: `${layout}-${spectreMasking ? 'masked' : 'plain'}`, layout, spectreMasking, ...(layout === 'flat' ? { mapSizes: { maglev: 4 } } : {}) })))
  const costs = costOf(testSimulator(), { mix: '1x3', variants }).nodes.map(({ rows }) => rows[0]?.cost.instructions ?? 0)
  t.same([1, 3, 5].map((masked) => (costs[masked] ?? 0) - (costs[masked - 1] ?? 0)), [2, 1, 2],
    'masking takes an instruction for each inlined lookup: of the counters, and of the table but for dynamic, where it is called')
})

t.test('one backend changes, and every report moves with it', async (t) => {
  const sim = clusterOf([10, 40])
  const before = [memoryOf(sim), costOf(sim)] as const
  sim.putService(someService('s0', '172.20.0.0', someBackends(11)))
  const after = [memoryOf(sim), costOf(sim)] as const
  for (const { nodes } of after) t.same(nodes.map(({ rows }) => rows.map(({ backends }) => backends)), [[11, 40], [11, 40]])
  t.equal(after[0].subject.revision, (before[0].subject.revision ?? 0) + 1)
  for (const [index, node] of after[0].nodes.entries()) {
    const entries = ({ nodes }: MemoryReport): number => nodes[index]?.maps.find(({ name }) => name === 'cilium_lb4_backends_v3')?.entries ?? 0
    t.equal(entries(after[0]), entries(before[0]) + 1)
    t.equal(node.total.memlockBytes, (before[0].nodes[index]?.total.memlockBytes ?? 0) + 80 + 88, 'one backend, one service slot')
  }
  t.same(after[0].nodes.map(({ rows }) => rows[0]?.m), [16381, 1021], 'the table keeps its size')
  t.not(after[0].nodes[1]?.rows[0]?.disruption?.movedShare, before[0].nodes[1]?.rows[0]?.disruption?.movedShare)
})

t.test('nodes may have tables for different frontends', async (t) => {
  const sim = clusterOf([3])
  sim.putService({ ...someService('inside', '10.96.0.1', someBackends(2)), frontends: [{ address: '10.96.0.1', port: 80, protocol: 'TCP', type: 'ClusterIP' }] })
  sim.updateNode('dynamic', { options: { 'bpf-lb-external-clusterip': true } })
  t.equal(memoryOf(sim).subject.frontends, 2)
  t.equal(costOf(sim).subject.frontends, 2)
  t.equal(memoryOf(sim, { nodes: ['cilium'] }).subject.frontends, 1)
})

t.test('variants, another kernel, maps that are too small', async (t) => {
  const variants = [
    { name: 'old', kernel: '5.10' },
    { name: 'same-m', layout: 'dynamic' as const, tableSizePolicy: { fixed: 16381 } },
    { name: 'small', mapSizes: { services: 8192, backends: 20, revNat: 8192, maglev: 8192 } }
  ]
  const report = memoryOf(testSimulator(), { mix: '10x3', variants })
  t.same(report.nodes.map(({ node, layout, rows }) => [node, layout, rows[0]?.m]),
    [['old', 'blob', 16381], ['same-m', 'dynamic', 16381], ['small', 'blob', 16381]])
  t.equal((report.nodes[0]?.rows[0]?.table.memlockBytes ?? 1) % 4096, 0, '5.10 charges pages')
  t.same(report.nodes[2]?.maps.filter(({ overflows }) => overflows).map(({ entries, maxEntries }) => [entries, maxEntries]), [[30, 20]])
  t.match(report.notes.at(-1), /small: cilium_lb4_backends_v3 would need 30 entries and has 20/)
})

t.test('layouts', async (t) => {
  const mapSizes = { services: 8192, backends: 8192, revNat: 8192, maglev: 16 }
  const names = ['fixed', 'packed', 'compact', 'flat'] as const
  const variants = names.map((name) => ({ name, layout: name, mapSizes }))
  const report = memoryOf(testSimulator(), { mix: '10x3,2x40', variants })
  const [fixed, packed, compact, flat] = report.nodes
  const tables = (node: typeof flat): Array<number | undefined> => node?.rows.map(({ table }) => table.memlockBytes) ?? []
  t.same(tables(fixed), [131360, 131360])
  t.same(tables(packed), [65840, 65840])
  t.same(tables(compact), [312 + 3784, 312 + 4 * 3784])
  const part = 16381 * 8
  t.same(tables(flat), [part, part], 'a part of the array')
  const arrays = flat?.maps.filter(({ name }) => name.endsWith('_maglev'))
    .map(({ maps, entries, maxEntries, overflows }) => ({ maps, entries, maxEntries, overflows }))
  t.same(arrays, [12, 0].map((tables) => ({ maps: 1, entries: tables * 16381, maxEntries: 16 * 16381, overflows: false })))
  t.equal(flat?.maps.find(({ name }) => name === 'tables'), undefined, 'no inner maps')
  t.equal(flat?.maglev.memlockBytes, 2 * (312 + 16 * part), 'all of both arrays, once')
  t.equal(flat?.rows[0]?.outerShareBytes, Math.round((312 + 4 * part) / 12), 'the places nobody has, shared by the tables')
  t.match(formatReport(report, 'text'), /flat \(flat\): Maglev arrays with room for every service 4\.2 MB/)
  const small = memoryOf(testSimulator(), { mix: '17x3', variants: [{ name: 'flat', layout: 'flat', mapSizes }] })
  t.match(small.notes.at(-1), /cilium_lb4_maglev would need 278477 entries and has 262096/)
  const cost = costOf(testSimulator(), { mix: '1x3,1x160', variants })
  const calls = cost.nodes.map(({ rows }) => rows.map(({ cost }) => [cost.mapLookups, cost.mapCalls]))
  t.same(calls[0], [[5, 3], [5, 3]], 'fixed is inlined')
  t.same(calls[1], [[5, 4], [5, 4]], 'packed is called')
  t.same(calls[2], [[5, 4], [5, 4]], 'compact: one element has all that a slot needs')
  t.same(calls[3], [[4, 2], [4, 2]], 'flat has no outer map')
})

t.test('the same state and seed give the same bytes in every form', async (t) => {
  for (const request of [{ kind: 'memory' }, { kind: 'lookup-cost', cacheLookups: 0 }, { kind: 'convergence' }] as const) {
    const { kind } = request
    for (const form of ['json', 'csv', 'text'] as const) {
      const text = formatReport(clusterOf([3, 10]).report(request), form)
      t.equal(text, formatReport(clusterOf([3, 10]).report(request), form), `${kind} ${form}`)
      if (form === 'json') t.same(JSON.parse(text), JSON.parse(JSON.stringify(clusterOf([3, 10]).report(request))))
      if (form === 'csv') {
        const widths = new Set(text.trimEnd().split('\r\n').map((line) => line.split(',').length))
        t.equal(widths.size, 1, 'every record has every column')
      }
    }
  }
})

t.test('what cannot be reported is refused', async (t) => {
  const sim = testSimulator()
  const refused = (request: object, pointer: string): void => {
    const error = t.throws(() => memoryOf(sim, request), SimError) as SimError
    t.equal(error.places[0]?.pointer, pointer)
  }
  refused({ mix: 'many' }, '/mix')
  refused({ mix: '1x3', nodes: ['cilium'] }, '/nodes')
  refused({ variants: [{ name: 'x' }] }, '/variants')
  refused({ mix: '1x3', variants: [{ name: 'good' }, { name: 'bad', tableSizePolicy: { fixed: 1000 } }] }, '/variants/1/tableSizePolicy/fixed')
  t.throws(() => memoryOf(sim, { nodes: ['nobody'] }), { code: 'NODE_NOT_FOUND' })
  t.throws(() => memoryOf(sim, { mix: '1x3', variants: [] }), { code: 'INVALID_ARGUMENT' })
  t.same(memoryOf(sim).nodes.map(({ rows }) => rows), [[], []], 'an empty cluster has no rows')
  t.match(formatReport(costOf(sim), 'text'), /no frontend with a table/)
})
