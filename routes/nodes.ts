// /v1/nodes: the emulated machines.

import { Type } from 'typebox'
import type { NodeSettings, NodeSettingsInput, NodeView as View } from '../lib/sim/types.ts'
import { answer, ifMatchHeader, jsonAnswer, noContent, text } from './support/answers.ts'
import type { Route } from './support/context.ts'
import { jsonTag, requireIfMatch } from './support/etag.ts'
import { limits } from './support/limits.ts'
import { Listing, sendListing } from './support/listing.ts'
import { mergePatch } from './support/merge-patch.ts'
import { formatQuery } from './support/negotiation.ts'
import { page, Page, pageQuery } from './support/pagination.ts'
import { NodeCreation, NodeParams, NodePatch, NodeSettings as Settings, NodeView } from './support/schemas.ts'
import { validated } from './support/validated.ts'

const tags = ['nodes']

export const nodes: Route = async (app, { sim }) => {
  app.get('/v1/nodes', {
    schema: {
      operationId: 'listNodes',
      tags,
      summary: 'List nodes',
      querystring: Type.Object(pageQuery, { additionalProperties: false }),
      response: { 200: jsonAnswer('Nodes by name.', Page(NodeView, 'A page of nodes.'), 'Link') }
    }
  }, async (request, reply) => page(request, reply, sim.listNodes(), { keyOf: ({ name }) => name }))

  app.post('/v1/nodes', {
    schema: {
      operationId: 'createNode',
      tags,
      summary: 'Make a node',
      description: `It realises all services at once. There can be ${limits.nodes}.`,
      body: NodeCreation,
      response: { 201: jsonAnswer('The node.', NodeView, 'Location', 'ETag') }
    }
  }, async (request, reply) => {
    const node = sim.createNode(request.body as unknown as NodeSettingsInput & { name: string })
    return reply.code(201).headers({ location: `/v1/nodes/${node.name}`, etag: jsonTag(node) }).send(node)
  })

  app.get('/v1/nodes/:name', {
    schema: {
      operationId: 'getNode',
      tags,
      summary: 'Read a node',
      params: NodeParams,
      response: { 200: jsonAnswer('The node.', NodeView) }
    }
  }, async ({ params }) => sim.getNode(params.name))

  app.patch('/v1/nodes/:name', {
    schema: {
      operationId: 'patchNode',
      tags,
      summary: 'Change the settings of a node',
      description: 'JSON Merge Patch (RFC 7396), but that naming one table-size policy replaces the other. The node is rebuilt with the current services, unless only what Kubernetes calls it changes: its name there, zone and labels.',
      params: NodeParams,
      headers: ifMatchHeader,
      consumes: ['application/merge-patch+json', 'application/json'],
      body: NodePatch,
      response: { 200: jsonAnswer('The node as rebuilt.', NodeView, 'ETag') }
    }
  }, async (request, reply) => {
    const current = sim.getNode(request.params.name)
    requireIfMatch(request, current)
    const patch = request.body as Record<string, unknown>
    const target: Record<string, unknown> = { ...settingsOf(current) }
    const merged = mergePatch(target, patch) as Record<string, unknown>
    merged['tableSizePolicy'] = mergePolicy(current.tableSizePolicy, patch['tableSizePolicy'])
    // null is a value of these: what the cluster says
    for (const member of ['addresses', 'nodeName', 'zone']) if (patch[member] === null) merged[member] = null
    const settings = validated(request, Settings, merged) as unknown as NodeSettings
    const changes = Object.fromEntries(Object.entries(settings).filter(([name]) => name in patch))
    const node = sim.updateNode(current.name, changes)
    reply.header('etag', jsonTag(node))
    return node
  })

  app.delete('/v1/nodes/:name', {
    schema: {
      operationId: 'deleteNode',
      tags,
      summary: 'Delete a node',
      params: NodeParams,
      headers: ifMatchHeader,
      response: { 204: noContent('The node is gone, with its maps and programs.') }
    }
  }, async (request, reply) => {
    const { name } = request.params
    requireIfMatch(request, sim.getNode(name))
    sim.deleteNode(name)
    return reply.code(204).send(null)
  })

  app.get('/v1/nodes/:name/lb-maps', {
    schema: {
      operationId: 'getLbMaps',
      tags,
      summary: 'The load-balancing maps as text',
      description: 'In the form in which Cilium\'s own load-balancer scenarios dump them.',
      params: NodeParams,
      querystring: Type.Object(formatQuery('text', 'json'), { additionalProperties: false }),
      response: { 200: answer('One line for each entry.', { 'text/plain': text('AFF, BE, MAGLEV, REV, SRCRANGE and SVC lines.'), 'application/json': Listing }) }
    }
  }, async (request, reply) => sendListing(request, reply, sim.lbMapsText(request.params.name)))
}

function mergePolicy (current: NodeSettings['tableSizePolicy'], patch: unknown): unknown {
  if (patch === undefined) return current
  const named = Object.entries(patch as object).filter(([, value]) => value !== null).map(([name]) => name)
  const kept = Object.fromEntries(Object.entries(current).filter(([name]) => named.length === 0 || named.includes(name)))
  return mergePatch(kept, patch)
}

function settingsOf ({ counts, memory, tableSizeChanges, ...settings }: View): NodeSettings {
  return settings
}
