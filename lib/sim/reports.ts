// Answers a request for a report: about the current cluster from the simulator itself, about a mix from a scratch simulator that holds
// one service of each size and is dropped afterwards.

import { comparedNodes } from '../loadbalancer/index.ts'
import type { NodeSettings } from '../loadbalancer/index.ts'
import { buildReport, formatMix, isServiceMap, nameOf, parseMix, PREPARATION_UNIT, ReportRefusal } from '../report/index.ts'
import type { MixPart, MixScale, Report, ReportContext, ReportSteps } from '../report/index.ts'
import { SimError, simErrorUnder } from './errors.ts'
import { mixService } from './mix-service.ts'
import { inhabitantsOf, mixInhabitants, populate } from './populate.ts'
import type { ReportRequest, Simulator } from './types.ts'

export interface ReportSimulators {
  /** the simulator that was asked */
  readonly current: Simulator
  /** makes one of the same assets without services */
  readonly scratch: (nodes: readonly NodeSettings[]) => Simulator
  readonly stepCosts: ReportContext['stepCosts']
}

/** What can be refused is refused before the first step of the report itself, which those that make a mix come before. */
export function * reportSteps (request: ReportRequest, simulators: ReportSimulators): ReportSteps<Report> {
  const { kind, nodes, mix, variants, ...options } = request
  const context = mix === undefined ? clusterContext(request, simulators) : yield * mixContext(request, mix, simulators)
  try {
    return yield * buildReport(kind, context, options)
  } catch (error) {
    if (error instanceof ReportRefusal) throw refusedAt(error.pointer, error.message)
    throw error
  }
}

function clusterContext ({ nodes, variants }: ReportRequest, { current: source, scratch, stepCosts }: ReportSimulators): ReportContext {
  if (variants !== undefined) {
    throw refusedAt('/variants', 'variants are made for a mix; the cluster is reported for its own nodes: give a mix too, or create nodes')
  }
  const names = nodes ?? source.listNodes().map((node) => node.name)
  for (const [index, name] of names.entries()) placedAt(`/nodes/${index}`, () => source.getNode(name))
  // nodes may have tables for different frontends
  const frontends = Math.max(0, ...names.map((name) => source.getNode(name).counts.tables))
  return {
    source,
    nodes: names,
    subject: { revision: source.revision(), mix: null, frontends },
    scale: null,
    populate: (name) => populate(source.getNode(name), inhabitantsOf(source), scratch),
    stepCosts
  }
}

/** The same failure, with the place in the request that it comes from. */
function placedAt<T> (pointer: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    if (!(error instanceof SimError)) throw error
    throw new SimError(error.code, error.message, { places: [{ pointer, detail: error.message }], facts: error.facts })
  }
}

const refusedAt = (pointer: string, detail: string): SimError => new SimError('INVALID_ARGUMENT', detail, { places: [{ pointer, detail }] })

function * mixContext (
  { nodes, variants }: ReportRequest, text: string, { scratch: makeScratch, stepCosts }: ReportSimulators
): ReportSteps<ReportContext> {
  if (nodes !== undefined) {
    throw refusedAt('/nodes', 'a mix is reported for variants, not for the nodes of the cluster: use "variants" with a mix')
  }
  const mix = parseMix(text)
  if (!mix.ok) throw refusedAt('/mix', mix.message)
  const scratch = makeScratch(variants === undefined ? comparedNodes() : [])
  const names = variants === undefined ? scratch.listNodes().map((node) => node.name) : makeVariants(scratch, variants)
  const frontends = mix.parts.reduce((sum, part) => sum + part.services, 0)
  const subject = { revision: null, mix: formatMix(mix.parts), frontends }
  return {
    source: scratch,
    nodes: names,
    subject,
    scale: yield * fill(scratch, names, mix.parts),
    populate: (name) => populate(scratch.getNode(name), mixInhabitants(mix.parts), makeScratch),
    stepCosts
  }
}

function makeVariants (scratch: Simulator, variants: NonNullable<ReportRequest['variants']>): string[] {
  if (variants.length === 0 || variants.length > 16) throw refusedAt('/variants', 'between 1 and 16 variants are compared at once')
  const names = variants.map(({ name }) => name)
  const twice = names.findIndex((name, index) => names.indexOf(name) !== index)
  if (twice >= 0) throw refusedAt(`/variants/${twice}/name`, `there is another variant ${names[twice]}`)
  return variants.map((variant, index) => makeVariant(scratch, variant, `/variants/${index}`))
}

function makeVariant (scratch: Simulator, variant: NonNullable<ReportRequest['variants']>[number], at: string): string {
  try {
    return scratch.createNode(variant).name
  } catch (error) {
    throw error instanceof SimError ? simErrorUnder(at, error) : error
  }
}

/** Adds one service of each size and watches by how much the entries of every map grow: that times the count is the mix. */
function * fill (scratch: Simulator, nodes: readonly string[], parts: readonly MixPart[]): ReportSteps<MixScale> {
  const entries = new Map(nodes.map((node) => [node, new Map(entriesOf(scratch, node))]))
  for (const [index, part] of parts.entries()) {
    yield { done: index, total: parts.length, unit: PREPARATION_UNIT }
    const before = nodes.map((node) => entriesOf(scratch, node))
    // maps of the nodes may be too small for a service of that size
    placedAt('/mix', () => scratch.putService(mixService(index, part.backends)))
    for (const [at, node] of nodes.entries()) {
      const totals = entries.get(node)
      for (const [map, count] of entriesOf(scratch, node)) {
        totals?.set(map, (totals.get(map) ?? 0) + (count - (before[at]?.get(map) ?? 0)) * part.services)
      }
    }
  }
  const counts = new Map(parts.map((part) => [part.backends, part.services]))
  return { frontendsOf: (backends) => counts.get(backends) ?? 0, entriesOf: (node, map) => entries.get(node)?.get(map) }
}

const entriesOf = (sim: Simulator, node: string): Map<string, number> =>
  new Map(sim.listMaps(node).filter(isServiceMap).map((map) => [nameOf(map), map.entries]))
