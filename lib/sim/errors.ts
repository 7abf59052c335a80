// Every way in which a request to the simulator can fail, as one catalogue: code, short title, and what kind of
// failure it is. The HTTP surface turns the kind into a status, the command line into an exit code.

export const simErrorCatalogue = {
  INVALID_ARGUMENT: { kind: 'invalid', title: 'A value is well-formed but not acceptable' },
  INVALID_DOCUMENT: { kind: 'invalid', title: 'A manifest cannot be read as what it says it is' },
  INVALID_PACKET: { kind: 'invalid', title: 'The packet cannot be run' },
  INVALID_FLOW: { kind: 'invalid', title: 'The flow cannot be made into a packet' },
  SERVICE_NOT_FOUND: { kind: 'missing', title: 'No such service' },
  BACKEND_NOT_FOUND: { kind: 'missing', title: 'No such backend' },
  NODE_NOT_FOUND: { kind: 'missing', title: 'No such node' },
  FRONTEND_NOT_FOUND: { kind: 'missing', title: 'No such frontend on this node' },
  TABLE_NOT_FOUND: { kind: 'missing', title: 'This frontend has no Maglev table' },
  MAP_NOT_FOUND: { kind: 'missing', title: 'No such map on this node' },
  PROGRAM_NOT_FOUND: { kind: 'missing', title: 'No such program on this node' },
  SERVICE_EXISTS: { kind: 'conflict', title: 'A service of that name exists' },
  NODE_EXISTS: { kind: 'conflict', title: 'A node of that name exists' },
  FRONTEND_CONFLICT: { kind: 'conflict', title: 'Two frontends claim the same address, port and protocol' },
  IMPORTED_OBJECT: { kind: 'conflict', title: 'The object was imported and is changed by importing it again' },
  MAP_FULL: { kind: 'conflict', title: 'A BPF map of a node cannot hold the change' },
  IDS_EXHAUSTED: { kind: 'conflict', title: 'A node has no free identifier left' },
  CHANGE_IN_PROGRESS: { kind: 'conflict', title: 'Another change is being made' },
  NODE_CHANGED: { kind: 'conflict', title: 'The node was rebuilt while it was used' },
  OUT_OF_MEMORY: { kind: 'conflict', title: 'The emulated memory of a node cannot hold the change' },
  LIMIT_EXCEEDED: { kind: 'invalid', title: 'A stated limit is exceeded' }
} as const satisfies Record<string, { kind: SimErrorKind, title: string }>

export type SimErrorKind = 'invalid' | 'missing' | 'conflict'
export type SimErrorCode = keyof typeof simErrorCatalogue

export interface SimErrorPlace {
  /** JSON Pointer into the input, e.g. `/flows/3/destinationPort` */
  readonly pointer: string
  readonly detail: string
}

export class SimError extends Error {
  readonly code: SimErrorCode
  readonly places: readonly SimErrorPlace[]
  /** further facts, e.g. the map's name and its limit */
  readonly facts: Readonly<Record<string, unknown>>

  /** @param detail what was wrong, where, and what to do, for people */
  constructor (code: SimErrorCode, detail: string, options: { places?: readonly SimErrorPlace[], facts?: Record<string, unknown> } = {}) {
    super(detail)
    this.name = 'SimError'
    this.code = code
    this.places = options.places ?? []
    this.facts = options.facts ?? {}
  }
}

/** A refusal of the load balancer, whose codes are some of these. */
export function simErrorOf (refusal: {
  readonly code: SimErrorCode,
  readonly message: string,
  readonly places: readonly SimErrorPlace[],
  readonly facts: Readonly<Record<string, unknown>>
}): SimError {
  return new SimError(refusal.code, refusal.message, { places: refusal.places, facts: { ...refusal.facts } })
}

/** The same failure of something that stands at `at` within the input: its places are told from the input's own start. */
export function simErrorUnder (at: string, { code, message, places, facts }: SimError): SimError {
  const within = places.map(({ pointer, detail }) => ({ pointer: `${at}${pointer}`, detail }))
  return new SimError(code, message.startsWith('/') ? `${at}${message}` : message, { places: within, facts })
}
