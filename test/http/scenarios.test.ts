// The scenarios again, as a user plays them: manifests and node addresses over REST, the maps of an emulated node read back.

import t from 'tap'
import type { Test } from 'tap'
import type { NodeSettings } from '../../lib/loadbalancer/index.ts'
import { runScenario, scenarios } from '../loadbalancer/support/scenario.ts'
import type { Scenario, ScenarioMachine } from '../loadbalancer/support/scenario.ts'
import { testSimulator } from '../support/simulator.ts'
import { createApi } from './support/api.ts'

const { own, cilium } = scenarios()
const api = await createApi({ sim: testSimulator({ nodes: [], programs: 'when-needed' }) })
t.teardown(() => api.close())

for (const scenario of own) t.test(scenario.name, t => play(t, scenario))

t.test('Cilium\'s scenarios', { skip: cilium === null ? 'no ../shared/fixtures here' : false }, async t => {
  for (const scenario of cilium ?? []) await play(t, scenario)
})

async function play (t: Test, { name, text }: Scenario): Promise<void> {
  const steps = await runScenario(text, (settings) => restMachine(settings, name.replaceAll('.', '-')))
  t.ok(steps.length >= 2, `${name}: ${steps.length} steps compared`)
  for (const { line, expected, actual } of steps) t.equal(actual, expected, `${name}: ${line}`)
}

/** @param node another name every time, so that the node is a new one */
async function restMachine (settings: NodeSettings, node: string): Promise<ScenarioMachine> {
  const said = (answer: { readonly statusCode: number, readonly body: string }): string => answer.statusCode < 300 ? 'done' : answer.body
  await api.app.inject({
    method: 'PUT', url: '/v1/state', headers: { 'if-match': '*' }, payload: { nodeAddresses: [], services: [], nodes: [{ ...settings, name: node }] }
  })
  return {
    import: async (manifests, operation) => said(await api.app.inject({
      method: 'POST', url: `/v1/imports?operation=${operation}`, headers: { 'content-type': 'application/yaml' }, payload: manifests
    })),
    setNodeAddresses: async (addresses) => said(await api.app.inject({
      method: 'PUT', url: '/v1/node-addresses', headers: { 'if-match': '*' }, payload: { addresses }
    })),
    setNodeLabels: async (labels) => {
      const { labels: before } = (await api.app.inject({ method: 'GET', url: `/v1/nodes/${node}` })).json<{ labels: Record<string, string> }>()
      const gone = Object.fromEntries(Object.keys(before).map((name) => [name, null]))
      return said(await api.app.inject({
        method: 'PATCH', url: `/v1/nodes/${node}`, headers: { 'if-match': '*', 'content-type': 'application/merge-patch+json' }, payload: { labels: { ...gone, ...labels } }
      }))
    },
    dump: async () => (await api.app.inject({ method: 'GET', url: `/v1/nodes/${node}/lb-maps` })).body
  }
}
