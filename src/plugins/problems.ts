// Every answer that is no success is a problem+json: what handlers throw, what Fastify throws, unknown addresses, methods
// that an address does not know, and bytes that are no HTTP. A 5xx tells nothing but the id under which the log has the rest.

import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { SimError } from '../../lib/sim/errors.ts'
import { limits } from '../../routes/support/limits.ts'
import { Problem, problemBody, type ProblemCode } from '../../routes/support/problems.ts'

const problemType = 'application/problem+json; charset=utf-8'

const codeOfStatus = new Map<number, ProblemCode>([
  [400, 'MALFORMED_REQUEST'], [404, 'ROUTE_NOT_FOUND'], [408, 'REQUEST_TIMEOUT'], [413, 'BODY_TOO_LARGE'], [414, 'URI_TOO_LONG'],
  [415, 'UNSUPPORTED_MEDIA_TYPE'], [431, 'HEADERS_TOO_LARGE'], [503, 'OVERLOADED']
])

async function problemsPlugin (app: FastifyInstance): Promise<void> {
  const routes = new RouteTable()

  app.addHook('onRoute', ({ url, method }) => routes.add(url, method))

  app.addHook('onRequest', async ({ url }) => {
    if (url.length > limits.urlBytes) throw new Problem('URI_TOO_LONG', `At most ${limits.urlBytes} bytes of address are read.`, { facts: { limitBytes: limits.urlBytes } })
  })

  app.setErrorHandler((error: FastifyError | Problem | SimError, request, reply) => {
    const problem = toProblem(error, request)
    if (problem.code === 'INTERNAL_ERROR') request.log.error({ err: error }, 'a request failed')
    else request.log.debug({ code: problem.code, detail: problem.message }, 'a request was refused')
    return sendProblem(reply, problem, request.id)
  })

  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '/'
    const methods = routes.methodsOf(path)
    if (methods.length === 0) {
      return sendProblem(reply, new Problem('ROUTE_NOT_FOUND', `There is nothing at ${path.slice(0, 200)}. GET / lists where to begin, /openapi.yaml has every address.`), request.id)
    }
    const allow = [...methods, 'OPTIONS'].join(', ')
    reply.header('allow', allow)
    if (request.method === 'OPTIONS') return reply.code(204).send()
    return sendProblem(reply, new Problem('METHOD_NOT_ALLOWED', `${request.method} is not possible here; ${allow} are.`, { facts: { allowed: methods } }), request.id)
  })
}

export const problems = fp(problemsPlugin, { name: 'problems', fastify: '5.x' })

export function sendProblem (reply: FastifyReply, problem: Problem | SimError, instance: string): FastifyReply {
  const body = problemBody(problem, instance)
  if (problem instanceof Problem) reply.headers(problem.headers)
  return reply.code(body.status).header('cache-control', 'no-store').type(problemType).send(JSON.stringify(body))
}

function toProblem (error: FastifyError | Problem | SimError, request: FastifyRequest): Problem | SimError {
  if (error instanceof Problem || error instanceof SimError) return error
  const code = codeOfStatus.get(error.statusCode ?? 500)
  if (code === undefined) {
    return new Problem('INTERNAL_ERROR', `The server's log has the reason under the id ${request.id}.`)
  }
  if (code === 'BODY_TOO_LARGE') {
    const limit = request.routeOptions.bodyLimit
    return new Problem(code, `At most ${limit} bytes are read here.`, { facts: { limitBytes: limit } })
  }
  return new Problem(code, sentence(error.message), code === 'OVERLOADED' ? { headers: { 'retry-after': '5' } } : {})
}

const sentence = (message: string): string => message.endsWith('.') ? message : `${message}.`

/** For what the router refuses before there is a route: an address that is not percent-encoded right. */
export function answerFrameworkError (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  sendProblem(reply, toProblem(error, request), request.id)
}

/** For what the HTTP parser itself refuses: there is no request and no reply yet. */
export function answerClientError (error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const code: ProblemCode = error.code === 'HPE_HEADER_OVERFLOW' ? 'HEADERS_TOO_LARGE' : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'REQUEST_TIMEOUT' : 'MALFORMED_REQUEST'
  const body = problemBody(new Problem(code, 'The connection is closed.'), 'none')
  const text = JSON.stringify(body)
  socket.end(`HTTP/1.1 ${body.status} ${body.title}\r\nContent-Type: ${problemType}\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`)
}

/** Which methods an address knows; the router itself tells only whether one of them matches. */
class RouteTable {
  readonly #routes: Array<{ segments: string[], methods: string[] }> = []

  add (url: string, method: string | string[]): void {
    this.#routes.push({ segments: url.split('/'), methods: [method].flat() })
  }

  methodsOf (path: string): string[] {
    const segments = path.split('/')
    const matching = this.#routes.filter((route) => matches(route.segments, segments))
    return [...new Set(matching.flatMap(({ methods }) => methods))].sort()
  }
}

function matches (pattern: string[], segments: string[]): boolean {
  return pattern.length === segments.length &&
    pattern.every((part, index) => part === segments[index] || (part.startsWith(':') && segments[index] !== ''))
}
