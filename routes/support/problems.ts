// Problems (RFC 9457): every way in which this HTTP surface says no, as one catalogue. A problem's `type` is a page that
// this server serves (`/problems/<code>`), docs/errors.md lists them all, and a test holds the two together.

import { simErrorCatalogue, type SimError, type SimErrorKind } from '../../lib/sim/errors.ts'

const httpProblems = {
  MALFORMED_REQUEST: { status: 400, title: 'The request cannot be read as HTTP' },
  MALFORMED_JSON: { status: 400, title: 'The body is not JSON' },
  MALFORMED_YAML: { status: 400, title: 'The body is not YAML' },
  VALIDATION_FAILED: { status: 400, title: 'A value does not fit the schema' },
  INVALID_CURSOR: { status: 400, title: 'The cursor does not belong to this list' },
  ROUTE_NOT_FOUND: { status: 404, title: 'No such address' },
  RUN_NOT_FOUND: { status: 404, title: 'No such run' },
  PROBLEM_NOT_FOUND: { status: 404, title: 'No such problem' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'The address does not know this method' },
  NOT_ACCEPTABLE: { status: 406, title: 'None of the accepted formats is available' },
  REQUEST_TIMEOUT: { status: 408, title: 'The request took too long to arrive' },
  BACKEND_EXISTS: { status: 409, title: 'The service has such a backend' },
  RUN_NOT_FINISHED: { status: 409, title: 'The run has not finished' },
  RUN_FINISHED: { status: 409, title: 'The run has finished already' },
  RUN_TIME_EXCEEDED: { status: 409, title: 'The run took too long and was stopped' },
  RUN_HAS_NO_RESULT: { status: 409, title: 'The run ended without a result' },
  PRECONDITION_FAILED: { status: 412, title: 'The resource has changed since it was read' },
  BODY_TOO_LARGE: { status: 413, title: 'The body is too large' },
  URI_TOO_LONG: { status: 414, title: 'The address is too long' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'The body is of a type that this address does not read' },
  PRECONDITION_REQUIRED: { status: 428, title: 'The request has to name the version that it changes' },
  TOO_MANY_RUNS: { status: 429, title: 'Too many runs are waiting' },
  TOO_MANY_STREAMS: { status: 429, title: 'Too many event streams are open' },
  HEADERS_TOO_LARGE: { status: 431, title: 'The header is too large' },
  INTERNAL_ERROR: { status: 500, title: 'Something went wrong in the server' },
  OVERLOADED: { status: 503, title: 'The server has too much to do' },
  SHUTTING_DOWN: { status: 503, title: 'The server is stopping' }
} as const

const statusOfKind: Record<SimErrorKind, number> = { invalid: 422, missing: 404, conflict: 409 }

export type ProblemCode = keyof typeof httpProblems | keyof typeof simErrorCatalogue

interface ProblemKind { readonly status: number, readonly title: string }

const simProblems = Object.entries(simErrorCatalogue)
  .map(([code, { kind, title }]): [string, ProblemKind] => [code, { status: statusOfKind[kind], title }])

export const problemCatalogue: ReadonlyMap<string, ProblemKind> = new Map([...Object.entries<ProblemKind>(httpProblems), ...simProblems])

export interface ProblemPlace {
  /** JSON Pointer into the body, or the name of a parameter or header */
  readonly pointer: string
  readonly detail: string
}

export interface ProblemBody {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly instance: string
  readonly code: string
  readonly errors?: readonly ProblemPlace[]
  readonly [extension: string]: unknown
}

interface ProblemOptions {
  readonly places?: readonly ProblemPlace[] | undefined
  readonly facts?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
}

/** What a handler throws to answer with a problem. */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly places: readonly ProblemPlace[]
  readonly facts: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>

  constructor (code: ProblemCode, detail: string, { places = [], facts = {}, headers = {} }: ProblemOptions = {}) {
    super(detail)
    this.name = 'Problem'
    this.code = code
    this.places = places
    this.facts = facts
    this.headers = headers
  }
}

/** @param instance the id of the request, which the log line carries too */
export function problemBody (problem: Problem | SimError, instance: string): ProblemBody {
  const { status, title } = problemCatalogue.get(problem.code) ?? httpProblems.INTERNAL_ERROR
  const errors = problem.places.map(({ pointer, detail }) => ({ pointer, detail }))
  return {
    ...problem.facts,
    type: `/problems/${problem.code}`,
    title,
    status,
    detail: problem.message,
    instance,
    code: problem.code,
    ...(errors.length > 0 ? { errors } : {})
  }
}
