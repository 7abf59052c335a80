// Content types at the door: what a client accepts (406) and what it sends (415) is settled before a body is read.

import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { negotiate, producedTypes } from '../../routes/support/negotiation.ts'
import { Problem } from '../../routes/support/problems.ts'

async function negotiationPlugin (app: FastifyInstance): Promise<void> {
  app.decorateRequest('answerType', '')

  app.addHook('onRequest', async (request, reply) => {
    const { schema, config } = request.routeOptions
    if (schema === undefined || config.anyFormat === true) return
    const types = producedTypes(schema)
    request.answerType = negotiate(request, types)
    // one address with several forms: caches have to keep them apart
    if (types.length > 1) reply.header('vary', 'Accept')
  })

  app.addHook('onRequest', async (request) => {
    const { schema } = request.routeOptions
    if (schema?.body === undefined) return
    const accepted = schema.consumes ?? ['application/json']
    const sent = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
    if (sent !== undefined && accepted.includes(sent)) return
    throw new Problem('UNSUPPORTED_MEDIA_TYPE', `Send the body as ${accepted.join(' or ')}${sent === undefined ? ' and say so in Content-Type' : `, not as ${sent.slice(0, 100)}`}.`,
      { facts: { accepted } })
  })
}

export const negotiation = fp(negotiationPlugin, { name: 'negotiation', fastify: '5.x' })

declare module 'fastify' {
  interface FastifyContextConfig {
    /** the route answers in one form, whatever is accepted (pages, event streams, metrics) */
    anyFormat?: boolean
  }
}
