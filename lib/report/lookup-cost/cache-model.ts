// A model of a processor's data caches: levels of sets of so many ways, the least recently used line going first. A line that one level
// lacks is asked of the next, and comes into both; stores ask as loads do. Levels are neither inclusive nor exclusive: each keeps what came
// by it. Not modelled: prefetching, address translation, other cores, what the program's own instructions take.

export interface CacheLevel {
  /** `L1d` */
  readonly name: string
  readonly sizeBytes: number
  readonly ways: number
  readonly lineBytes: number
}

/** one core of a usual server with the last level that it shares (AMD Zen 2): what reports take where nothing is said */
export const defaultCacheLevels: readonly CacheLevel[] = [
  { name: 'L1d', sizeBytes: 32 * 1024, ways: 8, lineBytes: 64 },
  { name: 'L2', sizeBytes: 512 * 1024, ways: 8, lineBytes: 64 },
  { name: 'L3', sizeBytes: 16 * 1024 * 1024, ways: 16, lineBytes: 64 }
]

/** @returns what is wrong with a level, in words; null: nothing */
export function cacheLevelFault ({ sizeBytes, ways, lineBytes }: CacheLevel): string | null {
  if (!Number.isInteger(Math.log2(lineBytes))) return `lines of ${lineBytes} bytes are no power of two`
  if (sizeBytes % (ways * lineBytes) !== 0) return `${sizeBytes} bytes are no whole number of sets of ${ways} lines of ${lineBytes} bytes`
  return null
}

export interface CacheModel {
  /** an access of so many bytes, which may lie across lines; addresses are below 2^32 */
  access (address: number, bytes: number): void
  /** by level: accesses that asked it, and those it had not; lines it holds */
  counts (): ReadonlyArray<{ readonly asked: number, readonly missed: number, readonly lines: number }>
  /** from now on counts begin at 0; what the caches hold stays */
  reset (): void
}

export function createCacheModel (levels: readonly CacheLevel[]): CacheModel {
  const caches = levels.map((level) => new Cache(level))
  // accesses are taken apart by the shortest lines of any level
  const shortest = Math.min(...levels.map(({ lineBytes }) => lineBytes))

  function ask (address: number): void {
    for (let level = 0; level < caches.length; level++) if ((caches[level] as Cache).has(address)) return
  }

  return {
    access (address, bytes) {
      const last = address + bytes - 1
      ask(address)
      for (let at = address - address % shortest + shortest; at <= last; at += shortest) ask(at)
    },
    counts: () => caches.map(({ asked, missed, lines }) => ({ asked, missed, lines })),
    reset () {
      for (const cache of caches) cache.asked = cache.missed = 0
    }
  }
}

const EMPTY = -1

class Cache {
  readonly #lineBits: number
  readonly #ways: number
  readonly #sets: number
  /** line numbers, set by set, the most recently used first */
  readonly #tags: Int32Array
  asked = 0
  missed = 0
  lines = 0

  constructor ({ sizeBytes, ways, lineBytes }: CacheLevel) {
    this.#lineBits = Math.log2(lineBytes)
    this.#ways = ways
    this.#sets = sizeBytes / (ways * lineBytes)
    this.#tags = new Int32Array(this.#sets * ways).fill(EMPTY)
  }

  /** @returns whether the line was there; it is from now on */
  has (address: number): boolean {
    const line = address >>> this.#lineBits
    const first = line % this.#sets * this.#ways
    const tags = this.#tags
    this.asked++
    if (tags[first] === line) return true
    let at = first + 1
    const end = first + this.#ways
    while (at < end && tags[at] !== line) at++
    const found = at < end
    if (!found) {
      at = end - 1
      this.missed++
      if (tags[at] === EMPTY) this.lines++
    }
    for (; at > first; at--) tags[at] = tags[at - 1] as number
    tags[first] = line
    return found
  }
}
