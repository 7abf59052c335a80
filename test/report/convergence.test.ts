// The convergence report: what it counts is what an agent writes, its rows are those of the cluster, its seconds follow from the counts.

import fc from 'fast-check'
import t from 'tap'
import { datapathLayouts } from '../../lib/datapath/index.ts'
import {
  Cluster, complete, countWrites, defaultSettings, LbNode, oneTableSizeForAll, realiseChange, Rehearsal, sumWrites
} from '../../lib/loadbalancer/index.ts'
import type { LbMaps, MapPort, NodeSettings, Service, TableLayout, TablesPort } from '../../lib/loadbalancer/index.ts'
import type { BackendState } from '../../lib/maglev/index.ts'
import { convergenceFigures, defaultAssumptions, formatReport, presentReport } from '../../lib/report/index.ts'
import type { ConvergenceReport, ConvergenceRow } from '../../lib/report/index.ts'
import { SimError } from '../../lib/sim/errors.ts'
import type { Simulator } from '../../lib/sim/types.ts'
import { kernelMaps } from '../loadbalancer/support/kernel-world.ts'
import { someBackends, someService, testSimulator } from '../support/simulator.ts'

const seed = 20261125
t.comment(`fast-check seed ${seed}`)

const convergenceOf = (sim: Simulator, request: object = {}): ConvergenceReport =>
  sim.report({ kind: 'convergence', ports: 1, services: 1, ...request }) as ConvergenceReport

const rowOf = (rows: readonly ConvergenceRow[] | undefined, wanted: Partial<ConvergenceRow>): ConvergenceRow => {
  const row = rows?.find((one) => Object.entries(wanted).every(([name, value]) => one[name as keyof ConvergenceRow] === value))
  if (row === undefined) throw new Error(`no row ${JSON.stringify(wanted)}`)
  return row
}

/** what came by at the maps of an emulated kernel */
type Seen = Record<'updates' | 'deletes' | 'entryBytes' | 'tables' | 'tableBytes' | 'outerUpdates' | 'outerDeletes', number>

/** An agent on the maps of an emulated kernel that says what it wrote there. */
function watchedAgent (settings: NodeSettings): (services: readonly Service[]) => Seen {
  const { kernel, maps } = kernelMaps(settings)
  const none = (): Seen => ({ updates: 0, deletes: 0, entryBytes: 0, tables: 0, tableBytes: 0, outerUpdates: 0, outerDeletes: 0 })
  let seen = none()
  const entries = (map: MapPort): MapPort => ({
    lookup: (key) => map.lookup(key),
    entries: () => map.entries(),
    update (key, value) {
      seen.updates++
      seen.entryBytes += key.length + value.length
      return map.update(key, value)
    },
    delete (key) {
      seen.deletes++
      seen.entryBytes += key.length
      return map.delete(key)
    }
  })
  const tables = (port: TablesPort): TablesPort => ({
    get: (id) => port.get(id),
    revNatIds: () => port.revNatIds(),
    create (ids) {
      const table = port.create(ids)
      seen.tables++
      if (table.ok) {
        const map = kernel.maps().find(({ id }) => id === table.value.mapId)
        seen.tableBytes += settings.layout === 'flat' ? 8 * ids.length : (map?.maxEntries ?? NaN) * Math.ceil((map?.valueSize ?? NaN) / 8) * 8
      }
      return table
    },
    set (id, table) {
      seen.outerUpdates++
      return port.set(id, table)
    },
    delete (id) {
      seen.outerDeletes++
      return port.delete(id)
    }
  })
  const both = <T>(of: (family: 4 | 6) => T) => ({ 4: of(4), 6: of(6) })
  const watched: LbMaps = {
    services: both((family) => entries(maps.services[family])),
    backends: both((family) => entries(maps.backends[family])),
    revNat: both((family) => entries(maps.revNat[family])),
    maglev: both((family) => tables(maps.maglev[family])),
    affinityMatch: entries(maps.affinityMatch),
    sourceRange: both((family) => entries(maps.sourceRange[family]))
  }
  const cluster = new Cluster()
  const node = new LbNode(settings)
  return (services) => {
    seen = none()
    const draft = cluster.draft()
    for (const service of services) if (!draft.putService(service).ok) throw new Error('refused')
    const realised = realiseChange(draft, [{ node, maps: watched }])
    if (!realised.ok) throw new Error(realised.error.message)
    draft.commit()
    return seen
  }
}

function smallSettings (layout: TableLayout): NodeSettings {
  const tableSizePolicy = oneTableSizeForAll(layout) ? { fixed: 509 } : { perService: { perBackend: 100 } }
  const settings = { ...defaultSettings(layout), layout, tableSizePolicy, addresses: ['192.0.2.1', '192.0.2.2', 'fd00::1'] }
  return layout === 'flat' ? { ...settings, mapSizes: { ...settings.mapSizes, maglev: 64 } } : settings
}

