// The convergence report: how long until a change is live on a node, and what it makes the agent write. Writes are those that the
// node's own planner plans for the change; seconds follow from stated unit costs. Cilium has one table per frontend, each port of each
// address, and replaces it with one update of the outer map, after which the kernel waits for an RCU grace period: that is where the
// minutes come from.

import { done, Rehearsal, serviceKey, sumWrites } from '../../loadbalancer/index.ts'
import type { LbResult, NodeSettings, Service, Steps, WriteCounts } from '../../loadbalancer/index.ts'
import type { TableSizePolicy } from '../../maglev/index.ts'
import { ReportRefusal } from '../context.ts'
import type { MixScale, ReportContext, ReportProgress, ReportSteps } from '../context.ts'
import type { Subject } from '../subject/source.ts'
import {
  backendAddresses, exampleNodeAddresses, exampleService, oneBackendOfEach, rollingRestart, slowestToRestart, tablesByService
} from './changes.ts'
import type { EventsPerBackend, Example, Restart } from './changes.ts'
import { assumptionSources, convergenceFigures, defaultAssumptions } from './costs.ts'
import type { AgentEvent, Assumptions, ConvergenceFigures } from './costs.ts'

/** one backend is replaced in one update; every backend, one after the other; one backend of every service, all in one update */
export type ConvergenceChange = 'one backend' | 'rolling restart' | 'services at once'

export interface ConvergenceRow extends ConvergenceFigures {
  /** what changes: a service made up for the question, one of a size of the mix, or one of the cluster */
  readonly subject: 'example' | 'mix' | 'cluster'
  readonly change: ConvergenceChange
  /** namespace/name; null for an example or a size */
  readonly service: string | null
  readonly services: number
  /** ports of each service; null where they differ */
  readonly ports: number | null
  /** frontends with a table that the change touches */
  readonly frontends: number
  /** of each service; null where they differ */
  readonly backends: number | null
  /** the largest M among the tables; null where none is written */
  readonly m: number | null
  /** `planned` as a whole, or `computed` from a planned part of like changes */
  readonly from: 'planned' | 'computed'
}

export interface NodeConvergence {
  readonly node: string
  readonly kernel: string
  readonly layout: string
  readonly tableSizePolicy: TableSizePolicy
  readonly rows: readonly ConvergenceRow[]
}

export interface ConvergenceReport {
  readonly kind: 'convergence'
  readonly subject: Subject
  /** the services that were made up for the question */
  readonly example: Example & { readonly services: number, readonly eventsPerBackend: EventsPerBackend }
  readonly assumptions: Assumptions
  readonly assumptionSources: typeof assumptionSources
  readonly nodes: readonly NodeConvergence[]
  readonly notes: readonly string[]
}

export interface ConvergenceOptions extends Partial<Assumptions> {
  /** of the largest example; there are rows for 1, 10 and 100 too */
  readonly ports?: number
  /** addresses that each port has: its own, and the node's as a NodePort */
  readonly frontendsPerPort?: number
  /** of each example */
  readonly backends?: number
  /** example services that change at once */
  readonly services?: number
  readonly eventsPerBackend?: EventsPerBackend
  /** services of the cluster, those whose restart takes longest */
  readonly worst?: number
}

/** frontends x backends of one example: what takes a second to think through */
const exampleWork = 100_000
/** frontends with a table, of all examples that change at once */
const exampleTables = 65_534

const unit = 'changes'

export function * convergenceReport (context: ReportContext, options: ConvergenceOptions): ReportSteps<ConvergenceReport> {
  const question = questionOf(options)
  const { subject, scale, source } = context
  const rehearsals = context.nodes.map((name) => source.rehearse(name))
  const total = rehearsals.reduce((sum, rehearsal) => sum + changesOf(rehearsal, question, scale), 0)
  const notMade: string[] = []
  const examples: Examples = new Map()
  const nodes: NodeConvergence[] = []
  let before = 0
  for (const rehearsal of rehearsals) {
    const { name, kernel, layout, tableSizePolicy } = rehearsal.settings
    const rows: ConvergenceRow[] = []
    const work = nodeChanges(rehearsal, question, scale, examples)
    let made = 0
    for (const change of work) {
      if (change === undefined) yield progressOf(before + made, total)
      else {
        made++
        if (change.ok) rows.push(change.value)
        else notMade.push(`${name}: not every change could be made there: ${change.error.message}`)
        yield progressOf(before + made, total)
      }
    }
    before += changesOf(rehearsal, question, scale)
    nodes.push({ node: name, kernel, layout, tableSizePolicy, rows })
  }
  const { ports, frontendsPerPort, backends, services, eventsPerBackend, assumptions } = question
  return {
    kind: 'convergence',
    subject,
    example: { ports, frontendsPerPort, backends, services, eventsPerBackend },
    assumptions,
    assumptionSources,
    nodes,
    notes: [...notes, ...(nodes.some(({ layout }) => layout === 'flat') ? [flatNote] : []), ...new Set(notMade)]
  }
}

