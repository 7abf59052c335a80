// Validation of a value that a handler has put together (a merged patch) by the same validator as bodies.

import type { FastifyRequest } from 'fastify'
import type { Static, TSchema } from 'typebox'
import { Problem } from './problems.ts'

/** Fills in defaults, in place. */
export function validated<T extends TSchema> (request: FastifyRequest, schema: T, value: unknown): Static<T> {
  const validate = request.getValidationFunction(schema) ?? request.compileValidationSchema(schema)
  if (validate(value) === true) return value as Static<T>
  const places = (validate.errors ?? []).map(({ instancePath, message }) => ({ pointer: instancePath, detail: message ?? 'is not valid' }))
  throw new Problem('VALIDATION_FAILED', `With the patch applied, ${places[0]?.pointer ?? 'the resource'} ${places[0]?.detail ?? 'is not valid'}.`, { places })
}
