// A large value in small pieces. What a worker thread has parsed crosses to the main thread by structured clone, which
// costs the receiver time in proportion; 20 MB in one message would stop every other request for longer than the
// parsing that was moved away. So heavy arrays and objects travel empty and are filled piece by piece, one piece in
// each turn of the event loop.

type Path = ReadonlyArray<string | number>
type Holder = unknown[] | Record<string, unknown>

/** What to add to the array (`elements`) or object (`members`) at `path`. The first piece holds the root: path [], one element. */
export interface Piece {
  readonly path: Path
  readonly elements?: unknown[]
  readonly members?: Record<string, unknown>
}

/** Nodes and text of one piece, as a number; 4000 take about 2 ms to clone. */
const pieceWeight = 4000

export function * inPieces (value: unknown): Generator<Piece> {
  const heavy: Array<{ path: Path, holder: object }> = []
  // a heavy value goes as an empty shell and is queued to be filled; a light one goes whole
  const shell = (inner: unknown, path: Path): { value: unknown, weight: number } => {
    const weight = weigh(inner)
    if (weight <= pieceWeight || typeof inner !== 'object' || inner === null) return { value: inner, weight }
    heavy.push({ path, holder: inner })
    return { value: Array.isArray(inner) ? [] : {}, weight: 1 }
  }
  yield { path: [], elements: [shell(value, [0]).value] }
  for (let next = heavy.shift(); next !== undefined; next = heavy.shift()) {
    const { path, holder } = next
    const list = Array.isArray(holder)
    let batch: Array<[string, unknown]> = []
    let total = 0
    for (const [name, inner] of Object.entries(holder)) {
      const { value: part, weight } = shell(inner, [...path, list ? Number(name) : name])
      if (total + weight > pieceWeight && batch.length > 0) {
        yield asPiece(path, list, batch)
        batch = []
        total = 0
      }
      batch.push([name, part])
      total += weight
    }
    if (batch.length > 0) yield asPiece(path, list, batch)
  }
}

function asPiece (path: Path, list: boolean, batch: Array<[string, unknown]>): Piece {
  return list ? { path, elements: batch.map(([, value]) => value) } : { path, members: Object.fromEntries(batch) }
}

/** Puts the pieces together again, in the order in which they came. */
export class Assembly {
  readonly #root: unknown[] = []

  add ({ path, elements, members }: Piece): void {
    let holder: Holder = this.#root
    for (const step of path) holder = (holder as Record<string | number, Holder>)[step] as Holder
    if (elements !== undefined) for (const element of elements) (holder as unknown[]).push(element)
    if (members !== undefined) Object.assign(holder, members)
  }

  get value (): unknown {
    return this.#root[0]
  }
}

/** Counts up to just beyond one piece's weight: more is not needed to know that something is heavy. */
function weigh (value: unknown): number {
  const pending = [value]
  let weight = 0
  while (pending.length > 0 && weight <= pieceWeight) {
    const next = pending.pop()
    weight += typeof next === 'string' ? 1 + next.length / 64 : 1
    if (typeof next === 'object' && next !== null) for (const inner of Object.values(next)) pending.push(inner)
  }
  return weight
}
