// The gate for CI as CI meets it: a folder, an exit code, findings with file, line, object and field, as text, JSON and SARIF.

import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t from 'tap'
import type { CheckResult } from '../../src/cli/check/finding.ts'
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

/** a slice of endpoints by the nodes they run on, at one port of a name */
const sliceOn = (name: string, nodes: Readonly<Record<string, number>>, port = 'http', ready = true): string => JSON.stringify({
  ...JSON.parse(slice(name, 0)) as object,
  metadata: { namespace: 'shop', name: `${name}-${port}`, labels: { 'kubernetes.io/service-name': name } },
  ports: [{ name: port, port: 8080 }],
  endpoints: Object.entries(nodes).flatMap(([nodeName, count], node) =>
    Array.from({ length: count }, (_, index) => ({ addresses: [`10.1.${node}.${index + 1}`], nodeName, conditions: { ready } })))
})

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
    readonly invocations: readonly [{ readonly executionSuccessful: boolean }]
    readonly properties?: { readonly assumptions: readonly string[] }
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
  t.match(plain.stdout, /1 service, .*1 table; .*0 errors, 0 warnings, 2 notes\n$/s)
  t.match(limited, { code: 0, stderr: '' })
  const { findings, figures } = JSON.parse(limited.stdout) as CheckResult
  const note = { rule: 'cluster-ip-without-table', level: 'note', file: 'web.yaml', line: 4, object: 'Service shop/web', field: '/spec/type' }
  t.match(findings, [note, { rule: 'skipped', level: 'note', file: 'web.yaml', line: 10, object: 'Deployment default/web', field: null }])
  t.match(figures, { services: 1, frontends: 2, tables: 1, disruption: { service: 'shop/web', backends: 3, m: 1021 } })
  const { memoryBytes = 0, tableBytes = 0, convergenceSeconds = 0 } = figures ?? {}
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
  const [{ tool, results, invocations }] = log.runs
  t.equal(invocations[0].executionSuccessful, true, 'findings are an answer')
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
    [['-f', 'type'], /type\/a\.yaml:7: Service shop\/bad \/spec\/ports\/0\/port: "none" is not a port/],
    [['-f', 'text'], /text\/b\.yaml:1: Line 1/],
    [['-f', 'conflict'], /conflict\/c\.yaml:7: Service shop\/two \/spec\/clusterIP: 10\.96\.0\.1:80\/TCP belongs to service shop\/one\n {2}conflict\/c\.yaml:7: Service shop\/two \/status\/loadBalancer\/ingress\/0\/ip: 172\.20\.0\.1:80\/TCP/],
    [['-f', 'good', '--config', 'values.yaml'], /values\.yaml:1: maglev\.tableSize: "1000" is not one of/],
    [['-f', 'good', '--max', 'memory=lots'], /--max takes memory=64MiB/],
    [['-f', 'nowhere'], /there is no .*nowhere/],
    [[], /name a folder/]
  ]
  const ended = await Promise.all(cases.map(([words]) => check(path, ...words)))
  for (const [index, [words, said]] of cases.entries()) t.match(ended[index], { code: 2, stdout: '', stderr: said }, words.join(' '))
})