const notes: readonly string[] = [
  'Writes are those that the node\'s planner plans for the change; rows marked computed multiply a planned part: backends of a restart that are like those planned, or services of a size.',
  'Seconds are computed from the assumptions listed, not timed. Events are taken to queue up and are worked off one after the other by one agent thread, each table for itself: a change is live when its last table is. Where events come more slowly than one takes, each is live after its own time.',
  'A change replaces every table of the service: one for each port, address and address family, also where their contents are equal.',
  'each: the grace period is waited for after every update of the outer map, as Cilium does. batched: once for every batch update. expedited: after every update, but the fast kind of wait, which neither kernel profile has by default.',
  'Extra bytes at the peak are new inner maps that exist beside those they replace, as the allocator takes them.'
]

const flatNote = 'Layout flat has no outer map and waits for nothing, but writes each table over the one before: meanwhile readers see slots of both.'

interface Question extends Example {
  readonly services: number
  readonly eventsPerBackend: EventsPerBackend
  readonly worst: number
  readonly assumptions: Assumptions
}

/** @throws ReportRefusal for examples that would take too long, or that no node could hold */
function questionOf (options: ConvergenceOptions): Question {
  const { ports = 400, frontendsPerPort = 3, backends = 4, services = 1000, eventsPerBackend = 2, worst = 10, ...costs } = options
  const work = ports * frontendsPerPort * backends
  if (work > exampleWork) {
    throw new ReportRefusal('/ports', `${ports} ports x ${frontendsPerPort} frontends x ${backends} backends are ${work}; at most ${exampleWork} are thought through`)
  }
  if (services * frontendsPerPort > exampleTables) {
    throw new ReportRefusal('/services', `${services} services x ${frontendsPerPort} frontends are more than the ${exampleTables} revNAT ids of a node`)
  }
  if (services * frontendsPerPort * backends > 10 * exampleWork) {
    throw new ReportRefusal('/services', `${services} services x ${frontendsPerPort} frontends x ${backends} backends are more than ${10 * exampleWork}`)
  }
  return { ports, frontendsPerPort, backends, services, eventsPerBackend, worst, assumptions: { ...defaultAssumptions, ...costs } }
}

const portsOf = ({ ports }: Question): number[] => [...new Set([1, 10, 100, ports].filter((count) => count <= ports))]

const progressOf = (made: number, total: number): ReportProgress => ({ done: Math.min(made, total), total, unit })

/** how many changes nodeChanges makes */
function changesOf (rehearsal: Rehearsal, question: Question, scale: MixScale | null): number {
  const services = rehearsal.serviceCount
  const own = services === 0 ? 0 : scale === null ? Math.min(question.worst, services) + 1 : 2 * services + 1
  return own + portsOf(question).length + new Set([1, question.services]).size
}

type RowSteps = Generator<undefined | LbResult<ConvergenceRow>, void>

/** Rows as they are done; undefined between them. */
function * nodeChanges (rehearsal: Rehearsal, question: Question, scale: MixScale | null, examples: Examples): RowSteps {
  if (rehearsal.serviceCount > 0) {
    const started = yield * rehearsal.start()
    if (!started.ok) yield started
    else if (scale === null) yield * clusterRows(rehearsal, question)
    else yield * mixRows(rehearsal, question, scale)
  }
  yield * exampleRows(rehearsal.settings, question, examples)
}

/** One change of an example: the same on all nodes whose agents are set alike, whatever the layout of their tables. */
interface ExampleChange {
  readonly facts: Facts
  readonly events: LbResult<readonly AgentEvent[]>
}

type Examples = Map<string, readonly ExampleChange[]>

function * exampleRows (settings: NodeSettings, question: Question, known: Examples): RowSteps {
  const { tableSizePolicy, mapSizes, release, algorithm, options, layout } = settings
  // layout flat gives out fewer ids
  const key = JSON.stringify([tableSizePolicy, mapSizes, release, algorithm, options, layout === 'flat'])
  const changes = known.get(key) ?? (yield * exampleChanges(settings, question))
  known.set(key, changes)
  for (const { facts, events } of changes) yield events.ok ? done(rowOf(events.value, settings, question.assumptions, facts)) : events
}

function * exampleChanges (settings: NodeSettings, question: Question): Steps<ExampleChange[]> {
  const { frontendsPerPort, backends, services } = question
  const changes: ExampleChange[] = []
  const of = (service: number, ports: number): Service =>
    exampleService(`s${service}`, service, { ports, frontendsPerPort, backends })
  const note = (change: ConvergenceChange, count: number, ports: number, events: ExampleChange['events'], from?: ConvergenceRow['from']): void => {
    const frontends = count * ports * frontendsPerPort
    changes.push({ events, facts: { subject: 'example', change, service: null, services: count, ports, frontends, backends, from } })
  }
  for (const count of new Set([1, services])) {
    const all = Array.from({ length: count }, (_, index) => of(index, 1))
    const rehearsal = yield * exampleRehearsal(settings, question, all)
    const event = rehearsal.ok ? yield * oneBackendOfEach(rehearsal.value, all) : rehearsal
    note(count === 1 ? 'one backend' : 'services at once', count, 1, event.ok ? done([event.value]) : event)
  }
  for (const ports of portsOf(question)) {
    const service = of(0, ports)
    const rehearsal = yield * exampleRehearsal(settings, question, [service])
    const restart = rehearsal.ok ? yield * rollingRestart(rehearsal.value, service, question.eventsPerBackend) : rehearsal
    note('rolling restart', 1, ports, restart.ok ? done(restart.value.events) : restart, restart.ok ? provenanceOf(restart.value) : undefined)
  }
  return changes
}

