// /v1/state: the whole desired state at once, to save, compare and restore.

import type { ClusterStateInput } from '../lib/sim/types.ts'
import { optionalIfMatchHeader, jsonAnswer } from './support/answers.ts'
import type { Route } from './support/context.ts'
import { honourIfMatch, jsonTag } from './support/etag.ts'
import { limits } from './support/limits.ts'
import { ClusterState, ClusterStateBody } from './support/schemas.ts'

const tags = ['imports']

export const state: Route = async (app, { sim }) => {
  app.get('/v1/state', {
    schema: {
      operationId: 'getState',
      tags,
      summary: 'Read the whole state',
      response: { 200: jsonAnswer('Services, node addresses, and the settings of the nodes.', ClusterState) }
    }
  }, async () => sim.getState())

  app.put('/v1/state', {
    bodyLimit: limits.stateBodyBytes,
    schema: {
      operationId: 'putState',
      tags,
      summary: 'Replace all services, node addresses and nodes',
      description: 'What GET answered restores that state. Imported services stay imported: they change by importing their objects again.',
      headers: optionalIfMatchHeader,
      body: ClusterStateBody,
      response: { 200: jsonAnswer('The state as replaced.', ClusterState, 'ETag') }
    }
  }, async (request, reply) => {
    if (request.headers['if-match'] !== undefined) honourIfMatch(request, sim.getState())
    const replaced = sim.putState(request.body as unknown as ClusterStateInput)
    reply.header('etag', jsonTag(replaced))
    return replaced
  })
}
