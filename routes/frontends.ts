// /v1/nodes/{name}/frontends: the frontends as a node realises them, and their Maglev tables.

import { Type } from 'typebox'
import type { TableView } from '../lib/sim/types.ts'
import { answer, jsonAnswer, text } from './support/answers.ts'
import type { Route } from './support/context.ts'
import { chosenFormat, formatQuery } from './support/negotiation.ts'
import { page, Page, pageQuery } from './support/pagination.ts'
import { Frontend, NodeItemParams, NodeParams, ObjectName, Table } from './support/schemas.ts'

const tags = ['nodes']
const FrontendParams = NodeItemParams('frontend')

export const frontends: Route = async (app, { sim }) => {
  app.get('/v1/nodes/:name/frontends', {
    schema: {
      operationId: 'listFrontends',
      tags,
      summary: 'List the frontends of a node',
      params: NodeParams,
      querystring: Type.Object({
        ...pageQuery,
        namespace: Type.Optional(ObjectName('Only frontends of services in this namespace')),
        service: Type.Optional(ObjectName('Only frontends of services of this name'))
      }, { additionalProperties: false }),
      response: { 200: jsonAnswer('Frontends by id.', Page(Frontend, 'A page of frontends.'), 'Link') }
    }
  }, async (request, reply) => {
    const { namespace, service } = request.query
    const list = sim.listFrontends(request.params.name)
      .filter(({ service: owner }) => (namespace ?? owner.namespace) === owner.namespace && (service ?? owner.name) === owner.name)
    return page(request, reply, list, { keyOf: ({ id }) => id, filters: { namespace, service } })
  })

  app.get('/v1/nodes/:name/frontends/:id', {
    schema: {
      operationId: 'getFrontend',
      tags,
      summary: 'Read a frontend of a node',
      params: FrontendParams,
      response: { 200: jsonAnswer('The frontend.', Frontend) }
    }
  }, async ({ params }) => sim.getFrontend(params.name, params.id))

  app.get('/v1/nodes/:name/frontends/:id/table', {
    schema: {
      operationId: 'getTable',
      tags,
      summary: 'Read the Maglev table of a frontend',
      description: 'As JSON; as text in run-length form, `backend(slots in a row)` in the order of the slots; or as CSV, one slot a line.',
      params: FrontendParams,
      querystring: Type.Object(formatQuery('json', 'text', 'csv'), { additionalProperties: false }),
      response: {
        200: answer('The table, read back from the node\'s inner map.', {
          'application/json': Table,
          'text/plain': text('`1(2),3(1),...`'),
          'text/csv': text('slot,backendId')
        })
      }
    }
  }, async (request, reply) => {
    const table = sim.getTable(request.params.name, request.params.id)
    const format = chosenFormat(request)
    if (format === 'text') return reply.type('text/plain; charset=utf-8').send(runLength(table))
    if (format === 'csv') return reply.type('text/csv; charset=utf-8').send(slotsAsCsv(table))
    return reply.send(table)
  })
}

function runLength ({ slots }: TableView): string {
  const runs: string[] = []
  let start = 0
  for (let slot = 1; slot <= slots.length; slot++) {
    if (slots[slot] === slots[start]) continue
    runs.push(`${slots[start]}(${slot - start})`)
    start = slot
  }
  return `${runs.join(',')}\n`
}

const slotsAsCsv = ({ slots }: TableView): string => `slot,backendId\r\n${slots.map((backend, slot) => `${slot},${backend}\r\n`).join('')}`
