// One thread's share of a traffic run. Packets come in chunks that are handed out by number; every chunk's packets depend
// on the seed and its number alone, so the result does not depend on how many threads take part or who does which.
// Each packet goes through every node's program, in the node's own memory, on a CPU that this thread holds meanwhile.

import { attachCore, createBatch, createExecution } from '../bpf/core/index.ts'
import type { Core, Cost, Execution, PacketBatch } from '../bpf/core/index.ts'
import { SLOT_DATA, SLOT_EXECUTED, SLOT_FAULT, SLOT_LENGTH, SLOT_VERDICT } from '../bpf/core/assembly/exec-layout.ts'
import { SLOT_OVERHEAD_BYTES } from '../bpf/core/packet-batch.ts'
import { findProfile } from '../bpf/profile/index.ts'
import { reasons } from '../datapath/index.ts'
import { formatAddress, parsePrefix } from '../packet/index.ts'
import { createTrafficGenerator } from '../traffic/index.ts'
import type { TrafficGenerator, TrafficTarget } from '../traffic/index.ts'
import { withCpu } from './cpu-lease.ts'
import { outcomeCounters } from './outcomes.ts'
import type { OutcomeCounters } from './outcomes.ts'
import { portOfSent } from './port-of-sent.ts'
import { PairRegistry } from './traffic-pairs.ts'
import type { ShareTarget, TrafficPlan } from './traffic-plan.ts'
import type { NodeAttachment } from './types.ts'

export const CHUNK_PACKETS = 8192
/** packets between taking a CPU and giving it back: about 0.1 ms */
const BATCH_PACKETS = 256
const SLOT_ALIGNMENT = 64
/** hundreds of instructions are usual; a program that needs more than this is ended */
const BUDGET = 100_000
const XDP_TX = 3
const ETHERNET_LENGTH = 14

export interface ShareJob {
  readonly plan: TrafficPlan
  readonly targets: readonly ShareTarget[]
  /** in the plan's order of nodes */
  readonly attachments: readonly NodeAttachment[]
  /** CPU on every node, and number of this thread as a reader of the nodes' maps */
  readonly cpu: number
  readonly worker: number
}

export interface NodeShare {
  /** packets by r0, 5 entries; other numbers count as XDP_ABORTED, which the kernel takes them for */
  readonly verdicts: number[]
  readonly faults: number
  /** packets by what the program counted them as: index of `reasons` */
  readonly outcomes: number[]
  /** instructions of a packet -> packets */
  readonly instructions: Map<number, number>
  readonly cost: Cost
  readonly busyMs: number
  /** by pair: packets of flows on their first turn, and all packets */
  readonly firstTurn: number[]
  readonly packets: number[]
}

export interface TrafficShare {
  readonly nodes: NodeShare[]
  readonly pairs: Array<{ readonly target: number, readonly address: string, readonly port: number }>
  /** packets by target */
  readonly targets: number[]
  /** packets that did not end the same on all nodes */
  readonly disagreements: number
  /** of these the ones that the first node sent to a backend */
  readonly servedDisagreements: number
  /** disagreements by target */
  readonly targetDisagreements: number[]
  /** chunk -> one digest per node over verdicts and backends in order */
  readonly chunks: Map<number, number[]>
}

export interface ShareRunner {
  /** @param onBatch called after each batch; false stops within the chunk, whose results are then incomplete */
  runChunk (chunk: number, onBatch: (packets: number) => boolean): void
  finish (): TrafficShare
  /** gives back what it holds in the nodes' memories */
  dispose (): void
}

export const chunkCount = (plan: TrafficPlan): number => Math.ceil(plan.packets / CHUNK_PACKETS)

interface NodeState {
  readonly attachment: NodeAttachment
  readonly core: Core
  readonly execution: Execution
  readonly batch: PacketBatch
  readonly counters: OutcomeCounters
  readonly verdicts: Float64Array
  readonly outcomes: Float64Array
  readonly instructions: Map<number, number>
  firstTurn: Float64Array
  packets: Float64Array
  cost: Cost
  faults: number
  busyMs: number
  digest: number
}

