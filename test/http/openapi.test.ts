// The API document: committed and equal to the routes, valid, complete, bounded; its examples work; and requests made from its
// schemas, with and without a defect, are answered as it declares.

import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Validator } from '@seriousme/openapi-schema-validator'
import t from 'tap'
import { problemCatalogue } from '../../routes/support/problems.ts'
import { describeApi } from '../../src/openapi-describe.ts'
import { createApi, type Api } from './support/api.ts'
import type { Json, Operation, Parameter } from './support/conformance.ts'
import { Generator } from './support/generate.ts'

const seed = 20261123
const api = await createApi()
t.teardown(() => api.close())
const operations = Object.entries(api.document.paths)
  .flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })))

t.test('openapi.yaml is what the routes say', async (t) => {
  const committed = readFileSync(join(import.meta.dirname, '..', '..', 'openapi.yaml'), 'utf8')
  t.ok(committed === await describeApi(), 'equal; `npm run openapi:write` writes it anew')
  const served = await api.call('GET', '/openapi.yaml')
  t.match(served.header('content-type'), /^application\/yaml/)
  t.match(served.text, /^openapi: 3\.1\.0\n/)
})

t.test('docs/errors.md lists every problem under its status, and no other', async (t) => {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'errors.md'), 'utf8')
  const documented = new Map<string, string>()
  for (const section of text.split(/^## /m).slice(1)) {
    const [heading = ''] = section.split('\n')
    for (const [, code = ''] of section.matchAll(/^\| `(\w+)` \|/gm)) documented.set(code, heading)
  }
  t.same([...documented.keys()].sort(), [...problemCatalogue.keys()].sort())
  for (const [code, { status }] of problemCatalogue) t.ok(documented.get(code)?.includes(String(status)), `${code} stands under ${status}`)
})

t.test('it is valid OpenAPI 3.1', async (t) => {
  const result = await new Validator().validate(JSON.parse(JSON.stringify(api.document)) as Record<string, unknown>)
  t.same(result.errors ?? [], [])
  t.ok(result.valid)
})

t.test('every route is in it, and the reverse', async (t) => {
  const registered = new Set<string>()
  const lines = api.app.printRoutes({ commonPrefix: false }).split('\n')
  const above: string[] = []
  for (const line of lines) {
    const [, indent = '', path = '', methods = ''] = /^((?:│ {3}| {4})*)(?:├──|└──) (\S*) ?(?:\((.*)\))?$/.exec(line) ?? []
    above.length = indent.length / 4
    above.push(path)
    for (const method of methods.split(', ')) if (method !== '' && method !== 'HEAD') registered.add(`${method} ${above.join('')}`)
  }
  const hidden = [...registered].filter((route) => /^\w+ (\/docs(\/.*)?|\*)$/.test(route))
  const expected = [...registered].filter((route) => !hidden.includes(route)).map((route) => route.replaceAll(/:(\w+)/g, '{$1}')).sort()
  const documented = operations.map(({ path, method }) => `${method} ${path}`).sort()
  t.same(documented, expected)
  t.comment(`${documented.length} operations`)
})

t.test('operations and fields are described and bounded', async (t) => {
  const ids = new Set<string>()
  const tags = new Set(((api.document as unknown as { tags: Array<{ name: string }> }).tags).map(({ name }) => name))
  for (const { path, method, operation } of operations) {
    t.notOk(ids.has(operation.operationId), `${operation.operationId} names one operation`)
    ids.add(operation.operationId)
    t.ok((operation.summary ?? '') !== '' && operation.tags?.every((tag) => tags.has(tag)) === true, `${method} ${path} has a summary and a known tag`)
    t.ok(operation.responses['4XX'] !== undefined && operation.responses['default'] !== undefined, `${method} ${path} may answer with a problem`)
    const inputs = [...(operation.parameters ?? []).map(({ name, schema }): [string, Json] => [name, schema]),
      ...Object.values(operation.requestBody?.content ?? {}).map(({ schema = {} }): [string, Json] => ['body', schema])]
    for (const [name, schema] of inputs) t.same(unbounded(schema, name), [], `${method} ${path}: every field of ${name} has a limit`)
    for (const parameter of operation.parameters ?? []) t.ok('description' in parameter, `${method} ${path}: ${parameter.name} is described`)
  }
})

