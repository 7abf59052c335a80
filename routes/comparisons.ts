// /v1/comparisons: two nodes held against each other, with nothing changed here: upgrades, table sizes, backends, consistency.

import { Type } from 'typebox'
import { comparisonText } from '../lib/sim/comparison-text.ts'
import type { ComparisonRequest } from '../lib/sim/comparison.ts'
import { answer, text } from './support/answers.ts'
import { Comparison, ComparisonRequest as Request } from './support/comparison-schemas.ts'
import type { Route } from './support/context.ts'
import { limits } from './support/limits.ts'
import { chosenFormat, formatQuery } from './support/negotiation.ts'
import { inSteps } from './support/steps.ts'

export const comparisons: Route = async (app, { sim }) => {
  app.post('/v1/comparisons', {
    bodyLimit: limits.stateBodyBytes,
    config: { turn: 'none', atOnce: limits.reportsAtOnce },
    schema: {
      operationId: 'compareNodes',
      tags: ['comparisons'],
      summary: 'Compare two nodes',
      description: 'What an upgrade, another table size or seed, other backends or another node would move: share of slots, of new flows, of established flows, the frontends that move most, and why. `a` and `b` are names of nodes, or settings over those of a node (`node`, `cilium` where left out), with services of their own or a mix. Every flow goes through the BPF programs of both. A side may pick at random: then the shares are those of one draw, near what is computed (1 - 1/N of N backends), and never the same flows twice.',
      querystring: Type.Object(formatQuery('json', 'md', 'text'), { additionalProperties: false }),
      body: Request,
      response: { 200: answer('What moves.', { 'application/json': Comparison, 'text/markdown': text('For issues and chats.'), 'text/plain': text('For people.') }) }
    }
  }, async (request, reply) => {
    const comparison = await inSteps(sim.comparisonSteps(request.body as unknown as ComparisonRequest))
    const format = chosenFormat(request)
    if (format === 'json') return reply.send(comparison)
    return reply.type(format === 'md' ? 'text/markdown; charset=utf-8' : 'text/plain; charset=utf-8').send(comparisonText(comparison, format === 'md'))
  })
}
