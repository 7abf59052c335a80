// A table as some machine has it against the one that its backends should give: where they part, how much of it, and what would explain
// it. Backend ids are each machine's own, so tables are compared up to a renaming of ids, unless it is known which backend has which id.
// An explanation is never guessed: the table is built under it, and it counts when every slot comes out the same.

import { backendKey, buildTable, fillEvenly, isPrime, permutationOf, releases } from '../../maglev/index.ts'
import type { Release, Seed, TableBackend } from '../../maglev/index.ts'
import { endpointText } from '../service.ts'
import type { Steps } from '../steps.ts'

export interface TableQuestion {
  /** the table as it is, ids by slot */
  readonly ids: Uint32Array
  /** M that there should be */
  readonly m: number
  /** those that should be in it, by the ids of the machine that it is from if `idsKnown`, else by any */
  readonly backends: readonly TableBackend[]
  /** further ones that are known and should not be in it: in maintenance, of other services */
  readonly others: readonly TableBackend[]
  readonly idsKnown: boolean
  /** whether ids of `backends` are those of another machine, so that it can be said that only ids differ */
  readonly idsOfAnother: boolean
  readonly seed: Seed
  readonly release: Release
  /** seeds that it might have been built with instead */
  readonly seeds: readonly Seed[]
}

export const tableCauses = [
  'backend-ids', 'table-size', 'weights', 'release', 'seed', 'order', 'backend-missing', 'backend-extra', 'reader-defect', 'no-table', 'unknown'
] as const

export type TableCause = typeof tableCauses[number]

export interface Explanation {
  readonly code: TableCause
  readonly detail: string
}

export interface TableComparison {
  /** slots of the table as it is */
  readonly m: number
  readonly expectedM: number
  /** every slot leads to the backend that it should, whatever its id */
  readonly samePicks: boolean
  readonly differingSlots: number
  /** 0 .. 1, of its slots */
  readonly differingShare: number
  /** null: there is none */
  readonly firstDifference: {
    readonly slot: number,
    /** address, port and protocol */
    readonly expected: string | null,
    readonly found: { readonly id: number, readonly backend: string | null }
  } | null
  /** what together explains it; empty where nothing differs */
  readonly causes: readonly Explanation[]
}

/** tables that are built to explain one, and their slots together */
const TRIES_MAX = 400
const TRIED_SLOTS_MAX = 10_000_000
/** backends all of whose orders are tried */
const ALL_ORDERS_MAX = 5

/** Pauses after every table that is built. */
export function * compareTable (question: TableQuestion): Steps<TableComparison> {
  const { ids, m: expectedM, backends, seed, release } = question
  const m = ids.length
  const about = { m, expectedM }
  if (backends.length === 0 || m === 0) return withoutTable(about, question)
  const sizes: Explanation[] = m === expectedM ? [] : [{ code: 'table-size', detail: `the table has ${m} slots, M is ${expectedM} here` }]
  if (!isPrime(m)) {
    return everythingDiffers(about, question, [{ code: 'table-size', detail: `${m} slots are no size of a Maglev table, which are prime: the list may be cut off` }])
  }
  const expected = build(m, backends, seed, release)
  yield
  const same = exactNames(ids, expected, question)
  const found = same === null ? yield * explain(question, expected) : { explanations: renamed(ids, expected, question), names: same }
  const { differing, first } = differences(ids, expected, found.names, question)
  return {
    ...about,
    // a table of another size moves flows even where it is right for its size
    samePicks: differing === 0 && m === expectedM,
    differingSlots: differing,
    differingShare: differing / m,
    firstDifference: first,
    causes: [...sizes, ...found.explanations]
  }
}

/** id in the table -> id of the question's backends */
type Names = ReadonlyMap<number, number>

interface Explained {
  readonly explanations: readonly Explanation[]
  /** of the table that explains it; else those under which most slots are the same */
  readonly names: Names
}

function * explain (question: TableQuestion, expected: Uint32Array): Steps<Explained> {
  let tries = 0
  for (const { table, explanations } of hypotheses(question, expected)) {
    const built = table()
    yield
    const names = exactNames(question.ids, built, question)
    if (names !== null) return { explanations, names }
    if (++tries >= TRIES_MAX || tries * question.ids.length > TRIED_SLOTS_MAX) break
  }
  return { explanations: [unexplained(question, tries)], names: bestNames(question.ids, expected, question) }
}

interface Hypothesis {
  readonly explanations: Explanation[]
  /** by the ids of the question's backends */
  table (): Uint32Array
}

