// Manifests in, lb-maps out, step by step: our own scenarios, and Cilium's own three where they lie beside the clone.

import t from 'tap'
import type { Test } from 'tap'
import { parseAllDocuments } from 'yaml'
import type { LbResult, NodeSettings } from '../../lib/loadbalancer/index.ts'
import { runScenario, scenarios } from './support/scenario.ts'
import type { Scenario, ScenarioMachine } from './support/scenario.ts'
import { createWorld } from './support/world.ts'

const { own, cilium } = scenarios()

for (const scenario of own) t.test(scenario.name, t => play(t, scenario))

t.test('Cilium\'s scenarios', { skip: cilium === null ? 'no ../shared/fixtures here' : false }, async t => {
  for (const scenario of cilium ?? []) await play(t, scenario)
})

async function play (t: Test, { name, text }: Scenario): Promise<void> {
  const steps = await runScenario(text, worldMachine)
  t.ok(steps.length >= 2, `${name}: ${steps.length} steps compared`)
  for (const { line, expected, actual } of steps) t.equal(actual, expected, `${name}: ${line}`)
}

/** the room by itself, over maps that are no kernel's */
function worldMachine (settings: NodeSettings): ScenarioMachine {
  const world = createWorld(settings)
  const said = (result: LbResult<unknown>): string => result.ok ? 'done' : result.error.message
  return {
    import: (manifests, operation) =>
      said(world.import(parseAllDocuments(manifests).map(document => document.toJS() as unknown), operation)),
    setNodeAddresses: addresses => said(world.setNodeAddresses(addresses)),
    setNodeLabels: labels => said(world.setNodeLabels(labels)),
    dump: () => world.text()
  }
}
