// The API document, made from the schemas that are enforced. Three things are done here for all routes alike: schemas with a
// title become components, every operation says that it may answer with a problem, and what entity-tags.ts does is documented.

import fastifySwagger from '@fastify/swagger'
import fastifySwaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { knownHeaders } from '../../routes/support/answers.ts'
import { ProblemSchema } from '../../routes/support/schemas.ts'

type Json = Record<string, unknown>

const tags = [
  { name: 'services', description: 'The cluster\'s desired state: services, their frontends and backends.' },
  { name: 'imports', description: 'Kubernetes objects in; the whole state in and out.' },
  { name: 'nodes', description: 'Emulated machines: settings, frontends, Maglev tables, BPF maps and programs.' },
  { name: 'lookups', description: 'Flows and packets through the nodes\' programs.' },
  { name: 'comparisons', description: 'Two nodes held against each other: what an upgrade or a change moves.' },
  { name: 'runs', description: 'Jobs that take time.' },
  { name: 'reports', description: 'What services cost.' },
  { name: 'service', description: 'The service itself.' }
]

const description = 'An emulated Linux node on which Cilium\'s Maglev load balancer runs as a real BPF program: see what each service costs in memory and in work per packet before rolling it out.'

async function openapiPlugin (app: FastifyInstance, { version }: { version: string }): Promise<void> {
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'maglev-sim', version, description, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } as { name: string } },
      servers: [{ url: '/', description: 'This server.' }],
      tags,
      security: [],
      components: {}
    },
    convertConstToEnum: false,
    transform: ({ schema, url, route }) => {
      if (schema === undefined || schema.hide === true) return { schema: { ...schema, hide: true }, url }
      return { schema: { ...schema, response: withCommonAnswers(schema.response as Json, [route.method].flat()) }, url }
    },
    transformObject: (document) => hoistComponents(('openapiObject' in document ? document.openapiObject : {}) as Json)
  })
  await app.register(fastifySwaggerUi, {
    routePrefix: '/docs',
    uiConfig: { deepLinking: true, displayRequestDuration: true, tryItOutEnabled: true },
    logo: { type: 'image/svg+xml', content: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>') }
  })
}

export const openapi = fp(openapiPlugin, { name: 'openapi', fastify: '5.x' })

const problemAnswer = { description: 'The request cannot be answered; the problem says why.', content: { 'application/problem+json': { schema: ProblemSchema } } }

function withCommonAnswers (answers: Json, methods: string[]): Json {
  const common = { ...answers, '4XX': problemAnswer, default: problemAnswer }
  const ok = answers['200'] as Json | undefined
  if (!methods.includes('GET') || ok === undefined) return common
  return {
    ...common,
    200: { ...ok, headers: { ...ok['headers'] as Json | undefined, ETag: knownHeaders.ETag } },
    304: { description: 'The client has this version already.', headers: { ETag: knownHeaders.ETag }, type: 'null' }
  }
}

/** Replaces schemas that have a title by references, the inner ones first; two of one title have to be the same. */
function hoistComponents (document: Json): Json {
  const schemas = new Map<string, { schema: Json, text: string }>()
  const visit = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(visit)
    if (typeof value !== 'object' || value === null) return value
    const copy = Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, literal.has(name) ? inner : visit(inner)]))
    const plain = withoutDefaulted(copy)
    const { title, ...schema } = plain
    if (typeof title !== 'string') return plain
    const { examples, example, ...compared } = schema
    const text = JSON.stringify(compared)
    const known = schemas.get(title)
    if (known !== undefined && known.text !== text) throw new Error(`two schemas have the title ${title} and differ`)
    if (known === undefined) schemas.set(title, { schema, text })
    return { $ref: `#/components/schemas/${title}` }
  }
  const paths = visit(document['paths']) as Record<string, Record<string, { responses: Json }>>
  const responses: Json = {}
  for (const { responses: answers } of Object.values(paths).flatMap((path) => Object.values(path))) {
    for (const [status, name] of sharedAnswers) {
      if (answers[status] === undefined) continue
      responses[name] = answers[status]
      answers[status] = { $ref: `#/components/responses/${name}` }
    }
  }
  const sorted = [...schemas].sort(([a], [b]) => a < b ? -1 : 1).map(([title, { schema }]) => [title, schema])
  return { ...document, components: { schemas: Object.fromEntries(sorted) as Json, responses }, paths }
}

const sharedAnswers = [['304', 'NotModified'], ['4XX', 'Problem'], ['default', 'Problem']] as const

/** What has a default may be left out: validation fills it in before it looks for what is required. */
function withoutDefaulted (value: Json): Json {
  const { required, properties, schema } = value as { required?: unknown, properties?: Record<string, Json>, schema?: Json }
  if (required === true && schema?.['default'] !== undefined) return { ...value, required: false }
  if (!Array.isArray(required) || properties === undefined) return value
  const needed = required.filter((name: string) => properties[name]?.['default'] === undefined)
  const { required: _, ...rest } = value
  return needed.length > 0 ? { ...value, required: needed } : rest
}

// values, not schemas
const literal = new Set(['example', 'examples', 'default', 'enum', 'const'])