/** From what happens often and is one thing, to two things together. */
function * hypotheses (question: TableQuestion, expected: Uint32Array): Generator<Hypothesis> {
  const { ids, backends, seed, release } = question
  const m = ids.length
  // the newest first: without weights the older two fill alike
  const otherReleases = releases.filter(one => one !== release).reverse()
  const otherSeeds = question.seeds.filter(one => one.base64 !== seed.base64)
  const releaseCause = (one: Release): Explanation =>
    ({ code: 'release', detail: `it is the table of release line ${one}; here it is ${release}` })
  const seedCause = (one: Seed): Explanation =>
    ({ code: 'seed', detail: `it is built with seed ${one.base64}${one.murmur === 0 ? ' (zero)' : ''}, not with ${seed.base64}` })

  yield { explanations: [{ code: 'reader-defect', detail: 'from the middle on every slot is slot 0: read by the reader of 1.9.0 to 1.9.6 (cilium #15683)' }], table: () => halfRead(expected) }
  for (const one of otherReleases) yield { explanations: [releaseCause(one)], table: () => build(m, backends, seed, one) }
  for (const one of otherSeeds) yield { explanations: [seedCause(one)], table: () => build(m, backends, one, release) }
  if (backends.some(({ weight }) => weight !== backends[0]?.weight)) {
    yield {
      explanations: [{ code: 'weights', detail: 'the weights of the backends are not in it: all count the same' }],
      table: () => build(m, backends.map(one => ({ ...one, weight: 1 })), seed, release)
    }
  }
  yield * missing(question)
  yield * extra(question)
  yield * orders(question)
  for (const otherSeed of otherSeeds) {
    for (const one of otherReleases) {
      yield { explanations: [releaseCause(one), seedCause(otherSeed)], table: () => build(m, backends, otherSeed, one) }
    }
  }
}

/** Backends that it does not have: all whose ids are not there, or any one where ids say nothing. */
function * missing ({ ids, backends, idsKnown, seed, release }: TableQuestion): Generator<Hypothesis> {
  const without = (gone: readonly TableBackend[]): Hypothesis => ({
    explanations: missingCause(gone),
    table: () => build(ids.length, backends.filter(one => !gone.includes(one)), seed, release)
  })
  const present = new Set(ids)
  if (idsKnown) {
    const gone = backends.filter(({ id }) => !present.has(id))
    if (gone.length > 0 && gone.length < backends.length) yield without(gone)
  } else if (present.size < backends.length && backends.length > 1) for (const one of backends) yield without([one])
}

function missingCause (gone: readonly TableBackend[]): Explanation[] {
  if (gone.length === 0) return []
  return [{ code: 'backend-missing', detail: `${gone.map(endpointText).join(', ')} ${gone.length === 1 ? 'is' : 'are'} not in it` }]
}

function * extra ({ ids, backends, others, idsKnown, seed, release }: TableQuestion): Generator<Hypothesis> {
  const withMore = (more: readonly TableBackend[], gone: readonly TableBackend[]): Hypothesis => ({
    explanations: [
      { code: 'backend-extra', detail: `${more.map(endpointText).join(', ')} ${more.length === 1 ? 'is' : 'are'} in it and should not be` },
      ...missingCause(gone)
    ],
    table: () => build(ids.length, [...backends.filter(one => !gone.includes(one)), ...more], seed, release)
  })
  const present = new Set(ids)
  if (idsKnown) {
    const more = others.filter(({ id }) => present.has(id))
    if (more.length > 0) yield withMore(more, backends.filter(({ id }) => !present.has(id)))
  } else if (present.size > backends.length || others.length > 0) for (const one of others) yield withMore([one], [])
}

/** Agents that did not sort their backends (before 1.9.0, cilium #13224) filled in the order of a hash map: any. */
function * orders ({ ids, backends, seed, release }: TableQuestion): Generator<Hypothesis> {
  const permutations = new Map(backends.map(one => [one, permutationOf(backendKey(one, release), seed.murmur, ids.length)]))
  const inOrder = (order: readonly TableBackend[], name: string): Hypothesis => ({
    explanations: [{ code: 'order', detail: `the backends are not sorted by their keys but ${name}` }],
    table: () => {
      const slots = fillEvenly(ids.length, order.flatMap(one => permutations.get(one) ?? []))
      return Uint32Array.from(slots, index => order[index]?.id ?? 0)
    }
  })
  const byId = [...backends].sort((one, other) => one.id - other.id)
  yield inOrder(backends, 'in the order of the list')
  yield inOrder(byId, 'in the order of their ids')
  yield inOrder([...byId].reverse(), 'in the order of their ids, backwards')
  if (backends.length > ALL_ORDERS_MAX) return
  for (const order of permutationsOf(backends)) yield inOrder(order, `in the order ${order.map(endpointText).join(', ')}`)
}

function * permutationsOf<T> (items: readonly T[]): Generator<T[]> {
  if (items.length <= 1) yield [...items]
  for (const [index, item] of items.length <= 1 ? [] : items.entries()) {
    for (const rest of permutationsOf([...items.slice(0, index), ...items.slice(index + 1)])) yield [item, ...rest]
  }
}

