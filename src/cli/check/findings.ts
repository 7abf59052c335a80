// What a cluster of these manifests would be on a node with this configuration, and what of it is beyond the limits or surprising.
// Counts of entries come from the agent's planner without maps, so that maps that are too small are told by how much; bytes from
// emulated maps.

import { buildTable, parseSeed } from '../../../lib/maglev/index.ts'
import type { TableBackend } from '../../../lib/maglev/index.ts'
import {
  allMapSizes, Cluster, complete, done, hostPortText, importDocuments, largestMapSize, mapPressures, nodeWarnings, normaliseNodeAddresses,
  OfferedPorts, Rehearsal
} from '../../../lib/loadbalancer/index.ts'
import type { ImportCounts, LbError, LbNode, LbResult, MapPressure, NodeSettings, RealisedFrontend } from '../../../lib/loadbalancer/index.ts'
import { formatBytes } from '../../../lib/report/words.ts'
import type { Simulator } from '../../../lib/sim/types.ts'
import { BadInput } from '../failures.ts'
import type { CheckedConfig } from './config.ts'
import type { CheckFigures, CheckResult, Finding } from './finding.ts'
import { assumeFullestNode } from './fullest-node.ts'
import type { CheckLimits } from './limits.ts'
import type { Manifests } from './manifests.ts'
import { lacksSlices, notJudged, skippedFindings } from './not-judged.ts'
import type { ImportedCluster } from './not-judged.ts'
import { Places } from './places.ts'

export interface CheckQuestion {
  readonly manifests: Manifests
  readonly config: CheckedConfig
  readonly nodeAddresses: readonly string[]
  readonly limits: CheckLimits
  readonly simulator: (settings: NodeSettings) => Simulator
}

export function check (question: CheckQuestion): CheckResult {
  const { manifests, config, limits } = question
  const places = new Places(manifests.documents, config)
  const imported = importAll(question)
  const bad = [...manifests.faults, ...config.faults, ...imported.ok ? [] : places.refused(imported.error)]
  if (bad.length > 0 || !imported.ok) return { findings: bad, assumptions: [], figures: null }
  const { cluster, settings, counts, assumptions } = imported.value
  const unseen = [...config.unread, ...notJudged(imported.value, places), ...skippedFindings(counts.skipped, places)]
  const rehearsal = new Rehearsal({ ...settings, mapSizes: allMapSizes(largestMapSize) }, cluster)
  const started = complete(rehearsal.start())
  if (!started.ok) return { findings: [cannotBeHeld(started.error, places), ...unseen], assumptions, figures: figuresOfNothing(cluster) }
  const { node } = rehearsal
  const pressures = mapPressures(node.counts(), settings)
  const memory = memoryOf(question, rehearsal, settings, pressures)
  const figures: CheckFigures = {
    services: cluster.serviceCount,
    frontends: node.frontendCount,
    tables: node.frontends().filter(({ table }) => table !== null).length,
    memoryBytes: memory.memoryBytes,
    tableBytes: memory.tableBytes,
    pressures,
    convergenceSeconds: limits.convergenceSeconds === undefined ? null : memory.convergenceSeconds(),
    disruption: worstDisruption(node.frontends(), settings)
  }
  const warnings = warningsOf(node, imported.value, pressures, limits, places)
  return { findings: [...overLimits(limits, figures, places), ...warnings, ...unseen], assumptions, figures }
}

interface Imported extends ImportedCluster {
  readonly settings: NodeSettings
  readonly counts: ImportCounts
  readonly assumptions: readonly string[]
}

