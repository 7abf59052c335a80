// /v1/lookups: flows and packets through the nodes' programs.

import { Type } from 'typebox'
import { SimError } from '../lib/sim/errors.ts'
import type { LookupRequest as Lookup } from '../lib/sim/types.ts'
import { jsonAnswer } from './support/answers.ts'
import type { Route } from './support/context.ts'
import { parseFlow } from './support/endpoint.ts'
import { limits } from './support/limits.ts'
import { Problem } from './support/problems.ts'
import { LookupReport, LookupRequest, PacketOrigin } from './support/schemas.ts'

const tags = ['lookups']

export const lookups: Route = async (app, { sim, packets }) => {
  app.post('/v1/lookups', {
    bodyLimit: limits.lookupBodyBytes,
    config: { turn: 'none' },
    schema: {
      operationId: 'lookUp',
      tags,
      summary: 'Put flows or packets through nodes',
      body: LookupRequest,
      response: { 200: jsonAnswer('What each node does with each of them.', LookupReport) }
    }
  }, async ({ body }) => run(body as Lookup))

  app.get('/v1/lookups', {
    schema: {
      operationId: 'lookUpFlow',
      tags,
      summary: 'Put one flow through nodes',
      querystring: Type.Object({
        flow: Type.String({
          minLength: 20, maxLength: 120, description: '`source:port,destination:port/protocol`; IPv6 addresses in brackets.', examples: ['203.0.113.7:51022,172.20.0.10:443/tcp']
        }),
        nodes: Type.Optional(Type.String({ minLength: 1, maxLength: 1024, pattern: '^[a-z0-9-]+(,[a-z0-9-]+)*$', description: 'Names of nodes, with commas; all where left out.' })),
        from: PacketOrigin,
        trace: Type.Boolean({ default: false, description: 'List every instruction executed.' }),
        explain: Type.Boolean({ default: false, description: 'Say how the flow came to its backend: frontend, hash, slot.' })
      }, { additionalProperties: false }),
      response: { 200: jsonAnswer('What each node does with it.', LookupReport) }
    }
  }, async ({ query }) => {
    const flow = parseFlow(query.flow)
    if (flow === null) {
      const detail = 'is not source:port,destination:port/protocol, such as 203.0.113.7:51022,172.20.0.10:443/tcp or [2001:db8::1]:51022,[2001:db8::a]:443/tcp'
      throw new Problem('VALIDATION_FAILED', `Parameter flow ${detail}.`, { places: [{ pointer: 'flow', detail }] })
    }
    return run({ flows: [flow], from: query.from, trace: query.trace, explain: query.explain, ...(query.nodes === undefined ? {} : { nodes: query.nodes.split(',') }) })
  })

  function run (request: Lookup): ReturnType<typeof sim.lookup> {
    const count = (request.flows ?? request.packets ?? []).length
    if ((request.flows === undefined) === (request.packets === undefined)) {
      throw new SimError('INVALID_ARGUMENT', 'Send either flows or packets, and one of the two.', { places: [{ pointer: '', detail: 'needs either flows or packets' }] })
    }
    if ((request.trace === true || request.explain === true) && count > limits.tracedPackets) {
      throw new SimError('LIMIT_EXCEEDED', `At most ${limits.tracedPackets} packets can be traced or explained at a time; ${count} were sent.`, { facts: { limit: limits.tracedPackets } })
    }
    const report = sim.lookup(request)
    for (const { nodes } of report.results) for (const { node, verdict } of nodes) packets.inc({ node, verdict })
    return report
  }
}
