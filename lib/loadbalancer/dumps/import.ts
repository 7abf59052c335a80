// Documents of an import: Kubernetes objects, lists that Cilium printed, or both. All of them are read before anything is put into the
// draft of the desired state, which is realised or dropped as one.

import type { Cluster, Draft } from '../cluster.ts'
import { applyCiliumConfig } from '../cilium-options.ts'
import { done, refuse, refusePlaces } from '../errors.ts'
import type { LbErrorCode, LbPlace, LbResult } from '../errors.ts'
import { Field, isRecord, Problems } from '../k8s/fields.ts'
import { importSteps, movesNodes } from '../k8s/import.ts'
import type { Import, ImportCounts, ImportOptions, SkippedObject } from '../k8s/import.ts'
import { serviceKey } from '../service.ts'
import type { Service } from '../service.ts'
import type { NodeSettings } from '../settings.ts'
import { complete } from '../steps.ts'
import type { Steps } from '../steps.ts'
import { isBpfLbList, readBpfLbList, readBpfLbListText } from './bpf-lb-list.ts'
import { readConfigText } from './config-list.ts'
import type { ConfigList } from './config-list.ts'
import type { DumpedFrontend } from './frontends.ts'
import { isMaglevList } from './maglev-list.ts'
import { isServiceListEntry, readServiceEntry, readServiceListText } from './service-list.ts'
import type { FrontendList, LeftOut } from './service-list.ts'
import { servicesOf } from './services.ts'
import type { DumpedServices } from './services.ts'
import { readText } from './texts.ts'
import type { DumpText } from './texts.ts'

/** A text of a dump, as a document among others. */
export function isDumpText (document: unknown): document is DumpText {
  return isRecord(document) && typeof document['file'] === 'string' && typeof document['text'] === 'string' && document['kind'] === undefined
}

/** A file that is not read, as a document that is skipped. */
export interface PassedOver {
  readonly file: string
  readonly passedOver: string
}

function isPassedOver (document: unknown): document is PassedOver {
  return isRecord(document) && typeof document['file'] === 'string' && typeof document['passedOver'] === 'string' && document['kind'] === undefined
}

export function isDump (document: unknown): boolean {
  return isServiceListEntry(document) || isDumpText(document) || isPassedOver(document) || isBpfLbList(document) || isMaglevList(document)
}

/** Pauses after every object of either kind. */
export function * importDocumentSteps (cluster: Cluster, documents: readonly unknown[], options: ImportOptions): Steps<LbResult<Import>> {
  const dumps = documents.map((document, index) => ({ document, index })).filter(({ document }) => isDump(document))
  if (dumps.length === 0) return yield * importSteps(cluster, documents, options)
  // dumps are no manifests: their places stay, as empty documents
  const imported = yield * importSteps(cluster, documents.map(document => isDump(document) ? null : document), options)
  if (!imported.ok) return imported
  const read = yield * readDumps(dumps)
  if (!read.ok) return read
  const services = yield * servicesOf(read.value.frontends)
  if (!services.ok) return services
  const { draft, counts } = imported.value
  const taken = yield * takeServices(draft, services.value, options)
  if (!taken.ok) return taken
  const config = takeConfig(read.value.config, imported.value.ciliumSettings ?? options.ciliumSettings, options)
  if (!config.ok) return config
  const skipped = [
    ...counts.skipped, ...read.value.skipped, ...config.value.skipped, ...taken.value.skipped,
    ...services.value.leftOut.map(({ pointer, name, reason }) => ({ document: documentOf(pointer), kind: 'Frontend', name, reason })),
    ...(options.operation === 'delete' ? [] : services.value.lost.map(inPart))
  ].sort((one, other) => one.document - other.document)
  return done({
    draft,
    counts: {
      created: counts.created + taken.value.created,
      updated: counts.updated + taken.value.updated + config.value.updated,
      deleted: counts.deleted + taken.value.deleted,
      unchanged: counts.unchanged + taken.value.unchanged + config.value.unchanged,
      skipped
    },
    ciliumSettings: config.value.settings ?? imported.value.ciliumSettings,
    touched: imported.value.touched === null || movesNodes(cluster, draft)
      ? null
      : new Set([...imported.value.touched, ...services.value.services.map(({ service }) => serviceKey(service))])
  })
}

const inPart = ({ pointer, name, reason }: LeftOut): SkippedObject =>
  ({ document: documentOf(pointer), kind: 'Service', name, reason: `imported in part: ${reason}` })

/**
 * Frontends of lists that are only looked at.
 * @param documents as those of an import
 */
export function readFrontends (documents: readonly unknown[]): LbResult<readonly DumpedFrontend[]> {
  const foreign = documents.findIndex(document => !isDump(document))
  if (foreign >= 0) {
    return refusePlaces('INVALID_DOCUMENT', [{ pointer: `/${foreign}`, detail: 'this is neither cilium-dbg service list nor bpf lb list' }])
  }
  const read = complete(readDumps(documents.map((document, index) => ({ document, index }))))
  return read.ok ? done(read.value.frontends) : read
}

interface ReadDumps {
  readonly frontends: DumpedFrontend[]
  readonly skipped: SkippedObject[]
  config: { readonly list: ConfigList, readonly index: number, readonly file: string } | null
}

