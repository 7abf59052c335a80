// How a check deep in the verifier ends the walk: thrown here, caught in index.ts, never seen outside of the room.

import type { ErrnoName } from '../profile/errno.ts'

export class Refusal extends Error {
  readonly errno: ErrnoName
  /** lines of the log that say why, as the kernel writes them */
  readonly lines: readonly string[]

  /** @param cause the line that says it all, if not the last one */
  constructor (errno: ErrnoName, lines: readonly string[], cause = lines[lines.length - 1] ?? '') {
    super(cause)
    this.errno = errno
    this.lines = lines
  }
}

export function refuse (errno: ErrnoName, ...lines: string[]): never {
  throw new Refusal(errno, lines)
}
