// `maglev-sim run`: synthetic traffic on a running service, watched until it is done.

import { setTimeout as pause } from 'node:timers/promises'
import type { RunView } from '../../../routes/support/runs.ts'
import type { TrafficBody, TrafficResult } from '../../../lib/sim/traffic.ts'
import { createClient, serverOption, serverUrl } from '../client.ts'
import type { Client } from '../client.ts'
import { command, wholeNumber, wordList } from '../command.ts'
import { BadInput, Failure } from '../failures.ts'
import { startProgress } from '../progress.ts'
import { describeTraffic } from '../traffic-text.ts'

const pollMs = 200

export default command({
  name: 'run',
  description: 'Run synthetic traffic on a running service: packets per backend, verdicts, instructions per packet',
  args: {
    server: serverOption,
    packets: { type: 'string', description: 'Packets (1 to 10000000)', default: '1000000' },
    flows: { type: 'string', description: 'Distinct flows (100000, or as many as packets)' },
    seed: { type: 'string', description: 'Seed of the flows', default: '1' },
    zipf: { type: 'string', description: 'Spread flows over frontends by Zipf with this exponent instead of evenly', valueHint: 'EXPONENT' },
    services: { type: 'string', description: 'Services to send to, by comma (all)', valueHint: 'NAMESPACE/NAME' },
    nodes: { type: 'string', description: 'Nodes, by comma (all)', valueHint: 'NAMES' },
    source: { type: 'string', description: 'Where clients come from (198.18.0.0/15, 2001:db8::/32)', valueHint: 'CIDR' },
    workers: { type: 'string', description: 'Threads (2, or as many as the nodes have CPUs)' },
    json: { type: 'boolean', description: 'Print the result as JSON', default: false },
    quiet: { type: 'boolean', description: 'No progress bar', default: false }
  },
  async run (args) {
    const nodes = wordList(args.nodes)
    const services = wordList(args.services)?.map(serviceName)
    const body: TrafficBody = {
      kind: 'traffic',
      packets: wholeNumber('packets', args.packets, 1, 10_000_000),
      seed: wholeNumber('seed', args.seed, 0, 0xffffffff),
      ...(args.flows === undefined ? {} : { flows: wholeNumber('flows', args.flows, 1, 10_000_000) }),
      ...(args.workers === undefined ? {} : { workers: wholeNumber('workers', args.workers, 1, 16) }),
      ...(args.zipf === undefined ? {} : { distribution: { zipf: exponent(args.zipf) } }),
      ...(args.source === undefined ? {} : { sourceCidr: args.source }),
      ...(nodes === undefined ? {} : { nodes }),
      ...(services === undefined ? {} : { services })
    }
    const client = createClient(serverUrl(args.server))
    const result = await runToTheEnd(client, body, args.quiet || args.json)
    process.stdout.write(args.json ? `${JSON.stringify(result)}\n` : describeTraffic(result))
  }
})

function serviceName (word: string): { namespace: string, name: string } {
  const [namespace, name, ...rest] = word.split('/')
  if (namespace === undefined || namespace === '' || name === undefined || name === '' || rest.length > 0) {
    throw new BadInput(`service "${word}" is not NAMESPACE/NAME`)
  }
  return { namespace, name }
}

function exponent (text: string): number {
  const value = Number(text)
  if (!(value > 0 && value <= 5)) throw new BadInput(`--zipf takes a number above 0 and up to 5, not "${text}"`)
  return value
}

/** Ctrl-C cancels the run on the service too, instead of leaving it to go on unwatched. */
async function runToTheEnd (client: Client, body: TrafficBody, silent: boolean): Promise<TrafficResult> {
  let run = await client.post<RunView>('/v1/runs', JSON.stringify(body), 'application/json')
  const path = `/v1/runs/${encodeURIComponent(run.id)}`
  const bar = startProgress({ label: 'traffic', total: body.packets ?? 1, unit: 'packets', silent })
  const onSignal = (): void => {
    client.post(`${path}/cancel`, '{}', 'application/json').catch((error: Error) => { process.stderr.write(`${error.message}\n`) })
  }
  process.once('SIGINT', onSignal)
  try {
    while (run.finishedAt === null) {
      await pause(pollMs)
      run = await client.get<RunView>(path)
      bar.update(run.progress?.done ?? 0, run.state)
    }
  } finally {
    bar.stop()
    process.removeListener('SIGINT', onSignal)
  }
  if (run.state !== 'succeeded') throw new Failure(`the run ${run.state}${run.error === null ? '' : `: ${run.error.detail ?? run.error.title}`}`)
  return await client.get<TrafficResult>(`${path}/results`)
}
