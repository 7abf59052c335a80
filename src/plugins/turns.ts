// Changes one after the other. Most are done in one go, but a large import pauses to let others be answered; what would change
// the state meanwhile waits for its end.

import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

const changing: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

async function turnsPlugin (app: FastifyInstance): Promise<void> {
  let last = Promise.resolve()

  async function takeTurn (): Promise<() => void> {
    const before = last
    let pass = (): void => {}
    last = new Promise((resolve) => { pass = resolve })
    await before
    return pass
  }

  app.decorate('inTurn', async (work) => {
    const pass = await takeTurn()
    try {
      return await work()
    } finally {
      pass()
    }
  })
  app.decorateRequest('passTurn', null)

  app.addHook('preHandler', async (request) => {
    if (changing.has(request.method) && request.routeOptions.config.turn === undefined) request.passTurn = await takeTurn()
  })

  // not onResponse: that is over already when a client goes while its request waits
  app.addHook('onSend', async (request) => {
    request.passTurn?.()
    request.passTurn = null
  })
}

export const turns = fp(turnsPlugin, { name: 'turns', fastify: '5.x' })

declare module 'fastify' {
  interface FastifyInstance {
    /** runs work that changes the state when no other does */
    inTurn <T> (work: () => Promise<T>): Promise<T>
  }
  interface FastifyRequest {
    passTurn: (() => void) | null
  }
  interface FastifyContextConfig {
    /** `none`: the route changes nothing; `own`: its handler takes its turn itself. Others that are no GET have theirs. */
    turn?: 'none' | 'own'
  }
}
