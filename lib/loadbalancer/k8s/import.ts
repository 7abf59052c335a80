// Kubernetes manifests -> desired state. Everything is read and checked first; the result is a draft that is realised or dropped as one.

import type { Cluster, Draft } from '../cluster.ts'
import { applyCiliumConfig } from '../cilium-options.ts'
import { done, refuse } from '../errors.ts'
import type { LbError, LbPlace, LbResult } from '../errors.ts'
import type { Labels } from '../label-selector.ts'
import { limits } from '../limits.ts'
import { endpointKey, frontendKey, namesOf, serviceKey } from '../service.ts'
import type { Backend, Frontend, Service, ServiceKey } from '../service.ts'
import type { NodeSettings } from '../settings.ts'
import { complete } from '../steps.ts'
import type { Steps } from '../steps.ts'
import { checkName, objectsOf } from './documents.ts'
import type { K8sObject } from './documents.ts'
import { Problems } from './fields.ts'
import { ciliumConfigName, readConfigMap, readLabels, readNodeAddresses } from './other-objects.ts'
import { unmatchedPorts } from './port-names.ts'
import { readPod } from './pod-object.ts'
import { placeOfFrontend, readService } from './service-object.ts'
import type { ServiceObject } from './service-object.ts'
import { keepAlgorithm } from './service-traits.ts'
import { readSlice } from './slice-object.ts'
import type { SliceObject } from './slice-object.ts'

export interface SkippedObject {
  readonly document: number
  readonly kind: string
  readonly name: string
  readonly reason: string
  /** where it is about one member of an object that is imported otherwise: JSON Pointer into the object */
  readonly field?: string
  /** what it is, where programs act on it: a port of a Service whose name no endpoint has */
  readonly code?: 'unmatched-port'
}

/** how the reason starts where an object is imported and a part of it does nothing */
export const importedWithoutEffect = 'imported, but without effect: '

/** objects, not services: a Service and its two slices are three */
export interface ImportCounts {
  readonly created: number
  readonly updated: number
  readonly deleted: number
  readonly unchanged: number
  readonly skipped: readonly SkippedObject[]
}

export interface ImportOptions {
  readonly operation: 'apply' | 'delete'
  /** settings of node `cilium`, which the ConfigMap changes; null: there is no such node */
  readonly ciliumSettings: NodeSettings | null
}

export interface Import {
  readonly draft: Draft
  readonly counts: ImportCounts
  /** what node `cilium` is to be from now on; null: as it is */
  readonly ciliumSettings: NodeSettings | null
  /** services that the documents speak of, whether they change them or not; null: all, since what nodes are changes */
  readonly touched: ReadonlySet<ServiceKey> | null
}

/** Pauses after every object, and after every service that is put together from them. */
export function * importSteps (cluster: Cluster, documents: readonly unknown[], options: ImportOptions): Steps<LbResult<Import>> {
  const problems = new Problems()
  const objects = objectsOf(documents, problems)
  const draft = cluster.draft()
  const importing = new Importing(draft, options)
  for (const object of objects) {
    importing.take(object)
    yield
  }
  if (problems.places.length > 0) return refuseDocuments(problems, objects)
  const conflict = yield * importing.rebuildServices()
  if (conflict !== null) return conflict
  const { ciliumSettings, touched, placesChanged } = importing
  return done({ draft, counts: importing.counts(), ciliumSettings, touched: placesChanged || movesNodes(cluster, draft) ? null : touched })
}

export const importDocuments = (cluster: Cluster, documents: readonly unknown[], options: ImportOptions): LbResult<Import> =>
  complete(importSteps(cluster, documents, options))

/** NodePorts of every service are at the addresses of nodes. */
export function movesNodes (cluster: Cluster, draft: Draft): boolean {
  return JSON.stringify(cluster.nodeAddresses) !== JSON.stringify(draft.nodeAddresses)
}

