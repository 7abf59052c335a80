// Text that has a line structure of its own (bpftool's, Cilium's): as it is, or as a member of a JSON object.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { chosenFormat } from './negotiation.ts'

export const Listing = Type.Object({ text: Type.String({ description: 'The listing.' }) }, { title: 'Listing', additionalProperties: false })

export function sendListing (request: FastifyRequest, reply: FastifyReply, text: string): FastifyReply {
  return chosenFormat(request) === 'json' ? reply.send({ text }) : reply.type('text/plain; charset=utf-8').send(text)
}
