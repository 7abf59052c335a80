// /v1/services/{namespace}/{name}/backends: the backends of one service. The list has a version of its own, and so has each
// backend, so that two people can add and drain different backends at the same time.

import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { SimError } from '../lib/sim/errors.ts'
import { canonicalAddress } from '../lib/maglev/index.ts'
import type { BackendSpec as Backend, ServiceSpec, ServiceView } from '../lib/sim/types.ts'
import { ifMatchHeader, jsonAnswer, noContent } from './support/answers.ts'
import type { Route } from './support/context.ts'
import { formatService, parseService } from './support/endpoint.ts'
import { honourIfMatch, jsonTag, requireIfMatch } from './support/etag.ts'
import { limits } from './support/limits.ts'
import { mergePatch } from './support/merge-patch.ts'
import { page, Page, pageQuery } from './support/pagination.ts'
import { Problem } from './support/problems.ts'
import { BackendList, BackendPatch, BackendSpec, ServiceParams } from './support/schemas.ts'
import { validated } from './support/validated.ts'

const tags = ['services']
const bodyLimit = limits.serviceBodyBytes

const BackendParams = Type.Object({
  ...ServiceParams.properties,
  backend: Type.String({ minLength: 9, maxLength: 80, description: '`address:port/protocol`, percent-encoded: `10.244.1.7:8443%2FTCP`, `[2001:db8::1]:443%2FTCP`.' })
})

export const backends: Route = async (app, { sim }) => {
  const put = (service: ServiceView, changed: readonly Backend[]): ServiceView => {
    const { source, ...spec } = service
    return sim.putService({ ...spec, backends: changed } satisfies ServiceSpec)
  }

  app.get('/v1/services/:namespace/:name/backends', {
    schema: {
      operationId: 'listBackends',
      tags,
      summary: 'List the backends of a service',
      description: 'The ETag is that of the whole list, on every page.',
      params: ServiceParams,
      querystring: Type.Object(pageQuery, { additionalProperties: false }),
      response: { 200: jsonAnswer('Backends by address, port and protocol.', Page(BackendSpec, 'A page of backends.'), 'Link') }
    }
  }, async (request, reply) => {
    const service = sim.getService(request.params.namespace, request.params.name)
    reply.header('etag', jsonTag(service.backends))
    return page(request, reply, service.backends, { keyOf: formatService })
  })

  app.put('/v1/services/:namespace/:name/backends', {
    bodyLimit,
    schema: {
      operationId: 'putBackends',
      tags,
      summary: 'Replace all backends of a service',
      params: ServiceParams,
      headers: ifMatchHeader,
      body: BackendList,
      response: { 204: noContent('The backends are replaced on every node.', 'ETag') }
    }
  }, async (request, reply) => {
    const service = sim.getService(request.params.namespace, request.params.name)
    requireIfMatch(request, service.backends)
    const changed = put(service, request.body.backends as Backend[])
    return reply.code(204).header('etag', jsonTag(changed.backends)).send(null)
  })

  app.post('/v1/services/:namespace/:name/backends', {
    schema: {
      operationId: 'addBackend',
      tags,
      summary: 'Add a backend to a service',
      params: ServiceParams,
      body: BackendSpec,
      response: { 201: jsonAnswer('The backend; every node has it.', BackendSpec, 'Location', 'ETag') }
    }
  }, async (request, reply) => {
    const { namespace, name } = request.params
    const service = sim.getService(namespace, name)
    honourIfMatch(request, service.backends)
    const added = request.body as Backend
    const key = keyOf(added)
    if (service.backends.some((backend) => formatService(backend) === key)) {
      throw new Problem('BACKEND_EXISTS', `${key} is a backend of ${namespace}/${name} already; PATCH it to change it.`)
    }
    const backend = findBackend(put(service, [...service.backends, added]), key)
    return reply.code(201)
      .headers({ location: `/v1/services/${namespace}/${name}/backends/${encodeURIComponent(key)}`, etag: jsonTag(backend) })
      .send(backend)
  })

  app.get('/v1/services/:namespace/:name/backends/:backend', {
    schema: {
      operationId: 'getBackend',
      tags,
      summary: 'Read a backend',
      params: BackendParams,
      response: { 200: jsonAnswer('The backend.', BackendSpec) }
    }
  }, async ({ params }) => findBackend(sim.getService(params.namespace, params.name), asked(params.backend)))

  app.patch('/v1/services/:namespace/:name/backends/:backend', {
    schema: {
      operationId: 'patchBackend',
      tags,
      summary: 'Change a backend: its weight, its state',
      params: BackendParams,
      headers: ifMatchHeader,
      consumes: ['application/merge-patch+json', 'application/json'],
      body: BackendPatch,
      response: { 200: jsonAnswer('The backend as changed.', BackendSpec, 'ETag') }
    }
  }, async (request, reply) => {
    const { service, current, key } = locate(request, request.params)
    const { address, port, protocol, ...rest } = current
    const merged = validated(request, BackendSpec, { ...mergePatch(rest, request.body) as object, address, port, protocol }) as Backend
    const backend = findBackend(put(service, service.backends.map((backend) => backend === current ? merged : backend)), key)
    reply.header('etag', jsonTag(backend))
    return backend
  })

  app.delete('/v1/services/:namespace/:name/backends/:backend', {
    schema: {
      operationId: 'deleteBackend',
      tags,
      summary: 'Remove a backend from its service',
      params: BackendParams,
      headers: ifMatchHeader,
      response: { 204: noContent('The backend is gone from every node.') }
    }
  }, async (request, reply) => {
    const { service, current } = locate(request, request.params)
    put(service, service.backends.filter((backend) => backend !== current))
    return reply.code(204).send(null)
  })

  interface Located { service: ServiceView, current: Backend, key: string }

  function locate (request: FastifyRequest, params: { namespace: string, name: string, backend: string }): Located {
    const service = sim.getService(params.namespace, params.name)
    const key = asked(params.backend)
    const current = findBackend(service, key)
    requireIfMatch(request, current)
    return { service, current, key }
  }
}

function asked (text: string): string {
  const endpoint = parseService(text)
  if (endpoint !== null) return formatService(endpoint)
  const detail = `is not address:port/protocol: ${text.slice(0, 80)}`
  throw new Problem('VALIDATION_FAILED', `Parameter backend ${detail}.`, { places: [{ pointer: 'backend', detail }] })
}

const keyOf = (backend: Backend): string => formatService({ ...backend, address: canonicalAddress(backend.address) ?? backend.address })

function findBackend (service: ServiceView, key: string): Backend {
  const found = service.backends.find((backend) => formatService(backend) === key)
  if (found === undefined) throw new SimError('BACKEND_NOT_FOUND', `${service.namespace}/${service.name} has no backend ${key}.`)
  return found
}
