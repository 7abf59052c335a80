// Every example works as it stands: manifests import without anything skipped, and each request of requests.http is answered.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseYaml } from '../../src/documents/parse.ts'
import { startServer } from '../../src/server.ts'
import { testSimulator } from '../support/simulator.ts'

const folder = join(import.meta.dirname, '..', '..', 'examples')

t.test('manifests', async (t) => {
  const manifests = readdirSync(folder).filter((file) => file.endsWith('.yaml'))
  t.ok(manifests.length > 0)
  for (const file of manifests) {
    const parsed = parseYaml(readFileSync(join(folder, file)))
    if (!parsed.ok) throw new Error(`${file}: ${parsed.fault.detail}`)
    const sim = testSimulator()
    const report = sim.importDocuments(parsed.value as unknown[], { operation: 'apply', dryRun: false })
    t.same(report.skipped, [], file)
    for (const { name } of sim.listNodes()) {
      const frontends = sim.listFrontends(name).filter(({ table }) => table !== null)
      t.ok(frontends.length >= sim.listServices().length, `${file}: every service has a table on ${name}`)
    }
    if (file === 'demo-cluster.yaml') t.equal(sim.listServices().length, 40)
  }
})

interface Request {
  readonly title: string
  readonly method: string
  readonly url: string
  readonly headers: Record<string, string>
  readonly body: string | undefined
}

/** The form that editors' HTTP clients share: ### title, method and URL, headers, empty line, body or `< file`. */
function readRequests (text: string, variables: Readonly<Record<string, string>>): Request[] {
  return text.split(/^###/m).slice(1).map((part) => {
    const [head = '', ...rest] = part.replace(/\{\{(\w+)\}\}/g, (_, name: string) => variables[name] ?? '').split('\n\n')
    const [title = '', line = '', ...headers] = head.split('\n')
    const [method = '', url = ''] = line.split(' ')
    const body = rest.join('\n\n').trim()
    return {
      title: title.trim(),
      method,
      url,
      headers: Object.fromEntries(headers.map((header) => header.split(': ') as [string, string])),
      body: body === '' ? undefined : body.startsWith('< ') ? readFileSync(join(folder, body.slice(2)), 'utf8') : body
    }
  })
}

t.test('requests.http', async (t) => {
  const server = await startServer({ host: '127.0.0.1', port: 0, logLevel: 'silent' })
  t.teardown(() => server.close())
  const requests = readRequests(readFileSync(join(folder, 'requests.http'), 'utf8'), { server: server.url })
  t.ok(requests.length >= 10, `${requests.length} requests`)
  for (const { title, method, url, headers, body } of requests) {
    const response = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }) })
    const answer = await response.text()
    t.ok(response.ok, `${title}: ${response.status} ${response.ok ? '' : answer}`)
  }
})