t.test('bad input in the forms for programs: everything that is wrong is a finding, with its place', async (t) => {
  const bad = service('bad', '2').replace('port: 80', 'port: none').replace('172.20.0.2', '172.20.0.999')
  const list = { kind: 'ServiceList', apiVersion: 'v1', items: [{ metadata: { namespace: 'shop', name: 'listed' }, spec: { type: 'Magic', ports: [{ port: 80 }] } }] }
  const path = folder({
    'all/1.yaml': `${service('web', '1')}---\n${bad}`,
    'all/2.yaml': 'kind: Service\nmetadata:\n  labels: [\n',
    'all/3.json': '{"kind": "Service",\n"metadata": }',
    'all/4.yaml': `# nameless\n\n${service('x', '3').replace(', name: x', '')}`,
    'all/5.json': JSON.stringify(list),
    'all/6.yaml': 'kind: A\n---\n---\n# tagged\nkind: !Ref B\n',
    'all/kustomization.yaml': 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [1.yaml]\n',
    'conflict/c.yaml': `${service('one', '1')}---\n${service('two', '1')}---\n${service('three', '1').replace('172.20.0.1', '172.20.0.9')}`,
    'values.yaml': 'maglev: {tableSize: 1000}\nloadBalancer: {algorithm: best}\n'
  })
  const words = ['-f', 'all', '--config', 'values.yaml']
  const [json, sarif, text, conflict] = await Promise.all([
    check(path, ...words, '--json'), check(path, ...words, '--sarif'), check(path, ...words), check(path, '-f', 'conflict', '--json')
  ])
  const { findings, figures } = JSON.parse(json.stdout) as CheckResult
  t.equal(figures, null, 'nothing was judged')
  const placed = (list: CheckResult['findings']) => list.map(({ file, line, object, field }) => [`${file}:${line}`, object, field])
  t.strictSame(placed(findings), [
    ['all/2.yaml:4', null, null],
    ['all/3.json:2', null, null],
    ['all/6.yaml:5', null, null],
    ['values.yaml:1', null, 'loadBalancer.algorithm'],
    ['values.yaml:1', null, 'maglev.tableSize'],
    ['all/4.yaml:3', 'Service', '/metadata/name'],
    ['all/1.yaml:7', 'Service shop/bad', '/spec/ports/0/port'],
    ['all/1.yaml:7', 'Service shop/bad', '/status/loadBalancer/ingress/0/ip'],
    ['all/5.json:1', 'Service shop/listed', '/spec/type']
  ])
  for (const { rule, level, message, help } of findings) t.match({ rule, level, message, help }, { rule: 'bad-input', level: 'error', message: /./, help: /./ })
  t.match(json, { code: 2, stderr: /^maglev-sim: all\/2\.yaml:4: Line 4, column \d+: [^\n]* \(and 8 more\)\n$/ })

  t.match(sarif, { code: 2, stderr: json.stderr })
  const [{ results, invocations }] = (JSON.parse(sarif.stdout) as SarifLog).runs
  t.equal(invocations[0].executionSuccessful, false)
  t.strictSame(
    results.map(({ ruleId, level, locations: [{ physicalLocation } = {}] }) =>
      [ruleId, level, physicalLocation?.artifactLocation.uri, physicalLocation?.region.startLine]),
    findings.map(({ rule, level, file, line }) => [rule, level, file, line]))
  t.match(text, { code: 2, stdout: '' })
  t.equal(text.stderr.split('\n').length, findings.length + 1, 'a line each where people read')

  t.strictSame(placed((JSON.parse(conflict.stdout) as CheckResult).findings), [
    ['conflict/c.yaml:7', 'Service shop/two', '/spec/clusterIP'],
    ['conflict/c.yaml:7', 'Service shop/two', '/status/loadBalancer/ingress/0/ip'],
    ['conflict/c.yaml:13', 'Service shop/three', '/spec/clusterIP']
  ])

  const many = folder({ 'many.yaml': Array.from({ length: 60 }, (_, index) => service(`no${index}`, 'x')).join('---\n') })
  const { findings: listed } = JSON.parse((await check(many, '-f', '.', '--json')).stdout) as CheckResult
  t.match([listed.length, listed.at(-1)], [51, { file: null, message: /^the first 50 places are listed/ }], 'that there are more is said')
})

