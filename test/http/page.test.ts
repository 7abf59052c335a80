// The page at / as a browser without scripts has it: the answer first, figures that are those of the reports, command lines that work as
// printed, and nothing that a name or an address could make into markup.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { formatBytes, type MemoryReport } from '../../lib/report/index.ts'
import type { LookupReport, Simulator } from '../../lib/sim/types.ts'
import { createPageReports } from '../../routes/support/page/answers.ts'
import { testSimulator } from '../support/simulator.ts'
import { createApi, type ApiAnswer } from './support/api.ts'
import { parseCurl } from './support/curl.ts'

const accept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
const echo = readFileSync(join(import.meta.dirname, '../../examples/echo.yaml'))
const smallMix = '7x3,2x10'

const api = await createApi()
t.teardown(() => api.close())

const view = (query = ''): Promise<ApiAnswer> => api.call('GET', `/${query}`, { headers: { accept } })

const entities = [['&#39;', "'"], ['&quot;', '"'], ['&lt;', '<'], ['&gt;', '>'], ['&amp;', '&']] as const
const plain = (markup: string): string => entities.reduce((all, [entity, character]) => all.replaceAll(entity, character), markup)
const headlineOf = ({ text }: ApiAnswer): string => plain(/<h1[^>]*>([^<]*)<\/h1>/.exec(text)?.[1] ?? '')
const curlsOf = ({ text }: ApiAnswer): string[] => [...text.matchAll(/<code>(curl [^<]*)<\/code>/g)].map(([, line = '']) => plain(line))

t.test('an empty cluster: an example, and every command line of it works as printed', async (t) => {
  const page = await view()
  t.equal(page.status, 200)
  const csp = page.header('content-security-policy')
  t.match(csp, /^default-src 'none'; script-src 'self';/)
  t.notMatch(csp, /script-src[^;]*unsafe/)
  const foreign = /<script(?! type="module" src="\/page\.js"><\/script>)|\son\w+=|https?:\/\/(?!localhost|127|www\.w3\.org\/2000\/svg)/
  t.notMatch(page.text, foreign, 'no script but its own, nothing from elsewhere')
  t.match(headlineOf(page), /MB on every node like cilium \(M = 16381\); the same picks fit in/)
  t.match(page.text, /219,694|comparisons with a running Linux/)
  const revision = api.sim.revision()
  const lines = curlsOf(page)
  t.ok(lines.length >= 6, `${lines.length} command lines`)
  let flowAnswer = ''
  for (const line of lines) {
    const { method, url, headers, payload } = parseCurl(line)
    const answer = await api.app.inject({ method: method as 'GET', url, headers, ...(payload === undefined ? {} : { payload }) })
    t.equal(answer.statusCode, 200, line)
    if (url.startsWith('/v1/lookups')) flowAnswer = answer.body
  }
  const { results: [answered] } = JSON.parse(flowAnswer) as LookupReport
  for (const { backend } of answered?.nodes ?? []) {
    t.ok(page.text.includes(`>${backend?.address}:`), `the page said ${backend?.address} before the example was imported`)
  }
  t.ok(revision < api.sim.revision(), 'looking changes nothing, the printed import does')
})

t.test('figures are those of the reports', async (t) => {
  const page = await view(`?mix=${smallMix}`)
  const report = (await api.call('POST', '/v1/reports/memory', { body: { mix: smallMix } })).json() as unknown as MemoryReport
  for (const { node, maglev } of report.nodes) {
    const row = new RegExp(`<th role="rowheader" scope="row">${node}</th>.*</tr>`).exec(page.text)?.[0] ?? ''
    t.ok(row.includes(`>${formatBytes(maglev.memlockBytes)}<`) && row.includes(`>${formatBytes(maglev.allocatedBytes)}<`), `${node}: ${row}`)
  }
  const text = (await api.call('POST', '/v1/reports/memory?format=text', { body: { mix: smallMix } })).text
  t.equal(headlineOf(page), text.split('\n')[1], 'one headline everywhere')
  t.equal((await view(`?mix=${smallMix}`)).text, page.text, 'the same question, the same page')
  t.not(headlineOf(await view('?mix=9x40')), headlineOf(page))
})

