// What of a node's state rarely is what was meant, or will soon stop working, where Cilium itself says nothing: tables that are too small,
// weights without effect, frontends without a table, ids and maps that run out.

import type { TableWarningCode } from '../maglev/index.ts'
import type { LbNode } from './node.ts'
import { isOn } from './options.ts'
import type { LbMapKind } from './ports.ts'
import type { RealisedFrontend } from './realised.ts'
import { isSurrogate } from './service.ts'
import { algorithmOf, heedsAlgorithms } from './settings.ts'
import type { NodeSettings } from './settings.ts'
import { ciliumMapName, entriesOf, families, mapKinds, mapSize } from './write-set.ts'
import type { EntryCounts } from './write-set.ts'

export const nodeWarningCodes = [
  'table-size-capped', 'more-backends-than-slots', 'few-slots-per-backend', 'weights-ignored', 'cluster-ip-without-table', 'random-selection',
  'no-backend', 'protocol-hidden', 'option-ignored', 'ids-running-out', 'map-pressure', 'map-too-small'
] as const satisfies ReadonlyArray<TableWarningCode | string>

export type NodeWarningCode = typeof nodeWarningCodes[number]

export interface NodeWarning {
  readonly code: NodeWarningCode
  /** `note`: as Cilium has it, said because it surprises */
  readonly severity: 'warning' | 'note'
  /** what, and what to do about it */
  readonly message: string
  /** null: of the node as a whole */
  readonly frontend: RealisedFrontend | null
  /** Cilium's name of the map, where it is about one */
  readonly map: string | null
}

/** how full a map may be before it is said */
export const WARNED_PRESSURE = 0.8
/** a u16 without its first and last value */
const REV_NAT_IDS = 65_534

export interface MapPressure {
  readonly map: string
  readonly entries: number
  readonly maxEntries: number
  /** entries / maxEntries; above 1 where the map does not hold what is needed */
  readonly pressure: number
  /** option that sets maxEntries */
  readonly option: string
  /** whether `cilium_bpf_map_pressure` has the map */
  readonly inCiliumMetric: boolean
}

const optionOf: Readonly<Record<LbMapKind, string>> = {
  services: 'bpf-lb-service-map-max',
  backends: 'bpf-lb-service-backend-map-max',
  revNat: 'bpf-lb-rev-nat-map-max',
  maglev: 'bpf-lb-maglev-map-max',
  affinityMatch: 'bpf-lb-affinity-map-max',
  sourceRange: 'bpf-lb-source-range-map-max'
}

/** Only plain hash maps register themselves for the metric. */
const outsideMetric: ReadonlySet<LbMapKind> = new Set(['maglev', 'sourceRange'])

/** Fullest first. @param counts entries that there are, or are needed */
export function mapPressures (counts: EntryCounts, { mapSizes }: Pick<NodeSettings, 'mapSizes'>): MapPressure[] {
  const maps = new Map<string, MapPressure>()
  for (const kind of mapKinds) {
    for (const family of families) {
      const [map, entries, maxEntries] = [ciliumMapName(kind, family), entriesOf(counts, kind, family), mapSize(kind, mapSizes)]
      const [option, inCiliumMetric] = [optionOf[kind], !outsideMetric.has(kind)]
      maps.set(map, { map, entries, maxEntries, pressure: entries / maxEntries, option, inCiliumMetric })
    }
  }
  return [...maps.values()].sort((one, other) => other.pressure - one.pressure)
}

/** Those of the node first, then by frontend. @param settings of the node; sizes of maps may be others than it was planned with */
export function nodeWarnings (node: LbNode, settings: NodeSettings = node.settings): NodeWarning[] {
  return [
    ...mapPressures(node.counts(), settings).flatMap(pressureWarning),
    ...idWarning(node, settings),
    ...optionWarning(settings),
    ...node.frontends().flatMap(frontend => rememberedWarnings(node, frontend))
  ]
}

/** Every import asks about all frontends of a node, of which it changed few. */
const remembered = new WeakMap<NodeSettings, WeakMap<RealisedFrontend, readonly NodeWarning[]>>()

