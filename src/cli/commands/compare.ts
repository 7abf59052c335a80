// `maglev-sim compare`: what moves between two nodes: of a mix or of manifests, in this process, or of a running service's cluster.

import { readFile } from 'node:fs/promises'
import { Errors } from 'typebox/value'
import { complete } from '../../../lib/loadbalancer/index.ts'
import { comparisonText } from '../../../lib/sim/comparison-text.ts'
import type { Comparison, ComparisonRequest } from '../../../lib/sim/comparison.ts'
import type { Simulator } from '../../../lib/sim/types.ts'
import { ComparisonRequest as schema } from '../../../routes/support/comparison-schemas.ts'
import { command, wholeNumber } from '../command.ts'
import { BadInput } from '../failures.ts'
import { callerPath } from '../paths.ts'

// Each needs what the other does not.
const loadSimulator = () => import('../../simulator.ts')
const loadParser = () => import('../../documents/parse.ts')
const loadClient = () => import('../client.ts')

export default command({
  name: 'compare',
  description: 'What moves between two nodes: an upgrade, another table size or seed, other backends (needs no server)',
  args: {
    a: { type: 'string', description: 'Before: name of a node, or settings as JSON, over those of node cilium', default: 'cilium', valueHint: 'NODE|JSON' },
    b: { type: 'string', description: 'After, in the same way', default: 'dynamic', valueHint: 'NODE|JSON' },
    mix: { type: 'string', description: 'Services by size: how many x backends each (700x3,200x10)' },
    flows: { type: 'string', description: 'Flows through both programs (1 to 1000000)', default: '20000' },
    seed: { type: 'string', description: 'Seed of the flows', default: '1' },
    server: { type: 'string', description: 'Ask this running service, about its cluster unless --mix is given', valueHint: 'URL' },
    format: { type: 'enum', options: ['text', 'md', 'json'], description: 'Form of the answer', default: 'text' }
  },
  rest: '[MANIFEST...]',
  notes: [
    'For instance: maglev-sim compare --a \'{"release":"1.13-1.16"}\' --b cilium --mix 100x3,20x40',
    '              maglev-sim compare --b \'{"tableSizePolicy":{"fixed":65521}}\' services.yaml'
  ],
  async run (args, files) {
    const flows = { count: wholeNumber('flows', args.flows, 1, 1_000_000), seed: wholeNumber('seed', args.seed, 0, 0xffffffff) }
    const request = checked({ a: side('a', args.a), b: side('b', args.b), flows, ...(args.mix === undefined ? {} : { mix: args.mix }) })
    if (args.server !== undefined && files.length > 0) throw new BadInput('manifests go with a comparison in this process: import them into the service first')
    if (args.server === undefined && files.length === 0 && args.mix === undefined) throw new BadInput('name manifests, or a --mix, or a --server')
    const comparison = args.server === undefined ? await inProcess(request, files) : await askServer(args.server, request)
    process.stdout.write(args.format === 'json' ? `${JSON.stringify(comparison)}\n` : comparisonText(comparison, args.format === 'md'))
  }
})

function side (name: string, text: string): unknown {
  if (!text.trimStart().startsWith('{')) return text
  try {
    return JSON.parse(text)
  } catch {
    throw new BadInput(`--${name} is neither the name of a node nor JSON`)
  }
}

/** By the schema that the API has for the same. */
function checked (request: Record<string, unknown>): ComparisonRequest {
  const [first] = Errors(schema, request)
  if (first !== undefined) throw new BadInput(`this cannot be compared: ${first.instancePath}: ${first.message}`)
  return request as unknown as ComparisonRequest
}

async function inProcess (request: ComparisonRequest, files: readonly string[]): Promise<Comparison> {
  const { createProcessSimulator } = await loadSimulator()
  const sim = createProcessSimulator()
  for (const file of files) await importFile(sim, file)
  return complete(sim.comparisonSteps(request))
}

async function importFile (sim: Simulator, file: string): Promise<void> {
  const bytes = await readFile(callerPath(file)).catch((error: NodeJS.ErrnoException) => {
    throw new BadInput(`cannot read ${file} (${error.code ?? error.message})`)
  })
  const { parseYaml } = await loadParser()
  const parsed = parseYaml(bytes)
  if (!parsed.ok) throw new BadInput(`${file}: ${parsed.fault.detail}`)
  sim.importDocuments(parsed.value as unknown[], { operation: 'apply', dryRun: false })
}

async function askServer (server: string, request: ComparisonRequest): Promise<Comparison> {
  const { createClient, serverUrl } = await loadClient()
  return await createClient(serverUrl(server)).post<Comparison>('/v1/comparisons', JSON.stringify(request), 'application/json')
}
