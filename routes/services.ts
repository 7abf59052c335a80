// /v1/services: the cluster's desired state, one service at a time.

import { Type } from 'typebox'
import { SimError } from '../lib/sim/errors.ts'
import type { ServiceSpec as Spec } from '../lib/sim/types.ts'
import { ifMatchHeader, jsonAnswer, noContent } from './support/answers.ts'
import type { Route } from './support/context.ts'
import { jsonTag, refuseIfMatch, requireIfMatch } from './support/etag.ts'
import { findOrNull } from './support/find.ts'
import { limits } from './support/limits.ts'
import { mergePatch } from './support/merge-patch.ts'
import { page, Page, pageQuery } from './support/pagination.ts'
import { ObjectName, Service, ServiceBody, ServiceParams, ServicePatch, ServiceSpec, Source } from './support/schemas.ts'
import { validated } from './support/validated.ts'

const tags = ['services']
const bodyLimit = limits.serviceBodyBytes
interface Named { readonly namespace: string, readonly name: string }

const address = ({ namespace, name }: Named) => `/v1/services/${namespace}/${name}`

export const services: Route = async (app, { sim }) => {
  app.get('/v1/services', {
    schema: {
      operationId: 'listServices',
      tags,
      summary: 'List services',
      querystring: Type.Object({
        ...pageQuery,
        namespace: Type.Optional(ObjectName('Only services of this namespace')),
        source: Type.Optional(Source)
      }, { additionalProperties: false }),
      response: { 200: jsonAnswer('Services by namespace and name.', Page(Service, 'A page of services.'), 'Link') }
    }
  }, async (request, reply) => {
    const { namespace, source } = request.query
    const list = sim.listServices()
      .filter((service) => (namespace ?? service.namespace) === service.namespace && (source ?? service.source) === service.source)
    return page(request, reply, list, { keyOf: ({ namespace, name }) => `${namespace}/${name}`, filters: { namespace, source } })
  })

  app.post('/v1/services', {
    bodyLimit,
    schema: {
      operationId: 'createService',
      tags,
      summary: 'Create a service',
      body: ServiceSpec,
      response: { 201: jsonAnswer('The service; every node has it.', Service, 'Location', 'ETag') }
    }
  }, async (request, reply) => {
    const service = sim.putService(request.body as Spec, { create: true })
    return reply.code(201).headers({ location: address(service), etag: jsonTag(service) }).send(service)
  })

  app.get('/v1/services/:namespace/:name', {
    schema: {
      operationId: 'getService',
      tags,
      summary: 'Read a service',
      params: ServiceParams,
      response: { 200: jsonAnswer('The service.', Service) }
    }
  }, async ({ params }) => sim.getService(params.namespace, params.name))

  app.put('/v1/services/:namespace/:name', {
    bodyLimit,
    schema: {
      operationId: 'putService',
      tags,
      summary: 'Create or replace a service',
      description: 'Replacing takes If-Match; creating takes none, or `If-None-Match: *` to make sure of it.',
      params: ServiceParams,
      headers: ifMatchHeader,
      body: ServiceBody,
      response: {
        200: jsonAnswer('The service as replaced.', Service, 'ETag'),
        201: jsonAnswer('The service as created.', Service, 'Location', 'ETag')
      }
    }
  }, async (request, reply) => {
    const { namespace, name } = request.params
    const current = findOrNull('SERVICE_NOT_FOUND', () => sim.getService(namespace, name))
    if (current === null) refuseIfMatch(request)
    else requireIfMatch(request, current)
    refuseOtherName(request.params, request.body)
    const { source, ...body } = request.body
    const service = sim.putService({ ...body, namespace, name } as Spec)
    reply.header('etag', jsonTag(service))
    if (current === null) reply.code(201).header('location', address(service))
    return service
  })

  app.patch('/v1/services/:namespace/:name', {
    bodyLimit,
    schema: {
      operationId: 'patchService',
      tags,
      summary: 'Change a service',
      description: 'JSON Merge Patch (RFC 7396): lists are replaced whole.',
      params: ServiceParams,
      headers: ifMatchHeader,
      consumes: ['application/merge-patch+json', 'application/json'],
      body: ServicePatch,
      response: { 200: jsonAnswer('The service as changed.', Service, 'ETag') }
    }
  }, async (request, reply) => {
    const { namespace, name } = request.params
    const current = sim.getService(namespace, name)
    requireIfMatch(request, current)
    const { source, ...spec } = current
    const service = sim.putService(validated(request, ServiceSpec, mergePatch(spec, request.body)) as Spec)
    reply.header('etag', jsonTag(service))
    return service
  })

  app.delete('/v1/services/:namespace/:name', {
    schema: {
      operationId: 'deleteService',
      tags,
      summary: 'Delete a service',
      params: ServiceParams,
      headers: ifMatchHeader,
      response: { 204: noContent('The service is gone from every node.') }
    }
  }, async (request, reply) => {
    const { namespace, name } = request.params
    requireIfMatch(request, sim.getService(namespace, name))
    sim.deleteService(namespace, name)
    return reply.code(204).send(null)
  })
}

/** A service is not renamed by putting it somewhere else. */
function refuseOtherName (params: Named, body: Partial<Named>): void {
  const places = (['namespace', 'name'] as const).filter((member) => (body[member] ?? params[member]) !== params[member])
    .map((member) => ({ pointer: `/${member}`, detail: `is ${body[member]}, but the address says ${params[member]}` }))
  if (places.length > 0) throw new SimError('INVALID_ARGUMENT', `${places[0]?.pointer} ${places[0]?.detail}.`, { places })
}
