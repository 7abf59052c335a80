// One emulated node's load balancer: what it has realised, and how a change of the desired state becomes a plan of map writes that is
// either committed or dropped.

import { chooseTableSize, hasServiceFormOf117, parseSeed, tableWarnings } from '../maglev/index.ts'
import type { Protocol, Seed, TableWarning } from '../maglev/index.ts'
import { serviceFlags, serviceFlags2 } from '../datapath/index.ts'
import type { DesiredState } from './cluster.ts'
import { done } from './errors.ts'
import type { LbResult } from './errors.ts'
import { backendIds, frontendIds } from './ids.ts'
import type { IdAllocator } from './ids.ts'
import { Overlay } from './overlay.ts'
import { Planning } from './planning.ts'
import type { RealisedBackend, RealisedFrontend, RealisedWildcard, TableSizeChange } from './realised.ts'
import { whyNoTable } from './rules.ts'
import { usesLocalOnly } from './select.ts'
import { endpointKey, keysOfAllProtocols } from './service.ts'
import type { DesiredKey, FrontendKey } from './service.ts'
import type { NodeSettings } from './settings.ts'
import { complete } from './steps.ts'
import type { Steps } from './steps.ts'
import { checkCounts, entriesOf, families, mapKinds, mapSize, noEntries } from './write-set.ts'
import type { EntryCounts, PlannedWrite } from './write-set.ts'

export interface DesiredChange extends DesiredState {
  readonly nodeAddressesChanged: boolean
  /** frontends of the desired state to look at again, in order */
  touched (): readonly DesiredKey[]
}

export interface NodePlan {
  readonly node: LbNode
  /** in the order in which they are to be written */
  readonly writes: readonly PlannedWrite[]
  readonly sizeChanges: readonly TableSizeChange[]
  commit (): void
  drop (): void
}

export class LbNode {
  #settings: NodeSettings
  readonly seed: Seed
  readonly #frontends = new Map<FrontendKey, RealisedFrontend>()
  readonly #backends = new Map<string, RealisedBackend>()
  readonly #wildcards = new Map<string, RealisedWildcard>()
  readonly #keyOfId = new Map<number, FrontendKey>()
  readonly #copies = new Map<DesiredKey, readonly FrontendKey[]>()
  readonly #frontendIds: IdAllocator
  readonly #backendIds = backendIds()
  #counts = noEntries()

  /** @param settings validated ones */
  constructor (settings: NodeSettings) {
    const seed = parseSeed(settings.seed)
    if (!seed.ok) throw new TypeError(`node ${settings.name}: ${seed.reason}`)
    this.#settings = settings
    this.seed = seed.seed
    this.#frontendIds = settings.layout === 'flat' ? frontendIds(settings.mapSizes.maglev) : frontendIds()
  }

  get settings (): NodeSettings {
    return this.#settings
  }

  /** Gives the node another place in Kubernetes; what follows from it has to be realised then. @param settings differ in nothing else */
  move (settings: NodeSettings): void {
    this.#settings = settings
  }

  /** Works a change out on what the node has now. The plan is to be committed or dropped before the next one is made. */
  plan (desired: DesiredChange): LbResult<NodePlan> {
    return complete(this.planSteps(desired))
  }

