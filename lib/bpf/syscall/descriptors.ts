// File descriptors of the emulated kernel's user space: small integers that hold a reference on a map or a program.
// Ids name an object for as long as anything refers to it; a descriptor is one such reference.

import { failure, success } from '../profile/errno.ts'
import type { Result } from '../profile/errno.ts'

export interface Referenced {
  retain (): void
  release (): void
}

/** The lowest free number is handed out, as Linux does; 0, 1 and 2 are the standard streams. */
const FIRST_DESCRIPTOR = 3
const DESCRIPTORS_MAX = 1 << 20

export class DescriptorTable<T extends Referenced> {
  readonly #open = new Map<number, T>()
  readonly #free: number[] = []
  #next = FIRST_DESCRIPTOR

  /** @param object its creator's reference passes to the descriptor */
  install (object: T): Result<number> {
    if (this.#open.size >= DESCRIPTORS_MAX) return failure('ENOMEM', `more than ${DESCRIPTORS_MAX} descriptors are open`)
    const descriptor = this.#free.pop() ?? this.#next++
    this.#open.set(descriptor, object)
    return success(descriptor)
  }

  get (descriptor: number): Result<T> {
    const object = this.#open.get(descriptor)
    return object === undefined ? failure('EBADF', `descriptor ${descriptor} is not open`) : success(object)
  }

  close (descriptor: number): Result<void> {
    const object = this.#open.get(descriptor)
    if (object === undefined) return failure('EBADF', `descriptor ${descriptor} is not open`)
    this.#open.delete(descriptor)
    this.#free.push(descriptor)
    object.release()
    return success(undefined)
  }
}
