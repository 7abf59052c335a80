// /livez, /readyz, /version: for those who operate the service. They are answered under any load and until the very end.

import { Type } from 'typebox'
import { jsonAnswer } from './support/answers.ts'
import type { Route } from './support/context.ts'

const tags = ['service']

const Health = Type.Object({
  status: Type.String({ description: '`ok`, or `unavailable`.' }),
  reasons: Type.Array(Type.String(), { description: 'Why it is not ready.' })
}, { title: 'Health', additionalProperties: false })

const Version = Type.Object({
  name: Type.String({ description: 'The program.' }),
  version: Type.String({ description: 'Its version.' }),
  commit: Type.Union([Type.String(), Type.Null()], { description: 'The commit that it was built from, where known.' }),
  node: Type.String({ description: 'Version of Node.js.' }),
  engines: Type.Array(Type.String(), { description: 'What can execute BPF programs here.' }),
  kernelParity: Type.Object({
    kernel: Type.String({ description: 'Version of the kernel.' }),
    date: Type.String({ description: 'When.' }),
    compared: Type.Integer({ description: 'Comparisons made.' }),
    differing: Type.Integer({ description: 'Comparisons that differed.' }),
    suites: Type.Array(Type.Object({ suite: Type.String(), compared: Type.Integer(), differing: Type.Integer() }, { additionalProperties: false }), { description: 'The same by subject.' })
  }, { description: 'What was compared with a running kernel when this was built.', additionalProperties: false })
}, { title: 'Version', additionalProperties: false })

// what is shed under load is not these
const config = { alwaysAnswered: true }

export const health: Route = async (app, { about, readiness, page }) => {
  app.get('/livez', {
    config,
    schema: { operationId: 'getLiveness', tags, summary: 'Whether the process works', response: { 200: jsonAnswer('It does.', Health) } }
  }, async (_request, reply) => {
    reply.header('cache-control', 'no-store')
    return { status: 'ok', reasons: [] }
  })

  app.get('/readyz', {
    config,
    schema: {
      operationId: 'getReadiness',
      tags,
      summary: 'Whether requests are welcome',
      response: { 200: jsonAnswer('They are.', Health), 503: jsonAnswer('They are not, and why.', Health) }
    }
  }, async (_request, reply) => {
    const reasons = readiness.reasons()
    reply.header('cache-control', 'no-store')
    if (reasons.length > 0) reply.code(503)
    return { status: reasons.length > 0 ? 'unavailable' : 'ok', reasons }
  })

  app.get('/version', {
    config,
    schema: { operationId: 'getVersion', tags, summary: 'What runs here', response: { 200: jsonAnswer('Versions.', Version) } }
  }, async () => ({ ...about, engines: ['interpreter'], kernelParity: page.parity }))
}
