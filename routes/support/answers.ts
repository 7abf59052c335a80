// How routes declare their answers. Problems, ETag and 304 are the same everywhere and are added to the document by src/plugins/openapi.ts.

import { Type, type TSchema } from 'typebox'

type Headers = Record<string, { type: 'string' | 'integer', description: string }>

export const knownHeaders = {
  Location: { type: 'string', description: 'Address of the resource.' },
  ETag: { type: 'string', description: 'Version of the resource, for If-Match and If-None-Match.' },
  Link: { type: 'string', description: 'Address of the next page, `rel="next"`.' },
  'Retry-After': { type: 'integer', description: 'Seconds after which to ask again.' }
} as const satisfies Headers

type HeaderName = keyof typeof knownHeaders

/** An answer in one or more forms. */
export const answer = (description: string, content: Record<string, TSchema>, ...headers: HeaderName[]) => ({
  description,
  ...headersOf(headers),
  content: Object.fromEntries(Object.entries(content).map(([type, schema]) => [type, { schema }]))
})

export const jsonAnswer = (description: string, schema: TSchema, ...headers: HeaderName[]) =>
  answer(description, { 'application/json': schema }, ...headers)

export const noContent = (description: string, ...headers: HeaderName[]) => ({ description, ...headersOf(headers), type: 'null' as const })

export const text = (description: string) => Type.String({ description })

const headersOf = (names: HeaderName[]) =>
  names.length === 0 ? {} : { headers: Object.fromEntries(names.map((name) => [name, knownHeaders[name]])) }

const ifMatch = (description: string) => ({ type: 'object', properties: { 'if-match': { type: 'string', maxLength: 1024, description } } })

/** Header of requests that change something that exists. */
export const ifMatchHeader = ifMatch('ETag of the version that is changed, or `*`. 428 where it is missing, 412 where it is stale.')

/** The same where it may be left out. */
export const optionalIfMatchHeader = ifMatch('ETag of the version that is changed. 412 where it is stale.')
