// Which backend a packet to which frontend went to: (target, address, port) -> a small number, found without allocating.
// Open addressing over typed arrays, because a run asks millions of times.

const LOAD = 0.5
const WORDS = 6

export interface Pair {
  readonly target: number
  /** 4 or 16 bytes */
  readonly address: Uint8Array
  readonly port: number
}

export class PairRegistry {
  #slots = new Int32Array(1024).fill(-1)
  #words = new Uint32Array(512 * WORDS)
  #families = new Uint8Array(512)
  #size = 0

  get size (): number {
    return this.#size
  }

  /**
   * @param view at `at` lies the address, in network order
   * @returns the number of the pair, a new one for a pair not seen before
   */
  find (target: number, family: 4 | 6, view: DataView, at: number, port: number): number {
    const w0 = view.getUint32(at)
    const w1 = family === 6 ? view.getUint32(at + 4) : 0
    const w2 = family === 6 ? view.getUint32(at + 8) : 0
    const w3 = family === 6 ? view.getUint32(at + 12) : 0
    const mask = this.#slots.length - 1
    for (let slot = hashOf(target, w0, w1, w2, w3, port) & mask; ; slot = (slot + 1) & mask) {
      const index = this.#slots[slot] as number
      if (index === -1) return this.#add(slot, family, target, w0, w1, w2, w3, port)
      const base = index * WORDS
      const words = this.#words
      if (words[base] === target && words[base + 1] === w0 && words[base + 5] === port && words[base + 2] === w1 &&
        words[base + 3] === w2 && words[base + 4] === w3) return index
    }
  }

  /** of what the pair is, not of when it was first seen: the same in every thread */
  contentHash (index: number): number {
    const base = index * WORDS
    const word = (at: number): number => this.#words[base + at] as number
    return hashOf(word(0), word(1), word(2), word(3), word(4), word(5))
  }

  pair (index: number): Pair {
    const base = index * WORDS
    const bytes = new Uint8Array(16)
    const view = new DataView(bytes.buffer)
    for (let word = 0; word < 4; word++) view.setUint32(word * 4, this.#words[base + 1 + word] as number)
    return {
      target: this.#words[base] as number,
      address: bytes.slice(0, this.#families[index] === 4 ? 4 : 16),
      port: this.#words[base + 5] as number
    }
  }

  #add (slot: number, family: 4 | 6, ...words: readonly [number, number, number, number, number, number]): number {
    const index = this.#size++
    if (index === this.#families.length) this.#growPairs()
    this.#words.set(words, index * WORDS)
    this.#families[index] = family
    this.#slots[slot] = index
    if (this.#size > this.#slots.length * LOAD) this.#growSlots()
    return index
  }

  #growPairs (): void {
    const words = new Uint32Array(this.#words.length * 2)
    words.set(this.#words)
    this.#words = words
    const families = new Uint8Array(this.#families.length * 2)
    families.set(this.#families)
    this.#families = families
  }

  #growSlots (): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(-1)
    for (let index = 0; index < this.#size; index++) {
      let slot = this.contentHash(index) & (slots.length - 1)
      while (slots[slot] !== -1) slot = (slot + 1) & (slots.length - 1)
      slots[slot] = index
    }
    this.#slots = slots
  }
}

function hashOf (target: number, w0: number, w1: number, w2: number, w3: number, port: number): number {
  let hash = Math.imul(target ^ 0x9e3779b9, 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 15) ^ w0, 0xc2b2ae35)
  hash = Math.imul(hash ^ (hash >>> 13) ^ w1, 0x27d4eb2f)
  hash = Math.imul(hash ^ (hash >>> 16) ^ w2, 0x165667b1)
  hash = Math.imul(hash ^ (hash >>> 15) ^ w3, 0x9e3779b1)
  hash = Math.imul(hash ^ (hash >>> 14) ^ port, 0x85ebca77)
  return (hash ^ (hash >>> 16)) >>> 0
}