function * readDumps (dumps: ReadonlyArray<{ readonly document: unknown, readonly index: number }>): Steps<LbResult<ReadDumps>> {
  const all: ReadDumps = { frontends: [], skipped: [], config: null }
  const problems = new Problems()
  for (const { document, index } of dumps) {
    yield
    const pointer = `/${index}`
    const skip = (kind: string, name: string, reason: string): void => { all.skipped.push({ document: index, kind, name, reason }) }
    let list: LbResult<FrontendList> | null = null
    if (isPassedOver(document)) skip('File', document.file, document.passedOver)
    else if (isMaglevList(document)) skip('MaglevList', `${Object.keys(document).length} tables`, builtNotImported)
    else if (isDumpText(document)) list = yield * readDumpText(document, index, all, skip)
    else if (isBpfLbList(document)) list = yield * readBpfLbList(document, pointer)
    else list = done(readServiceEntry(new Field(document, index, problems)))
    if (list === null) continue
    if (!list.ok) return named(list.error.places, list.error.code)
    all.frontends.push(...list.value.frontends)
    for (const { name, reason } of list.value.leftOut) skip('Frontend', name, reason)
  }
  if (problems.places.length > 0) return named(problems.places, 'INVALID_DOCUMENT')
  return done(all)
}

const builtNotImported = 'tables are built and not imported; compare them: POST /v1/nodes/{name}/table-comparisons'

function * readDumpText (
  { file, text }: DumpText, index: number, all: ReadDumps, skip: (kind: string, name: string, reason: string) => void
): Steps<LbResult<FrontendList> | null> {
  const read = readText(text)
  const pointer = `/${index}`
  switch (read?.kind) {
    case 'service-list': return yield * readServiceListText(read, pointer, file)
    case 'bpf-lb-list': return yield * readBpfLbListText(read, pointer, file)
    case 'config':
      all.config = { list: readConfigText(read), index, file }
      return null
    case 'bpf-lb-maglev-list':
      skip('MaglevList', file, builtNotImported)
      return null
    case undefined: return refusePlaces('INVALID_DOCUMENT', [{
      pointer,
      detail: `${file}: no list of services is in this text; known are cilium-dbg service list, bpf lb list, bpf lb maglev list and config --all`
    }])
  }
}

interface Taken extends ImportCounts {
  readonly skipped: SkippedObject[]
}

function * takeServices (
  draft: Draft, { services, nodeAddresses, order }: DumpedServices, { operation }: ImportOptions
): Steps<LbResult<Taken>> {
  const counts = { created: 0, updated: 0, deleted: 0, unchanged: 0 }
  const skipped: SkippedObject[] = []
  for (const { service, pointer } of services) {
    yield
    const key = serviceKey(service)
    const existing = draft.service(key)
    if (operation === 'delete') {
      if (existing?.source === 'dump' && draft.deleteService(key)) counts.deleted++
      else skipped.push({ document: documentOf(pointer), kind: 'Service', name: key, reason: 'no such service was imported from a dump' })
      continue
    }
    if (existing !== undefined && existing.source !== 'dump') return refuseForeign(existing, pointer)
    if (existing === undefined) counts.created++
    else if (JSON.stringify(existing) === JSON.stringify(service)) {
      counts.unchanged++
      continue
    } else counts.updated++
    const put = draft.putService(service)
    if (put.ok) continue
    const { code, message, facts } = put.error
    return refuse(code, message, { places: [{ pointer, detail: message }], facts })
  }
  if (operation === 'apply' && nodeAddresses.length > 0) draft.setNodeAddresses([...new Set([...draft.nodeAddresses, ...nodeAddresses])])
  if (operation === 'apply') draft.reorder(order)
  return done({ ...counts, skipped })
}

function refuseForeign (service: Service, pointer: string): ReturnType<typeof refuse> {
  const whose = service.source === 'api' ? 'was made by hand' : 'was imported from Kubernetes objects'
  const detail = `service ${serviceKey(service)} ${whose} and is not replaced by a dump; delete it first`
  return refuse('SERVICE_EXISTS', detail, { places: [{ pointer, detail }] })
}

interface TakenConfig {
  readonly settings: NodeSettings | null
  readonly updated: number
  readonly unchanged: number
  readonly skipped: readonly SkippedObject[]
}

function takeConfig (config: ReadDumps['config'], before: NodeSettings | null, { operation }: ImportOptions): LbResult<TakenConfig> {
  const nothing = { settings: null, updated: 0, unchanged: 0 }
  if (config === null) return done({ ...nothing, skipped: [] })
  const { list, index, file } = config
  const skip = (reason: string): SkippedObject => ({ document: index, kind: 'Config', name: file, reason })
  if (operation === 'delete') return done({ ...nothing, skipped: [skip('node cilium keeps its options; set them on the node')] })
  if (before === null) return done({ ...nothing, skipped: [skip('there is no node cilium')] })
  const { settings, skipped, wrong } = applyCiliumConfig(before, list.options)
  if (wrong.length > 0) return named(wrong.map(({ key, reason }) => ({ pointer: `/${index}`, detail: `${file}: ${key}: ${reason}` })), 'INVALID_DOCUMENT')
  const changed = JSON.stringify(settings) !== JSON.stringify(before)
  return done({
    settings: changed ? settings : null,
    updated: changed ? 1 : 0,
    unchanged: changed ? 0 : 1,
    skipped: [
      ...skipped.map(({ key, reason }) => skip(`${key}: ${reason}`)),
      ...(list.others > 0 ? [skip(`${list.others} settings are not the load balancer's`)] : [])
    ]
  })
}

function named (places: readonly LbPlace[], code: LbErrorCode): ReturnType<typeof refuse> {
  const [first] = places
  const more = places.length > 1 ? `, and ${places.length - 1} more` : ''
  return refuse(code, `document ${documentOf(first?.pointer ?? '')}: ${first?.detail ?? ''}${more}`, { places })
}

function documentOf (pointer: string): number {
  return Number(pointer.split('/')[1] ?? 0)
}
