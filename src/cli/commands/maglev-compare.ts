// `maglev-sim maglev compare`: tables that `cilium-dbg bpf lb maglev list` printed on a machine against those that its backends
// should give.

import { readFile } from 'node:fs/promises'
import {
  compareTables, complete, isMaglevList, knownFrontends, readFrontends, readMaglevList, readMaglevListText, readText
} from '../../../lib/loadbalancer/index.ts'
import type { DumpedTable, LbResult, TablesAnswer } from '../../../lib/loadbalancer/index.ts'
import { defaultSeedText, defaultTableSize, parseSeed, releases } from '../../../lib/maglev/index.ts'
import { formatText } from '../../../lib/report/forms/text.ts'
import { counted } from '../../../lib/report/words.ts'
import { command, wholeNumber, wordList } from '../command.ts'
import { BadInput, Failure } from '../failures.ts'
import { callerPath } from '../paths.ts'
import { largestM } from '../table-limits.ts'

export default command({
  name: 'maglev compare',
  description: 'Compare Maglev tables of a machine with those that its backends should give: where they differ, and what would explain it',
  args: {
    services: { type: 'string', description: 'cilium-dbg service list or bpf lb list of the same machine, JSON or text', valueHint: 'FILE' },
    backends: { type: 'string', description: 'JSON {"1":"10.0.1.17:8080/TCP"}: which backend has which id; without it only the arrangement is compared', valueHint: 'FILE' },
    m: { type: 'string', description: 'Slots that the tables should have', default: String(defaultTableSize) },
    seed: { type: 'string', description: 'Base64 of 12 bytes, as bpf-lb-maglev-hash-seed', default: defaultSeedText },
    release: { type: 'enum', options: [...releases], description: 'Release line of Cilium', default: '1.17+' },
    seeds: { type: 'string', description: 'Further seeds that might explain a table, with commas', valueHint: 'SEEDS' },
    json: { type: 'boolean', description: 'Print JSON', default: false }
  },
  rest: 'FILE',
  notes: [
    'FILE is the output of cilium-dbg bpf lb maglev list, as JSON (-o json) or as text.',
    'For instance: maglev-sim maglev compare --services services.json --m 16381 maglev.json',
    'Exit code 1 says that tables differ.'
  ],
  async run (args, words) {
    const [file] = words
    if (file === undefined || words.length > 1) throw new BadInput('name one file with the output of cilium-dbg bpf lb maglev list')
    if (args.services === undefined) throw new BadInput('--services FILE says which frontend has which id, and its backends')
    const m = wholeNumber('m', args.m, 2, largestM)
    const seed = parseSeed(args.seed)
    if (!seed.ok) throw new BadInput(`--seed: ${seed.reason}`)
    const [tables, services] = [await read(file), await read(args.services)]
    const backends = args.backends === undefined ? null : await read(args.backends)
    const compared = valid('the tables', complete(compareTables({
      tables: valid(file, readTables(tables)),
      frontends: knownFrontends(valid(args.services, readFrontends(documentsOf(args.services, services))), () => m),
      backendIds: backends === null ? null : backendIds(args.backends ?? '', backends),
      seed: seed.seed,
      release: args.release,
      seeds: wordList(args.seeds) ?? []
    })))
    if (compared.compared === 0) throw new BadInput(`no table could be compared: ${compared.notCompared[0]?.reason ?? 'the list is empty'}`)
    process.stdout.write(args.json ? `${JSON.stringify(compared)}\n` : asText(compared))
    if (compared.differing > 0) throw new Failure(`${compared.differing} of ${counted(compared.compared, 'table')} ${compared.differing === 1 ? 'differs' : 'differ'}`)
  }
})

async function read (file: string): Promise<string> {
  return await readFile(callerPath(file), 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new BadInput(`cannot read ${file} (${error.code ?? error.message})`)
  })
}

function readTables (text: string): LbResult<readonly DumpedTable[]> {
  const document = parsed(text)
  if (isMaglevList(document)) return readMaglevList(document, '')
  const table = readText(text)
  if (table?.kind === 'bpf-lb-maglev-list') return readMaglevListText(table, '', 'the text')
  throw new BadInput('this is not the output of cilium-dbg bpf lb maglev list')
}

function documentsOf (file: string, text: string): unknown[] {
  const document = parsed(text)
  return document === undefined ? [{ file, text }] : [document].flat()
}

/** @returns undefined for a text that is no JSON */
function parsed (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function backendIds (file: string, text: string): Record<string, string> {
  const ids = parsed(text)
  const isTexts = typeof ids === 'object' && ids !== null && !Array.isArray(ids) && Object.values(ids).every((value) => typeof value === 'string')
  if (!isTexts) throw new BadInput(`${file} is not JSON of the form {"1":"10.0.1.17:8080/TCP"}`)
  return ids as Record<string, string>
}

function valid<T> (what: string, result: LbResult<T>): T {
  if (result.ok) return result.value
  throw new BadInput(`${what}: ${result.error.message}${result.error.places.slice(1).map(({ pointer, detail }) => `\n  ${pointer}: ${detail}`).join('')}`)
}

function asText ({ items, notCompared }: TablesAnswer): string {
  const columns = [
    { key: 'table', title: 'table' }, { key: 'frontend', title: 'frontend' }, { key: 'm', title: 'M', as: 'plain' as const },
    { key: 'differing', title: 'differing slots' }, { key: 'share', title: 'share', as: 'percent' as const }, { key: 'first', title: 'first' }
  ]
  const rows = items.map(({ table, frontend, m, differingSlots, differingShare, firstDifference }) =>
    [table, `${frontend.address}:${frontend.port}/${frontend.protocol}`, m, differingSlots, differingShare, firstDifference?.slot ?? null])
  const causes = items.flatMap(({ table, firstDifference, causes }) => [
    ...(firstDifference === null
      ? []
      : [`${table}: slot ${firstDifference.slot} should be ${firstDifference.expected ?? 'unknown'} and is id ${firstDifference.found.id} (${firstDifference.found.backend ?? 'unknown'})`]),
    ...causes.map(({ code, detail }) => `${table}: ${code}: ${detail}`)
  ])
  const left = notCompared.map(({ table, reason }) => `${table ?? ''}: not compared: ${reason}`)
  return [items.length === 0 ? '' : formatText({ title: '', columns, rows }), ...causes, ...left, ''].join('\n')
}
