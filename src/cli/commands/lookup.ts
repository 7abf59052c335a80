// `maglev-sim lookup`: where a running service sends flows, on every node.

import type { FlowSpec, LookupReport, NodeLookup } from '../../../lib/sim/types.ts'
import { formatText } from '../../../lib/report/forms/text.ts'
import { counted } from '../../../lib/report/words.ts'
import { createClient, serverOption, serverUrl } from '../client.ts'
import { command, wordList } from '../command.ts'
import { BadInput } from '../failures.ts'
import { explanationText } from '../explanation.ts'
import { parseFlow } from '../flows.ts'

const maximumFlows = 1000

export default command({
  name: 'lookup',
  description: 'Ask a running service where flows go: verdict, backend and cost on every node',
  args: {
    server: serverOption,
    nodes: { type: 'string', description: 'Nodes, by comma (all)', valueHint: 'NAMES' },
    from: { type: 'enum', options: ['outside', 'inside'], description: 'From outside the cluster, or from a pod of the node', default: 'outside' },
    explain: { type: 'boolean', description: 'Say how each flow came to its backend: frontend, connection, affinity, hash, slot', default: false },
    json: { type: 'boolean', description: 'Print the service\'s answer as JSON', default: false }
  },
  rest: 'FLOW...',
  notes: ['For instance: maglev-sim lookup 203.0.113.7:51022,172.20.0.10:443/tcp', '              maglev-sim lookup [2001:db8::7]:51022,[fd00::10]:53/udp'],
  async run (args, words) {
    if (words.length === 0) throw new BadInput('name at least one flow, for instance 203.0.113.7:51022,172.20.0.10:443/tcp')
    if (words.length > maximumFlows) throw new BadInput(`at most ${maximumFlows} flows at once, not ${words.length}`)
    const flows = words.map(parseFlow)
    const nodes = wordList(args.nodes)
    const body = JSON.stringify({ ...(nodes === undefined ? {} : { nodes }), from: args.from, explain: args.explain, flows })
    const report = await createClient(serverUrl(args.server)).post<LookupReport>('/v1/lookups', body, 'application/json')
    process.stdout.write(args.json ? `${JSON.stringify(report)}\n` : `${describe(flows, words, report)}${args.explain ? explanations(words, report) : ''}`)
  }
})

const columns = [
  { key: 'flow', title: 'flow' }, { key: 'node', title: 'node' }, { key: 'verdict', title: 'verdict' }, { key: 'backend', title: 'backend' },
  { key: 'instructions', title: 'instructions' }, { key: 'mapLookups', title: 'map lookups' }, { key: 'mapCalls', title: 'map calls' },
  { key: 'agree', title: 'nodes' }
]

function describe (flows: readonly FlowSpec[], words: readonly string[], report: LookupReport): string {
  const rows = report.results.flatMap((result, index) => result.nodes.map((node, at) => [
    at === 0 ? words[index] ?? '' : '', node.node, node.verdict, target(node), node.cost.instructions, node.cost.mapLookups, node.cost.mapCalls,
    at === 0 ? result.agree ? 'agree' : 'differ' : ''
  ]))
  return formatText({ title: `${counted(flows.length, 'flow')} at revision ${report.revision}`, columns, rows })
}

function target (node: NodeLookup): string {
  if (node.fault !== null) return `fault: ${node.fault.message}`
  if (node.backend !== null) return `${node.backend.address.includes(':') ? `[${node.backend.address}]` : node.backend.address}:${node.backend.port}`
  return node.drop === null ? '-' : `drop ${node.drop.code}, ${node.drop.step}`
}

function explanations (words: readonly string[], report: LookupReport): string {
  return report.results.flatMap(({ nodes }, index) => nodes.map(({ node, explanation }) =>
    explanation === undefined ? '' : `\n${words[index] ?? ''} on ${node}\n${explanationText(explanation)}`)).join('')
}
