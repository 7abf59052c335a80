// /v1/nodes/{name}/service-list, /bpf-lb-list, /bpf-lb-maglev-list: a node as Cilium's own commands print it, for tools that read those;
// /v1/nodes/{name}/table-comparisons: tables that they printed elsewhere against those that the backends should give.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { CiliumList, TableComparisonRequest } from '../lib/sim/types.ts'
import { answer, jsonAnswer, text } from './support/answers.ts'
import type { Route } from './support/context.ts'
import { limits } from './support/limits.ts'
import { chosenFormat, formatQuery } from './support/negotiation.ts'
import { TableComparison, TableComparisonRequest as Request } from './support/dump-schemas.ts'
import { NodeParams, OneOf } from './support/schemas.ts'
import { inSteps } from './support/steps.ts'

const tags = ['nodes']

const Entries = Type.Array(Type.Object({}, { additionalProperties: true }), { title: 'ServiceList', description: 'As `cilium-dbg service list -o json`.' })
const Lists = Type.Unsafe<Record<string, string[]>>(Type.Object({}, {
  title: 'TextLists', description: 'Lists of texts by key, as Cilium\'s commands print them.', additionalProperties: { type: 'array', items: { type: 'string' } }
}))

export const dumps: Route = async (app, { sim }) => {
  app.get('/v1/nodes/:name/service-list', {
    schema: {
      operationId: 'getServiceList',
      tags,
      summary: 'The services of a node as cilium-dbg service list',
      description: 'What the node\'s agent has realised, in the shape of Cilium\'s REST interface, or as the table that its command prints. `POST /v1/imports` takes both.',
      params: NodeParams,
      querystring: Type.Object(formatQuery('json', 'text'), { additionalProperties: false }),
      response: { 200: answer('Frontends by id, with their backends.', { 'application/json': Entries, 'text/plain': text('ID, Frontend, Service Type, Backend.') }) }
    }
  }, async (request, reply) => send(request, reply, sim.serviceList(request.params.name)))

  app.get('/v1/nodes/:name/bpf-lb-list', {
    schema: {
      operationId: 'getBpfLbList',
      tags,
      summary: 'The services map of a node as cilium-dbg bpf lb list',
      params: NodeParams,
      querystring: Type.Object({
        ...formatQuery('json', 'text'),
        shape: OneOf(['slots', 'frontends'], '`slots`: a key for each slot, with protocol, as since 1.16; `frontends`: one for each frontend, as before.', { default: 'slots' })
      }, { additionalProperties: false }),
      response: { 200: answer('Slots by address, read back from the map.', { 'application/json': Lists, 'text/plain': text('SERVICE ADDRESS, BACKEND ADDRESS (REVNAT_ID) (SLOT).') }) }
    }
  }, async (request, reply) => send(request, reply, sim.bpfLbList(request.params.name, request.query.shape)))

  app.get('/v1/nodes/:name/bpf-lb-maglev-list', {
    schema: {
      operationId: 'getBpfLbMaglevList',
      tags,
      summary: 'The Maglev tables of a node as cilium-dbg bpf lb maglev list',
      description: 'Cilium prints every slot. `tables=runs` gives `id(length)` for equal slots in a row, `tables=counts` the slots of each backend, most first.',
      params: NodeParams,
      querystring: Type.Object({
        ...formatQuery('json', 'text'),
        tables: OneOf(['slots', 'runs', 'counts'], 'What is said of each table.', { default: 'slots' }),
        frontends: Type.Optional(Type.String({ minLength: 1, maxLength: 4096, pattern: '^\\d{1,5}(,\\d{1,5})*$', description: 'Ids of frontends, with commas; all where left out.' }))
      }, { additionalProperties: false }),
      response: { 200: answer('`[id]/v4` and `[id]/v6`, each with one text.', { 'application/json': Lists, 'text/plain': text('SVC ID, LOOKUP TABLE.') }) }
    }
  }, async (request, reply) => {
    const { tables, frontends } = request.query
    return send(request, reply, sim.maglevList(request.params.name, tables, frontends?.split(',').map(Number)))
  })

  app.post('/v1/nodes/:name/table-comparisons', {
    bodyLimit: limits.importBodyBytes,
    config: { turn: 'none', atOnce: limits.importsAtOnce },
    schema: {
      operationId: 'compareTables',
      tags,
      summary: 'Compare Maglev tables of a machine with what its backends should give',
      description: 'Takes `cilium-dbg bpf lb maglev list` and builds each table again, with the seed, release line and M of this node, from the backends of its frontend: those of `services` (`cilium-dbg service list` or `bpf lb list` of the same machine), else of this node. Backend ids are each machine\'s own, so tables are compared up to a renaming of ids unless `backends` says which is which. Where slots differ, it is tried what would explain every one of them: another seed, size, release line or order, a backend more or less, weights, the reader of 1.9.0 to 1.9.6.',
      params: NodeParams,
      body: Request,
      response: { 200: jsonAnswer('Table by table.', TableComparison) }
    }
  }, async ({ params, body }) => inSteps(sim.compareTablesSteps(params.name, body as TableComparisonRequest)))
}

function send (request: FastifyRequest, reply: FastifyReply, list: CiliumList<unknown>): FastifyReply {
  return chosenFormat(request) === 'text' ? reply.type('text/plain; charset=utf-8').send(list.text()) : reply.send(list.json)
}
