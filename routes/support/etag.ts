// Strong entity tags and conditional requests (RFC 9110, 8.8 and 13). A tag is a hash of the very bytes sent, so it is
// strong, needs no version counter and is the same after a restart. Changing something that exists takes If-Match: two
// people who edit the same service cannot overwrite each other unseen.

import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { Problem } from './problems.ts'

export function entityTag (representation: string | Buffer): string {
  return `"${createHash('sha256').update(representation).digest('base64url').slice(0, 27)}"`
}

/** The tag under which a JSON resource is served. */
export const jsonTag = (resource: unknown): string => entityTag(JSON.stringify(resource))

/** Whether a list of tags (`"a", W/"b"` or `*`) names this one; weak tags never match strongly. */
export function tagListed (header: string, tag: string, comparison: 'strong' | 'weak'): boolean {
  if (header.trim() === '*') return true
  for (const [, weak, opaque] of header.matchAll(/(W\/)?("[^"]*")/g)) {
    if (opaque === tag && (comparison === 'weak' || weak === undefined)) return true
  }
  return false
}

/** For PUT, PATCH and DELETE of a resource that exists. */
export function requireIfMatch (request: FastifyRequest, current: unknown): void {
  const tag = jsonTag(current)
  if (request.headers['if-none-match'] !== undefined) refuseIfExists(request)
  const header = request.headers['if-match']
  if (header === undefined) {
    throw new Problem('PRECONDITION_REQUIRED', 'Send If-Match with the ETag of the version you read (GET the resource), or If-Match: * to change any version.')
  }
  if (!tagListed(header, tag, 'strong')) {
    throw new Problem('PRECONDITION_FAILED', `If-Match names ${header.slice(0, 200)}, but the resource is now ${tag}. Read it again and repeat your change.`,
      { facts: { currentTag: tag } })
  }
}

/** For requests that may go without If-Match: one that is sent has to hold. */
export function honourIfMatch (request: FastifyRequest, current: unknown): void {
  if (request.headers['if-match'] !== undefined) requireIfMatch(request, current)
}

/** For PUT of a resource that does not exist yet: If-Match cannot hold. */
export function refuseIfMatch (request: FastifyRequest): void {
  if (request.headers['if-match'] !== undefined) {
    throw new Problem('PRECONDITION_FAILED', 'If-Match was sent, but the resource does not exist. Leave it out, or send If-None-Match: * to create only.')
  }
}

function refuseIfExists (request: FastifyRequest): void {
  if (request.headers['if-none-match']?.trim() === '*') {
    throw new Problem('PRECONDITION_FAILED', 'If-None-Match: * was sent, but the resource exists already.')
  }
}