function importAll ({ manifests, config, nodeAddresses }: CheckQuestion): LbResult<Imported> {
  const cluster = new Cluster()
  const addresses = normaliseNodeAddresses(nodeAddresses)
  if (!addresses.ok) throw new BadInput(`--node-addresses: ${addresses.error.message}`)
  const values = manifests.documents.map(({ value }) => isObject(value) ? value : null)
  const imported = importDocuments(cluster, values, { operation: 'apply', ciliumSettings: config.settings })
  if (!imported.ok) return imported
  const { draft, counts, ciliumSettings } = imported.value
  const settings = ciliumSettings ?? config.settings
  const assumptions = assumeFullestNode(draft, settings, addresses.value)
  const withSlices = new Set([...draft.k8s.slicesOfService.entries()].map(([service]) => service))
  draft.commit()
  return done({ cluster, withSlices, settings, counts, assumptions })
}

/** A file of values between the manifests is none, nor is one for kustomize, which has no name. */
function isObject (value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false
  return !('apiVersion' in value && String(value.apiVersion).startsWith('kustomize.config.k8s.io/'))
}

function cannotBeHeld ({ code, message }: LbError, places: Places): Finding {
  return places.inConfig(code === 'IDS_EXHAUSTED' ? 'ids-exhausted' : 'map-too-small', message, null)
}

function figuresOfNothing ({ serviceCount }: Cluster): CheckFigures {
  const nothing = { memoryBytes: null, tableBytes: null, pressures: [], convergenceSeconds: null, disruption: null }
  return { services: serviceCount, frontends: 0, tables: 0, ...nothing }
}

interface Memory {
  readonly memoryBytes: number
  /** of the tables alone */
  readonly tableBytes: number
  convergenceSeconds (): number
}

/** Of emulated maps that hold all of it: those that are too small have as many entries as are needed and more. */
function memoryOf ({ simulator }: CheckQuestion, rehearsal: Rehearsal, settings: NodeSettings, pressures: readonly MapPressure[]): Memory {
  // and as many again, for what comes and goes in a restart
  const needed = Math.max(1, ...pressures.filter(({ pressure }) => pressure > 1).map(({ entries }) => 2 * entries))
  const sizes = Object.entries(settings.mapSizes).map(([name, size]): [string, number] => [name, Math.max(size, needed)])
  const mapSizes = { ...settings.mapSizes, ...Object.fromEntries(sizes) }
  const sim = simulator({ ...settings, mapSizes })
  sim.putState({ nodeAddresses: rehearsal.nodeAddresses, services: [...rehearsal.services()] })
  const maps = sim.listMaps(settings.name)
  return {
    memoryBytes: maps.reduce((sum, { bytes_memlock: bytes }) => sum + bytes, 0),
    tableBytes: maps.filter(({ fullName }) => fullName.includes('maglev_inner')).reduce((sum, { bytes_memlock: bytes }) => sum + bytes, 0),
    convergenceSeconds () {
      const report = sim.report({ kind: 'convergence', nodes: [settings.name], ports: 1, frontendsPerPort: 1, backends: 1, services: 1 })
      return Math.max(0, ...report.nodes.flatMap(({ rows }) => rows)
        .filter(({ subject, change }) => subject === 'cluster' && change === 'rolling restart').map(({ waiting }) => waiting.each.seconds))
    }
  }
}

/** backends of a service whose leaving is tried, spread over them */
const leavers = 4

/** One frontend for each number of backends and M: tables of like services move alike. */
function worstDisruption (frontends: readonly RealisedFrontend[], settings: NodeSettings): CheckFigures['disruption'] {
  const seen = new Set<string>()
  let worst: CheckFigures['disruption'] = null
  for (const { table, m, service } of frontends) {
    if (table === null || m === null || table.length < 2 || seen.has(`${m} ${table.length}`)) continue
    seen.add(`${m} ${table.length}`)
    const share = collateral(table, m, settings)
    if (share > (worst?.share ?? -1)) worst = { share, service, backends: table.length, m }
  }
  return worst
}

