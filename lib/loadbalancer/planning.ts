// One change on one node, thought through before anything is written: frontends in order, ids, slots, tables, wildcard entries -> map
// writes. Follows Cilium's reconciler: a frontend is walked as a whole, its backends get ids in slot order, the last frontend of a backend
// takes the backend along, and a NodePort frontend is followed by its copies on the node's addresses.

import { buildTable, chooseTableSize, fallsBackToTerminating, hasServiceFormOf117, movedShare } from '../maglev/index.ts'
import type { Protocol, Seed, Table, TableBackend } from '../maglev/index.ts'
import { algorithmNumbers, frontendWord, proxyPortWord } from '../datapath/index.ts'
import { parseCidr, rangeKey } from './cidr.ts'
import type { Cidr } from './cidr.ts'
import type { DesiredState, OwnedFrontend } from './cluster.ts'
import {
  AffinityMatchWrite, BackendWrite, FrontendWrite, RevNatWrite, SlotWrite, SourceRangeWrite, WildcardWrite
} from './entry-writes.ts'
import { refuse } from './errors.ts'
import type { LbError } from './errors.ts'
import { affinityTimeout, frontendFlags, slotFlags, wildcardFlags } from './flags.ts'
import type { FlagBits } from './flags.ts'
import type { IdAllocator } from './ids.ts'
import { isOn } from './options.ts'
import type { Overlay } from './overlay.ts'
import type { RealisedBackend, RealisedFrontend, RealisedSlot, RealisedWildcard, TableSizeChange } from './realised.ts'
import { selectBackends } from './select.ts'
import type { SelectedBackend } from './select.ts'
import { expandsToNodeAddresses, familyOf, frontendKey, frontendKeyOf, keysOfAllProtocols, serviceKey, surrogateAddress } from './service.ts'
import type { Backend, DesiredKey, Frontend, FrontendKey, Service } from './service.ts'
import { algorithmOf, nodePlace } from './settings.ts'
import type { NodePlace, NodeSettings } from './settings.ts'
import { isOnNode, usesTable, wantsWildcard } from './rules.ts'
import type { Algorithm, ServiceTraits } from './traits.ts'
import { WriteSet, sameTableBackends } from './write-set.ts'
import type { TableContents } from './write-set.ts'

export interface PlanningState {
  readonly settings: NodeSettings
  readonly seed: Seed
  readonly frontends: Overlay<FrontendKey, RealisedFrontend>
  readonly backends: Overlay<string, RealisedBackend>
  readonly wildcards: Overlay<string, RealisedWildcard>
  /** frontend of the desired state -> its copies on node addresses */
  readonly copies: Overlay<DesiredKey, readonly FrontendKey[]>
  readonly frontendIds: IdAllocator
  readonly backendIds: IdAllocator
}

/** Backends of one frontend of the desired state, worked out once for it and its copies. */
interface Selection {
  readonly selected: readonly SelectedBackend[]
  /** by the ids that the backends have now; made at the first table */
  table: readonly TableBackend[] | null
}

export class Planning {
  readonly writes = new WriteSet()
  readonly sizeChanges: TableSizeChange[] = []
  /** the first thing that made the change impossible */
  failure: LbError | null = null
  readonly #state: PlanningState
  readonly #desired: DesiredState
  /** in the order of their bytes */
  readonly #nodeAddresses: readonly string[]
  readonly #localAddresses: ReadonlySet<string>
  readonly #place: NodePlace
  readonly #hasProtocolInKeys: boolean

  constructor (state: PlanningState, desired: DesiredState, nodeAddresses: readonly string[]) {
    this.#state = state
    this.#desired = desired
    this.#nodeAddresses = nodeAddresses
    this.#localAddresses = new Set(nodeAddresses)
    this.#place = nodePlace(state.settings, name => desired.nodeLabels(name))
    this.#hasProtocolInKeys = hasServiceFormOf117(state.settings.release)
  }