  /** The same with a pause after every frontend. */
  * planSteps (desired: DesiredChange): Steps<LbResult<NodePlan>> {
    const touched = [...this.#touched(desired)]
    const plan = yield * this.#planInOrder(desired, touched)
    if (plan.ok || plan.error.code !== 'IDS_EXHAUSTED') return plan
    // What goes has ids that what comes may need.
    const going = touched.filter(key => desired.frontend(key) === undefined)
    return going.length === 0 ? plan : yield * this.#planInOrder(desired, new Set([...going, ...touched]))
  }

  * #planInOrder (desired: DesiredChange, touched: Iterable<DesiredKey>): Steps<LbResult<NodePlan>> {
    const state = {
      settings: this.settings,
      seed: this.seed,
      frontends: new Overlay(this.#frontends),
      backends: new Overlay(this.#backends),
      wildcards: new Overlay(this.#wildcards),
      copies: new Overlay(this.#copies),
      frontendIds: this.#frontendIds,
      backendIds: this.#backendIds
    }
    const planning = new Planning(state, desired, sortedAddresses(this.settings.addresses ?? desired.nodeAddresses))
    for (const key of touched) {
      planning.reconcile(key)
      yield
    }
    const { after, peak } = planning.writes.counts(this.#counts)
    const { name, mapSizes } = this.settings
    const fits = planning.failure === null ? checkCounts(name, after, mapSizes) : { ok: false as const, error: planning.failure }
    const drop = (): void => {
      this.#frontendIds.rollback()
      this.#backendIds.rollback()
    }
    if (!fits.ok) {
      drop()
      return fits
    }
    const { upserts, deletes } = planning.writes.split()
    return done({
      node: this,
      // Packets see the new before the old goes, unless both together would not fit.
      writes: this.#fits(peak) ? [...upserts, ...deletes] : [...deletes, ...upserts],
      sizeChanges: planning.sizeChanges,
      commit: () => {
        this.#index(state.frontends)
        for (const overlay of [state.frontends, state.backends, state.wildcards, state.copies]) overlay.commit()
        this.#frontendIds.commit()
        this.#backendIds.commit()
        this.#counts = after
      },
      drop
    })
  }

  /** by revNAT id */
  frontends (): RealisedFrontend[] {
    return [...this.#frontends.values()].sort((one, other) => one.id - other.id)
  }

  frontend (key: FrontendKey): RealisedFrontend | undefined {
    return this.#frontends.get(this.#keyed(key))
  }

  #keyed (key: DesiredKey): DesiredKey {
    return hasServiceFormOf117(this.#settings.release) ? key : keysOfAllProtocols(key)[0]
  }

  /** @param id revNAT id */
  frontendById (id: number): RealisedFrontend | undefined {
    const key = this.#keyOfId.get(id)
    return key === undefined ? undefined : this.#frontends.get(key)
  }

  get frontendCount (): number {
    return this.#frontends.size
  }

  backend (key: string): RealisedBackend | undefined {
    return this.#backends.get(key)
  }

  /** the backends of a frontend in slot order, those in maintenance last */
  backendsOf (frontend: RealisedFrontend): RealisedBackend[] {
    return frontend.backends.flatMap(key => this.#backends.get(key) ?? [])
  }

  /** a backend by where packets for it go; its own protocol may be another than the packet's */
  backendAt (address: string, port: number, protocol: Protocol): RealisedBackend | undefined {
    const order: Protocol[] = [protocol, 'TCP', 'UDP', 'SCTP']
    return order.map(one => this.#backends.get(endpointKey({ address, port, protocol: one }))).find(found => found !== undefined)
  }

  /** any backend with the address, of the protocol if there is one */
  backendWith (address: string, protocol: Protocol): RealisedBackend | undefined {
    let any: RealisedBackend | undefined
    for (const realised of this.#backends.values()) {
      if (realised.backend.address !== address) continue
      if (realised.backend.protocol === protocol) return realised
      any ??= realised
    }
    return any
  }

  /** @returns why a frontend has no table, null when it has one */
  whyNoTable (frontend: RealisedFrontend): string | null {
    if (frontend.table !== null) return null
    return whyNoTable(frontend.frontend, frontend.algorithm, this.settings) ?? this.whyNoBackend(frontend)
  }

  /** what is accepted without a word although it rarely does what was meant */
  warnings ({ table, m }: RealisedFrontend): TableWarning[] {
    if (table === null || m === null) return []
    const { tableSizePolicy, release } = this.settings
    const { capped } = chooseTableSize(tableSizePolicy, m, table.length)
    return tableWarnings({ m, grownFrom: null, capped }, table.map(({ weight }) => weight), release)
  }

  /** entries in every map */
  counts (): EntryCounts {
    return structuredClone(this.#counts)
  }

  /** @returns why a frontend has no backend to offer, where it has none */
  whyNoBackend ({ frontend, flags }: RealisedFrontend): string {
    const traits = {
      ...(flags & serviceFlags.externalLocalScope ? { externalTrafficPolicy: 'Local' as const } : {}),
      ...(flags & serviceFlags2.internalLocalScope << 8 ? { internalTrafficPolicy: 'Local' as const } : {})
    }
    const { nodeName, name } = this.settings
    return usesLocalOnly(frontend, traits) ? `no backend on ${nodeName ?? name} itself is active or terminating` : 'no backend is active or terminating'
  }

  #touched (desired: DesiredChange): Iterable<DesiredKey> {
    const touched = new Set(desired.touched().map(key => this.#keyed(key)))
    if (!desired.nodeAddressesChanged || this.settings.addresses !== null) return touched
    // All frontends that look at node addresses: NodePorts stand for them, virtual addresses must not be one of them.
    for (const key of [...this.#frontends.values()].map(frontend => frontend.primary).sort()) touched.add(key)
    return touched
  }

  /** keeps ids findable: those that go first, an id may come back under another key */
  #index (frontends: Overlay<FrontendKey, RealisedFrontend>): void {
    const changed = frontends.changedKeys()
    for (const key of changed) {
      const old = this.#frontends.get(key)
      if (old !== undefined) this.#keyOfId.delete(old.id)
    }
    for (const key of changed) {
      const now = frontends.get(key)
      if (now !== undefined) this.#keyOfId.set(now.id, key)
    }
  }

  #fits (counts: EntryCounts): boolean {
    return mapKinds.every(map => families.every(family => entriesOf(counts, map, family) <= mapSize(map, this.settings.mapSizes)))
  }
}

/** in the order of their bytes, as Cilium lists them */
function sortedAddresses (addresses: readonly string[]): string[] {
  const order = (address: string): string => endpointKey({ address, port: 0, protocol: 'TCP' })
  return [...addresses].sort((one, other) => order(one) < order(other) ? -1 : 1)
}
