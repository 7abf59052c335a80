// What a cluster of these manifests would be on a node with this configuration, and what of it is beyond the limits or surprising.
// Counts of entries come from the agent's planner without maps, so that maps that are too small are told by how much; bytes from
// emulated maps.

import { buildTable, parseSeed } from '../../../lib/maglev/index.ts'
import type { TableBackend } from '../../../lib/maglev/index.ts'
import {
  allMapSizes, Cluster, complete, importDocuments, largestMapSize, mapPressures, nodeWarnings, normaliseNodeAddresses, Rehearsal
} from '../../../lib/loadbalancer/index.ts'
import type { ImportCounts, LbError, MapPressure, NodeSettings, RealisedFrontend } from '../../../lib/loadbalancer/index.ts'
import { formatBytes } from '../../../lib/report/words.ts'
import type { Simulator } from '../../../lib/sim/types.ts'
import { BadInput } from '../failures.ts'
import type { CheckedConfig } from './config.ts'
import type { CheckLimits } from './limits.ts'
import type { ManifestDocument } from './manifests.ts'
import { ruleOf } from './rules.ts'
import type { Level } from './rules.ts'

export interface Finding {
  readonly rule: string
  readonly level: Level
  readonly message: string
  readonly help: string
  /** null: of the whole */
  readonly file: string | null
  readonly line: number | null
  /** `Service shop/api` */
  readonly object: string | null
  /** JSON Pointer into the object, or the name of a value in the configuration */
  readonly field: string | null
}

export interface CheckResult {
  readonly findings: readonly Finding[]
  readonly figures: {
    readonly services: number,
    readonly frontends: number,
    readonly tables: number,
    /** null: the cluster cannot be held at all */
    readonly memoryBytes: number | null,
    readonly tableBytes: number | null,
    readonly pressures: readonly MapPressure[],
    readonly convergenceSeconds: number | null,
    /** the largest share of a service's flows that moves without need when one backend leaves */
    readonly disruption: { readonly share: number, readonly service: string, readonly backends: number, readonly m: number } | null
  }
}

export interface CheckQuestion {
  readonly documents: readonly ManifestDocument[]
  readonly config: CheckedConfig
  /** name of the file with the configuration, null where there is none */
  readonly configFile: string | null
  readonly nodeAddresses: readonly string[]
  readonly limits: CheckLimits
  readonly simulator: (settings: NodeSettings) => Simulator
}

export function check (question: CheckQuestion): CheckResult {
  const places = new Places(question)
  const { cluster, settings, counts } = importAll(question, places)
  const rehearsal = new Rehearsal({ ...settings, mapSizes: allMapSizes(largestMapSize) }, cluster)
  const started = complete(rehearsal.start())
  const ignored = counts.skipped.filter(({ kind, reason }) => kind === 'Service' || (kind === 'EndpointSlice' && !/no part/.test(reason)))
    .map(({ document, kind, name, reason }) => places.at(document, 'without-effect', `${kind} ${name}: ${reason}`, null))
  if (!started.ok) return cannotBeHeld(cluster, started.error, ignored, places)
  const { node } = rehearsal
  const pressures = mapPressures(node.counts(), settings)
  const disruption = worstDisruption(node.frontends(), settings)
  const memory = memoryOf(question, rehearsal, settings, pressures)
  const figures = {
    services: cluster.serviceCount,
    frontends: node.frontendCount,
    tables: node.frontends().filter(({ table }) => table !== null).length,
    memoryBytes: memory.memoryBytes,
    tableBytes: memory.tableBytes,
    pressures,
    convergenceSeconds: question.limits.convergenceSeconds === undefined ? null : memory.convergenceSeconds(),
    disruption
  }
  const pressureOf = new Map(pressures.map((one) => [one.map, one]))
  const warnings = nodeWarnings(node, settings).flatMap(({ code, message, frontend, map }) => {
    if (frontend !== null) return places.ofService(frontend, code, `${frontend.frontend.address}:${frontend.frontend.port}: ${message}`)
    const of = pressureOf.get(map ?? '')
    // beyond the limit it is a finding of its own
    if (code === 'map-pressure' && of !== undefined && of.pressure > (question.limits.pressure ?? 1)) return []
    return places.inConfig(code, message, of?.option ?? null)
  })
  return { findings: [...overLimits(question.limits, figures, places), ...once(warnings), ...ignored], figures }
}

interface Imported {
  readonly cluster: Cluster
  readonly settings: NodeSettings
  readonly counts: ImportCounts
}

