// One line in the log for each request that was answered. Questions about health come every few seconds and are logged at
// level debug.

import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

async function requestLogPlugin (app: FastifyInstance): Promise<void> {
  app.addHook('onResponse', async (request, reply) => {
    const { config, url: route } = request.routeOptions
    const facts = {
      method: request.method,
      url: request.url.slice(0, 300),
      route,
      status: reply.statusCode,
      durationMs: Math.round(reply.elapsedTime * 10) / 10
    }
    if (config.alwaysAnswered === true) request.log.debug(facts, 'answered')
    else request.log.info(facts, 'answered')
  })
}

export const requestLog = fp(requestLogPlugin, { name: 'request-log', fastify: '5.x' })