function unexplained ({ ids, backends, others, idsKnown }: TableQuestion, tries: number): Explanation {
  const present = [...new Set(ids)]
  const known = new Set([...backends, ...others].map(({ id }) => id))
  const strangers = present.filter(id => !known.has(id))
  if (idsKnown && strangers.length > 0) {
    const share = ids.reduce((sum, id) => sum + (known.has(id) ? 0 : 1), 0) / ids.length
    return { code: 'backend-extra', detail: `backend ids ${strangers.slice(0, 8).join(', ')} hold ${(100 * share).toFixed(2)} % of it, and no backend is known by them` }
  }
  if (present.length > backends.length) {
    return { code: 'backend-extra', detail: `it has ${present.length} backends, ${backends.length} are known: ${present.length - backends.length} more, which cannot be named` }
  }
  if (present.length < Math.min(backends.length, ids.length)) {
    return { code: 'backend-missing', detail: `it has ${present.length} backends, ${backends.length} are known; without any one of them it would still be another` }
  }
  return { code: 'unknown', detail: `none of ${tries} explanations gives this table: another seed, other backends, or several things at once` }
}

const build = (m: number, backends: readonly TableBackend[], seed: Seed, release: Release): Uint32Array =>
  buildTable(m, backends, seed, release)?.ids ?? new Uint32Array(m)

function halfRead (table: Uint32Array): Uint32Array {
  return table.map((id, slot) => slot < Math.ceil(table.length / 2) ? id : table[0] ?? 0)
}

/** @returns the names under which it is slot by slot the same, null where there are none */
function exactNames (ids: Uint32Array, expected: Uint32Array, { idsKnown, backends, others }: TableQuestion): Names | null {
  if (idsKnown) return ids.every((id, slot) => id === expected[slot]) ? ownNames([...backends, ...others]) : null
  const names = new Map<number, number>()
  const taken = new Set<number>()
  const same = ids.every((id, slot) => {
    const wanted = expected[slot] ?? 0
    const known = names.get(id)
    if (known !== undefined) return known === wanted
    if (taken.has(wanted)) return false
    names.set(id, wanted)
    taken.add(wanted)
    return true
  })
  return same ? names : null
}

/** The names under which most slots are the same: those that meet most often go together. */
function bestNames (ids: Uint32Array, expected: Uint32Array, { idsKnown, backends, others }: TableQuestion): Names {
  if (idsKnown) return ownNames([...backends, ...others])
  const meetings = new Map<string, { id: number, wanted: number, count: number }>()
  ids.forEach((id, slot) => {
    const wanted = expected[slot] ?? 0
    const meeting = meetings.get(`${id} ${wanted}`)
    if (meeting === undefined) meetings.set(`${id} ${wanted}`, { id, wanted, count: 1 })
    else meeting.count++
  })
  const names = new Map<number, number>()
  const taken = new Set<number>()
  for (const { id, wanted } of [...meetings.values()].sort((one, other) => other.count - one.count)) {
    if (names.has(id) || taken.has(wanted)) continue
    names.set(id, wanted)
    taken.add(wanted)
  }
  return names
}

const ownNames = (backends: readonly TableBackend[]): Names => new Map(backends.map(({ id }) => [id, id]))

function renamed (ids: Uint32Array, expected: Uint32Array, { idsOfAnother }: TableQuestion): Explanation[] {
  if (!idsOfAnother || ids.every((id, slot) => id === expected[slot])) return []
  return [{ code: 'backend-ids', detail: 'only the ids of the backends are others, which every node gives by itself; every slot leads to the same backend' }]
}

function differences (
  ids: Uint32Array, expected: Uint32Array, names: Names, { backends, others }: TableQuestion
): { differing: number, first: TableComparison['firstDifference'] } {
  let differing = 0
  let slot = -1
  ids.forEach((id, index) => {
    if (names.get(id) === expected[index]) return
    if (differing++ === 0) slot = index
  })
  if (differing === 0) return { differing, first: null }
  const textOf = (id: number | undefined): string | null => {
    const backend = [...backends, ...others].find(one => one.id === id)
    return backend === undefined ? null : endpointText(backend)
  }
  const id = ids[slot] ?? 0
  return { differing, first: { slot, expected: textOf(expected[slot]), found: { id, backend: textOf(names.get(id)) } } }
}

function withoutTable (about: { m: number, expectedM: number }, { ids, backends }: TableQuestion): TableComparison {
  const detail = ids.length === 0 ? `the list has no slots; ${backends.length} backends should have a table` : 'there should be no table: no backend is active or terminating'
  if (ids.length === 0 && backends.length === 0) {
    return { ...about, samePicks: true, differingSlots: 0, differingShare: 0, firstDifference: null, causes: [] }
  }
  const differingSlots = Math.max(about.m, about.expectedM)
  return { ...about, samePicks: false, differingSlots, differingShare: 1, firstDifference: null, causes: [{ code: 'no-table', detail }] }
}

function everythingDiffers (
  about: { m: number, expectedM: number }, { ids }: TableQuestion, causes: readonly Explanation[]
): TableComparison {
  const first = { slot: 0, expected: null, found: { id: ids[0] ?? 0, backend: null } }
  return { ...about, samePicks: false, differingSlots: about.m, differingShare: 1, firstDifference: first, causes }
}
