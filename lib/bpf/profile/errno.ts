// Errors of the emulated kernel, as values: errno name, its number on x86-64 Linux, and what was wrong in words.

export const errnoNumbers = {
  EPERM: 1,
  ENOENT: 2,
  E2BIG: 7,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  EMFILE: 24,
  ENOSPC: 28,
  EDOM: 33,
  ERANGE: 34,
  EOPNOTSUPP: 95,
  ENOTSUPP: 524
} as const

export type ErrnoName = keyof typeof errnoNumbers

export interface Errno {
  readonly name: ErrnoName
  readonly number: number
  /** what was wrong and where, for people */
  readonly message: string
}

export interface Refused { readonly ok: false, readonly error: Errno }
export type Result<T> = { readonly ok: true, readonly value: T } | Refused

export function failure (name: ErrnoName, message: string): Refused {
  return { ok: false, error: { name, number: errnoNumbers[name], message } }
}

export function success<T> (value: T): { readonly ok: true, readonly value: T } {
  return { ok: true, value }
}

/** @returns the errno of a negative helper result such as -17; unknown numbers become EINVAL */
export function errnoOf (result: number, message: string): Errno {
  const entry = Object.entries(errnoNumbers).find(([, number]) => number === -result)
  return { name: (entry?.[0] ?? 'EINVAL') as ErrnoName, number: entry?.[1] ?? errnoNumbers.EINVAL, message }
}
