// The reports of balance and disruption over HTTP: options in query and body, refusals with their place, as a run with progress.

import t from 'tap'
import { someBackends, someService, testSimulator } from '../support/simulator.ts'
import { createApi } from './support/api.ts'

const variants = [{ name: 'tiny', layout: 'blob', tableSizePolicy: { fixed: 251 } }]

t.test('disruption: options in the query, in the body, as a run', async (t) => {
  const sim = testSimulator()
  sim.putService(someService('s', '172.20.0.1', someBackends(4)))
  const api = await createApi({ sim })
  t.teardown(() => api.close())
  const query = (await api.call('GET', '/v1/reports/disruption?nodes=cilium&trials=3&changes=remove,at-once&atOnce=50%25')).json()
  t.match(query, { kind: 'disruption', trials: 3, addresses: 'own' })
  t.match(query['nodes'], [{ node: 'cilium', rows: [{ change: 'remove' }, { change: 'at-once', detail: '2 of 4' }] }])
  const asked = { mix: '2x3,1x9', variants, trials: 4, seed: 7, addresses: 'drawn', maxSurge: '1', maxUnavailable: '0' }
  const body = (await api.call('POST', '/v1/reports/disruption', { body: asked })).json()
  t.match(body, { addresses: 'drawn', seed: 7, subject: { mix: '2x3,1x9', frontends: 3 } })
  const run = await api.call('POST', '/v1/runs', { body: { kind: 'report', report: 'disruption', ...asked }, headers: { prefer: 'wait=30' } })
  t.match(run.json(), { state: 'succeeded', progress: { unit: 'trials' } })
  const { links } = run.json() as { links: { results: string } }
  t.same((await api.call('GET', links.results)).json(), body, 'the run gives the same report')
})

t.test('balance: of the cluster, of a mix, as a run', async (t) => {
  const sim = testSimulator()
  sim.putService(someService('s', '172.20.0.1', someBackends(4)))
  const api = await createApi({ sim })
  t.teardown(() => api.close())
  const query = (await api.call('GET', '/v1/reports/balance?nodes=cilium&trials=2&flows=100')).json()
  t.match(query, { kind: 'balance', nodes: [{ node: 'cilium', rows: [{ backends: 4, flows: { flows: 200, unserved: 0 } }] }] })
  const asked = { mix: '2x3,1x9', variants, trials: 2, flows: 100 }
  const body = (await api.call('POST', '/v1/reports/balance', { body: asked })).json()
  const run = await api.call('POST', '/v1/runs', { body: { kind: 'report', report: 'balance', ...asked }, headers: { prefer: 'wait=30' } })
  const { links } = run.json() as { links: { results: string } }
  t.same((await api.call('GET', links.results)).json(), body)
})

t.test('what is refused names its place', async (t) => {
  const api = await createApi()
  t.teardown(() => api.close())
  const refusals: Array<[string, object, string]> = [
    ['disruption', { changes: 'explode' }, '/changes'],
    ['disruption', { atOnce: '0' }, '/atOnce'],
    ['disruption', { weightFactors: 'x' }, '/weightFactors'],
    ['disruption', { maxSurge: 'x' }, '/maxSurge'],
    ['disruption', { tableSize: 1000 }, '/tableSize'],
    ['disruption', { trials: 1001 }, '/trials'],
    ['disruption', { addresses: 'sequential' }, '/addresses'],
    ['balance', { flows: 100_000, trials: 11 }, '/flows'],
    ['balance', { flows: 0 }, '/flows']
  ]
  for (const [kind, body, pointer] of refusals) {
    for (const [url, sent] of [[`/v1/reports/${kind}`, body], ['/v1/runs', { kind: 'report', report: kind, ...body }]] as const) {
      const answer = await api.call('POST', url, { body: sent })
      // what the schema refuses is 400, what only the report can know 422
      t.ok([400, 422].includes(answer.status), `${url} ${JSON.stringify(body)}: ${answer.status}`)
      t.match(answer.json(), { errors: [{ pointer }] })
    }
  }
  const query = await api.call('GET', '/v1/reports/disruption?atOnce=zero')
  t.match([query.status, query.json()], [422, { errors: [{ pointer: 'atOnce' }] }])
})
