// The command line as its users meet it: a process with words, a folder, an exit code, stdout for data and stderr for the
// rest; against a service that runs in this process.

import { spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { MemoryReport } from '../../lib/report/index.ts'
import type { LookupReport } from '../../lib/sim/types.ts'
import type { TrafficResult } from '../../lib/sim/traffic.ts'
import type { LoadResult } from '../../src/cli/load/load-test.ts'
import { startServer } from '../../src/server.ts'

const root = join(import.meta.dirname, '..', '..')

interface Ended { readonly code: number | null, readonly stdout: string, readonly stderr: string }

interface Setting { readonly cwd?: string, readonly env?: Record<string, string>, readonly input?: string }

function cli (words: readonly string[], { cwd = root, env = {}, input = '' }: Setting = {}): Promise<Ended> {
  const loader = import.meta.resolve('tsx')
  // the variables that make a test runner's child report to it would end up in the output
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, [`--import=${loader}`, join(root, 'src/cli/main.ts'), ...words], { cwd, env: { PATH, HOME, ...env } })
  const read = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => { read.stdout += chunk.toString() })
  child.stderr.on('data', (chunk: Buffer) => { read.stderr += chunk.toString() })
  child.stdin.end(input)
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...read })))
}

t.test('help, version, and words that mean nothing', async (t) => {
  const [overview, help, member, version, ...refused] = await Promise.all([
    cli([]), cli(['load', '--help']), cli(['maglev', 'table', '-h']), cli(['--version']),
    cli(['nothing']), cli(['load', '--conections', '3']), cli(['report', 'weather']), cli(['maglev']), cli(['lookup', '1.2.3.4:5'])
  ])
  t.match(overview, { code: 0, stderr: '' })
  for (const name of ['serve', 'demo', 'import', 'lookup', 'run', 'load', 'report', 'maglev']) t.match(overview.stdout, `maglev-sim ${name}`)
  t.match(help.stdout, /--connections .*--duration /s)
  t.match(member.stdout, /Usage: maglev-sim maglev table \[OPTIONS\] ADDRESS:PORT/)
  t.match(version.stdout, /^\d+\.\d+\.\d+\n$/)
  for (const ended of refused) {
    t.match(ended, { code: 2, stdout: '' })
    t.match(ended.stderr, /^maglev-sim: [^\n]+\n$/, 'one line that says what is wrong')
  }
  t.match(refused[1]?.stderr, /no option --conections/)
})

t.test('maglev table: Cilium\'s own vector, by words, by lines, by stdin', async (t) => {
  // upstream TestReproducible: weights, M = 251, default seed; ids 1 to 4 instead of 0 to 3 here, so only counts compare
  const words = ['0.0.0.1:1=2', '0.0.0.3:3=13', '0.0.0.4:4=111', '0.0.0.5:5=10']
  const after = [['0.0.0.2', 2, 13], ['0.0.0.3', 3, 111], ['0.0.0.4', 4, 10]] as const
  const lines = after.map(([address, port, weight]) => JSON.stringify({ id: port, address, port, weight })).join('\n')
  const hosts = [90, 91, 92, 93, 94, 95].map((port) => `127.0.0.1:${port}`)
  const [json, text, stdin, light, envoy, katran, twice, noPrime, noAddress, noReal, noFlow, noSeed] = await Promise.all([
    cli(['maglev', 'table', '--m', '251', '--json', ...words]),
    cli(['maglev', 'table', '--m', '251', '--slots', ...words]),
    cli(['maglev', 'table', '--m', '1021', '--json', '--backends', '-'], { input: lines }),
    cli(['maglev', 'table', '--m', '251', '10.0.0.1:80=1', '10.0.0.2:80=2']),
    cli(['maglev', 'table', '--like', 'envoy', '--m', '7', '--json', ...hosts]),
    cli(['maglev', 'table', '--like', 'katran-v1', '--flow', '192.168.1.1:31337,80', '10.0.0.1:80', '10.0.0.2:80', '10.0.0.3:80']),
    cli(['maglev', 'table', '--backends', '-'], { input: `${lines}\n${lines}` }),
    cli(['maglev', 'table', '--m', '250', ...words]),
    cli(['maglev', 'table', '0.0.0.300:1']),
    cli(['maglev', 'table', '--like', 'katran-v2', '10.0.0.1:80', '10.0.0.1:81']),
    cli(['maglev', 'table', '--flow', '192.168.1.1:31337,80', '10.0.0.1:80']),
    cli(['maglev', 'table', '--like', 'envoy', '--seed', 'AQIDBAUGBwgJCgsM', '10.0.0.1:80'])
  ])
  t.same(JSON.parse(json.stdout).counts, { 1: 4, 2: 24, 3: 204, 4: 19 })
  t.match(text.stdout, /0\.0\.0\.4 +4 +TCP +111 +204 +81\.27 %/)
  t.match(text.stdout, /\n3\(5\),4\(1\)/, 'runs of slots')
  // upstream TestWeightedBackendWithRemoval, after the removal
  t.match(JSON.parse(stdin.stdout), {
    m: 1021, counts: { 2: 100, 3: 844, 4: 77 }, sha256U32LE: '51e5d1f7607f55615b1872ce5cf05cdf22e05ba39d3b26f54ad72ff0ad3e453c'
  })
  t.match(light, { code: 0, stderr: /^maglev-sim: note: the weights average below 2, so all backends count the same\n$/ })
  t.match(JSON.parse(envoy.stdout), { m: 7, like: 'envoy', slots: [3, 5, 1, 2, 6, 1, 4] }, 'as Envoy pins it')
  t.match(katran.stdout, /192\.168\.1\.1:31337,80 goes to entry \d+, id 3\n/, 'as Katran pins it')
  for (const ended of [twice, noPrime, noAddress, noReal, noFlow, noSeed]) t.equal(ended.code, 2)
})

