// One address, several forms. Which ones a route has is what its 200 response declares (`content` by media type; JSON where
// nothing is said); the client chooses by Accept (RFC 9110, 12.5.1) or, where a browser or a shell cannot, by `?format=`.

import type { FastifyRequest, RouteOptions } from 'fastify'
import { Type } from 'typebox'
import { preferredType } from './accept.ts'
import { Problem } from './problems.ts'

export const mediaTypes = {
  json: 'application/json',
  csv: 'text/csv',
  text: 'text/plain',
  md: 'text/markdown',
  html: 'text/html',
  svg: 'image/svg+xml'
} as const

export type Format = keyof typeof mediaTypes

const formatOf = new Map<string, Format>(Object.entries(mediaTypes).map(([format, type]) => [type, format as Format]))

/** `format=` for a route with these forms. */
export const formatQuery = <F extends Format>(...formats: F[]) => ({
  format: Type.Optional(Type.Unsafe<F>({ type: 'string', enum: formats, description: 'The form of the answer, instead of Accept.' }))
})

interface ResponseSchemas { [status: string]: { content?: Record<string, unknown> } | undefined }

/** The media types of a route's answer, best first. */
export function producedTypes (schema: RouteOptions['schema']): string[] {
  const responses = schema?.response as ResponseSchemas | undefined
  const content = responses?.['200']?.content
  return content === undefined ? [mediaTypes.json] : Object.keys(content)
}

/** Throws NOT_ACCEPTABLE, which lists what there is. */
export function negotiate (request: FastifyRequest, available: readonly string[]): string {
  const wanted = (request.query as { format?: unknown } | undefined)?.format
  if (typeof wanted === 'string') {
    const type = available.find((candidate) => formatOf.get(candidate) === wanted)
    if (type !== undefined) return type
    throw notAcceptable(`format=${wanted.slice(0, 40)}`, available)
  }
  const { accept = '*/*' } = request.headers
  const type = preferredType(accept, available)
  if (type === null) throw notAcceptable(`Accept: ${accept.slice(0, 200)}`, available)
  return type
}

/** The form to answer in; the route has been negotiated before its handler runs. */
export const chosenFormat = (request: FastifyRequest): Format => formatOf.get(request.answerType) ?? 'json'

function notAcceptable (asked: string, available: readonly string[]): Problem {
  return new Problem('NOT_ACCEPTABLE', `${asked} was asked for; this address gives ${available.join(', ')}.`, { facts: { available } })
}

declare module 'fastify' {
  interface FastifyRequest {
    /** media type of the answer, as negotiated */
    answerType: string
  }
}