/** @param now milliseconds, for the throughput */
export function createShare (job: ShareJob, now: () => number): ShareRunner {
  const { plan, targets } = job
  const generator = createGenerator(plan, targets)
  const strideBytes = Math.ceil((SLOT_OVERHEAD_BYTES + generator.maximumLength) / SLOT_ALIGNMENT) * SLOT_ALIGNMENT
  const nodes = openNodes(job, strideBytes)
  const slots = new Uint8Array(BATCH_PACKETS * strideBytes)
  const slotView = new DataView(slots.buffer)
  const backends = targets.map((target) => target.backends)
  const families = targets.map(({ address }) => address.length === 4 ? 4 as const : 6 as const)
  const targetOf = new Int32Array(BATCH_PACKETS)
  /** what became of each packet of the batch: its pair, or -1 - verdict */
  const endOf = new Int32Array(BATCH_PACKETS)
  const differs = new Uint8Array(BATCH_PACKETS)
  const pairs = new PairRegistry()
  const perTarget = new Float64Array(targets.length)
  const perTargetDiffering = new Float64Array(targets.length)
  const chunks = new Map<number, number[]>()
  let disagreements = 0
  let servedDisagreements = 0
  let nextFlow = -1

  function fill (first: number, count: number): void {
    for (let slot = 0; slot < count; slot++) {
      const flow = (first + slot) % plan.flows
      if (flow !== nextFlow) generator.seek(flow)
      nextFlow = flow + 1
      const at = slot * strideBytes
      slotView.setUint32(at + SLOT_LENGTH, generator.next(slots, at + SLOT_OVERHEAD_BYTES), true)
      const target = generator.lastTarget()
      targetOf[slot] = target
      perTarget[target] = (perTarget[target] as number) + 1
    }
  }

  function execute (node: NodeState, count: number): void {
    const { attachment, core, batch, counters } = node
    core.bytes().set(slots.subarray(0, count * strideBytes), batch.address)
    withCpu(attachment.cpuLeases, job.cpu, () => {
      const before = counters.read()
      const startedMs = now()
      const result = node.execution.runBatch(attachment.image, batch, { to: count, budget: BUDGET })
      node.busyMs += now() - startedMs
      node.faults += result.faults
      node.cost = addCosts(node.cost, result.cost)
      const after = counters.read()
      for (let index = 0; index < after.length; index++) {
        node.outcomes[index] = (node.outcomes[index] as number) + (after[index] as number) - (before[index] as number)
      }
    })
  }

  /** Reads what became of the packets out of the slots that the program rewrote. */
  function collect (node: NodeState, first: number, count: number, isFirst: boolean): void {
    const view = node.core.view()
    for (let slot = 0; slot < count; slot++) {
      const at = node.batch.address + slot * strideBytes
      const end = endOfPacket(node, view, at, targetOf[slot] as number)
      const executed = view.getUint32(at + SLOT_EXECUTED, true)
      node.instructions.set(executed, (node.instructions.get(executed) ?? 0) + 1)
      if (end >= 0) {
        node.packets[end] = (node.packets[end] as number) + 1
        if (first + slot < plan.flows) node.firstTurn[end] = (node.firstTurn[end] as number) + 1
      }
      node.digest = mix(node.digest, end >= 0 ? pairs.contentHash(end) : end)
      if (isFirst) endOf[slot] = end
      differs[slot] = isFirst ? 0 : (differs[slot] as number) | (endOf[slot] === end ? 0 : 1)
    }
  }

  function endOfPacket (node: NodeState, view: DataView, at: number, target: number): number {
    const retval = view.getUint32(at + SLOT_VERDICT, true)
    const verdict = view.getUint32(at + SLOT_FAULT, true) === 0 && retval < node.verdicts.length ? retval : 0
    node.verdicts[verdict] = (node.verdicts[verdict] as number) + 1
    if (verdict !== XDP_TX) return -1 - verdict
    const family = families[target] as 4 | 6
    const ip = at + view.getUint32(at + SLOT_DATA, true) + ETHERNET_LENGTH
    const port = portOfSent(view, ip, family, backends[target] ?? [])
    const pair = pairs.find(target, family, view, ip + (family === 4 ? 16 : 24), port)
    if (pair >= node.packets.length) growCounts(node, pairs.size)
    return pair
  }

  function runBatch (first: number, count: number): void {
    fill(first, count)
    for (const [index, node] of nodes.entries()) {
      execute(node, count)
      collect(node, first, count, index === 0)
    }
    for (let slot = 0; slot < count; slot++) {
      const target = targetOf[slot] as number
      disagreements += differs[slot] as number
      if ((endOf[slot] as number) >= 0) servedDisagreements += differs[slot] as number
      perTargetDiffering[target] = (perTargetDiffering[target] as number) + (differs[slot] as number)
    }
  }

  return {
    runChunk (chunk, onBatch) {
      const end = Math.min(plan.packets, (chunk + 1) * CHUNK_PACKETS)
      for (const [index, node] of nodes.entries()) {
        node.digest = 0
        // what random selection draws is the chunk's, whoever runs it; two machines do not draw the same
        node.execution.seedRandom((plan.seed ^ Math.imul(chunk + 1, 0x9e3779b1) ^ Math.imul(index, 0x85ebca6b)) >>> 0)
      }
      for (let first = chunk * CHUNK_PACKETS; first < end; first += BATCH_PACKETS) {
        const count = Math.min(BATCH_PACKETS, end - first)
        runBatch(first, count)
        if (!onBatch(count)) return
      }
      chunks.set(chunk, nodes.map((node) => node.digest >>> 0))
    },
    finish: () => ({
      nodes: nodes.map((node) => shareOf(node, pairs.size)),
      pairs: Array.from({ length: pairs.size }, (_, index) => {
        const { target, address, port } = pairs.pair(index)
        return { target, address: formatAddress(address), port }
      }),
      targets: [...perTarget],
      disagreements,
      servedDisagreements,
      targetDisagreements: [...perTargetDiffering],
      chunks
    }),
    dispose () {
      for (const node of nodes) {
        node.execution.dispose()
        node.batch.free()
      }
    }
  }
}

