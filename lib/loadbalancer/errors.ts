// How a wish for the load balancer can be refused: a value, with every place that is wrong. Codes are those of the surface above.

export type LbErrorCode =
  'INVALID_ARGUMENT' | 'INVALID_DOCUMENT' | 'SERVICE_NOT_FOUND' | 'SERVICE_EXISTS' | 'FRONTEND_CONFLICT' | 'IMPORTED_OBJECT' | 'MAP_FULL' |
  'IDS_EXHAUSTED' | 'OUT_OF_MEMORY' | 'LIMIT_EXCEEDED'

export interface LbPlace {
  /** JSON Pointer into the input */
  readonly pointer: string
  readonly detail: string
}

export interface LbError {
  readonly code: LbErrorCode
  readonly message: string
  readonly places: readonly LbPlace[]
  /** further facts, e.g. the map's name and its limit */
  readonly facts: Readonly<Record<string, unknown>>
}

export type LbResult<T> = { readonly ok: true, readonly value: T } | { readonly ok: false, readonly error: LbError }

export function done<T> (value: T): { readonly ok: true, readonly value: T } {
  return { ok: true, value }
}

export function refuse (
  code: LbErrorCode, message: string, more: { places?: readonly LbPlace[], facts?: Readonly<Record<string, unknown>> } = {}
): { readonly ok: false, readonly error: LbError } {
  return { ok: false, error: { code, message, places: more.places ?? [], facts: more.facts ?? {} } }
}

/** what was wrong at several places of one input */
export function refusePlaces (code: LbErrorCode, places: readonly LbPlace[]): { readonly ok: false, readonly error: LbError } {
  const first = places[0]
  const more = places.length > 1 ? ` (and ${places.length - 1} more)` : ''
  return refuse(code, first === undefined ? 'the input is not acceptable' : `${first.pointer || '/'}: ${first.detail}${more}`, { places })
}

/** one step of a JSON Pointer (RFC 6901) */
export function pointerStep (name: string | number): string {
  return `/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`
}
