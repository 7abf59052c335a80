// /v1/runs: what takes time is a job. It is accepted (or refused) at once, watched by polling or as events, cancelled, and
// leaves its result until its retention ends.

import { Type } from 'typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Report } from '../lib/report/index.ts'
import { answer, jsonAnswer, noContent } from './support/answers.ts'
import type { Route } from './support/context.ts'
import { limits } from './support/limits.ts'
import { negotiate } from './support/negotiation.ts'
import { page, Page, pageQuery } from './support/pagination.ts'
import { reportContent, reportFormQuery, sendReport, originOf, shellQuoted } from './support/report-forms.ts'
import { terminalStates, runStates, type RunView } from './support/runs.ts'
import { OneOf } from './support/schemas.ts'
import { Run, RunParams, RunPlan, runBodyOf } from './support/run-schemas.ts'

const tags = ['runs']
const RunResult = Type.Object({}, { title: 'RunResult', description: 'Members by the kind of run.', additionalProperties: true })
const pollSeconds = 1

export const runs: Route = async (app, { runs: service }) => {
  app.post('/v1/runs', {
    config: { turn: 'none' },
    schema: {
      operationId: 'createRun',
      tags,
      summary: 'Start a run',
      description: `What can be refused is refused now. \`Prefer: wait=N\` waits up to N seconds (${limits.runWaitSeconds} at most) for the end.`,
      querystring: Type.Object({ validateOnly: Type.Boolean({ default: false, description: 'Only say what would run.' }) }, { additionalProperties: false }),
      headers: { type: 'object', properties: { prefer: { type: 'string', maxLength: 200, description: '`wait=5`, or `respond-async`.' } } },
      body: runBodyOf(service.kinds),
      response: {
        200: jsonAnswer('The run, which has ended while the request waited; or, with validateOnly, what would run.', Type.Union([Run, RunPlan])),
        202: jsonAnswer('The run, accepted.', Run, 'Location', 'Retry-After')
      }
    }
  }, async (request, reply) => {
    if (request.query.validateOnly) return reply.send(service.plan(request.body))
    const run = service.create(request.body)
    const seconds = waitSeconds(request)
    const settled = seconds === null ? run : await service.wait(run.id, seconds * 1000)
    if (seconds !== null) reply.header('preference-applied', `wait=${seconds}`)
    reply.header('location', run.links.self)
    return answerRun(reply, settled, 202)
  })

  app.get('/v1/runs', {
    schema: {
      operationId: 'listRuns',
      tags,
      summary: 'List runs',
      querystring: Type.Object({
        ...pageQuery,
        state: Type.Optional(OneOf(runStates, 'Only runs in this state.')),
        kind: Type.Optional(Type.String({ maxLength: 40, description: 'Only runs of this kind.' }))
      }, { additionalProperties: false }),
      response: { 200: jsonAnswer('Runs in the order of their creation.', Page(Run, 'A page of runs.'), 'Link') }
    }
  }, async (request, reply) => {
    const { state, kind } = request.query
    const list = service.list().filter((run) => (state ?? run.state) === run.state && (kind ?? run.kind) === run.kind)
    return page(request, reply, list, { keyOf: ({ createdAt, id }) => `${createdAt} ${id}`, filters: { state, kind } })
  })

  app.get('/v1/runs/:id', {
    schema: {
      operationId: 'getRun',
      tags,
      summary: 'Read a run',
      params: RunParams,
      response: { 200: jsonAnswer('The run.', Run, 'Retry-After') }
    }
  }, async ({ params }, reply) => answerRun(reply, service.get(params.id), 200))

  app.post('/v1/runs/:id/cancel', {
    config: { turn: 'none' },
    schema: {
      operationId: 'cancelRun',
      tags,
      summary: 'Cancel a run',
      description: 'Again is no fault; a run that has ended otherwise gives 409.',
      params: RunParams,
      response: { 200: jsonAnswer('The run is cancelled.', Run), 202: jsonAnswer('The run is stopping.', Run, 'Retry-After') }
    }
  }, async ({ params }, reply) => answerRun(reply, service.cancel(params.id), 202))

  app.get('/v1/runs/:id/results', {
    schema: {
      operationId: 'getRunResults',
      tags,
      summary: 'Read the result of a run',
      description: 'Runs of kind `report` give it in every form of a report, others as JSON.',
      params: RunParams,
      querystring: Type.Object(reportFormQuery, { additionalProperties: false }),
      response: { 200: answer('The result, in the shape of its kind.', reportContent(RunResult)) }
    }
  }, async (request, reply) => {
    const { kind, spec } = service.get(request.params.id)
    const result = service.result(request.params.id)
    reply.header('cache-control', 'private, max-age=31536000, immutable')
    if (kind === 'report') {
      const command = `curl -s ${originOf(request)}/v1/runs -H 'content-type: application/json' -d ${shellQuoted(JSON.stringify(spec))}`
      return sendReport(request, reply, result as Report, { command, address: request.url })
    }
    reply.type(negotiate(request, ['application/json']))
    return result as object
  })

  app.delete('/v1/runs/:id', {
    config: { turn: 'none' },
    schema: {
      operationId: 'deleteRun',
      tags,
      summary: 'Forget a run that has ended',
      params: RunParams,
      response: { 204: noContent('The run and its result are gone.') }
    }
  }, async ({ params }, reply) => {
    service.remove(params.id)
    return reply.code(204).send(null)
  })
}

function answerRun (reply: FastifyReply, run: RunView, statusWhileOpen: number): FastifyReply {
  if (!terminalStates.has(run.state)) reply.code(statusWhileOpen).header('retry-after', pollSeconds)
  return reply.send(run)
}

// RFC 7240; anything else in Prefer is for others
function waitSeconds (request: FastifyRequest): number | null {
  const prefer = request.headers['prefer']
  const match = typeof prefer === 'string' ? /(?:^|[\s,;])wait=(\d{1,6})\b/i.exec(prefer) : null
  return match === null ? null : Math.min(Number(match[1]), limits.runWaitSeconds)
}
