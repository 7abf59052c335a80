// `maglev-sim demo`: everything at once for somebody who has just cloned the repository. Imports the example cluster into
// a simulator in this process, looks a flow up, sends traffic, and shows what each service size costs on both nodes.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatBytes, formatText } from '../../../lib/report/index.ts'
import type { LookupCostReport, MemoryReport } from '../../../lib/report/index.ts'
import type { Simulator } from '../../../lib/sim/types.ts'
import { command, wholeNumber } from '../command.ts'
import { Failure } from '../failures.ts'
import { packageRoot } from '../paths.ts'
import { startProgress } from '../progress.ts'
import { describeTraffic } from '../traffic-text.ts'

const loadSimulator = () => import('../../simulator.ts')
const loadParser = () => import('../../documents/parse.ts')
const loadTraffic = () => import('../../runs/traffic.ts')

const exampleFlow = { source: '203.0.113.7', sourcePort: 51022, destination: '172.20.1.1', destinationPort: 443, protocol: 'TCP' } as const

export default command({
  name: 'demo',
  description: 'A 40-service cluster on two emulated nodes: a lookup, traffic, and what each service size costs; needs no server',
  args: {
    packets: { type: 'string', description: 'Packets of traffic (1 to 10000000)', default: '400000' },
    quiet: { type: 'boolean', description: 'No progress bar', default: false }
  },
  async run (args) {
    const packets = wholeNumber('packets', args.packets, 1, 10_000_000)
    const { createProcessSimulator } = await loadSimulator()
    const sim = createProcessSimulator()
    await importExample(sim)
    print(introduction(sim))
    print(oneFlow(sim))
    print(await traffic(sim, packets, args.quiet))
    print(costs(sim.report({ kind: 'memory' }), sim.report({ kind: 'lookup-cost', cacheLookups: 0 })))
    print(next)
  }
})

function print (text: string): void {
  process.stdout.write(`${text}\n`)
}

async function importExample (sim: Simulator): Promise<void> {
  const { parseYaml } = await loadParser()
  const parsed = parseYaml(readFileSync(join(packageRoot(), 'examples/demo-cluster.yaml')))
  if (!parsed.ok) throw new Failure(`examples/demo-cluster.yaml cannot be read: ${parsed.fault.detail}`)
  sim.importDocuments(parsed.value as unknown[], { operation: 'apply', dryRun: false })
}

function introduction (sim: Simulator): string {
  const services = sim.listServices()
  const backends = services.reduce((sum, service) => sum + new Set(service.backends.map(({ address }) => address)).size, 0)
  return [
    `${services.length} services with ${backends} backend addresses, on ${sim.listNodes().length} emulated Linux nodes (examples/demo-cluster.yaml):`, '',
    '  cilium   as Cilium does it today: tables of one size for all services',
    '  dynamic  the same balancer, tables as large as each service needs (BPF_F_INNER_MAP)', '',
    'Both run the balancer as a real BPF program, verified and translated as Linux 6.18 does it.', ''
  ].join('\n')
}

function oneFlow (sim: Simulator): string {
  const { nodes = [], agree } = sim.lookup({ flows: [exampleFlow] }).results[0] ?? {}
  const rows = nodes.map(({ node, verdict, backend, cost }) => [
    node, verdict, backend === null ? '-' : `${backend.address}:${backend.port}`, cost.instructions, cost.mapLookups, cost.mapCalls
  ])
  const columns = ['node', 'verdict', 'backend', 'instructions', 'map lookups', 'map calls'].map((title) => ({ key: title, title }))
  const { source, sourcePort, destination, destinationPort } = exampleFlow
  return formatText({
    title: `One flow, ${source}:${sourcePort} -> ${destination}:${destinationPort} (shop/web); ` +
      `the nodes ${agree === true ? 'agree' : 'differ, because their tables have different sizes'}`,
    columns,
    rows
  })
}

async function traffic (sim: Simulator, packets: number, quiet: boolean): Promise<string> {
  const { trafficExecutor } = await loadTraffic()
  const executor = trafficExecutor(sim)
  const bar = startProgress({ label: 'traffic', total: packets, unit: 'packets', silent: quiet })
  const stop = new AbortController()
  const onSignal = (): void => stop.abort(new Failure('stopped'))
  process.once('SIGINT', onSignal)
  try {
    const plan = executor.validate({ kind: 'traffic', packets, distribution: { zipf: 1 } })
    const result = await executor.execute(plan, { onProgress: ({ done }) => bar.update(done), signal: stop.signal })
    return `Traffic, most of it to few services (Zipf): ${describeTraffic(result)}`
  } finally {
    bar.stop()
    process.removeListener('SIGINT', onSignal)
  }
}

/** One row for each service size and node; both families and protocols are in the full reports. */
function costs (memory: MemoryReport, cost: LookupCostReport): string {
  const rows = memory.nodes.flatMap((node, index) => node.rows.filter((row) => row.family === 4).map((row) => {
    const work = cost.nodes[index]?.rows.find((one) => one.family === 4 && one.protocol === 'TCP' && one.backends === row.backends && one.m === row.m)
    return [row.backends, node.node, row.frontends, row.m, row.table.memlockBytes, row.table.allocatedBytes,
      row.disruption?.collateralShare ?? null, work?.cost.instructions ?? null, work?.cost.mapCalls ?? null]
  })).sort((one, other) => Number(one[0]) - Number(other[0]))
  const columns = [
    { key: 'backends', title: 'backends' }, { key: 'node', title: 'node' }, { key: 'frontends', title: 'frontends' },
    { key: 'm', title: 'M', as: 'plain' as const }, { key: 'memlock', title: 'table memlock' }, { key: 'allocated', title: 'allocated' },
    { key: 'collateral', title: 'moved without need', as: 'percent' as const }, { key: 'instructions', title: 'instructions' },
    { key: 'mapCalls', title: 'map calls' }
  ]
  return [formatText({ title: 'What a service costs by its number of backends (IPv4, TCP)', columns, rows }), headline(memory), ''].join('\n')
}

function headline ({ nodes }: MemoryReport): string {
  const [first, second] = nodes
  if (first === undefined || second === undefined) return ''
  const of = (node: MemoryReport['nodes'][number]): number => node.maps.find((map) => map.name === 'tables')?.memlockBytes ?? 0
  return `In one sentence: the tables of these services take ${formatBytes(of(first))} on node ${first.node} and ${formatBytes(of(second))} on node ` +
    `${second.node};\nthe smaller ones move more flows of other backends when one leaves (column "moved without need": share of the table).`
}

const next = `Next:
  maglev-sim report memory --mix 700x3,200x10,80x40,20x160   your own sizes: how many services x backends each
  maglev-sim report lookup-cost                              what each packet costs
  maglev-sim serve                                           the HTTP service on http://127.0.0.1:8080, /docs explains it
  maglev-sim import examples/echo.yaml                       then: bring manifests, look flows up, send traffic
  maglev-sim --help                                          everything else
(in a clone: npm run --silent sim -- demo, and so on)`
