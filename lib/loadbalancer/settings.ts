// Settings of an emulated node: what a Cilium agent reads from its configuration, and what the emulator adds to it. Validated as a whole;
// every wrong member is named.

import {
  defaultSeedText, defaultTableSize, hasServiceFormOf117, isSupportedTableSize, maximumPerBackend, parseAddress, parseSeed, releases,
  supportedTableSizes
} from '../maglev/index.ts'
import type { Release, TableSizePolicy } from '../maglev/index.ts'
import { datapathLayouts } from '../datapath/index.ts'
import { knownOption } from './cilium-options.ts'
import { done, pointerStep, refusePlaces } from './errors.ts'
import type { LbPlace, LbResult } from './errors.ts'
import { FLAT_ELEMENT_BYTES } from './flat-tables.ts'
import { oneTableSizeForAll } from './layout.ts'
import type { TableLayout } from './layout.ts'
import type { Labels } from './label-selector.ts'
import { limits } from './limits.ts'
import { allMapSizes, defaultMapSize, largestMapSize, mapSizeNames } from './map-sizes.ts'
import type { MapSizes } from './map-sizes.ts'
import { isObjectName } from './normalise.ts'
import { isOn, refuseCombination } from './options.ts'
import { algorithms } from './traits.ts'
import type { Algorithm } from './traits.ts'

export const defects = ['none', 'half-table'] as const

export type Defect = typeof defects[number]

export type OptionValue = string | number | boolean

export interface NodeSettings {
  readonly name: string
  readonly kernel: string
  readonly possibleCpus: number
  /** of Cilium: how tables are filled and flows hashed, which backends are in a table, how large a backend is in its map */
  readonly release: Release
  /** a mistake of a release that its program makes: `half-table` is the reader of 1.9.0 to 1.9.6 */
  readonly defect: Defect
  /** remember connections; without it every packet of a node is as the first of its flow, but for session affinity and fragments */
  readonly conntrack: boolean
  /** for services that say nothing else */
  readonly algorithm: Algorithm
  readonly layout: TableLayout
  readonly tableSizePolicy: TableSizePolicy
  /** base64 of 12 bytes */
  readonly seed: string
  /** max_entries, of each address family's map */
  readonly mapSizes: MapSizes
  readonly preallocateMaps: boolean
  readonly inlining: 'kernel' | 'never'
  /** maps as of a creator without CAP_PERFMON: inlined array lookups mask the index, arrays take a power of two of elements */
  readonly spectreMasking: boolean
  /** the node's own addresses; null: the cluster's node-addresses */
  readonly addresses: readonly string[] | null
  /** the Kubernetes node it is: what runs there is local; null: one of the emulated node's own name */
  readonly nodeName: string | null
  /** null: that of its labels */
  readonly zone: string | null
  /** labels besides those of the Kubernetes Node of its name, and before them */
  readonly labels: Labels
  /** further options under Cilium's names */
  readonly options: Readonly<Record<string, OptionValue>>
  readonly engine: 'interpreter'
}

export const largestPossibleCpus = 512
/** both arrays of layout flat: an emulated node has 4 GiB for everything */
export const largestFlatBytes = 2 ** 31

export function defaultSettings (name: string): NodeSettings {
  return {
    name,
    kernel: '6.18',
    possibleCpus: 2,
    release: '1.17+',
    defect: 'none',
    conntrack: false,
    algorithm: 'maglev',
    layout: 'blob',
    tableSizePolicy: { fixed: defaultTableSize },
    seed: defaultSeedText,
    mapSizes: allMapSizes(defaultMapSize),
    preallocateMaps: false,
    inlining: 'kernel',
    spectreMasking: false,
    addresses: null,
    nodeName: null,
    zone: null,
    labels: {},
    options: {},
    engine: 'interpreter'
  }
}

/** The two nodes that exist from the start: what Cilium does today, and tables sized per service. */
export function initialNodes (): NodeSettings[] {
  return [
    defaultSettings('cilium'),
    { ...defaultSettings('dynamic'), layout: 'dynamic', tableSizePolicy: { perService: { perBackend: 100 } } }
  ]
}

/** What a mix of services is reported for unless variants are said: these two, and the same tables in less memory. */
export function comparedNodes (): NodeSettings[] {
  const dynamic = initialNodes().at(-1) as NodeSettings
  return [...initialNodes(), { ...dynamic, name: 'packed', layout: 'packed' }, { ...defaultSettings('compact'), layout: 'compact' }]
}

