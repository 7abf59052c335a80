// Bodies: JSON is parsed here and not by Fastify's own parser, so that a fault is told with line and column and depth is
// bounded; the documents of an import are kept as bytes, because who reads them (and in which thread) depends on their size.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Problem } from '../../routes/support/problems.ts'
import { parseJson } from '../documents/parse.ts'

const documentTypes = [
  'application/yaml', 'application/x-yaml', 'text/yaml', 'text/x-yaml', 'text/plain', 'text/markdown',
  'application/zip', 'application/gzip', 'application/x-gzip', 'application/x-tar', 'application/octet-stream'
]

async function bodiesPlugin (app: FastifyInstance): Promise<void> {
  app.removeAllContentTypeParsers()

  app.addContentTypeParser(['application/json', 'application/merge-patch+json'], { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    if (request.routeOptions.config.rawBody === true) return body
    // an empty body of a request that needs none (POST .../cancel with a client's standing Content-Type)
    if (body.length === 0 && request.routeOptions.schema?.body === undefined) return undefined
    const parsed = parseJson(body)
    if (parsed.ok) return parsed.value
    const { code, detail, pointer } = parsed.fault
    throw new Problem(code, detail, { places: [{ pointer, detail }] })
  })

  app.addContentTypeParser(documentTypes, { parseAs: 'buffer' }, async (_request: FastifyRequest, body: Buffer) => body)
}

export const bodies = fp(bodiesPlugin, { name: 'bodies', fastify: '5.x' })

declare module 'fastify' {
  interface FastifyContextConfig {
    /** the handler gets the bytes */
    rawBody?: boolean
  }
}
