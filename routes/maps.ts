// /v1/nodes/{name}/maps: the BPF maps of a node and their entries, in bpftool's shapes.

import { Type } from 'typebox'
import { jsonAnswer } from './support/answers.ts'
import type { Route } from './support/context.ts'
import { limits } from './support/limits.ts'
import { linkNext, page, Page, pageQuery } from './support/pagination.ts'
import { MapView, NodeItemParams, NodeParams } from './support/schemas.ts'

const tags = ['nodes']
const MapParams = NodeItemParams('map')

const Entry = Type.Unsafe<object>({
  type: 'object', title: 'MapEntry', description: 'As `bpftool map dump -j` prints it: `key` and `value` as lists of "0x.." bytes; `values`, one for each CPU, of per-CPU maps; the inner map\'s id of outer maps.'
})

export const maps: Route = async (app, { sim }) => {
  app.get('/v1/nodes/:name/maps', {
    schema: {
      operationId: 'listMaps',
      tags,
      summary: 'List the BPF maps of a node',
      params: NodeParams,
      querystring: Type.Object(pageQuery, { additionalProperties: false }),
      response: { 200: jsonAnswer('Maps by id.', Page(MapView, 'A page of maps.'), 'Link') }
    }
  }, async (request, reply) => page(request, reply, sim.listMaps(request.params.name), { keyOf: ({ id }) => id }))

  app.get('/v1/nodes/:name/maps/:id', {
    schema: {
      operationId: 'getMap',
      tags,
      summary: 'Read a BPF map',
      params: MapParams,
      response: { 200: jsonAnswer('The map.', MapView) }
    }
  }, async ({ params }) => sim.getMap(params.name, params.id))

  app.get('/v1/nodes/:name/maps/:id/entries', {
    schema: {
      operationId: 'listMapEntries',
      tags,
      summary: 'List the entries of a BPF map',
      description: 'In the order in which bpf(2) walks the keys.',
      params: MapParams,
      querystring: Type.Object(pageQuery, { additionalProperties: false }),
      response: { 200: jsonAnswer('Entries.', Page(Entry, 'A page of entries.'), 'Link') }
    }
  }, async (request, reply) => {
    const { limit, cursor } = request.query
    const entries = sim.mapEntries(request.params.name, request.params.id, {
      limit: Math.min(limit, limits.pageItems), ...(cursor === undefined ? {} : { cursor })
    })
    linkNext(request, reply, entries.next)
    return entries
  })
}