/** @param kernels names of the kernel profiles there are */
export function validateSettings (settings: NodeSettings, kernels: readonly string[]): LbResult<NodeSettings> {
  const places: LbPlace[] = []
  const wrong = (pointer: string, detail: string): void => { if (places.length < limits.places) places.push({ pointer, detail }) }
  const among = (pointer: string, value: string, allowed: readonly string[]): void => {
    if (!allowed.includes(value)) wrong(pointer, `${JSON.stringify(value)} is not one of ${allowed.join(', ')}`)
  }
  const between = (pointer: string, value: number, from: number, to: number): void => {
    if (!Number.isInteger(value) || value < from || value > to) wrong(pointer, `${value} is not an integer from ${from} to ${to}`)
  }
  if (!isObjectName(settings.name)) wrong('/name', `${JSON.stringify(settings.name)} is not a Kubernetes name`)
  among('/kernel', settings.kernel, kernels)
  among('/release', settings.release, releases)
  among('/defect', settings.defect, defects)
  among('/algorithm', settings.algorithm, algorithms)
  among('/inlining', settings.inlining, ['kernel', 'never'])
  among('/engine', settings.engine, ['interpreter'])
  between('/possibleCpus', settings.possibleCpus, 1, largestPossibleCpus)
  for (const member of mapSizeNames) {
    between(`/mapSizes/${member}`, settings.mapSizes[member], 1, largestMapSize)
  }
  among('/layout', settings.layout, datapathLayouts)
  checkPolicy(settings, wrong, between)
  if (places.length === 0 && settings.layout === 'flat') checkFlatSize(settings, wrong)
  const seed = parseSeed(settings.seed)
  if (!seed.ok) wrong('/seed', seed.reason)
  settings.addresses?.forEach((address, index) => {
    if (parseAddress(address) === null) wrong(`/addresses${pointerStep(index)}`, `${JSON.stringify(address.slice(0, 64))} is not an IP address`)
  })
  if ((settings.addresses?.length ?? 0) > limits.nodeAddresses) wrong('/addresses', `more than ${limits.nodeAddresses} addresses`)
  if (settings.nodeName !== null && !isObjectName(settings.nodeName)) wrong('/nodeName', `${JSON.stringify(settings.nodeName)} is not a Kubernetes name`)
  if (settings.zone !== null && !isLabelValue(settings.zone)) wrong('/zone', `${JSON.stringify(settings.zone.slice(0, 64))} is not a value of a label`)
  checkLabels(settings.labels, wrong)
  for (const [name, value] of Object.entries(settings.options)) {
    const reason = knownOption(name, value)
    if (reason !== null) wrong(`/options${pointerStep(name)}`, reason)
  }
  const combination = refuseCombination(settings)
  if (combination !== null) wrong(`/options${pointerStep(combination.name)}`, combination.reason)
  if (places.length > 0) return refusePlaces('INVALID_ARGUMENT', places)
  return done({ ...settings, addresses: settings.addresses?.map(address => parseAddress(address)?.text ?? address) ?? null })
}

/** M of layouts with one M for all; where each service has its own, only a placeholder in the program's constants */
export function sharedTableSize ({ tableSizePolicy }: Pick<NodeSettings, 'tableSizePolicy'>): number {
  return 'fixed' in tableSizePolicy ? tableSizePolicy.fixed : defaultTableSize
}

export const zoneLabel = 'topology.kubernetes.io/zone'

/** What a node is in the eyes of Kubernetes. @param labels of the Kubernetes Node of that name */
export interface NodePlace {
  readonly nodeName: string
  readonly labels: Labels
  readonly zone: string | null
}

export function nodePlace (settings: NodeSettings, labelsOf: (nodeName: string) => Labels | undefined): NodePlace {
  const nodeName = settings.nodeName ?? settings.name
  const known = { ...labelsOf(nodeName), ...settings.labels }
  const labels = settings.zone === null ? known : { ...known, [zoneLabel]: settings.zone }
  const zone = labels[zoneLabel]
  return { nodeName, labels, zone: zone === undefined || zone === '' ? null : zone }
}

/** the algorithm of a service itself, where it counts on this node */
export function algorithmOf (settings: NodeSettings, said: Algorithm | undefined): Algorithm | null {
  return heedsAlgorithms(settings) ? said ?? null : null
}

/** An agent before 1.17 has no such option, and no place for an algorithm in its maps. */
export function heedsAlgorithms (settings: NodeSettings): boolean {
  return isOn(settings, 'bpf-lb-algorithm-annotation') && hasServiceFormOf117(settings.release)
}

const labelValuePattern = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/

function isLabelValue (text: string): boolean {
  return labelValuePattern.test(text)
}

function checkLabels (labels: Labels, wrong: (pointer: string, detail: string) => void): void {
  const entries = Object.entries(labels)
  if (entries.length > limits.nodeLabels) wrong('/labels', `more than ${limits.nodeLabels} labels`)
  for (const [name, value] of entries) {
    if (!isLabelValue(value)) wrong(`/labels${pointerStep(name)}`, `${JSON.stringify(value.slice(0, 64))} is not a value of a label`)
  }
}

function checkPolicy (
  settings: NodeSettings, wrong: (pointer: string, detail: string) => void,
  between: (pointer: string, value: number, from: number, to: number) => void
): void {
  const policy = settings.tableSizePolicy
  if ('fixed' in policy) {
    if (!isSupportedTableSize(policy.fixed)) {
      wrong('/tableSizePolicy/fixed', `${policy.fixed} is not one of ${supportedTableSizes.join(', ')}`)
    }
    return
  }
  between('/tableSizePolicy/perService/perBackend', policy.perService.perBackend, 1, maximumPerBackend)
  if (datapathLayouts.includes(settings.layout) && oneTableSizeForAll(settings.layout)) {
    wrong('/tableSizePolicy/perService', `layout ${settings.layout} has one M for all services, it takes {"fixed": M}`)
  }
}

/** Its arrays have room for every service that there could be, whether there is one or not. */
function checkFlatSize (settings: NodeSettings, wrong: (pointer: string, detail: string) => void): void {
  const m = sharedTableSize(settings)
  const services = settings.mapSizes.maglev
  const fitting = Math.floor(largestFlatBytes / (2 * m * FLAT_ELEMENT_BYTES))
  if (services <= fitting) return
  const gigabytes = (2 * services * m * FLAT_ELEMENT_BYTES / 1e9).toFixed(1)
  wrong('/mapSizes/maglev', `layout flat takes ${services} services x ${m} slots x ${FLAT_ELEMENT_BYTES} bytes for each address family, ${gigabytes} GB ` +
    `together; ${(largestFlatBytes / 1e9).toFixed(1)} GB are the limit: set mapSizes.maglev to at most ${fitting}, or a smaller M`)
}
