// One change on one node, thought through before anything is written: frontends in order, ids, slots, tables, wildcard entries -> map
// writes. Follows Cilium's reconciler: a frontend is walked as a whole, its backends get ids in slot order, the last frontend of a backend
// takes the backend along, and a NodePort frontend is followed by its copies on the node's addresses.

import { buildTable, chooseTableSize, movedShare, parseAddress } from '../maglev/index.ts'
import type { Seed, Table, TableBackend } from '../maglev/index.ts'
import {
  backendStateNumbers, encodeBackendValue, encodeRevNatId, encodeReverseNatValue, encodeServiceKey, encodeServiceValue, encodeU32,
  frontendWord, protocolNumbers, scopeNumbers
} from '../datapath/index.ts'
import type { DesiredState, OwnedFrontend } from './cluster.ts'
import { refuse } from './errors.ts'
import type { LbError } from './errors.ts'
import { frontendFlags, slotFlags, wildcardFlags } from './flags.ts'
import type { FlagBits } from './flags.ts'
import type { IdAllocator } from './ids.ts'
import type { Overlay } from './overlay.ts'
import type { RealisedBackend, RealisedFrontend, RealisedSlot, RealisedWildcard, TableSizeChange } from './realised.ts'
import { selectBackends } from './select.ts'
import type { SelectedBackend } from './select.ts'
import { expandsToNodeAddresses, familyOf, frontendKey, serviceKey } from './service.ts'
import type { Backend, Frontend, FrontendKey } from './service.ts'
import { externalClusterIp } from './settings.ts'
import type { NodeSettings } from './settings.ts'
import { usesTable, wantsWildcard } from './rules.ts'
import { WriteSet, sameTableBackends } from './write-set.ts'
import type { TableContents } from './write-set.ts'

export interface PlanningState {
  readonly settings: NodeSettings
  readonly seed: Seed
  readonly frontends: Overlay<FrontendKey, RealisedFrontend>
  readonly backends: Overlay<string, RealisedBackend>
  readonly wildcards: Overlay<string, RealisedWildcard>
  /** frontend of the desired state -> its copies on node addresses */
  readonly copies: Overlay<FrontendKey, readonly FrontendKey[]>
  readonly frontendIds: IdAllocator
  readonly backendIds: IdAllocator
}