function createGenerator (plan: TrafficPlan, targets: readonly TrafficTarget[]): TrafficGenerator {
  const prefix = plan.sourceCidr === null ? null : parsePrefix(plan.sourceCidr)
  return createTrafficGenerator({
    seed: plan.seed,
    targets,
    ...(prefix === null ? {} : { sources: prefix.address.length === 4 ? { 4: prefix } : { 6: prefix } }),
    ...(plan.distribution === 'uniform' ? {} : { zipfExponent: plan.distribution.zipf })
  })
}

/** All of them, or none: what was opened before one that cannot be is given back. */
function openNodes (job: ShareJob, strideBytes: number): NodeState[] {
  const opened: NodeState[] = []
  try {
    for (const attachment of job.attachments) opened.push(openNode(attachment, job, strideBytes))
    return opened
  } catch (error) {
    for (const node of opened) {
      node.execution.dispose()
      node.batch.free()
    }
    throw error
  }
}

function openNode (attachment: NodeAttachment, job: ShareJob, strideBytes: number): NodeState {
  const profile = findProfile(attachment.kernel)
  if (profile === undefined) throw new TypeError(`there is no kernel profile ${attachment.kernel}`)
  const core = attachCore({ module: attachment.module, memory: attachment.memory, profile, possibleCpus: attachment.possibleCpus })
  const batch = createBatch(core, { slots: BATCH_PACKETS, strideBytes })
  if (!batch.ok) throw new RangeError(`node ${attachment.node}: ${batch.error.message}`)
  return {
    attachment,
    core,
    batch: batch.value,
    execution: createExecution(core, { cpu: job.cpu, worker: job.worker, clockNs: BigInt(attachment.uptimeMs) * 1_000_000n }),
    counters: outcomeCounters(core, attachment.metricsMapAddress, job.cpu),
    verdicts: new Float64Array(5),
    outcomes: new Float64Array(reasons.length),
    instructions: new Map(),
    firstTurn: new Float64Array(1024),
    packets: new Float64Array(1024),
    cost: noCost,
    faults: 0,
    busyMs: 0,
    digest: 0
  }
}

function growCounts (node: NodeState, size: number): void {
  const grown = (values: Float64Array): Float64Array => {
    const larger = new Float64Array(2 ** Math.ceil(Math.log2(size + 1)))
    larger.set(values)
    return larger
  }
  node.packets = grown(node.packets)
  node.firstTurn = grown(node.firstTurn)
}

function shareOf (node: NodeState, pairs: number): NodeShare {
  // a node that never met the newest pairs has shorter counts
  const counts = (values: Float64Array): number[] => Array.from({ length: pairs }, (_, index) => values[index] ?? 0)
  return {
    verdicts: [...node.verdicts],
    faults: node.faults,
    outcomes: [...node.outcomes],
    instructions: node.instructions,
    cost: node.cost,
    busyMs: node.busyMs,
    firstTurn: counts(node.firstTurn),
    packets: counts(node.packets)
  }
}

/** order matters, so two packets that swap their backends change it */
function mix (digest: number, value: number): number {
  const mixed = Math.imul(digest ^ value, 0x9e3779b1)
  return mixed ^ (mixed >>> 15)
}

const noRegions = { stack: 0, packet: 0, ctx: 0, map: 0, kernel: 0 }

export const noCost: Cost = { instructions: 0, mapLookups: 0, mapCalls: 0, loads: noRegions, stores: noRegions }

export function addCosts (one: Cost, other: Cost): Cost {
  const regions = (a: Cost['loads'], b: Cost['loads']): Cost['loads'] =>
    ({ stack: a.stack + b.stack, packet: a.packet + b.packet, ctx: a.ctx + b.ctx, map: a.map + b.map, kernel: a.kernel + b.kernel })
  return {
    instructions: one.instructions + other.instructions,
    mapLookups: one.mapLookups + other.mapLookups,
    mapCalls: one.mapCalls + other.mapCalls,
    loads: regions(one.loads, other.loads),
    stores: regions(one.stores, other.stores)
  }
}
