// Work in steps: a generator that pauses now and then, so that who runs it may do other things in between, or runs it through
// at once. Nothing that a step has thought through shows before the last one, but for map writes, which are as visible as an agent's.

export type Steps<T> = Generator<undefined, T>

/** Runs all steps without a pause. */
export function complete<T> (steps: Generator<unknown, T>): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}
