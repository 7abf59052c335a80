// /v1/limits: every maximum, so that a client need not find them by running into them.

import { Type } from 'typebox'
import { jsonAnswer } from './support/answers.ts'
import type { Route } from './support/context.ts'
import { limits as values } from './support/limits.ts'

const Limits = Type.Object(Object.fromEntries(Object.keys(values).map((name) => [name, Type.Integer()])), {
  title: 'Limits', description: 'Maxima by name; units are at the end of the names.', additionalProperties: false
})

export const limits: Route = async (app) => {
  app.get('/v1/limits', {
    schema: {
      operationId: 'getLimits',
      tags: ['service'],
      summary: 'Read the limits',
      response: { 200: jsonAnswer('The limits.', Limits) }
    }
  }, async () => values)
}
