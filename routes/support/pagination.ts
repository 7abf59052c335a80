// Cursor pagination, the same for every list: `?limit=&cursor=` in, `{items, next}` and a Link header out. A cursor names
// the last item of the page before and the filters it was made with, so that pages neither repeat nor lose what
// stays in the list, and a cursor of another list is refused instead of giving nonsense.

import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type, type TSchema } from 'typebox'
import { limits } from './limits.ts'
import { Problem } from './problems.ts'

export const pageQuery = {
  limit: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 50, description: `Items per page; more than ${limits.pageItems} gives ${limits.pageItems}.` }),
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 1024, description: '`next` of the page before.' }))
}

export const Page = <T extends TSchema> (items: T, description: string) => Type.Object({
  items: Type.Array(items),
  next: Type.Union([Type.String(), Type.Null()], { description: 'Cursor of the next page; null on the last one.' })
}, { description, additionalProperties: false })

export interface PageOptions<T> {
  /** unique in the list; the list is sorted by it */
  readonly keyOf: (item: T) => string | number
  readonly filters?: Readonly<Record<string, unknown>>
}

interface PageRequest { limit: number, cursor?: string }

interface PageAnswer<T> { items: T[], next: string | null }

export function page<T> (request: FastifyRequest, reply: FastifyReply, list: readonly T[], options: PageOptions<T>): PageAnswer<T> {
  const { keyOf, filters = {} } = options
  const { limit, cursor } = request.query as PageRequest
  const scope = hashOf([request.routeOptions.url, request.params, filters])
  const sorted = list.map((item) => ({ item, key: keyOf(item) })).sort((a, b) => compare(a.key, b.key))
  const after = cursor === undefined ? null : readCursor(cursor, scope)
  const start = after === null ? 0 : sorted.findIndex(({ key }) => compare(key, after) > 0)
  const rest = start === -1 ? [] : sorted.slice(start, start + Math.min(limit, limits.pageItems) + 1)
  const items = rest.slice(0, limits.pageItems).slice(0, limit)
  const last = items.at(-1)
  const next = rest.length > items.length && last !== undefined ? writeCursor(last.key, scope) : null
  linkNext(request, reply, next)
  return { items: items.map(({ item }) => item), next }
}

export function linkNext (request: FastifyRequest, reply: FastifyReply, next: string | null): void {
  if (next === null) return
  const url = new URL(request.url, 'http://localhost')
  url.searchParams.set('cursor', next)
  reply.header('link', `<${url.pathname}${url.search}>; rel="next"`)
}

const compare = (a: string | number, b: string | number): number => a < b ? -1 : a > b ? 1 : 0

const hashOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 8)

const writeCursor = (key: string | number, scope: string): string => Buffer.from(JSON.stringify([scope, key])).toString('base64url')

function readCursor (cursor: string, scope: string): string | number {
  const refuse = (): never => {
    throw new Problem('INVALID_CURSOR', 'Take `cursor` from `next` of the page before, with the same filters, or leave it out to start from the beginning.',
      { places: [{ pointer: 'cursor', detail: 'is not a cursor of this list' }] })
  }
  let read: unknown
  try {
    read = JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch {
    return refuse()
  }
  if (!Array.isArray(read) || read.length !== 2 || read[0] !== scope) return refuse()
  const key: unknown = read[1]
  return typeof key === 'string' || typeof key === 'number' ? key : refuse()
}
