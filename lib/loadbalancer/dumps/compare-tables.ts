// The tables of a `bpf lb maglev list`, each against the backends of its frontend: found by its revNAT id, among the frontends of a list
// from the same machine or among those of an emulated node.

import { defaultSeed, parseSeed, usableBackends } from '../../maglev/index.ts'
import type { BackendState, Family, Protocol, Release, Seed, TableBackend } from '../../maglev/index.ts'
import { done, pointerStep, refusePlaces } from '../errors.ts'
import type { LbPlace, LbResult } from '../errors.ts'
import { defaultWeight, endpointKey, endpointText, familyOf } from '../service.ts'
import type { Steps } from '../steps.ts'
import { compareTable } from './compare-table.ts'
import type { TableComparison } from './compare-table.ts'
import { parseDumpedEndpoint } from './frontends.ts'
import type { DumpedFrontend } from './frontends.ts'
import type { DumpedTable } from './maglev-list.ts'

export interface KnownBackend {
  /** on another machine than the tables are from; left out: not known */
  readonly id?: number
  readonly address: string
  readonly port: number
  readonly protocol: Protocol
  readonly weight: number
  readonly state: BackendState
}

export interface KnownFrontend {
  /** revNAT id */
  readonly id: number
  readonly address: string
  readonly port: number
  readonly protocol: Protocol
  /** M that its table should have, by the number of backends in it */
  m (backends: number): number
  readonly backends: readonly KnownBackend[]
}

export interface TablesQuestion {
  readonly tables: readonly DumpedTable[]
  readonly frontends: readonly KnownFrontend[]
  /** backend id on the machine that the tables are from -> `10.0.0.1:8080/TCP`; null: not known */
  readonly backendIds: Readonly<Record<string, string>> | null
  readonly seed: Seed
  readonly release: Release
  /** further seeds to try, base64; the default one and zero are tried always */
  readonly seeds: readonly string[]
}

export interface NamedComparison extends TableComparison {
  /** of the list */
  readonly table: string
  readonly frontend: { readonly id: number, readonly address: string, readonly port: number, readonly protocol: Protocol }
}

export interface TablesAnswer {
  readonly compared: number
  /** tables that lead to another backend somewhere */
  readonly differing: number
  readonly items: readonly NamedComparison[]
  /** tables of which no frontend is known, and frontends that have none in the list */
  readonly notCompared: ReadonlyArray<{ readonly table: string | null, readonly reason: string }>
}

const ZERO_SEED = 'AAAAAAAAAAAAAAAA'

export function * compareTables (question: TablesQuestion): Steps<LbResult<TablesAnswer>> {
  const { tables, frontends, seed, release } = question
  const known = knownIds(question.backendIds)
  if (!known.ok) return known
  const seeds = readSeeds(question.seeds)
  if (!seeds.ok) return seeds
  const byId = new Map(frontends.map(frontend => [frontend.id, frontend]))
  const items: NamedComparison[] = []
  const notCompared: { table: string | null, reason: string }[] = []
  for (const { key, revNatId, family, ids } of tables) {
    const frontend = byId.get(revNatId)
    byId.delete(revNatId)
    if (frontend === undefined || !isOfFamily(frontend, family)) {
      notCompared.push({ table: key, reason: `no frontend with revNAT id ${revNatId}${family === null ? '' : ` of IPv${family}`} is known; give the list of services of the same machine` })
      continue
    }
    const { usable, others } = tableBackends(frontend, known.value)
    const idsKnown = known.value !== null
    const idsOfAnother = !idsKnown && frontend.backends.every(({ id }) => id !== undefined)
    const m = frontend.m(usable.length)
    const compared = yield * compareTable({ ids, m, backends: usable, others, idsKnown, idsOfAnother, seed, release, seeds: seeds.value })
    const { id, address, port, protocol } = frontend
    items.push({ table: key, frontend: { id, address, port, protocol }, ...compared })
  }
  return done({ compared: items.length, differing: items.filter(({ samePicks }) => !samePicks).length, items, notCompared })
}

/** Frontends of a list as known ones: those that say their id. */
export function knownFrontends (frontends: readonly DumpedFrontend[], m: KnownFrontend['m']): KnownFrontend[] {
  return frontends.flatMap(({ id, address, port, protocol, backends }) => {
    const own = protocol ?? 'TCP'
    if (id === null) return []
    return [{ id, address, port, protocol: own, m, backends: backends.map(backend => ({ ...backend, protocol: backend.protocol ?? own })) }]
  })
}

interface KnownIds {
  readonly idOf: ReadonlyMap<string, number>
  readonly backends: readonly TableBackend[]
}

function knownIds (backendIds: TablesQuestion['backendIds']): LbResult<KnownIds | null> {
  if (backendIds === null) return done(null)
  const idOf = new Map<string, number>()
  const backends: TableBackend[] = []
  const places: LbPlace[] = []
  for (const [id, text] of Object.entries(backendIds)) {
    const endpoint = parseDumpedEndpoint(text)
    const number = /^\d{1,10}$/.test(id) ? Number(id) : NaN
    const pointer = `/backends${pointerStep(id)}`
    if (!(number >= 1 && number <= 0xffffffff)) places.push({ pointer, detail: `${JSON.stringify(id)} is no backend id` })
    else if (endpoint === null) places.push({ pointer, detail: `${JSON.stringify(text.slice(0, 64))} is not ADDRESS:PORT[/PROTOCOL]` })
    else {
      const { address, port, protocol } = endpoint
      backends.push({ id: number, address, port, protocol: protocol ?? 'TCP', weight: defaultWeight })
      idOf.set(endpointKey({ address, port, protocol: protocol ?? 'TCP' }), number)
    }
  }
  return places.length === 0 ? done({ idOf, backends }) : refusePlaces('INVALID_ARGUMENT', places.slice(0, 50))
}

function readSeeds (texts: readonly string[]): LbResult<Seed[]> {
  const seeds = [defaultSeed()]
  const places: LbPlace[] = []
  for (const [index, text] of [ZERO_SEED, ...texts].entries()) {
    const seed = parseSeed(text)
    if (seed.ok) seeds.push(seed.seed)
    else places.push({ pointer: `/seeds/${index - 1}`, detail: seed.reason })
  }
  return places.length === 0 ? done(seeds) : refusePlaces('INVALID_ARGUMENT', places)
}

function isOfFamily ({ address }: KnownFrontend, family: Family | null): boolean {
  return family === null || familyOf(address) === family
}

function tableBackends (frontend: KnownFrontend, ids: KnownIds | null): { usable: TableBackend[], others: TableBackend[] } {
  const usable = usableBackends(frontend.backends)
  let next = 0x8000_0000
  const known = (backend: KnownBackend): number | undefined => ids === null ? backend.id : ids.idOf.get(endpointKey(backend))
  const withId = (backend: KnownBackend): TableBackend => ({ ...backend, id: known(backend) ?? next++ })
  const table = usable.map(withId)
  const rest = frontend.backends.filter(backend => !usable.includes(backend)).map(withId)
  const named = new Set([...table, ...rest].map(endpointText))
  // by their ids, backends of other services are known too
  const foreign = (ids?.backends ?? []).filter(backend => familyOf(backend.address) === familyOf(frontend.address))
  return { usable: table, others: [...rest, ...foreign.filter(backend => !named.has(endpointText(backend)))] }
}
