// `maglev-sim load`: how many lookups a running service answers over HTTP, and how fast.

import { isIP } from 'node:net'
import { counted } from '../../../lib/report/words.ts'
import type { FrontendView } from '../../../lib/sim/types.ts'
import { createClient, serverOption, serverUrl } from '../client.ts'
import type { Client } from '../client.ts'
import { command, durationMs, wholeNumber, wordList } from '../command.ts'
import { BadInput, Failure } from '../failures.ts'
import { runLoad } from '../load/load-test.ts'
import type { LoadResult } from '../load/load-test.ts'
import { planBodies } from '../load/plan.ts'
import type { Target } from '../load/plan.ts'
import { startProgress } from '../progress.ts'

const limits = { connections: 256, packets: 1000, durationMs: 600_000, flows: 1_000_000 }

export default command({
  name: 'load',
  description: 'Load test a running service: lookups over HTTP, requests and packets per second, latency percentiles',
  args: {
    server: serverOption,
    connections: { type: 'string', description: `Connections, each with one request in flight (1 to ${limits.connections})`, default: '8' },
    packets: { type: 'string', description: `Packets per request (1 to ${limits.packets})`, default: '100' },
    duration: { type: 'string', description: 'How long, at most 10m', default: '10s' },
    flows: { type: 'string', description: 'Distinct flows', default: '10000' },
    nodes: { type: 'string', description: 'Nodes to put each packet through, by comma (all)', valueHint: 'NAMES' },
    seed: { type: 'string', description: 'Seed of the flows', default: '1' },
    json: { type: 'boolean', description: 'Print the result as JSON', default: false },
    quiet: { type: 'boolean', description: 'No progress bar', default: false },
    'allow-remote': { type: 'boolean', description: 'Allow a server that is not on this machine', default: false }
  },
  async run (args) {
    const server = serverUrl(args.server)
    if (!args['allow-remote']) refuseRemote(server)
    const connections = wholeNumber('connections', args.connections, 1, limits.connections)
    const flowsPerRequest = wholeNumber('packets', args.packets, 1, limits.packets)
    const duration = durationMs('duration', args.duration, 100, limits.durationMs)
    const flows = wholeNumber('flows', args.flows, 1, limits.flows)
    const seed = wholeNumber('seed', args.seed, 0, 0xffffffff)
    const nodes = wordList(args.nodes)
    const { names, targets } = await findTargets(createClient(server), nodes)
    const bodies = planBodies({ targets, flowsPerRequest, flows, seed, ...(nodes === undefined ? {} : { nodes }) })

    const bar = startProgress({ label: 'load', total: Math.ceil(duration / 1000), unit: 's', silent: args.quiet || args.json })
    const stop = new AbortController()
    const onSignal = (): void => stop.abort()
    process.once('SIGINT', onSignal)
    const result = await runLoad({
      server,
      connections,
      durationMs: duration,
      bodies,
      flowsPerRequest,
      signal: stop.signal,
      onAnswer: ({ elapsedMs, requests }) => bar.update(Math.floor(elapsedMs / 1000), counted(requests, 'request'))
    }).finally(() => {
      bar.stop()
      process.removeListener('SIGINT', onSignal)
    })
    const setting = { server: server.origin, nodes: names, frontends: targets.length, connections, flowsPerRequest, flows, seed }
    process.stdout.write(args.json ? `${JSON.stringify({ ...setting, ...result })}\n` : describe(result, setting))
    if (result.requests === 0) throw new Failure('no request was answered')
  }
})

function refuseRemote (server: URL): void {
  const host = server.hostname.replace(/^\[|\]$/g, '')
  const loopback = host === 'localhost' || (isIP(host) === 4 && host.startsWith('127.')) || host === '::1'
  if (!loopback) throw new BadInput(`${host} is not this machine; a load test of someone else's service needs --allow-remote`)
}

/** Every frontend that has a table on the first of the nodes; all nodes realise the same services. */
async function findTargets (client: Client, nodes: readonly string[] | undefined): Promise<{ names: string[], targets: Target[] }> {
  const names = nodes?.slice() ?? (await client.getAll<{ name: string }>('/v1/nodes')).map((node) => node.name)
  const first = names[0]
  if (first === undefined) throw new Failure('the service has no node')
  const frontends = await client.getAll<FrontendView>(`/v1/nodes/${encodeURIComponent(first)}/frontends`)
  const targets = frontends.filter((frontend) => frontend.table !== null)
  if (targets.length === 0) {
    throw new Failure('the service has no frontend with a Maglev table; try "maglev-sim import examples/echo.yaml" first')
  }
  return { names, targets }
}

const whole = (value: number): string => Math.round(value).toLocaleString('en-US')

const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : 1)} ms`

interface Setting {
  readonly nodes: readonly string[]
  readonly frontends: number
  readonly connections: number
  readonly flowsPerRequest: number
}

function describe (result: LoadResult, setting: Setting): string {
  const { latencyMs: latency } = result
  const errors = Object.entries(result.errors)
  return [
    `${whole(result.requestsPerSecond)} requests/s, ${whole(result.packetsPerSecond)} packets/s, each through ${setting.nodes.join(' and ')}`,
    `latency p50 ${ms(latency.p50)}, p90 ${ms(latency.p90)}, p99 ${ms(latency.p99)}, p99.9 ${ms(latency.p999)}, max ${ms(latency.max)}`,
    `${counted(result.requests, 'request', whole)} of ${counted(setting.flowsPerRequest, 'packet')} in ${(result.durationMs / 1000).toFixed(1)} s over ` +
      `${counted(setting.connections, 'connection')} to ${counted(setting.frontends, 'frontend')}; errors: ` +
      (errors.length === 0 ? 'none' : errors.map(([what, count]) => `${count} x ${what}`).join(', ')),
    ''
  ].join('\n')
}
