// The desired state of the cluster: services and node addresses, with a revision that every successful change bumps once. A change is
// drafted first, realised on all nodes, and only then committed; a draft that is dropped leaves no trace.

import { done, refuse } from './errors.ts'
import type { LbPlace, LbResult } from './errors.ts'
import { limits } from './limits.ts'
import { K8sStore, clearStore, commitStore, draftStore } from './k8s/store.ts'
import type { K8sDraft } from './k8s/store.ts'
import { Overlay } from './overlay.ts'
import { endpointText, familyOf, frontendKey, isSurrogate, serviceKey, surrogateAddress } from './service.ts'
import type { Frontend, FrontendKey, Service, ServiceKey } from './service.ts'

export interface OwnedFrontend {
  readonly service: Service
  readonly frontend: Frontend
}

/** What a node reads while it realises a change; a cluster and a draft of it both give it. */
export interface DesiredState {
  service (key: ServiceKey): Service | undefined
  frontend (key: FrontendKey): OwnedFrontend | undefined
  readonly nodeAddresses: readonly string[]
}

export class Cluster implements DesiredState {
  readonly #services: Map<ServiceKey, Service>
  readonly #frontends: Map<FrontendKey, OwnedFrontend>
  readonly #k8s = new K8sStore()
  #nodeAddresses: readonly string[]
  #revision = 1

  /** @param start services and node addresses that it has from the start, without the objects that they were imported from */
  constructor (start?: Cluster) {
    this.#services = new Map(start === undefined ? [] : start.#services)
    this.#frontends = new Map(start === undefined ? [] : start.#frontends)
    this.#nodeAddresses = start === undefined ? [] : start.#nodeAddresses
  }

  get revision (): number {
    return this.#revision
  }

  get nodeAddresses (): readonly string[] {
    return this.#nodeAddresses
  }

  service (key: ServiceKey): Service | undefined {
    return this.#services.get(key)
  }

  frontend (key: FrontendKey): OwnedFrontend | undefined {
    return this.#frontends.get(key)
  }

  /** in the order in which they came */
  services (): IterableIterator<Service> {
    return this.#services.values()
  }

  get serviceCount (): number {
    return this.#services.size
  }

