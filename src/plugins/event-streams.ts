// Server-sent events: our own terms around @fastify/sse, which is young. A stream ends when its events do, when the client
// goes, or when the server stops; a client that reads slowly slows its own stream only; their number is bounded.

import { fastifySSE } from '@fastify/sse'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { limits } from '../../routes/support/limits.ts'

export interface StreamEvent {
  readonly id: number
  readonly event: string
  readonly data: unknown
}

export interface EventStream {
  readonly lastEventId: number | null
  /** aborted when nobody listens any more */
  readonly signal: AbortSignal
  sendAll (events: AsyncIterable<StreamEvent>): Promise<void>
}

async function eventStreamsPlugin (app: FastifyInstance, { heartbeatMs = 15_000 }: { heartbeatMs?: number }): Promise<void> {
  await app.register(fastifySSE, { heartbeatInterval: heartbeatMs })
  const open = new Set<AbortController>()

  app.decorate('openEventStream', (request, reply) => {
    if (open.size >= limits.eventStreams) return null
    const { sse } = reply
    const gone = new AbortController()
    const close = (): void => {
      open.delete(gone)
      gone.abort()
    }
    open.add(gone)
    sse.onClose(close)
    reply.header('cache-control', 'no-store')
    const last = request.headers['last-event-id']
    return {
      lastEventId: typeof last === 'string' && last !== '' ? Number(last) : null,
      signal: gone.signal,
      async sendAll (events) {
        const ended = aborted(gone.signal)
        try {
          sse.sendHeaders()
          for await (const { id, event, data } of events) {
            if (!sse.isConnected || gone.signal.aborted) break
            // a client that goes while its buffer is full never drains it
            await Promise.race([sse.send({ id: String(id), event, data }), ended])
          }
        } finally {
          close()
          sse.close()
        }
      }
    }
  })

  app.decorate('closeEventStreams', () => {
    for (const gone of open) gone.abort()
  })
}

export const eventStreams = fp(eventStreamsPlugin, { name: 'event-streams', fastify: '5.x' })

function aborted (signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

declare module 'fastify' {
  interface FastifyInstance {
    /** null: too many are open */
    openEventStream (request: FastifyRequest, reply: FastifyReply): EventStream | null
    /** for a server that stops: an open stream would keep it */
    closeEventStreams (): void
  }
}
