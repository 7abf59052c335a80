// `maglev-sim report`: what services of given sizes cost, on scratch nodes in this process; with --server what the cluster that a running
// service holds costs, or the same on its nodes.

import { writeFile } from 'node:fs/promises'
import { renderReport, reportForms, reportKinds, ReportRefusal } from '../../../lib/report/index.ts'
import type { Report, ReportForm, ReportKind, ReportSteps } from '../../../lib/report/index.ts'
import type { ReportRequest } from '../../../lib/sim/types.ts'
import { command, wordList } from '../command.ts'
import { BadInput, Failure } from '../failures.ts'
import { callerPath } from '../paths.ts'
import { readBenchmark } from '../saved-benchmark.ts'
import { layoutNames, layoutVariants, readVariants } from '../variants.ts'

// Each needs what the other does not.
const loadSimulator = () => import('../../simulator.ts')
const loadClient = () => import('../client.ts')
const loadQuestions = () => import('../questions.ts')
const loadSurroundings = async () => ({ ...await import('../../../routes/support/report-options.ts'), ...await import('../../machine-caches.ts') })
const loadProgress = () => import('../progress.ts')

const exampleMix = '700x3,200x10,80x40,20x160'

export default command({
  name: 'report',
  description: 'What a mix of services costs (needs no server), or the cluster of a running service',
  args: {
    mix: { type: 'string', description: `Services by size: how many x backends each (${exampleMix} unless --server is given)` },
    layouts: { type: 'string', description: `With a mix: nodes to compare, of ${layoutNames.join(', ')}`, valueHint: 'NAMES' },
    variants: { type: 'string', description: 'With a mix: nodes to compare, a JSON file with an array of node settings', valueHint: 'FILE' },
    set: { type: 'string', description: 'Option of the report, as the API has it; repeatable, or with commas', valueHint: 'NAME=VALUE' },
    benchmark: { type: 'string', description: 'Lookup cost: times to quote, a file that maglev-sim benchmark saved; with --server the id of a run', valueHint: 'FILE' },
    server: { type: 'string', description: 'Ask this running service; without --mix about its cluster', valueHint: 'URL' },
    nodes: { type: 'string', description: 'With --server and no mix: nodes, by comma (all)', valueHint: 'NAMES' },
    format: { type: 'enum', options: [...reportForms], description: 'Form of the report', default: 'text' },
    chart: { type: 'string', description: 'With --format svg: which chart (the first)', valueHint: 'ID' },
    output: { type: 'string', description: 'Write to this file', valueHint: 'FILE' },
    progress: { type: 'boolean', description: 'No progress of reports that take their time', default: true }
  },
  rest: reportKinds.join('|'),
  repeated: { set: ',' },
  notes: [
    'For instance: maglev-sim report memory --mix 700x3,200x10', '              maglev-sim report lookup-cost --layouts blob,compact --format csv',
    '              maglev-sim report memory --set trials=20,seed=7 --format html --output memory.html',
    'Compared are cilium (what Cilium does today), dynamic and packed (a table size for each service), and compact (Cilium\'s picks in less memory).'
  ],
  async run (args, words) {
    const kind = reportKinds.find((name) => name === words[0])
    if (kind === undefined || words.length > 1) throw new BadInput(`say which report: ${reportKinds.join(' or ')}`)
    const form = args.format as ReportForm
    if (args.chart !== undefined && form !== 'svg') throw new BadInput('--chart goes with --format svg')
    const asked = { ...await questionOf(kind, args), ...benchmarkOf(kind, args) }
    const report = args.server === undefined ? await fromScratch(kind, asked, args.progress) : await fromServer(args.server, kind, asked)
    const text = await renderReport(report, form, { chart: args.chart, asked: { command: commandLine(kind, args) } }).catch(asBadInput)
    if (args.output === undefined) process.stdout.write(text)
    else await write(args.output, text)
  }
})

interface Args {
  readonly mix?: string | undefined
  readonly layouts?: string | undefined
  readonly variants?: string | undefined
  readonly set?: string | undefined
  readonly benchmark?: string | undefined
  readonly server?: string | undefined
  readonly nodes?: string | undefined
}

