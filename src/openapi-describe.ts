// The API document as the text of openapi.yaml: that of an app that nothing runs in.

import type { Simulator } from '../lib/sim/types.ts'
import { documentAsYaml } from '../routes/openapi.ts'
import { buildApp } from './app.ts'
import { packageVersion } from './cli/paths.ts'
import { allExecutors } from './runs/executors.ts'
import { createRunManager } from './runs/manager.ts'

export async function describeApi (): Promise<string> {
  // the routes are described without being called, so nothing is ever asked of it
  const sim = {} as Simulator
  const runs = createRunManager({
    executors: allExecutors(sim, { result: () => null, caches: null }),
    limits: { running: 1, queued: 1, kept: 1, retentionMs: 60_000, runMs: 60_000, eventsKept: 1 },
    revision: () => 0,
    newId: () => '',
    clock: Date.now,
    log: { info () {}, error () {} }
  })
  const app = await buildApp({ sim, runs, about: { name: 'maglev-sim', version: packageVersion(), commit: null, node: process.version } })
  await app.ready()
  const text = documentAsYaml(app.swagger())
  await app.close()
  return text
}
