// The desired state of the cluster: services and node addresses, with a revision that every successful change bumps once. A change is
// drafted first, realised on all nodes, and only then committed; a draft that is dropped leaves no trace.

import { done, refuse } from './errors.ts'
import type { LbPlace, LbResult } from './errors.ts'
import { limits } from './limits.ts'
import { K8sStore, clearStore, commitStore, draftStore } from './k8s/store.ts'
import type { K8sDraft } from './k8s/store.ts'
import { Overlay } from './overlay.ts'
import type { Labels } from './label-selector.ts'
import { desiredKey, endpointText, familyOf, frontendKey, isSurrogate, scopedFrontends, serviceKey, surrogateAddress } from './service.ts'
import type { DesiredKey, Frontend, Service, ServiceKey } from './service.ts'

export interface OwnedFrontend {
  readonly service: Service
  readonly frontend: Frontend
}

/** What a node reads while it realises a change; a cluster and a draft of it both give it. */
export interface DesiredState {
  service (key: ServiceKey): Service | undefined
  frontend (key: DesiredKey): OwnedFrontend | undefined
  readonly nodeAddresses: readonly string[]
  /** of the Kubernetes Node of that name */
  nodeLabels (nodeName: string): Labels | undefined
}

export class Cluster implements DesiredState {
  readonly #services: Map<ServiceKey, Service>
  readonly #frontends: Map<DesiredKey, OwnedFrontend>
  readonly #k8s = new K8sStore()
  #nodeAddresses: readonly string[]
  #revision = 1

  /** @param start services, nodes and node addresses that it has from the start, without the objects that services were imported from */
  constructor (start?: Cluster) {
    for (const [name, node] of start === undefined ? [] : start.#k8s.nodes) this.#k8s.nodes.set(name, node)
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

  frontend (key: DesiredKey): OwnedFrontend | undefined {
    return this.#frontends.get(key)
  }

  nodeLabels (nodeName: string): Labels | undefined {
    return this.#k8s.nodes.get(nodeName)?.labels
  }

  /** in the order in which they came */
  services (): IterableIterator<Service> {
    return this.#services.values()
  }

  get serviceCount (): number {
    return this.#services.size
  }

  /** every frontend in the order in which a node that starts now meets them */
  frontendKeys (): DesiredKey[] {
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
  readonly #frontends: Overlay<DesiredKey, OwnedFrontend>
  readonly #finish: (nodeAddresses: readonly string[]) => void
  #nodeAddresses: readonly string[]
  /** frontends to realise again, in order; a later touch moves a frontend back, as an event that comes later does */
  readonly #touched = new Set<DesiredKey>()
  /** NodePort frontends of the same port as a touched one: realised after all others, since they may have been covered or uncovered */
  readonly #shadowed = new Set<DesiredKey>()
  #committed = false

  constructor (
    before: Cluster, services: Overlay<ServiceKey, Service>, frontends: Overlay<DesiredKey, OwnedFrontend>, k8s: K8sDraft,
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

  frontend (key: DesiredKey): OwnedFrontend | undefined {
    return this.#frontends.get(key)
  }

  nodeLabels (nodeName: string): Labels | undefined {
    return this.k8s.nodes.get(nodeName)?.labels
  }

  * services (): Generator<Service> {
    for (const [, service] of this.#services.entries()) yield service
  }

  touched (): DesiredKey[] {
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
    const frontends = new Map(scopedFrontends(service).map(frontend => [desiredKey(frontendKey(frontend), service), frontend]))
    for (const [one, frontend] of frontends) this.#frontends.set(one, { service, frontend })
    if (this.#frontends.size > limits.frontends) return refuse('LIMIT_EXCEEDED', `${limits.frontends} frontends are the limit`)
    for (const one of [...frontends.keys()].sort()) this.#touch(one)
    // What goes is looked at after what stays or comes, so that a backend that serves both keeps its id.
    if (old !== undefined) for (const one of sortedFrontendKeys(old)) if (!frontends.has(one)) this.#dropFrontend(one)
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

  /** services that look at the labels of nodes, which changed, are realised again */
  touchPlaced (): void {
    for (const service of this.services()) {
      if (service.exposure === undefined && service.trafficDistribution === undefined) continue
      for (const one of sortedFrontendKeys(service)) this.#touch(one)
    }
  }

  /** Frontends that are to be realised again come in this order, behind those that it does not name: as another machine met them. */
  reorder (keys: readonly DesiredKey[]): void {
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

  #dropFrontend (key: DesiredKey): void {
    const owned = this.#frontends.get(key)
    this.#frontends.delete(key)
    this.#touch(key)
    if (owned !== undefined) this.#touchNodePortBehind(owned.frontend)
  }

  #touch (key: DesiredKey): void {
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
    scopedFrontends(service).forEach((frontend, index) => {
      const one = frontendKey(frontend)
      const owner = this.#frontends.get(desiredKey(one, service)) ?? this.#frontends.get(one)
      if (owner === undefined || serviceKey(owner.service) === key || places.length >= limits.places) return
      // Those for lookups from inside follow from the ones that are listed.
      const place = index < service.frontends.length ? `${at}/${index}` : at
      places.push({ pointer: place, detail: `${endpointText(frontend)} belongs to service ${serviceKey(owner.service)}` })
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
export function sortedFrontendKeys (service: Service): DesiredKey[] {
  return scopedFrontends(service).map(frontend => desiredKey(frontendKey(frontend), service)).sort()
}