t.test('traffic policy Local: the cluster is judged, not one node without pods', async (t) => {
  const local = (name: string, address: string): string =>
    service(name, address).replace('type: LoadBalancer,', 'type: LoadBalancer, externalTrafficPolicy: Local, internalTrafficPolicy: Local,')
  const twoPorts = local('two', '3').replace('ports: [', 'ports: [{name: admin, port: 81}, ')
  const files = {
    'web.yaml': local('web', '1'),
    'web.json': sliceOn('web', { a: 1, b: 3, c: 2 }),
    'none.yaml': local('none', '2'),
    'none.json': sliceOn('none', { a: 2, b: 1 }, 'http', false),
    // most of its pods are on one node, those behind its other port on another
    'two.yaml': twoPorts,
    'two.json': sliceOn('two', { a: 5, b: 4 }),
    'admin.json': sliceOn('two', { c: 1 }, 'admin'),
    'values.yaml': 'maglev: {tableSize: 509}\n'
  }
  const cluster = Object.fromEntries(Object.entries(files).map(([name, text]) => [name, text.replaceAll(/(ex|in)ternalTrafficPolicy: Local, /g, '')]))
  const node = (name: string, ...addresses: readonly string[]): string =>
    JSON.stringify({ kind: 'Node', metadata: { name }, status: { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) } })
  const nodePort = service('np', '4').replace('LoadBalancer', 'NodePort').replace('port: 80', 'port: 80, nodePort: 30080')
  const exposed = `${service('some', '5')}`.replace('name: some}', 'name: some, annotations: {service.cilium.io/node: edge}}')
  const nodes = { 'np.yaml': nodePort, 'a.json': node('a', '192.0.2.1'), 'b.json': node('b', '192.0.2.2', '192.0.2.3'), 'some.yaml': exposed }
  const judge = async (files: Readonly<Record<string, string>>): Promise<CheckResult> =>
    JSON.parse((await check(folder(files), '-f', '.', '--config', 'values.yaml', '--json')).stdout) as CheckResult
  const [one, other, apart, text] = await Promise.all([
    judge(files), judge(cluster), judge({ ...nodes, 'values.yaml': '' }), check(folder(files), '-f', '.', '--config', 'values.yaml')
  ])
  const warnings = ({ findings }: CheckResult) => findings.filter(({ level }) => level === 'warning').map(({ rule, object, field }) => [rule, object, field])
  t.strictSame(warnings(one), [['no-backend', 'Service shop/none', '/spec/selector']], 'only where no node has a backend')
  t.match(one.findings.find(({ rule }) => rule === 'no-backend')?.message, /on any node/)
  t.strictSame(warnings(other).map(([rule, object]) => [rule, object]), [
    ['no-backend', 'Service shop/none'], ['few-slots-per-backend', 'Service shop/two'], ['few-slots-per-backend', 'Service shop/web']
  ], 'with all backends in a table 509 slots are few, with those of one node they are not')
  t.match(one, { assumptions: ['3 services with a traffic policy of Local: of each it has the backends of the node with most of them'] })
  t.strictSame(other.assumptions, [])
  t.ok((one.figures?.disruption?.backends ?? 9) <= 5, 'five on node a, not nine')
  t.equal(one.figures?.tables, other.figures?.tables, 'no table is left out')
  t.equal(one.figures?.tableBytes, other.figures?.tableBytes)
  t.match(text.stdout, /\nfor a node as full as any can be: 3 services with a traffic policy of Local: [^\n]*\n3 services, /)

  t.match(apart.assumptions, ['of 2 nodes the addresses of b, which has most', '1 service for chosen nodes only (service.cilium.io/node, node-selector): it is one of them'])
  t.equal(apart.figures?.frontends, 1 + 1 + 2 + 2, 'ClusterIP, the wildcard, both addresses of one node; ClusterIP and LoadBalancer')
})

t.test('a port name that no endpoint has, and parts without effect, name their object', async (t) => {
  const path = folder({
    'web.yaml': `${service('other', '2')}---\n${service('web', '1').replace('ports: [', 'ports: [{name: admin, port: 81}, ').replace('name: web}', 'name: web, annotations: {service.cilium.io/type: Best}}')}`,
    'web.json': sliceOn('web', { a: 2 }, 'web'),
    'admin.json': sliceOn('web', { a: 1 }, 'admin'),
    'other.json': sliceOn('other', { a: 2 }),
    'lost.json': JSON.stringify({ kind: 'EndpointSlice', metadata: { namespace: 'shop', name: 'lost' } })
  })
  const [json, strict] = await Promise.all([check(path, '-f', '.', '--json'), check(path, '-f', '.', '--strict')])
  const { findings } = JSON.parse(json.stdout) as CheckResult
  t.equal(json.code, 0)
  t.match(findings.filter(({ level }) => level === 'warning'), [{
    rule: 'unmatched-port',
    level: 'warning',
    file: 'web.yaml',
    line: 7,
    object: 'Service shop/web',
    field: '/spec/ports/1/name',
    message: /^no endpoint has a port named "http" \(they have ("admin", "web"|"web", "admin")\)/
  }], 'and nothing else: that its frontends have no backend is said with it')
  t.match(findings.filter(({ rule }) => rule === 'without-effect'), [
    { object: 'EndpointSlice shop/lost', file: 'lost.json', line: 1, field: null, message: /belongs to no Service/ },
    { object: 'Service shop/web', file: 'web.yaml', line: 7, field: '/metadata/annotations', message: /^service\.cilium\.io\/type cannot be "Best"/ }
  ])
  t.match(strict, { code: 1, stderr: /^maglev-sim: 1 finding beyond what is allowed\n$/ })
})