/** of a service that a property makes up; `state` is that of its first backend */
interface Shape {
  readonly name: string
  readonly ports: readonly number[]
  readonly nodePort: boolean
  readonly six: boolean
  readonly backends: readonly number[]
  readonly state: BackendState
}

t.test('what a rehearsal counts is what an agent writes into the maps', async (t) => {
  const service: fc.Arbitrary<Shape> = fc.record({
    name: fc.constantFrom('a', 'b', 'c'),
    ports: fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }),
    nodePort: fc.boolean(),
    six: fc.boolean(),
    backends: fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { maxLength: 12 }),
    state: fc.constantFrom<BackendState[]>('active', 'terminating', 'quarantined', 'maintenance')
  })
  const change = fc.uniqueArray(service, { selector: ({ name }) => name, minLength: 1, maxLength: 3 })
  const changes = fc.array(change, { minLength: 1, maxLength: 6 })
  const toService = ({ name, ports, nodePort, six, backends, state }: Shape): Service => {
    const own = `172.20.0.${name.charCodeAt(0)}`
    return {
      namespace: 'default',
      name,
      source: 'api',
      frontends: ports.flatMap((port) => [
        { address: six ? `fd00:20::${name}` : own, port, protocol: 'TCP', type: 'LoadBalancer' } as const,
        ...(nodePort
          ? [{ address: six ? '::' : '0.0.0.0', port: 30_000 + 10 * name.charCodeAt(0) + port, protocol: 'TCP', type: 'NodePort' } as const]
          : [])
      ]),
      backends: backends.map((number, index) => ({
        address: six ? `fd00:10::${number}` : `10.0.0.${number}`,
        port: 80,
        protocol: 'TCP',
        weight: 100,
        state: index === 0 ? state : 'active'
      }))
    }
  }
  let tables = 0
  for (const layout of datapathLayouts) {
    const settings = smallSettings(layout)
    fc.assert(fc.property(changes, (steps) => {
      const agent = watchedAgent(settings)
      const rehearsal = new Rehearsal(settings)
      for (const step of steps) {
        const seen = agent(step.map(toService))
        const counted = complete(rehearsal.change(step.map(toService)))
        if (!counted.ok) throw new Error(counted.error.message)
        const figures = convergenceFigures([{ counts: counted.value, times: 1 }], settings, defaultAssumptions)
        const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((total, count) => total + count, 0)
        const zeroed = counted.value.tablesRemoved.reduce((total, group) => total + group.tables * group.m * 8, 0)
        const flat = layout === 'flat'
        t.same({
          updates: sum(counted.value.updates),
          deletes: sum(counted.value.deletes),
          entryBytes: counted.value.entryBytes,
          tables: figures.tables,
          tableBytes: figures.bytesWritten - counted.value.entryBytes - (flat ? zeroed : 0),
          outerUpdates: flat ? seen.outerUpdates : figures.outerUpdates,
          outerDeletes: flat ? seen.outerDeletes : figures.outerDeletes
        }, seen)
        tables += figures.tables
      }
    }), { seed, numRuns: 8 })
  }
  t.ok(tables > 300, `${tables} tables were compared`)
})

