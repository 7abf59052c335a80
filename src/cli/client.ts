// A small client of the service: JSON in, JSON out, problems turned into messages and exit codes.

import { request } from 'undici'
import type { Dispatcher } from 'undici'
import { BadInput, Failure } from './failures.ts'

export const defaultServer = 'http://127.0.0.1:8080'

export interface Client {
  readonly server: string
  get<T> (path: string): Promise<T>
  /** every item of a collection, page by page */
  getAll<T> (path: string): Promise<T[]>
  post<T> (path: string, body: string | Uint8Array, contentType: string): Promise<T>
}

interface Problem { title?: string, detail?: string, errors?: ReadonlyArray<{ pointer?: string, detail?: string }> }

/** @param url from --server, else MAGLEV_SIM_SERVER, else the default address */
export function serverUrl (url: string | undefined): URL {
  const text = url ?? process.env['MAGLEV_SIM_SERVER'] ?? defaultServer
  const parsed = URL.canParse(text) ? new URL(text) : null
  if (parsed === null || (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')) {
    throw new BadInput(`--server takes a URL such as ${defaultServer}, not "${text}"`)
  }
  return parsed
}

export function createClient (url: URL): Client {
  const server = url.origin
  const call = async <T>(method: Dispatcher.HttpMethod, path: string, body?: string | Uint8Array, contentType?: string): Promise<T> => {
    const response = await request(`${server}${path}`, {
      method,
      headers: { accept: 'application/json, application/problem+json', ...(contentType === undefined ? {} : { 'content-type': contentType }) },
      ...(body === undefined ? {} : { body })
    }).catch((error: unknown) => { throw unreachable(server, error) })
    const text = await response.body.text()
    if (response.statusCode >= 300) throw refused(response.statusCode, text)
    return JSON.parse(text) as T
  }
  const getAll = async <T>(path: string): Promise<T[]> => {
    const items: T[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const query: string = `?limit=500${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`
      const page: { items: T[], next: string | null } = await call('GET', path + query)
      items.push(...page.items)
      cursor = page.next
    }
    return items
  }
  return {
    server,
    get: (path) => call('GET', path),
    getAll,
    post: (path, body, contentType) => call('POST', path, body, contentType)
  }
}

export function unreachable (server: string, error: unknown): Failure {
  const code = (error as { code?: string }).code ?? String(error)
  return new Failure(`no service answers at ${server} (${code}); start one with "maglev-sim serve", or name another with --server`)
}

/** 4xx about what was sent is the caller's to mend; anything else is a failure */
function refused (status: number, text: string): Error {
  const problem = parseProblem(text)
  const said = problem.detail ?? problem.title ?? 'no explanation'
  const places = (problem.errors ?? []).map(({ pointer = '', detail = '' }) => said.includes(detail) ? ` (${pointer})` : `\n  ${pointer}: ${detail}`).join('')
  const message = `the service answered ${status}: ${said}${places}`
  return [400, 406, 413, 415, 422].includes(status) ? new BadInput(message) : new Failure(message)
}

function parseProblem (text: string): Problem {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

export const serverOption = {
  type: 'string',
  description: `Address of the service; MAGLEV_SIM_SERVER sets it too (${defaultServer})`,
  valueHint: 'URL'
} as const
