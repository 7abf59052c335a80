// Load shedding: so many requests at a time, fewer where each may be large, and none but questions about health while the
// process stops. Counting is exact and cheap; the delay of the event loop is no measure here, because one honest large
// import is no reason to turn the next client away.

import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { limits } from '../../routes/support/limits.ts'
import { Problem } from '../../routes/support/problems.ts'

const tryAgain = { 'retry-after': '5' }

async function sheddingPlugin (app: FastifyInstance): Promise<void> {
  let stopping = false
  let inFlight = 0
  const byRoute = new Map<string, number>()

  app.decorate('drain', () => { stopping = true })
  app.decorate('isDraining', () => stopping)
  app.decorateRequest('isCounted', false)

  app.addHook('onRequest', async (request) => {
    const { url = '', config } = request.routeOptions
    if (config.alwaysAnswered === true) return
    if (stopping) throw new Problem('SHUTTING_DOWN', 'The server is stopping.', { headers: { connection: 'close', ...tryAgain } })
    const here = byRoute.get(url) ?? 0
    if (inFlight >= limits.requestsAtOnce || here >= (config.atOnce ?? Infinity)) {
      throw new Problem('OVERLOADED', 'Too many requests of this kind are being answered. Try again in a moment.', { headers: tryAgain })
    }
    inFlight++
    byRoute.set(url, here + 1)
    request.isCounted = true
  })

  app.addHook('onResponse', async (request) => {
    if (!request.isCounted) return
    const { url = '' } = request.routeOptions
    inFlight--
    byRoute.set(url, (byRoute.get(url) ?? 1) - 1)
  })
}

export const shedding = fp(sheddingPlugin, { name: 'shedding', fastify: '5.x' })

declare module 'fastify' {
  interface FastifyInstance {
    /** from now on not ready; new work is refused, old work ends */
    drain (): void
    isDraining (): boolean
  }
  interface FastifyRequest {
    isCounted: boolean
  }
  interface FastifyContextConfig {
    /** also under any load and while stopping */
    alwaysAnswered?: boolean
    /** how many requests of this route may be in flight; `requestsAtOnce` of the limits where nothing is said */
    atOnce?: number
  }
}
