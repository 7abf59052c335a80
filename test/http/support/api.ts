// An app around a simulator, and calls into it whose answers are held against the API document.

import { randomUUID } from 'node:crypto'
import type { FastifyInstance, InjectOptions } from 'fastify'
import type { Simulator } from '../../../lib/sim/types.ts'
import { buildApp } from '../../../src/app.ts'
import { allExecutors } from '../../../src/runs/executors.ts'
import { createRunManager, type RunLimits, type RunManager } from '../../../src/runs/manager.ts'
import type { RunExecutor } from '../../../src/runs/types.ts'
import { testSimulator } from '../../support/simulator.ts'
import { Conformance, type Answer, type ApiDocument, type Json } from './conformance.ts'

export interface ApiAnswer extends Answer {
  /** of a JSON body */
  json (): Json
  header (name: string): string
}

export interface Call {
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

export interface Api {
  readonly app: FastifyInstance
  readonly sim: Simulator
  readonly document: ApiDocument
  readonly conformance: Conformance
  /** objects are sent as JSON; text and bytes as they are, with a content-type of the caller's */
  call (method: string, url: string, call?: Call): Promise<ApiAnswer>
  close (): Promise<void>
}

export interface ApiOptions {
  readonly sim?: Simulator
  readonly executors?: readonly RunExecutor[]
  readonly limits?: Partial<RunLimits>
  readonly heartbeatMs?: number
}

const runLimits: RunLimits = { running: 1, queued: 2, kept: 10, retentionMs: 60_000, runMs: 60_000, eventsKept: 100 }

export async function createApi (options: ApiOptions = {}): Promise<Api> {
  const sim = options.sim ?? testSimulator()
  const executors = options.executors ?? allExecutors(sim, { result: (id) => runs.result(id), caches: null })
  const runs: RunManager = createRunManager({
    executors,
    limits: { ...runLimits, ...options.limits },
    revision: () => sim.revision(),
    newId: randomUUID,
    clock: Date.now,
    log: { info () {}, error () {} }
  })
  const app = await buildApp({
    sim, runs, about: { name: 'maglev-sim', version: '0.0.0', commit: null, node: 'test' }, ...(options.heartbeatMs === undefined ? {} : { heartbeatMs: options.heartbeatMs })
  })
  await app.ready()
  const document = JSON.parse(JSON.stringify(app.swagger())) as ApiDocument
  const conformance = new Conformance(document)
  return {
    app,
    sim,
    document,
    conformance,
    async call (method, url, { body, headers = {} } = {}) {
      const raw = typeof body === 'string' || Buffer.isBuffer(body)
      const request: InjectOptions = {
        method: method as 'GET',
        url,
        headers: { ...(body === undefined || raw ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { payload: raw ? body : JSON.stringify(body) })
      }
      const response = await app.inject(request)
      const answer = { status: response.statusCode, headers: response.headers, text: response.body }
      const faults = conformance.faults(method, url, answer)
      if (faults.length > 0) throw new Error(`${faults.join('; ')}\n${answer.text.slice(0, 1000)}`)
      return { ...answer, json: () => JSON.parse(answer.text) as Json, header: (name) => String(response.headers[name] ?? '') }
    },
    close: () => app.close()
  }
}