function rememberedWarnings (node: LbNode, frontend: RealisedFrontend): readonly NodeWarning[] {
  let ofNode = remembered.get(node.settings)
  if (ofNode === undefined) remembered.set(node.settings, ofNode = new WeakMap())
  let warnings = ofNode.get(frontend)
  if (warnings === undefined) ofNode.set(frontend, warnings = frontendWarnings(node, frontend))
  return warnings
}

function pressureWarning ({ map, entries, maxEntries, pressure, option, inCiliumMetric }: MapPressure): NodeWarning[] {
  if (pressure < WARNED_PRESSURE) return []
  const silent = inCiliumMetric ? '' : '; Cilium\'s metric cilium_bpf_map_pressure leaves this map out'
  const state = pressure > 1
    ? `${map} needs ${entries} entries and takes ${maxEntries}: services beyond them are not programmed`
    : `${map} holds ${entries} of ${maxEntries} entries (${(100 * pressure).toFixed(1)} %)`
  const code = pressure > 1 ? 'map-too-small' : 'map-pressure'
  return [{ code, severity: 'warning', message: `${state}; raise ${option}${silent}`, frontend: null, map }]
}

function idWarning ({ frontendCount }: LbNode, { layout, mapSizes }: NodeSettings): NodeWarning[] {
  const ids = layout === 'flat' ? Math.min(mapSizes.maglev, REV_NAT_IDS) : REV_NAT_IDS
  if (frontendCount < WARNED_PRESSURE * ids) return []
  const message = `${frontendCount} of ${ids} revNAT ids are in use, one for each port on each address; no option raises them: take fewer NodePorts, node addresses or ports`
  return [{ code: 'ids-running-out', severity: 'warning', message, frontend: null, map: null }]
}

function optionWarning (settings: NodeSettings): NodeWarning[] {
  if (heedsAlgorithms(settings) || !isOn(settings, 'bpf-lb-algorithm-annotation')) return []
  const message = `bpf-lb-algorithm-annotation has no effect: release line ${settings.release} does not know services' own algorithms, which came with 1.17`
  return [{ code: 'option-ignored', severity: 'warning', message, frontend: null, map: null }]
}

function frontendWarnings (node: LbNode, frontend: RealisedFrontend): NodeWarning[] {
  const about = { frontend, map: null }
  const warnings = node.warnings(frontend).map(({ code, message }): NodeWarning => ({ code, severity: 'warning', message, ...about }))
  const reason = node.whyNoTable(frontend)
  // the entry that stands for the node's addresses takes no packets
  if (isSurrogate(frontend.frontend.address)) return warnings
  if (frontend.hiddenProtocols.length > 0 && frontend.frontend.scope !== 'internal') warnings.push({ ...hiddenBy(frontend), ...about })
  if (reason === null) return warnings
  return [...warnings, { ...withoutTable(node, frontend, reason), ...about }]
}

function hiddenBy ({ frontend: { protocol, port }, hiddenProtocols }: RealisedFrontend): Pick<NodeWarning, 'code' | 'severity' | 'message'> {
  const hidden = hiddenProtocols.map(one => `${one} ${port}`).join(' and ')
  const message = `${hidden} at the same address ${hiddenProtocols.length === 1 ? 'is' : 'are'} not programmed, and packets go to the backends of ${protocol} ${port}: before 1.17 keys of services have no protocol (Cilium keeps whichever it came to last)`
  return { code: 'protocol-hidden', severity: 'warning', message }
}

function withoutTable (
  node: LbNode, realised: RealisedFrontend, reason: string
): Pick<NodeWarning, 'code' | 'severity' | 'message'> {
  const { frontend, algorithm, count } = realised
  const { settings } = node
  if (count === 0) {
    return { code: 'no-backend', severity: 'warning', message: `no backend to go to, and packets are dropped (158): ${node.whyNoBackend(realised)}` }
  }
  if ((algorithmOf(settings, algorithm) ?? settings.algorithm) === 'random') {
    return { code: 'random-selection', severity: 'note', message: `no table: ${reason}, so nodes do not agree on a flow's backend` }
  }
  const dropped = frontend.type === 'ClusterIP' ? '; packets that reach it from outside are dropped (158)' : ''
  return { code: 'cluster-ip-without-table', severity: 'note', message: `no table: ${reason}${dropped}` }
}
