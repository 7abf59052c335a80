// Runs of kind benchmark over HTTP, from the request to the report that quotes them; with the running kernel where bpf(2) is there.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { datapathLayouts } from '../../lib/datapath/index.ts'
import type { BenchmarkResult, LookupCostReport } from '../../lib/report/index.ts'
import { machineCaches } from '../../src/machine-caches.ts'
import { createApi } from './support/api.ts'
import type { Api } from './support/api.ts'
import type { Json } from './support/conformance.ts'

/** its events end with it */
async function ended (api: Api, id: string): Promise<Json> {
  await api.app.inject({ method: 'GET', url: `/v1/runs/${id}/events`, headers: { accept: 'text/event-stream' } })
  return (await api.call('GET', `/v1/runs/${id}`)).json()
}

// a benchmark takes its time where others have the machine too
t.setTimeout(180_000)

const benchmarked = [{ name: 'b' }, { name: 'f', layout: 'flat' }]

t.test('a benchmark, and the report that quotes it', async (t) => {
  const api = await createApi()
  t.teardown(() => api.close())
  const started = await api.call('POST', '/v1/runs', { body: { kind: 'benchmark', mix: '2x3', rounds: 1, variants: benchmarked } })
  t.equal(started.status, 202)
  const { id } = started.json() as { id: string }
  const quote = (benchmark: string): ReturnType<typeof api.call> =>
    api.call('POST', '/v1/reports/lookup-cost', { body: { mix: '2x3', variants: [{ name: 'b' }], cacheLookups: 0, benchmark } })
  t.same((await quote(id)).json()['errors'], [{ pointer: '/benchmark', detail: (await quote(id)).json()['detail'] }], 'not before it has ended')
  const run = await ended(api, id)
  t.equal(run['state'], 'succeeded')
  const result = (await api.call('GET', `/v1/runs/${id}/results`)).json() as unknown as BenchmarkResult
  t.comment(result.withoutKernel ?? `with Linux ${result.machine.kernel}`)
  t.same(result.nodes.map(({ layout }) => layout), ['blob', 'flat'])
  t.same(result.lookups?.rows.map(({ layout, tableSizes }) => `${layout} ${tableSizes}`), result.withoutKernel === null
    ? [...datapathLayouts.map((layout) => `${layout} shared`), 'dynamic perService', 'packed perService']
    : undefined)
  const measured = result.withoutKernel === null
  for (const { node, rows } of result.nodes) {
    t.ok(rows.every(({ interpreterNs }) => interpreterNs > 0), node)
    t.same(rows.map(({ sameAsKernel }) => sameAsKernel), [measured ? true : null], `${node}: verdict and bytes`)
  }
  t.same([result.lookups?.samePicks, result.steps?.sameAsEmulator], measured ? [true, true] : [undefined, undefined])
  const [first, second] = [await quote(id), await quote(id)]
  t.equal(first.text, second.text, 'the same run, the same bytes')
  const report = first.json() as unknown as LookupCostReport
  const blob = result.nodes.find(({ layout }) => layout === 'blob')?.rows[0]
  t.same(report.nodes[0]?.rows[0]?.ns, { interpreter: blob?.interpreterNs, kernel: blob?.kernelNs })
  t.equal(report.benchmark?.run, id)
})

t.test('what cannot be measured or quoted is refused with its place', async (t) => {
  const api = await createApi()
  t.teardown(() => api.close())
  const places = async (url: string, body: object): Promise<unknown> => {
    const answer = await api.call('POST', url, { body })
    t.equal(answer.status, 422, JSON.stringify(body))
    return (answer.json()['errors'] as Array<{ pointer: string }>)[0]?.pointer
  }
  t.equal(await places('/v1/runs', { kind: 'benchmark', mix: 'many' }), '/mix')
  t.equal(await places('/v1/runs', { kind: 'benchmark', mix: '1x0' }), '/mix')
  t.equal(await places('/v1/runs', { kind: 'benchmark', mix: '1x5000' }), '/mix')
  t.equal(await places('/v1/runs', { kind: 'benchmark', variants: [{ name: 'a' }, { name: 'b', tableSizePolicy: { fixed: 7 } }] }), '/variants/1/tableSizePolicy/fixed')
  t.equal(await places('/v1/runs', { kind: 'benchmark', nodes: ['cilium'], variants: [{ name: 'a' }] }), '/variants')
  const traffic = await api.call('POST', '/v1/runs', { body: { kind: 'report', report: 'memory', mix: '1x3' }, headers: { prefer: 'wait=30' } })
  const id = String(traffic.json()['id'])
  t.equal(await places('/v1/reports/lookup-cost', { benchmark: 'nobody' }), '/benchmark')
  t.equal(await places('/v1/reports/lookup-cost', { benchmark: id }), '/benchmark')
  t.equal(await places('/v1/runs', { kind: 'report', report: 'lookup-cost', benchmark: id }), '/benchmark')
  t.equal(await places('/v1/reports/lookup-cost', { cache: 'machine' }), '/cache')
})

t.test('a benchmark is cancelled', async (t) => {
  const api = await createApi()
  t.teardown(() => api.close())
  const { id } = (await api.call('POST', '/v1/runs', { body: { kind: 'benchmark', mix: '2x3' } })).json() as { id: string }
  await api.call('POST', `/v1/runs/${id}/cancel`)
  t.equal((await ended(api, id))['state'], 'cancelled')
})

t.test('caches as Linux tells them', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'caches-'))
  t.teardown(() => { rmSync(folder, { recursive: true }) })
  const put = (index: number, level: number, type: string, size: string, ways: number): void => {
    mkdirSync(join(folder, `index${index}`))
    const facts = { level, type, size, ways_of_associativity: ways, coherency_line_size: 64 }
    for (const [name, value] of Object.entries(facts)) writeFileSync(join(folder, `index${index}`, name), `${value}\n`)
  }
  put(0, 1, 'Data', '32K', 8)
  put(1, 1, 'Instruction', '32K', 8)
  put(2, 2, 'Unified', '1024K', 16)
  put(3, 3, 'Unified', '36M', 12)
  t.same(machineCaches(folder), [
    { name: 'L1d', sizeBytes: 32768, ways: 8, lineBytes: 64 },
    { name: 'L2', sizeBytes: 1_048_576, ways: 16, lineBytes: 64 },
    { name: 'L3', sizeBytes: 37_748_736, ways: 12, lineBytes: 64 }
  ])
  t.equal(machineCaches(join(folder, 'none')), null)
})
