// Holds answers against the API document: the status is declared, the content type too, the body fits its schema, and what
// is no success is a problem of the catalogue. Every call of the HTTP tests goes through here.

import { Compile } from 'typebox/schema'
import { problemCatalogue } from '../../../routes/support/problems.ts'

export type Json = Record<string, unknown>
export interface Media {
  readonly schema?: Json
  readonly example?: unknown
  readonly examples?: Record<string, { readonly value: unknown }>
}
export interface Response { readonly $ref?: string, readonly content?: Record<string, Media> }
export interface Parameter { readonly name: string, readonly in: string, readonly required?: boolean, readonly schema: Json }
export interface Operation {
  readonly operationId: string
  readonly tags?: readonly string[]
  readonly summary?: string
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Record<string, Media> }
  readonly responses: Record<string, Response>
}
export interface ApiDocument {
  readonly paths: Record<string, Record<string, Operation>>
  readonly components: { readonly schemas: Record<string, Json>, readonly responses: Record<string, Response> }
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | number | string[] | undefined>>
  readonly text: string
}

type Check = (value: unknown) => string | null

export class Conformance {
  readonly #document: ApiDocument
  readonly #checks = new Map<string, Check>()
  readonly #paths: Array<{ pattern: RegExp, operations: Record<string, Operation> }>

  constructor (document: ApiDocument) {
    this.#document = document
    this.#paths = Object.entries(document.paths)
      .map(([path, operations]) => ({ pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`), operations }))
  }

  /** What the answer breaks, in words; empty: nothing. */
  faults (method: string, url: string, answer: Answer): string[] {
    const [path = ''] = url.split('?')
    const type = String(answer.headers['content-type'] ?? '').split(';')[0] ?? ''
    const operations = this.#paths.find(({ pattern }) => pattern.test(path))?.operations
    const operation = operations?.[method.toLowerCase() === 'head' ? 'get' : method.toLowerCase()]
    // health is JSON, the page for people HTML; that they are declared as such is seen to below
    const otherwise = type === 'application/json' || type === 'text/html'
    const problem = answer.status >= 400 && !otherwise ? problemFaults(type, answer) : []
    if (operation === undefined) return answer.status < 400 && method !== 'OPTIONS' ? [...problem, 'the operation is not documented'] : problem
    // a success has to be declared by its status; what is none may be one of the range
    const range = answer.status >= 500 ? 'default' : answer.status >= 400 ? '4XX' : 'none'
    const named = operation.responses[answer.status] ?? operation.responses[range]
    const declared = named?.$ref === undefined ? named : this.#document.components.responses[named.$ref.split('/').at(-1) ?? '']
    if (declared === undefined) return [...problem, `${method} ${url}: status ${answer.status} is not declared`]
    const mayBeEmpty = declared.content === undefined || method === 'HEAD' || answer.status === 304
    // a text without a line is one, such as that of maps with nothing in them
    if (answer.text === '' && type === 'text/plain' && declared.content?.[type] !== undefined) return problem
    if (answer.text === '' || method === 'HEAD') return mayBeEmpty ? problem : [...problem, 'the body is missing']
    const media = declared.content?.[type]
    if (media?.schema === undefined) return [...problem, `${method} ${url}: ${answer.status} with content type ${type} is not declared`]
    if (!type.endsWith('json')) return problem
    const fault = this.check(media.schema)(JSON.parse(answer.text))
    return fault === null ? problem : [...problem, `${method} ${url}: the body of ${answer.status} does not fit its schema: ${fault}`]
  }

  check (schema: Json): Check {
    const key = JSON.stringify(schema)
    const known = this.#checks.get(key)
    if (known !== undefined) return known
    const compiled = Compile({ ...schema, components: this.#document.components })
    const check: Check = (value) => {
      if (compiled.Check(value)) return null
      const [, [first]] = compiled.Errors(value) as unknown as [boolean, Array<{ instancePath: string, message: string }>]
      return `${first?.instancePath ?? ''} ${first?.message ?? ''}`
    }
    this.#checks.set(key, check)
    return check
  }
}

function problemFaults (type: string, { status, text, headers }: Answer): string[] {
  if (type !== 'application/problem+json') return [`${status} is of type ${type} and not a problem`]
  if (text === '') return []
  const body = JSON.parse(text) as Json
  const kind = problemCatalogue.get(String(body['code']))
  const faults: string[] = []
  if (kind === undefined) faults.push(`code ${String(body['code'])} is not in the catalogue`)
  if (kind !== undefined && (kind.status !== status || body['status'] !== status || body['title'] !== kind.title)) faults.push(`${text} is not as the catalogue says`)
  if (body['type'] !== `/problems/${String(body['code'])}`) faults.push('type and code differ')
  if (typeof body['detail'] !== 'string' || body['detail'] === '') faults.push('detail is missing')
  if (status === 405 && headers['allow'] === undefined) faults.push('405 without Allow')
  if ((status === 429 || status === 503) && headers['retry-after'] === undefined) faults.push(`${status} without Retry-After`)
  if (/\bat .*\.(ts|js):\d+/.test(text)) faults.push('a stack trace leaks')
  return faults
}
