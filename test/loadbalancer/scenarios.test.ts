// Manifests in, lb-maps out, step by step: our own scenarios, and Cilium's own three where they lie beside the clone.

import { existsSync, readFileSync, readdirSync } from 'node:fs'
import t from 'tap'
import { runScenario } from './support/scenario.ts'

const own = new URL('scenarios/', import.meta.url)
const beside = new URL('../../../shared/fixtures/cilium-scenarios/', import.meta.url)

for (const name of readdirSync(own).sort()) check(name, new URL(name, own))

t.test('Cilium\'s scenarios', { skip: existsSync(beside) ? false : 'no ../shared/fixtures here' }, async t => {
  for (const name of readdirSync(beside).sort()) {
    const steps = runScenario(readFileSync(new URL(name, beside), 'utf8'))
    t.ok(steps.length >= 3, `${name}: ${steps.length} steps compared`)
    for (const { line, expected, actual } of steps) t.equal(actual, expected, `${name}: ${line}`)
  }
})

function check (name: string, url: URL): void {
  t.test(name, async t => {
    const steps = runScenario(readFileSync(url, 'utf8'))
    t.ok(steps.length >= 3, `${steps.length} steps compared`)
    for (const { line, expected, actual } of steps) t.equal(actual, expected, line)
  })
}
