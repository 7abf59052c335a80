// An agent without maps: a node's planner over a desired state of its own, on which changes are made one after the other to see what each
// would write. Plans are those that a node with these settings would carry out; nobody's state changes.

import { Cluster, sortedFrontendKeys } from './cluster.ts'
import type { DesiredState } from './cluster.ts'
import { done } from './errors.ts'
import type { LbResult } from './errors.ts'
import { LbNode } from './node.ts'
import type { DesiredChange } from './node.ts'
import type { Service } from './service.ts'
import type { NodeSettings } from './settings.ts'
import type { Steps } from './steps.ts'
import { countWrites } from './write-counts.ts'
import type { WriteCounts } from './write-counts.ts'

export class Rehearsal {
  readonly node: LbNode
  readonly #cluster: Cluster

  /** @param start what there is already; what changes there later is not seen here */
  constructor (settings: NodeSettings, start?: Cluster) {
    this.node = new LbNode(settings)
    this.#cluster = new Cluster(start)
  }

  get settings (): NodeSettings {
    return this.node.settings
  }

  /** its own, else the cluster's */
  get nodeAddresses (): readonly string[] {
    return this.settings.addresses ?? this.#cluster.nodeAddresses
  }

  get serviceCount (): number {
    return this.#cluster.serviceCount
  }

  services (): IterableIterator<Service> {
    return this.#cluster.services()
  }

  /** Realises what there is at the start, which comes before any change. */
  * start (): Steps<LbResult<void>> {
    const plan = yield * this.node.planSteps(everything(this.#cluster))
    if (!plan.ok) return plan
    plan.value.commit()
    return done(undefined)
  }

  /** @returns what it takes to create or replace these services in one change; it has been made here then */
  * change (services: readonly Service[]): Steps<LbResult<WriteCounts>> {
    const draft = this.#cluster.draft()
    for (const service of services) {
      const put = draft.putService(service)
      if (!put.ok) return put
      yield
    }
    const plan = yield * this.node.planSteps(draft)
    if (!plan.ok) return plan
    plan.value.commit()
    draft.commit()
    return done(countWrites(plan.value.writes))
  }
}

/** the whole desired state as one change, for a node that starts */
export function everything (desired: DesiredState & { services (): Iterable<Service> }): DesiredChange {
  return {
    service: key => desired.service(key),
    frontend: key => desired.frontend(key),
    nodeLabels: name => desired.nodeLabels(name),
    nodeAddresses: desired.nodeAddresses,
    nodeAddressesChanged: true,
    touched: () => [...desired.services()].flatMap(sortedFrontendKeys)
  }
}
