// /v1/nodes/{name}/programs: the loaded BPF programs and what the kernel made of them.

import { Type } from 'typebox'
import { answer, jsonAnswer, text } from './support/answers.ts'
import type { Route } from './support/context.ts'
import { Listing, sendListing } from './support/listing.ts'
import { formatQuery } from './support/negotiation.ts'
import { page, Page, pageQuery } from './support/pagination.ts'
import { NodeItemParams, NodeParams, Program } from './support/schemas.ts'

const tags = ['nodes']
const ProgramParams = NodeItemParams('program')

export const programs: Route = async (app, { sim }) => {
  app.get('/v1/nodes/:name/programs', {
    schema: {
      operationId: 'listPrograms',
      tags,
      summary: 'List the BPF programs of a node',
      params: NodeParams,
      querystring: Type.Object(pageQuery, { additionalProperties: false }),
      response: { 200: jsonAnswer('Programs by id.', Page(Program, 'A page of programs.'), 'Link') }
    }
  }, async (request, reply) => page(request, reply, sim.listPrograms(request.params.name), { keyOf: ({ id }) => id }))

  app.get('/v1/nodes/:name/programs/:id', {
    schema: {
      operationId: 'getProgram',
      tags,
      summary: 'Read a BPF program',
      params: ProgramParams,
      response: { 200: jsonAnswer('The program.', Program) }
    }
  }, async ({ params }) => sim.getProgram(params.name, params.id))

  app.get('/v1/nodes/:name/programs/:id/xlated', {
    schema: {
      operationId: 'getXlated',
      tags,
      summary: 'The translated program',
      description: 'As `bpftool prog dump xlated` prints it, with the C lines.',
      params: ProgramParams,
      querystring: Type.Object(formatQuery('text', 'json'), { additionalProperties: false }),
      response: {
        200: answer('The listing.', {
          'text/plain': text('bpftool\'s listing.'),
          'application/json': Listing
        })
      }
    }
  }, async (request, reply) => sendListing(request, reply, sim.xlated(request.params.name, request.params.id)))
}
