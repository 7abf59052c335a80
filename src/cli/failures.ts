// How a command fails, and the exit code it fails with: 2 when the input has to change, 1 when something else went wrong.

export const exitCodes = { ok: 0, failure: 1, badInput: 2 } as const

/** the caller's input has to change */
export class BadInput extends Error {
  override readonly name = 'BadInput'
}

/** anything else that is expected to happen and is explained by its message alone */
export class Failure extends Error {
  override readonly name = 'Failure'
}