  /**
   * Brings what the node has for a frontend of the desired state, and for its copies, to what is desired now.
   * @param key where keys of services have no protocol the first of those that differ in it alone
   */
  reconcile (key: DesiredKey): void {
    if (this.failure !== null) return
    const { settings } = this.#state
    const [owned] = this.#ownedOnNode(key)
    if (owned === undefined) {
      this.#withdraw(key)
      return
    }
    const selection: Selection = { selected: selectBackends(owned.service, owned.frontend, settings, this.#place), table: null }
    this.#update(key, owned.frontend, owned, selection)
    this.#updateCopies(key, owned, selection)
  }

  #updateCopies (primary: DesiredKey, owned: OwnedFrontend, selection: Selection): void {
    const { frontend } = owned
    const keep: FrontendKey[] = []
    if (expandsToNodeAddresses(frontend)) {
      for (const address of this.#nodeAddresses) {
        const copy: Frontend = { ...frontend, address }
        const key = this.#keyOf(copy)
        if (familyOf(address) !== familyOf(frontend.address)) continue
        // A service that claims this very address and port goes before the NodePort there.
        if (this.#isClaimed(key)) {
          this.#recountHidden(key)
          continue
        }
        keep.push(key)
        this.#update(primary, copy, owned, selection)
      }
    }
    this.#withdrawCopies(primary, keep)
    if (keep.length > 0) this.#state.copies.set(primary, keep)
    else this.#state.copies.delete(primary)
  }

  /** whether a service on this node has a frontend at just that address and port */
  #isClaimed (key: FrontendKey): boolean {
    return this.#claims(key).length > 0
  }

  #claims (key: FrontendKey): OwnedFrontend[] {
    return [...this.#ownedOnNode(key), ...this.#ownedOnNode(`${key}@${this.#place.nodeName}`)]
  }