function unbounded (schema: Json, place: string, seen = new Set<string>()): string[] {
  const reference = schema['$ref']
  if (typeof reference === 'string') {
    const name = reference.split('/').at(-1) ?? ''
    // what an import holds is the importer's to judge
    if (seen.has(name) || name === 'Documents') return []
    return unbounded(api.document.components.schemas[name] ?? {}, name, new Set([...seen, name]))
  }
  if (schema['enum'] !== undefined || schema['const'] !== undefined) return []
  const types = [schema['type'] ?? []].flat() as string[]
  const found: string[] = []
  if (types.includes('string') && schema['maxLength'] === undefined) found.push(`${place}: maxLength`)
  if ((types.includes('integer') || types.includes('number')) && schema['maximum'] === undefined) found.push(`${place}: maximum`)
  if (types.includes('array') && schema['maxItems'] === undefined) found.push(`${place}: maxItems`)
  const chosen = schema['oneOf'] as Json[] | undefined
  if (types.includes('object') && chosen === undefined && schema['additionalProperties'] !== false && schema['maxProperties'] === undefined) found.push(`${place}: members`)
  for (const [name, inner] of Object.entries(schema['properties'] as Record<string, Json> | undefined ?? {})) found.push(...unbounded(inner, `${place}/${name}`, seen))
  for (const inner of chosen ?? schema['anyOf'] as Json[] | undefined ?? []) found.push(...unbounded(inner, place, seen))
  if (schema['items'] !== undefined) found.push(...unbounded(schema['items'] as Json, `${place}/*`, seen))
  return found
}

t.test('the examples work', async (t) => {
  const fresh = await createApi()
  t.teardown(() => fresh.close())
  // what is created comes before what speaks of it, and what replaces everything comes last
  const order = ['createService', 'addBackend', 'patchBackend', 'createNode', 'createRun']
  const rank = (id: string): number => order.includes(id) ? order.indexOf(id) : order.length
  const withBody = operations.filter(({ operation }) => operation.requestBody !== undefined)
    .sort((a, b) => rank(a.operation.operationId) - rank(b.operation.operationId))
  for (const { path, method, operation } of withBody) {
    const [[type, media] = []] = Object.entries(operation.requestBody?.content ?? {})
    const headers = { 'content-type': type ?? '', ...(hasIfMatch(operation) ? { 'if-match': '*' } : {}), prefer: 'wait=20' }
    const examples = media?.examples === undefined ? [media?.example] : Object.values(media.examples).map(({ value }) => value)
    for (const example of examples) {
      const answer = await fresh.call(method, knownPath(path, operation), { body: JSON.stringify(example), headers })
      t.ok(example !== undefined && answer.status < 300, `${method} ${path}: ${answer.status} ${answer.status < 300 ? '' : answer.text}`)
    }
  }
})

const hasIfMatch = (operation: Operation): boolean => operation.parameters?.some(({ name }) => name === 'if-match') === true

const known: Readonly<Record<string, string>> = { namespace: 'shop', name: 'web', backend: '10.244.7.7:8443%2FTCP', kind: 'memory', id: '1', code: 'RUN_NOT_FOUND' }

function knownPath (path: string, { tags }: Operation): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => name === 'name' && tags?.includes('nodes') === true ? 'cilium' : known[name] ?? 'x')
}

