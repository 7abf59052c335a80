// `maglev-sim import`: hands manifests, dumps and sysdumps to a running service as they are; the service does the reading.

import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import type { ImportReport } from '../../../lib/sim/types.ts'
import { createClient, serverOption, serverUrl } from '../client.ts'
import { command } from '../command.ts'
import { BadInput } from '../failures.ts'
import { callerPath } from '../paths.ts'

const maximumFiles = 1000

export default command({
  name: 'import',
  description: 'Import Kubernetes manifests (Service, EndpointSlice, Node, cilium-config), what cilium-dbg printed, or a sysdump into a running service',
  args: {
    server: serverOption,
    delete: { type: 'boolean', description: 'Delete the objects instead of applying them', default: false },
    'dry-run': { type: 'boolean', description: 'Tell what would happen and change nothing', default: false },
    json: { type: 'boolean', description: 'Print the service\'s answers as JSON, one per line', default: false }
  },
  rest: 'FILE',
  async run (args, files) {
    if (files.length === 0) throw new BadInput('name at least one file, or - for stdin')
    if (files.length > maximumFiles) throw new BadInput(`at most ${maximumFiles} files at once, not ${files.length}`)
    const documents = await Promise.all(files.map(async (file) => ({ file, bytes: await readDocument(file) })))
    const client = createClient(serverUrl(args.server))
    const path = `/v1/imports?operation=${args.delete ? 'delete' : 'apply'}&dryRun=${args['dry-run']}`
    for (const { file, bytes } of documents) {
      const report = await client.post<ImportReport>(path, bytes, contentTypeOf(bytes))
      process.stdout.write(args.json ? `${JSON.stringify(report)}\n` : describe(file, report))
    }
  }
})

async function readDocument (file: string): Promise<Uint8Array> {
  if (file === '-') return await buffer(process.stdin)
  return await readFile(callerPath(file)).catch((error: NodeJS.ErrnoException) => {
    throw new BadInput(`cannot read ${file} (${error.code ?? error.message})`)
  })
}

/** By the bytes and not by the name, because of stdin; manifests in YAML's flow style are JSON in practice. */
function contentTypeOf (bytes: Uint8Array): string {
  const first = bytes.find((byte) => byte > 0x20)
  if (first === 0x7b || first === 0x5b) return 'application/json'
  return isDump(bytes) ? 'application/octet-stream' : 'application/yaml'
}

/** An archive, which holds bytes that no text has, or a table that cilium-dbg printed. */
function isDump (bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.subarray(0, 4096)).toString('latin1')
  return start.includes('\0') || start.startsWith('PK') || start.startsWith('\u001f\u008b') || /^(ID +Frontend +Service Type|SERVICE ADDRESS +BACKEND|SVC ID +LOOKUP|#+ Read-only config)/m.test(start)
}

function describe (file: string, report: ImportReport): string {
  const counts = (['created', 'updated', 'deleted', 'unchanged'] as const).map((key) => `${report[key]} ${key}`).join(', ')
  const placeOf = (item: ImportReport['skipped'][number]): string => `${item.file === undefined ? '' : `${item.file}, `}document ${item.document}`
  const skipped = report.skipped.map((item) => `  skipped ${placeOf(item)}: ${item.kind} ${item.name}: ${item.reason}\n`)
  return `${file}: ${counts}, ${report.skipped.length} skipped (revision ${report.revision})\n${skipped.join('')}`
}