  /** every frontend in the order in which a node that starts now meets them */
  frontendKeys (): FrontendKey[] {
    return [...this.#services.values()].flatMap(service => sortedFrontendKeys(service))
  }

  draft (): Draft {
    return new Draft(
      this,
      new Overlay(this.#services),
      new Overlay(this.#frontends),
      draftStore(this.#k8s),
      (nodeAddresses) => {
        this.#nodeAddresses = nodeAddresses
        this.#revision++
      }
    )
  }
}

export class Draft implements DesiredState {
  /** imported objects */
  readonly k8s: K8sDraft
  readonly #before: Cluster
  readonly #services: Overlay<ServiceKey, Service>
  readonly #frontends: Overlay<FrontendKey, OwnedFrontend>
  readonly #finish: (nodeAddresses: readonly string[]) => void
  #nodeAddresses: readonly string[]
  /** frontends to realise again, in order; a later touch moves a frontend back, as an event that comes later does */
  readonly #touched = new Set<FrontendKey>()
  /** NodePort frontends of the same port as a touched one: realised after all others, since they may have been covered or uncovered */
  readonly #shadowed = new Set<FrontendKey>()
  #committed = false

  constructor (
    before: Cluster, services: Overlay<ServiceKey, Service>, frontends: Overlay<FrontendKey, OwnedFrontend>, k8s: K8sDraft,
    finish: (nodeAddresses: readonly string[]) => void
  ) {
    this.#before = before
    this.#services = services
    this.#frontends = frontends
    this.k8s = k8s
    this.#nodeAddresses = before.nodeAddresses
    this.#finish = finish
  }

  get nodeAddresses (): readonly string[] {
    return this.#nodeAddresses
  }

  get nodeAddressesChanged (): boolean {
    return this.#nodeAddresses !== this.#before.nodeAddresses
  }

  service (key: ServiceKey): Service | undefined {
    return this.#services.get(key)
  }

  frontend (key: FrontendKey): OwnedFrontend | undefined {
    return this.#frontends.get(key)
  }

  * services (): Generator<Service> {
    for (const [, service] of this.#services.entries()) yield service
  }

  touched (): FrontendKey[] {
    return [...this.#touched, ...[...this.#shadowed].filter(key => !this.#touched.has(key))]
  }

  /** @param at JSON Pointer of the service's frontends, for the places of a conflict */
  putService (service: Service, at = '/frontends'): LbResult<void> {
    const key = serviceKey(service)
    const old = this.#services.get(key)
    if (old === undefined && this.#services.size >= limits.services) {
      return refuse('LIMIT_EXCEEDED', `${limits.services} services are the limit`)
    }
    const conflict = this.#conflict(service, key, at)
    if (conflict !== null) return conflict
    this.#services.set(key, service)
    const kept = new Set(service.frontends.map(frontendKey))
    for (const frontend of old?.frontends ?? []) if (!kept.has(frontendKey(frontend))) this.#dropFrontend(frontendKey(frontend))
    for (const frontend of service.frontends) this.#frontends.set(frontendKey(frontend), { service, frontend })
    if (this.#frontends.size > limits.frontends) return refuse('LIMIT_EXCEEDED', `${limits.frontends} frontends are the limit`)
    for (const one of sortedFrontendKeys(service)) this.#touch(one)
    return done(undefined)
  }

  deleteService (key: ServiceKey): boolean {
    const service = this.#services.get(key)
    if (service === undefined) return false
    for (const one of sortedFrontendKeys(service)) this.#dropFrontend(one)
    return this.#services.delete(key)
  }

  /** every service and imported object goes; what is put afterwards is the whole state */
  clear (): void {
    for (const service of [...this.services()]) this.deleteService(serviceKey(service))
    clearStore(this.k8s)
  }

  /** Frontends that are to be realised again come in this order, behind those that it does not name: as another machine met them. */
  reorder (keys: readonly FrontendKey[]): void {
    for (const key of keys) if (this.#touched.delete(key)) this.#touched.add(key)
  }

  setNodeAddresses (addresses: readonly string[]): void {
    if (addresses.join() === this.#nodeAddresses.join()) return
    this.#nodeAddresses = addresses
  }

  /** The caller has realised the draft everywhere; nothing can fail any more. */
  commit (): void {
    if (this.#committed) throw new Error('a draft is committed once')
    this.#committed = true
    this.#services.commit()
    this.#frontends.commit()
    commitStore(this.k8s)
    this.#finish(this.#nodeAddresses)
  }

  #dropFrontend (key: FrontendKey): void {
    const owned = this.#frontends.get(key)
    this.#frontends.delete(key)
    this.#touch(key)
    if (owned !== undefined) this.#touchNodePortBehind(owned.frontend)
  }

  #touch (key: FrontendKey): void {
    this.#touched.delete(key)
    this.#touched.add(key)
    const owned = this.#frontends.get(key)
    if (owned !== undefined) this.#touchNodePortBehind(owned.frontend)
  }

  /** A frontend on a node's own address hides, or uncovers, the same port of a NodePort service there. */
  #touchNodePortBehind (frontend: Frontend): void {
    if (isSurrogate(frontend.address)) return
    const behind = frontendKey({ ...frontend, address: surrogateAddress(familyOf(frontend.address)) })
    if (this.#frontends.has(behind)) this.#shadowed.add(behind)
  }

  #conflict (service: Service, key: ServiceKey, at: string): ReturnType<typeof refuse> | null {
    const places: LbPlace[] = []
    service.frontends.forEach((frontend, index) => {
      const owner = this.#frontends.get(frontendKey(frontend))
      if (owner === undefined || serviceKey(owner.service) === key || places.length >= limits.places) return
      places.push({ pointer: `${at}/${index}`, detail: `${endpointText(frontend)} belongs to service ${serviceKey(owner.service)}` })
    })
    const first = places[0]
    return first === undefined ? null : refuse('FRONTEND_CONFLICT', `service ${key}: ${first.detail}`, { places })
  }
}

/** Imported services follow the objects they come from; a change by hand would be lost with the next import. */
export function refuseImported (service: Service): LbResult<void> {
  if (service.source === 'api') return done(undefined)
  const from = service.source === 'k8s' ? 'Kubernetes' : 'a dump'
  return refuse('IMPORTED_OBJECT', `service ${serviceKey(service)} was imported from ${from}; change it by importing it again`, {
    facts: { source: service.source }
  })
}

/** within a service frontends come by address, port, protocol */
export function sortedFrontendKeys (service: Service): FrontendKey[] {
  return service.frontends.map(frontendKey).sort()
}
