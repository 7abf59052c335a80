// A thing or null, where its absence is no failure.

import { SimError, type SimErrorCode } from '../../lib/sim/errors.ts'

export function findOrNull<T> (missing: SimErrorCode, get: () => T): T | null {
  try {
    return get()
  } catch (error) {
    if (error instanceof SimError && error.code === missing) return null
    throw error
  }
}