const noCounts = { count: 0, quarantinedCount: 0 } as const

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

  constructor (state: PlanningState, desired: DesiredState, nodeAddresses: readonly string[]) {
    this.#state = state
    this.#desired = desired
    this.#nodeAddresses = nodeAddresses
    this.#localAddresses = new Set(nodeAddresses)
  }

  /** Brings what the node has for a frontend of the desired state, and for its copies, to what is desired now. */
  reconcile (key: FrontendKey): void {
    if (this.failure !== null) return
    const owned = this.#desired.frontend(key)
    if (owned === undefined) this.#withdraw(key, [])
    else {
      const selection: Selection = { selected: selectBackends(owned.service, owned.frontend), table: null }
      this.#update(key, owned.frontend, owned, selection)
      this.#updateCopies(key, owned, selection)
    }
  }

  #updateCopies (primary: FrontendKey, owned: OwnedFrontend, selection: Selection): void {
    const { frontend } = owned
    const keep: FrontendKey[] = []
    if (expandsToNodeAddresses(frontend)) {
      for (const address of this.#nodeAddresses) {
        const copy: Frontend = { ...frontend, address }
        const key = frontendKey(copy)
        // A service that claims this very address and port goes before the NodePort there.
        if (familyOf(address) !== familyOf(frontend.address) || this.#desired.frontend(key) !== undefined) continue
        keep.push(key)
        this.#update(primary, copy, owned, selection)
      }
    }
    this.#withdrawCopies(primary, keep)
    if (keep.length > 0) this.#state.copies.set(primary, keep)
    else this.#state.copies.delete(primary)
  }

  #withdraw (primary: FrontendKey, keep: readonly FrontendKey[]): void {
    if (this.#state.frontends.get(primary)?.primary === primary) this.#remove(primary)
    this.#withdrawCopies(primary, keep)
    this.#state.copies.delete(primary)
  }

  #withdrawCopies (primary: FrontendKey, keep: readonly FrontendKey[]): void {
    for (const key of this.#state.copies.get(primary) ?? []) {
      if (!keep.includes(key) && this.#state.frontends.get(key)?.primary === primary) this.#remove(key)
    }
  }

  #update (primary: FrontendKey, frontend: Frontend, owned: OwnedFrontend, selection: Selection): void {
    const { settings, frontends, frontendIds } = this.#state
    const key = frontendKey(frontend)
    const old = frontends.get(key)
    const id = old?.id ?? frontendIds.acquire()
    if (id === null) return this.#fail('all 65534 revNAT ids are in use', 'services')
    const flags = frontendFlags(frontend, externalClusterIp(settings))
    const { selected } = selection
    this.#dropReferences(old?.backends ?? [], selected)
    const slots = this.#realiseBackends(old, selected, flags)
    if (slots === null) return this.#fail('all backend ids are in use', 'backends')
    const inState = (state: string): number => selected.filter(one => one.state === state).length
    const count = inState('active') > 0 ? inState('active') : inState('terminating')
    const now: RealisedFrontend = {
      key,
      id,
      frontend,
      service: serviceKey(owned.service),
      primary,
      flags,
      backends: selected.map(one => one.key),
      slots,
      count,
      qcount: slots.length - count,
      ...this.#realiseTable(old, frontend, count, selection, settings)
    }
    frontends.set(key, now)
    this.#writeFrontend(old, now)
    if (wantsWildcard(frontend, owned.service, this.#localAddresses)) this.#addWildcard(now)
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
    this.writes.put('backends', realised.id, true, {
      map: 'backends', family: familyOf(realised.backend.address), removes: true, key: () => encodeU32(realised.id), value: nothing
    })
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
      if (realised === undefined || realised.state !== state) this.#writeBackend(id, backend, state, realised !== undefined)
      if (state !== 'maintenance') slots.push({ backendId: id, flags: slotFlags(flags, state === 'quarantined') })
    }
    return slots
  }

  #realiseTable (
    old: RealisedFrontend | undefined, frontend: Frontend, count: number, selection: Selection, settings: NodeSettings
  ): Pick<RealisedFrontend, 'm' | 'table'> {
    if (!usesTable(frontend, settings)) return { m: null, table: null }
    if (count === 0) return { m: old?.m ?? null, table: null }
    selection.table ??= selection.selected.slice(0, count).map(({ key, backend }) => this.#tableBackend(key, backend))
    const { m } = chooseTableSize(settings.tableSizePolicy, old?.m ?? null, count)
    return { m, table: selection.table }
  }

  #tableBackend (key: string, { address, port, protocol, weight }: Backend): TableBackend {
    return { id: this.#state.backends.get(key)?.id ?? 0, address, port, protocol, weight }
  }

  #writeFrontend (old: RealisedFrontend | undefined, now: RealisedFrontend): void {
    now.slots.forEach((slot, index) => {
      const before = old?.slots[index]
      if (before?.backendId !== slot.backendId || before.flags !== slot.flags) this.#writeSlot(now, index + 1, slot, before !== undefined)
    })
    for (let index = now.slots.length; index < (old?.slots.length ?? 0); index++) this.#writeService(now, index + 1, true, null)
    this.#writeTable(old, now)
    if (old === undefined) this.#writeRevNat(now, false)
    if (old?.count !== now.count || old.qcount !== now.qcount || old.flags !== now.flags) this.#writeMaster(now, old !== undefined)
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

  #writeMaster (now: RealisedFrontend, exists: boolean): void {
    this.#writeService(now, 0, exists, () => encodeServiceValue({
      word: frontendWord(0),
      count: now.count,
      revNatId: now.id,
      flags: now.flags & 0xff,
      flags2: now.flags >>> 8,
      quarantinedCount: now.qcount
    }))
  }

  #writeSlot (now: RealisedFrontend, slot: number, { backendId, flags }: RealisedSlot, exists: boolean): void {
    this.#writeService(now, slot, exists, () => encodeServiceValue({
      ...noCounts, word: backendId, revNatId: now.id, flags: flags & 0xff, flags2: flags >>> 8
    }))
  }

  /** @param value null: the entry goes */
  #writeService ({ key, frontend }: RealisedFrontend, slot: number, exists: boolean, value: (() => Uint8Array) | null): void {
    const { address, port, protocol, scope = 'external' } = frontend
    this.writes.put(slot === 0 ? `frontend ${key}` : key, slot, exists, {
      map: 'services',
      family: familyOf(address),
      removes: value === null,
      key: () => encodeServiceKey({
        address: bytesOf(address), port, slot, protocol: protocolNumbers[protocol], scope: scopeNumbers[scope]
      }),
      value: value ?? nothing
    })
  }

  #writeRevNat ({ id, frontend: { address, port } }: RealisedFrontend, removes: boolean): void {
    this.writes.put('revNat', id, removes, {
      map: 'revNat',
      family: familyOf(address),
      removes,
      key: () => encodeRevNatId(id),
      value: () => encodeReverseNatValue({ address: bytesOf(address), port })
    })
  }

  #writeBackend (id: number, { address, port, protocol }: Backend, state: SelectedBackend['state'], exists: boolean): void {
    const flags = backendStateNumbers[state === 'terminating-not-serving' ? 'terminating' : state]
    this.writes.put('backends', id, exists, {
      map: 'backends',
      family: familyOf(address),
      removes: false,
      key: () => encodeU32(id),
      value: () => encodeBackendValue({
        address: bytesOf(address), port, protocol: protocolNumbers[protocol], flags, clusterId: 0, zone: 0
      })
    })
  }

  #remove (key: FrontendKey): void {
    const { frontends, frontendIds } = this.#state
    const old = frontends.get(key)
    if (old === undefined) return
    if (old.table !== null && old.m !== null) {
      const before = { m: old.m, backends: old.table }
      this.writes.put('tables', old.id, true, { map: 'maglev', family: familyOf(old.frontend.address), revNatId: old.id, table: null, before })
    }
    for (let slot = 0; slot <= old.slots.length; slot++) this.#writeService(old, slot, true, null)
    this.#writeRevNat(old, true)
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
    if (known === undefined) this.#writeWildcard(address, wildcardFlags(type), false)
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
    this.#writeWildcard(address, null, true)
  }

  /** @param flags null: the entry goes */
  #writeWildcard (address: string, flags: FlagBits | null, exists: boolean): void {
    const bits = flags ?? 0
    this.writes.put(`wildcard ${address}`, 0, exists, {
      map: 'services',
      family: familyOf(address),
      removes: flags === null,
      key: () => encodeServiceKey({
        address: bytesOf(address), port: 0, slot: 0, protocol: protocolNumbers.ANY, scope: scopeNumbers.external
      }),
      value: () => encodeServiceValue({ ...noCounts, word: frontendWord(0), revNatId: 0, flags: bits & 0xff, flags2: bits >>> 8 })
    })
  }

  #fail (what: string, kind: 'services' | 'backends'): void {
    const node = this.#state.settings.name
    this.failure ??= refuse('IDS_EXHAUSTED', `node ${node}: ${what}`, { facts: { node, kind } }).error
  }
}

let last: { address: string, bytes: Uint8Array } = { address: '', bytes: new Uint8Array() }

/** the entries of a frontend are made one after the other: its address is read once */
function bytesOf (address: string): Uint8Array {
  if (last.address === address) return last.bytes
  const parsed = parseAddress(address)
  if (parsed === null) throw new TypeError(`${address} is no canonical address`)
  last = { address, bytes: parsed.bytes }
  return parsed.bytes
}

function nothing (): Uint8Array {
  throw new Error('a delete has no value')
}
