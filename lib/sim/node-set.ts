// The cluster and its nodes: the one place where either changes.

import { Cluster, complete, everything, namesOf, realiseChange, realiseSteps, validateSettings } from '../loadbalancer/index.ts'
import type { AppliedNode, Draft, LbNode, LbResult, NodeSettings, Steps } from '../loadbalancer/index.ts'
import { kernelProfiles } from '../bpf/profile/index.ts'
import type { SimulatorAssets } from './assets.ts'
import { SimError, simErrorOf, simErrorUnder } from './errors.ts'
import type { ProgramLoading } from './datapath.ts'
import { buildNode, setMachineClock } from './node.ts'
import type { EmulatedNode } from './node.ts'

/** each has a memory of its own that may grow to 4 GiB */
export const NODES_MAX = 16

/** a hundred years: connections end at seconds of 32 bits */
const UPTIME_MAX_MS = 100 * 365 * 86_400_000

/** changes of M that a node remembers */
const SIZE_CHANGES_KEPT = 100

export interface NodeSetContext {
  readonly assets: SimulatorAssets
  readonly random: () => number
  readonly programs: ProgramLoading
}

export class NodeSet {
  readonly cluster = new Cluster()
  readonly #context: NodeSetContext
  readonly #nodes = new Map<string, EmulatedNode>()
  #generations = 0
  #uptimeMs = 0
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

  /** of every machine's clock */
  get uptimeMs (): number {
    return this.#uptimeMs
  }

  /** @throws SimError INVALID_ARGUMENT for a time before the one it is */
  setUptime (uptimeMs: number): void {
    if (!Number.isInteger(uptimeMs) || uptimeMs > UPTIME_MAX_MS) {
      throw new SimError('INVALID_ARGUMENT', `${uptimeMs} is not a whole number of milliseconds up to ${UPTIME_MAX_MS}`)
    }
    if (uptimeMs < this.#uptimeMs) {
      throw new SimError('INVALID_ARGUMENT', `the machines are up for ${this.#uptimeMs} ms already, and no clock goes back: say that or later`)
    }
    this.#uptimeMs = uptimeMs
    for (const node of this.#nodes.values()) setMachineClock(node, uptimeMs)
  }

  get coreModule (): WebAssembly.Module {
    return this.#context.assets.core
  }

  create (settings: NodeSettings): EmulatedNode {
    if (this.#nodes.has(settings.name)) throw new SimError('NODE_EXISTS', `node ${settings.name} exists; change it or delete it first`)
    refuseTooMany(this.#nodes.size + 1)
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

  /**
   * Drafts a change, realises it on every node and commits it.
   * @param wanted all nodes there are to be from then on
   * @throws SimError of the refusal; then nothing has changed
   */
  change<T> (make: (draft: Draft) => LbResult<T>, wanted?: readonly NodeSettings[]): T {
    this.#refuseWhileChanging()
    const draft = this.cluster.draft()
    const made = make(draft)
    if (!made.ok) throw simErrorOf(made.error)
    complete(this.realiseSteps(draft, wanted))
    return made.value
  }

  /**
   * Realises a draft on every node and commits it, in steps; until the last one no other change may begin.
   * @param wanted all nodes there are to be from then on; those whose settings are others now are built anew
   * @param dryRun only find out whether it could be
   */
  * realiseSteps (draft: Draft, wanted = this.#settings(), dryRun = false): Steps<void> {
    refuseTooMany(wanted.length)
    const rebuilt = new Map(wanted.flatMap((settings, index) => {
      const valid = this.#valid(settings, `/nodes/${index}`)
      return this.#isBuilt(valid) ? [] : [[valid.name, this.#build(valid, draft)] as const]
    }))
    const kept = wanted.flatMap(({ name }) => rebuilt.has(name) ? [] : [this.get(name)])
    if (dryRun) {
      for (const { node } of kept) yield * tryPlan(node, draft)
      return
    }
    const realised = yield * realiseSteps(draft, kept)
    if (!realised.ok) throw simErrorOf(realised.error)
    draft.commit()
    for (const applied of realised.value) noteSizeChanges(this.get(applied.node), applied, this.cluster.revision)
    const nodes = wanted.map(({ name }) => rebuilt.get(name) ?? this.get(name))
    this.#nodes.clear()
    for (const node of nodes) this.#nodes.set(node.settings.name, node)
  }

  #settings (): readonly NodeSettings[] {
    return this.list().map(({ settings }) => settings)
  }

  #isBuilt (settings: NodeSettings): boolean {
    return JSON.stringify(this.#nodes.get(settings.name)?.settings) === JSON.stringify(settings)
  }

  #refuseWhileChanging (): void {
    if (this.#changing) throw new SimError('CHANGE_IN_PROGRESS', 'another change is being made; try again when it is done')
  }

  #put (settings: NodeSettings): EmulatedNode {
    this.#refuseWhileChanging()
    const valid = this.#valid(settings)
    const known = this.#nodes.get(settings.name)
    const node = known !== undefined && differInPlaceOnly(known.settings, valid) ? this.#move(known, valid) : this.#build(valid)
    this.#nodes.set(settings.name, node)
    return node
  }

  /** A node that moves keeps its maps and ids, as an agent does whose node gets another label. */
  #move (emulated: EmulatedNode, settings: NodeSettings): EmulatedNode {
    const { node, settings: before } = emulated
    node.move(settings)
    const realised = realiseChange(everything(this.cluster), [emulated])
    if (realised.ok) return { ...emulated, settings }
    node.move(before)
    throw simErrorOf(realised.error)
  }

  /** @param at JSON Pointer of the settings within the input */
  #valid (settings: NodeSettings, at = ''): NodeSettings {
    const valid = validateSettings(settings, kernelProfiles.map(({ name }) => name))
    if (valid.ok) return valid.value
    throw simErrorUnder(at, simErrorOf(valid.error))
  }

  #build (settings: NodeSettings, desired: Cluster | Draft = this.cluster): EmulatedNode {
    return buildNode(settings, { ...this.#context, desired, generation: ++this.#generations, uptimeMs: this.#uptimeMs })
  }
}

function differInPlaceOnly (one: NodeSettings, other: NodeSettings): boolean {
  const elsewhere = (settings: NodeSettings): string => JSON.stringify({ ...settings, nodeName: null, zone: null, labels: {} })
  return elsewhere(one) === elsewhere(other)
}

function refuseTooMany (nodes: number): void {
  if (nodes > NODES_MAX) throw new SimError('LIMIT_EXCEEDED', `${NODES_MAX} nodes are the limit`, { facts: { limit: NODES_MAX } })
}

function noteSizeChanges ({ tableSizeChanges }: EmulatedNode, { sizeChanges }: AppliedNode, revision: number): void {
  for (const { service, revNatId, from, to, movedShare } of sizeChanges) {
    tableSizeChanges.push({ revision, service: namesOf(service), frontend: revNatId, from, to, movedShare })
  }
  tableSizeChanges.splice(0, tableSizeChanges.length - SIZE_CHANGES_KEPT)
}

function * tryPlan (node: LbNode, draft: Draft): Steps<void> {
  const plan = yield * node.planSteps(draft)
  if (!plan.ok) throw simErrorOf(plan.error)
  plan.value.drop()
}
