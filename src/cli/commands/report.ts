// `maglev-sim report`: memory and lookup cost of services of given sizes, on scratch nodes in this process; with --server
// of the cluster that a running service holds.

import { formatReport, reportForms, reportKinds } from '../../../lib/report/index.ts'
import type { ReportForm, ReportKind } from '../../../lib/report/index.ts'
import { command, wordList } from '../command.ts'
import { BadInput } from '../failures.ts'

// Each needs what the other does not. Arrows and not `await import` in place: TypeScript rewrites `.ts` to `.js` only in the former.
const loadSimulator = () => import('../../simulator.ts')
const loadClient = () => import('../client.ts')

const exampleMix = '700x3,200x10,80x40,20x160'

export default command({
  name: 'report',
  description: 'Memory or lookup cost of a mix of services (needs no server), or of the cluster of a running service',
  args: {
    mix: { type: 'string', description: `Services by size: how many x backends each (${exampleMix} unless --server is given)` },
    server: { type: 'string', description: 'Report on the cluster of this running service instead', valueHint: 'URL' },
    nodes: { type: 'string', description: 'With --server: nodes, by comma (all)', valueHint: 'NAMES' },
    format: { type: 'enum', options: [...reportForms], description: 'Form of the report', default: 'text' }
  },
  rest: reportKinds.join('|'),
  notes: [
    'For instance: maglev-sim report memory --mix 700x3,200x10', '              maglev-sim report lookup-cost --format csv',
    'Compared are cilium (what Cilium does today), dynamic and packed (a table size for each service), and compact (Cilium\'s picks in less memory).'
  ],
  async run (args, words) {
    const kind = reportKinds.find((name) => name === words[0])
    if (kind === undefined || words.length > 1) throw new BadInput(`say which report: ${reportKinds.join(' or ')}`)
    const form = args.format as ReportForm
    if (args.server !== undefined) return await fromServer(args.server, kind, form, args.mix, wordList(args.nodes))
    if (args.nodes !== undefined) throw new BadInput('--nodes goes with --server; a mix is reported for four layouts')
    const { createProcessSimulator } = await loadSimulator()
    process.stdout.write(formatReport(createProcessSimulator({ nodes: [] }).report({ kind, mix: args.mix ?? exampleMix }), form))
  }
})

async function fromServer (
  server: string, kind: ReportKind, form: ReportForm, mix: string | undefined, nodes: readonly string[] | undefined
): Promise<void> {
  if (mix !== undefined) throw new BadInput('a mix needs no server: leave --server out')
  const { createClient, serverUrl } = await loadClient()
  const query = nodes === undefined ? '' : `?nodes=${nodes.map(encodeURIComponent).join(',')}`
  const report = await createClient(serverUrl(server)).get<Parameters<typeof formatReport>[0]>(`/v1/reports/${kind}${query}`)
  process.stdout.write(formatReport(report, form))
}