/** A node of these settings that holds nothing but the examples. */
function * exampleRehearsal (
  settings: NodeSettings, { frontendsPerPort }: Question, services: readonly Service[]
): Steps<LbResult<Rehearsal>> {
  const rehearsal = new Rehearsal({ ...settings, addresses: exampleNodeAddresses(frontendsPerPort) })
  const put = yield * rehearsal.change(services)
  return put.ok ? done(rehearsal) : put
}

/** Services of the cluster whose restart writes the most tables, and one backend of all services at once. */
function * clusterRows (rehearsal: Rehearsal, question: Question): RowSteps {
  const tables = tablesByService(rehearsal)
  for (const service of slowestToRestart(rehearsal).slice(0, question.worst)) {
    const [ports, frontends] = [new Set(service.frontends.map(({ port }) => port)).size, tables.get(serviceKey(service)) ?? 0]
    const about = { subject: 'cluster', service: serviceKey(service), services: 1, ports, frontends, backends: backendAddresses(service).length } as const
    yield * restartRow(rehearsal, service, question, about)
    // as it was, for what comes next
    yield * rehearsal.change([service])
  }
  const withBackends = [...rehearsal.services()].filter((service) => service.backends.length > 0)
  const frontends = withBackends.reduce((sum, service) => sum + (tables.get(serviceKey(service)) ?? 0), 0)
  yield asRow(yield * oneBackendOfEach(rehearsal, withBackends), rehearsal.settings, question.assumptions, {
    subject: 'cluster', change: 'services at once', service: null, services: withBackends.length, ports: null, frontends, backends: null
  })
}

/** One service of each size stands for all of them. */
function * mixRows (rehearsal: Rehearsal, question: Question, scale: MixScale): RowSteps {
  const { settings } = rehearsal
  const parts: { counts: WriteCounts, times: number }[] = []
  for (const service of [...rehearsal.services()]) {
    const backends = service.backends.length
    const about = { subject: 'mix', service: null, services: 1, ports: service.frontends.length, frontends: service.frontends.length, backends } as const
    const one = yield * oneBackendOfEach(rehearsal, [service])
    if (one.ok) parts.push({ counts: one.value.counts, times: scale.frontendsOf(backends) })
    yield asRow(one, settings, question.assumptions, { ...about, change: 'one backend' })
    yield * rehearsal.change([service])
    yield * restartRow(rehearsal, service, question, about)
    yield * rehearsal.change([service])
  }
  const services = parts.reduce((sum, { times }) => sum + times, 0)
  yield asRow(done({ counts: sumWrites(parts), times: 1 }), settings, question.assumptions, {
    subject: 'mix', change: 'services at once', service: null, services, ports: null, frontends: services, backends: null, from: 'computed'
  })
}

type About = Pick<ConvergenceRow, 'subject' | 'service' | 'services' | 'ports' | 'frontends' | 'backends'>

function * restartRow (rehearsal: Rehearsal, service: Service, { eventsPerBackend, assumptions }: Question, about: About): RowSteps {
  const restart = yield * rollingRestart(rehearsal, service, eventsPerBackend)
  yield restart.ok
    ? done(rowOf(restart.value.events, rehearsal.settings, assumptions, { ...about, change: 'rolling restart', from: provenanceOf(restart.value) }))
    : restart
}

const provenanceOf = ({ rehearsed, backends }: Restart): ConvergenceRow['from'] => rehearsed === backends ? 'planned' : 'computed'

type Facts = About & Pick<ConvergenceRow, 'change'> & { readonly from?: ConvergenceRow['from'] | undefined }

function asRow (event: LbResult<AgentEvent>, settings: NodeSettings, assumptions: Assumptions, facts: Facts): LbResult<ConvergenceRow> {
  return event.ok ? done(rowOf([event.value], settings, assumptions, facts)) : event
}

function rowOf (events: readonly AgentEvent[], settings: NodeSettings, assumptions: Assumptions, facts: Facts): ConvergenceRow {
  const sizes = events.flatMap(({ counts }) => counts.tables.map(({ m }) => m))
  return {
    ...facts,
    from: facts.from ?? 'planned',
    m: sizes.length === 0 ? null : Math.max(...sizes),
    ...convergenceFigures(events, settings, assumptions)
  }
}
