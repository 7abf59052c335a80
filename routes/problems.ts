// /problems/{code}: what the `type` of a problem points to.

import { Type } from 'typebox'
import { escapeMarkup } from '../lib/report/forms/markup.ts'
import { answer } from './support/answers.ts'
import type { Route } from './support/context.ts'
import { sendPage } from './support/html.ts'
import { chosenFormat, formatQuery } from './support/negotiation.ts'
import { Problem, problemCatalogue } from './support/problems.ts'

const ProblemKind = Type.Object({
  code: Type.String({ description: 'The kind, for programs.' }),
  title: Type.String({ description: 'The kind in words.' }),
  status: Type.Integer({ description: 'HTTP status.' })
}, { title: 'ProblemKind', additionalProperties: false })

export const problems: Route = async (app) => {
  app.get('/problems/:code', {
    schema: {
      operationId: 'getProblemKind',
      tags: ['service'],
      summary: 'What a kind of problem means',
      params: Type.Object({ code: Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Z_]+$', description: '`code` of the problem.' }) }),
      querystring: Type.Object(formatQuery('json', 'html'), { additionalProperties: false }),
      response: { 200: answer('The kind of problem.', { 'application/json': ProblemKind, 'text/html': Type.String({ description: 'A page.' }) }) }
    }
  }, async (request, reply) => {
    const { code } = request.params
    const kind = problemCatalogue.get(code)
    if (kind === undefined) throw new Problem('PROBLEM_NOT_FOUND', `There is no problem ${code}.`)
    if (chosenFormat(request) === 'json') return reply.send({ code, ...kind })
    const body = `<h1>${escapeMarkup(kind.title)}</h1><p><code>${code}</code>, HTTP status ${kind.status}</p><p>The answer's <code>detail</code> says what was wrong in your request, <code>errors</code> where.</p>`
    return sendPage(reply, kind.title, body)
  })
}
