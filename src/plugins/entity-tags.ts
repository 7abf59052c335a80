// ETag on every successful GET of a resource, and 304 for a client that has that very version already.

import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { entityTag, tagListed } from '../../routes/support/etag.ts'

// what a 304 keeps (RFC 9110, 15.4.5); the rest describes a body that is not sent
const dropped = ['content-type', 'content-length', 'link']

async function entityTagsPlugin (app: FastifyInstance): Promise<void> {
  app.addHook('onSend', async (request, reply, payload) => {
    reply.header('x-content-type-options', 'nosniff')
    const { method } = request
    if ((method !== 'GET' && method !== 'HEAD') || reply.statusCode !== 200 || typeof payload !== 'string') return payload
    if (!reply.hasHeader('etag')) reply.header('etag', entityTag(payload))
    // what a GET says is true now; a cache has to ask again
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-cache')
    const known = request.headers['if-none-match']
    if (known === undefined || !tagListed(known, String(reply.getHeader('etag')), 'weak')) return payload
    for (const name of dropped) reply.removeHeader(name)
    reply.code(304)
    return null
  })
}

export const entityTags = fp(entityTagsPlugin, { name: 'entity-tags', fastify: '5.x' })
