// The events of one run: a bounded memory for those who come back, and waiting for those who are there. Readers pull, so a
// slow one holds up nobody and costs no memory: what has gone before it asks is told as a `gap`.

import type { RunEvent } from '../../routes/support/runs.ts'

export class EventLog {
  readonly #capacity: number
  #events: RunEvent[] = []
  #lastId = 0
  #closed = false
  #wake: Array<() => void> = []

  constructor (capacity: number) {
    this.#capacity = capacity
  }

  push (event: 'state' | 'progress' | 'end', data: unknown): void {
    this.#events.push({ id: ++this.#lastId, event, data })
    if (this.#events.length > this.#capacity) this.#events.shift()
    this.#closed ||= event === 'end'
    const waiting = this.#wake
    this.#wake = []
    for (const wake of waiting) wake()
  }

  /** Events after `lastEventId` (null: from the beginning), then as they come, until `end`. */
  async * read (lastEventId: number | null, signal: AbortSignal): AsyncGenerator<RunEvent> {
    let seen = Math.min(lastEventId ?? 0, this.#lastId)
    while (!signal.aborted) {
      const [oldest] = this.#events
      if (oldest !== undefined && oldest.id > seen + 1) {
        yield { id: oldest.id - 1, event: 'gap', data: { from: seen + 1, to: oldest.id - 1 } }
        seen = oldest.id - 1
      }
      const fresh = this.#events.filter(({ id }) => id > seen)
      for (const event of fresh) {
        seen = event.id
        yield event
      }
      if (fresh.length > 0) continue
      if (this.#closed) return
      await this.#more(signal)
    }
  }

  #more (signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal.removeEventListener('abort', done)
        resolve()
      }
      signal.addEventListener('abort', done, { once: true })
      this.#wake.push(done)
    })
  }
}