t.test('requests made from the schemas are answered as declared', async (t) => {
  const fresh = await createApi()
  t.teardown(() => fresh.close())
  const generator = new Generator(fresh.document.components.schemas)
  let calls = 0
  const statuses = new Map<number, number>()
  const tell = (status: number): void => {
    calls++
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
  }
  for (const { path, method, operation } of operations) {
    // an event stream of a run that does not exist is all that could be asked here
    if (operation.operationId === 'streamRunEvents') continue
    const fuzz = fuzzOf(fresh, generator, path, method, operation)
    await fc.assert(fc.asyncProperty(fuzz.fitting, async (request) => {
      const answer = await fuzz.send(request)
      tell(answer.status)
      if (answer.status >= 500) throw new Error(`${answer.status} for ${JSON.stringify(request)}: ${answer.text}`)
    }), { seed, numRuns: operation.operationId === 'createNode' || operation.operationId.startsWith('ask') ? 5 : 20 })
    const [sample] = fc.sample(fuzz.fitting, { seed, numRuns: 1 })
    for (const { what, request } of sample === undefined ? [] : fuzz.defects(sample)) {
      const answer = await fuzz.send(request)
      tell(answer.status)
      // a form that does not exist is a matter of negotiation
      if (answer.status !== (what.startsWith('query/format: ') ? 406 : 400)) t.fail(`${method} ${path} with ${what} gave ${answer.status}: ${answer.text}`)
    }
    t.pass(`${method} ${path}`)
  }
  t.comment(`seed ${seed}, ${calls} calls, by status: ${[...statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`).join(', ')}`)
})

interface FuzzRequest { path: Json, query: Json, body: unknown, ifMatch: boolean }

function fuzzOf (fresh: Api, generator: Generator, path: string, method: string, operation: Operation) {
  const inPlace = (place: string): Parameter[] => (operation.parameters ?? []).filter((parameter) => parameter.in === place)
  const [[type, media] = []] = Object.entries(operation.requestBody?.content ?? {})
  const schemaOf = (parameters: Parameter[]): Json => ({
    type: 'object', properties: Object.fromEntries(parameters.map(({ name, schema }) => [name, schema])), required: parameters.filter(({ required }) => required === true).map(({ name }) => name)
  })
  const query = schemaOf(inPlace('query'))
  // half of the requests speak of things that exist
  const names = fc.constantFrom('shop', 'web', 'cilium', 'dynamic', 'memory', '1', '2')
  const fitting: fc.Arbitrary<FuzzRequest> = fc.record({
    path: fc.record(Object.fromEntries(inPlace('path').map(({ name, schema }) => [name, fc.oneof(names, generator.fitting(schema))]))) as fc.Arbitrary<Json>,
    query: generator.fitting(query) as fc.Arbitrary<Json>,
    body: media?.schema === undefined ? fc.constant(undefined) : generator.fitting(media.schema),
    ifMatch: hasIfMatch(operation) ? fc.boolean() : fc.constant(false)
  })
  return {
    fitting,
    defects ({ path, query: given, body }: FuzzRequest) {
      const saneValues: Json = { backend: '10.0.0.1:80/TCP', code: 'X' }
      const sane = Object.fromEntries(inPlace('path').map(({ name, schema }) => [name, schema['type'] === 'integer' ? 1 : saneValues[name] ?? 'x']))
      const ofQuery = [...generator.defects({ ...query, additionalProperties: inPlace('query').length > 0 ? false : undefined }, given, 'query')]
        // text is what every parameter is, and a parameter sent twice is a list
        .filter(({ value, what }) => isTextual(value, what))
        .map(({ what, value }) => ({ what, request: { path: sane, query: value as Json, body, ifMatch: true } }))
      const rawBody = operation.operationId === 'importDocuments'
      const bodyDefects = media?.schema === undefined || rawBody ? [] : generator.defects(media.schema, body)
      const ofBody = bodyDefects.map(({ what, value }) => ({ what, request: { path: sane, query: {}, body: value, ifMatch: true } }))
      return [...ofQuery, ...ofBody]
    },
    send (request: FuzzRequest) {
      const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(request.path[name])))
      const asked = new URLSearchParams(Object.entries({ ...request.query, ...(operation.operationId === 'createRun' ? { validateOnly: true } : {}) })
        .map(([name, value]): [string, string] => [name, String(value)]))
      return fresh.call(method, `${filled}${asked.size > 0 ? `?${asked.toString()}` : ''}`, {
        ...(media === undefined ? {} : { body: JSON.stringify(request.body) }),
        headers: { ...(type === undefined ? {} : { 'content-type': type }), ...(request.ifMatch ? { 'if-match': '*' } : {}) }
      })
    }
  }
}

function isTextual (value: unknown, what: string): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return !/: (null|true|7\.5|\{\}|\[\]|"no such value") for string/.test(what) && !/(null|\{\}|\[\]) for/.test(what) && !what.includes('true for')
}