class Importing {
  ciliumSettings: NodeSettings | null = null
  /** labels of nodes are others now */
  placesChanged = false
  /** services that the documents speak of */
  readonly touched = new Set<ServiceKey>()
  readonly #draft: Draft
  readonly #options: ImportOptions
  readonly #counts = { created: 0, updated: 0, deleted: 0, unchanged: 0 }
  readonly #skipped: SkippedObject[] = []
  /** services whose objects changed, by their last change, with the place to blame for a conflict */
  readonly #affected = new Map<ServiceKey, string>()
  /** the objects they are explained by: the Service where it is among the documents, else one of its slices */
  readonly #objects = new Map<ServiceKey, K8sObject>()
  /** of them the ones whose Service object was taken away */
  readonly #withdrawn = new Set<ServiceKey>()
  /** services of pods, as they are to be; null: not any more */
  readonly #hostPorts = new Map<ServiceKey, { readonly service: Service | null, readonly pointer: string }>()

  constructor (draft: Draft, options: ImportOptions) {
    this.#draft = draft
    this.#options = options
  }

  counts (): ImportCounts {
    return { ...this.#counts, skipped: this.#skipped }
  }

  take (object: K8sObject): void {
    const group = object.apiVersion.includes('/') ? object.apiVersion.split('/')[0] : ''
    if (group === '' && object.kind === 'Service') this.#takeService(object)
    else if ((group === 'discovery.k8s.io' || object.apiVersion === '') && object.kind === 'EndpointSlice') this.#takeSlice(object)
    else if (group === '' && object.kind === 'Node') this.#takeNode(object)
    else if (group === '' && object.kind === 'Pod') this.#takePod(object)
    else if (group === '' && object.kind === 'ConfigMap') this.#takeConfigMap(object)
    else if (group === 'cilium.io' && elsewhere.has(object.kind)) this.#skip(object, 'redirection to a proxy or to local pods is not read from this kind')
    else if (group === '' && object.kind === 'Endpoints') this.#skip(object, 'backends are taken from EndpointSlices')
    else this.#skip(object, 'the load balancer takes nothing from this kind')
  }

  /** @returns why the services cannot be as the objects say, null when they can */
  * rebuildServices (): Steps<ReturnType<typeof refuse> | null> {
    const refusedPod = yield * this.#rebuildPods()
    if (refusedPod !== null) return refusedPod
    yield * this.#releaseMovedFrontends()
    let conflict: LbError | null = null
    const conflicts: LbPlace[] = []
    for (const [key, pointer] of this.#affected) {
      yield
      const existing = this.#draft.service(key)
      const object = this.#draft.k8s.services.get(key)
      if (existing?.source === 'api' && object === undefined) continue
      const byHand = this.#refuseMadeByHand(key, pointer)
      if (byHand !== null) return byHand
      if (object === undefined) {
        // A service that was restored with a whole state has no objects behind it; slices alone do not end it.
        if (this.#withdrawn.has(key)) this.#draft.deleteService(key)
        continue
      }
      const { namespace, name } = namesOf(key)
      const backends = this.#backendsOf(key)
      if (backends.length > limits.backendsPerService) {
        const detail = `${backends.length} backends are more than the limit of ${limits.backendsPerService} per service`
        return refuse('LIMIT_EXCEEDED', `service ${key}: ${detail}`, { places: [{ pointer, detail }] })
      }
      const { frontends, traits } = object
      const service: Service = { namespace, name, source: 'k8s', frontends, backends, ...keepAlgorithm(traits, existing) }
      const put = this.#draft.putService(service)
      if (put.ok) continue
      if (put.error.code !== 'FRONTEND_CONFLICT') return refusedAt(pointer, put)
      conflict ??= put.error
      conflicts.push(...placesOfConflict(put.error.places, frontends, this.#objects.get(key), pointer))
      if (conflicts.length >= limits.places) break
    }
    if (conflict !== null) return refuse(conflict.code, conflict.message, { places: conflicts.slice(0, limits.places) })
    yield * this.#sayUnmatchedPorts()
    if (this.placesChanged) this.#draft.touchPlaced()
    return null
  }

  * #sayUnmatchedPorts (): Steps<void> {
    for (const [key, object] of this.#objects) {
      yield
      const service = this.#draft.service(key)
      if (service === undefined) continue
      for (const { field, detail } of unmatchedPorts(service.frontends, service.backends, object)) {
        const about = { ...(field === null ? {} : { field }), code: 'unmatched-port' } as const
        this.#skip({ ...object, ...namesOf(key), kind: 'Service' }, `${importedWithoutEffect}${field ?? 'port of the Service'}: ${detail}`, about)
      }
    }
  }

  #refuseMadeByHand (key: ServiceKey, pointer: string): ReturnType<typeof refuse> | null {
    if (this.#draft.service(key)?.source !== 'api') return null
    return refuse('SERVICE_EXISTS', `service ${key} was made by hand and is not replaced by an import`, {
      places: [{ pointer, detail: 'a service of that name was made by hand' }]
    })
  }

  /** A frontend may go from one service to another within an import, whichever of the two is listed first. */
  * #releaseMovedFrontends (): Steps<void> {
    const { services } = this.#draft.k8s
    for (const key of this.#affected.keys()) {
      yield
      for (const frontend of services.get(key)?.frontends ?? []) {
        const one = frontendKey(frontend)
        const owner = this.#draft.frontend(one)?.service
        if (owner === undefined || owner.source === 'api' || serviceKey(owner) === key || !this.#affected.has(serviceKey(owner))) continue
        const kept = services.get(serviceKey(owner))?.frontends ?? []
        if (kept.some(other => frontendKey(other) === one)) continue
        this.#draft.putService({ ...owner, frontends: owner.frontends.filter(other => frontendKey(other) !== one) })
      }
    }
  }

  #takeService (object: K8sObject): void {
    checkName(object)
    const key = serviceKey(object)
    this.touched.add(key)
    const { services } = this.#draft.k8s
    if (this.#options.operation === 'delete') {
      if (this.#delete(object, this.#knownService(key) !== undefined)) {
        services.delete(key)
        this.#withdrawn.add(key)
        this.#affect(key, object)
      }
      return
    }
    this.#objects.set(key, object)
    const read = readService(object)
    if (read.skip !== null) this.#skip(object, read.skip)
    this.#sayIgnored(object, read.ignored)
    const existing = this.#knownService(key)
    // Without frontends there is no service; one that had some loses them.
    if (read.skip !== null && existing === undefined) return
    if (read.skip !== null) {
      services.delete(key)
      this.#withdrawn.add(key)
    } else {
      services.set(key, read)
      this.#withdrawn.delete(key)
    }
    if (this.#note(existing, read.skip === null ? read : undefined)) this.#affect(key, object)
  }

  /** @returns null for a service that was restored with a whole state: imported once, its object is not known any more */
  #knownService (key: ServiceKey): ServiceObject | null | undefined {
    return this.#draft.k8s.services.get(key) ?? (this.#draft.service(key)?.source === 'k8s' ? null : undefined)
  }

  #takeSlice (object: K8sObject): void {
    checkName(object)
    const { slices } = this.#draft.k8s
    const name = serviceKey(object)
    const existing = slices.get(name)
    if (this.#options.operation === 'delete') {
      if (this.#delete(object, existing !== undefined)) this.#replaceSlice(object, name, existing, undefined)
      return
    }
    const read = readSlice(object)
    if (typeof read === 'string') {
      this.#skip(object, read)
      return
    }
    this.#sayIgnored(object, read.ignored)
    const key = serviceKey({ namespace: object.namespace, name: read.service })
    this.touched.add(key)
    if (this.#objects.get(key)?.kind !== 'Service') this.#objects.set(key, object)
    if (this.#note(existing, read)) this.#replaceSlice(object, name, existing, read)
  }

  #replaceSlice (object: K8sObject, name: string, existing: SliceObject | undefined, now: SliceObject | undefined): void {
    const { slices, slicesOfService } = this.#draft.k8s
    const keyOf = (slice: SliceObject): ServiceKey => `${object.namespace}/${slice.service}`
    if (existing !== undefined && existing.service !== now?.service) {
      const rest = (slicesOfService.get(keyOf(existing)) ?? []).filter(one => one !== name)
      if (rest.length > 0) slicesOfService.set(keyOf(existing), rest)
      else slicesOfService.delete(keyOf(existing))
      this.#affect(keyOf(existing), object)
    }
    if (now === undefined) {
      slices.delete(name)
      return
    }
    slices.set(name, now)
    // The slice that changed last knows best what it shares with others.
    slicesOfService.set(keyOf(now), [...(slicesOfService.get(keyOf(now)) ?? []).filter(one => one !== name), name])
    this.#affect(keyOf(now), object)
  }

  #takeNode (object: K8sObject): void {
    checkName(object)
    const { nodes } = this.#draft.k8s
    const existing = nodes.get(object.name)
    let addresses: readonly string[] = []
    let labels: Labels = {}
    if (this.#options.operation === 'delete') {
      if (!this.#delete(object, existing !== undefined)) return
      nodes.delete(object.name)
    } else {
      addresses = readNodeAddresses(object)
      labels = readLabels(object)
      nodes.set(object.name, { addresses, labels })
      if (!this.#note(existing, { addresses, labels })) return
    }
    this.placesChanged ||= JSON.stringify(existing?.labels ?? {}) !== JSON.stringify(labels)
    const others = new Set([...nodes.entries()].filter(([name]) => name !== object.name).flatMap(([, node]) => node.addresses))
    const gone = new Set((existing?.addresses ?? []).filter(address => !others.has(address)))
    const kept = this.#draft.nodeAddresses.filter(address => !gone.has(address))
    this.#draft.setNodeAddresses([...new Set([...kept, ...addresses])])
    if (this.#draft.nodeAddresses.length > limits.nodeAddresses) {
      object.field.wrong(`more than ${limits.nodeAddresses} node addresses are the limit`)
    }
  }

  #takePod (object: K8sObject): void {
    checkName(object)
    const { pods } = this.#draft.k8s
    const key = serviceKey(object)
    const existing = pods.get(key)
    if (this.#options.operation === 'delete') {
      if (this.#delete(object, existing !== undefined)) this.#replacePod(object, existing, [])
      return
    }
    const read = readPod(object)
    if (typeof read === 'string') {
      this.#skip(object, read)
      if (existing !== undefined && this.#note(existing, undefined)) this.#replacePod(object, existing, [])
      return
    }
    for (const service of read) this.touched.add(serviceKey(service))
    const before = existing?.map(name => this.#draft.service(name))
    if (this.#note(before, read)) this.#replacePod(object, existing, read)
  }

  #replacePod (object: K8sObject, existing: readonly ServiceKey[] | undefined, services: readonly Service[]): void {
    const { pods } = this.#draft.k8s
    const names = services.map(serviceKey)
    const { pointer } = object.field
    for (const name of existing ?? []) if (!names.includes(name)) this.#hostPorts.set(name, { service: null, pointer })
    for (const service of services) this.#hostPorts.set(serviceKey(service), { service, pointer })
    if (names.length > 0) pods.set(serviceKey(object), names)
    else pods.delete(serviceKey(object))
  }

  /** What ends frees its ports for what comes. */
  * #rebuildPods (): Steps<ReturnType<typeof refuse> | null> {
    for (const [key, { service }] of this.#hostPorts) if (service === null) this.#draft.deleteService(key)
    for (const [key, { service, pointer }] of this.#hostPorts) {
      yield
      if (service === null) continue
      const refused = this.#refuseMadeByHand(key, pointer) ?? refusedAt(pointer, this.#draft.putService(service))
      if (refused !== null) return refused
    }
    return null
  }

  #takeConfigMap (object: K8sObject): void {
    if (object.name !== ciliumConfigName) return this.#skip(object, `only the ConfigMap ${ciliumConfigName} is read`)
    if (this.#options.operation === 'delete') return this.#skip(object, 'node cilium keeps its options; set them on the node')
    const before = this.ciliumSettings ?? this.#options.ciliumSettings
    if (before === null) return this.#skip(object, 'there is no node cilium')
    const { settings, skipped, wrong } = applyCiliumConfig(before, readConfigMap(object))
    for (const { key, reason } of wrong) object.field.member('data').member(key).wrong(reason)
    for (const { key, reason } of skipped) this.#skip(object, `${key}: ${reason}`)
    if (JSON.stringify(settings) === JSON.stringify(before)) this.#counts.unchanged++
    else {
      this.#counts.updated++
      this.ciliumSettings = settings
    }
  }

  /** counts an object against what was there; @returns whether it differs */
  #note (existing: unknown, now: unknown): boolean {
    if (existing === undefined) this.#counts.created++
    else if (JSON.stringify(existing) === JSON.stringify(now)) {
      this.#counts.unchanged++
      return false
    } else this.#counts.updated++
    return true
  }

  #delete (object: K8sObject, exists: boolean): boolean {
    if (exists) this.#counts.deleted++
    else this.#skip(object, 'there is no such object')
    return exists
  }

  #affect (key: ServiceKey, object: K8sObject): void {
    this.touched.add(key)
    this.#affected.delete(key)
    this.#affected.set(key, object.field.pointer)
  }

  /** @param ignored annotations of the object that have no effect, in words */
  #sayIgnored (object: K8sObject, ignored: readonly string[]): void {
    if (ignored.length > 0) this.#skip(object, importedWithoutEffect + ignored.join('; '), { field: '/metadata/annotations' })
  }

  #skip ({ document, kind, namespace, name }: K8sObject, reason: string, about: Pick<SkippedObject, 'field' | 'code'> = {}): void {
    const cluster = kind === 'Node' || kind === 'Namespace'
    this.#skipped.push({ document, kind, name: cluster ? name : `${namespace}/${name}`, reason, ...about })
  }

  /** Slices may list an endpoint twice while it moves from one to another; the later slice knows better. */
  #backendsOf (key: ServiceKey): Backend[] {
    const { slices, slicesOfService } = this.#draft.k8s
    const names = slicesOfService.get(key) ?? []
    const [only] = names
    if (only !== undefined && names.length === 1) {
      const sorted = sortedOnce(slices.get(only)?.backends ?? [])
      if (sorted !== null) return sorted
    }
    const merged = new Map<string, Backend>()
    const states = new Map<string, Backend>()
    for (const name of names) {
      for (const backend of slices.get(name)?.backends ?? []) {
        const endpoint = endpointKey(backend)
        merged.set(`${endpoint}/${backend.portName ?? ''}`, backend)
        states.set(endpoint, backend)
      }
    }
    return [...merged.entries()].sort(([one], [other]) => one < other ? -1 : 1)
      .map(([, backend]) => ({ ...backend, state: states.get(endpointKey(backend))?.state ?? backend.state }))
  }
}