function collateral (table: readonly TableBackend[], m: number, { seed: text, release }: NodeSettings): number {
  const seed = parseSeed(text)
  const before = seed.ok ? buildTable(m, table, seed.seed, release) : null
  let worst = 0
  for (let leaver = 0; leaver < Math.min(leavers, table.length); leaver++) {
    const gone = table[Math.floor(leaver * table.length / leavers)]
    const rest = table.filter((one) => one !== gone)
    const after = seed.ok ? buildTable(m, rest, seed.seed, release) : null
    if (before === null || after === null) continue
    const moved = before.ids.reduce((sum, id, slot) => sum + (id !== gone?.id && id !== after.ids[slot] ? 1 : 0), 0)
    worst = Math.max(worst, moved / m)
  }
  return worst
}

function warningsOf (
  node: LbNode, imported: Imported, pressures: readonly MapPressure[], limits: CheckLimits, places: Places
): Finding[] {
  const pressureOf = new Map(pressures.map((one) => [one.map, one]))
  const said = new Set<string>()
  return nodeWarnings(node, imported.settings).flatMap(({ code, message, frontend, map }) => {
    if (frontend !== null) {
      // the cause is a finding of its own
      if (code === 'no-backend' && (isUnmatched(frontend, imported.cluster) || lacksSlices(frontend, imported))) return []
      const { service, frontend: { address, port, portName = '' } } = frontend
      // a port's frontends often say the same, at every address; without a name it is the only one
      const about = `${code} ${service} ${portName}`
      if (said.has(about)) return []
      said.add(about)
      return places.ofService(service, code, `${hostPortText(address, port)}: ${code === 'no-backend' ? noBackend : message}`)
    }
    const of = pressureOf.get(map ?? '')
    // beyond the limit it is a finding of its own
    if (code === 'map-pressure' && of !== undefined && of.pressure > (limits.pressure ?? 1)) return []
    return places.inConfig(code, message, of?.option ?? null)
  })
}

/** of the cluster: the node that is judged has one where any node has */
const noBackend = 'no backend to go to on any node, and packets are dropped (158): no endpoint for it is active or terminating'

function isUnmatched ({ frontend, service }: RealisedFrontend, cluster: Cluster): boolean {
  return new OfferedPorts(cluster.service(service)?.backends ?? []).lacks(frontend)
}

function overLimits (limits: CheckLimits, figures: CheckFigures, places: Places): Finding[] {
  const { memoryBytes, tableBytes, pressures, convergenceSeconds, disruption } = figures
  const findings: Finding[] = []
  const moves = disruption === null ? '' : `; with these tables ${percent(disruption.share)} of the flows to ${disruption.service} (N = ${disruption.backends}, M = ${disruption.m}) move without need when one backend leaves`
  if (limits.memoryBytes !== undefined && memoryBytes !== null && memoryBytes > limits.memoryBytes) {
    findings.push(places.inConfig('memory-limit', `the maps take ${formatBytes(memoryBytes)} on a node, ${formatBytes(tableBytes ?? 0)} of it Maglev tables; ${formatBytes(limits.memoryBytes)} are allowed${moves}`, 'bpf-lb-maglev-table-size'))
  }
  for (const { map, entries, maxEntries, pressure, option } of pressures) {
    // one that is too small is a finding whatever the limit
    if (limits.pressure === undefined || pressure <= limits.pressure || pressure > 1) continue
    findings.push(places.inConfig('pressure-limit', `${map} holds ${entries} of ${maxEntries} entries, ${percent(pressure)}; ${percent(limits.pressure)} are allowed`, option))
  }
  if (limits.convergenceSeconds !== undefined && convergenceSeconds !== null && convergenceSeconds > limits.convergenceSeconds) {
    findings.push(places.inConfig('convergence-limit', `the slowest rolling restart takes ${convergenceSeconds.toFixed(2)} s to be live (computed); ${limits.convergenceSeconds} s are allowed`, null))
  }
  if (limits.disruption !== undefined && disruption !== null && disruption.share > limits.disruption) {
    findings.push(places.inConfig('disruption-limit', `${percent(disruption.share)} of the flows to ${disruption.service} (N = ${disruption.backends}, M = ${disruption.m}) move without need when one backend leaves; ${percent(limits.disruption)} are allowed`, 'bpf-lb-maglev-table-size'))
  }
  return findings
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`
