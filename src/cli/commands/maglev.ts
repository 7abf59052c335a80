// `maglev-sim maglev`: the Maglev table of any backends, as a release line of Cilium builds it, or Katran or Envoy; and tables of a machine
// against those that their backends should give (maglev-compare.ts).

import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import {
  buildTable, defaultSeedText, isPrime, parseSeed, releases, runLengthText, smallestTableSize, tableDigest, tableWarnings, usableBackends
} from '../../../lib/maglev/index.ts'
import type { Release, Table, TableBackend } from '../../../lib/maglev/index.ts'
import { formatText } from '../../../lib/report/forms/text.ts'
import { counted } from '../../../lib/report/words.ts'
import { parseBackendLines, parseBackendWords } from '../backends.ts'
import { command, commandGroup, wholeNumber } from '../command.ts'
import compare from './maglev-compare.ts'
import { BadInput } from '../failures.ts'
import { buildOtherTable, katranFlow, otherBalancers } from '../other-tables.ts'
import { callerPath } from '../paths.ts'
import { largestM, lineCharacters } from '../table-limits.ts'

// Needs the schema library, which the rest starts without.
const loadLines = () => import('../table-lines.ts')

const table = command({
  name: 'maglev table',
  description: 'Print the Maglev table of backends: slots per backend, the run-length form, its SHA-256',
  args: {
    backends: {
      type: 'string',
      description: 'File with one JSON object {"address","port","protocol"?,"weight"?,"id"?} per line; - reads stdin',
      valueHint: 'FILE'
    },
    m: { type: 'string', description: 'Slots, a prime; without it the smallest of Cilium\'s ten sizes with 100 slots per backend, 65537 of the others' },
    seed: { type: 'string', description: `Of Cilium: base64 of 12 bytes, as bpf-lb-maglev-hash-seed (${defaultSeedText})` },
    like: { type: 'enum', options: ['cilium', ...otherBalancers], description: 'Whose table: Cilium\'s, a ring of Katran, Envoy\'s', default: 'cilium' },
    release: { type: 'enum', options: [...releases], description: 'Release line of Cilium (1.17+)' },
    flow: { type: 'string', description: 'Of Katran: say which real gets this client', valueHint: 'SOURCE:PORT,VIPPORT' },
    slots: { type: 'boolean', description: 'Print the run-length form too', default: false },
    json: { type: 'boolean', description: 'Print JSON with every slot', default: false },
    jsonl: {
      type: 'boolean',
      description: 'Answer lines of stdin, {"name","release","seed","m","backends":[{"id","ip","port","proto","weight"}]}, with {"name","sha256U32LE"}',
      default: false
    }
  },
  rest: 'ADDRESS:PORT[/PROTOCOL][=WEIGHT]...',
  notes: ['For instance: maglev-sim maglev table 10.0.0.1:80 10.0.0.2:80 10.0.0.3:80=50', 'A backend without a weight has 100, as in Cilium.'],
  async run (args, words) {
    if (args.jsonl) return await answerLines()
    const fromFile = args.backends === undefined ? [] : parseBackendLines(await readLines(args.backends))
    const named = [...parseBackendWords(words), ...fromFile].map((backend, index) => ({ ...backend, id: backend.id ?? index + 1 }))
    if (new Set(named.map((backend) => backend.id)).size < named.length) throw new BadInput('two backends have the same id')
    // a weight of 0 takes a backend out, as in Cilium
    const backends = usableBackends(named.map((backend) => ({ ...backend, state: 'active' as const })))
    if (backends.length === 0 && named.length > 0) throw new BadInput('a weight of 0 takes a backend out: give one of them another weight')
    if (backends.length === 0) throw new BadInput('name backends, for instance 10.0.0.1:80 10.0.0.2:80=50, or a file with --backends')
    const m = args.m === undefined ? undefined : wholeNumber('m', args.m, 2, largestM)
    const { like, flow, seed = defaultSeedText, release = '1.17+' } = args
    if (flow !== undefined && !like.startsWith('katran')) throw flowsOfKatranAlone(like)
    if (like !== 'cilium' && (args.seed ?? args.release) !== undefined) throw new BadInput(`--seed and --release are Cilium's: a table of ${like} has neither`)
    const built = like === 'cilium' ? ciliumTable(backends, m, { seed, release }) : buildOtherTable(like, backends, m)
    const by = like === 'cilium' ? { seed, release } : { like }
    const reached = flow === undefined ? null : { flow, ...katranFlow(flow, built) }
    process.stdout.write(args.json ? asJson(built, by, reached) : asText(built, backends, by, { slots: args.slots, reached }))
  }
})