t.test('cilium #32391 is a row of the report', async (t) => {
  const report = testSimulator().report({ kind: 'convergence', mix: '1x3', services: 10 }) as ConvergenceReport
  t.same(report.nodes.map(({ node }) => node), ['cilium', 'dynamic', 'packed', 'compact'])
  for (const { rows } of report.nodes) {
    const row = rowOf(rows, { subject: 'example', change: 'rolling restart', ports: 400 })
    t.same([row.events, row.frontends, row.tables, row.outerUpdates, row.innerMaps, row.from], [8, 1200, 9600, 9600, 9600, 'planned'])
    t.equal(row.waiting.each.waits, 400 * 3 * 8)
    t.ok(Math.abs(row.waiting.each.waitSeconds - 124.8) < 1e-9)
    t.equal(row.waiting.batched.waits, 8 * Math.ceil(1200 / 256))
    t.ok(row.waiting.expedited.waitSeconds < 1 && row.waiting.expedited.waits === 9600)
    for (const waiting of Object.values(row.waiting)) t.equal(waiting.seconds, row.buildSeconds + row.writeSeconds + waiting.waitSeconds)
    const restarts = rows.filter(({ subject, change }) => subject === 'example' && change === 'rolling restart')
    t.same(restarts.map(({ ports, waiting }) => [ports, waiting.each.waits]), [[1, 24], [10, 240], [100, 2400], [400, 9600]])
    t.equal(rowOf(rows, { subject: 'example', change: 'services at once' }).waiting.each.waits, 30)
  }
  const [blob, , packed, compact] = report.nodes.map(({ rows }) => rowOf(rows, { subject: 'example', change: 'one backend' }))
  // three tables; four slots of each of four frontends, one of them the NodePort without an address; a backend that comes, one that goes
  t.equal(blob?.bytesWritten, 3 * 65_528 + 4 * 4 * (12 + 12) + (4 + 12) + 4)
  t.same([packed?.m, compact?.m], [509, 16_381])
  t.equal(blob?.waiting.each.peakExtraBytes, 69_632, 'one table of 65840 bytes beside the old one')
  t.equal(blob?.waiting.batched.peakExtraBytes, 3 * 69_632, 'a batch has all of an event')
  t.match(formatReport(report, 'text'), /^Example, not of these services: the restart of a service with 400 ports takes 131 s \(2\.2 min\) on cilium, 125 s \(2\.1 min\) of it waiting/m)
  t.match(formatReport(report, 'text'), /It writes 630\.\d MB \(M = 16381\) on cilium, 40\.\d MB \(M = 509\) on dynamic.*; where M is smaller the tables are others/, 'bytes with their M')
  t.match(presentReport(report).headline, /^The slowest rolling restart of these services, a service of 3 backends, takes [^;]*cilium/)
  t.notMatch(presentReport(report).headline, /example|ports/)
  t.match(formatReport(report, 'text'), /cilium #28845 .* 46 and 38 endpoint events/)
})

t.test('rows of the cluster are what its nodes do', async (t) => {
  const sim = testSimulator()
  sim.putNodeAddresses(['192.0.2.1', '192.0.2.2'])
  sim.putService(someService('small', '172.20.0.1', someBackends(2)))
  const spec = {
    ...someService('wide', '172.20.0.2', someBackends(5, 100)),
    frontends: [
      { address: '172.20.0.2', port: 443, protocol: 'TCP' as const, type: 'LoadBalancer' as const },
      { address: '0.0.0.0', port: 30_443, protocol: 'TCP' as const, type: 'NodePort' as const }
    ]
  }
  sim.putService(spec)
  sim.putService(someService('idle', '172.20.0.3', []))
  const before = JSON.stringify([sim.getState(), sim.listMaps('cilium')])
  const report = convergenceOf(sim, { eventsPerBackend: 3 })
  t.equal(JSON.stringify([sim.getState(), sim.listMaps('cilium')]), before, 'nothing has changed')
  t.equal(report.subject.revision, sim.revision())
  for (const { node, rows } of report.nodes) {
    const restarts = rows.filter(({ subject, change }) => subject === 'cluster' && change === 'rolling restart')
    t.same(restarts.map(({ service }) => service), ['default/wide', 'default/small', 'default/idle'], 'the slowest first')
    const row = rowOf(rows, { service: 'default/wide' })
    t.same([row.frontends, row.backends, row.events, row.from], [3, 5, 15, 'planned'])
    t.equal(row.tables, 3 * 5 * 2, 'one that terminates is out of the table already when it goes')
    const together = rowOf(rows, { subject: 'cluster', change: 'services at once' })
    t.same([together.services, together.events, together.tables], [2, 1, 4])
    t.ok(row.tables > 0, node)
  }
  // the same restart for real: tables whose inner map is another one afterwards
  const replaced = { cilium: 0, dynamic: 0 }
  const mapIds = (node: string): Array<number | undefined> => sim.listFrontends(node).map(({ table }) => table?.mapId)
  let backends = spec.backends
  for (const [index, backend] of spec.backends.entries()) {
    const fresh = { ...backend, address: `198.18.0.${index}` }
    const others = backends.filter((one) => one !== backend)
    for (const next of [[...backends, fresh], [...others, fresh, { ...backend, state: 'terminating' as const }], [...others, fresh]]) {
      const old = { cilium: mapIds('cilium'), dynamic: mapIds('dynamic') }
      sim.putService({ ...spec, backends: next })
      for (const node of ['cilium', 'dynamic'] as const) replaced[node] += mapIds(node).filter((id, at) => id !== old[node][at]).length
    }
    backends = [...others, fresh]
  }
  t.same(replaced, { cilium: 30, dynamic: 30 })
})

t.test('a mix: one service of each size stands for all', async (t) => {
  const { nodes } = convergenceOf(testSimulator(), { mix: '5x0,7x3,2x40' })
  const sim = testSimulator()
  const sizes = [...Array(5).fill(0), ...Array(7).fill(3), 40, 40] as number[]
  for (const [index, size] of sizes.entries()) sim.putService(someService(`s${index}`, `172.20.0.${index}`, someBackends(size, index << 10)))
  for (const { node, rows } of convergenceOf(sim, { worst: 14 }).nodes) {
    const mixed = nodes.find((other) => other.node === node)?.rows
    const { subject, from, ...together } = rowOf(mixed, { subject: 'mix', change: 'services at once' })
    const { subject: cluster, from: planned, ...real } = rowOf(rows, { subject: 'cluster', change: 'services at once' })
    t.same([subject, from, cluster, planned], ['mix', 'computed', 'cluster', 'planned'])
    t.same({ ...together, services: 9, frontends: 9 }, real, `${node}: computed equals planned`)
    for (const backends of [3, 40]) {
      const { subject: one, service, ...restart } = rowOf(rows, { subject: 'cluster', change: 'rolling restart', backends })
      t.match(rowOf(mixed, { change: 'rolling restart', backends }), restart)
    }
  }
})

t.test('restarts of many backends are computed from some of them', async (t) => {
  const [node] = convergenceOf(testSimulator(), { mix: '1x150', variants: [{ name: 'one' }], frontendsPerPort: 1, backends: 1000, ports: 1 }).nodes
  const own = rowOf(node?.rows, { subject: 'mix', change: 'rolling restart' })
  t.same([own.from, own.events, own.tables], ['computed', 300, 300])
  const example = rowOf(node?.rows, { subject: 'example', change: 'rolling restart' })
  t.same([example.from, example.events, example.tables, example.waiting.each.waits], ['computed', 2000, 2000, 2000])
  t.ok(Number.isInteger(example.entryWrites))
})

t.test('waits: never more in batches, none without an outer map', async (t) => {
  const flatSizes = { services: 8192, backends: 8192, revNat: 8192, maglev: 64 }
  const variants = [{ name: 'blob' }, { name: 'flat', layout: 'flat' as const, mapSizes: flatSizes }]
  const [blob, flat] = convergenceOf(testSimulator(), { mix: '2x3', variants, ports: 10, batch: 7, rcuWaitMs: 20, services: 12 }).nodes
  t.same(blob?.rows.map(({ tables }) => tables), flat?.rows.map(({ tables }) => tables))
  for (const { waiting, bytesWritten, innerMaps } of flat?.rows ?? []) {
    t.same([waiting.each.waits, waiting.batched.waits, waiting.each.peakExtraBytes, innerMaps], [0, 0, 0, 0])
    t.ok(bytesWritten >= 8 * 16_381)
  }
  for (const { events, tables, waiting } of blob?.rows ?? []) {
    t.ok(waiting.batched.waits <= waiting.each.waits && waiting.batched.waits >= Math.max(events, Math.ceil(tables / 7)))
    t.equal(waiting.each.waitSeconds, waiting.each.waits * 0.02)
  }
  const small = convergenceOf(testSimulator(), { mix: '2x3', variants: [variants[1]], ports: 100 })
  t.match(small.notes.at(-1), /flat: not every change could be made there: .*64 frontends/)
  t.match(small.notes.at(-2), /readers see slots of both/)
})

t.test('counts add up', async (t) => {
  const none = countWrites([])
  t.same(sumWrites([]), none)
  const rehearsal = new Rehearsal(smallSettings('dynamic'))
  const service = { ...someService('a', '172.20.0.1', someBackends(3)), source: 'api' as const }
  const made = complete(rehearsal.change([service]))
  const gone = complete(rehearsal.change([{ ...service, backends: [] }]))
  if (!made.ok || !gone.ok) throw new Error('refused')
  t.same(gone.value.tablesRemoved, [{ m: 509, backends: 3, tables: 1 }])
  const sum = sumWrites([{ counts: made.value, times: 3 }, { counts: gone.value, times: 2 }])
  t.equal(sum.entryBytes, 3 * made.value.entryBytes + 2 * gone.value.entryBytes)
  t.same([sum.tables, sum.tablesRemoved], [[{ m: 509, backends: 3, tables: 3 }], [{ m: 509, backends: 3, tables: 2 }]])
})

t.test('what would take too long is refused', async (t) => {
  const refused = (request: object, pointer: string): void => {
    const error = t.throws(() => convergenceOf(testSimulator(), request), SimError) as SimError
    t.equal(error.places[0]?.pointer, pointer)
  }
  refused({ ports: 400, frontendsPerPort: 3, backends: 100 }, '/ports')
  refused({ services: 20_000, frontendsPerPort: 4 }, '/services')
  refused({ services: 20_000, frontendsPerPort: 1, backends: 100 }, '/services')
})
