// /v1/nodes/{name}/warnings and /map-pressure: what Cilium accepts without a word although it rarely does what was meant, or soon will not.

import { Type } from 'typebox'
import { nodeWarningCodes } from '../lib/loadbalancer/index.ts'
import { jsonAnswer } from './support/answers.ts'
import type { Route } from './support/context.ts'
import { page, Page, pageQuery } from './support/pagination.ts'
import { NamedFrontend, NodeParams, Nullable, OneOf, closed } from './support/schemas.ts'

const tags = ['nodes']
const Warning = Type.Object({
  id: Type.Integer({ description: 'Its place in the list.' }),
  code: OneOf(nodeWarningCodes, 'The kind, for programs.'),
  severity: OneOf(['warning', 'note'], '`note`: as Cilium has it, said because it surprises.'),
  message: Type.String({ description: 'What, and what to do about it.' }),
  frontend: Nullable(NamedFrontend, 'Whose it is; null: of the node as a whole.'),
  map: Nullable(Type.String(), 'Cilium\'s name of the map, where it is about one.')
}, { title: 'Warning', description: 'What Cilium says nothing about.', ...closed })

const Pressures = Type.Object({
  items: Type.Array(Type.Object({
    map: Type.String({ description: 'Cilium\'s name of the map.' }),
    entries: Type.Integer({ description: 'Entries in it.' }),
    maxEntries: Type.Integer({ description: 'Entries that it takes.' }),
    pressure: Type.Number({ description: 'entries / maxEntries.' }),
    option: Type.String({ description: 'Option that sets maxEntries.' }),
    inCiliumMetric: Type.Boolean({ description: 'Whether `cilium_bpf_map_pressure` has the map; the Maglev maps and the source ranges it has not.' })
  }, closed))
}, { title: 'MapPressures', description: 'How full the load balancer\'s maps are, fullest first.', ...closed })

export const warnings: Route = async (app, { sim }) => {
  app.get('/v1/nodes/:name/warnings', {
    schema: {
      operationId: 'listWarnings',
      tags,
      summary: 'List the warnings of a node',
      description: 'Weights without effect, tables too small for their backends, frontends without a table, ids and maps that run out.',
      params: NodeParams,
      querystring: Type.Object({
        ...pageQuery,
        code: Type.Optional(OneOf(nodeWarningCodes, 'Only those of this kind.')),
        severity: Type.Optional(OneOf(['warning', 'note'], 'Only those.'))
      }, { additionalProperties: false }),
      response: { 200: jsonAnswer('Those of the node first, then by frontend.', Page(Warning, 'A page of warnings.'), 'Link') }
    }
  }, async (request, reply) => {
    const { code, severity } = request.query
    const list = sim.listWarnings(request.params.name)
      .filter((one) => (code ?? one.code) === one.code && (severity ?? one.severity) === one.severity)
    return page(request, reply, list, { keyOf: ({ id }) => id, filters: { code, severity } })
  })

  app.get('/v1/nodes/:name/map-pressure', {
    schema: {
      operationId: 'getMapPressure',
      tags,
      summary: 'How full the maps of a node are',
      params: NodeParams,
      response: { 200: jsonAnswer('Maps, fullest first.', Pressures) }
    }
  }, async ({ params }) => ({ items: sim.mapPressures(params.name) }))
}