t.test('several folders, by either name of the option, and as words', async (t) => {
  const path = folder({ 'k/web.yaml': service('web', '1'), 'e/web.json': slice('web', 3), 'x/other.yaml': service('other', '2') })
  const [both, mixed, help, empty] = await Promise.all([
    check(path, '-f', 'k', '-f', 'e'), check(path, 'x', '--files=k', '-f=e'), check(path, '--help'), check(path, '-f', 'k', '--files=')
  ])
  t.match(both, { code: 0, stdout: /1 service, 2 frontends, 1 table; .* 0 warnings/s })
  t.match(mixed, { code: 0, stdout: /2 services, 4 frontends, 1 table; /s })
  t.match(help.stdout, /^ {2}-f, --files PATH +Folder or file .* repeatable$/m)
  t.match(empty, { code: 2, stdout: '' })
})

t.test('manifests as they are in Git: what is not judged is said, with what to add', async (t) => {
  const inGit = 'apiVersion: v1\nkind: Service\nmetadata: {namespace: shop, name: web}\nspec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}\n'
  const nodePort = service('np', '4').replace('LoadBalancer', 'NodePort').replace('port: 80', 'port: 80, nodePort: 30080')
  const path = folder({
    'git/web.yaml': inGit,
    'git/typo.yaml': `${inGit.replace('Service', 'Servce')}---\n${inGit.replace('kind: Service', 'kind: Deployment')}---\n${inGit.replace('kind: Service', 'kind: Deployment')}`,
    'ports/np.yaml': nodePort,
    'ports/np.json': slice('np', 3),
    'half/web.yaml': service('web', '1')
  })
  const judge = async (...words: readonly string[]): Promise<CheckResult> => JSON.parse((await check(path, ...words, '--json')).stdout) as CheckResult
  const [git, ports, half, addressed, strict] = await Promise.all([
    judge('-f', 'git'), judge('-f', 'ports'), judge('-f', 'half'), judge('-f', 'ports', '--node-addresses', '192.0.2.1'), check(path, '-f', 'git', '--strict')
  ])
  t.match(git.findings, [
    { rule: 'not-judged', level: 'warning', object: 'Service shop/web', file: 'git/web.yaml', line: 1, message: /^nothing of it is judged: .* no address .* and no endpoints/, help: /kubectl get .*--node-addresses/ },
    { rule: 'misspelt', level: 'warning', object: 'Servce shop/web', file: 'git/typo.yaml', line: 1, message: 'the kind Servce is not read (Service is)' },
    { rule: 'skipped', level: 'note', object: 'Deployment shop/web', file: 'git/typo.yaml', line: 6, message: 'skipped: the load balancer takes nothing from this kind (and 1 more)' }
  ])
  t.match(strict, { code: 1, stderr: /2 findings/ })
  const warnings = ({ findings }: CheckResult) => findings.filter(({ level }) => level === 'warning')
  t.match(warnings(ports), [{ rule: 'not-judged', object: 'Service shop/np', message: /^node ports .* of 1 service .* no Node object and no --node-addresses/ }])
  t.strictSame(warnings(addressed), [])
  t.match(warnings(half), [{ rule: 'not-judged', object: 'Service shop/web', message: /^it has no table, and in these files it has no endpoints/ }], 'once, not by port or address')
})