function importAll ({ documents, config, nodeAddresses }: CheckQuestion, places: Places): Imported {
  const cluster = new Cluster()
  const addresses = normaliseNodeAddresses(nodeAddresses)
  if (!addresses.ok) throw new BadInput(`--node-addresses: ${addresses.error.message}`)
  // a file of values between the manifests is no object
  const values = documents.map(({ value }) => isObject(value) ? value : null)
  const imported = importDocuments(cluster, values, { operation: 'apply', ciliumSettings: config.settings })
  if (!imported.ok) throw places.badInput(imported.error)
  const { draft, counts, ciliumSettings } = imported.value
  draft.setNodeAddresses([...new Set([...addresses.value, ...draft.nodeAddresses])])
  draft.commit()
  return { cluster, settings: ciliumSettings ?? config.settings, counts }
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && 'kind' in value

function cannotBeHeld (cluster: Cluster, { code, message }: LbError, ignored: readonly Finding[], places: Places): CheckResult {
  const rule = code === 'IDS_EXHAUSTED' ? 'ids-exhausted' : 'map-too-small'
  const nothing = { memoryBytes: null, tableBytes: null, pressures: [], convergenceSeconds: null, disruption: null }
  const figures = { services: cluster.serviceCount, frontends: 0, tables: 0, ...nothing }
  return { findings: [places.inConfig(rule, message, null), ...ignored], figures }
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
function worstDisruption (frontends: readonly RealisedFrontend[], settings: NodeSettings): CheckResult['figures']['disruption'] {
  const seen = new Set<string>()
  let worst: CheckResult['figures']['disruption'] = null
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

function overLimits (limits: CheckLimits, figures: CheckResult['figures'], places: Places): Finding[] {
  const { memoryBytes, tableBytes, pressures, convergenceSeconds, disruption } = figures
  const findings: Finding[] = []
  const moves = disruption === null ? '' : `; with these tables ${percent(disruption.share)} of the flows to ${disruption.service} (N = ${disruption.backends}, M = ${disruption.m}) move without need when one backend leaves`
  if (limits.memoryBytes !== undefined && memoryBytes !== null && memoryBytes > limits.memoryBytes) {
    findings.push(places.inConfig('memory-limit', `the maps take ${formatBytes(memoryBytes)} on every node, ${formatBytes(tableBytes ?? 0)} of it Maglev tables; ${formatBytes(limits.memoryBytes)} are allowed${moves}`, 'bpf-lb-maglev-table-size'))
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

/** Frontends of one service often say the same. */
function once (findings: readonly Finding[]): Finding[] {
  const seen = new Map<string, Finding>()
  for (const finding of findings) {
    const key = `${finding.rule} ${finding.object ?? finding.message}`
    if (!seen.has(key)) seen.set(key, finding)
  }
  return [...seen.values()]
}

/** Where a finding belongs: to an object in a file, or to a value of the configuration. */
class Places {
  readonly #question: CheckQuestion
  readonly #services = new Map<string, ManifestDocument>()

  constructor (question: CheckQuestion) {
    this.#question = question
    for (const document of question.documents) for (const name of servicesIn(document.value)) this.#services.set(name, document)
  }

  at (document: number, rule: string, message: string, field: string | null): Finding {
    const found = this.#question.documents[document]
    return { ...about(rule), message, file: found?.file ?? null, line: found?.line ?? null, object: null, field }
  }

  inConfig (rule: string, message: string, option: string | null): Finding {
    const { config, configFile } = this.#question
    const field = option === null ? null : config.fieldOf(option)
    return { ...about(rule), message, file: configFile, line: configFile === null ? null : 1, object: null, field }
  }

  ofService ({ service }: RealisedFrontend, rule: string, message: string): Finding {
    const document = this.#services.get(service)
    const [file, line, field] = [document?.file ?? null, document?.line ?? null, fieldOfRule[rule] ?? '/spec']
    return { ...about(rule), message, file, line, object: `Service ${service}`, field }
  }

  badInput ({ places, message }: LbError): BadInput {
    const lines = places.map(({ pointer, detail }) => {
      const [, index = '0', ...steps] = pointer.split('/')
      const document = this.#question.documents[Number(index)]
      return `${document?.file ?? ''}:${document?.line ?? 1}: ${steps.length > 0 ? `/${steps.join('/')}: ` : ''}${detail}`
    })
    return new BadInput(lines.length === 0 ? message : lines.join('\n  '))
  }
}

const fieldOfRule: Readonly<Record<string, string>> = { 'no-backend': '/spec/selector', 'cluster-ip-without-table': '/spec/type', 'random-selection': '/metadata/annotations' }

const about = (rule: string): Pick<Finding, 'rule' | 'level' | 'help'> => {
  const { id, level, help } = ruleOf(rule)
  return { rule: id, level, help }
}

interface SomeObject {
  readonly kind?: unknown
  readonly metadata?: { readonly namespace?: unknown, readonly name?: unknown }
  readonly items?: unknown
}

/** names of the Services in a document, which may be a list */
function servicesIn (value: unknown): string[] {
  const { kind, metadata, items } = (typeof value === 'object' && value !== null ? value : {}) as SomeObject
  if (Array.isArray(items)) return items.flatMap((item) => servicesIn(kind === 'ServiceList' ? { kind: 'Service', ...item as object } : item))
  return kind === 'Service' ? [`${String(metadata?.namespace ?? 'default')}/${String(metadata?.name)}`] : []
}
