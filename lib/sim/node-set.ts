// The cluster and its nodes: the one place where either changes.

import { Cluster, realiseChange, validateSettings } from '../loadbalancer/index.ts'
import type { Draft, LbNode, LbResult, NodeSettings } from '../loadbalancer/index.ts'
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
    this.get(name)
    this.#nodes.delete(name)
  }

  /** Drafts a change, realises it on every node and commits it. @throws SimError of the refusal; then nothing has changed */
  change<T> (make: (draft: Draft) => LbResult<T>): T {
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
    const rebuilt = replacement === null ? null : this.#build(this.#valid(replacement), draft)
    const others = this.list().filter(({ settings }) => settings.name !== replacement?.name)
    if (dryRun) {
      for (const { node } of others) tryPlan(node, draft)
      return
    }
    const realised = realiseChange(draft, others)
    if (!realised.ok) throw simErrorOf(realised.error)
    draft.commit()
    if (rebuilt !== null) this.#nodes.set(rebuilt.settings.name, rebuilt)
  }

  #put (settings: NodeSettings): EmulatedNode {
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

function tryPlan (node: LbNode, draft: Draft): void {
  const plan = node.plan(draft)
  if (!plan.ok) throw simErrorOf(plan.error)
  plan.value.drop()
}
