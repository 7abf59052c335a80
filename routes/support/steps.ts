// Long work beside other requests: so many milliseconds at a time, then others get their turn of the event loop.

import { setImmediate as nextTurn } from 'node:timers/promises'

const sliceMs = 10

export async function inSteps<T, S> (steps: Generator<S, T>, onStep?: (step: S) => void): Promise<T> {
  for (;;) {
    const until = performance.now() + sliceMs
    do {
      const { done, value } = steps.next()
      if (done === true) return value
      onStep?.(value)
    } while (performance.now() < until)
    await nextTurn()
  }
}
