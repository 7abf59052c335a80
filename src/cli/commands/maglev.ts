// `maglev-sim maglev table`: the Maglev table of any backends, as a release line of Cilium builds it.

import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import {
  buildTable, defaultSeedText, isPrime, parseSeed, releases, runLengthText, smallestTableSize, tableDigest, tableWarnings, usableBackends
} from '../../../lib/maglev/index.ts'
import type { Table, TableBackend } from '../../../lib/maglev/index.ts'
import { formatText } from '../../../lib/report/forms/text.ts'
import { parseBackendLines, parseBackendWords } from '../backends.ts'
import { command, commandGroup, wholeNumber } from '../command.ts'
import { BadInput } from '../failures.ts'
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
    m: { type: 'string', description: 'Slots, a prime; without it the smallest of Cilium\'s ten sizes with 100 slots per backend' },
    seed: { type: 'string', description: 'base64 of 12 bytes, as bpf-lb-maglev-hash-seed', default: defaultSeedText },
    release: { type: 'enum', options: [...releases], description: 'Release line of Cilium', default: '1.17+' },
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
    const { release } = args
    const fromFile = args.backends === undefined ? [] : parseBackendLines(await readLines(args.backends))
    const named = [...parseBackendWords(words), ...fromFile].map((backend, index) => ({ ...backend, id: backend.id ?? index + 1 }))
    if (new Set(named.map((backend) => backend.id)).size < named.length) throw new BadInput('two backends have the same id')
    // a weight of 0 takes a backend out, as in Cilium
    const backends = usableBackends(named.map((backend) => ({ ...backend, state: 'active' as const })))
    if (backends.length === 0) throw new BadInput('name backends, for instance 10.0.0.1:80 10.0.0.2:80=50, or a file with --backends')
    const seed = parseSeed(args.seed)
    if (!seed.ok) throw new BadInput(`--seed: ${seed.reason}`)
    const m = args.m === undefined ? smallestTableSize(100 * backends.length) : wholeNumber('m', args.m, 2, largestM)
    if (!isPrime(m)) throw new BadInput(`--m takes a prime, ${m} is none`)
    const built = buildTable(m, backends, seed.seed, release)
    if (built === null) throw new BadInput('there is no backend to build a table from')
    process.stdout.write(args.json ? asJson(built, args.seed) : asText(built, backends, args.seed, args.slots))
    const chosen = { m, grownFrom: null, capped: args.m === undefined && m < 100 * backends.length }
    for (const { message } of tableWarnings(chosen, backends.map(({ weight }) => weight), release)) process.stderr.write(`maglev-sim: note: ${message}\n`)
  }
})

export default commandGroup('maglev', 'Maglev tables of any backends', { table })

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
  if (errors > 0) throw new BadInput(`${errors} of ${number} lines could not be answered`)
}

async function readLines (file: string): Promise<string> {
  if (file === '-') return await text(process.stdin)
  return await readFile(callerPath(file), 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new BadInput(`cannot read ${file} (${error.code ?? error.message})`)
  })
}

function asJson (built: Table, seed: string): string {
  const counts = Object.fromEntries([...built.counts].map(([id, count]) => [String(id), count]))
  return `${JSON.stringify({ m: built.m, seed, counts, sha256U32LE: tableDigest(built.ids), slots: [...built.ids] })}\n`
}

function asText (built: Table, backends: readonly TableBackend[], seed: string, slots: boolean): string {
  const rows = backends.map((backend) => {
    const count = built.counts.get(backend.id) ?? 0
    return [backend.id, backend.address, backend.port, backend.protocol, backend.weight, count, count / built.m]
  })
  const columns = [{ key: 'id', title: 'id' }, { key: 'address', title: 'address' }, { key: 'port', title: 'port', as: 'plain' as const },
    { key: 'protocol', title: 'protocol' }, { key: 'weight', title: 'weight' }, { key: 'slots', title: 'slots' },
    { key: 'share', title: 'share', as: 'percent' as const }]
  const lines = [formatText({ title: '', columns, rows }), `M ${built.m}, seed ${seed}`, `sha256 of the ids as u32 little-endian: ${tableDigest(built.ids)}`]
  return [...lines, ...(slots ? [runLengthText(built.ids)] : []), ''].join('\n')
}
