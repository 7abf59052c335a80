// /v1/node-addresses: where NodePort frontends answer, for nodes that have no addresses of their own.

import { optionalIfMatchHeader, jsonAnswer } from './support/answers.ts'
import type { Route } from './support/context.ts'
import { honourIfMatch, jsonTag } from './support/etag.ts'
import { NodeAddresses } from './support/schemas.ts'

const tags = ['imports']

export const nodeAddresses: Route = async (app, { sim }) => {
  app.get('/v1/node-addresses', {
    schema: {
      operationId: 'getNodeAddresses',
      tags,
      summary: 'Read the cluster\'s node addresses',
      response: { 200: jsonAnswer('The addresses.', NodeAddresses) }
    }
  }, async () => ({ addresses: sim.getNodeAddresses() }))

  app.put('/v1/node-addresses', {
    schema: {
      operationId: 'putNodeAddresses',
      tags,
      summary: 'Replace the cluster\'s node addresses',
      headers: optionalIfMatchHeader,
      body: NodeAddresses,
      response: { 200: jsonAnswer('The addresses as replaced.', NodeAddresses, 'ETag') }
    }
  }, async (request, reply) => {
    honourIfMatch(request, { addresses: sim.getNodeAddresses() })
    const replaced = { addresses: sim.putNodeAddresses(request.body.addresses) }
    reply.header('etag', jsonTag(replaced))
    return replaced
  })
}
