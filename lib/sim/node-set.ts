// The cluster and its nodes: the one place where either changes.

import { Cluster, complete, realiseSteps, validateSettings } from '../loadbalancer/index.ts'
import type { Draft, LbNode, LbResult, NodeSettings, Steps } from '../loadbalancer/index.ts'
import { kernelProfiles } from '../bpf/profile/index.ts'
import type { SimulatorAssets } from './assets.ts'
import { SimError, simErrorOf } from './errors.ts'
import { buildNode } from './node.ts'
import type { EmulatedNode } from './node.ts'

/** each has a memory of its own that may grow to 4 GiB */
export const NODES_MAX = 16

export interface NodeSetContext {
  readonly assets: SimulatorAssets
  readonly random: () => number
}

export class NodeSet {
  readonly cluster = new Cluster()
  readonly #context: NodeSetContext
  readonly #nodes = new Map<string, EmulatedNode>()
  #generations = 0
  #changing = false

  constructor (context: NodeSetContext, initial: readonly NodeSettings[]) {
    this.#context = context
    for (const settings of initial) this.#nodes.set(settings.name, this.#build(settings))
  }

  list (): EmulatedNode[] {
    return [...this.#nodes.values()]
  }

  /** @throws SimError NODE_NOT_FOUND */
  get (name: string): EmulatedNode {
    const node = this.#nodes.get(name)
    if (node !== undefined) return node
    const names = [...this.#nodes.keys()].join(', ')
    throw new SimError('NODE_NOT_FOUND', `there is no node ${JSON.stringify(name)}; there are: ${names}`)
  }

  get coreModule (): WebAssembly.Module {
    return this.#context.assets.core
  }

  has (name: string): boolean {
    return this.#nodes.has(name)
  }

  create (settings: NodeSettings): EmulatedNode {
    if (this.#nodes.has(settings.name)) throw new SimError('NODE_EXISTS', `node ${settings.name} exists; change it or delete it first`)
    if (this.#nodes.size >= NODES_MAX) throw new SimError('LIMIT_EXCEEDED', `${NODES_MAX} nodes are the limit`, { facts: { limit: NODES_MAX } })
    return this.#put(settings)
  }

  /** The node is built anew beside the old one, which stays when that fails. */
  replace (settings: NodeSettings): EmulatedNode {
    this.get(settings.name)
    return this.#put(settings)
  }

  delete (name: string): void {
    this.#refuseWhileChanging()
    this.get(name)
    this.#nodes.delete(name)
  }

  /** Steps of a change: none other may begin before the last one. @throws SimError CHANGE_IN_PROGRESS */
  * exclusively<T> (steps: () => Steps<T>): Steps<T> {
    this.#refuseWhileChanging()
    this.#changing = true
    try {
      return yield * steps()
    } finally {
      this.#changing = false
    }
  }

  /** Drafts a change, realises it on every node and commits it. @throws SimError of the refusal; then nothing has changed */
  change<T> (make: (draft: Draft) => LbResult<T>): T {
    this.#refuseWhileChanging()
    const draft = this.cluster.draft()
    const made = make(draft)
    if (!made.ok) throw simErrorOf(made.error)
    this.realise(draft)
    return made.value
  }

  /**
   * Realises a draft on every node and commits it.
   * @param replacement settings of a node that is built anew in the same change
   * @param dryRun only find out whether it could be
   */
  realise (draft: Draft, replacement: NodeSettings | null = null, dryRun = false): void {
    complete(this.realiseSteps(draft, replacement, dryRun))
  }

  /** The same in steps; until the last one no other change may begin. */
  * realiseSteps (draft: Draft, replacement: NodeSettings | null = null, dryRun = false): Steps<void> {
    const rebuilt = replacement === null ? null : this.#build(this.#valid(replacement), draft)
    const others = this.list().filter(({ settings }) => settings.name !== replacement?.name)
    if (dryRun) {
      for (const { node } of others) yield * tryPlan(node, draft)
      return
    }
    const realised = yield * realiseSteps(draft, others)
    if (!realised.ok) throw simErrorOf(realised.error)
    draft.commit()
    if (rebuilt !== null) this.#nodes.set(rebuilt.settings.name, rebuilt)
  }

  #refuseWhileChanging (): void {
    if (this.#changing) throw new SimError('CHANGE_IN_PROGRESS', 'another change is being made; try again when it is done')
  }

  #put (settings: NodeSettings): EmulatedNode {
    this.#refuseWhileChanging()
    const node = this.#build(this.#valid(settings))
    this.#nodes.set(settings.name, node)
    return node
  }

  #valid (settings: NodeSettings): NodeSettings {
    const valid = validateSettings(settings, kernelProfiles.map(({ name }) => name))
    if (!valid.ok) throw simErrorOf(valid.error)
    return valid.value
  }

  #build (settings: NodeSettings, desired: Cluster | Draft = this.cluster): EmulatedNode {
    return buildNode(settings, { ...this.#context, desired, generation: ++this.#generations })
  }
}

function * tryPlan (node: LbNode, draft: Draft): Steps<void> {
  const plan = yield * node.planSteps(draft)
  if (!plan.ok) throw simErrorOf(plan.error)
  plan.value.drop()
}