export default commandGroup('maglev', 'Maglev tables of any backends', { table, compare })

function flowsOfKatranAlone (like: string): BadInput {
  const instead = like === 'cilium' ? 'flows of Cilium go through its program: maglev-sim lookup' : `what ${like} hashes of a flow its configuration says`
  return new BadInput(`--flow is answered for Katran; ${instead}`)
}

/** Says on stderr what Cilium accepts without a word. */
function ciliumTable (
  backends: readonly TableBackend[], wanted: number | undefined,
  { seed: text, release }: { readonly seed: string, readonly release: Release }
): Table {
  const seed = parseSeed(text)
  if (!seed.ok) throw new BadInput(`--seed: ${seed.reason}`)
  const m = wanted ?? smallestTableSize(100 * backends.length)
  if (!isPrime(m)) throw new BadInput(`--m takes a prime, ${m} is none`)
  const built = buildTable(m, backends, seed.seed, release)
  if (built === null) throw new BadInput('there is no backend to build a table from')
  const chosen = { m, grownFrom: null, capped: wanted === undefined && m < 100 * backends.length }
  const warnings = tableWarnings(chosen, backends.map(({ weight }) => weight), release)
  for (const { message } of warnings) process.stderr.write(`maglev-sim: note: ${message}\n`)
  return built
}

/** Every line gets its answer; the exit code says whether one of them was an error. */
async function answerLines (): Promise<void> {
  const { answerTableLine } = await loadLines()
  let [number, errors] = [0, 0]
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    number++
    if (line.length > lineCharacters) throw new BadInput(`line ${number} has more than ${lineCharacters} characters`)
    if (line.trim() === '') continue
    const answer = answerTableLine(line)
    if ('error' in answer) errors++
    process.stdout.write(`${JSON.stringify(answer)}\n`)
  }
  if (errors > 0) throw new BadInput(`${errors} of ${counted(number, 'line')} could not be answered`)
}

async function readLines (file: string): Promise<string> {
  if (file === '-') return await text(process.stdin)
  return await readFile(callerPath(file), 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new BadInput(`cannot read ${file} (${error.code ?? error.message})`)
  })
}

/** how the table was built, beside M */
type BuiltBy = Readonly<Record<string, string>>

/** where a flow goes */
type Reached = { readonly flow: string, readonly entry: number, readonly id: number } | null

function asJson (built: Table, by: BuiltBy, reached: Reached): string {
  const counts = Object.fromEntries([...built.counts].map(([id, count]) => [String(id), count]))
  return `${JSON.stringify({ m: built.m, ...by, ...(reached === null ? {} : { reached }), counts, sha256U32LE: tableDigest(built.ids), slots: [...built.ids] })}\n`
}

function asText (
  built: Table, backends: readonly TableBackend[], by: BuiltBy, { slots, reached }: { readonly slots: boolean, readonly reached: Reached }
): string {
  const rows = backends.map((backend) => {
    const count = built.counts.get(backend.id) ?? 0
    return [backend.id, backend.address, backend.port, backend.protocol, backend.weight, count, count / built.m]
  })
  const columns = [{ key: 'id', title: 'id' }, { key: 'address', title: 'address' }, { key: 'port', title: 'port', as: 'plain' as const },
    { key: 'protocol', title: 'protocol' }, { key: 'weight', title: 'weight' }, { key: 'slots', title: 'slots' },
    { key: 'share', title: 'share', as: 'percent' as const }]
  const lines = [formatText({ title: '', columns, rows }), [`M ${built.m}`, ...Object.entries(by).map(([name, value]) => `${name} ${value}`)].join(', '), `sha256 of the ids as u32 little-endian: ${tableDigest(built.ids)}`]
  if (reached !== null) lines.push(`${reached.flow} goes to entry ${reached.entry}, id ${reached.id}`)
  return [...lines, ...(slots ? [runLengthText(built.ids)] : []), ''].join('\n')
}
