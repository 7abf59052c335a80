// /v1/runs/{id}/events: a run as server-sent events, for EventSource and curl. A client that comes back with
// Last-Event-ID gets what it missed; where that is gone already, a `gap` event says so.

import { Type } from 'typebox'
import { answer } from './support/answers.ts'
import type { Route } from './support/context.ts'
import { limits } from './support/limits.ts'
import { Problem } from './support/problems.ts'
import { RunParams } from './support/run-schemas.ts'

export const runEvents: Route = async (app, { runs }) => {
  app.get('/v1/runs/:id/events', {
    sse: 'manual',
    exposeHeadRoute: false,
    config: { eventStream: true },
    schema: {
      operationId: 'streamRunEvents',
      tags: ['runs'],
      summary: 'Watch a run',
      description: 'Events `state` (the run), `progress`, `gap` (events that are gone) and, last, `end` (the run); a comment keeps the connection open.',
      params: RunParams,
      headers: { type: 'object', properties: { 'last-event-id': { type: 'string', maxLength: 16, pattern: '^\\d*$', description: 'Id of the last event received.' } } },
      response: { 200: answer('The events, until the run has ended.', { 'text/event-stream': Type.String({ description: 'Server-sent events.' }) }) }
    }
  }, async (request, reply) => {
    const { id } = request.params
    runs.get(id)
    const stream = app.openEventStream(request, reply)
    if (stream === null) throw new Problem('TOO_MANY_STREAMS', `${limits.eventStreams} event streams are open already; poll the run instead.`, { headers: { 'retry-after': '10' } })
    await stream.sendAll(runs.events(id, stream.lastEventId, stream.signal))
  })
}
