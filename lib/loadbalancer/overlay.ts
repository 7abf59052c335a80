// A map with pending changes on top: a change is tried out on the overlay and either committed as a whole or dropped.

const gone = Symbol('gone')

export class Overlay<K, V> {
  readonly #base: Map<K, V>
  readonly #pending = new Map<K, V | typeof gone>()
  #size: number

  constructor (base: Map<K, V>) {
    this.#base = base
    this.#size = base.size
  }

  get size (): number {
    return this.#size
  }

  get (key: K): V | undefined {
    const pending = this.#pending.get(key)
    if (pending === undefined) return this.#base.get(key)
    return pending === gone ? undefined : pending
  }

  has (key: K): boolean {
    return this.get(key) !== undefined
  }

  set (key: K, value: V): void {
    if (!this.has(key)) this.#size++
    this.#pending.set(key, value)
  }

  delete (key: K): boolean {
    if (!this.has(key)) return false
    this.#size--
    this.#pending.set(key, gone)
    return true
  }

  /** keys that were set or deleted here, in the order of their first change */
  changedKeys (): K[] {
    return [...this.#pending.keys()]
  }

  /** entries of the base in its order, changed ones in place, then new ones */
  * entries (): Generator<[K, V]> {
    for (const key of this.#base.keys()) {
      const value = this.get(key)
      if (value !== undefined) yield [key, value]
    }
    for (const [key, value] of this.#pending) {
      if (value !== gone && !this.#base.has(key)) yield [key, value]
    }
  }

  commit (): void {
    for (const [key, value] of this.#pending) {
      if (value === gone) this.#base.delete(key)
      else this.#base.set(key, value)
    }
    this.#pending.clear()
  }
}