  /** @returns protocols whose frontends, NodePorts on a node's address among them, are not there because this one is */
  #hiddenBy (key: FrontendKey, { address, port, protocol, scope }: Frontend): Protocol[] {
    if (this.#hasProtocolInKeys) return []
    const nodePort = { address: surrogateAddress(familyOf(address)), port, protocol, ...(scope === undefined ? {} : { scope }) }
    const nodePorts = this.#localAddresses.has(address) ? this.#claims(this.#keyOf({ ...nodePort, type: 'NodePort' })) : []
    const all = new Set([...this.#claims(key), ...nodePorts].map(({ frontend }) => frontend.protocol))
    all.delete(protocol)
    return [...all]
  }

  /** A NodePort came or went that gives way to what is at the node's address. */
  #recountHidden (key: FrontendKey): void {
    const claimed = this.#state.frontends.get(key)
    if (claimed === undefined) return
    const hiddenProtocols = this.#hiddenBy(key, claimed.frontend)
    if (hiddenProtocols.join() !== claimed.hiddenProtocols.join()) this.#state.frontends.set(key, { ...claimed, hiddenProtocols })
  }

  /** Without protocols in keys there may be several for one entry, of which the first is taken: TCP before UDP before SCTP. */
  #ownedOnNode (key: DesiredKey): OwnedFrontend[] {
    const keys = this.#hasProtocolInKeys ? [key] : keysOfAllProtocols(key)
    return keys.flatMap(one => this.#desired.frontend(one) ?? [])
      .filter(({ frontend, service }) => isOnNode(frontend, service, this.#state.settings, this.#place))
  }

  #keyOf (frontend: Frontend): FrontendKey {
    const key = frontendKey(frontend)
    return this.#hasProtocolInKeys ? key : keysOfAllProtocols(key)[0]
  }

  #withdraw (primary: DesiredKey): void {
    const key = frontendKeyOf(primary)
    const gone = this.#state.frontends.get(key)
    if (gone?.primary === primary) this.#remove(key)
    this.#withdrawCopies(primary, [])
    this.#state.copies.delete(primary)
    if (this.#hasProtocolInKeys || gone === undefined || !expandsToNodeAddresses(gone.frontend)) return
    for (const address of this.#nodeAddresses) this.#recountHidden(this.#keyOf({ ...gone.frontend, address }))
  }

  #withdrawCopies (primary: DesiredKey, keep: readonly FrontendKey[]): void {
    for (const key of this.#state.copies.get(primary) ?? []) {
      if (!keep.includes(key) && this.#state.frontends.get(key)?.primary === primary) this.#remove(key)
    }
  }

  #update (primary: DesiredKey, frontend: Frontend, { service }: OwnedFrontend, selection: Selection): void {
    const { settings, frontends, frontendIds } = this.#state
    const key = this.#keyOf(frontend)
    const old = frontends.get(key)
    const id = old?.id ?? frontendIds.acquire()
    if (id === null) return this.#fail(noFrontendIds(settings), 'services')
    const flags = frontendFlags(frontend, service, settings)
    const { selected } = selection
    this.#dropReferences(old?.backends ?? [], selected)
    const slots = this.#realiseBackends(old, selected, flags)
    if (slots === null) return this.#fail('all backend ids are in use', 'backends')
    const inState = (state: string): number => selected.filter(one => one.state === state).length
    const fallsBack = inState('active') === 0 && fallsBackToTerminating(settings.release)
    const count = inState(fallsBack ? 'terminating' : 'active')
    const now: RealisedFrontend = {
      key,
      id,
      frontend,
      service: serviceKey(service),
      primary,
      hasProtocolInKey: this.#hasProtocolInKeys,
      hiddenProtocols: this.#hiddenBy(key, frontend),
      flags,
      word: wordOf(service, settings),
      algorithm: service.algorithm,
      affinities: this.#affinities(selected, service),
      sourceRanges: sourceRangesOf(frontend, service, settings),
      backends: selected.map(one => one.key),
      slots,
      count,
      qcount: hasServiceFormOf117(settings.release) ? slots.length - count : 0,
      ...this.#realiseTable(old, frontend, count, selection, service.algorithm)
    }
    frontends.set(key, now)
    this.#writeFrontend(old, now)
    if (wantsWildcard(frontend, service, settings, this.#localAddresses)) this.#addWildcard(now)
    else this.#removeWildcard(now)
  }

  /** Backends that lose their last frontend go first, so that their ids and entries are free for what comes. */
  #dropReferences (old: readonly string[], selected: readonly SelectedBackend[]): void {
    const kept = new Set(selected.map(one => one.key))
    for (const key of old) if (!kept.has(key)) this.#dropReference(key)
  }

  #dropReference (key: string): void {
    const { backends, backendIds } = this.#state
    const realised = backends.get(key)
    if (realised === undefined) return
    if (realised.references > 1) {
      backends.set(key, { ...realised, references: realised.references - 1 })
      return
    }
    backends.delete(key)
    backendIds.release(realised.id)
    this.writes.put('backends', realised.id, true, new BackendWrite(realised.id, realised.backend, null))
  }

  /** @returns the slots, or null when there are no ids left; backends in maintenance have an entry but no slot */
  #realiseBackends (old: RealisedFrontend | undefined, selected: readonly SelectedBackend[], flags: FlagBits): RealisedSlot[] | null {
    const referred = new Set(old?.backends)
    const slots: RealisedSlot[] = []
    for (const { key, backend, state } of selected) {
      const realised = this.#state.backends.get(key)
      const id = realised?.id ?? this.#state.backendIds.acquire()
      if (id === null) return null
      const references = (realised?.references ?? 0) + (referred.has(key) ? 0 : 1)
      this.#state.backends.set(key, { id, backend, state, references })
      if (realised === undefined || realised.state !== state) {
        this.writes.put('backends', id, realised !== undefined, new BackendWrite(id, backend, state))
      }
      if (state !== 'maintenance') slots.push({ backendId: id, flags: slotFlags(flags, state === 'quarantined') })
    }
    return slots
  }

  #realiseTable (
    old: RealisedFrontend | undefined, frontend: Frontend, count: number, selection: Selection, algorithm: Algorithm | undefined
  ): Pick<RealisedFrontend, 'm' | 'table'> {
    const { settings } = this.#state
    if (!usesTable(frontend, algorithm, settings)) return { m: null, table: null }
    if (count === 0) return { m: old?.m ?? null, table: null }
    selection.table ??= selection.selected.slice(0, count).map(({ key, backend }) => this.#tableBackend(key, backend))
    const { m } = chooseTableSize(settings.tableSizePolicy, old?.m ?? null, count)
    return { m, table: selection.table }
  }

  #affinities (selected: readonly SelectedBackend[], service: Service): readonly number[] {
    if (affinityTimeout(service, this.#state.settings) === 0) return []
    return selected.flatMap(({ key, state }) => state === 'active' ? this.#state.backends.get(key)?.id ?? [] : [])
  }

  #tableBackend (key: string, { address, port, protocol, weight }: Backend): TableBackend {
    return { id: this.#state.backends.get(key)?.id ?? 0, address, port, protocol, weight }
  }

  #writeFrontend (old: RealisedFrontend | undefined, now: RealisedFrontend): void {
    const { key, id, slots } = now
    slots.forEach((slot, index) => {
      const before = old?.slots[index]
      if (before?.backendId === slot.backendId && before.flags === slot.flags) return
      this.writes.put(key, index + 1, before !== undefined, new SlotWrite(now, index + 1, slot))
    })
    for (let slot = slots.length + 1; slot <= (old?.slots.length ?? 0); slot++) {
      this.writes.put(key, slot, true, new SlotWrite(now, slot, null))
    }
    this.#writeTable(old, now)
    this.#writeAffinities(old, now)
    this.#writeSourceRanges(old, now)
    if (old === undefined) this.writes.put('revNat', id, false, new RevNatWrite(now, false))
    if (old?.count === now.count && old.qcount === now.qcount && old.flags === now.flags && old.word === now.word) return
    this.writes.put(`frontend ${key}`, 0, old !== undefined, new FrontendWrite(now, false))
  }

  #writeAffinities (old: RealisedFrontend | undefined, now: RealisedFrontend): void {
    if (now.affinities.length === 0 && (old?.affinities.length ?? 0) === 0) return
    const before = new Set(old?.affinities)
    for (const backendId of now.affinities) {
      if (!before.delete(backendId)) this.writes.put(`affinity ${now.id}`, backendId, false, new AffinityMatchWrite(now, backendId, false))
    }
    for (const backendId of before) this.writes.put(`affinity ${now.id}`, backendId, true, new AffinityMatchWrite(now, backendId, true))
  }

  #writeSourceRanges (old: RealisedFrontend | undefined, now: RealisedFrontend): void {
    if (old?.sourceRanges === now.sourceRanges) return
    const before = rangesByKey(old?.sourceRanges ?? [])
    for (const [key, cidr] of rangesByKey(now.sourceRanges)) {
      if (!before.delete(key)) this.writes.put(`range ${now.id} ${key}`, 0, false, new SourceRangeWrite(now, cidr, false))
    }
    for (const [key, cidr] of before) this.writes.put(`range ${now.id} ${key}`, 0, true, new SourceRangeWrite(now, cidr, true))
  }