t.test('a cluster: its own figures, a flow step by step, links that work', async (t) => {
  const example = await view(`?mix=${smallMix}`)
  t.equal((await api.call('POST', '/v1/imports', { body: echo, headers: { 'content-type': 'application/yaml' } })).status, 200)
  const page = await view('?flow=203.0.113.7:51022,172.20.0.10:443/tcp')
  t.not(headlineOf(page), headlineOf(example))
  t.match(page.text, new RegExp(`revision ${api.sim.revision()}`))
  const flow = { source: '203.0.113.7', sourcePort: 51022, destination: '172.20.0.10', destinationPort: 443, protocol: 'TCP' } as const
  const [answer] = api.sim.lookup({ flows: [flow], explain: true }).results
  for (const { node, backend, explanation, cost } of answer?.nodes ?? []) {
    t.ok(page.text.includes(`${backend?.address}:${backend?.port}`), node)
    t.ok(page.text.includes(`>${explanation?.slot?.index} of ${explanation?.slot?.m}<`), `${node}: slot`)
    t.ok(page.text.includes(`>${cost.instructions}<`), `${node}: instructions`)
  }
  t.match(page.text, /do not agree: on cilium it goes to.*different sizes \(M = 16381, 509\)/)
  const links = [...page.text.matchAll(/href="(\/[^"]*)"/g)].map(([, href = '']) => plain(href))
  t.ok(links.some((href) => href.endsWith('/table')))
  for (const href of links) t.equal((await api.app.inject({ method: 'GET', url: href, headers: { accept } })).statusCode, 200, href)
  t.match((await view('?flow=203.0.113.7:51022,172.20.0.10:443/tcp&trace=true')).text, /339 instructions<\/summary>[\s\S]*; .*balancer_xdp\([\s\S]* {3}0: \(b4\)/)
  t.match((await view('?flow=203.0.113.7:51022,172.20.0.10:444/tcp')).text, /unknown_port, Cilium&#39;s reason 158/)
})

t.test('what is wrong stands beside its field; nothing typed becomes markup', async (t) => {
  const hostile = '<img src=x onerror=alert(1)>\'"'
  const bad = await api.app.inject({ method: 'GET', url: `/?mix=${encodeURIComponent(hostile)}&flow=${encodeURIComponent(hostile)}`, headers: { accept, host: '"><script>x' } })
  t.equal(bad.statusCode, 422)
  t.match(bad.body, /<p id="mix-error"[^>]*>part 1 of the mix/)
  t.match(bad.body, /<p id="flow-error"[^>]*>This is not source:port/)
  t.notMatch(bad.body, /<img|<script>x/)
  t.match(bad.body, /<h1[^>]*>.*like cilium/, 'and the rest of the page is there')
  t.equal((await view('?flow=[2001:db8::1]:1,172.20.0.10:443/tcp')).status, 422, 'families do not fit')
  t.equal((await view(`?mix=${'1'.repeat(5000)}`)).status, 400)
})

t.test('what nobody waits for any more is given up', async (t) => {
  const sim = testSimulator()
  const asked: string[] = []
  const counted: Simulator = {
    ...sim,
    reportSteps (request) {
      asked.push(`${request.kind} ${request.mix}`)
      return sim.reportSteps(request)
    }
  }
  const reportsOn = createPageReports(counted, { list: () => [], result: () => null })
  const [first, second] = [new AbortController(), new AbortController()]
  const gone = reportsOn('9x40', first.signal)
  const stays = reportsOn('7x3', second.signal)
  first.abort()
  await t.rejects(gone, { code: 'OVERLOADED' })
  t.match((await stays).of.memory.subject, { mix: '7x3' })
  t.notOk(asked.includes('memory 9x40'), 'it was not even begun')
  const again = reportsOn('9x40', second.signal)
  t.match((await again).of.memory.subject, { mix: '9x40' }, 'and is made when asked for again')
  await Promise.all([reportsOn('9x40', second.signal), reportsOn('7x3', second.signal)])
  t.equal(new Set(asked).size, asked.length, 'nothing is asked twice')
})

t.test('programs get what they got, browsers what they need', async (t) => {
  for (const query of ['', '?mix=7x3']) {
    const { name, version, links } = (await api.call('GET', `/${query}`)).json() as { name: string, version: string, links: Record<string, string> }
    t.same([name, version, links['reports'], Object.keys(links).length], ['maglev-sim', '0.0.0', '/v1/reports', 16])
  }
  t.match((await api.call('GET', '/page.js')).header('content-type'), /^text\/javascript/)
  t.match((await api.call('GET', '/page.css')).header('content-type'), /^text\/css/)
  t.notMatch((await api.call('GET', '/page.js')).text, /\bimport\b.*from|https?:/)
  const { files } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as { files: string[] }
  for (const file of ['build', 'examples', 'docs/kernel-parity.json']) t.ok(files.includes(file), `${file} ships`)
})

t.test('a report on a mix has an address, which says what a body says', async (t) => {
  const api = await createApi()
  t.teardown(() => api.close())
  const mix = '2x3,1x10'
  const [got, posted] = [
    await api.call('GET', `/v1/reports/balance?mix=${mix}&flows=100`), await api.call('POST', '/v1/reports/balance', { body: { mix, flows: 100 } })
  ]
  t.equal(got.status, 200)
  t.equal(got.text, posted.text)
  const both = await api.call('GET', `/v1/reports/balance?mix=${mix}&nodes=cilium`)
  t.same([both.status, (both.json()['errors'] as Array<{ pointer: string }>)[0]?.pointer], [422, 'nodes'])
})
