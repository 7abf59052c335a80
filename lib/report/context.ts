// What every kind of report is made from: the nodes it is about, what they stand for, and steps, because some reports take seconds.

import type { ReportFrontend, ReportSource, StepCost, Subject, WatchedNode } from './subject/source.ts'

/** What a source that holds one service of each size stands for. */
export interface MixScale {
  /** services of the mix with that many backends */
  frontendsOf (backends: number): number
  /** elements of a map on a node that held the whole mix; undefined for maps that services do not fill */
  entriesOf (node: string, map: string): number | undefined
}

export interface ReportContext {
  /** the cluster's own nodes, or scratch nodes that hold one service of each size of a mix */
  readonly source: ReportSource
  /** names of the nodes that the report is about, in its order */
  readonly nodes: readonly string[]
  readonly subject: Subject
  /** null: the source holds what it stands for */
  readonly scale: MixScale | null
  /** that node with all its services, or some of very many, in a simulator of its own; they are those of when this is called */
  readonly populate: (node: string) => ReportSteps<ReportPopulation>
  /** single steps of a lookup on an emulated kernel */
  readonly stepCosts: (kernel: string) => ReportSteps<readonly StepCost[]>
}

export interface ReportPopulation {
  readonly services: { readonly made: number, readonly of: number }
  readonly frontends: readonly ReportFrontend[]
  readonly watched: WatchedNode
}

export interface ReportProgress {
  readonly done: number
  readonly total: number
  /** what is counted, in the plural: `trials` */
  readonly unit: string
}

/** unit of the steps that come before those of the report itself: services of a mix are made, one of each size */
export const PREPARATION_UNIT = 'sizes'

/**
 * A report in steps of a few milliseconds. Whatever it asks of a cluster it asks before the first one: between steps the cluster may
 * change, and a report speaks of one revision. Nodes made for a mix belong to the report and do not change.
 */
export type ReportSteps<R> = Generator<ReportProgress, R>

/** An option of a report that the schema could not refuse. */
export class ReportRefusal extends Error {
  /** JSON Pointer into the request, e.g. `/trials` */
  readonly pointer: string

  constructor (pointer: string, detail: string) {
    super(detail)
    this.name = 'ReportRefusal'
    this.pointer = pointer
  }
}