t.test('a mix is reported without a server', async (t) => {
  const [json, csv, text, bad] = await Promise.all([
    cli(['report', 'memory', '--mix', '700x3,200x10,80x40,20x160', '--format', 'json']),
    cli(['report', 'lookup-cost', '--mix', '1x3', '--format', 'csv']),
    cli(['report', 'memory', '--mix=2x3']),
    cli(['report', 'memory', '--mix', '3y4'])
  ])
  const report = JSON.parse(json.stdout) as MemoryReport
  t.same(report.nodes.slice(0, 3).map(({ maps }) => maps[0]?.memlockBytes), [65_840_000, 10_036_480, 5_178_240])
  t.match(csv.stdout, /^node,layout,.*\r\ncilium,blob,/)
  t.match(text.stdout, /Memory of the mix 2x3 \(2 frontends\)/)
  t.match(bad, { code: 2, stdout: '', stderr: /"3y4", is not <services>x<backends>/ })
})

t.test('a report in other forms, for other nodes, with its options, to a file', async (t) => {
  const folder = t.testdir({ 'nodes.json': '[{"name":"small","tableSizePolicy":{"fixed":251}}]', 'wrong.json': '[{"name":"small","layout":"round"}]' })
  const at = (file: string): string => join(folder, file)
  const [written, variants, layouts, ...refused] = await Promise.all([
    cli(['report', 'memory', '--mix', '2x3', '--format', 'html', '--output', at('memory.html')]),
    cli(['report', 'memory', '--mix', '2x3', '--variants', at('nodes.json'), '--set', 'trials=2', '--set', 'seed=7', '--format', 'json']),
    cli(['report', 'memory', '--mix', '2x3', '--layouts', 'flat,dynamic', '--format', 'csv']),
    cli(['report', 'memory', '--set', 'trails=2']),
    cli(['report', 'memory', '--set', 'trials=many']),
    cli(['report', 'memory', '--variants', at('wrong.json')]),
    cli(['report', 'memory', '--layouts', 'round']),
    cli(['report', 'memory', '--format', 'svg', '--chart', 'moods'])
  ])
  t.match(written, { code: 0, stdout: '', stderr: /^wrote .*memory\.html \(\d+ bytes\)$/m })
  t.match(readFileSync(at('memory.html'), 'utf8'), /^<!doctype html>.*maglev-sim report memory --mix 2x3</s)
  const report = JSON.parse(variants.stdout) as MemoryReport
  t.match(report.nodes, [{ node: 'small', rows: [{ m: 251, disruption: { trials: 2 } }] }])
  t.match(layouts.stdout, /\r\nclass,flat,flat,[^]*\r\nclass,dynamic,dynamic,/)
  const messages = [/no option trails; it has .*trials/, /\/trials: must be integer/, /\/variants\/0\/layout/, /--layouts takes flat, fixed/, /no chart moods: there are bytes-by-size/]
  for (const [index, answer] of refused.entries()) t.match(answer, { code: 2, stdout: '', stderr: messages[index] })
})

t.test('the demo needs nothing', async (t) => {
  const { code, stdout } = await cli(['demo', '--packets', '20000', '--quiet'])
  t.equal(code, 0)
  t.match(stdout, /^40 services/)
  t.match(stdout, /20,000 packets of 20,000 flows/)
  t.match(stdout, /In one sentence: the tables of these services take 2\.8 MB on node cilium and 729\.2 kB on node dynamic/)
  t.match(stdout, /Next:\n {2}maglev-sim report/)
})

