// The gate for CI as CI meets it: a folder, an exit code, findings with file, line, object and field, as text, JSON and SARIF.

import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t from 'tap'
import type { CheckResult } from '../../src/cli/check/findings.ts'
import { rules } from '../../src/cli/check/rules.ts'

const root = join(import.meta.dirname, '..', '..')

interface Ended { readonly code: number | null, readonly stdout: string, readonly stderr: string }

function check (cwd: string, ...words: readonly string[]): Promise<Ended> {
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, [`--import=${import.meta.resolve('tsx')}`, join(root, 'src/cli/main.ts'), 'check', ...words], { cwd, env: { PATH, HOME } })
  const read = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => { read.stdout += chunk.toString() })
  child.stderr.on('data', (chunk: Buffer) => { read.stderr += chunk.toString() })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...read })))
}

function folder (files: Readonly<Record<string, string>>): string {
  const path = mkdtempSync(join(tmpdir(), 'check-'))
  t.teardown(() => rmSync(path, { recursive: true }))
  for (const [name, contents] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true })
    writeFileSync(join(path, name), contents)
  }
  return path
}

const service = (name: string, address: string): string => `apiVersion: v1
kind: Service
metadata: {namespace: shop, name: ${name}}
spec: {type: LoadBalancer, clusterIP: 10.96.0.${address}, ports: [{name: http, port: 80}]}
status: {loadBalancer: {ingress: [{ip: 172.20.0.${address}}]}}
`
const slice = (name: string, backends: number): string => JSON.stringify({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { namespace: 'shop', name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 8080 }],
  endpoints: Array.from({ length: backends }, (_, index) => ({ addresses: [`10.1.0.${index + 1}`] }))
})
const good = {
  'web.yaml': `# two documents\n---\n\n${service('web', '1')}---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n`,
  'deep/er/web.json': slice('web', 3),
  'values.yaml': 'maglev: {tableSize: 1021}\nbpf: {lbMapMax: 1000}\n'
}

interface SarifResult {
  readonly ruleId: string
  readonly ruleIndex: number
  readonly level: string
  readonly message: { readonly text: string }
  readonly locations: ReadonlyArray<{
    readonly physicalLocation?: { readonly artifactLocation: { readonly uri: string }, readonly region: { readonly startLine: number } }
  }>
}

interface SarifLog {
  readonly version: string
  readonly runs: readonly [{
    readonly tool: { readonly driver: { readonly rules: ReadonlyArray<{ readonly id: string }> } }
    readonly results: readonly SarifResult[]
  }]
}

t.test('a folder that is well, and limits that it keeps', async (t) => {
  const path = folder(good)
  const [plain, limited] = await Promise.all([
    check(path, '-f', '.'),
    check(path, '-f', '.', '--config', 'values.yaml', '--max', 'memory=64MiB,pressure=0.8,convergence=30s,disruption=5%', '--json')
  ])
  t.match(plain, { code: 0, stderr: '' })
  t.match(plain.stdout, /1 services, .*0 errors, 0 warnings, 1 notes\n$/s)
  t.match(limited, { code: 0, stderr: '' })
  const { findings, figures } = JSON.parse(limited.stdout) as CheckResult
  const note = { rule: 'cluster-ip-without-table', level: 'note', file: 'web.yaml', line: 4, object: 'Service shop/web', field: '/spec/type' }
  t.match(findings, [note])
  t.match(figures, { services: 1, frontends: 2, tables: 1, disruption: { service: 'shop/web', backends: 3, m: 1021 } })
  const { memoryBytes, tableBytes, convergenceSeconds } = figures
  t.ok((memoryBytes ?? 0) > (tableBytes ?? 0) && (tableBytes ?? 0) > 4 * 1021 && (convergenceSeconds ?? 0) > 0)
})

t.test('limits exceeded, in every form', async (t) => {
  const path = folder({ ...good, 'b/many.yaml': service('many', '2'), 'b/many.json': slice('many', 20), 'values.yaml': 'maglev: {tableSize: 251}\nbpf: {lbMapMax: 30}\n' })
  const words = ['-f', '.', '--config', 'values.yaml', '--max', 'memory=1kB,pressure=0.5,convergence=1ms,disruption=0.0001']
  const [text, json, sarif] = await Promise.all([check(path, ...words), check(path, ...words, '--json'), check(path, ...words, '--sarif')])
  for (const ended of [text, json, sarif]) t.match(ended, { code: 1, stderr: /\d findings beyond what is allowed/ })
  t.match(text.stdout, /^values\.yaml:1: error: the maps take .* move without need when one backend leaves \[memory-limit\]\n {4}maglev\.tableSize\n/)
  const { findings } = JSON.parse(json.stdout) as CheckResult
  const named = (rule: string) => findings.filter((one) => one.rule === rule)
  t.match(named('map-too-small'), [{ file: 'values.yaml', field: 'extraConfig.bpf-lb-service-map-max', message: /cilium_lb4_services_v2 needs \d+ entries and takes 30/ }])
  t.match(named('few-slots-per-backend'), [{ file: 'b/many.yaml', line: 1, object: 'Service shop/many', level: 'warning' }])
  for (const rule of ['memory-limit', 'pressure-limit', 'convergence-limit', 'disruption-limit']) t.equal(named(rule)[0]?.level, 'error', rule)

  const log = JSON.parse(sarif.stdout) as SarifLog
  t.equal(log.version, '2.1.0')
  const [{ tool, results }] = log.runs
  t.equal(results.length, findings.length)
  for (const [index, { ruleId, ruleIndex, level, message, locations }] of results.entries()) {
    t.equal(tool.driver.rules[ruleIndex]?.id, ruleId)
    t.ok(['error', 'warning', 'note'].includes(level) && message.text !== '')
    const location = locations[0]?.physicalLocation
    t.equal(location?.artifactLocation.uri, findings[index]?.file)
    t.ok((location?.region.startLine ?? 0) >= 1)
  }
  t.equal(new Set(rules.map(({ id }) => id)).size, rules.length)
})

t.test('what cannot be read, or what Cilium would refuse', async (t) => {
  const path = folder({
    'type/a.yaml': `${service('web', '1')}---\n${service('bad', '2').replace('port: 80', 'port: none')}`,
    'text/b.yaml': 'a: [',
    'conflict/c.yaml': `${service('one', '1')}---\n${service('two', '1')}`,
    'good/web.yaml': service('web', '1'),
    'values.yaml': 'maglev: {tableSize: 1000}\n'
  })
  const cases: readonly (readonly [words: string[], said: RegExp])[] = [
    [['-f', 'type'], /type\/a\.yaml:7: \/spec\/ports\/0\/port: "none" is not a port/],
    [['-f', 'text'], /text\/b\.yaml: Line 1/],
    [['-f', 'conflict'], /conflict\/c\.yaml:7: .*172\.20\.0\.1:80\/TCP|conflict\/c\.yaml:7: .*10\.96\.0\.1:80\/TCP/],
    [['-f', 'good', '--config', 'values.yaml'], /values\.yaml: maglev\.tableSize: "1000" is not one of/],
    [['-f', 'good', '--max', 'memory=lots'], /--max takes memory=64MiB/],
    [['-f', 'nowhere'], /there is no .*nowhere/],
    [[], /name a folder/]
  ]
  const ended = await Promise.all(cases.map(([words]) => check(path, ...words)))
  for (const [index, [words, said]] of cases.entries()) t.match(ended[index], { code: 2, stdout: '', stderr: said }, words.join(' '))
})
