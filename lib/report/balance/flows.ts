// How evenly flows are spread: seeded populations through the node's program, to one frontend of each class.

import { estimateOf } from '../estimate.ts'
import type { Estimate } from '../estimate.ts'
import { chiSquareOfCounts } from '../statistics.ts'
import type { ChiSquare } from '../statistics.ts'
import type { ReportBackend, ReportFlowCounter, ReportFlowCounts, ReportFrontend } from '../subject/source.ts'
import { eachMeasure, evennessOf } from './evenness.ts'
import type { Evenness } from './evenness.ts'
import type { SlotBalance } from './slots.ts'

export interface FlowBalance {
  /** the one that was asked, of all in the class */
  readonly frontend: string
  /** of all populations together */
  readonly flows: number
  /** over the populations */
  readonly evenness: Readonly<Record<keyof Evenness, Estimate>>
  /** flows of all populations against the table's slots: a small p-value says that they differ by more than chance */
  readonly chiSquare: ChiSquare | null
  /** flows that reached no backend */
  readonly unserved: number
}

/** a frontend whose slots have been counted */
export interface Counted {
  readonly frontend: ReportFrontend
  readonly backends: readonly ReportBackend[]
  readonly m: number
  readonly slots: SlotBalance
}

interface Populations {
  readonly seed: number
  /** to each frontend, in the mean */
  readonly flows: number
  readonly trials: number
}

/**
 * @yields the number of populations that are through
 * @returns in the order of the frontends, null for those that served no flow; null when the cluster has changed
 */
export function * flowBalances (
  counter: ReportFlowCounter, all: readonly Counted[], { seed, flows, trials }: Populations
): Generator<number, ReadonlyArray<FlowBalance | null> | null> {
  if (all.length === 0) return null
  const populations: Array<readonly ReportFlowCounts[]> = []
  for (let trial = 0; trial < trials; trial++) {
    const counting = counter.count(all.map(({ frontend }) => frontend), flows * all.length, populationSeed(seed, trial))
    let step = counting.next()
    for (; step.done !== true; step = counting.next()) yield trial
    if (step.value === null) return null
    populations.push(step.value)
  }
  return all.map((one, index) => flowBalance(one, populations.flatMap((counts) => counts[index] ?? [])))
}

/** far apart, since flows of one seed and the next are other numbers of one sequence */
const populationSeed = (seed: number, trial: number): number => (seed + Math.imul(trial, 0x9e3779b9)) >>> 0

function flowBalance ({ frontend, backends, slots }: Counted, populations: readonly ReportFlowCounts[]): FlowBalance | null {
  const perPopulation = populations.map((counts) => flowsOfBackends(counts, backends))
  const served = perPopulation.filter((counts) => counts.some((count) => count > 0))
  if (served.length === 0) return null
  const measured = served.map((counts) => evennessOf(counts, slots.aimed))
  const together = backends.map((_, index) => perPopulation.reduce((sum, counts) => sum + (counts[index] ?? 0), 0))
  return {
    frontend: nameOf(frontend),
    flows: populations.reduce((sum, counts) => sum + counts.flows, 0),
    evenness: eachMeasure((measure) => estimateOf(measured.map((one) => one[measure]), { range: [0, backends.length] })),
    chiSquare: chiSquareOfCounts(together, [...slots.counts]),
    unserved: populations.reduce((sum, counts) => sum + counts.unserved, 0)
  }
}

function flowsOfBackends ({ backends: counted }: ReportFlowCounts, backends: readonly ReportBackend[]): number[] {
  const byEndpoint = new Map(counted.map(({ address, port, flows }) => [`${address} ${port}`, flows]))
  return backends.map(({ address, port }) => byEndpoint.get(`${address} ${port}`) ?? 0)
}

/** `default/echo 172.20.0.1:443/TCP` */
export function nameOf ({ service, address, port, protocol }: ReportFrontend): string {
  const host = address.includes(':') ? `[${address}]` : address
  return `${service.namespace}/${service.name} ${host}:${port}/${protocol}`
}