  #writeTable (old: RealisedFrontend | undefined, now: RealisedFrontend): void {
    const before = old?.table === null || old?.table === undefined || old.m === null ? null : { m: old.m, backends: old.table }
    const table = now.table === null || now.m === null ? null : { m: now.m, backends: now.table }
    if (before === null && table === null) return
    if (before !== null && table !== null && before.m === table.m && sameTableBackends(before.backends, table.backends)) return
    if (before !== null && table !== null && before.m !== table.m) this.#noteSizeChange(before, table, now)
    this.writes.put('tables', now.id, before !== null, { map: 'maglev', family: familyOf(now.frontend.address), revNatId: now.id, table, before })
  }

  #noteSizeChange (before: TableContents, table: TableContents, { key, id, service }: RealisedFrontend): void {
    const { seed, settings: { release } } = this.#state
    const build = ({ m, backends }: TableContents): Table | null => buildTable(m, backends, seed, release)
    const share = movedShare(build(before), build(table))
    this.sizeChanges.push({ frontend: key, service, revNatId: id, from: before.m, to: table.m, movedShare: share })
  }

  #remove (key: FrontendKey): void {
    const { frontends, frontendIds } = this.#state
    const old = frontends.get(key)
    if (old === undefined) return
    if (old.table !== null && old.m !== null) {
      const before = { m: old.m, backends: old.table }
      this.writes.put('tables', old.id, true, { map: 'maglev', family: familyOf(old.frontend.address), revNatId: old.id, table: null, before })
    }
    this.writes.put(`frontend ${key}`, 0, true, new FrontendWrite(old, true))
    for (let slot = 1; slot <= old.slots.length; slot++) this.writes.put(key, slot, true, new SlotWrite(old, slot, null))
    this.writes.put('revNat', old.id, true, new RevNatWrite(old, true))
    const bare: RealisedFrontend = { ...old, affinities: [], sourceRanges: noRanges }
    this.#writeAffinities(old, bare)
    this.#writeSourceRanges(old, bare)
    this.#removeWildcard(old)
    for (const backend of old.backends) this.#dropReference(backend)
    frontends.delete(key)
    frontendIds.release(old.id)
  }

  #addWildcard ({ key, frontend: { address, type } }: RealisedFrontend): void {
    const { wildcards } = this.#state
    const known = wildcards.get(address)
    if (known?.frontends.has(key) === true) return
    wildcards.set(address, { type: known?.type ?? type, frontends: new Set(known?.frontends).add(key) })
    if (known === undefined) this.writes.put(`wildcard ${address}`, 0, false, new WildcardWrite(address, wildcardFlags(type)))
  }

  #removeWildcard ({ key, frontend: { address } }: RealisedFrontend): void {
    const { wildcards } = this.#state
    const known = wildcards.get(address)
    if (known?.frontends.has(key) !== true) return
    const rest = new Set(known.frontends)
    rest.delete(key)
    if (rest.size > 0) {
      wildcards.set(address, { type: known.type, frontends: rest })
      return
    }
    wildcards.delete(address)
    this.writes.put(`wildcard ${address}`, 0, true, new WildcardWrite(address, null))
  }

  #fail (what: string, kind: 'services' | 'backends'): void {
    const node = this.#state.settings.name
    this.failure ??= refuse('IDS_EXHAUSTED', `node ${node}: ${what}`, { facts: { node, kind } }).error
  }
}