t.test('a release line before 1.17: one protocol hides the other', async (t) => {
  const dns = service('dns', '1').replace('[{name: http, port: 80}]', '[{name: tcp, port: 53}, {name: udp, port: 53, protocol: UDP}]')
  const slices = ['TCP', 'UDP'].map((protocol) => slice('dns', 2).replace('"dns-1"', `"dns-${protocol.toLowerCase()}"`)
    .replace('"name":"http","port":8080', `"name":"${protocol.toLowerCase()}","port":53,"protocol":"${protocol}"`))
  const path = folder({ 'dns.yaml': dns, 'a.json': `[${slices.join(',')}]` })
  const [now, then, wrong] = await Promise.all([
    check(path, '-f', '.', '--json'), check(path, '-f', '.', '--json', '--release', '1.13-1.16'), check(path, '-f', '.', '--release', '1.8')
  ])
  const warned = (ended: Ended) => (JSON.parse(ended.stdout) as CheckResult).findings.filter(({ level }) => level === 'warning')
  t.strictSame(warned(now), [])
  t.match(warned(then), [{ rule: 'protocol-hidden', object: 'Service shop/dns', file: 'dns.yaml', message: /UDP 53 at the same address is not programmed/ }])
  t.match(wrong, { code: 2, stdout: '', stderr: /release/ })
})

t.test('every port of a service is judged by itself', async (t) => {
  const web = service('web', '1').replace('ports: [', 'ports: [{name: admin, port: 81}, ')
  const path = folder({ 'web.yaml': web, 'web.json': sliceOn('web', { a: 2 }, 'http', false), 'admin.json': sliceOn('web', { a: 1 }, 'admin', false) })
  const { findings } = JSON.parse((await check(path, '-f', '.', '--json')).stdout) as CheckResult
  t.strictSame(findings.map(({ rule, object, message }) => [rule, object, message.split(': ')[0]]), [
    ['no-backend', 'Service shop/web', '10.96.0.1:80'], ['no-backend', 'Service shop/web', '10.96.0.1:81']
  ], 'and once for both of its addresses')
})

t.test('Helm values that are misspelt, unknown, or of the wrong form', async (t) => {
  const path = folder({
    'k/web.yaml': service('web', '1'),
    'k/web.json': slice('web', 3),
    'misspelt.yaml': 'maglev: {tablesize: 251, size: 5}\nloadBalancer: {algoritm: random, l7: {backend: envoy}}\nmagelv: {}\nbgp: {enabled: true}\nextraConfig: {bpf-lb-map-maximum: "3", bpf-lb-mapmax: "3"}\n',
    'wrong.yaml': 'maglev: 5\nloadBalancer: [maglev]\nbpf: {lbMapMax: [1], events: {}}\nextraConfig: {bpf-lb-algorithm: {a: b}}\n',
    'topology.yaml': 'loadBalancer: {serviceTopology: true}\n',
    'k2/near.yaml': service('web', '1').replace('spec: {', 'spec: {trafficDistribution: PreferClose, ')
  })
  const judge = async (folder: string, config: string): Promise<CheckResult> =>
    JSON.parse((await check(path, '-f', folder, '--config', config, '--json')).stdout) as CheckResult
  const [misspelt, wrong, topology] = await Promise.all([judge('k', 'misspelt.yaml'), judge('k', 'wrong.yaml'), judge('k2', 'topology.yaml')])
  const said = ({ findings }: CheckResult) => findings.flatMap(({ rule, file, level, field, message }) => file?.startsWith('k') === true ? [] : [[rule, level, field, message]])
  t.strictSame(said(misspelt), [
    ['misspelt', 'warning', 'loadBalancer.algoritm', 'loadBalancer.algoritm is not a value that is read (loadBalancer.algorithm is)'],
    ['misspelt', 'warning', 'maglev.tablesize', 'maglev.tablesize is not a value that is read (maglev.tableSize is)'],
    ['misspelt', 'warning', 'extraConfig.bpf-lb-mapmax', 'extraConfig.bpf-lb-mapmax is not a value that is read (extraConfig.bpf-lb-map-max is)'],
    ['misspelt', 'warning', 'magelv', 'magelv is not a value that is read (maglev is)'],
    ['skipped', 'note', 'maglev.size', 'maglev.size is not a value that is read']
  ])
  t.strictSame(said(wrong), [
    ['bad-input', 'error', 'loadBalancer', 'a list where values by their names are expected'],
    ['bad-input', 'error', 'maglev', '5 where values by their names are expected'],
    ['bad-input', 'error', 'bpf.lbMapMax', 'a list where one value is expected'],
    ['bad-input', 'error', 'extraConfig.bpf-lb-algorithm', 'a group of values where one value is expected']
  ])
  t.match(topology.assumptions, [/^1 service with a trafficDistribution/])
})
