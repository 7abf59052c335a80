// File descriptors of the emulated kernel's user space: small integers that hold a reference on a map or a program.
// Ids name an object for as long as anything refers to it; a descriptor is one such reference.

import { failure, success } from '../profile/errno.ts'
import type { Result } from '../profile/errno.ts'

export interface Referenced {
  retain (): void
  release (): void
}

/** 0, 1 and 2 are the standard streams */
const FIRST_DESCRIPTOR = 3
/** a process may not have more on Linux either (fs.nr_open) */
const DESCRIPTORS_MAX = 1 << 20

export class DescriptorTable<T extends Referenced> {
  readonly #open = new Map<number, T>()
  readonly #limit: number
  /** no number below it is free */
  #lowest = FIRST_DESCRIPTOR

  constructor (limit = DESCRIPTORS_MAX) {
    this.#limit = limit
  }

  /**
   * Hands out the lowest free number, as Linux does.
   * @param object its creator's reference passes to the descriptor, and is released if there is none
   */
  install (object: T): Result<number> {
    if (this.#open.size >= this.#limit) {
      object.release()
      return failure('EMFILE', `${this.#limit} descriptors are open, which is the limit`)
    }
    while (this.#open.has(this.#lowest)) this.#lowest++
    this.#open.set(this.#lowest, object)
    return success(this.#lowest++)
  }

  get (descriptor: number): Result<T> {
    const object = this.#open.get(descriptor)
    return object === undefined ? failure('EBADF', `descriptor ${descriptor} is not open`) : success(object)
  }

  close (descriptor: number): Result<void> {
    const object = this.#open.get(descriptor)
    if (object === undefined) return failure('EBADF', `descriptor ${descriptor} is not open`)
    this.#open.delete(descriptor)
    this.#lowest = Math.min(this.#lowest, descriptor)
    object.release()
    return success(undefined)
  }
}