/** The request, as the API's body has it. */
async function questionOf (kind: ReportKind, { mix, layouts, variants, set, server, nodes }: Args): Promise<Record<string, unknown>> {
  const about = mix ?? (server === undefined ? exampleMix : undefined)
  if (nodes !== undefined && about !== undefined) throw new BadInput('--nodes goes with --server; a mix is reported for --layouts or --variants')
  if (layouts !== undefined && variants !== undefined) throw new BadInput('--layouts and --variants are two ways to say the same: give one')
  if (about === undefined && (layouts ?? variants) !== undefined) throw new BadInput('--layouts and --variants go with --mix')
  const asked = {
    ...(about === undefined ? {} : { mix: about }),
    ...(nodes === undefined ? {} : { nodes: wordList(nodes) }),
    ...(layouts === undefined ? {} : { variants: layoutVariants(wordList(layouts) ?? [], about ?? '') }),
    ...(variants === undefined ? {} : { variants: readVariants(variants) })
  }
  if ((set ?? variants) === undefined) return asked
  const { checkedQuestion } = await loadQuestions()
  return checkedQuestion(kind, asked, set ?? '')
}

/** what is quoted: a saved result, or of a service the run it has */
function benchmarkOf (kind: ReportKind, { benchmark, server }: Args): { benchmark?: unknown } {
  if (benchmark === undefined) return {}
  if (kind !== 'lookup-cost') throw new BadInput('--benchmark goes with report lookup-cost')
  return { benchmark: server === undefined ? { run: null, result: readBenchmark(benchmark) } : benchmark }
}

async function fromScratch (kind: ReportKind, question: Record<string, unknown>, progress: boolean): Promise<Report> {
  const { resolveOptions, machineCaches } = await loadSurroundings()
  const result = (): never => { throw new BadInput('a run is known to the service that made it: give --server, or a saved file by --benchmark') }
  const asked = resolveOptions(question, { result, caches: machineCaches() })
  const { createProcessSimulator } = await loadSimulator()
  const steps = createProcessSimulator({ nodes: [] }).reportSteps({ ...asked, kind } as ReportRequest)
  return await watched(steps, kind, progress)
}

/** Most reports are there at once; the bar is for those that are not. */
async function watched (steps: ReportSteps<Report>, label: string, progress: boolean): Promise<Report> {
  const quietUntil = performance.now() + 500
  let bar: { readonly update: (done: number) => void, readonly stop: () => void } | null = null
  let unit = ''
  try {
    for (;;) {
      const { done, value } = steps.next()
      if (done === true) return value
      if (progress && performance.now() > quietUntil && value.unit !== unit) {
        bar?.stop()
        unit = value.unit
        bar = (await loadProgress()).startProgress({ label, total: value.total, unit })
      }
      bar?.update(value.done)
    }
  } finally {
    bar?.stop()
  }
}

async function fromServer (server: string, kind: ReportKind, asked: Record<string, unknown>): Promise<Report> {
  const { createClient, serverUrl } = await loadClient()
  return await createClient(serverUrl(server)).post<Report>(`/v1/reports/${kind}`, JSON.stringify(asked), 'application/json')
}

function asBadInput (error: unknown): never {
  throw error instanceof ReportRefusal ? new BadInput(error.message) : error
}

async function write (file: string, text: string): Promise<void> {
  const path = callerPath(file)
  await writeFile(path, text).catch((error: Error) => { throw new Failure(`cannot write ${file}: ${error.message}`) })
  process.stderr.write(`wrote ${file} (${Buffer.byteLength(text)} bytes)\n`)
}

/** What gives the report again: the options that make a difference to it. */
function commandLine (kind: ReportKind, args: Args): string {
  const options = (['server', 'mix', 'layouts', 'variants', 'nodes', 'set', 'benchmark'] as const)
    .flatMap((name) => args[name] === undefined ? [] : [`--${name}`, shellWord(args[name])])
  return ['maglev-sim', 'report', kind, ...options].join(' ')
}

const shellWord = (text: string): string => /^[\w,.:/=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
