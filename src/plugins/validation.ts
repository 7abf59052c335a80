// Validation. Ajv comes with Fastify, but its defaults there silently drop unknown members and turn "5" into 5 in bodies; here an
// unknown member is refused and a body is taken as it is. Parameters of path and query are text by nature, so they
// are converted first, by what their schema says. Answers are written by JSON.stringify: a schema that forgets a member must
// not make it vanish (tests check the answers against the schemas instead), and the ETag is the hash of the same text.

import type { FastifyInstance, FastifySchemaValidationError, FastifyServerOptions } from 'fastify'
import fp from 'fastify-plugin'
import { Problem, type ProblemPlace } from '../../routes/support/problems.ts'

export const ajvOptions: NonNullable<FastifyServerOptions['ajv']> = {
  customOptions: {
    removeAdditional: false,
    coerceTypes: false,
    useDefaults: true,
    allErrors: false,
    strict: true,
    allowUnionTypes: true,
    discriminator: true
  }
}

async function validationPlugin (app: FastifyInstance): Promise<void> {
  app.addHook('preValidation', async (request) => {
    const { schema } = request.routeOptions
    convert(request.query, schema?.querystring)
    convert(request.params, schema?.params)
  })
  app.setSchemaErrorFormatter((errors, part) => new Problem('VALIDATION_FAILED', describe(errors, part), { places: placesOf(errors, part) }))
  app.setSerializerCompiler(() => (value) => JSON.stringify(value))
}

export const validation = fp(validationPlugin, { name: 'validation', fastify: '5.x' })

interface ParameterSchema { properties?: Record<string, { type?: string, items?: { type?: string } }> }

function convert (parameters: unknown, schema: unknown): void {
  const properties = (schema as ParameterSchema | undefined)?.properties
  if (properties === undefined || typeof parameters !== 'object' || parameters === null) return
  const values = parameters as Record<string, unknown>
  for (const [name, { type }] of Object.entries(properties)) {
    const value = values[name]
    if (value === undefined) continue
    if (type === 'array') values[name] = Array.isArray(value) ? value : [value]
    else if (typeof value === 'string') values[name] = converted(value, type)
  }
}

// what cannot be converted stays text, and the schema refuses it
function converted (text: string, type: string | undefined): unknown {
  if ((type === 'integer' || type === 'number') && /^-?\d{1,15}(\.\d+)?$/.test(text)) return Number(text)
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

function placesOf (errors: FastifySchemaValidationError[], part: string): ProblemPlace[] {
  const places = new Map<string, ProblemPlace>()
  for (const error of errors) {
    const pointer = pointerOf(error, part)
    const detail = messageOf(error)
    places.set(`${pointer} ${detail}`, { pointer, detail })
  }
  return [...places.values()].slice(0, 20)
}

/** Into the body a JSON Pointer; of a parameter its name. */
function pointerOf ({ instancePath, keyword, params }: FastifySchemaValidationError, part: string): string {
  const member = keyword === 'discriminator' ? params['tag'] : keyword === 'additionalProperties' ? params['additionalProperty'] : keyword === 'required' ? params['missingProperty'] : undefined
  const pointer = typeof member === 'string' ? `${instancePath}/${member.replaceAll('~', '~0').replaceAll('/', '~1')}` : instancePath
  return part === 'body' ? pointer : pointer.replace(/^\//, '')
}

function messageOf ({ keyword, message = 'is not valid', params }: FastifySchemaValidationError): string {
  if (keyword === 'additionalProperties') return 'is not a member of this resource'
  if (keyword === 'required' || (keyword === 'discriminator' && params['tagValue'] === undefined)) return 'is missing'
  if (keyword === 'discriminator') return 'is none of those that there are'
  if (keyword === 'enum' && Array.isArray(params['allowedValues'])) return `must be one of ${params['allowedValues'].join(', ')}`
  if (keyword === 'const') return `must be ${JSON.stringify(params['allowedValue'])}`
  return message
}

function describe (errors: FastifySchemaValidationError[], part: string): string {
  const [first] = errors
  if (first === undefined) return 'The request does not fit the schema.'
  const where = pointerOf(first, part)
  const whole = part === 'body' ? 'The body' : `The ${part}`
  return `${where === '' ? whole : part === 'body' ? `${where} in the body` : `Parameter ${where}`} ${messageOf(first)}.`
}