const noRanges: readonly string[] = []

/** those of the frontend's family; the others are of its twin's */
function sourceRangesOf ({ address }: Frontend, { sourceRanges }: ServiceTraits, settings: NodeSettings): readonly string[] {
  if (sourceRanges === undefined || !isOn(settings, 'enable-svc-source-range-check')) return noRanges
  return sourceRanges.cidrs.filter(cidr => familyOf(cidr) === familyOf(address))
}

function rangesByKey (cidrs: readonly string[]): Map<string, Cidr> {
  return new Map(cidrs.flatMap(text => {
    const cidr = parseCidr(text)
    return cidr === null ? [] : [[rangeKey(cidr), cidr] as const]
  }))
}

/** first word of a frontend's entry */
function wordOf (service: ServiceTraits, settings: NodeSettings): number {
  if (service.l7ProxyPort !== undefined) return proxyPortWord(service.l7ProxyPort)
  const algorithm = algorithmOf(settings, service.algorithm)
  return frontendWord(algorithm === null ? algorithmNumbers.undefined : algorithmNumbers[algorithm], affinityTimeout(service, settings))
}

function noFrontendIds ({ layout, mapSizes }: NodeSettings): string {
  if (layout !== 'flat' || mapSizes.maglev >= 0xfffe) return 'all 65534 revNAT ids are in use'
  return `layout flat has a place for ${mapSizes.maglev} frontends, and all are in use; set mapSizes.maglev`
}
