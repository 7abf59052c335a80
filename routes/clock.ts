// /v1/clock: what time it is on the emulated machines. It stands still unless somebody moves it on, so that an answer can be had again.

import { jsonAnswer } from './support/answers.ts'
import type { Route } from './support/context.ts'
import { Clock } from './support/schemas.ts'

const tags = ['nodes']

export const clock: Route = async (app, { sim }) => {
  app.get('/v1/clock', {
    schema: {
      operationId: 'getClock',
      tags,
      summary: 'Read the machines\' clock',
      response: { 200: jsonAnswer('How long the machines are up.', Clock) }
    }
  }, async () => ({ uptimeMs: sim.uptimeMs() }))

  app.put('/v1/clock', {
    schema: {
      operationId: 'putClock',
      tags,
      summary: 'Move the machines\' clock on',
      description: 'Connections (`conntrack`) and session affinities end by it. A time before the one it is gets 422 `INVALID_ARGUMENT`.',
      body: Clock,
      response: { 200: jsonAnswer('How long the machines are up now.', Clock) }
    }
  }, async (request) => {
    sim.setUptime(request.body.uptimeMs)
    return { uptimeMs: sim.uptimeMs() }
  })
}