/** by endpoint, as they come from one slice mostly; null: one stands there twice and there is something to merge */
function sortedOnce (backends: readonly Backend[]): Backend[] | null {
  const keyed = backends.map(backend => ({ key: endpointKey(backend), backend }))
  keyed.sort(({ key: one }, { key: other }) => one < other ? -1 : one > other ? 1 : 0)
  for (let index = 1; index < keyed.length; index++) if (keyed[index]?.key === keyed[index - 1]?.key) return null
  return keyed.map(({ backend }) => backend)
}

/** kinds that change where packets of a service go, without being load balancing themselves */
const elsewhere = new Set(['CiliumEnvoyConfig', 'CiliumClusterwideEnvoyConfig', 'CiliumLocalRedirectPolicy'])

/** @param places in the service, `/frontends/0`. @param pointer of the object to blame where the Service is not at hand */
function placesOfConflict (
  places: readonly LbPlace[], frontends: readonly Frontend[], object: K8sObject | undefined, pointer: string
): LbPlace[] {
  const byDetail = new Map<string, LbPlace>()
  for (const { pointer: at, detail } of places) {
    const frontend = frontends[Number(at.split('/')[2])]
    const place = object?.kind === 'Service' && frontend !== undefined ? placeOfFrontend(object, frontend) : pointer
    // that for lookups from inside says the same as the one it follows from
    if (!byDetail.has(detail)) byDetail.set(detail, { pointer: place, detail })
  }
  return [...byDetail.values()]
}

/** a refusal in words of the object that brought it */
function refusedAt (pointer: string, result: LbResult<void>): ReturnType<typeof refuse> | null {
  if (result.ok) return null
  const { code, message, facts } = result.error
  return refuse(code, message, { places: [{ pointer, detail: message }], facts })
}

function refuseDocuments ({ places }: Problems, objects: readonly K8sObject[]): ReturnType<typeof refuse> {
  const first = places[0]
  const object = objects.findLast(({ field }) => first !== undefined && `${first.pointer}/`.startsWith(`${field.pointer}/`))
  const document = first?.pointer.split('/')[1] ?? '0'
  const what = object === undefined ? '' : ` (${object.kind} ${object.namespace}/${object.name})`
  const where = first?.pointer.slice((object?.field.pointer ?? `/${document}`).length)
  const more = places.length > 1 ? `, and ${places.length - 1} more` : ''
  return refuse('INVALID_DOCUMENT', `document ${document}${what}: ${where === '' ? '' : `${where}: `}${first?.detail ?? ''}${more}`, { places })
}