t.test('against a running service', async (t) => {
  const server = await startServer({ host: '127.0.0.1', port: 0, logLevel: 'silent' })
  t.teardown(() => server.close())
  const env = { MAGLEV_SIM_SERVER: server.url }
  const folder = mkdtempSync(join(tmpdir(), 'maglev-sim-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  copyFileSync(join(root, 'examples/echo.yaml'), join(folder, 'mine.yaml'))
  writeFileSync(join(folder, 'bad.yaml'), 'a: [')

  const [early] = await Promise.all([cli(['load', '--duration', '1s'], { env })])
  t.match(early, { code: 1, stderr: /no frontend with a Maglev table/ })

  const imports = await Promise.all([
    cli(['import', 'mine.yaml', '--dry-run'], { env, cwd: folder }),
    // as npm runs it: in the package's folder, with the caller's in INIT_CWD
    cli(['import', 'mine.yaml', '--json', '--dry-run'], { env: { ...env, INIT_CWD: folder } }),
    cli(['import', 'none.yaml'], { env }),
    cli(['import', 'bad.yaml'], { env, cwd: folder })
  ])
  t.same(imports.map(({ code }) => code), [0, 0, 2, 2], imports.map(({ stderr }) => stderr).join(''))
  t.match(imports[0]?.stdout, /^mine\.yaml: 2 created/)
  t.match(JSON.parse(imports[1]?.stdout ?? ''), { created: 2 })
  t.match(imports[3]?.stderr, /answered 400/)
  t.match(await cli(['import', 'examples/echo.yaml', '-'], { env, input: '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"other"}}' }),
    { code: 0, stdout: /-: 0 created.*1 skipped/s })

  const [lookup, pod, json, run, load, report, missing] = await Promise.all([
    cli(['lookup', '203.0.113.7:51022,172.20.0.10:443/tcp', '203.0.113.7:51022,172.20.0.10:444'], { env }),
    cli(['lookup', '10.244.1.9:51022,172.20.0.10:443', '10.244.1.9:51022,172.20.0.10:444', '--from', 'inside', '--explain'], { env }),
    cli(['lookup', '203.0.113.7:51022,172.20.0.10:443', '--nodes', 'dynamic', '--json', '--server', server.url]),
    cli(['run', '--packets', '10000', '--seed', '3', '--zipf', '1', '--services', 'default/echo', '--json'], { env }),
    cli(['load', '--duration', '500ms', '--connections', '2', '--packets', '10', '--json'], { env }),
    cli(['report', 'memory', '--server', server.url, '--nodes', 'dynamic', '--format', 'json']),
    cli(['run', '--services', 'default/none'], { env })
  ])
  t.match(lookup.stdout, /XDP_TX +10\.244\.\d\.\d:8443/)
  t.match(lookup.stdout, /XDP_DROP +drop 158, unknown_port/)
  t.match(pod.stdout, /XDP_PASS +- /, 'a pod is let through to a port without a service')
  t.match(pod.stdout, /443 on cilium\n {2}frontend +default\/echo, revNAT id \d+\n {2}draw +slot \d of 3: backend \d+\n {2}ended +.* \(ipv4\)\n/)
  t.same((JSON.parse(json.stdout) as LookupReport).results[0]?.nodes.map(({ node, verdict }) => [node, verdict]), [['dynamic', 'XDP_TX']])
  const traffic = JSON.parse(run.stdout) as TrafficResult
  t.same(traffic.nodes.map(({ node, verdicts }) => [node, verdicts]), [['cilium', { XDP_TX: 10_000 }], ['dynamic', { XDP_TX: 10_000 }]])
  const result = JSON.parse(load.stdout) as LoadResult & { frontends: number }
  t.ok(result.requests > 0, `${result.requests} requests`)
  t.equal(result.packets, 10 * result.requests)
  t.same([result.errors, result.frontends], [{}, 1])
  const { p50, p90, p99, p999, max } = result.latencyMs
  t.ok(p50 > 0 && p50 <= p90 && p90 <= p99 && p99 <= p999 && p999 <= max, 'percentiles rise')
  t.same((JSON.parse(report.stdout) as MemoryReport).nodes.map(({ node }) => node), ['dynamic'])
  t.match(missing, { code: 1, stderr: /404: .*default\/none/s })

  const [unreachable, remote, noUrl] = await Promise.all([
    cli(['lookup', '1.2.3.4:5,1.2.3.4:6', '--server', 'http://127.0.0.1:1']),
    cli(['load', '--server', 'http://192.0.2.1:8080']),
    cli(['run', '--server', 'localhost'])
  ])
  t.match(unreachable, { code: 1, stderr: /no service answers at http:\/\/127\.0\.0\.1:1 .*maglev-sim serve/ })
  t.match(remote, { code: 2, stderr: /--allow-remote/ })
  t.equal(noUrl.code, 2)
})
