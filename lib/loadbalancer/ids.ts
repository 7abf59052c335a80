// Id allocation as Cilium's agent does it: always the next number, wrapping around at the end of the range and skipping those in use. A
// freed id is not reused before that, so ids tell the history of a node. What a change took and freed is undone when it is dropped.

export class IdAllocator {
  readonly #first: number
  /** exclusive */
  readonly #end: number
  readonly #used = new Set<number>()
  #next: number
  /** state of `next` and what happened since the last commit or rollback */
  #committedNext: number
  readonly #journal: { readonly id: number, readonly acquired: boolean }[] = []

  constructor (first: number, end: number) {
    this.#first = first
    this.#end = end
    this.#next = first
    this.#committedNext = first
  }

  /** @returns null when all ids are in use */
  acquire (): number | null {
    if (this.#used.size >= this.#end - this.#first) return null
    for (;;) {
      if (this.#next === this.#end) this.#next = this.#first
      const id = this.#next++
      if (this.#used.has(id)) continue
      this.#used.add(id)
      this.#journal.push({ id, acquired: true })
      return id
    }
  }

  release (id: number): void {
    if (this.#used.delete(id)) this.#journal.push({ id, acquired: false })
  }

  commit (): void {
    this.#journal.length = 0
    this.#committedNext = this.#next
  }

  rollback (): void {
    for (const { id, acquired } of this.#journal.reverse()) {
      if (acquired) this.#used.delete(id)
      else this.#used.add(id)
    }
    this.#journal.length = 0
    this.#next = this.#committedNext
  }
}

/**
 * u16, and the datapath reads 0 as none; the last value is left out by Cilium as well
 * @param largest where ids are positions in an array: its number of places
 */
export function frontendIds (largest = 0xfffe): IdAllocator {
  return new IdAllocator(1, Math.min(largest, 0xfffe) + 1)
}

export function backendIds (): IdAllocator {
  return new IdAllocator(1, 0xffffffff)
}
